package tiff

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	xtiff "golang.org/x/image/tiff"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

func random(w, h int, l raster.Layout, bits uint8) *picture {
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	return &picture{H: raster.NewHeader(w, h, l, bits), S: rastertest.Noise[uint16](r, w*h*l.Samples(), 1<<bits), Band: 3}
}

func TestRoundTrip(t *testing.T) {
	for _, l := range []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA, raster.Indexed} {
		for _, bits := range []uint8{8, 16} {
			if l == raster.Indexed && bits == 16 {
				continue
			}
			for _, size := range [][2]int{{1, 1}, {7, 5}, {300, 700}, {300000, 2}} {
				m := random(size[0], size[1], l, bits)
				m.H.ICC = []byte("odd")
				if l == raster.Indexed {
					for i := range 256 {
						m.H.Palette = append(m.H.Palette, color.NRGBA{uint8(i), uint8(3 * i), uint8(255 - i), 255})
					}
				}
				for _, plain := range []bool{false, true} {
					if plain && size[0] > 1000 {
						continue
					}
					var b bytes.Buffer
					if err := Encode(&b, m.Again(), EncodeOptions{Uncompressed: plain}); err != nil {
						t.Fatalf("%v %d bit %v: %v", l, bits, size, err)
					}
					h, got, err := decode(b.Bytes())
					if err != nil || !slices.Equal(got, m.S) || h.Layout != l || h.Bits != bits || string(h.ICC) != "odd" || !slices.Equal(h.Palette, m.H.Palette) {
						t.Errorf("%v %d bit %v: %v %+v", l, bits, size, err, h)
					}
				}
			}
		}
	}
}

// golang.org/x/image/tiff is the oracle. It does not read gray with alpha.
func TestXImageReadsWhatIsWritten(t *testing.T) {
	for _, l := range []raster.Layout{raster.Gray, raster.RGB, raster.RGBA, raster.Indexed} {
		for _, bits := range []uint8{8, 16} {
			if l == raster.Indexed && bits == 16 {
				continue
			}
			m := random(61, 3000, l, bits)
			if l == raster.Indexed {
				for i := range 256 {
					m.H.Palette = append(m.H.Palette, color.NRGBA{uint8(i), uint8(3 * i), uint8(255 - i), 255})
				}
			}
			var b bytes.Buffer
			if err := Encode(&b, m, EncodeOptions{Uncompressed: bits == 16}); err != nil {
				t.Fatal(err)
			}
			img, err := xtiff.Decode(bytes.NewReader(b.Bytes()))
			if err != nil {
				t.Errorf("%v %d bit: %v", l, bits, err)
				continue
			}
			if img.Bounds() != image.Rect(0, 0, 61, 3000) {
				t.Errorf("%v %d bit: bounds %v", l, bits, img.Bounds())
			}
			for i := 0; i < 61*3000; i += 17 {
				px := m.S[i*l.Samples():][:l.Samples()]
				wide := func(v uint16) uint16 {
					if bits == 8 {
						return v * 257
					}
					return v
				}
				want := color.NRGBA64{A: 65535}
				switch l {
				case raster.Gray:
					want.R, want.G, want.B = wide(px[0]), wide(px[0]), wide(px[0])
				case raster.Indexed:
					want = color.NRGBA64Model.Convert(m.H.Palette[px[0]]).(color.NRGBA64)
				default:
					want.R, want.G, want.B = wide(px[0]), wide(px[1]), wide(px[2])
					if l == raster.RGBA {
						want.A = wide(px[3])
					}
				}
				r, g, bl, a := img.At(i%61, i/61).RGBA()
				wr, wg, wb, wa := want.RGBA()
				if r != wr || g != wg || bl != wb || a != wa {
					t.Fatalf("%v %d bit: pixel %d is %v, want %v", l, bits, i, img.At(i%61, i/61), want)
				}
			}
		}
	}
}

// bilevel returns a picture of black and white samples: noise, long runs, or rows that
// are like the row above but shifted by a pixel or two.
func bilevel(w, h, kind int) *picture {
	r := rand.New(rand.NewPCG(uint64(w), uint64(kind)))
	m := &picture{H: raster.NewHeader(w, h, raster.Gray, 8), S: make([]uint16, w*h), Band: 3}
	for y := range h {
		row := m.S[y*w:][:w]
		switch {
		case kind == 0:
			for x := range row {
				row[x] = uint16(r.IntN(2)) * 255
			}
		case kind == 1 || y == 0:
			for x := 0; x < w; {
				v := uint16(r.IntN(2)) * 255
				for n := 1 + r.IntN(r.IntN(6000)+1); n > 0 && x < w; n-- {
					row[x] = v
					x++
				}
			}
		default:
			shift := r.IntN(9) - 4
			for x := range row {
				row[x] = m.S[(y-1)*w+max(0, min(w-1, x+shift))]
			}
		}
	}
	return m
}

