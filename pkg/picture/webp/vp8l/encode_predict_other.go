//go:build !goexperiment.simd || !amd64

package vp8l

// Without vector code all pixels are left to the plain loops: see encode_predict_amd64.go.

func vectorResiduals(mode int, dst, cur, above []uint32) int { return 0 }
func vectorCost(px []uint32) (n int, sum uint64)             { return 0, 0 }
func vectorSubtractGreen(px []uint32) int                    { return 0 }
