package vp8

// chunkBytes is the unit in which levels and partitions are held.
const chunkBytes = 64 << 10

// pool keeps chunks for use again: levels that were coded make room for the partitions
// that they became, so that the garbage collector has nothing to do.
type pool struct{ free [][]byte }

func (p *pool) get() []byte {
	if n := len(p.free); n > 0 {
		c := p.free[n-1]
		p.free = p.free[:n-1]
		return c[:0]
	}
	return make([]byte, 0, chunkBytes)
}

// stream is bytes in chunks, written at the end and read from the beginning.
type stream struct {
	pool   *pool
	chunks [][]byte
	size   int64
	at     int // in chunks[0], while reading
}

// write appends b, which may be split between two chunks.
func (s *stream) write(b []byte) {
	s.size += int64(len(b))
	for len(b) > 0 {
		n := len(s.chunks) - 1
		if n < 0 || len(s.chunks[n]) == cap(s.chunks[n]) {
			s.chunks = append(s.chunks, s.pool.get())
			n++
		}
		c := s.chunks[n]
		k := min(len(b), cap(c)-len(c))
		s.chunks[n] = append(c, b[:k]...)
		b = b[k:]
	}
}

// read fills b with the next bytes. Chunks read go back to the pool.
func (s *stream) read(b []byte) {
	s.size -= int64(len(b))
	for len(b) > 0 {
		c := s.chunks[0]
		k := copy(b, c[s.at:])
		b = b[k:]
		if s.at += k; s.at == len(c) {
			s.pool.free = append(s.pool.free, c)
			s.chunks, s.at = s.chunks[1:], 0
		}
	}
}
