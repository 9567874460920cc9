//go:build !goexperiment.simd || !amd64

package webp

// Without vector code all is left to the plain loops: see decode_colours_amd64.go.

type mixVectors struct{}

func (*mixVectors) blocks(dst []uint8, n int, luma []uint8, c *chromaRows) (pixels int) { return 0 }
func packBlocks(dst []uint8, row []uint32) (pixels int)                                 { return 0 }

func widenBlocks(dst, src []uint8, kind int) (samples int) { return 0 }
