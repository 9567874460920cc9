//go:build !(goexperiment.simd && amd64)

package colour

// Without vector code rowCurves8 multiplies pixel by pixel.
const vectors = false

func (m *matrixLanes) multiply() {}
