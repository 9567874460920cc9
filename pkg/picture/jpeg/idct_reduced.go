package jpeg

import "math"

// Reduced decoding: the n-point inverse DCT of the n × n lowest coefficients of
// a block makes n × n samples of the picture at n/8 (as libjpeg scales; Dugad and
// Ahuja, "A Fast Scheme for Image Size Change in the Compressed Domain", 2001).
// With the factor √(n/8) a side that keeps the mean, the 1-D transform is, times √8,
//
//	x(i) = X(0) + Σ √2·cos((2i+1)uπ/2n)·X(u),  u = 1 … n-1
//
// with the same factors for X(u) at every n.

// basis holds √2·cos((2i+1)uπ/2n) for each n, in 13 bits of fraction.
var basis [9][8][8]int32

func init() {
	for n := 1; n <= 8; n++ {
		for i := range n {
			basis[n][i][0] = 1 << constBits
			for u := 1; u < n; u++ {
				c := math.Sqrt2 * math.Cos(float64((2*i+1)*u)*math.Pi/float64(2*n))
				basis[n][i][u] = int32(math.Round(c * (1 << constBits)))
			}
		}
	}
}

// idct writes the inverse DCT of the n × n lowest coefficients of b to n rows of n
// samples, rows stride apart. It uses b up.
func idct(n int, b *block, dst []uint8, stride int) {
	if n == 8 {
		idct8(b, dst, stride)
		return
	}
	idctPlain(n, b, dst, stride)
}

func idctPlain(n int, b *block, dst []uint8, stride int) {
	m := &basis[n]
	var t [8]int64
	for x := range n {
		for i := range n {
			sum := int64(0)
			for u := range n {
				sum += int64(b[8*u+x]) * int64(m[i][u])
			}
			t[i] = (sum + 1<<(constBits-passBits-1)) >> (constBits - passBits)
		}
		for i := range n {
			b[8*i+x] = int32(t[i])
		}
	}
	for y := range n {
		for i := range n {
			sum := int64(1 << (constBits + passBits + 2))
			for u := range n {
				sum += int64(b[8*y+u]) * int64(m[i][u])
			}
			dst[y*stride+i] = clamp(int32(sum >> (constBits + passBits + 3)))
		}
	}
}