func TestOneBitIsG4(t *testing.T) {
	for kind := range 3 {
		for _, w := range []int{1, 2, 7, 8, 9, 31, 64, 65, 300, 2560, 2623, 2624, 9000} {
			m := bilevel(w, 40, kind)
			m.H.Density = raster.Density{X: 204, Y: 196, Unit: raster.PerInch}
			var b bytes.Buffer
			if err := Encode(&b, m.Again(), EncodeOptions{Depth: 1}); err != nil {
				t.Fatal(err)
			}
			r, err := open(b.Bytes())
			got, err := rastertest.Samples(rastertest.Start(r, err))
			if err != nil || !slices.Equal(got, m.S) {
				t.Fatalf("kind %d, %d wide: other samples, %v", kind, w, err)
			}
			if r.bits != 1 || r.compression != compG4 || r.h.Density != m.H.Density || r.Depth() != 1 || len(r.Notes()) > 0 {
				t.Errorf("kind %d, %d wide: %d bits, compression %d, %+v, %q", kind, w, r.bits, r.compression, r.h.Density, r.Notes())
			}
			img, err := xtiff.Decode(bytes.NewReader(b.Bytes()))
			if err != nil {
				t.Fatalf("kind %d, %d wide: %v", kind, w, err)
			}
			for i, v := range m.S {
				if g, _, _, _ := img.At(i%w, i/w).RGBA(); uint16(g>>8) != v {
					t.Fatalf("kind %d, %d wide: golang.org/x/image/tiff has %d for pixel %d, want %d", kind, w, g>>8, i, v)
				}
			}
			b.Reset()
			if err := Encode(&b, m.Again(), EncodeOptions{Depth: 1, Uncompressed: true}); err != nil {
				t.Fatal(err)
			}
			if _, got, err := decode(b.Bytes()); err != nil || !slices.Equal(got, m.S) {
				t.Fatalf("uncompressed, %d wide: other samples, %v", w, err)
			}
		}
	}
}

func TestDepthIsIgnoredWhereItDoesNotFit(t *testing.T) {
	for _, m := range []*picture{random(3, 3, raster.RGB, 8), random(3, 3, raster.Gray, 16), random(3, 3, raster.GrayA, 8)} {
		var b bytes.Buffer
		if err := Encode(&b, m, EncodeOptions{Depth: 1}); err != nil {
			t.Fatal(err)
		}
		if _, got, err := decode(b.Bytes()); err != nil || !slices.Equal(got, m.S) {
			t.Errorf("%+v: other samples, %v", m.H, err)
		}
	}
}

func TestDensityIsWritten(t *testing.T) {
	for _, d := range []raster.Density{{}, {X: 300, Y: 300, Unit: raster.PerInch}, {X: 72.5, Y: 0.25, Unit: raster.PerCM}, {X: 2, Y: 1}, {X: 1e6 + 0.5, Y: 1e6, Unit: raster.PerInch}} {
		m := random(3, 3, raster.RGB, 8)
		m.H.Density = d
		var b bytes.Buffer
		if err := Encode(&b, m, EncodeOptions{}); err != nil {
			t.Fatal(err)
		}
		h, _, err := decode(b.Bytes())
		if err != nil || math.Abs(h.Density.X-d.X) > 0.5 || math.Abs(h.Density.Y-d.Y) > 1e-4 || h.Density.Unit != d.Unit {
			t.Errorf("%+v became %+v, %v", d, h.Density, err)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	turned := random(2, 2, raster.RGB, 8)
	turned.H.Orientation = 6
	planar := random(2, 2, raster.YCbCr, 8)
	clear := random(2, 2, raster.Indexed, 8)
	clear.H.Palette = []color.NRGBA{{1, 2, 3, 0}}
	short := random(2, 2, raster.Gray, 8)
	short.Y = 1
	for _, c := range []struct {
		name string
		m    *picture
		lim  raster.Limits
		kind fault.Kind
		text string
	}{
		{"orientation", turned, raster.Limits{}, fault.Internal, "orientation 6"},
		{"planes", planar, raster.Limits{}, fault.Internal, "layout ycbcr"},
		{"palette with alpha", clear, raster.Limits{}, fault.Internal, "alpha"},
		{"rows missing", short, raster.Limits{}, fault.Internal, "1 of 2 rows"},
		{"memory", random(1000, 1000, raster.RGB, 16), raster.Limits{Mem: 1 << 20}, fault.TooLarge, "-maxmem"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			err := Encode(&b, c.m, EncodeOptions{Limits: c.lim})
			if fault.Of(err) != c.kind || err == nil || !strings.Contains(err.Error(), c.text) {
				t.Error(err)
			}
			if b.Len() != 0 {
				t.Errorf("%d bytes written", b.Len())
			}
		})
	}
}

func TestSubtractIsThatOfBytes(t *testing.T) {
	for n := range 20 {
		for b := range 256 {
			x, y, want := make([]uint8, n), make([]uint8, n+1), make([]uint8, n)
			for a := range 256 {
				for i := range n {
					x[i], y[i] = uint8(a+37*i), uint8(b+91*i)
					want[i] = x[i] - y[i]
				}
				if subtract(x, y); !bytes.Equal(x, want) {
					t.Fatalf("%d bytes, %d less %d: %v, want %v", n, a, b, x, want)
				}
			}
		}
	}
}
