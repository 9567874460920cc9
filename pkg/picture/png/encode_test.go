package png

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	stdpng "image/png"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

type picture = rastertest.Picture[uint16]

// encode writes a picture and decodes it with the standard library.
func encode(t *testing.T, p *picture, o EncodeOptions) ([]byte, image.Image) {
	t.Helper()
	var buf bytes.Buffer
	if err := Encode(&buf, p.Again(), o); err != nil {
		t.Fatal(err)
	}
	m, err := stdpng.Decode(bytes.NewReader(buf.Bytes()))
	if err != nil {
		t.Fatalf("image/png refuses it: %v", err)
	}
	return buf.Bytes(), m
}

func noise(rnd *rand.Rand, h *raster.Header) *picture {
	top := 1 << h.Bits
	if h.Layout == raster.Indexed {
		top = len(h.Palette)
	}
	return &picture{H: h, S: rastertest.Noise[uint16](rnd, h.W()*h.H()*h.Layout.Samples(), top), Band: 1 + rnd.IntN(5)}
}

func TestWritesEveryLayout(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	for _, layout := range []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA} {
		for _, bits := range []uint8{8, 16} {
			for size := 1; size <= 17; size++ {
				p := noise(rnd, raster.NewHeader(size, 18-size, layout, bits))
				data, m := encode(t, p, EncodeOptions{})
				if data[24] != bits || data[25] != colorTypes[layout] {
					t.Fatalf("%v %d written as depth %d type %d", layout, bits, data[24], data[25])
				}
				want, err := rastertest.Pixels(p.Again(), nil)
				if err != nil {
					t.Fatal(err)
				}
				rastertest.Same(t, fmt.Sprint(layout, bits), stdPixels(m), want)
				got, err := readBytes(data)
				if err != nil {
					t.Fatal(err)
				}
				rastertest.Same(t, fmt.Sprint(layout, bits), got, want)
			}
		}
	}
}

func TestPalettesArePacked(t *testing.T) {
	rnd := rand.New(rand.NewPCG(13, 14))
	for _, c := range []struct{ colors, depth int }{{1, 1}, {2, 1}, {3, 2}, {4, 2}, {5, 4}, {16, 4}, {17, 8}, {256, 8}} {
		for size := 1; size <= 17; size++ {
			h := raster.NewHeader(size, 3, raster.Indexed, 8)
			for i := range c.colors {
				alpha := uint8(255)
				if i < c.colors/2 {
					alpha = uint8(i * 3)
				}
				h.Palette = append(h.Palette, color.NRGBA{uint8(i), 5, uint8(255 - i), alpha})
			}
			p := noise(rnd, h)
			data, m := encode(t, p, EncodeOptions{})
			if int(data[24]) != c.depth || data[25] != colorIndexed {
				t.Fatalf("%d colours written as depth %d type %d", c.colors, data[24], data[25])
			}
			want, err := rastertest.Pixels(p.Again(), nil)
			if err != nil {
				t.Fatal(err)
			}
			rastertest.Same(t, fmt.Sprint(c.colors), stdPixels(m), want)
			r, err := openBytes(data)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.Header().Palette[:c.colors], h.Palette) {
				t.Fatalf("palette %v came back as %v", h.Palette, r.Header().Palette)
			}
		}
	}
}

func TestGrayBelowEightBits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(15, 16))
	for _, depth := range []int{1, 2, 4} {
		for size := 1; size <= 17; size++ {
			p := noise(rnd, raster.NewHeader(size, 4, raster.Gray, 8))
			for i, v := range p.S {
				p.S[i] = v % (1 << depth) * uint16(255/(1<<depth-1))
			}
			data, m := encode(t, p, EncodeOptions{Depth: depth})
			if int(data[24]) != depth {
				t.Fatalf("depth %d written as %d", depth, data[24])
			}
			want, _ := rastertest.Pixels(p.Again(), nil)
			rastertest.Same(t, fmt.Sprint(depth), stdPixels(m), want)
		}
	}
}

// changing returns a picture of noise, drawings and smooth gradients, so that the
// best compression level changes from band to band.
func changing(w, h int) *picture {
	rnd := rand.New(rand.NewPCG(17, 18))
	p := &picture{H: raster.NewHeader(w, h, raster.RGB, 8), Band: 7}
	for y := range h {
		for x := range w {
			for c := range 3 {
				v := 0
				switch y * 6 / h {
				case 0, 3:
					v = rnd.IntN(256)
				case 1, 4:
					v = (x / 9 * (y / 11) * 37) & 128
				default:
					v = (x*(c+1) + y) / 4
				}
				p.S = append(p.S, uint16(v&255))
			}
		}
	}
	return p
}

func TestCompressionLevelChangesWithinPicture(t *testing.T) {
	p := changing(700, 900)
	data, m := encode(t, p, EncodeOptions{})
	want, _ := rastertest.Pixels(p.Again(), nil)
	rastertest.Same(t, "image/png", stdPixels(m), want)
	got, err := readBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	rastertest.Same(t, "png", got, want)
	var std bytes.Buffer
	if err := stdpng.Encode(&std, m); err != nil {
		t.Fatal(err)
	}
	if len(data) > std.Len()*105/100 {
		t.Errorf("%d bytes, the standard library %d", len(data), std.Len())
	}
}

