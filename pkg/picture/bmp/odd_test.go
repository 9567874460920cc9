package bmp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/color"
	"math/rand/v2"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// Files that are odd but have all pixels are read, most with a note.
func TestOddFilesAreRead(t *testing.T) {
	rnd := rand.New(rand.NewPCG(21, 22))
	rgb := bitmap{header: 40, w: 3, h: 2, depth: 24, data: noise(rnd, 24)}
	eight := bitmap{header: 40, w: 3, h: 2, depth: 8, palette: randomPalette(rnd, 256), data: noise(rnd, 8)}
	set := func(b []byte, at int, v string) []byte {
		copy(b[at:], v)
		return b
	}
	for _, c := range []struct {
		name string
		f    bitmap
		data []byte
		note string
	}{
		{"no planes", rgb, set(rgb.bytes(), 26, "\x00"), "0 planes"},
		{"two planes", rgb, set(rgb.bytes(), 26, "\x02"), "2 planes"},
		{"offset of the pixels in the header", rgb, set(rgb.bytes(), 10, "\x20"), "offset of the pixels 32"},
		{"file size 0", rgb, set(rgb.bytes(), 2, "\x00\x00\x00\x00"), ""},
		{"file size too large", rgb, set(rgb.bytes(), 2, "\xff\xff\xff\xff"), ""},
		{"picture size wrong", rgb, set(rgb.bytes(), 34, "\x01\x00\x00\x00"), ""},
		{"more colours than the depth has", eight, set(eight.bytes(), 46, "\xff\xff"), ""},
		{"last padding missing", rgb, rgb.bytes()[:54+21], ""},
		{"bytes behind", rgb, append(rgb.bytes(), "more"...), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := open(c.data)
			if err != nil {
				t.Fatal(err)
			}
			got, err := rastertest.Colors(rastertest.Start(r, nil))
			if err != nil {
				t.Fatal(err)
			}
			rastertest.Same(t, c.name, got, c.f.want())
			if notes := strings.Join(r.Notes(), "; "); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}

func TestRunLengthsFromTopToBottom(t *testing.T) {
	pal := randomPalette(rand.New(rand.NewPCG(23, 24)), 4)
	f := bitmap{header: 40, w: 2, h: -2, depth: 8, compression: 1, palette: pal, data: []byte("\x02\x01\x00\x00\x02\x02\x00\x01")}
	got, err := read(f.bytes())
	if err != nil {
		t.Fatal(err)
	}
	rastertest.Same(t, "rows", got, []color.NRGBA{pal[1], pal[1], pal[2], pal[2]})
}

// RLE24 of OS/2: random runs, literals and moves, written to the picture by the
// definition at the same time.
func TestRunLengthsOf24Bits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(31, 32))
	for size := 1; size <= 40; size++ {
		w, h := size, 1+size%7
		want := make([]color.NRGBA, w*h)
		for i := range want {
			want[i].A = 255
		}
		var data []byte
		for y := range h {
			for x := 0; x < w; {
				n := 1 + rnd.IntN(min(w-x, 255))
				c := randomPalette(rnd, n)
				switch kind := rnd.IntN(3); {
				case kind == 0:
					for i := range c {
						c[i] = c[0]
					}
					data = append(data, byte(n), c[0].B, c[0].G, c[0].R)
				case kind == 1 && n >= 3:
					data = append(data, 0, byte(n))
					for _, v := range c {
						data = append(data, v.B, v.G, v.R)
					}
					if n%2 == 1 {
						data = append(data, 0)
					}
				default:
					data = append(data, 0, 2, byte(n), 0)
					c = nil
				}
				copy(want[(h-1-y)*w+x:], c)
				x += n
			}
			data = append(data, 0, 0)
		}
		f := bitmap{header: 64, w: w, h: h, depth: 24, compression: 4, data: append(data, 0, 1)}
		got, err := read(f.bytes())
		if err != nil {
			t.Fatal(err)
		}
		rastertest.Same(t, fmt.Sprint("width ", w), got, want)
	}
}

