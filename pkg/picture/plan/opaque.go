package plan

import (
	"bytes"
	"errors"
	"io"

	"imgtools/pkg/picture/raster"
)

// A gray picture whose alpha is opaque everywhere is written without it. Only its last
// pixel can tell, so it is written as if it were opaque, and what the encoder writes is
// held back. Where a pixel is not opaque, what was held is dropped, and the picture is
// decoded and written again, with its alpha.
//
// If more is written than may be held, the picture is decoded once more, only to look at
// its alpha.

// maxHeld is the number of bytes that are held back.
const maxHeld = 2 << 20

// alpha says what becomes of the alpha of a picture that is grayed.
type alpha uint8

const (
	keepAlpha alpha = iota // it is needed
	dropAlpha              // it is dropped, and a pixel that is not opaque is an error
)

// errAlpha ends the writing of a picture as if it were opaque.
var errAlpha = errors.New("the picture is not opaque")

// mayBeOpaque reports whether alpha might be left out.
func (j *job) mayBeOpaque() bool {
	return j.gray && j.out.Alpha && j.p.Header().Layout.HasAlpha()
}

// lookForAlpha decodes the picture to find out whether its alpha is needed, if it might be
// left out.
func (j *job) lookForAlpha() (alpha, error) {
	if !j.mayBeOpaque() {
		return keepAlpha, nil
	}
	opaque, err := j.p.Opaque()
	if opaque {
		return dropAlpha, err
	}
	return keepAlpha, err
}

// writeOpaque calls write for a picture that might be opaque.
func (j *job) writeOpaque(out io.Writer, write func(io.Writer, alpha) error) error {
	h := &hold{out: out, opaque: j.p.Opaque}
	err := write(h, dropAlpha)
	if err == nil {
		err = h.release()
	}
	if !errors.Is(err, errAlpha) {
		return err
	}
	j.stop()
	j.stop = func() {}
	if err := j.reopen(); err != nil {
		return err
	}
	return write(out, keepAlpha)
}

// hold keeps what is written to it until it is released.
type hold struct {
	out      io.Writer
	opaque   func() (bool, error) // decodes the picture to find out
	held     [][]byte
	n        int
	released bool
}

func (h *hold) Write(p []byte) (int, error) {
	if h.released {
		return h.out.Write(p)
	}
	if h.n += len(p); h.n <= maxHeld {
		h.held = append(h.held, bytes.Clone(p))
		return len(p), nil
	}
	opaque, err := h.opaque()
	if err == nil && !opaque {
		err = errAlpha
	}
	if err == nil {
		err = h.release()
	}
	if err != nil {
		return 0, err
	}
	return h.out.Write(p)
}

// release writes what is held.
func (h *hold) release() error {
	h.released = true
	for _, p := range h.held {
		if _, err := h.out.Write(p); err != nil {
			return err
		}
	}
	h.held = nil
	return nil
}

// withoutAlpha returns rows without their alpha. A pixel that is not opaque gives
// errAlpha.
func withoutAlpha(src raster.Rows) raster.Rows { return raster.DropAlpha(&opaqueOnly{src}) }

type opaqueOnly struct{ raster.Rows }

func (o *opaqueOnly) Next() (*raster.Band, error) {
	b, err := o.Rows.Next()
	if err == nil && !raster.OpaqueRows(o.Header(), &b.Planes[0]) {
		return nil, errAlpha
	}
	return b, err
}
