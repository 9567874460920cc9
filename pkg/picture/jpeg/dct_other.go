//go:build !(goexperiment.simd && amd64)

package jpeg

// fdct transforms 8 rows of 8 samples, rows stride apart, into z.
func fdct(z *coefs, pix []uint8, stride int) { fdctWords(z, pix, stride) }

// idct writes the inverse DCT of the n × n lowest coefficients of b to n rows of n
// samples, rows stride apart. It uses b up.
func idct(n int, b *block, dst []uint8, stride int) { idctScalar(n, b, dst, stride) }

// quantize writes to c, in zig-zag order, the first coefficient and those that do not
// become 0, and returns which those are.
func (q *quantizer) quantize(z *coefs, c *[64]int32) (nz uint64) { return q.quantizeWords(z, c) }
