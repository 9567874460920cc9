//go:build !goexperiment.simd || !amd64

package vp8l

// Without vector code all pixels are left to the plain loops: see
// decode_transform_amd64.go.

func addGreenBlocks(row []uint32) (pixels int)            { return 0 }
func addColourBlocks(row []uint32, m uint32) (pixels int) { return 0 }
func addRowBlocks(row, from []uint32) (pixels int)        { return 0 }
