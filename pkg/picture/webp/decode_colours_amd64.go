//go:build goexperiment.simd && amd64

package webp

import "simd/archsimd"

var avx2 = archsimd.X86.AVX2()

func lanesOf(v int16) (l [16]int16) {
	for i := range l {
		l[i] = v
	}
	return l
}

// Constants are loaded from memory: to set them may take an instruction of SSE, which is
// slow among those of AVX. A factor times a sample that is shifted left by 8 is the
// product shifted right by 8 in the upper 16 bits.
var (
	lanes8    = lanesOf(8)
	lanesByte = lanesOf(255)
	lanes512  = lanesOf(512)

	lanesFromY, lanesRCr, lanesGCb, lanesGCr = lanesOf(fromY), lanesOf(rCr), lanesOf(gCb), lanesOf(gCr)
	lanesBCb                                 = lanesOf(bCb - 1<<16) // as a number without a sign it is bCb
	lanesROff, lanesGOff, lanesBOff          = lanesOf(rOff), lanesOf(gOff), lanesOf(bOff)

	// spread[i][c] puts 16 samples of colour c where they stand in bytes 16i to 16i+15 of
	// 16 pixels.
	spread = func() (s [3][3][32]int8) {
		for i := range s {
			for c := range s[i] {
				for k := range 32 {
					s[i][c][k] = -1
					if at := 16*i + k%16; at%3 == c {
						s[i][c][k] = int8(at / 3)
					}
				}
			}
		}
		return s
	}()
)

// mixVectors has the chroma of a row, interpolated vertically, times 4, with a copy of the
// first and of the last sample on either side: Cb and Cr.
type mixVectors [2][]uint16

// blend makes three parts of a and one of b, 16 samples at a time.
func (m *mixVectors) blend(k int, a, b []uint8) {
	if need := len(a) + 2 + 16; len(m[k]) < need { // vectors read up to 16 samples behind those of a row
		m[k] = make([]uint16, need)
	}
	out := m[k][1:]
	i := 0
	for ; i+16 <= len(a); i += 16 {
		x := archsimd.LoadUint8x16Slice(a[i:]).ExtendToUint16()
		y := archsimd.LoadUint8x16Slice(b[i:]).ExtendToUint16()
		x.Add(x).Add(x).Add(y).StoreSlice(out[i:])
	}
	archsimd.ClearAVXUpperBits()
	for ; i < len(a); i++ {
		out[i] = 3*uint16(a[i]) + uint16(b[i])
	}
	m[k][0], out[len(a)] = out[0], out[len(a)-1]
}

// blocks makes 32 pixels of RGB at a time. The even pixels of them are in one vector, the
// odd ones in another, since each sample of chroma is the nearest one to a pixel of either
// kind.
func (m *mixVectors) blocks(dst []uint8, n int, luma []uint8, c *chromaRows) (pixels int) {
	if !avx2 || n != 3 || len(luma) < 32 {
		return 0
	}
	for k := range m {
		m.blend(k, c.near[k], c.far[k])
	}
	cb, cr := m[0], m[1]
	low := archsimd.LoadInt16x16(&lanesByte)
	for len(luma) >= 32 && len(cb) >= 18 && len(cr) >= 18 && len(dst) >= 96 {
		l := archsimd.LoadUint8x32Slice(luma).AsInt16x16()
		b, r := cb[:18], cr[:18]
		evenB, oddB := between(b)
		evenR, oddR := between(r)
		r0, g0, b0 := colours(l.ShiftAllLeft(8), evenB, evenR)
		r1, g1, b1 := colours(l.AndNot(low), oddB, oddR)
		red := r0.Or(r1.ShiftAllLeft(8)).AsUint8x32()
		green := g0.Or(g1.ShiftAllLeft(8)).AsUint8x32()
		blue := b0.Or(b1.ShiftAllLeft(8)).AsUint8x32()
		d := dst[:96]
		for i := range spread {
			s := &spread[i]
			v := red.PermuteOrZeroGrouped(archsimd.LoadInt8x32(&s[0])).
				Or(green.PermuteOrZeroGrouped(archsimd.LoadInt8x32(&s[1]))).
				Or(blue.PermuteOrZeroGrouped(archsimd.LoadInt8x32(&s[2])))
			v.GetLo().StoreSlice(d[16*i : 16*i+16])
			v.GetHi().StoreSlice(d[48+16*i : 64+16*i])
		}
		dst, luma, cb, cr = dst[96:], luma[32:], cb[16:], cr[16:]
		pixels += 32
	}
	archsimd.ClearAVXUpperBits()
	return pixels
}

// between interpolates chroma for 16 even and 16 odd pixels, and shifts it left by 8.
func between(c []uint16) (even, odd archsimd.Uint16x16) {
	half := archsimd.LoadInt16x16(&lanes8)
	near := archsimd.LoadUint16x16Slice(c[1:17]).AsInt16x16()
	near = near.Add(near).Add(near).Add(half)
	even = near.Add(archsimd.LoadUint16x16Slice(c[0:16]).AsInt16x16()).ShiftAllRight(4).ShiftAllLeft(8).AsUint16x16()
	odd = near.Add(archsimd.LoadUint16x16Slice(c[2:18]).AsInt16x16()).ShiftAllRight(4).ShiftAllLeft(8).AsUint16x16()
	return even, odd
}

