//go:build !goexperiment.simd || !amd64

package vp8

// filterVectors is what vector code needs of a filterStrength: nothing without it.
type filterVectors struct{}

func (f *filterStrength) setVectors() {}

func acrossColumns(a []uint8, i int, b []uint8, j, stride int, f *filterStrength, macroblock bool) {
	columnsPlain(a, i, stride, f, macroblock)
	columnsPlain(b, j, stride, f, macroblock)
}

func acrossRows(a []uint8, i int, b []uint8, j, stride int, f *filterStrength, macroblock bool) {
	rowsPlain(a, i, stride, f, macroblock)
	rowsPlain(b, j, stride, f, macroblock)
}
