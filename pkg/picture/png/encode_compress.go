package png

import (
	"io"

	"imgtools/pkg/picture/flate"
)

// shape is what the pixels of a picture look like to the compressor.
type shape struct {
	samples, depth int // of a pixel; bits of each
	indexed        bool
	w, h           int // pixels
}

// rowBytes returns the bytes of a row before its filter type is added.
func (s shape) rowBytes() int { return (s.w*s.samples*s.depth + 7) / 8 }

// smallSize is the largest number of bytes of filtered rows that are compressed
// thoroughly.
const smallSize = 128 << 10

// compressor filters and compresses rows: each is written to the memory that f.next
// returns, and added by f.add. It is used for one picture after another:
//
//	start   f and z are ready for a picture of a shape
//	close   the rest has been compressed
type compressor struct {
	f *filterer
	z *flate.Writer
}

// start prepares for a picture whose zlib stream is written to out.
func (c *compressor) start(out io.Writer, s shape) {
	n, pixel := s.rowBytes(), max(1, s.samples*s.depth/8)
	form := flate.Format{Pixel: pixel, Row: n + 1}
	adapt := s.depth >= 8 && !s.indexed // section 12.7: filters do not help others
	switch {
	case int64(n+1)*int64(s.h) <= smallSize:
		form.Depth = flate.Thorough
	case !adapt:
		form.Depth = flate.Deep
	}
	if c.z == nil {
		c.z = flate.NewWriter(out, form)
	} else {
		c.z.Restart(out, form)
	}
	c.f = newFilterer(c.z, n, pixel, adapt)
}

// close compresses what is left.
func (c *compressor) close() error {
	if err := c.f.flush(); err != nil {
		return err
	}
	return c.z.Close()
}
