//go:build goexperiment.simd && amd64

package resample

import (
	"simd/archsimd"

	"imgtools/pkg/picture/raster"
)

// newEngineFloat returns the fastest engine for 16-bit samples and linear light that
// this processor can run.
func newEngineFloat(x, y *axis, in, out int, h *raster.Header, o Options) engine {
	if archsimd.X86.AVX2() {
		return newVectorFloat(x, y, in, out, h, o)
	}
	return newFloat(x, y, in, out, h, o)
}

// vectorFloat is float in AVX2: across, lane r of a vector is row r of the eight rows
// that are resampled together; down, the lanes are eight neighbouring samples. Each lane
// does what float does, in the same order and without fused multiplications, so that
// every bit of the result is the same.
type vectorFloat struct {
	*float
	width   int          // samples of a row out
	eight   [8][]uint8   // the rows that wait, of 8 bits
	eight16 [8][]uint16  // or of 16 bits; both with slack behind
	cols    [][8]float32 // those as columns: one vector a sample, converted
	src     [][]float32  // rows of the window being summed

	units, ones, scales, halves [8]float32 // 1 ÷ scale, 1, scale and 1/2, as vectors
	tail                        [16]uint16
}

func newVectorFloat(x, y *axis, in, out int, h *raster.Header, o Options) *vectorFloat {
	f := weightedFloat(x, y, h, o)
	v := &vectorFloat{float: f, width: out * f.n}
	for i := range 8 {
		if f.scale == 255 {
			v.eight[i] = make([]uint8, in*f.n+slack)
		} else {
			v.eight16[i] = make([]uint16, in*f.n+slack)
		}
		v.units[i], v.ones[i], v.scales[i], v.halves[i] = 1/f.scale, 1, f.scale, 0.5
	}
	v.cols = make([][8]float32, in*f.n+8)
	// Weights are loaded by fours, and samples made by fours and by 32.
	v.wx, v.wy = append(v.wx, 0, 0, 0), append(v.wy, 0, 0, 0)
	samples := (v.width + 4 + stride - 1) / stride * stride
	v.ring = make([][]float32, f.y.taps+8)
	for i := range v.ring {
		v.ring[i] = make([]float32, samples)
	}
	v.acc = make([]float32, samples)
	v.src = make([][]float32, f.y.taps)
	return v
}

// push takes the next row. Rows are resampled across by eights.
func (f *vectorFloat) push(src *raster.Plane, row int) {
	if at := row * src.Stride; src.Pix16 != nil {
		to := f.eight16[f.rows%8]
		copy(to[:len(to)-slack], src.Pix16[at:])
	} else {
		to := f.eight[f.rows%8]
		copy(to[:len(to)-slack], src.Pix[at:])
	}
	if f.rows++; f.rows%8 == 0 {
		f.across()
	}
}

func (f *vectorFloat) ready() int { return f.rows &^ 7 }

// end resamples the last rows; missing ones are never used.
func (f *vectorFloat) end() {
	if f.rows%8 != 0 {
		f.rows = f.rows&^7 + 8
		f.across()
	}
}

// across resamples the last eight rows across and puts them into the ring.
func (f *vectorFloat) across() {
	switch {
	case f.linear == nil:
		f.columns16()
	case f.scale == 255:
		columnsLinear(f.cols, &f.eight, f.float)
	default:
		columnsLinear(f.cols, &f.eight16, f.float)
	}
	var dst [8][]float32
	for i := range dst {
		dst[i] = f.ring[(f.rows-8+i)%len(f.ring)]
	}
	switch f.n {
	case 1:
		f.gray(&dst)
	case 2:
		f.grayA(&dst)
	case 3:
		f.rgb(&dst)
	case 4:
		f.rgba(&dst)
	}
	archsimd.ClearAVXUpperBits()
}

// columnsLinear converts rows to linear light by table, and premultiplies. It does a few
// pixels of all rows, whose columns stay in the first-level cache, before the next few.
func columnsLinear[T uint8 | uint16](cols [][8]float32, rows *[8][]T, f *float) {
	unit := 1 / f.scale
	width := len(rows[0]) - slack
	for at := 0; at < width; at += 16 * f.n {
		n := min(16*f.n, width-at)
		px := cols[at:][:n]
		for r := range rows {
			row := rows[r][at:][:n]
			for c, table := range f.linear {
				for i := c; i < len(row) && i < len(px); i += f.n {
					px[i][r] = table[row[i]]
				}
			}
			if !f.alpha {
				continue
			}
			for i := f.n - 1; i < len(row) && i < len(px); i += f.n {
				a := float32(row[i]) * unit
				for c := i - f.n + 1; c < i; c++ {
					px[c][r] *= a
				}
				px[i][r] = a
			}
		}
	}
}

