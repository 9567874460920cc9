package raster

import (
	"fmt"
	"math"
	"strconv"

	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
)

// Limits bound what a reader or writer accepts. Zero fields mean the defaults.
type Limits struct {
	Pixels  int64 // width × height × frames
	Mem     int64 // bytes of samples held at once
	Lenient bool  // a picture with missing pixels is read as far as it goes, with a note
}

const (
	DefaultPixels = limits.Pixels
	DefaultMem    = limits.Memory
	MaxSide       = limits.Side // of any picture, in pixels
)

func (l Limits) pixels() int64 {
	if l.Pixels == 0 {
		return DefaultPixels
	}
	return l.Pixels
}

func (l Limits) mem() int64 {
	if l.Mem == 0 {
		return DefaultMem
	}
	return l.Mem
}

// CheckSize refuses an empty picture, one with a side over MaxSide, and one of
// more than Pixels pixels in all its frames, before anything is allocated.
func (l Limits) CheckSize(w, h int64, frames int) error {
	if w <= 0 || h <= 0 || frames <= 0 {
		return fault.New(fault.Format, "a picture of %d×%d pixels", w, h)
	}
	if w > MaxSide || h > MaxSide {
		return fault.New(fault.TooLarge, "%d×%d: side over %d pixels", w, h, MaxSide)
	}
	n := w * h
	if n > math.MaxInt64/int64(frames) || n*int64(frames) > l.pixels() {
		total := float64(w) * float64(h) * float64(frames)
		return fault.New(fault.TooLarge, "%s > %s (-maxpixels)", Mpixel(total), Mpixel(float64(l.pixels())))
	}
	return nil
}

// CheckMem returns an error if n bytes of samples are more than Mem.
func (l Limits) CheckMem(n int64) error {
	if n > l.mem() {
		return fault.New(fault.TooLarge, "%d MiB to hold > %d MiB (-maxmem)", (n+1<<20-1)>>20, l.mem()>>20)
	}
	return nil
}

// Mpixel formats a number of pixels for a message: "0.25 Mpixel", "4290 Mpixel".
func Mpixel(n float64) string {
	m := n / 1e6
	switch {
	case m >= 1000:
		return fmt.Sprintf("%.0f Mpixel", m)
	case m >= 0.01:
		return strconv.FormatFloat(math.Round(m*100)/100, 'f', -1, 64) + " Mpixel"
	}
	return strconv.FormatFloat(n, 'f', -1, 64) + " pixels"
}

// Truncated returns the error for a picture that ends after done of its all rows.
func Truncated(done, all int) error {
	return fault.New(fault.Format, "truncated after %d of %d rows", done, all)
}

// NoFrame returns the error for frame n of a file that has fewer, or for one below 1.
func NoFrame(n, frames int) error {
	if frames == 1 {
		return fault.New(fault.Usage, "frame %d: the file has only one picture", n)
	}
	return fault.New(fault.Usage, "frame %d: the file has %d frames", n, frames)
}
