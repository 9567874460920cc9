//go:build !(goexperiment.simd && amd64)

package jpeg

// fdct transforms 8 rows of 8 samples, rows stride apart, into z.
func fdct(z *coefs, pix []uint8, stride int) { fdctWords(z, pix, stride) }

// idct writes the inverse DCT of the n × n lowest coefficients of b to n rows of n
// samples, rows stride apart. It uses b up.
func idct(n int, b *block, dst []uint8, stride int) { idctScalar(n, b, dst, stride) }
