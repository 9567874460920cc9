//go:build !(goexperiment.simd && amd64)

package raster

// Without vector code the plain loops make whole rows.

func (l Luma) gray8Blocks(dst, src []uint8, n int) (pixels int)       { return 0 }
func toRGBBlocks(dst, y, cb, cr []uint8) (pixels int)                 { return 0 }
func mixBlocks(dst []uint16, a, b []uint8, part uint16) (samples int) { return 0 }
func doubleBlocks(dst []uint8, src []uint16) (n int)                  { return 0 }
