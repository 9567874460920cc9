package jpeg

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkTransform transforms one block, by vectors or not as built; few means
// one coefficient beside the first.
func BenchmarkTransform(b *testing.B) {
	var pix [64]uint8
	for i := range pix {
		pix[i] = uint8(i * i * 7)
	}
	b.Run("fdct", func(b *testing.B) {
		var z coefs
		for b.Loop() {
			fdct(&z, pix[:], 8)
		}
	})
	b.Run("quantize", func(b *testing.B) { // many blocks, or branches learn them
		q := newQuantizer(scaleSteps(&lumaSteps, 85), deadZone(85))
		rnd := rand.New(rand.NewPCG(21, 22))
		z := make([]coefs, 4096)
		for i := range z {
			var pix [64]uint8
			for j := range pix {
				pix[j] = uint8(100 + rnd.IntN(1+i%40))
			}
			fdct(&z[i], pix[:], 8)
		}
		var c levels
		i := 0
		for b.Loop() {
			q.quantize(&z[i%len(z)], &c)
			i++
		}
	})
	for n := 1; n <= 8; n++ { // eight blocks
		for _, few := range []bool{false, true} {
			b.Run(fmt.Sprintf("idct%d_few=%v", n, few), func(b *testing.B) {
				q := scaleSteps(&lumaSteps, 85)
				t := newInverse(n, q)
				g := new(group)
				for i := range groupBlocks {
					g.used[i] = 64
					if few {
						g.used[i] = 2
					}
					for k := range int(g.used[i]) {
						g.v[i*blockStep+k*groupStep] = int16((i+k)*k*7)%301 - 150
					}
				}
				const stride = 8*groupBlocks + 16
				pix := make([]uint8, 8*stride)
				for b.Loop() {
					t.transform(g, groupBlocks, pix, stride)
				}
			})
		}
	}
}
