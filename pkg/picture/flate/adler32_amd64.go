//go:build goexperiment.simd && amd64

package flate

import "simd/archsimd"

var avx2 = archsimd.X86.AVX2()

// Constants of the vector code. They are loaded, since other ways to make a vector may
// be compiled to instructions of SSE, which are slow among those of AVX.
var (
	weights = [32]int8{32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17,
		16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}
	ones    = [16]int16{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	nothing [32]uint8
	nulls   [8]int32
)

// vectorBlock is the number of bytes after which the sums are reduced. No sum of 32 bits
// overflows in so many: the largest, that of sum, is below 173²/2 · 2040.
const vectorBlock = 173 * 32

// adlerVector adds whole blocks of 32 bytes of p to the sums and returns the rest. Of 32
// bytes s2 grows by 32·s1 + 32·b0 + 31·b1 + … + 1·b31. The sums are kept in parts: sum
// has the bytes, before has sum as it was before each block of 32, and weighted the
// bytes by their weights.
func adlerVector(s1, s2 uint64, p []byte) (uint64, uint64, []byte) {
	if !avx2 {
		return s1, s2, p
	}
	var parts [3][8]int32
	for len(p) >= 32 {
		weight, one, zero := archsimd.LoadInt8x32(&weights), archsimd.LoadInt16x16(&ones), archsimd.LoadUint8x32(&nothing)
		q := p[:min(len(p)&^31, vectorBlock)]
		p = p[len(q):]
		n := uint64(len(q))
		sum, before, weighted := archsimd.LoadInt32x8(&nulls), archsimd.LoadInt32x8(&nulls), archsimd.LoadInt32x8(&nulls)
		for ; len(q) >= 32; q = q[32:] {
			x := archsimd.LoadUint8x32Slice(q[:32:32])
			before = before.Add(sum)
			sum = sum.Add(x.SumAbsDiff(zero).AsInt32x8())
			weighted = weighted.Add(x.DotProductPairsSaturated(weight).DotProductPairs(one))
		}
		sum.Store(&parts[0])
		before.Store(&parts[1])
		weighted.Store(&parts[2])
		archsimd.ClearAVXUpperBits()
		s2 += n * s1
		for i := range 8 {
			s1 += uint64(parts[0][i])
			s2 += 32*uint64(parts[1][i]) + uint64(parts[2][i])
		}
		s1 %= adlerMod
		s2 %= adlerMod
	}
	return s1, s2, p
}
