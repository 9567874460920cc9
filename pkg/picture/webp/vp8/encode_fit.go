package vp8

import (
	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/webp/chunk"
)

const (
	// leastQuality is the lowest quality that is tried to reach a number of bytes; below
	// it little of a picture is left.
	leastQuality = 10
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

// fit returns the picture at the best quality whose file has at most o.Bytes: with it
// the payload fits, and with one more it doesn't. o.Quality is tried first; then the
// quality is found by halving. Each try encodes all samples again.
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
	try := func(quality int) (chunk.Pieces, error) {
		o.Quality = quality
		e := newEncoder(s.w, s.h, s.layout == raster.Gray, o)
		if err := held.encode(e); err != nil {
			return nil, err
		}
		return e.end()
	}
	file := func(p chunk.Pieces) int64 { return o.Around + (p.Len()+1)&^1 }
	best, err := try(o.Quality)
	if err != nil || file(best) <= o.Bytes {
		return best, err
	}
	fits, not, size := min(leastQuality, o.Quality)-1, o.Quality, file(best)
	best = nil
	for not-fits > 1 {
		q := (fits + not) / 2
		p, err := try(q)
		if err != nil {
			return nil, err
		}
		if file(p) <= o.Bytes {
			fits, best = q, p
		} else {
			not, size = q, file(p)
		}
	}
	if best == nil {
		return nil, fault.New(fault.TooLarge, "%d bytes at quality %d > %d bytes (bytes=)", size, not, o.Bytes)
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
