package vp8

import (
	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/webp/chunk"
)

const (
	// LeastQuality is the lowest quality that is tried to reach a number of bytes; below
	// it little of a picture is left.
	LeastQuality = 10
	// maxFitPixels bounds the pictures whose size in bytes can be chosen, since their
	// samples are held.
	maxFitPixels = 24_000_000
)

// samples are rows of macroblocks of a source.
type samples struct {
	rows   int
	luma   []uint8
	chroma [2][]uint8
	stride int
}

// fit returns the picture at the best quality whose file has at most o.Bytes. Each try
// encodes all samples again.
func fit(s *source, o EncodeOptions) (chunk.Pieces, error) {
	if n := int64(s.w) * int64(s.h); n > maxFitPixels {
		return nil, fault.New(fault.TooLarge, "%s > %s to choose the bytes of (bytes=)", raster.Mpixel(float64(n)), raster.Mpixel(maxFitPixels))
	}
	rows := (s.h + 15) / 16
	if err := o.Limits.CheckMem(int64(rows) * int64(len(s.luma)+2*len(s.chroma[0]))); err != nil {
		return nil, err
	}
	held, err := holdSamples(s, rows)
	if err == nil {
		err = s.lines.End()
	}
	if err != nil {
		return nil, err
	}
	return BestQuality(o.Quality, o.Bytes, func(quality int) (chunk.Pieces, int64, error) {
		o.Quality = quality
		e := newEncoder(s.w, s.h, s.layout == raster.Gray, o)
		if err := held.encode(e); err != nil {
			return nil, 0, err
		}
		p, err := e.end()
		return p, o.Around + (p.Len()+1)&^1, err
	})
}

// BestQuality returns what try makes at the best quality, at most top, at which its size is
// no more than so many bytes; at one more it is. After top itself the quality is found by
// halving, which takes 7 more calls at most. If LeastQuality does not fit, or top where that
// is lower, the error is of kind fault.TooLarge and names the size.
func BestQuality[T any](top int, bytes int64, try func(quality int) (made T, size int64, err error)) (best T, err error) {
	made, size, err := try(top)
	if err != nil || size <= bytes {
		return made, err
	}
	fits, not, found := min(LeastQuality, top)-1, top, false
	for not-fits > 1 {
		q := (fits + not) / 2
		if made, n, err := try(q); err != nil {
			return best, err
		} else if n <= bytes {
			fits, best, found = q, made, true
		} else {
			not, size = q, n
		}
	}
	if !found {
		return best, fault.New(fault.TooLarge, "%d bytes at quality %d > %d bytes (bytes=)", size, not, bytes)
	}
	return best, nil
}

// holdSamples reads rows of macroblocks.
func holdSamples(s *source, rows int) (*samples, error) {
	h := &samples{stride: s.stride, rows: rows}
	h.luma = make([]uint8, 0, rows*len(s.luma))
	for i := range h.chroma {
		h.chroma[i] = make([]uint8, 0, rows*len(s.chroma[i]))
	}
	for range rows {
		if err := s.next(); err != nil {
			return nil, err
		}
		h.luma = append(h.luma, s.luma...)
		for i := range h.chroma {
			h.chroma[i] = append(h.chroma[i], s.chroma[i]...)
		}
	}
	return h, nil
}

// encode looks at the samples and encodes them.
func (h *samples) encode(e *encoder) error {
	for y := range h.rows {
		e.look(h.luma[16*y*h.stride:], h.stride)
	}
	for y := range h.rows {
		chroma := h.chroma
		if !e.gray {
			for i := range chroma {
				chroma[i] = chroma[i][4*y*h.stride:]
			}
		}
		if err := e.row(h.luma[16*y*h.stride:], chroma, h.stride); err != nil {
			return err
		}
	}
	return nil
}