func TestProfileIsWritten(t *testing.T) {
	profile, _ := iccp("RGB ")
	p := noise(rand.New(rand.NewPCG(1, 1)), raster.NewHeader(3, 3, raster.RGB, 8))
	p.H.ICC = []byte(profile)
	data, _ := encode(t, p, EncodeOptions{})
	r, err := openBytes(data)
	if err != nil || string(r.Header().ICC) != profile {
		t.Errorf("profile came back as %d bytes, %v", len(r.Header().ICC), err)
	}
}

func TestFiltersAgainstDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(19, 20))
	for _, bpp := range []int{1, 2, 3, 4, 6, 8} {
		for pixels := 1; pixels <= 65; pixels++ {
			n := bpp * pixels
			row, prev := make([]byte, n), make([]byte, n)
			for i := range row {
				row[i], prev[i] = byte(rnd.Uint32()), byte(rnd.Uint32())
			}
			var best, bestSum int
			for kind := range 5 {
				want, sum := make([]byte, n), 0
				for i, v := range row {
					a, b, c := 0, int(prev[i]), 0
					if i >= bpp {
						a, c = int(row[i-bpp]), int(prev[i-bpp])
					}
					want[i] = v - byte([]int{0, a, b, (a + b) / 2, paethByDefinition(a, b, c)}[kind])
					if s := int(int8(want[i])); s < 0 {
						sum -= s
					} else {
						sum += s
					}
				}
				if kind == 0 || sum < bestSum {
					best, bestSum = kind, sum
				}
				got := make([]byte, n)
				apply(byte(kind), got, row, prev, bpp)
				if !bytes.Equal(got, want) {
					t.Fatalf("filter %d, bpp %d, %d pixels: %v, want %v", kind, bpp, pixels, got, want)
				}
				unfilter(byte(kind), got, want, prev, bpp)
				if !bytes.Equal(got, row) {
					t.Fatalf("unfilter %d, bpp %d, %d pixels: %v, want %v", kind, bpp, pixels, got, row)
				}
			}
			if got := choose(row, prev, bpp); int(got) != best {
				t.Fatalf("bpp %d, %d pixels: filter %d chosen, want %d", bpp, pixels, got, best)
			}
		}
	}
}

func TestPaethAgainstDefinition(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			for c := range 256 {
				if got, want := paeth(a, b, c), paethByDefinition(a, b, c); got != want {
					t.Fatalf("paeth(%d, %d, %d) = %d, want %d", a, b, c, got, want)
				}
			}
		}
	}
}

func TestEncodeRefusesWhatItCannotWrite(t *testing.T) {
	ycc := &picture{H: raster.NewHeader(1, 1, raster.YCbCr, 8), Band: 1, S: []uint16{0}}
	turned := &picture{H: raster.NewHeader(1, 1, raster.Gray, 8), Band: 1, S: []uint16{0}}
	turned.H.Orientation = 6
	short := &picture{H: raster.NewHeader(1, 2, raster.Gray, 8), Y: 1, Band: 1, S: []uint16{0, 1}}
	for _, p := range []*picture{ycc, turned, short} {
		if err := Encode(io.Discard, p, EncodeOptions{}); err == nil {
			t.Errorf("%+v was written", p.H)
		}
	}
}

func TestWriteErrorsAreReturned(t *testing.T) {
	p := changing(300, 300)
	whole, _ := encode(t, p, EncodeOptions{})
	for n := 0; n < len(whole); n += 1 + len(whole)/37 {
		if err := Encode(&full{n}, p.Again(), EncodeOptions{}); err != errFull {
			t.Fatalf("room for %d of %d bytes: %v", n, len(whole), err)
		}
	}
}

var errFull = fmt.Errorf("no room")

type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func negative(c color.NRGBA) color.NRGBA { return color.NRGBA{255 - c.R, 255 - c.G, 255 - c.B, c.A} }

