package jpeg

import (
	"bytes"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"

	"imgtools/pkg/picture/raster"
)

// arithmetic returns arithmetic-coded files made by cjpeg, by name.
func arithmetic(t testing.TB) map[string][]byte {
	t.Helper()
	ppm := run(t, colourful(t, 75, 53), "djpeg", "-pnm")
	noise := run(t, dots(t), "djpeg", "-pnm", "-scale", "1/4")
	files := map[string][]byte{}
	for _, options := range []string{
		"-sample 2x2", "-sample 1x1", "-sample 2x1 -restart 1", "-sample 1x2 -restart 3B", "-sample 2x2 -restart 1B -quality 20",
		"-grayscale", "-grayscale -restart 2B", "-quality 100",
	} {
		for _, mode := range []string{"", "-progressive "} {
			args := append([]string{"cjpeg", "-arithmetic"}, strings.Fields(mode+options)...)
			files[mode+options] = run(t, ppm, args...)
			files["noise "+mode+options] = run(t, noise, args...)
		}
	}
	return files
}

// Luma of arithmetic-coded files is that of djpeg, at full and reduced size, and gray
// and copies have the coefficients that jpegtran finds.
func TestArithmeticCodingIsThatOfLibjpeg(t *testing.T) {
	for name, p := range arithmetic(t) {
		t.Run(name, func(t *testing.T) {
			if !open(t, p).frame.arithmetic() {
				t.Fatal("not arithmetic-coded")
			}
			fullW, fullH := open(t, p).Header().FullW, open(t, p).Header().FullH
			for _, n := range []int{3, 5, 6, 7, 8} {
				got := mustDecode(t, p, at(n, fullW, fullH))
				w, h, _, want := pnm(t, run(t, p, "djpeg", "-grayscale", "-scale", fmt.Sprintf("%d/8", n)))
				if got.H.W() != w || got.H.H() != h {
					t.Fatalf("at %d/8: %d×%d, want %d×%d", n, got.H.W(), got.H.H(), w, h)
				}
				if d := furthest(got.Planes[0].Pix, got.Planes[0].Stride, want, w, w, h); d > 1 {
					t.Errorf("at %d/8: luma differs by %d", n, d)
				}
			}
			huffman := run(t, p, "jpegtran") // jpegtran writes Huffman codes
			for n := 1; n <= 8; n++ {
				hint := at(n, fullW, fullH)
				hint.Luma, hint.Planar = false, true
				samePlanes(t, mustDecode(t, p, hint), mustDecode(t, huffman, hint))
			}
			var out bytes.Buffer
			if done, err := Copy(&out, open(t, p)); !done || err != nil {
				t.Fatal(done, err)
			}
			if !bytes.Equal(run(t, out.Bytes(), "djpeg"), run(t, p, "djpeg")) {
				t.Error("djpeg shows another picture of the copy")
			}
			if got, want := run(t, toGray(t, p), "djpeg"), run(t, run(t, p, "jpegtran", "-grayscale"), "djpeg"); !bytes.Equal(got, want) {
				t.Error("gray has other pixels than jpegtran's")
			}
			if v := verdicts(t, p, raster.Limits{}, true); v != (verdict{}) {
				t.Errorf("%+v", v)
			}
		})
	}
}

// arithEncoder codes decisions, T.81 D.1. It keeps all bytes, so that a carry can be
// added to those already out.
type arithEncoder struct {
	out  []byte
	a, c uint32
	more int
}

func (e *arithEncoder) decide(s *estimate, v int) {
	state, mps := arithStates[*s&127], int(*s>>7)
	qe := uint32(state.qe)
	e.a -= qe
	if v == mps {
		if e.a >= 0x8000 {
			return
		}
		if e.a < qe {
			e.c += e.a
			e.a = qe
		}
		*s = estimate(mps<<7) | estimate(state.mps)
	} else {
		if e.a >= qe {
			e.c += e.a
			e.a = qe
		}
		*s = estimate((mps^int(state.swap))<<7) | estimate(state.lps)
	}
	for e.a < 0x8000 {
		e.a, e.c = e.a<<1, e.c<<1
		if e.more--; e.more == 0 {
			e.byteOut()
			e.more = 8
		}
	}
}

func (e *arithEncoder) byteOut() {
	t := e.c >> 19
	for i := len(e.out) - 1; t > 255; i-- {
		if e.out[i]++; e.out[i] != 0 {
			break
		}
	}
	e.out = append(e.out, byte(t))
	e.c &= 0x7FFFF
}

// finish returns the segment, with stuffing.
func (e *arithEncoder) finish() []byte {
	t := (e.c + e.a - 1) &^ 0xFFFF
	if t < e.c {
		t += 0x8000
	}
	e.c = t << e.more
	e.byteOut()
	e.c <<= 8
	e.byteOut()
	return bytes.ReplaceAll(bytes.TrimRight(e.out, "\x00"), []byte{0xFF}, []byte{0xFF, 0})
}

