package front

import (
	"io"
	"sync"
)

// Bytes of a picture that are read and written at once. A file system takes many
// whole pages at once for much less than one by one; but of the large buffers
// there are few, whatever the number of slow clients.
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

// buffer returns a buffer for a picture of length bytes (-1: not known), and what
// the caller gives it back with.
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

// copyFull copies r to w by the whole buffer, however little r gives at once.
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