// columns16 turns rows of 16 bits into columns of numbers from 0 to 1, eight samples at a
// time, and premultiplies: a pixel's alpha is a column too, that of the same eight rows.
func (f *vectorFloat) columns16() {
	unit := archsimd.LoadFloat32x8(&f.units)
	rows, cols, n := &f.eight16, f.cols, f.n
	for at := 0; len(cols) >= 8 && at+8 <= len(rows[0]); at += 8 {
		to := (*[8][8]float32)(cols)
		cols = cols[8:]
		a, b := archsimd.LoadUint16x8Slice(rows[0][at:]), archsimd.LoadUint16x8Slice(rows[1][at:])
		c, d := archsimd.LoadUint16x8Slice(rows[2][at:]), archsimd.LoadUint16x8Slice(rows[3][at:])
		e, g := archsimd.LoadUint16x8Slice(rows[4][at:]), archsimd.LoadUint16x8Slice(rows[5][at:])
		h, i := archsimd.LoadUint16x8Slice(rows[6][at:]), archsimd.LoadUint16x8Slice(rows[7][at:])
		a, b, c, d, e, g, h, i = transpose(a, b, c, d, e, g, h, i)
		v0, v1, v2, v3 := toFloat(a, unit), toFloat(b, unit), toFloat(c, unit), toFloat(d, unit)
		v4, v5, v6, v7 := toFloat(e, unit), toFloat(g, unit), toFloat(h, unit), toFloat(i, unit)
		if n == 4 {
			v0, v1, v2 = v0.Mul(v3), v1.Mul(v3), v2.Mul(v3)
			v4, v5, v6 = v4.Mul(v7), v5.Mul(v7), v6.Mul(v7)
		} else if n == 2 {
			v0, v2, v4, v6 = v0.Mul(v1), v2.Mul(v3), v4.Mul(v5), v6.Mul(v7)
		}
		v0.Store(&to[0])
		v1.Store(&to[1])
		v2.Store(&to[2])
		v3.Store(&to[3])
		v4.Store(&to[4])
		v5.Store(&to[5])
		v6.Store(&to[6])
		v7.Store(&to[7])
	}
}

func toFloat(v archsimd.Uint16x8, unit archsimd.Float32x8) archsimd.Float32x8 {
	return v.ExtendToUint32().AsInt32x8().ConvertToFloat32().Mul(unit)
}

// weight returns w[0] in all lanes. It loads four weights, as a load of one would be an
// instruction of SSE.
func weight(w []float32) archsimd.Float32x8 {
	return archsimd.LoadFloat32x4((*[4]float32)(w)).Broadcast1To8()
}

// gray resamples one sample a pixel, four at a time.
func (f *vectorFloat) gray(dst *[8][]float32) {
	spans, out := f.x.spans, f.width
	for j := 0; j < out; j += 4 {
		s0, s1 := f.dot(spans[j]), f.dot(spans[min(j+1, out-1)])
		s2, s3 := f.dot(spans[min(j+2, out-1)]), f.dot(spans[min(j+3, out-1)])
		storeRows(dst, j, s0, s1, s2, s3)
	}
}

// dot returns the weighted sums of a window of eight rows, of one sample a pixel.
func (f *vectorFloat) dot(sp span) (s archsimd.Float32x8) {
	w, v := f.wx[sp.off:][:f.x.taps+3], f.cols[sp.start:][:f.x.taps]
	for ; len(v) >= 1 && len(w) >= 4; v, w = v[1:], w[1:] {
		s = s.Add(archsimd.LoadFloat32x8(&v[0]).Mul(weight(w)))
	}
	return s
}

// grayA is gray for two samples a pixel, two pixels at a time.
func (f *vectorFloat) grayA(dst *[8][]float32) {
	spans, out := f.x.spans, f.width/2
	for j := 0; j < out; j += 2 {
		s0, s1 := f.dot2(spans[j])
		s2, s3 := f.dot2(spans[min(j+1, out-1)])
		storeRows(dst, 2*j, s0, s1, s2, s3)
	}
}

