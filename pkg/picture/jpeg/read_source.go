package jpeg

import "io"

const (
	// window is how much of the file is read at once, and how many clean bytes
	// of a scan are held at once: never a slice of the file's size, whose page
	// faults would cost more than the copying.
	window = 64 << 10
	// blockBytes is more than any block can take: 64 coefficients of at most
	// 16 bits of code and 15 of value (248 bytes), and what a refill looks
	// ahead. At the start of a block so many clean bytes are in the buffer,
	// unless the scan ends before.
	blockBytes = 512
	// slack is what follows the last clean byte in the buffer: zeros, so that
	// as many blocks as are gone over at once may run over the end without a check
	// at each symbol (maxRun × 248 bytes).
	slack = 4096
)

// source reads the file through a window.
type source struct {
	r    io.ReaderAt
	size int64
	off  int64  // of the byte after raw[n-1]
	raw  []byte // raw[i:n] is read and not yet taken
	i, n int
	err  error // of r, other than the end of the file
}

func newSource(r io.ReaderAt, size int64) *source {
	return &source{r: r, size: size, raw: make([]byte, window)}
}

// fill reads on until at least want bytes are at hand, and says whether they are.
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
			s.size = s.off // shorter than was said
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

// skip passes over n bytes.
func (s *source) skip(n int) bool {
	if have := s.n - s.i; n > have {
		s.off += int64(n - have)
		s.i, s.n = 0, 0
		return s.off <= s.size
	}
	s.i += n
	return true
}
