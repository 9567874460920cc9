//go:build goexperiment.simd && amd64

package colour

import "simd/archsimd"

// vectors says whether the processor has AVX2.
var vectors = archsimd.X86.AVX2()

// multiply multiplies the light of all pixels by the matrix and clamps the results to
// steps of the table that encodes them. Each of the eight lanes is a pixel, for which it
// does what rowCurves8 does, in the same order.
//
// It reads and writes memory only, since to set or to read a lane by a number is an
// instruction of SSE (tests/simd_test.go).
func (m *matrixLanes) multiply() {
	add := archsimd.LoadFloat32x8(&m.add)
	most := archsimd.LoadInt32x8(&mostSteps)
	var none archsimd.Int32x8
	for i := range m.out {
		a, b, c := archsimd.LoadFloat32x8(&m.rows[i][0]), archsimd.LoadFloat32x8(&m.rows[i][1]), archsimd.LoadFloat32x8(&m.rows[i][2])
		for x := 0; x < matrixPixels; x += 8 {
			r := archsimd.LoadFloat32x8((*[8]float32)(m.light[0][x : x+8]))
			g := archsimd.LoadFloat32x8((*[8]float32)(m.light[1][x : x+8]))
			b2 := archsimd.LoadFloat32x8((*[8]float32)(m.light[2][x : x+8]))
			v := a.Mul(r).Add(b.Mul(g)).Add(c.Mul(b2)).Add(add).ConvertToInt32()
			v.Min(most).Max(none).Store((*[8]int32)(m.steps[i][x : x+8]))
		}
	}
	archsimd.ClearAVXUpperBits()
}

var mostSteps = [8]int32{encodeSteps, encodeSteps, encodeSteps, encodeSteps, encodeSteps, encodeSteps, encodeSteps, encodeSteps}
