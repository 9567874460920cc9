package y4m

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// made is a Y4M of random samples that a test makes, with the planes as numbers.
type made struct {
	coding        string // value of C
	w, h, depth   int
	across, down  int // 0: no chroma
	alpha         bool
	colour        string // value of XCOLORRANGE
	low, high     int    // bounds of the samples
	planes        [][]int
	widths, sides []int
}

func (m *made) file(rnd *rand.Rand) []byte {
	b := fmt.Appendf(nil, "YUV4MPEG2 W%d H%d F25:1 Ip A0:0 C%s", m.w, m.h, m.coding)
	if m.colour != "" {
		b = append(b, " XCOLORRANGE="+m.colour...)
	}
	b = append(b, "\nFRAME\n"...)
	m.planes = nil
	add := func(w, h int) {
		p := make([]int, w*h)
		for i := range p {
			p[i] = m.low + rnd.IntN(m.high-m.low+1)
			b = append(b, byte(p[i]))
			if m.depth > 8 {
				b = append(b, byte(p[i]>>8))
			}
		}
		m.planes = append(m.planes, p)
	}
	add(m.w, m.h)
	if m.across > 0 {
		add(ceilDiv(m.w, m.across), ceilDiv(m.h, m.down))
		add(ceilDiv(m.w, m.across), ceilDiv(m.h, m.down))
	}
	if m.alpha {
		add(m.w, m.h)
	}
	return b
}

// at returns chroma plane i at a pixel, interpolated between the centres of the samples,
// from the definition.
func (m *made) at(i, x, y int) float64 {
	w, h := ceilDiv(m.w, m.across), ceilDiv(m.h, m.down)
	fx := (float64(x)+0.5)/float64(m.across) - 0.5
	fy := (float64(y)+0.5)/float64(m.down) - 0.5
	x0, y0 := math.Floor(fx), math.Floor(fy)
	v := func(x, y float64) float64 {
		return float64(m.planes[i][int(max(0, min(y, float64(h-1))))*w+int(max(0, min(x, float64(w-1))))])
	}
	row := func(y float64) float64 { return v(x0, y)*(1-fx+x0) + v(x0+1, y)*(fx-x0) }
	return row(y0)*(1-fy+y0) + row(y0+1)*(fy-y0)
}

// colour returns R, G and B from 0 to 1 of a pixel, from the formulas of H.273.
func (m *made) pixel(matrix uint8, limited bool, x, y int) [3]float64 {
	unit := math.Exp2(float64(m.depth - 8))
	top := math.Exp2(float64(m.depth)) - 1
	black, scaleY, scaleC := 0., top, top
	if limited {
		black, scaleY, scaleC = 16*unit, 219*unit, 224*unit
	}
	l := (float64(m.planes[0][y*m.w+x]) - black) / scaleY
	var c [3]float64
	if matrix == 0 {
		c = [3]float64{(m.at(2, x, y) - black) / scaleY, l, (m.at(1, x, y) - black) / scaleY}
	} else {
		u, v := (m.at(1, x, y)-128*unit)/scaleC, (m.at(2, x, y)-128*unit)/scaleC
		if matrix == 8 {
			c = [3]float64{l - u + v, l + u, l - u - v}
		} else {
			kr, kb := shares[matrix][0], shares[matrix][1]
			r, b := l+2*(1-kr)*v, l+2*(1-kb)*u
			c = [3]float64{r, (l - kr*r - kb*b) / (1 - kr - kb), b}
		}
	}
	for i := range c {
		c[i] = max(0, min(c[i], 1))
	}
	return c
}

