//go:build !(goexperiment.simd && amd64)

package jpeg

// fdct transforms 8 rows of 8 samples, rows stride apart, into z.
func fdct(z *coefs, pix []uint8, stride int) { fdctWords(z, pix, stride) }

// idct writes the inverse DCT of the n × n lowest coefficients of b to n rows of n
// samples, rows stride apart. It overwrites b.
func idct(n int, b *block, dst []uint8, stride int) { idctScalar(n, b, dst, stride) }

// quantize is quantizeWords.
func (q *quantizer) quantize(z *coefs, c *[64]int32) (nz uint64) { return q.quantizeWords(z, c) }

type vectorSteps struct{}

func (vectorSteps) set(int, uint16) {}

// Without vector code the plain loops of encode_rgb.go make whole lines.
func pairsBlocks(sum [][16]int16, rgb []uint8) (n int)                  { return 0 }
func chromaBlocks(cb, cr []uint8, sum [][16]int16, rgb []uint8) (n int) { return 0 }
