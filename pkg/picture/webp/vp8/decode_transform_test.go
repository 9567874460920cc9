package vp8

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// transformByDefinition adds the inverse DCT of c to the first 4 × 4 samples, in the order
// of section 14.4: first the columns, then the rows.
func transformByDefinition(pix []uint8, stride int, c *[16]int16) {
	pass := func(v [4]int) [4]int {
		a, b := v[0]+v[2], v[0]-v[2]
		x := v[1]*35468>>16 - (v[3] + v[3]*20091>>16)
		y := v[1] + v[1]*20091>>16 + v[3]*35468>>16
		return [4]int{a + y, b + x, b - x, a - y}
	}
	var m [4][4]int
	for x := range 4 {
		for y, v := range pass([4]int{int(c[x]), int(c[4+x]), int(c[8+x]), int(c[12+x])}) {
			m[y][x] = v
		}
	}
	for y := range 4 {
		for x, v := range pass(m[y]) {
			p := &pix[y*stride+x]
			*p = uint8(max(0, min(255, int(*p)+(v+4)>>3)))
		}
	}
}

// The inverse DCT, and its shorter forms for blocks with one coefficient or the first three,
// are those of the definition: for coefficients of up to 12 bits, and for larger ones while
// sums fit in 32 bits.
func TestTransformByDefinition(t *testing.T) {
	const stride = 7
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 200000 {
		n, least := [3]int{1, 3, 16}[i%3], [3]int{0, 1, 3}[i%3]
		var c [16]int16
		for k := range n {
			c[zigzag[k]] = int16(r.Uint32()) >> (least + r.IntN(16-least))
		}
		got := make([]uint8, 3*stride+4)
		for k := range got {
			got[k] = uint8(r.Uint32())
		}
		want := bytes.Clone(got)
		transformByDefinition(want, stride, &c)
		switch n {
		case 1:
			addDC(got, stride, c[0])
		case 3:
			addFirst3(got, stride, &c)
		default:
			addDCT(got, stride, &c)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("case %d: %v: %v, want %v", i, c, got, want)
		}
	}
}

// Blocks of 16 × 16 and 8 × 8 samples are predicted as section 12.2 and 12.3 define it.
func TestPredictionByDefinition(t *testing.T) {
	const stride, at = 24, 24 + 2
	r := rand.New(rand.NewPCG(7, 8))
	for i := range 4000 {
		n, m := 16-8*(i&1), mode(i>>1&3)
		above, left := r.IntN(3) > 0, r.IntN(3) > 0
		pix, top := make([]uint8, 18*stride), make([]uint8, 17)
		for k := range pix {
			pix[k] = uint8(r.Uint32())
		}
		for k := range top {
			top[k] = uint8(r.Uint32()) >> r.IntN(8)
		}
		want := bytes.Clone(pix)
		sum, count := 0, 0
		for k := range n {
			if above {
				sum, count = sum+int(top[1+k]), count+1
			}
			if left {
				sum, count = sum+int(pix[at+k*stride-1]), count+1
			}
		}
		mean := 128
		if count > 0 {
			mean = (sum + count/2) / count
		}
		for y := range n {
			for x := range n {
				a, l := int(top[1+x]), int(pix[at+y*stride-1])
				v := map[mode]int{modeDC: mean, modeV: a, modeH: l, modeTM: max(0, min(255, a+l-int(top[0])))}[m]
				want[at+y*stride+x] = uint8(v)
			}
		}
		predict(m, pix, at, stride, n, top, above, left)
		if !bytes.Equal(pix, want) {
			t.Fatalf("case %d: mode %d of %d × %d: %v, want %v", i, m, n, n, pix, want)
		}
	}
}
