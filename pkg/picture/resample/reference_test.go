package resample

import (
	"io"
	"math"
	"math/rand/v2"

	"imgtools/pkg/picture/raster"
)

// The reference works in float64, in two passes, with every weight from the
// definition of its kernel. It shares no code with what it tests.

// refKernel is kernel name at x, and its support.
func refKernel(name string, x float64) float64 {
	x = math.Abs(x)
	bc := func(b, c float64) float64 {
		switch {
		case x < 1:
			return (12-9*b-6*c)/6*math.Pow(x, 3) + (-18+12*b+6*c)/6*x*x + (6-2*b)/6
		case x < 2:
			return (-b-6*c)/6*math.Pow(x, 3) + (6*b+30*c)/6*x*x + (-12*b-48*c)/6*x + (8*b+24*c)/6
		}
		return 0
	}
	sinc := func(v float64) float64 {
		if v == 0 {
			return 1
		}
		return math.Sin(math.Pi*v) / (math.Pi * v)
	}
	switch name {
	case "box":
		if math.Abs(x-0.5) < 1e-9 {
			return 0.5
		} else if x < 0.5 {
			return 1
		}
		return 0
	case "triangle":
		return math.Max(0, 1-x)
	case "catmullrom":
		return bc(0, 0.5)
	case "mitchell":
		return bc(1./3, 1./3)
	}
	if x >= 3 {
		return 0
	}
	return sinc(x) * sinc(x/3)
}

// refWeights returns the normalised weights of output j of the axis from in
// samples, of which the picture covers extent from origin on, to outputs whose
// extent is outExtent.
func refWeights(name string, j, in int, origin, extent, outExtent float64) []float64 {
	step := extent / outExtent
	centre := (float64(j)+0.5)*step + origin - 0.5
	end := origin + extent
	byArea := name == "box" && (end != math.Floor(end) || origin != math.Floor(origin))
	w, sum := make([]float64, in), 0.
	for i := range w {
		cover := max(0, min(float64(i+1), end)-max(float64(i), origin))
		w[i] = refKernel(name, (float64(i)-centre)/max(1, step)) * cover
		if byArea && cover > 0 {
			from, to := origin+float64(j)*step, origin+float64(j+1)*step
			w[i] = max(0, min(float64(i+1), to)-max(float64(i), from))
		}
		sum += w[i]
	}
	for i := range w {
		w[i] /= sum
	}
	return w
}

// lie is how a picture lies along one side: origin and extent in samples of the
// input, and the extent in samples of the output.
type lie struct{ origin, extent, out float64 }

// samples is one plane of one channel.
type samples [][]float64

func newSamples(w, h int) samples {
	s := make(samples, h)
	for y := range s {
		s[y] = make([]float64, w)
	}
	return s
}

func (s samples) resample(name string, w, h int, x, y lie) samples {
	mid := newSamples(w, len(s))
	for j := range w {
		weights := refWeights(name, j, len(s[0]), x.origin, x.extent, x.out)
		for i, weight := range weights {
			if weight == 0 {
				continue
			}
			for y := range s {
				mid[y][j] += weight * s[y][i]
			}
		}
	}
	out := newSamples(w, h)
	for j := range h {
		for i, weight := range refWeights(name, j, len(s), y.origin, y.extent, y.out) {
			if weight == 0 {
				continue
			}
			for c := range w {
				out[j][c] += weight * mid[i][c]
			}
		}
	}
	return out
}

// picture is a whole picture in memory, a source of rows band at a time.
type picture struct {
	head *raster.Header
	pix  [3][]uint16 // 8-bit pictures too
	band int
	y    [3]int
	out  raster.Band
}

func newPicture(head *raster.Header) *picture {
	p := &picture{head: head, band: 3}
	for i, d := range head.Planes {
		p.pix[i] = make([]uint16, d.W*d.H*head.Layout.Samples())
	}
	return p
}

func (p *picture) Header() *raster.Header { return p.head }

func (p *picture) Next() (*raster.Band, error) {
	p.out = raster.Band{Y: p.y[0]}
	rows := 0
	for i, d := range p.head.Planes {
		n := d.W * p.head.Layout.Samples()
		pl := raster.Plane{Stride: n + 2, Rows: min(p.band+i, d.H-p.y[i])}
		rows += pl.Rows
		for y := p.y[i]; y < p.y[i]+pl.Rows; y++ {
			for _, v := range p.pix[i][y*n : (y+1)*n] {
				if p.head.Bits == 8 {
					pl.Pix = append(pl.Pix, uint8(v))
				} else {
					pl.Pix16 = append(pl.Pix16, v)
				}
			}
			if p.head.Bits == 8 { // between rows, where nobody may look
				pl.Pix = append(pl.Pix, 255, 255)
			} else {
				pl.Pix16 = append(pl.Pix16, 65535, 65535)
			}
		}
		p.y[i] += pl.Rows
		p.out.Planes[i] = pl
	}
	if rows == 0 {
		return nil, io.EOF
	}
	return &p.out, nil
}

