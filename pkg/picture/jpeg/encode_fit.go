package jpeg

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

const (
	// leastQuality is the lowest quality that is tried to reach a number of bytes; below
	// it little of a picture is left.
	leastQuality = 10
	// maxFitPixels bounds the pictures whose size in bytes can be chosen, since all their
	// coefficients are held: 2 bytes each, for 4:2:0 3 bytes a pixel.
	maxFitPixels = 24_000_000
)

// checkFit refuses a picture that is too large for a choice of bytes.
func (e *encoder) checkFit() error {
	if n := int64(e.f.w) * int64(e.f.h); n > maxFitPixels {
		return fault.New(fault.TooLarge, "%s > %s to choose the bytes of (bytes=)", raster.Mpixel(float64(n)), raster.Mpixel(maxFitPixels))
	}
	return e.lim.CheckMem(int64(e.f.mcuy) * int64(e.rowBlocks()) * int64(len(coefs{})))
}

// rowBlocks returns the number of blocks in a row of MCUs.
func (e *encoder) rowBlocks() int {
	n := 0
	for _, c := range e.comps {
		n += c.h * c.v
	}
	return n * e.f.mcux
}

// fit writes the transformed picture at the best quality whose file has at most o.Bytes:
// with it the file fits, and with one more it doesn't. The quality is at most o.Quality,
// which is tried first, and then found by halving. Each try quantizes and codes the whole
// picture again, with Huffman tables of its own; the rows are not asked for again.
func (e *encoder) fit(w io.Writer, o EncodeOptions) error {
	fits, not := min(leastQuality, o.Quality)-1, o.Quality
	n, err := e.try(io.Discard, o, not)
	if err != nil {
		return err
	}
	if n <= o.Bytes {
		fits = not
	}
	for not-fits > 1 {
		q := (fits + not) / 2
		size, err := e.try(io.Discard, o, q)
		if err != nil {
			return err
		}
		if size <= o.Bytes {
			fits = q
		} else {
			not, n = q, size
		}
	}
	if fits < min(leastQuality, o.Quality) {
		return fault.New(fault.TooLarge, "%d bytes at quality %d > %d bytes (bytes=)", n, not, o.Bytes)
	}
	_, err = e.try(w, o, fits)
	return err
}

// try writes the transformed picture at a quality and returns the size of the file.
func (e *encoder) try(w io.Writer, o EncodeOptions, quality int) (int64, error) {
	count := &counter{w: w}
	t := &encoder{h: e.h, comps: e.comps, f: e.f, progressive: e.progressive, lim: e.lim, row: e.row, w: newBitWriter(count)}
	o.Quality = quality
	t.useQuality(o)
	for _, row := range e.transformed {
		t.codeRow(row)
		if err := t.keep(); err != nil {
			return 0, err
		}
	}
	err := t.end()
	return count.n, err
}

// counter counts what is written to w.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