func TestRewritePaletteCopiesIndexes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(21, 22))
	for _, depth := range []int{1, 2, 4, 8} {
		for _, interlaced := range []bool{false, true} {
			f := random(rnd, 3, depth, 40, 33, interlaced)
			f.before = []string{"tEXt", "secret"}
			f.after = []string{"tEXt", "secret", "eXIf", exif(1)}
			f.idat = 100
			data := f.bytes()
			r, err := openBytes(data)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := RewritePalette(&out, r, negative); err != nil {
				t.Fatal(err)
			}
			if out.Len() > len(data) || strings.Contains(out.String(), "secret") {
				t.Errorf("%d bytes became %d", len(data), out.Len())
			}
			was, err := readBytes(data)
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range was {
				was[i] = [4]uint16{65535 - p[0], 65535 - p[1], 65535 - p[2], p[3]}
			}
			m, err := stdpng.Decode(bytes.NewReader(out.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			rastertest.Same(t, "image/png", stdPixels(m), was)
			got, err := readBytes(out.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			rastertest.Same(t, "png", got, was)
		}
	}
}

// Data after the last row in the compressed stream, or after the stream in its chunk,
// must not reach the output.
func TestRewritePaletteOmitsSurplusData(t *testing.T) {
	f := base(8, 3)
	f.surplus = bytes.Repeat([]byte("hidden"), 99)
	inStream := f.bytes()
	f.surplus = nil
	clean := f.bytes()
	at := bytes.Index(clean, []byte("IDAT"))
	size := binary.BigEndian.Uint32(clean[at-4:])
	body := append(bytes.Clone(clean[at+4:at+4+int(size)]), "hidden"...)
	inChunk := append(bytes.Clone(clean[:at-4]), chunkBytes("IDAT", body)...)
	inChunk = append(inChunk, chunkBytes("IEND", nil)...)
	want, err := readBytes(clean)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"in the stream": inStream, "in the chunk": inChunk} {
		r, err := openBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := RewritePalette(&out, r, func(c color.NRGBA) color.NRGBA { return c }); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if out.Len() > len(clean)+20 || strings.Contains(out.String(), "hidden") {
			t.Errorf("%s: %d bytes, %d without the surplus", name, out.Len(), len(clean))
		}
		got, err := readBytes(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		rastertest.Same(t, name, got, want)
	}
}

func TestRewritePaletteRefusals(t *testing.T) {
	cut := base(8, 3).bytes()
	cut = cut[:len(cut)-30]
	turned := base(8, 3)
	turned.before = []string{"eXIf", exif(6)}
	for name, c := range map[string]struct {
		data []byte
		kind fault.Kind
	}{"no palette": {base(8, 2).bytes(), fault.Internal}, "cut": {cut, fault.Format}, "turned": {turned.bytes(), fault.Internal}} {
		t.Run(name, func(t *testing.T) {
			r, err := openBytes(c.data)
			if err != nil {
				t.Fatal(err)
			}
			if err := RewritePalette(io.Discard, r, negative); err == nil || fault.Of(err) != c.kind {
				t.Error(err)
			}
		})
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add(uint8(3), uint8(0), false, []byte("abcdefghijklmnop"))
	f.Add(uint8(1), uint8(3), true, bytes.Repeat([]byte{1, 2, 3}, 99))
	f.Add(uint8(200), uint8(4), false, bytes.Repeat([]byte{9}, 4000))
	f.Fuzz(func(t *testing.T, w, layout uint8, wide bool, data []byte) {
		h := raster.NewHeader(1+int(w), 1, raster.Layout(layout%5), 8)
		if h.Layout == raster.Indexed {
			h.Palette = make([]color.NRGBA, 1+int(w))
		} else if wide {
			h.Bits = 16
		}
		n := h.W() * h.Layout.Samples()
		if len(data) < n {
			return
		}
		h.FullH = len(data) / n
		h.Planes[0].H = h.FullH
		p := &picture{H: h, Band: 1 + int(w)%7}
		for i, v := range data[:n*h.FullH] {
			switch {
			case h.Layout == raster.Indexed:
				p.S = append(p.S, uint16(int(v)%len(h.Palette)))
			case h.Bits == 16:
				p.S = append(p.S, uint16(v)<<8|uint16(i))
			default:
				p.S = append(p.S, uint16(v))
			}
		}
		enc, m := encode(t, p, EncodeOptions{})
		want, err := rastertest.Pixels(p.Again(), nil)
		if err != nil {
			t.Fatal(err)
		}
		rastertest.Same(t, "image/png", stdPixels(m), want)
		got, err := readBytes(enc)
		if err != nil {
			t.Fatal(err)
		}
		rastertest.Same(t, "png", got, want)
	})
}

func FuzzRewrite(f *testing.F) {
	rnd := rand.New(rand.NewPCG(23, 24))
	for _, depth := range []int{1, 2, 4, 8} {
		f.Add(random(rnd, 3, depth, 9, 9, depth == 2).bytes())
	}
	f.Add(random(rnd, 0, 16, 9, 9, false).bytes())
	f.Add(rastertest.File(f, goldenFiles(f)[0]))
	f.Fuzz(func(t *testing.T, data []byte) {
		repair(data)
		r, err := openBytes(data)
		if err != nil || r.Header().Orientation != 1 {
			return
		}
		var out bytes.Buffer
		invert := false
		switch r.Header().Layout {
		case raster.Indexed:
			err, invert = RewritePalette(&out, r, negative), true
		case raster.Gray:
			err = CopyGray(&out, r, nil)
		default:
			return
		}
		if err != nil && fault.Of(err) == fault.Internal {
			t.Fatal(err)
		}
		was, notes, err2 := decode(data, fuzzLimits)
		if fmt.Sprint(err, r.Notes()) != fmt.Sprint(err2, notes) {
			t.Fatalf("copied: %v, notes %q; decoded: %v, notes %q", err, r.Notes(), err2, notes)
		}
		if err != nil {
			return
		}
		got, err := readBytes(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range was {
			if invert {
				was[i] = [4]uint16{65535 - p[0], 65535 - p[1], 65535 - p[2], p[3]}
			}
		}
		rastertest.Same(t, "copied", got, was)
	})
}
