//go:build goexperiment.simd && amd64

package vp8l

import (
	"math/bits"
	"simd/archsimd"
)

// vectorMatch compares pixels by eight. It returns how many are equal; those behind may be
// so, too, if fewer than eight are left.
func vectorMatch(a, b []uint32) (n int) {
	if !avx2 {
		return 0
	}
	for ; n+8 <= len(a); n += 8 {
		if same := load32(a, n).Equal(load32(b, n)).ToBits(); same != 0xff {
			n += bits.TrailingZeros8(^same)
			break
		}
	}
	archsimd.ClearAVXUpperBits()
	return n
}

// vectorAlike is alike for all places at once.
func (b *bucket) vectorAlike(key uint32) (twice, first uint32) {
	const tagMask, firstMask = 1<<32 - 1<<(32-tagBits), 1<<32 - 1<<(32-firstBits)
	places := archsimd.LoadUint64x4((*[4]uint64)(b)).AsUint32x8()
	x := places.Xor(archsimd.BroadcastUint32x8(key << (32 - tagBits)))
	var none archsimd.Uint32x8
	t := x.And(archsimd.BroadcastUint32x8(tagMask)).Equal(none).ToBits()
	f := x.And(archsimd.BroadcastUint32x8(firstMask)).Equal(none).ToBits()
	archsimd.ClearAVXUpperBits()
	return uint32(t), uint32(f &^ t)
}