// A few bytes that declare a large picture must be refused before memory is taken.
func TestBombs(t *testing.T) {
	pal := randomPalette(rand.New(rand.NewPCG(33, 34)), 2)
	for _, c := range []struct {
		name string
		f    bitmap
	}{
		{"run lengths", bitmap{header: 40, w: 1 << 13, h: 1 << 13, depth: 8, compression: 1, palette: pal, data: []byte{0, 1}}},
		{"run lengths of 24 bits", bitmap{header: 64, w: 1 << 13, h: 1 << 12, depth: 24, compression: 4, data: []byte{0, 1}}},
		{"one row", bitmap{header: 40, w: 1 << 25, h: 1, depth: 32}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := c.f.bytes()
			r, err := Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Mem: 32 << 20, Lenient: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Rows(raster.Hint{}); fault.Of(err) != fault.TooLarge {
				t.Error(err)
			}
		})
	}
}

// Alpha that is 0 everywhere was never set: the picture is opaque.
func TestAlphaOfZeroIsOpaque(t *testing.T) {
	rnd := rand.New(rand.NewPCG(25, 26))
	for _, c := range []struct {
		name   string
		masks  []uint32
		depth  int
		pixels int
	}{
		{"32 bits", []uint32{0xff0000, 0xff00, 0xff, 0xff000000}, 32, 12},
		{"16 bits", []uint32{0xf00, 0xf0, 0xf, 0xf000}, 16, 12},
		{"more than a buffer", []uint32{0xff0000, 0xff00, 0xff, 0xff000000}, 32, 40000},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := bitmap{header: 56, w: c.pixels / 2, h: 2, depth: c.depth, compression: 3, masks: c.masks}
			f.data = noise(rnd, (f.w*c.depth+31)/32*4*2)
			high := byte(0)
			if c.depth == 16 {
				high = 0x0f
			}
			for i := c.depth/8 - 1; i < len(f.data); i += c.depth / 8 {
				f.data[i] &= high
			}
			for _, alpha := range []bool{false, true} {
				want := f.want()
				if !alpha {
					for i := range want {
						want[i].A = 255
					}
				}
				got, err := read(f.bytes())
				if err != nil {
					t.Fatal(err)
				}
				rastertest.Same(t, fmt.Sprint("alpha ", alpha), got, want)
				f.data[c.depth/8*f.w-1] |= 0x80 // the last pixel of the first row
			}
		})
	}
}

