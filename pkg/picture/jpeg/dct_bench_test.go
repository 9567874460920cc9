package jpeg

import (
	"fmt"
	"testing"
)

// BenchmarkTransform is one block, in whatever way this build has; few means
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
	for n := 3; n <= 8; n++ {
		for _, few := range []bool{false, true} {
			b.Run(fmt.Sprintf("idct%d_few=%v", n, few), func(b *testing.B) {
				in := block{700, -40}
				for i := range in {
					if !few {
						in[i] = int32(i*i*7)%301 - 150
					}
				}
				var c block
				for b.Loop() {
					c = in
					idct(n, &c, pix[:], 8)
				}
			})
		}
	}
}
