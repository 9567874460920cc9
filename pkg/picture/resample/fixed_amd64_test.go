//go:build goexperiment.simd && amd64

package resample

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"

	"simd/archsimd"

	"imgtools/pkg/picture/raster"
)

func needAVX2(t *testing.T) {
	t.Helper()
	if !archsimd.X86.AVX2() {
		t.Skip("this processor has no AVX2")
	}
}

// through16 is through for samples of 16 bits.
func through16(t *testing.T, e engine, y *axis, band *raster.Band, rows, samples, h int) []uint16 {
	t.Helper()
	p := plane{engine: e, y: y, rows: rows, height: h, width: samples, pix16: make([]uint16, samples*h), band: h}
	p.work(band, 0)
	if p.done != h {
		t.Fatalf("%T: %d rows of %d", e, p.done, h)
	}
	return p.pix16
}

// through returns what e makes of the picture in band, which has rows rows.
func through(t *testing.T, e engine, y *axis, band *raster.Band, rows, samples, h int) []uint8 {
	t.Helper()
	p := plane{engine: e, y: y, rows: rows, height: h, width: samples, pix: make([]uint8, samples*h), band: h}
	p.work(band, 0)
	if p.done != h {
		t.Fatalf("%T: %d rows of %d", e, p.done, h)
	}
	return p.pix
}

// The sizes are 1 to 65 in each direction and some extremes, for every kernel, with
// samples that overshoot, a last sample that counts in part, and strides wider than rows.
func TestVectorEqualsPlain(t *testing.T) {
	needAVX2(t)
	r := rand.New(rand.NewPCG(17, 18))
	for name, k := range kernels {
		for _, l := range []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA} {
			sizes := [][4]int{{1300, 40, 1100, 9}, {300, 300, 2, 2}, {3, 3, 2500, 7}, {2600, 5, 2059, 5}, {4000, 2, 3, 1}, {1, 1200, 3, 2}}
			for n := 1; n <= 65; n++ {
				sizes = append(sizes, [4]int{n, 1 + r.IntN(65), 1 + r.IntN(65), 1 + r.IntN(65)}, [4]int{1 + r.IntN(65), n, 1 + r.IntN(65), 1 + r.IntN(65)},
					[4]int{1 + r.IntN(65), 1 + r.IntN(65), n, 1 + r.IntN(65)}, [4]int{1 + r.IntN(65), 1 + r.IntN(65), 1 + r.IntN(65), n})
			}
			for i, s := range sizes {
				in, inH, out, outH, n := s[0], s[1], s[2], s[3], l.Samples()
				x := newAxis(k, in, out, layOf(in, 1, 1, 0, out, 1))
				y := newAxis(k, inH, outH, layOf(inH, 1, 1, 0, outH, 1))
				if i%3 == 0 {
					x = newAxis(k, in, out, layOf(8*in-5, 1, 8, 0, out, 1))
					y = newAxis(k, inH, outH, layOf(8*inH-3, 1, 8, 0, outH, 1))
				}
				p := raster.Plane{Stride: in*n + i%7, Rows: inH}
				p.Pix = make([]uint8, p.Stride*inH)
				for at := range p.Pix {
					p.Pix[at] = uint8(r.UintN(256))
					if i%2 == 0 {
						p.Pix[at] = -uint8(r.UintN(2))
					}
				}
				for at := range p.Pix { // some are opaque in part or everywhere
					if l.HasAlpha() && i%4 > 1 && at%p.Stride%n == n-1 && (i%4 == 2 || at < len(p.Pix)/2) {
						p.Pix[at] = 255
					}
				}
				band := &raster.Band{Planes: [3]raster.Plane{p}}
				got := through(t, newVector(x, y, in, out, l), y, band, inH, out*n, outH)
				want := through(t, newFixed(x, y, in, out, l), y, band, inH, out*n, outH)
				if !slices.Equal(got, want) {
					for at := range want {
						if got[at] != want[at] {
							t.Fatalf("%s %v %v: sample %d of row %d is %d, want %d", name, l, s, at%(out*n), at/(out*n), got[at], want[at])
						}
					}
				}
			}
		}
	}
}

