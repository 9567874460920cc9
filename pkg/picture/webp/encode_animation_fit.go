package webp

import (
	"errors"
	"io"
	"time"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/webp/vp8"
)

// Play gives all frames of an animation in order, from the first at each call, and returns
// the first error of frame.
type Play func(frame func(rows raster.Rows, delay time.Duration) error) error

// errOver ends an animation that has more bytes than wanted before its last frame.
var errOver = errors.New("more bytes than wanted")

// FitAnimation writes an animation at the best quality whose file has at most o.Bytes, as
// Encode does a still: one quality for all frames, found by halving. Each try plays the
// frames again, at most 9 times; one that is over o.Bytes ends there. A lossless animation
// that is larger becomes a lossy one. Up to twice o.Bytes is held.
func FitAnimation(w io.Writer, loop int, o EncodeOptions, play Play) error {
	var kept int64 // bytes of the best file so far
	try := func(o EncodeOptions, whole bool) ([]outChunk, int64, error) {
		a := NewAnimation(nil, loop, o)
		a.kept, a.whole = kept, whole
		if err := play(a.Frame); errors.Is(err, errOver) {
			return nil, o.Bytes + 1, nil
		} else if err != nil {
			return nil, 0, err
		}
		chunks, err := a.chunks()
		size := fileSize(chunks)
		if size <= o.Bytes {
			kept = size
		}
		return chunks, size, err
	}
	if o.Lossless {
		chunks, size, err := try(o, false)
		if err != nil {
			return err
		}
		if size <= o.Bytes {
			return writeFile(w, chunks)
		}
		o.Lossless = false
	}
	chunks, err := vp8.BestQuality(o.Quality, o.Bytes, func(quality int) ([]outChunk, int64, error) {
		o.Quality = quality
		return try(o, quality <= vp8.LeastQuality) // whose size an error names
	})
	if err != nil {
		return err
	}
	return writeFile(w, chunks)
}

// check returns errOver or an error of kind fault.TooLarge if the frames so far are too
// many bytes.
func (a *AnimationWriter) check() error {
	if a.o.Bytes > 0 && a.size > a.o.Bytes && !a.whole {
		return errOver
	}
	return a.o.Limits.CheckMem(4*a.h.Bytes() + a.size + a.kept)
}
