package vp8

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/image/vp8"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// Every mode is right, whether or not it would be chosen.
func TestDecodersRebuildForcedModes(t *testing.T) {
	const w, h = 83, 70
	rnd := rand.New(rand.NewPCG(11, 12))
	pix := smooth(rnd, w, h, 3)
	for _, c := range []struct {
		name  string
		tried modeSets
	}{
		{"luma DC", modeSets{1 << modeDC, 1 << modeDC}},
		{"luma V, chroma V", modeSets{1 << modeV, 1 << modeV}},
		{"luma H, chroma H", modeSets{1 << modeH, 1 << modeH}},
		{"luma TM, chroma TM", modeSets{1 << modeTM, 1 << modeTM}},
		{"luma by 4×4", modeSets{1 << mode4x4, allModes}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file, r := encoded(t, testRows(w, h, raster.RGB, pix), EncodeOptions{Quality: 60}, func(e *encoder) { e.tried = c.tried })
			sameAsXImage(t, file, r, w, h)
		})
	}
}

// planar are rows of YCbCr, chroma halved, in bands whose planes do not end together.
type planar struct {
	h      *raster.Header
	planes [3][]uint8
	at     [3]int
	calls  int
}

func newPlanar(rnd *rand.Rand, w, h int) *planar {
	hd := raster.NewHeader(w, h, raster.YCbCr, 8)
	half := raster.PlaneDim{W: (w + 1) / 2, H: (h + 1) / 2, NX: 1, DX: 2, NY: 1, DY: 2}
	hd.Planes = []raster.PlaneDim{raster.Whole(w, h), half, half}
	p := &planar{h: hd}
	for i, d := range hd.Planes {
		p.planes[i] = smooth(rnd, d.W, d.H, 1)
	}
	return p
}

func (p *planar) Header() *raster.Header { return p.h }

func (p *planar) Next() (*raster.Band, error) {
	b := &raster.Band{Y: p.at[0]}
	p.calls++
	for i, d := range p.h.Planes {
		n := min([]int{7, 2, 5}[(i+p.calls)%3], d.H-p.at[i])
		b.Planes[i] = raster.Plane{Pix: p.planes[i][p.at[i]*d.W:], Stride: d.W, Rows: n}
		p.at[i] += n
	}
	if b.Planes[0].Rows+b.Planes[1].Rows+b.Planes[2].Rows == 0 {
		return nil, fmt.Errorf("end of test rows")
	}
	return b, nil
}

// At quality 100 a step is 4 quarters of a sample, so that what is decoded is near the
// planes in studio range.
func TestPlanesAreTakenAsTheyAre(t *testing.T) {
	const w, h = 45, 61
	src := newPlanar(rand.New(rand.NewPCG(13, 14)), w, h)
	s, err := newSource(src)
	if err != nil {
		t.Fatal(err)
	}
	e := newEncoder(w, h, false, EncodeOptions{Quality: 100})
	r := newRebuilt(e)
	for range e.mbh {
		if err := s.next(); err != nil {
			t.Fatal(err)
		}
		if err := e.row(s.luma, s.chroma, s.stride); err != nil {
			t.Fatal(err)
		}
	}
	for i, d := range src.h.Planes {
		for y := range d.H {
			for x := range d.W {
				full := float64(src.planes[i][y*d.W+x])
				want := 16 + full*219/255
				if i > 0 {
					want = 128 + (full-128)*224/255
				}
				if got := float64(r.planes[i][y*r.strides[i]+x]); got < want-5 || got > want+5 {
					t.Fatalf("plane %d, %d,%d: %g, want %g", i, x, y, got, want)
				}
			}
		}
	}
}