func (f *vectorFloat) dot2(sp span) (s0, s1 archsimd.Float32x8) {
	w, v := f.wx[sp.off:][:f.x.taps+3], f.cols[2*sp.start:][:2*f.x.taps]
	for ; len(v) >= 2 && len(w) >= 4; v, w = v[2:], w[1:] {
		wk := weight(w)
		s0 = s0.Add(archsimd.LoadFloat32x8(&v[0]).Mul(wk))
		s1 = s1.Add(archsimd.LoadFloat32x8(&v[1]).Mul(wk))
	}
	return s0, s1
}

// rgb resamples three samples a pixel. It stores a fourth, which the next pixel
// overwrites.
func (f *vectorFloat) rgb(dst *[8][]float32) {
	for j, sp := range f.x.spans[:f.width/3] {
		var s0, s1, s2 archsimd.Float32x8
		w, v := f.wx[sp.off:][:f.x.taps+3], f.cols[3*sp.start:][:3*f.x.taps]
		for ; len(v) >= 3 && len(w) >= 4; v, w = v[3:], w[1:] {
			wk := weight(w)
			s0 = s0.Add(archsimd.LoadFloat32x8(&v[0]).Mul(wk))
			s1 = s1.Add(archsimd.LoadFloat32x8(&v[1]).Mul(wk))
			s2 = s2.Add(archsimd.LoadFloat32x8(&v[2]).Mul(wk))
		}
		storeRows(dst, 3*j, s0, s1, s2, s2)
	}
}

// rgba resamples four samples a pixel.
func (f *vectorFloat) rgba(dst *[8][]float32) {
	for j, sp := range f.x.spans[:f.width/4] {
		var s0, s1, s2, s3 archsimd.Float32x8
		w, v := f.wx[sp.off:][:f.x.taps+3], f.cols[4*sp.start:][:4*f.x.taps]
		for ; len(v) >= 4 && len(w) >= 4; v, w = v[4:], w[1:] {
			wk := weight(w)
			s0 = s0.Add(archsimd.LoadFloat32x8(&v[0]).Mul(wk))
			s1 = s1.Add(archsimd.LoadFloat32x8(&v[1]).Mul(wk))
			s2 = s2.Add(archsimd.LoadFloat32x8(&v[2]).Mul(wk))
			s3 = s3.Add(archsimd.LoadFloat32x8(&v[3]).Mul(wk))
		}
		storeRows(dst, 4*j, s0, s1, s2, s3)
	}
}

// storeRows stores samples at to at+3 of eight rows.
func storeRows(dst *[8][]float32, at int, a, b, c, d archsimd.Float32x8) {
	// ab0 is a0 b0 a1 b1 and, in the upper half, a4 b4 a5 b5.
	i, j, k, l := a.AsInt32x8(), b.AsInt32x8(), c.AsInt32x8(), d.AsInt32x8()
	ab0, ab2 := i.InterleaveLoGrouped(j).AsInt64x4(), i.InterleaveHiGrouped(j).AsInt64x4()
	cd0, cd2 := k.InterleaveLoGrouped(l).AsInt64x4(), k.InterleaveHiGrouped(l).AsInt64x4()
	r0, r1 := ab0.InterleaveLoGrouped(cd0).AsFloat32x8(), ab0.InterleaveHiGrouped(cd0).AsFloat32x8()
	r2, r3 := ab2.InterleaveLoGrouped(cd2).AsFloat32x8(), ab2.InterleaveHiGrouped(cd2).AsFloat32x8()
	r0.GetLo().StoreSlice(dst[0][at:])
	r1.GetLo().StoreSlice(dst[1][at:])
	r2.GetLo().StoreSlice(dst[2][at:])
	r3.GetLo().StoreSlice(dst[3][at:])
	r0.GetHi().StoreSlice(dst[4][at:])
	r1.GetHi().StoreSlice(dst[5][at:])
	r2.GetHi().StoreSlice(dst[6][at:])
	r3.GetHi().StoreSlice(dst[7][at:])
}

// out computes row j of the result from the rows of its window.
func (f *vectorFloat) out(j int, dst *raster.Plane, row int) {
	sp := f.y.spans[j]
	for i := range f.src {
		f.src[i] = f.ring[(sp.start+i)%len(f.ring)]
	}
	f.sum(f.wy[sp.off:][:f.y.taps+3])
	at := row * dst.Stride
	if f.linear == nil {
		f.store16(dst.Pix16[at:][:f.width])
		archsimd.ClearAVXUpperBits()
		return
	}
	archsimd.ClearAVXUpperBits()
	if dst.Pix16 != nil {
		storeFloat(dst.Pix16[at:][:f.width], f.float)
	} else {
		storeFloat(dst.Pix[at:][:f.width], f.float)
	}
}

