//go:build !(goexperiment.simd && amd64)

package jpeg

// fdct transforms 8 rows of 8 samples, rows stride apart, into z.
func fdct(z *coefs, pix []uint8, stride int) { fdctWords(z, pix, stride) }

// quantize is quantizeWords.
func (q *quantizer) quantize(z *coefs, b *levels) { q.quantizeWords(z, b) }

type vectorSteps struct{}

func (vectorSteps) set(int, uint16, uint64) {}

// Without vector code the plain loops of encode_rgb.go make whole lines.
func pairsBlocks(sum [][16]int16, rgb []uint8) (n int)                  { return 0 }
func chromaBlocks(cb, cr []uint8, sum [][16]int16, rgb []uint8) (n int) { return 0 }

// The coefficients of a block lie together: see group.
const (
	groupStep  = 1
	blockStep  = groupRows
	storeSlack = 0
)

// inverseVectors is what inverse needs for vectors.
type inverseVectors struct{}

func (t *inverse) setVectors() {}

// transform is transformWords.
func (t *inverse) transform(g *group, count int, dst []uint8, stride int) {
	t.transformWords(g, count, dst, stride)
}