func hold(t *testing.T, r raster.Reader, hint raster.Hint) *raster.Held {
	t.Helper()
	rows, err := r.Rows(hint)
	if err != nil {
		t.Fatal(err)
	}
	held, err := raster.Hold(rows, raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func (m *made) open(t *testing.T, b []byte, o Options) *Reader {
	t.Helper()
	r, err := Open(bytes.NewReader(b), int64(len(b)), o, raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Every coding, matrix and range gives the colours of the formulas, within rounding.
func TestColoursAreThoseOfTheFormulas(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, m := range []made{
		{coding: "420jpeg", depth: 8, across: 2, down: 2},
		{coding: "422", depth: 8, across: 2, down: 1},
		{coding: "444", depth: 8, across: 1, down: 1},
		{coding: "444alpha", depth: 8, across: 1, down: 1, alpha: true},
		{coding: "420p10", depth: 10, across: 2, down: 2},
		{coding: "422p10", depth: 10, across: 2, down: 1},
		{coding: "444p12", depth: 12, across: 1, down: 1},
	} {
		for _, matrix := range []uint8{0, 1, 2, 4, 5, 6, 7, 8, 9} {
			for _, limited := range []bool{false, true} {
				if matrix == 0 && m.across != 1 {
					continue
				}
				t.Run(fmt.Sprintf("%s matrix %d limited %v", m.coding, matrix, limited), func(t *testing.T) {
					for _, size := range [][2]int{{1, 1}, {2, 3}, {17, 9}, {64, 33}} {
						m := m
						m.w, m.h, m.high = size[0], size[1], 1<<m.depth-1
						if limited { // beyond its bounds, planes of 8 bits are clamped early
							m.low, m.high = 16<<(m.depth-8), 235<<(m.depth-8)
						}
						b := m.file(rnd)
						held := hold(t, m.open(t, b, Options{Matrix: matrix, Limited: limited}), raster.Hint{})
						m.compare(t, held, matrix, limited)
					}
				})
			}
		}
	}
}

// compare compares RGB with the formulas.
func (m *made) compare(t *testing.T, held *raster.Held, matrix uint8, limited bool) {
	t.Helper()
	// Planes of JFIF are first brought to 8 bits at full range, and interpolated in 8 bits.
	tolerance := 0.51
	if m.depth == 8 && m.across == 2 || limited && m.depth == 8 {
		tolerance = 2.6
	}
	n := held.H.Layout.Samples()
	for y := range m.h {
		for x := range m.w {
			want := m.pixel(matrix, limited, x, y)
			for i := range 3 {
				at := (y*m.w+x)*n + i
				got, full := 0., 255.
				if m.depth > 8 {
					got, full = float64(held.Planes[0].Pix16[at]), 65535
				} else {
					got = float64(held.Planes[0].Pix[at])
				}
				slack := tolerance
				if m.depth > 8 {
					slack = 0.6
				}
				if math.Abs(got-want[i]*full) > slack {
					t.Fatalf("%d×%d at %d,%d: sample %d is %v, want %v", m.w, m.h, x, y, i, got, want[i]*full)
				}
			}
			if m.alpha && int(held.Planes[0].Pix[(y*m.w+x)*n+3]) != m.planes[3][y*m.w+x] {
				t.Fatalf("alpha at %d,%d", x, y)
			}
		}
	}
}

// Luma is the first plane at full range, whatever the matrix is.
func TestLumaIsTheFirstPlane(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, m := range []made{
		{coding: "420", depth: 8, across: 2, down: 2},
		{coding: "mono", depth: 8},
		{coding: "444alpha", depth: 8, across: 1, down: 1, alpha: true},
		{coding: "mono10", depth: 10},
		{coding: "422p12", depth: 12, across: 2, down: 1},
	} {
		for _, limited := range []bool{false, true} {
			t.Run(fmt.Sprint(m.coding, limited), func(t *testing.T) {
				m := m
				m.w, m.h, m.high = 37, 21, 1<<m.depth-1
				b := m.file(rnd)
				held := hold(t, m.open(t, b, Options{Matrix: 1, Limited: limited}), raster.Hint{Luma: true})
				n := held.H.Layout.Samples()
				if l := held.H.Layout; l != raster.Gray && l != raster.GrayA {
					t.Fatal(l)
				}
				black, scale := 0., math.Exp2(float64(m.depth))-1
				if limited {
					black, scale = math.Exp2(float64(m.depth+4-8)), 219*math.Exp2(float64(m.depth-8))
				}
				for i, v := range m.planes[0] {
					want := max(0, min((float64(v)-black)/scale, 1))
					got := 0.
					if m.depth > 8 {
						got = float64(held.Planes[0].Pix16[n*i]) / 65535
					} else {
						got = float64(held.Planes[0].Pix[n*i]) / 255
					}
					if math.Abs(got-want) > 0.51/255 {
						t.Fatalf("sample %d is %v, want %v", i, got, want)
					}
				}
			})
		}
	}
}

// Planes of JFIF come as they are.
func TestPlanesOfJFIFAreNotChanged(t *testing.T) {
	m := made{coding: "420jpeg", w: 35, h: 19, depth: 8, across: 2, down: 2, high: 255}
	b := m.file(rand.New(rand.NewPCG(5, 6)))
	held := hold(t, m.open(t, b, Options{Matrix: 6}), raster.Hint{Planar: true})
	if held.H.Layout != raster.YCbCr {
		t.Fatal(held.H.Layout)
	}
	for i, want := range m.planes {
		for j, v := range want {
			if int(held.Planes[i].Pix[j]) != v {
				t.Fatalf("plane %d sample %d is %d, want %d", i, j, held.Planes[i].Pix[j], v)
			}
		}
	}
}

// What the file says of its range counts more than what the caller does.
func TestRangeOfTheFileCounts(t *testing.T) {
	for _, c := range []struct {
		colour string
		option bool
		want   byte
	}{{"FULL", true, 235}, {"LIMITED", false, 255}, {"", true, 255}, {"", false, 235}, {"odd", false, 235}} {
		t.Run(fmt.Sprint(c.colour, c.option), func(t *testing.T) {
			m := made{coding: "mono", w: 1, h: 1, depth: 8, low: 235, high: 235, colour: c.colour}
			held := hold(t, m.open(t, m.file(rand.New(rand.NewPCG(7, 8))), Options{Limited: c.option}), raster.Hint{})
			if got := held.Planes[0].Pix[0]; got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

// A file that is not one picture of exactly the announced size is refused before anything
// is allocated for it.
func TestDamagedFilesAreRefused(t *testing.T) {
	samples := strings.Repeat("\x80", 6)
	for name, c := range map[string]struct {
		file string
		kind fault.Kind
		want string
	}{
		"empty":                {"", fault.Format, "not YUV4MPEG2"},
		"another format":       {"P5\n2 2\n255\nabcd", fault.Format, "not YUV4MPEG2"},
		"no end of line":       {"YUV4MPEG2 W2 H2", fault.Format, "not YUV4MPEG2"},
		"a line without end":   {"YUV4MPEG2 W2 H2 X" + strings.Repeat("a", 600) + "\nFRAME\n" + samples, fault.Format, "not YUV4MPEG2"},
		"no frame":             {"YUV4MPEG2 W2 H2\n", fault.Format, "without a frame"},
		"another word":         {"YUV4MPEG2 W2 H2\nFRAMES\n" + samples, fault.Format, "without a frame"},
		"a side that is text":  {"YUV4MPEG2 Wx H2\nFRAME\n" + samples, fault.Format, "a side of"},
		"a negative side":      {"YUV4MPEG2 W-2 H2\nFRAME\n" + samples, fault.Format, "a side of"},
		"no size":              {"YUV4MPEG2 F25:1\nFRAME\n" + samples, fault.Format, "0×0 pixels"},
		"a bomb":               {"YUV4MPEG2 W2000000000 H2000000000\nFRAME\n" + samples, fault.TooLarge, "side over"},
		"more than the limit":  {"YUV4MPEG2 W100000 H100000\nFRAME\n" + samples, fault.TooLarge, "-maxpixels"},
		"a byte less":          {"YUV4MPEG2 W2 H2\nFRAME\n" + samples[1:], fault.Format, "5 bytes for 2×2 pixels of 8 bits, 4:2:0, which take 6"},
		"a byte more":          {"YUV4MPEG2 W2 H2\nFRAME\n" + samples + "a", fault.Format, "7 bytes"},
		"two frames":           {"YUV4MPEG2 W2 H2\nFRAME\n" + samples + "FRAME\n" + samples, fault.Format, "18 bytes"},
		"half the bits":        {"YUV4MPEG2 W2 H2 C420p10\nFRAME\n" + samples, fault.Format, "of 10 bits"},
		"a depth of 16":        {"YUV4MPEG2 W2 H2 C420p16\nFRAME\n" + samples, fault.Unsupported, "420p16"},
		"an unknown coding":    {"YUV4MPEG2 W2 H2 C411\nFRAME\n" + samples, fault.Unsupported, "411"},
		"alpha beside 4:2:0":   {"YUV4MPEG2 W2 H2 C420alpha\nFRAME\n" + samples, fault.Unsupported, "420alpha"},
		"a field without text": {"YUV4MPEG2 W2 H2 \nFRAME\n" + samples, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(strings.NewReader(c.file), int64(len(c.file)), Options{Matrix: 6}, raster.Limits{})
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || fault.Of(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v: %v", fault.Of(err), err)
			}
		})
	}
	for _, matrix := range []uint8{0, 3, 10, 11, 12, 13, 14, 255} {
		t.Run(fmt.Sprint("matrix ", matrix), func(t *testing.T) {
			file := "YUV4MPEG2 W2 H2\nFRAME\n" + samples
			if _, err := Open(strings.NewReader(file), int64(len(file)), Options{Matrix: matrix}, raster.Limits{}); fault.Of(err) != fault.Unsupported {
				t.Fatal(err)
			}
		})
	}
}

// A file that shrinks while it is read gives an error, again and again.
func TestAShrinkingFileIsAnError(t *testing.T) {
	m := made{coding: "420", w: 4, h: 4, depth: 8, across: 2, down: 2, high: 255}
	b := m.file(rand.New(rand.NewPCG(9, 10)))
	r, err := Open(bytes.NewReader(b[:len(b)-3]), int64(len(b)), Options{Matrix: 6}, raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := r.Rows(raster.Hint{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := rows.Next(); fault.Of(err) != fault.Format {
			t.Fatal(err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, coding := range []string{"420jpeg", "422p10", "444alpha", "mono12"} {
		f.Add([]byte("YUV4MPEG2 W2 H2 C"+coding+" XCOLORRANGE=LIMITED\nFRAME\n"+strings.Repeat("\xff", 24)), uint8(6), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, matrix uint8, luma bool) {
		r, err := Open(bytes.NewReader(b), int64(len(b)), Options{Matrix: matrix}, raster.Limits{Pixels: 1 << 16})
		if err != nil {
			return
		}
		for _, hint := range []raster.Hint{{Luma: luma}, {Planar: true}} {
			rows, err := r.Rows(hint)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := raster.Hold(rows, raster.Limits{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
