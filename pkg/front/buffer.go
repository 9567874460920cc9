package front

import (
	"io"
	"sync"
)

// Sizes of buffers for the bytes of a picture. A file system takes many pages at once
// for much less than one by one, so large buffers are better. Their number is bounded,
// however many slow clients there are.
const (
	smallBytes = 64 << 10
	largeBytes = 256 << 10
	maxLarge   = 64 // in use at once
)

var (
	small = sync.Pool{New: func() any { return new([smallBytes]byte) }}
	large = sync.Pool{New: func() any { return new([largeBytes]byte) }}
	taken = make(chan struct{}, maxLarge)
)

// buffer returns a buffer for a picture of length bytes (-1: not known), and a function
// that gives it back.
func buffer(length int64) (buf []byte, free func()) {
	if length < 0 || length > smallBytes {
		select {
		case taken <- struct{}{}:
			b := large.Get().(*[largeBytes]byte)
			return b[:], func() { large.Put(b); <-taken }
		default:
		}
	}
	b := small.Get().(*[smallBytes]byte)
	return b[:], func() { small.Put(b) }
}

// copyFull copies r to w. It fills buf before each write, however little r returns at
// once.
func copyFull(w io.Writer, r io.Reader, buf []byte) (n int64, err error) {
	for err == nil {
		full := 0
		for full < len(buf) && err == nil {
			var m int
			m, err = r.Read(buf[full:])
			full += m
		}
		if full > 0 {
			m, werr := w.Write(buf[:full])
			n += int64(m)
			if werr != nil {
				return n, werr
			}
		}
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}
