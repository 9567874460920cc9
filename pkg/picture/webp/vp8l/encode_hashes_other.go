//go:build !goexperiment.simd || !amd64

package vp8l

func (h *hashes) vectorFill(px []uint32, short, long *places) bool { return false }
