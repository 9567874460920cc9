// Package chunk has what the two bitstreams of WebP, vp8 and vp8l, share: a window
// through which the data of a chunk are read, and pieces in which they are written.
package chunk

import "io"

// A Window reads a part of a file from its first byte to its last, and holds few of the
// bytes at a time. A reader of bits takes them from Rest, and calls Load when there are
// too few.
type Window struct {
	Rest []byte // bytes in memory that were not taken
	Past int    // zero bytes that were added after the end
	Err  error  // of the file

	buf []byte
	r   io.ReaderAt
	off int64 // of the bytes not in memory
	end int64
}

// NewWindow returns a window of size bytes on the bytes of r from off to end.
func NewWindow(r io.ReaderAt, off, end, size int64) Window {
	return Window{r: r, off: off, end: end, buf: make([]byte, min(size, max(0, end-off)))}
}

// Load reads the next bytes into memory, as many as there is room for.
func (w *Window) Load() {
	n := int(min(int64(len(w.buf)-len(w.Rest)), w.end-w.off))
	if n <= 0 {
		return
	}
	kept := copy(w.buf, w.Rest) // the copy may overlap Rest, which is set below
	got, err := w.r.ReadAt(w.buf[kept:kept+n], w.off)
	w.Rest, w.off = w.buf[:kept+got], w.off+int64(got)
	if got < n {
		w.end = w.off
		if err != io.EOF {
			w.Err = err
		}
	}
}

// Byte takes the next byte in memory, or adds a zero if there is none.
func (w *Window) Byte() (v byte) {
	if len(w.Rest) == 0 {
		w.Past++
		return 0
	}
	v, w.Rest = w.Rest[0], w.Rest[1:]
	return v
}