// value codes a number v over 0 in size, after its estimates for a size over 1 and so on.
func (e *arithEncoder) value(t []estimate, first []*estimate, x, v int) {
	if v < 0 {
		v = -v
	}
	v-- // the size less 1
	for i, s := range first {
		if v <= i {
			e.decide(s, 0)
			return
		}
		e.decide(s, 1)
	}
	m := len(first)
	for ; m*2 <= v; m *= 2 {
		e.decide(&t[x], 1)
		x++
	}
	e.decide(&t[x], 0)
	for x += toBits; m > 1; {
		m /= 2
		e.decide(&t[x], v/m&1)
	}
}

// conditioned is a gray picture of random coefficients, coded with the conditioning.
func conditioned(low, high, kx int) []byte {
	rnd := rand.New(rand.NewPCG(uint64(low*100+high), uint64(kx)))
	var h headerWriter
	h.soi()
	var q [64]uint16
	for i := range q {
		q[i] = 2
	}
	h.dqt(0, &q)
	h.sof(mSOF9, 64, 64, []component{{id: 1, h: 1, v: 1}})
	h.segment(mDAC, []byte{0, byte(high<<4 | low), 0x10, byte(kx)})
	h.sos([]byte{1}, []byte{0}, 0, 63, 0, 0)
	e := arithEncoder{a: 1 << 16, more: 11}
	var dc [64]estimate
	var ac [256]estimate
	even := estimate(113)
	class, last := 0, 0
	for range 64 {
		now := min(max(last+rnd.IntN(121)-60, -500), 500)
		if rnd.IntN(3) == 0 {
			now = last + rnd.IntN(3) - 1
		}
		d := now - last
		last = now
		if d == 0 {
			e.decide(&dc[class], 0)
			class = 0
		} else {
			sign := 0
			if d < 0 {
				sign = 1
			}
			e.decide(&dc[class], 1)
			e.decide(&dc[class+1], sign)
			e.value(dc[:], []*estimate{&dc[class+2+sign]}, dcSizes, d)
			// The size less 1 is 0, or its leading bit counts (F.1.4.4.1.2).
			lead := 0
			if size := max(d, -d) - 1; size > 0 {
				lead = 1 << (bits.Len(uint(size)) - 1)
			}
			switch {
			case lead < 1<<low>>1:
				class = 0
			case lead > 1<<high>>1:
				class = 12 + 4*sign
			default:
				class = 4 + 4*sign
			}
		}
		var z [64]int
		for range rnd.IntN(20) {
			z[1+rnd.IntN(63)] = rnd.IntN(61) - 30
		}
		end := 63
		for end > 0 && z[end] == 0 {
			end--
		}
		for k := 1; k <= 63; k++ {
			s := 3 * (k - 1)
			if k > end {
				e.decide(&ac[s], 1)
				break
			}
			e.decide(&ac[s], 0)
			for z[k] == 0 {
				e.decide(&ac[s+1], 0)
				k++
				s += 3
			}
			e.decide(&ac[s+1], 1)
			sign := 0
			if z[k] < 0 {
				sign = 1
			}
			e.decide(&even, sign)
			x := acSizes
			if k <= kx {
				x = acSizesLow
			}
			e.value(ac[:], []*estimate{&ac[s+2], &ac[s+2]}, x, z[k])
		}
	}
	return append(append(h, e.finish()...), 0xFF, mEOI)
}

func TestArithmeticConditioningIsThatOfLibjpeg(t *testing.T) {
	for _, c := range [][3]int{{0, 1, 5}, {0, 0, 5}, {0, 2, 1}, {1, 3, 20}, {2, 4, 63}, {3, 3, 32}, {0, 5, 10}, {5, 6, 6}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			p := conditioned(c[0], c[1], c[2])
			held := mustDecode(t, p, raster.Hint{Luma: true})
			w, h, _, want := pnm(t, run(t, p, "djpeg", "-grayscale"))
			if d := furthest(held.Planes[0].Pix, held.Planes[0].Stride, want, w, w, h); d > 1 {
				t.Errorf("differs by %d", d)
			}
		})
	}
}

func TestBadConditioningIsRefused(t *testing.T) {
	p := read(t, "arith.jpg")
	for _, dac := range [][]byte{{0x04, 0x10}, {0x20, 0x10}, {0x00, 0x01}, {0x10, 0}, {0x10, 64}, {0x00}} {
		t.Run(fmt.Sprintf("%x", dac), func(t *testing.T) {
			if v := verdicts(t, inserted(p, 2, segment(mDAC, dac...)...), raster.Limits{}, false); v.err == "" {
				t.Error("accepted")
			}
		})
	}
}
