package jpeg

import "io"

const (
	// window is the number of bytes that are read from the file at once, and the
	// number of clean bytes of a scan that are held at once. A buffer of the file's
	// size would be slower: its page faults cost more than copying through a window.
	window = 64 << 10
	// blockBytes is more than any block can take: 64 coefficients of at most 16 bits
	// of code and 15 of value (248 bytes), plus the bytes that a refill reads ahead.
	// At the start of a block the buffer holds that many, or the rest of the segment.
	blockBytes = 512
	// slack is the number of zero bytes that follow the last byte of a segment in the
	// buffer. maxRun blocks of 248 bytes fit in it, so that their symbols need no check
	// for the end; the check comes after them.
	slack = 4096
)

// source reads the file through a window.
type source struct {
	r    io.ReaderAt
	size int64
	off  int64  // of the byte after raw[n-1]
	raw  []byte // raw[i:n] is read and not yet taken
	i, n int
	err  error // of r, other than io.EOF
}

// fork returns a source at the same position that reads the same file by itself.
func (s *source) fork() *source {
	f := newSource(s.r, s.size)
	f.off = s.at()
	return f
}

func newSource(r io.ReaderAt, size int64) *source {
	return &source{r: r, size: size, raw: make([]byte, window)}
}

// at returns the position in the file of the next byte.
func (s *source) at() int64 { return s.off - int64(s.n-s.i) }

// seek makes the byte at off the next one.
func (s *source) seek(off int64) { s.off, s.i, s.n = off, 0, 0 }

// fill reads until at least want bytes are in the window, and reports whether they are.
func (s *source) fill(want int) bool {
	if s.n-s.i >= want {
		return true
	}
	s.n = copy(s.raw, s.raw[s.i:s.n])
	s.i = 0
	for s.n < want && s.off < s.size && s.err == nil {
		p := s.raw[s.n:]
		if int64(len(p)) > s.size-s.off {
			p = p[:s.size-s.off]
		}
		n, err := s.r.ReadAt(p, s.off)
		s.n += n
		s.off += int64(n)
		if err != nil && err != io.EOF {
			s.err = err
		} else if err == io.EOF && n < len(p) {
			s.size = s.off // the file is shorter than its size
		}
	}
	return s.n >= want
}

// next returns the next byte; false at the end of the file.
func (s *source) next() (byte, bool) {
	if s.i == s.n && !s.fill(1) {
		return 0, false
	}
	s.i++
	return s.raw[s.i-1], true
}

// full fills p.
func (s *source) full(p []byte) bool {
	for len(p) > 0 {
		if !s.fill(1) {
			return false
		}
		n := copy(p, s.raw[s.i:s.n])
		s.i += n
		p = p[n:]
	}
	return true
}

// skip skips n bytes. It returns false if the file has fewer.
func (s *source) skip(n int) bool {
	if have := s.n - s.i; n > have {
		s.off += int64(n - have)
		s.i, s.n = 0, 0
		return s.off <= s.size
	}
	s.i += n
	return true
}