// dwebp returns the planes that dwebp decodes.
func dwebp(t *testing.T, payload []byte, flags ...string) []byte {
	t.Helper()
	program, err := exec.LookPath("dwebp")
	if err != nil {
		t.Skip("dwebp is not installed")
	}
	file := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8 "), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(file[16:], uint32(len(payload)))
	file = append(file, payload...)
	if len(payload)&1 != 0 {
		file = append(file, 0)
	}
	binary.LittleEndian.PutUint32(file[4:], uint32(len(file)-8))
	name := filepath.Join(t.TempDir(), "a.webp")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, append([]string{"-quiet", name, "-yuv", "-o", "-"}, flags...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// dwebp without its loop filter gives what the encoder rebuilt; with it, the same as
// x/image.
func TestDwebpAgrees(t *testing.T) {
	rnd := rand.New(rand.NewPCG(15, 16))
	for _, size := range [][2]int{{1, 1}, {17, 33}, {150, 90}, {16383, 1}} {
		for _, l := range []raster.Layout{raster.Gray, raster.RGB} {
			for _, fast := range []bool{false, true} {
				for _, quality := range []int{5, 50, 80, 98} {
					w, h := size[0], size[1]
					name := fmt.Sprintf("%s %d×%d %d fast %v", l, w, h, quality, fast)
					t.Run(name, func(t *testing.T) {
						pix := smooth(rnd, w, h, l.Samples())
						if quality == 50 {
							pix = rastertest.Noise[uint8](rnd, len(pix), 256)
						}
						s, err := newSource(testRows(w, h, l, pix))
						if err != nil {
							t.Fatal(err)
						}
						e := newEncoder(w, h, l == raster.Gray, EncodeOptions{Quality: quality, Fast: fast})
						r := newRebuilt(e)
						p, err := e.encode(s)
						if err != nil {
							t.Fatal(err)
						}
						var want []byte
						for i := range 3 {
							pw, ph := w, h
							if i > 0 {
								pw, ph = (w+1)/2, (h+1)/2
							}
							for y := range ph {
								want = append(want, r.planes[i][y*r.strides[i]:][:pw]...)
							}
						}
						if !slices.Equal(dwebp(t, p.Bytes(), "-nofilter"), want) {
							t.Error("without a loop filter: not what the encoder rebuilt")
						}
						if !slices.Equal(dwebp(t, p.Bytes()), xImagePlanes(t, p.Bytes())) {
							t.Error("dwebp and x/image differ")
						}
					})
				}
			}
		}
	}
}

// xImagePlanes returns the planes that x/image decodes.
func xImagePlanes(t *testing.T, payload []byte) (all []byte) {
	t.Helper()
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(payload), len(payload))
	if _, err := d.DecodeFrameHeader(); err != nil {
		t.Fatal(err)
	}
	m, err := d.DecodeFrame()
	if err != nil {
		t.Fatal(err)
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for i, p := range [][]uint8{m.Y, m.Cb, m.Cr} {
		pw, ph, stride := w, h, m.YStride
		if i > 0 {
			pw, ph, stride = (w+1)/2, (h+1)/2, m.CStride
		}
		for y := range ph {
			all = append(all, p[y*stride:][:pw]...)
		}
	}
	return all
}

// What a picture of 1 Gpixel of noise runs into: modes that cost more than the first
// partition holds.
func TestModesFitTheFirstPartition(t *testing.T) {
	const w, h = 400, 160
	pix := rastertest.Noise[uint8](rand.New(rand.NewPCG(17, 18)), w*h*3, 256)
	var least, before int
	for _, bits := range []int{0, 8, 20, 1000} { // a macroblock, above the least
		t.Run(fmt.Sprintf("%d bits", bits), func(t *testing.T) {
			set := func(e *encoder) {
				b := &e.modes
				b.slack, b.flags = 0, 0
				b.total = b.all * (lumaModeCost[modeDC] + chromaModeCost[modeDC] + bits*256)
			}
			file, r := encoded(t, testRows(w, h, raster.RGB, pix), EncodeOptions{Quality: 75}, set)
			sameAsXImage(t, file, r, w, h)
			first := int(file[0]>>5) | int(file[1])<<3 | int(file[2])<<11
			const blocks, slack = 25 * 10, 250 // slack: other probabilities of tokens
			if bits == 0 {
				least = first
			} else if first <= before || first > least+blocks*bits/8+slack {
				t.Errorf("%d bytes; %d with the least modes, %d with fewer bits", first, least, before)
			}
			before = first
		})
	}
}

// A file whose levels are more than may be held is coded as they come, and in parts.
func TestLevelsBeyondWhatIsHeld(t *testing.T) {
	const w, h = 300, 200
	pix := rastertest.Noise[uint8](rand.New(rand.NewPCG(19, 20)), w*h*3, 256)
	for _, most := range []int64{0, 30_000, 1 << 40} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			file, r := encoded(t, testRows(w, h, raster.RGB, pix), EncodeOptions{Quality: 75}, func(e *encoder) { e.maxHeld = most })
			sameAsXImage(t, file, r, w, h)
		})
	}
}

func TestRefusedPictures(t *testing.T) {
	rows := func(w, h int) raster.Rows { return newNoiseRows(w, h, raster.Gray) }
	deep := raster.NewHeader(3, 3, raster.Gray, 16)
	for _, c := range []struct {
		name string
		rows raster.Rows
		o    EncodeOptions
		kind fault.Kind
		text string
	}{
		{"wide", rows(16384, 1), EncodeOptions{Quality: 75}, fault.TooLarge, "16384×1: a side over 16383 is more than WebP holds"},
		{"high", rows(1, 20000), EncodeOptions{Quality: 75}, fault.TooLarge, "1×20000: a side over 16383 is more than WebP holds"},
		{"quality", rows(1, 1), EncodeOptions{}, fault.Usage, "quality 0: not 1 to 100"},
		{"bytes of much", rows(5000, 5000), EncodeOptions{Quality: 75, Bytes: 1000}, fault.TooLarge, "25 Mpixel > 24 Mpixel to choose the bytes of (bytes=)"},
		{"deep", &rastertest.Picture[uint16]{H: deep, S: make([]uint16, 9), Band: 1}, EncodeOptions{Quality: 75}, fault.Internal, "a WebP of 16 bits, orientation 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := EncodePayload(c.rows, c.o)
			if fault.Of(err) != c.kind || err.Error() != c.text {
				t.Errorf("%v: %v", fault.Of(err), err)
			}
		})
	}
}
