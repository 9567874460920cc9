package tiff

import (
	"bytes"
	"image"
	"image/color"
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
				var b bytes.Buffer
				if err := Encode(&b, m, EncodeOptions{}); err != nil {
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
			if err := Encode(&b, m, EncodeOptions{}); err != nil {
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
