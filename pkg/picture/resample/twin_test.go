package resample

import (
	"math/rand/v2"
	"slices"
	"testing"

	"imgtools/pkg/picture/raster"
)

// plainFixed is the plain twin of the engine fixed: the same arithmetic on the whole
// picture, one sample and one multiplication at a time.
func plainFixed(src *picture, w, h int, k kernel) []uint16 {
	d, l := src.head.Planes[0], src.head.Layout
	n := l.Samples()
	x := newAxis(k, d.W, w, layOf(d.W, 1, 1, 0, w, 1))
	y := newAxis(k, d.H, h, layOf(d.H, 1, 1, 0, h, 1))
	f := newFixed(x, y, d.W, w, l)
	round := func(v int64, shift int) int64 {
		if shift == 0 {
			return v
		}
		return (v + 1<<(shift-1)) >> shift
	}
	load := func(px, c int) int64 {
		v, m := int64(src.pix[0][px*n+c]), int64(1)<<f.fLoad
		if f.alpha && c < n-1 {
			return (2*v*int64(src.pix[0][px*n+n-1])*m + 255) / 510
		}
		return v * m
	}
	mid := make([]int64, w*d.H*n)
	for row := range d.H {
		for j := range w {
			for c := range n {
				var s int64
				for i := range x.taps {
					s += int64(f.wx[x.spans[j].off+i]) * load(row*d.W+x.spans[j].start+i, c)
				}
				mid[(row*w+j)*n+c] = round(s, f.fX+f.fLoad-f.fRing)
			}
		}
	}
	out := make([]uint16, w*h*n)
	shift := f.fY + f.fRing
	for j := range h {
		for i := 0; i < w*n; i += n {
			sums := make([]int64, n)
			for c := range n {
				for t := range y.taps {
					sums[c] += int64(f.wy[y.spans[j].off+t]) * mid[(y.spans[j].start+t)*w*n+i+c]
				}
			}
			if !f.alpha {
				for c, s := range sums {
					out[j*w*n+i+c] = uint16(min(max(round(s, shift), 0), 255))
				}
				continue
			}
			a := min(max(sums[n-1], 0), 255<<shift)
			a8 := round(a, shift)
			if a8 == 0 {
				continue
			}
			out[j*w*n+i+n-1] = uint16(a8)
			for c, s := range sums[:n-1] {
				out[j*w*n+i+c] = uint16(float32(max(0, min(s, a)))*(255/float32(a)) + 0.5)
			}
		}
	}
	return out
}

func TestFixedEqualsItsTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for name, k := range kernels {
		for _, l := range packed {
			sizes := [][4]int{{1300, 40, 1100, 9}, {300, 300, 2, 2}, {3, 3, 2500, 7}, {2600, 5, 2059, 5}}
			for range 40 {
				sizes = append(sizes, [4]int{1 + r.IntN(65), 1 + r.IntN(65), 1 + r.IntN(65), 1 + r.IntN(65)})
			}
			for _, s := range sizes {
				src := newPicture(raster.NewHeader(s[0], s[1], l, 8))
				patterns[[]string{"random", "extremes"}[r.IntN(2)]](src, r)
				got := mustRun(t, src, s[2], s[3], Options{Kernel: name})
				if want := plainFixed(src, s[2], s[3], k); !slices.Equal(got.pix[0], want) {
					for i := range want {
						if want[i] != got.pix[0][i] {
							t.Errorf("%s %v %v: sample %d is %d, want %d", name, l, s, i, got.pix[0][i], want[i])
							break
						}
					}
				}
			}
		}
	}
}

// Two sums fit one word only if the positive weights stay below 2: see total.
func TestWeightsLeaveRoom(t *testing.T) {
	for name, k := range kernels {
		for in := 1; in <= 80; in++ {
			for out := 1; out <= 160; out++ {
				a := newAxis(k, in, out, layOf(in, 1, 1, 0, out, 1))
				if a.pos > 1.6 {
					t.Fatalf("%s %d to %d: positive weights add up to %.3f", name, in, out, a.pos)
				}
				for j, sp := range a.spans {
					sum := 0.
					for _, w := range a.weights[sp.off:][:a.taps] {
						sum += w
					}
					if sum < 1-1e-12 || sum > 1+1e-12 || sp.start < 0 || sp.start+a.taps > in {
						t.Fatalf("%s %d to %d: output %d: sum %g, span %v of %d taps", name, in, out, j, sum, sp, a.taps)
					}
					if j > 0 && sp.start < a.spans[j-1].start {
						t.Fatalf("%s %d to %d: window %d goes back", name, in, out, j)
					}
				}
			}
		}
	}
}
