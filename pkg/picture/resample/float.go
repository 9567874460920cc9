package resample

import "imgtools/pkg/picture/raster"

// float is the engine for 16-bit samples and for linear light. Values are float32 from
// 0 to 1, premultiplied where there is alpha.
type float struct {
	x, y   *axis
	n      int
	alpha  bool
	wx, wy []float32
	linear [][]float32 // for each sample of a colour, linear light of its values; or nil
	back   [][]float32 // for each sample of a colour, a table of encodeSteps; or nil
	scale  float32     // 255 or 65535

	rows int // pushed
	line []float32
	ring [][]float32
	acc  []float32
}

func newFloat(x, y *axis, in, out int, h *raster.Header, o Options) *float {
	f := weightedFloat(x, y, h, o)
	f.line = make([]float32, in*f.n)
	f.acc = make([]float32, out*f.n)
	f.ring = make([][]float32, y.taps)
	for i := range f.ring {
		f.ring[i] = make([]float32, out*f.n)
	}
	return f
}

// weightedFloat returns the engine with its weights and tables, without buffers.
func weightedFloat(x, y *axis, h *raster.Header, o Options) *float {
	l := h.Layout
	f := &float{x: x, y: y, n: l.Samples(), alpha: l.HasAlpha(), wx: x.float(), wy: y.float(), scale: 255}
	if h.Bits == 16 {
		f.scale = 65535
	}
	if o.Linear {
		f.setCurves(o.Curves, h.Bits)
	}
	return f
}

// setCurves makes the tables for linear light, one for each sample of a colour.
func (f *float) setCurves(curves []raster.Curve, bits uint8) {
	colours := f.n
	if f.alpha {
		colours--
	}
	for i := range colours {
		switch {
		case len(curves) != colours && bits == 16:
			f.linear, f.back = append(f.linear, decode16()), append(f.back, encodeTable())
		case len(curves) != colours:
			f.linear, f.back = append(f.linear, decode8()), append(f.back, encodeTable())
		case i > 0 && curves[i] == curves[0]:
			f.linear, f.back = append(f.linear, f.linear[0]), append(f.back, f.back[0])
		default:
			f.linear = append(f.linear, table(curves[i].Decode, 1<<bits-1))
			f.back = append(f.back, encodeTableOf(curves[i].Encode))
		}
	}
}

func (f *float) end()       {}
func (f *float) ready() int { return f.rows }

// push resamples the next row across and puts it into the ring.
func (f *float) push(src *raster.Plane, row int) {
	if at := row * src.Stride; src.Pix16 != nil {
		loadFloat(f.line, src.Pix16[at:][:len(f.line)], f)
	} else {
		loadFloat(f.line, src.Pix[at:][:len(f.line)], f)
	}
	dst := f.ring[f.rows%len(f.ring)]
	switch f.n {
	case 1:
		f.across1(dst)
	case 2:
		f.across2(dst)
	case 3:
		f.across3(dst)
	case 4:
		f.across4(dst)
	}
	f.rows++
}

// loadFloat converts samples to 0..1, to linear light if f has it, and premultiplies.
func loadFloat[T uint8 | uint16](dst []float32, src []T, f *float) {
	src = src[:len(dst)]
	unit := 1 / f.scale
	if f.linear != nil {
		for c, table := range f.linear {
			for i := c; i < len(src) && i < len(dst); i += f.n {
				dst[i] = table[src[i]]
			}
		}
	} else {
		for i, v := range src {
			dst[i] = float32(v) * unit
		}
	}
	if !f.alpha {
		return
	}
	for n := f.n; len(dst) >= n && len(src) >= n; dst, src = dst[n:], src[n:] {
		a := float32(src[n-1]) * unit
		for c := range n - 1 {
			dst[c] *= a
		}
		dst[n-1] = a
	}
}

// across1 to across4 resample f.line into dst, for one to four samples a pixel.

