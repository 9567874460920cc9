//go:build goexperiment.simd && amd64

package vp8l

import "simd/archsimd"

// vectorFill is plainFill for eight pixels at a time. It returns false, and does nothing,
// if there are no vectors.
func (h *hashes) vectorFill(px []uint32, short, long *places) bool {
	if !avx2 {
		return false
	}
	a, b, c := archsimd.BroadcastUint32x8(mulA), archsimd.BroadcastUint32x8(mulB), archsimd.BroadcastUint32x8(mulC)
	for k := 0; k < hashBlock+32; k += 8 {
		s := load32(px, k).Mul(a).Add(load32(px, k+1).Mul(b)).Add(load32(px, k+2).Mul(c))
		s.StoreSlice(h.h3[k:])
	}
	d := archsimd.BroadcastUint32x8(mulD)
	for k := 0; k < hashBlock+24; k += 8 {
		load32(h.h3[:], k).Add(load32(h.h3[:], k+3).Mul(d)).StoreSlice(h.h6[k:])
	}
	e := archsimd.BroadcastUint32x8(mulE)
	for k := 0; k < hashBlock+16; k += 8 {
		load32(h.h6[:], k).Add(load32(h.h6[:], k+6).Mul(e)).StoreSlice(h.h12[k:])
	}
	f := archsimd.BroadcastUint32x8(mulF)
	toShort, toLong := archsimd.BroadcastUint32x8(uint32(short.shift)), archsimd.BroadcastUint32x8(uint32(long.shift))
	up, toTwice := archsimd.BroadcastUint32x8(1<<twiceBits), archsimd.BroadcastUint32x8(32-twiceBits)
	for k := 0; k < hashBlock; k += 8 {
		first, twice := load32(h.h3[:], k), load32(h.h6[:], k)
		first.ShiftRight(toShort).Mul(up).Or(twice.ShiftRight(toTwice)).StoreSlice(h.short[k:])
		first = load32(h.h12[:], k)
		twice = first.Add(load32(h.h12[:], k+12).Mul(f))
		first.ShiftRight(toLong).Mul(up).Or(twice.ShiftRight(toTwice)).StoreSlice(h.long[k:])
	}
	archsimd.ClearAVXUpperBits()
	return true
}

func load32(px []uint32, i int) archsimd.Uint32x8 {
	return archsimd.LoadUint32x8Slice(px[i : i+8 : i+8])
}
