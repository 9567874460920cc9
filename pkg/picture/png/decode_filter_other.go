//go:build !goexperiment.simd || !amd64

package png

// Without vector code all bytes are left to the plain loops: see decode_filter_amd64.go.

func vectorUp(dst, src, prev []byte) int               { return 0 }
func vectorAverage(dst, src, prev []byte, bpp int) int { return 0 }
func vectorPaeth(dst, src, prev []byte, bpp int) int   { return 0 }
