//go:build !goexperiment.simd || !amd64

package vp8l

const avx2 = false

func vectorMatch(a, b []uint32) int                        { return 0 }
func (b *bucket) vectorAlike(uint32) (twice, first uint32) { return 0, 0 }