// gather reads rows to the end into a picture.
func gather(r raster.Rows) (*picture, error) {
	p := newPicture(r.Header())
	var at [3]int
	for {
		b, err := r.Next()
		if err == io.EOF {
			return p, nil
		}
		if err != nil {
			return p, err
		}
		for i := range p.head.Planes {
			pl, n := b.Planes[i], p.head.Planes[i].W*p.head.Layout.Samples()
			for y := range pl.Rows {
				for x := range n {
					if p.head.Bits == 8 {
						p.pix[i][at[i]] = uint16(pl.Pix[y*pl.Stride+x])
					} else {
						p.pix[i][at[i]] = pl.Pix16[y*pl.Stride+x]
					}
					at[i]++
				}
			}
		}
	}
}

func (p *picture) top() float64 { return float64(int(1)<<p.head.Bits - 1) }

// channels returns plane i as 0..1, linear if asked, and premultiplied.
func (p *picture) channels(i int, linear bool) []samples {
	d, n := p.head.Planes[i], p.head.Layout.Samples()
	out := make([]samples, n)
	for c := range out {
		out[c] = newSamples(d.W, d.H)
		for at := range d.W * d.H {
			v := float64(p.pix[i][at*n+c]) / p.top()
			if p.head.Layout.HasAlpha() && c < n-1 {
				if linear {
					v = refDecode(v)
				}
				v *= float64(p.pix[i][at*n+n-1]) / p.top()
			} else if linear && !p.head.Layout.HasAlpha() {
				v = refDecode(v)
			}
			out[c][at/d.W][at%d.W] = v
		}
	}
	return out
}

func refDecode(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func refEncode(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

// worst returns the largest difference, in units of one sample value, between
// got, which was resampled from src, and the reference. Where there is alpha,
// colour times alpha is compared; with linear, encoded colour times alpha.
func worst(got, src *picture, name string, linear bool) float64 {
	worst := 0.
	for i, d := range src.head.Planes {
		to := got.head.Planes[i]
		side := func(full, n, den, o, outFull, outN, outDen int) lie {
			return lie{float64(o) / float64(den), float64(full*n) / float64(den), float64(outFull*outN) / float64(outDen)}
		}
		across := side(src.head.FullW, d.NX, d.DX, d.OX, got.head.FullW, to.NX, to.DX)
		down := side(src.head.FullH, d.NY, d.DY, d.OY, got.head.FullH, to.NY, to.DY)
		var want []samples
		for _, s := range src.channels(i, linear) {
			want = append(want, s.resample(name, to.W, to.H, across, down))
		}
		n := got.head.Layout.Samples()
		for at := range to.W * to.H {
			x, y := at%to.W, at/to.W
			alpha, gotAlpha := 1., 1.
			if got.head.Layout.HasAlpha() {
				alpha = clamp01(want[n-1][y][x])
				gotAlpha = float64(got.pix[i][at*n+n-1]) / got.top()
			}
			for c := range n {
				v, g := want[c][y][x], float64(got.pix[i][at*n+c])/got.top()
				if got.head.Layout.HasAlpha() && c == n-1 {
					v = alpha
				} else {
					v = min(max(v, 0), alpha)
					if linear && alpha > 0 {
						v = alpha * refEncode(v/alpha)
					}
					g *= gotAlpha
				}
				worst = max(worst, math.Abs(g-v)*got.top())
			}
		}
	}
	return worst
}

func clamp01(v float64) float64 { return min(max(v, 0), 1) }

// patterns fill a picture with what resamplers get wrong.
var patterns = map[string]func(p *picture, r *rand.Rand){
	"random": func(p *picture, r *rand.Rand) {
		p.fill(func(int, int, int) float64 { return r.Float64() })
	},
	"extremes": func(p *picture, r *rand.Rand) {
		p.fill(func(int, int, int) float64 { return float64(r.IntN(2)) })
	},
	"opaque impulse": func(p *picture, r *rand.Rand) {
		d, n := p.head.Planes[0], p.head.Layout.Samples()
		px, py := r.IntN(d.W), r.IntN(d.H)
		p.fill(func(x, y, c int) float64 {
			if x == px && y == py || p.head.Layout.HasAlpha() && c == n-1 {
				return 1
			}
			return 0
		})
	},
	"step": func(p *picture, r *rand.Rand) {
		d := p.head.Planes[0]
		px, py := r.IntN(d.W+1), r.IntN(d.H+1)
		p.fill(func(x, y, c int) float64 {
			if x < px != (y < py) {
				return 1
			}
			return float64(c) / 16
		})
	},
	"zone plate": func(p *picture, r *rand.Rand) {
		d := p.head.Planes[0]
		k := math.Pi / float64(max(d.W, d.H))
		p.fill(func(x, y, c int) float64 {
			dx, dy := float64(x)-float64(d.W)/2, float64(y)-float64(d.H)/2
			return 0.5 + 0.5*math.Cos(k*(dx*dx+dy*dy)+float64(c))
		})
	},
}

func (p *picture) fill(f func(x, y, c int) float64) {
	n := p.head.Layout.Samples()
	for i, d := range p.head.Planes {
		for at := range p.pix[i] {
			p.pix[i][at] = uint16(math.Round(f(at/n%d.W, at/n/d.W, at%n+i) * p.top()))
		}
	}
}
