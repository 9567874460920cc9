package vp8

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/image/vp8"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// rebuilt is the picture as the encoder believes that a decoder has it before its loop
// filter: planes of whole macroblocks.
type rebuilt struct {
	planes  [3][]uint8
	strides [3]int
}

func newRebuilt(e *encoder) *rebuilt {
	r := &rebuilt{strides: [3]int{16 * e.mbw, 8 * e.mbw, 8 * e.mbw}}
	for i, s := range r.strides {
		r.planes[i] = make([]uint8, s*s/e.mbw*e.mbh)
	}
	e.rebuilt = func(mbx, mby int, luma *[256]uint8, chroma *[2][64]uint8) {
		for y := range 16 {
			copy(r.planes[0][(16*mby+y)*r.strides[0]+16*mbx:], luma[16*y:16*y+16])
		}
		for i := range chroma {
			for y := range 8 {
				copy(r.planes[1+i][(8*mby+y)*r.strides[1]+8*mbx:], chroma[i][8*y:8*y+8])
			}
		}
	}
	return r
}

// encoded encodes rows without a loop filter, and returns the file and what the encoder
// rebuilt.
func encoded(t *testing.T, rows raster.Rows, o EncodeOptions, set func(*encoder)) ([]byte, *rebuilt) {
	t.Helper()
	s, err := newSource(rows)
	if err != nil {
		t.Fatal(err)
	}
	e := newEncoder(s.w, s.h, s.layout == raster.Gray, o)
	for i := range e.segments {
		e.segments[i].filter = 0
	}
	if set != nil {
		set(e)
	}
	r := newRebuilt(e)
	p, err := e.encode(s)
	if err != nil {
		t.Fatal(err)
	}
	return p.Bytes(), r
}

// sameAsXImage compares what x/image decodes with what the encoder rebuilt.
func sameAsXImage(t *testing.T, file []byte, r *rebuilt, w, h int) {
	t.Helper()
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(file), len(file))
	if _, err := d.DecodeFrameHeader(); err != nil {
		t.Fatal(err)
	}
	m, err := d.DecodeFrame()
	if err != nil {
		t.Fatal(err)
	}
	if m.Rect.Dx() != w || m.Rect.Dy() != h {
		t.Fatalf("%v, want %d×%d", m.Rect, w, h)
	}
	for i, p := range [][]uint8{m.Y, m.Cb, m.Cr} {
		pw, ph, stride := w, h, m.YStride
		if i > 0 {
			pw, ph, stride = (w+1)/2, (h+1)/2, m.CStride
		}
		for y := range ph {
			got, want := p[y*stride:][:pw], r.planes[i][y*r.strides[i]:][:pw]
			if !slices.Equal(got, want) {
				t.Fatalf("plane %d, row %d:\n%v, want\n%v", i, y, got, want)
			}
		}
	}
}

func testRows(w, h int, l raster.Layout, s []uint8) raster.Rows {
	return &rastertest.Picture[uint8]{H: raster.NewHeader(w, h, l, 8), S: s, Band: 5}
}

// smooth returns a picture of waves with some noise.
func smooth(rnd *rand.Rand, w, h, samples int) []uint8 {
	s := make([]uint8, w*h*samples)
	for i := range s {
		x, y := i/samples%w, i/samples/w
		v := 128 + (x*y/40+i%samples*50)%90 - y%60 + rnd.IntN(9)
		if (x/13+y/17)%5 == 0 {
			v = 250 - v
		}
		s[i] = uint8(min(max(v, 0), 255))
	}
	return s
}

// A clear sky: brighter downwards by a level in 20 rows, with noise of two levels.
func TestSkyHasFewTokens(t *testing.T) {
	const w, h = 320, 320
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, l := range []raster.Layout{raster.Gray, raster.RGB} {
		t.Run(l.String(), func(t *testing.T) {
			pix := make([]uint8, w*h*l.Samples())
			for i := range pix {
				pix[i] = uint8(150 + i/l.Samples()/w/20 + rnd.IntN(3))
			}
			var e *encoder
			file, r := encoded(t, testRows(w, h, l, pix), EncodeOptions{Quality: 80}, func(made *encoder) { e = made })
			sameAsXImage(t, file, r, w, h)
			if least := e.mbw * e.mbh * 3 / 5; e.skipped < least {
				t.Errorf("%d macroblocks without tokens < %d", e.skipped, least)
			}
		})
	}
}

// At the largest step the score of a macroblock is right on 32 bits too, and that of a block
// fits into 31 bits.
func TestScoresOfTheLargestStep(t *testing.T) {
	makeTables()
	for name, tuning := range map[string]*tuning{"gray": &grayTuning, "colour": &colourTuning} {
		t.Run(name, func(t *testing.T) {
			s := segment{index: maxIndex}
			s.set(tuning)
			most := 0 // bits of a block: its levels and its mode
			for _, above := range modeGroups.costs {
				for _, costs := range above {
					most = max(most, int(slices.Max(costs[:])))
				}
			}
			most += 16 * 3 * 255
			step := int(acSteps[maxIndex])
			if block := s.score(16*step*step, most); block > math.MaxInt32 {
				t.Errorf("score of a block: %d", block)
			}
			want := 256*float64(256*step*step) + float64(s.lambda)*float64(16*most)
			if got := s.score(256*step*step, 16*most); float64(got) != want {
				t.Errorf("score of a macroblock: %d, want %.0f", got, want)
			}
		})
	}
}

func TestTheCommonestSegmentReachesBeyondItsClass(t *testing.T) {
	e := newEncoder(64, 64, true, EncodeOptions{Quality: 80})
	for _, c := range []struct {
		class           float64
		commonest, want int
	}{{1.9, 1, 1}, {2.1, 1, 1}, {2.2, 1, 2}, {2.1, 2, 2}, {2.1, 3, 2}, {1.9, 2, 1}, {3.1, 1, 3}, {9, 1, 3}, {-5, 1, 0}} {
		t.Run(fmt.Sprintf("%v beside %d", c.class, c.commonest), func(t *testing.T) {
			e.inSegment = [segments]int{}
			e.inSegment[c.commonest] = 1
			if got := e.segmentOf((c.class - segments/2) * activityWidth); got != c.want {
				t.Errorf("segment %d, want %d", got, c.want)
			}
		})
	}
}

func TestDecodersRebuildWhatTheEncoderDid(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][2]int{{1, 1}, {2, 3}, {16, 16}, {17, 15}, {33, 47}, {64, 40}, {200, 131}, {16383, 1}, {1, 333}} {
		for _, l := range []raster.Layout{raster.Gray, raster.RGB} {
			for _, quality := range []int{1, 30, 75, 90, 100} {
				w, h := size[0], size[1]
				for name, pix := range map[string][]uint8{
					"smooth": smooth(rnd, w, h, l.Samples()),
					"noise":  rastertest.Noise[uint8](rnd, w*h*l.Samples(), 256),
					"flat":   bytes.Repeat([]byte{77}, w*h*l.Samples()),
				} {
					t.Run(fmt.Sprintf("%s %d×%d %s %d", l, w, h, name, quality), func(t *testing.T) {
						file, r := encoded(t, testRows(w, h, l, pix), EncodeOptions{Quality: quality}, nil)
						sameAsXImage(t, file, r, w, h)
					})
				}
			}
		}
	}
}
