// Package attention finds the part of a picture that a person looks at first, so that a
// thumbnail can be cut around it.
//
// It adds the picture up to a map of at most 128 × 128 cells, each the mean of a square
// of pixels. The score of a cell is how steep luma is there, plus 0.15 of its
// saturation (the largest of R, G and B less the smallest): detail and strong colours
// draw the eye, smooth skies and walls don't. A Gaussian then spreads each score over its surroundings, because one busy region should
// win over a single sharp edge, and the cell with the highest sum is the focus.
//
// Memory is that of the map, whatever the size of the picture. The cells of a picture that
// was reduced when it was decoded are those of the whole one, so that the focus is the
// same for all sizes of a thumbnail, but for rounding.
package attention

import (
	"math"

	"imgtools/pkg/picture/raster"
)

// Side is the longest side of the map, in cells.
const Side = 128

const (
	saturationWeight = 0.15
	// spread is the standard deviation of the Gaussian as a part of the picture's side:
	// of the geometric mean of both sides.
	spread = 0.03
)

// eighths is the number that the side of a cell is a multiple of in a large picture, so
// that a picture reduced to n/8 has whole cells.
const eighths = 8

// cellSide returns the side of a cell, in pixels of the picture before any reduction.
func cellSide(h *raster.Header) int {
	cell := (max(h.FullW, h.FullH) + Side - 1) / Side
	if cell > eighths {
		cell = (cell + eighths - 1) / eighths * eighths
	}
	return cell
}

// Goal returns the size to which a picture of w × h pixels may be reduced before its focus
// is looked for, or 0, 0 if it may not.
func Goal(w, h int) (goalW, goalH int) {
	side := max(w, h)
	if side <= (eighths-1)*Side { // a reduced picture might not have whole cells
		return 0, 0
	}
	return max(1, w*Side/side), max(1, h*Side/side)
}

// Fits reports whether the rows that h describes have whole cells, as all unreduced rows
// have.
func Fits(h *raster.Header) bool {
	d := h.Planes[0]
	return d.NX == d.NY && d.DX == d.DY && cellSide(h)*d.NX%d.DX == 0
}

// Find reads src, whose rows fit, and returns the focus: pixel x, y of a grid of w × h that covers the
// picture. Of a picture without detail it is the middle. The picture lies on white where
// it is transparent.
func Find(src raster.Rows) (x, y, w, h int, err error) {
	m, err := newMap(src)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	x, y, ok := m.focus()
	if !ok {
		return 0, 0, 1, 1, nil
	}
	return x, y, m.w, m.h, nil
}

// colourMap is the mean colours of the cells, from 0 to 255.
type colourMap struct {
	w, h int
	rgb  [3][]float32 // only the first of a gray picture
}

// newMap adds src up.
func newMap(src raster.Rows) (*colourMap, error) {
	src = raster.To8(raster.Flatten(raster.Expand(raster.Packed(src))))
	head := src.Header()
	d := head.Planes[0]
	cell := max(1, cellSide(head)*d.NX/d.DX) // in delivered pixels
	m := &colourMap{w: (d.W + cell - 1) / cell, h: (d.H + cell - 1) / cell}
	n := head.Layout.Samples()
	for k := range n {
		m.rgb[k] = make([]float32, m.w*m.h)
	}
	sums := make([]uint64, m.w*n) // of the row of cells being read
	err := raster.EachRow(src, func(y int, row raster.Plane) error {
		for x, i := 0, 0; x < m.w; x++ {
			for range min(cell, d.W-x*cell) {
				for k := range n {
					sums[x*n+k] += uint64(row.Pix[i])
					i++
				}
			}
		}
		if (y+1)%cell != 0 && y != d.H-1 {
			return nil
		}
		rows := y%cell + 1
		for x := range m.w {
			pixels := float32(rows * min(cell, d.W-x*cell))
			for k := range n {
				m.rgb[k][y/cell*m.w+x] = float32(sums[x*n+k]) / pixels
			}
		}
		clear(sums)
		return nil
	})
	return m, err
}

// focus returns the cell with the highest score around it, if there is detail.
func (m *colourMap) focus() (x, y int, ok bool) {
	sigma := spread * math.Sqrt(float64(m.w*m.h))
	score := m.blurred(m.scores(), sigma)
	x, y = m.w/2, m.h/2
	const least = 1.0 / 64 // what rounding may add to a flat picture
	best := score[y*m.w+x] + least
	for i, v := range score {
		if v > best {
			best, x, y, ok = v, i%m.w, i/m.w, true
		}
	}
	return x, y, ok
}

// scores returns the steepness of luma of each cell, in levels a cell, and its weighted
// saturation.
func (m *colourMap) scores() []float32 {
	luma := m.rgb[0]
	colour := m.rgb[1] != nil
	if colour {
		luma = make([]float32, m.w*m.h)
		for i := range luma {
			luma[i] = 0.299*m.rgb[0][i] + 0.587*m.rgb[1][i] + 0.114*m.rgb[2][i]
		}
	}
	score := make([]float32, m.w*m.h)
	for y := range m.h {
		above, below := max(y-1, 0)*m.w, min(y+1, m.h-1)*m.w
		for x := range m.w {
			left, right := y*m.w+max(x-1, 0), y*m.w+min(x+1, m.w-1)
			i := y*m.w + x
			dx, dy := luma[right]-luma[left], luma[below+x]-luma[above+x]
			score[i] = float32(math.Sqrt(float64(dx*dx+dy*dy))) / 2
			if colour {
				r, g, b := m.rgb[0][i], m.rgb[1][i], m.rgb[2][i]
				score[i] += saturationWeight * (max(r, g, b) - min(r, g, b))
			}
		}
	}
	return score
}

// blurred returns v convolved with a Gaussian. Outside the map there is nothing to see.
func (m *colourMap) blurred(v []float32, sigma float64) []float32 {
	taps := make([]float32, int(3*sigma)+1) // one side, the middle first
	sum := float32(0)
	for i := range taps {
		d := float64(i) / max(sigma, 1e-9)
		taps[i] = float32(math.Exp(-d * d / 2))
		sum += 2 * taps[i]
	}
	sum -= 1 // the middle was counted twice
	for i := range taps {
		taps[i] /= sum
	}
	return blurLines(blurLines(v, taps, m.w, m.h, 1, m.w), taps, m.h, m.w, m.w, 1)
}

// blurLines convolves lines of n cells, which are step apart; line k begins at k·next.
func blurLines(v, taps []float32, n, lines, step, next int) []float32 {
	out := make([]float32, len(v))
	for line := range lines {
		at := line * next
		for i := range n {
			sum := taps[0] * v[at+i*step]
			for d, t := range taps[1:] {
				if j := i - d - 1; j >= 0 {
					sum += t * v[at+j*step]
				}
				if j := i + d + 1; j < n {
					sum += t * v[at+j*step]
				}
			}
			out[at+i*step] = sum
		}
	}
	return out
}