func (f *float) across1(dst []float32) {
	for i := range dst {
		sp := f.x.spans[i]
		w := f.wx[sp.off:][:f.x.taps]
		v := f.line[sp.start:][:len(w)]
		var s float32
		for k, wk := range w {
			s += v[k] * wk
		}
		dst[i] = s
	}
}

func (f *float) across2(dst []float32) {
	for i := 0; i+2 <= len(dst); i += 2 {
		sp := f.x.spans[i/2]
		v := f.line[2*sp.start:]
		var s0, s1 float32
		for _, wk := range f.wx[sp.off:][:f.x.taps] {
			s0 += v[0] * wk
			s1 += v[1] * wk
			v = v[2:]
		}
		dst[i], dst[i+1] = s0, s1
	}
}

func (f *float) across3(dst []float32) {
	for i := 0; i+3 <= len(dst); i += 3 {
		sp := f.x.spans[i/3]
		v := f.line[3*sp.start:]
		var s0, s1, s2 float32
		for _, wk := range f.wx[sp.off:][:f.x.taps] {
			s0 += v[0] * wk
			s1 += v[1] * wk
			s2 += v[2] * wk
			v = v[3:]
		}
		dst[i], dst[i+1], dst[i+2] = s0, s1, s2
	}
}

func (f *float) across4(dst []float32) {
	for i := 0; i+4 <= len(dst); i += 4 {
		sp := f.x.spans[i/4]
		v := f.line[4*sp.start:]
		var s0, s1, s2, s3 float32
		for _, wk := range f.wx[sp.off:][:f.x.taps] {
			s0 += v[0] * wk
			s1 += v[1] * wk
			s2 += v[2] * wk
			s3 += v[3] * wk
			v = v[4:]
		}
		dst[i], dst[i+1], dst[i+2], dst[i+3] = s0, s1, s2, s3
	}
}

// out computes row j of the result from the rows of its window.
func (f *float) out(j int, dst *raster.Plane, row int) {
	sp := f.y.spans[j]
	w := f.wy[sp.off:][:f.y.taps]
	for at := 0; at < len(f.acc); at += 2 * block {
		acc := f.acc[at:min(at+2*block, len(f.acc))]
		clear(acc)
		k := 0
		r := func(i int) []float32 { return f.ring[(sp.start+k+i)%len(f.ring)][at:][:len(acc)] }
		for ; k+4 <= len(w); k += 4 {
			r0, r1, r2, r3 := r(0), r(1), r(2), r(3)
			w0, w1, w2, w3 := w[k], w[k+1], w[k+2], w[k+3]
			for i := range acc {
				acc[i] += r0[i]*w0 + r1[i]*w1 + r2[i]*w2 + r3[i]*w3
			}
		}
		for ; k < len(w); k++ {
			r0, w0 := r(0), w[k]
			for i := range acc {
				acc[i] += r0[i] * w0
			}
		}
	}
	if at := row * dst.Stride; dst.Pix16 != nil {
		storeFloat(dst.Pix16[at:][:len(f.acc)], f)
	} else {
		storeFloat(dst.Pix[at:][:len(f.acc)], f)
	}
}

// storeFloat converts f.acc to samples: it divides by alpha, encodes linear light, and
// clamps.
func storeFloat[T uint8 | uint16](dst []T, f *float) {
	acc := f.acc[:len(dst)]
	if f.alpha {
		for n, at := f.n, 0; at+n <= len(acc); at += n {
			px := acc[at : at+n]
			a := max(0, min(px[n-1], 1))
			px[n-1] = a
			// An alpha that rounds to 0 leaves no colour.
			if a*f.scale < 0.5 {
				clear(px)
				continue
			}
			for c := range n - 1 {
				px[c] = min(px[c], a) / a
			}
		}
	}
	if f.back != nil {
		for c, table := range f.back {
			for i := c; i < len(acc); i += f.n {
				acc[i] = encodeFast(table, max(0, min(acc[i], 1)))
			}
		}
	}
	for i, v := range acc {
		dst[i] = T(max(0, min(v, 1))*f.scale + 0.5)
	}
}
