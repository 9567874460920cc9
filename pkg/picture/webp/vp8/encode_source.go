package vp8

import (
	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// A source brings rows to the samples of VP8: Y, Cb and Cr of 4:2:0 in studio range,
// luma 16 to 235 and chroma 16 to 240 (Rec. 601), a row of macroblocks at a time.
//
// Planes of YCbCr 4:2:0 and gray take one look-up a sample. RGB takes the matrix; its
// chroma is that of the mean colour of four pixels.
type source struct {
	lines  *raster.Lines
	layout raster.Layout
	w, h   int
	cw     int // width of chroma; 0 for gray
	y      int // rows of luma taken

	above []uint8 // of RGB: the line before, whose chroma is not yet made

	luma   []uint8    // 16 lines of lumaStride samples
	chroma [2][]uint8 // 8 lines of half of that
	stride int
}

// newSource returns the source of rows. YCbCr with chroma that is not halved both ways,
// rounded up, becomes RGB first.
func newSource(rows raster.Rows) (*source, error) {
	h := rows.Header()
	if h.Layout == raster.YCbCr && !halved(h.Planes) {
		rows = raster.Packed(rows)
		h = rows.Header()
	}
	if h.Bits != 8 || h.Orientation > 1 {
		return nil, fault.New(fault.Internal, "a WebP of %d bits, orientation %d", h.Bits, h.Orientation)
	}
	s := &source{lines: raster.NewLines(rows), layout: h.Layout, w: h.W(), h: h.H()}
	if s.w < 1 || s.h < 1 {
		return nil, fault.New(fault.Format, "a picture of %d×%d pixels", s.w, s.h)
	}
	if s.w > maxSide || s.h > maxSide {
		return nil, fault.New(fault.TooLarge, "%d×%d: a side over %d is more than WebP holds", s.w, s.h, maxSide)
	}
	switch h.Layout {
	case raster.Gray:
	case raster.RGB, raster.YCbCr:
		s.cw = (s.w + 1) / 2
	default:
		return nil, fault.New(fault.Internal, "lossy WebP of %s rows", h.Layout)
	}
	s.stride = (s.w + 15) &^ 15
	s.luma = make([]uint8, 16*s.stride)
	if s.cw > 0 {
		for i := range s.chroma {
			s.chroma[i] = make([]uint8, 4*s.stride)
		}
	}
	if h.Layout == raster.RGB {
		s.above = make([]uint8, 3*s.w)
	}
	return s, nil
}

func halved(p []raster.PlaneDim) bool {
	w, h := (p[0].W+1)/2, (p[0].H+1)/2
	return p[1].W == w && p[2].W == w && p[1].H == h && p[2].H == h
}

// next fills luma and chroma with the next row of macroblocks. Behind the right and lower
// edge of the picture the last sample is repeated.
func (s *source) next() error {
	lines := min(16, s.h-s.y)
	for j := range lines {
		line, err := s.lines.Next(0)
		if err != nil {
			return err
		}
		dst := s.luma[j*s.stride:][:s.stride]
		if s.layout != raster.RGB {
			expand(dst, line, &studioLuma)
			continue
		}
		lumaOfRGB(dst[:s.w], line)
		fill(dst, s.w)
		if j&1 == 0 {
			copy(s.above, line)
		}
		if j&1 != 0 || j == lines-1 { // the last line may have no partner but itself
			at := j / 2 * s.stride / 2
			cb, cr := s.chroma[0][at:][:s.stride/2], s.chroma[1][at:][:s.stride/2]
			chromaOfRGB(cb[:s.cw], cr[:s.cw], s.above, line)
			fill(cb, s.cw)
			fill(cr, s.cw)
		}
	}
	repeat(s.luma, s.stride, lines)
	if s.cw > 0 {
		half := (lines + 1) / 2
		for i := range s.chroma {
			for j := 0; s.layout == raster.YCbCr && j < half; j++ {
				line, err := s.lines.Next(1 + i)
				if err != nil {
					return err
				}
				expand(s.chroma[i][j*s.stride/2:][:s.stride/2], line, &studioChroma)
			}
			repeat(s.chroma[i], s.stride/2, half)
		}
	}
	s.y += lines
	return nil
}

// fill repeats sample n-1 to the end of a line.
func fill(line []uint8, n int) {
	for i := n; i < len(line); i++ {
		line[i] = line[n-1]
	}
}

// repeat copies line n-1 to those behind it.
func repeat(plane []uint8, stride, n int) {
	for at := n * stride; at < len(plane); at += stride {
		copy(plane[at:at+stride], plane[at-stride:at])
	}
}

// Samples of studio range by those of full range (JFIF).
var studioLuma, studioChroma = func() (y, c [256]uint8) {
	for v := range 256 {
		y[v] = uint8(16 + (v*219*2+255)/510)
		c[v] = uint8((128*255*2 + (v-128)*224*2 + 255) / 510)
	}
	return
}()

// expand sets dst to the samples of a line by a table, and repeats the last.
func expand(dst, line []uint8, table *[256]uint8) {
	for i, v := range line {
		dst[i] = table[v]
	}
	fill(dst, len(line))
}
