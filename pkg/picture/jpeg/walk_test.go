package jpeg

import (
	"bytes"
	"image"
	stdjpeg "image/jpeg"
	"math/rand/v2"
	"testing"
)

// walkPlain goes over a block symbol by symbol (T.81 F.2.2), and puts its first
// coefficients into v by their position in zig-zag order.
func walkPlain(e *entropy, dc, ac *huffman, v *[64]int32) error {
	d, err := e.diff(dc)
	if err != nil {
		return err
	}
	*v = [64]int32{d}
	for k := 1; k < 64; k++ {
		run, x, err := e.coefficient(ac)
		if err != nil {
			return err
		}
		if run == endRun {
			break
		}
		if k += run; k > 63 {
			return errRun
		}
		v[k] = x
	}
	return nil
}

// black and white dots at quality 100: long codes, and blocks without an end.
func dots(t *testing.T) []byte {
	rnd := rand.New(rand.NewPCG(5, 6))
	m := image.NewYCbCr(image.Rect(0, 0, 400, 300), image.YCbCrSubsampleRatio420)
	for _, p := range [][]uint8{m.Y, m.Cb, m.Cr} {
		for i := range p {
			p[i] = uint8(255 * rnd.IntN(2))
		}
	}
	var out bytes.Buffer
	if err := stdjpeg.Encode(&out, m, &stdjpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The blocks that walk goes over, and the coefficients that corner takes from them,
// are those of walkPlain.
func TestWalkAndCornerAgainstPlain(t *testing.T) {
	files := map[string][]byte{"dots": dots(t)}
	for _, name := range []string{"base_1x1.jpg", "base_2x2.jpg", "base_4x2.jpg", "opt100.jpg", "q10.jpg", "gray.jpg"} {
		files[name] = read(t, name)
	}
	for name, p := range files {
		fast, plain := open(t, p), open(t, p)
		s := fast.first
		sc, pl := fast.newScanner(), plain.newScanner()
		sc.begin(s)
		pl.begin(s)
		sc.skipTables()
		for _, ac := range s.ac {
			ac.valueTable()
		}
		blocks, long := 0, 0
		for mcu := range sc.f.mcux * sc.f.mcuy {
			for i, ci := range s.comps {
				n := sc.f.comps[ci].h * sc.f.comps[ci].v
				if err := sc.walk(i, n); err != nil {
					t.Fatalf("%s: MCU %d: %v", name, mcu, err)
				}
				for b := range n {
					if !pl.e.ready(1) {
						t.Fatalf("%s: MCU %d: the plain way has no block", name, mcu)
					}
					from := pl.e.at()
					var want [64]int32
					if err := walkPlain(pl.e, s.dc[i], s.ac[i], &want); err != nil {
						t.Fatalf("%s: MCU %d: %v", name, mcu, err)
					}
					if got, length := sc.ends[b+1]-sc.ends[b], pl.e.at()-from; got != length {
						t.Fatalf("%s: MCU %d: a block of %d bits, want %d", name, mcu, got, length)
					}
					blocks++
					var v, other [2]uint64
					if !corner(sc.e.clean(), s.dc[i], s.ac[i], sc.ends[b], sc.ends[0], &v, &other) {
						long++
						continue
					}
					if int32(v[0]) != want[0] {
						t.Fatalf("%s: MCU %d: DC difference %d, want %d", name, mcu, int32(v[0]), want[0])
					}
					if b == 0 && other != v {
						t.Fatalf("%s: MCU %d: side by side %x and %x", name, mcu, v, other)
					}
					for k := 1; k <= 4; k++ {
						if got := int32(int16(v[1] >> (16*k - 16))); got != want[k] {
							t.Fatalf("%s: MCU %d: coefficient %d is %d, want %d", name, mcu, k, got, want[k])
						}
					}
				}
			}
		}
		if blocks == 0 || long*4 > blocks {
			t.Errorf("%s: %d of %d blocks are left to the plain way", name, long, blocks)
		}
	}
}