// sum computes f.acc, in the order of additions of float: four rows are added, then
// their sum to the sum of those before.
func (f *vectorFloat) sum(w []float32) {
	for at := 0; at < len(f.acc); at += 16 {
		var a, b archsimd.Float32x8
		src, w := f.src, w
		for ; len(src) >= 4 && len(w) >= 7; src, w = src[4:], w[4:] {
			w0, w1, w2, w3 := weight(w), weight(w[1:]), weight(w[2:]), weight(w[3:])
			r0, r1, r2, r3 := src[0][at:at+16], src[1][at:at+16], src[2][at:at+16], src[3][at:at+16]
			a = a.Add(of(r0).Mul(w0).Add(of(r1).Mul(w1)).Add(of(r2).Mul(w2)).Add(of(r3).Mul(w3)))
			b = b.Add(of(r0[8:]).Mul(w0).Add(of(r1[8:]).Mul(w1)).Add(of(r2[8:]).Mul(w2)).Add(of(r3[8:]).Mul(w3)))
		}
		for ; len(src) >= 1 && len(w) >= 4; src, w = src[1:], w[1:] {
			r0, w0 := src[0][at:at+16], weight(w)
			a, b = a.Add(of(r0).Mul(w0)), b.Add(of(r0[8:]).Mul(w0))
		}
		acc := f.acc[at : at+16]
		a.StoreSlice(acc)
		b.StoreSlice(acc[8:])
	}
}

func of(p []float32) archsimd.Float32x8 { return archsimd.LoadFloat32x8Slice(p) }

// store16 is storeFloat for 16 bits, gamma-encoded.
func (f *vectorFloat) store16(dst []uint16) {
	one, scale, half := archsimd.LoadFloat32x8(&f.ones), archsimd.LoadFloat32x8(&f.scales), archsimd.LoadFloat32x8(&f.halves)
	order := archsimd.LoadUint32x8(&quarters16)
	var zero archsimd.Float32x8
	n := f.n
	for at := 0; at < len(dst); at += 16 {
		acc := f.acc[at : at+16]
		a, b := of(acc), of(acc[8:])
		if n == 4 {
			aa, ab := a.AsInt32x8().PermuteScalarsGrouped(3, 3, 3, 3), b.AsInt32x8().PermuteScalarsGrouped(3, 3, 3, 3)
			isAlpha := archsimd.LoadInt32x8(&alpha4)
			a = divided(a, aa.AsFloat32x8().Min(one).Max(zero), isAlpha, scale, half)
			b = divided(b, ab.AsFloat32x8().Min(one).Max(zero), isAlpha, scale, half)
		} else if n == 2 {
			aa, ab := a.AsInt32x8().PermuteScalarsGrouped(1, 1, 3, 3), b.AsInt32x8().PermuteScalarsGrouped(1, 1, 3, 3)
			isAlpha := archsimd.LoadInt32x8(&alpha2)
			a = divided(a, aa.AsFloat32x8().Min(one).Max(zero), isAlpha, scale, half)
			b = divided(b, ab.AsFloat32x8().Min(one).Max(zero), isAlpha, scale, half)
		}
		i := a.Min(one).Max(zero).Mul(scale).Add(half).ConvertToInt32()
		j := b.Min(one).Max(zero).Mul(scale).Add(half).ConvertToInt32()
		v := i.SaturateToUint16ConcatGrouped(j).AsUint32x8().Permute(order).AsUint16x16()
		if at+16 <= len(dst) {
			v.StoreSlice(dst[at:])
		} else {
			v.Store(&f.tail)
			copy(dst[at:], f.tail[:])
		}
	}
}

// divided returns colour divided by alpha, and alpha itself in its lanes; 0 where alpha
// rounds to 0.
func divided(v, alpha archsimd.Float32x8, isAlpha archsimd.Int32x8, scale, half archsimd.Float32x8) archsimd.Float32x8 {
	q := v.Min(alpha).Div(alpha).AsInt32x8()
	q = alpha.AsInt32x8().And(isAlpha).Or(q.AndNot(isAlpha))
	return q.AsFloat32x8().Masked(alpha.Mul(scale).GreaterEqual(half))
}

var (
	quarters16 = [8]uint32{0, 1, 4, 5, 2, 3, 6, 7}
	alpha4     = [8]int32{0, 0, 0, -1, 0, 0, 0, -1}
	alpha2     = [8]int32{0, -1, 0, -1, 0, -1, 0, -1}
)