// The same for 16 bits and for linear light.
func TestVectorFloatEqualsPlain(t *testing.T) {
	needAVX2(t)
	r := rand.New(rand.NewPCG(19, 20))
	for name, k := range kernels {
		for _, l := range []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA} {
			sizes := [][4]int{{1300, 40, 1100, 9}, {300, 300, 2, 2}, {3, 3, 2500, 7}, {4000, 2, 3, 1}, {1, 1200, 3, 2}}
			for n := 1; n <= 65; n++ {
				sizes = append(sizes, [4]int{n, 1 + r.IntN(65), 1 + r.IntN(65), 1 + r.IntN(65)}, [4]int{1 + r.IntN(65), 1 + r.IntN(65), n, 1 + r.IntN(65)})
			}
			for i, s := range sizes {
				in, inH, out, outH, n := s[0], s[1], s[2], s[3], l.Samples()
				x := newAxis(k, in, out, layOf(in, 1, 1, 0, out, 1))
				y := newAxis(k, inH, outH, layOf(inH, 1, 1, 0, outH, 1))
				head := raster.NewHeader(in, inH, l, []uint8{16, 16, 8}[i%3])
				o := Options{Linear: i%3 > 0}
				p := raster.Plane{Stride: in*n + i%7, Rows: inH}
				p.Pix, p.Pix16 = make([]uint8, p.Stride*inH), make([]uint16, p.Stride*inH)
				for at := range p.Pix {
					v := r.UintN(1 << 16)
					if i%2 == 0 {
						v = r.UintN(2) * 0xffff
					}
					if i%5 == 0 {
						v &= 3 // alphas that round to 0
					}
					p.Pix[at], p.Pix16[at] = uint8(v), uint16(v)
				}
				plain, fast := newFloat(x, y, in, out, head, o), newVectorFloat(x, y, in, out, head, o)
				var got, want []uint16
				if head.Bits == 16 {
					p.Pix = nil
					band := &raster.Band{Planes: [3]raster.Plane{p}}
					got, want = through16(t, fast, y, band, inH, out*n, outH), through16(t, plain, y, band, inH, out*n, outH)
				} else {
					p.Pix16 = nil
					band := &raster.Band{Planes: [3]raster.Plane{p}}
					for _, v := range through(t, fast, y, band, inH, out*n, outH) {
						got = append(got, uint16(v))
					}
					for _, v := range through(t, plain, y, band, inH, out*n, outH) {
						want = append(want, uint16(v))
					}
				}
				for at := range want {
					if got[at] != want[at] {
						t.Fatalf("%s %v %v, linear %v: sample %d of row %d is %d, want %d", name, l, s, o.Linear, at%(out*n), at/(out*n), got[at], want[at])
					}
				}
			}
		}
	}
}

func TestVectorPremultipliesEveryColour(t *testing.T) {
	needAVX2(t)
	for n, l := range map[int]*alphaLanes{2: &grayAlpha, 4: &colourAlpha} {
		for bits := range 7 {
			var of255 [8]float32
			for i := range of255 {
				of255[i] = float32(int(1)<<bits) / 255
			}
			for a := range 256 {
				for c := range 256 {
					var src [16]uint8
					var dst [16]int16
					for i := range src {
						src[i] = uint8(c + 37*i)
						if i%n == n-1 {
							src[i] = uint8(a + 91*i)
						}
					}
					premultiply(archsimd.LoadUint8x16(&src), l, &of255).Store(&dst)
					for i := range src {
						alpha := src[i-i%n+n-1]
						want := premul(src[i], alpha, mulOf(bits))
						if i%n == n-1 {
							want = int64(alpha) << bits
						}
						if int64(dst[i]) != want {
							t.Fatalf("%d samples, %d bits: %d of alpha %d is %d, want %d", n, bits, src[i], alpha, dst[i], want)
						}
					}
				}
			}
			archsimd.ClearAVXUpperBits()
		}
	}
}

// A processor without AVX2 gets the plain engine.
func TestEngineWithoutAVX2(t *testing.T) {
	const ask = "RESAMPLE_TEST_ENGINE"
	if os.Getenv(ask) != "" {
		a := newAxis(kernels["box"], 4, 2, layOf(4, 1, 1, 0, 2, 1))
		fmt.Printf("%T\n", newEngine8(a, a, 4, 2, raster.Gray))
		return
	}
	c := exec.Command(os.Args[0], "-test.run=^TestEngineWithoutAVX2$")
	c.Env = append(os.Environ(), ask+"=1", "GODEBUG=cpu.avx2=off")
	out, err := c.Output()
	if err != nil || !bytes.HasPrefix(out, []byte("*resample.fixed\n")) {
		t.Errorf("with AVX2 off: %v, %q", err, out)
	}
}