// colours returns samples of 16 pixels whose luma and chroma are shifted left by 8.
func colours(luma archsimd.Int16x16, cb, cr archsimd.Uint16x16) (r, g, b archsimd.Int16x16) {
	var zero archsimd.Int16x16
	top := archsimd.LoadInt16x16(&lanesByte)
	y := luma.AsUint16x16().MulHigh(archsimd.LoadInt16x16(&lanesFromY).AsUint16x16()).AsInt16x16()
	r = cr.MulHigh(archsimd.LoadInt16x16(&lanesRCr).AsUint16x16()).AsInt16x16()
	r = y.Add(r.Sub(archsimd.LoadInt16x16(&lanesROff)))
	g = cb.MulHigh(archsimd.LoadInt16x16(&lanesGCb).AsUint16x16()).AsInt16x16()
	g = g.Add(cr.MulHigh(archsimd.LoadInt16x16(&lanesGCr).AsUint16x16()).AsInt16x16())
	g = y.Sub(g).Add(archsimd.LoadInt16x16(&lanesGOff))
	b = cb.MulHigh(archsimd.LoadInt16x16(&lanesBCb).AsUint16x16()).AsInt16x16()
	// The sum may be above the greatest number, which is above all samples.
	b = y.AddSaturated(b.Sub(archsimd.LoadInt16x16(&lanesBOff)))
	r, g, b = r.ShiftAllRight(6), g.ShiftAllRight(6), b.ShiftAllRight(6)
	return r.Max(zero).Min(top), g.Max(zero).Min(top), b.Max(zero).Min(top)
}

// A widening is the numbers of widen in vectors: a sample is multiplied by 255, less is taken
// off, not below 0, and the rest divided by the number of levels of studio range, which is a
// multiplication by factor/2^23.
type widening struct{ less, factor [16]int16 }

// widenings are those of luma and of chroma: (v-16) × 255/219 and (v-128) × 255/224 + 128,
// rounded.
var widenings = [2]widening{newWidening(16*255-219/2, 219), newWidening(128*255-128*224-224/2, 224)}

func newWidening(less, levels int) widening {
	return widening{lanesOf(int16(less)), lanesOf(int16((1<<23 + levels - 1) / levels))}
}

// widenBlocks is widen of 32 samples at a time, with widenings[kind].
func widenBlocks(dst, src []uint8, kind int) (samples int) {
	if !avx2 {
		return 0
	}
	w := &widenings[kind]
	low := archsimd.LoadInt16x16(&lanesByte)
	for len(src) >= 32 && len(dst) >= 32 {
		v := archsimd.LoadUint8x32Slice(src).AsInt16x16()
		even := w.apply(v.ShiftAllLeft(8), v.And(low))
		odd := w.apply(v.AndNot(low), v.ShiftAllRight(8).And(low))
		even.Or(odd.ShiftAllLeft(8)).AsUint8x32().StoreSlice(dst)
		dst, src = dst[32:], src[32:]
		samples += 32
	}
	archsimd.ClearAVXUpperBits()
	return samples
}

// apply takes 256 times the samples, and the samples.
func (w *widening) apply(times256, v archsimd.Int16x16) archsimd.Int16x16 {
	less, factor := archsimd.LoadInt16x16(&w.less).AsUint16x16(), archsimd.LoadInt16x16(&w.factor).AsUint16x16()
	x := times256.Sub(v).AsUint16x16().SubSaturated(less).MulHigh(factor)
	// A shift right by 7, by an instruction that takes no count.
	x = x.MulHigh(archsimd.LoadInt16x16(&lanes512).AsUint16x16())
	return x.Min(archsimd.LoadInt16x16(&lanesByte).AsUint16x16()).AsInt16x16()
}

// packRGBs takes blue, green and red of four pixels and turns them round.
var packRGBs = [32]int8{2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1}

// packBlocks is packRGB of eight pixels at a time. The four bytes behind 12 are
// overwritten by what follows, so the row must go on for four bytes.
func packBlocks(dst []uint8, row []uint32) (pixels int) {
	if !avx2 {
		return 0
	}
	pick := archsimd.LoadInt8x32(&packRGBs)
	for ; len(row) >= 8 && len(dst) >= 28; row, dst = row[8:], dst[24:] {
		v := archsimd.LoadUint32x8Slice(row).AsUint8x32().PermuteOrZeroGrouped(pick)
		d := dst[:28]
		v.GetLo().StoreSlice(d[:16])
		v.GetHi().StoreSlice(d[12:28])
		pixels += 8
	}
	archsimd.ClearAVXUpperBits()
	return pixels
}