func TestDensityIsKept(t *testing.T) {
	for _, c := range []struct {
		in   raster.Density
		x, y uint32 // pixels per metre in the file
	}{
		{raster.Density{}, 0, 0},
		{raster.Density{X: 300, Y: 600, Unit: raster.PerInch}, 11811, 23622},
		{raster.Density{X: 28.35, Y: 28.35, Unit: raster.PerCM}, 2835, 2835},
		{raster.Density{X: 3, Y: 2, Unit: raster.Aspect}, 0, 0},
		{raster.Density{X: 1e12, Y: 1, Unit: raster.PerCM}, 0, 0},
	} {
		t.Run(fmt.Sprint(c.in), func(t *testing.T) {
			h := raster.NewHeader(1, 1, raster.Gray, 8)
			h.Density = c.in
			var buf bytes.Buffer
			if err := Encode(&buf, &picture{H: h, S: []uint8{0}, Band: 1}, EncodeOptions{}); err != nil {
				t.Fatal(err)
			}
			if x, y := binary.LittleEndian.Uint32(buf.Bytes()[38:]), binary.LittleEndian.Uint32(buf.Bytes()[42:]); x != c.x || y != c.y {
				t.Errorf("%d, %d in the file", x, y)
			}
			r, err := open(buf.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			want := raster.Density{X: float64(c.x) / 100, Y: float64(c.y) / 100, Unit: raster.PerCM}
			if c.x == 0 {
				want = raster.Density{}
			}
			if got := r.Header().Density; got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

func TestLenientFillsMissingRows(t *testing.T) {
	rnd := rand.New(rand.NewPCG(27, 28))
	lenient := limits
	lenient.Lenient = true
	for _, h := range []int{7, -7} {
		t.Run(fmt.Sprint("height ", h), func(t *testing.T) {
			f := bitmap{header: 40, w: 5, h: h, depth: 24, data: noise(rnd, 16*7)}
			data := f.bytes()
			data = data[:len(data)-16*3-5] // 3 rows and a part are missing
			if _, err := read(data); err == nil || err.Error() != "truncated after 3 of 7 rows" {
				t.Errorf("not lenient: %v", err)
			}
			r, err := Open(bytes.NewReader(data), int64(len(data)), lenient)
			if err != nil {
				t.Fatal(err)
			}
			got, err := rastertest.Colors(rastertest.Start(r, nil))
			if err != nil {
				t.Fatal(err)
			}
			want := f.want()
			for i := range want {
				if y := i / 5; h > 0 && y < 4 || h < 0 && y >= 3 {
					want[i] = color.NRGBA{0, 0, 0, 255}
				}
			}
			rastertest.Same(t, "pixels", got, want)
			if notes := fmt.Sprint(r.Notes()); notes != "[truncated after 3 of 7 rows]" {
				t.Errorf("notes %s", notes)
			}
		})
	}
	t.Run("run lengths", func(t *testing.T) {
		pal := randomPalette(rnd, 4)
		f := bitmap{header: 40, w: 2, h: 2, depth: 8, compression: 1, palette: pal, data: []byte("\x02\x01\x00\x00\x02")}
		r, err := Open(bytes.NewReader(f.bytes()), int64(len(f.bytes())), lenient)
		if err != nil {
			t.Fatal(err)
		}
		got, err := rastertest.Colors(rastertest.Start(r, nil))
		if err != nil {
			t.Fatal(err)
		}
		rastertest.Same(t, "pixels", got, []color.NRGBA{pal[0], pal[0], pal[1], pal[1]})
	})
}

// Few colours are written with few bits.
func TestDepthFollowsThePalette(t *testing.T) {
	rnd := rand.New(rand.NewPCG(29, 30))
	for _, c := range []struct{ colours, bits int }{{1, 1}, {2, 1}, {3, 4}, {16, 4}, {17, 8}, {256, 8}} {
		t.Run(fmt.Sprint(c.colours, " colours"), func(t *testing.T) {
			h := raster.NewHeader(13, 5, raster.Indexed, 8)
			h.Palette = randomPalette(rnd, c.colours)
			p := &picture{H: h, S: rastertest.Noise[uint8](rnd, 13*5, c.colours), Band: 2}
			checkDepth(t, p, EncodeOptions{}, c.bits)
		})
	}
	for _, c := range []struct{ depth, bits int }{{0, 8}, {1, 1}, {2, 4}, {4, 4}} {
		t.Run(fmt.Sprint("gray of ", c.depth, " bits"), func(t *testing.T) {
			p := &picture{H: raster.NewHeader(13, 5, raster.Gray, 8), S: noise(rnd, 13*5), Band: 2}
			if c.depth > 0 {
				for i, v := range p.S {
					p.S[i] = uint8(int(v) >> (8 - c.depth) * 255 / (1<<c.depth - 1))
				}
			}
			checkDepth(t, p, EncodeOptions{Depth: c.depth}, c.bits)
		})
	}
}

func checkDepth(t *testing.T, p *picture, o EncodeOptions, bits int) {
	t.Helper()
	want, err := rastertest.Colors(p.Again(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := Encode(&buf, p.Again(), o); err != nil {
		t.Fatal(err)
	}
	if got := int(binary.LittleEndian.Uint16(buf.Bytes()[28:])); got != bits {
		t.Errorf("%d bits a pixel, want %d", got, bits)
	}
	got, err := read(buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	rastertest.Same(t, "pixels", got, want)
}
