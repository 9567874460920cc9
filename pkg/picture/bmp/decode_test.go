package bmp

import (
	"bytes"
	"fmt"
	"image/color"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

func TestEveryHeaderDepthAndSize(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, header := range []int{12, 16, 18, 24, 32, 38, 40, 42, 46, 48, 52, 56, 60, 64, 108, 124} {
		for _, depth := range []int{1, 2, 4, 8, 16, 24, 32} {
			for size := 1; size <= 17; size++ {
				f := &bitmap{header: header, w: size, h: 18 - size, depth: depth}
				if header >= 40 && size%2 == 0 {
					f.h = -f.h
				}
				f.gap = size % 3 * 4
				if depth <= 8 {
					f.palette = randomPalette(rnd, 1<<depth)
				} else if size%4 == 0 {
					f.gap, f.noOffset = 0, true
				}
				f.data = noise(rnd, (size*depth+31)/32*4*17)
				got, err := read(f.bytes())
				name := fmt.Sprintf("header %d, %d bits, %dx%d", header, depth, f.w, f.h)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				rastertest.Same(t, name, got, f.want())
				if f.gap == 0 && !f.noOffset && depth != 16 && (header == 40 || header >= 108 && depth < 32) {
					rastertest.Same(t, name+" by x/image", got, stdColors(t, f.bytes()))
				}
			}
		}
	}
}

func TestMasks(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		header, depth, compression int
		masks                      []uint32
	}{
		{40, 16, 3, []uint32{0xf800, 0x7e0, 0x1f}},
		{40, 16, 6, []uint32{0xf00, 0xf0, 0xf, 0xf000}},
		{40, 32, 3, []uint32{0xff, 0xff00, 0xff0000}},
		{40, 32, 6, []uint32{0xff, 0xff00, 0xff0000, 0xff000000}},
		{40, 32, 3, []uint32{0x3ff00000, 0xffc00, 0x3ff}},
		{52, 32, 3, []uint32{0xff000000, 0xff0000, 0xff00}},
		{56, 16, 3, []uint32{0x7c00, 0x3e0, 0x1f, 0x8000}},
		{56, 32, 3, []uint32{0xff0000, 0xff00, 0xff, 0xff000000}},
		{108, 32, 3, []uint32{0xff0000, 0xff00, 0xff, 0xff000000}},
		{108, 32, 0, []uint32{0xff0000, 0xff00, 0xff, 0xff000000}},
		{124, 32, 3, []uint32{0xfffff000, 0xff0, 0xf, 0}},
		{124, 32, 3, []uint32{0, 0xff00, 0xff, 0x80000000}},
		{124, 16, 3, []uint32{0xff00, 0xff, 0, 0}},
		{40, 24, 3, []uint32{0xff0000, 0xff00, 0xff}},
		{108, 24, 3, []uint32{0xff0000, 0xff00, 0xff, 0}},
	} {
		t.Run(fmt.Sprintf("header %d, %d bits, %x", c.header, c.depth, c.masks), func(t *testing.T) {
			f := &bitmap{header: c.header, w: 13, h: 9, depth: c.depth, compression: c.compression, masks: c.masks}
			f.data = noise(rnd, (13*c.depth+31)/32*4*9)
			got, err := read(f.bytes())
			if err != nil {
				t.Fatal(err)
			}
			rastertest.Same(t, fmt.Sprintf("%+v", c), got, f.want())
			if c.header == 108 && c.depth == 32 {
				rastertest.Same(t, "x/image", got, stdColors(t, f.bytes()))
			}
		})
	}
}

func TestRunLengths(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, four := range []bool{false, true} {
		for size := 1; size <= 40; size++ {
			f := &bitmap{header: 40, w: size, h: 1 + size%9, depth: 8, compression: 1, palette: randomPalette(rnd, 256)}
			if four {
				f.depth, f.compression, f.palette = 4, 2, randomPalette(rnd, 16)
			}
			var rows [][]byte
			var want []color.NRGBA
			for range f.h {
				row := make([]byte, size)
				for x := range row {
					if x > 0 && rnd.IntN(3) > 0 {
						row[x] = row[x-1]
					} else if rnd.IntN(2) > 0 {
						row[x] = byte(rnd.IntN(len(f.palette)))
					}
				}
				rows = append(rows, row)
			}
			for _, row := range slices.Backward(rows) {
				for _, v := range row {
					want = append(want, f.palette[v])
				}
			}
			f.data = runLengths(rnd, rows, four)
			got, err := read(f.bytes())
			if err != nil {
				t.Fatal(err)
			}
			rastertest.Same(t, fmt.Sprintf("four %v, width %d", four, size), got, want)
		}
	}
}

func TestRunLengthEdgeCases(t *testing.T) {
	pal := []color.NRGBA{{0, 0, 0, 255}, {1, 1, 1, 255}, {2, 2, 2, 255}, {3, 3, 3, 255}}
	for _, c := range []struct {
		name string
		data string
		want string // indexes from top to bottom, or an error
	}{
		{"two runs", "\x02\x01\x00\x00\x02\x02\x00\x01", "2211"},
		{"end of picture missing", "\x02\x01\x00\x00\x02\x02", "2211"},
		{"early end of picture", "\x02\x01\x00\x01", "0011"},
		{"move up and right", "\x00\x02\x01\x01\x01\x03\x00\x01", "0300"},
		{"run longer than the row", "\xff\x01\x00\x00\x00\x05\x01\x02\x03\x01\x01\x00", "1211"},
		{"index out of range", "\x01\x09\x00\x01", "0000"},
		{"move out of the picture", "\x00\x02\xff\xff\x01\x01", "0000"},
		{"cut after a row", "\x02\x01\x00\x00", "truncated after 1 of 2 rows"},
		{"cut in a run", "\x02\x01\x00\x00\x02", "truncated after 1 of 2 rows"},
		{"cut in a literal", "\x02\x01\x00\x00\x00\x04\x01", "truncated after 1 of 2 rows"},
		{"cut in a move", "\x00\x02\x01", "truncated after 0 of 2 rows"},
		{"empty", "", "truncated after 0 of 2 rows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &bitmap{header: 40, w: 2, h: 2, depth: 8, compression: 1, palette: pal, data: []byte(c.data)}
			got, err := read(f.bytes())
			text := ""
			for _, p := range got {
				text += fmt.Sprint(p.R)
			}
			if err != nil {
				text = err.Error()
			}
			if text != c.want {
				t.Errorf("%s, want %s", text, c.want)
			}
		})
	}
}

func TestPaletteIndexOutOfRange(t *testing.T) {
	f := &bitmap{header: 40, w: 4, h: 1, depth: 8, palette: []color.NRGBA{{9, 9, 9, 255}, {1, 0, 0, 255}}, data: []byte{0, 1, 2, 255}}
	got, err := read(f.bytes())
	if err != nil {
		t.Fatal(err)
	}
	rastertest.Same(t, "out of range", got, []color.NRGBA{f.palette[0], f.palette[1], {0, 0, 0, 255}, {0, 0, 0, 255}})
}

func TestGoldenFilesAgainstXImage(t *testing.T) {
	for _, name := range rastertest.XImageFiles(t, "testdata/*.bmp", 8) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data := rastertest.File(t, name)
			got, err := read(data)
			if err != nil {
				t.Fatal(err)
			}
			rastertest.Same(t, filepath.Base(name), got, stdColors(t, data))
		})
	}
}

func TestRefusals(t *testing.T) {
	pal := randomPalette(rand.New(rand.NewPCG(7, 8)), 2)
	edit := func(f bitmap, change ...any) []byte {
		b := f.bytes()
		for i := 0; i < len(change); i += 2 {
			copy(b[change[i].(int):], change[i+1].(string))
		}
		return b
	}
	rgb := bitmap{header: 40, w: 3, h: 2, depth: 24, data: make([]byte, 24)}
	one := bitmap{header: 40, w: 3, h: 2, depth: 1, palette: pal, data: make([]byte, 8)}
	masks := bitmap{header: 40, w: 1, h: 1, depth: 32, compression: 3, masks: []uint32{0xff0000, 0xff00, 0xff}, data: make([]byte, 4)}
	for _, c := range []struct {
		name string
		data []byte
		kind fault.Kind
		text string
	}{
		{"empty", nil, fault.Format, "no signature"},
		{"array", edit(rgb, 0, "BA"), fault.Format, "no signature"},
		{"header of 41", edit(rgb, 14, "\x29"), fault.Unsupported, "41 bytes"},
		{"cut header", rgb.bytes()[:50], fault.Format, "truncated within the header"},
		{"depth", edit(rgb, 28, "\x03"), fault.Format, "3 bits"},
		{"compression", edit(rgb, 30, "\x09"), fault.Format, "compression 9"},
		{"JPEG", edit(rgb, 30, "\x04"), fault.Unsupported, "JPEG data"},
		{"PNG", edit(rgb, 30, "\x05"), fault.Unsupported, "PNG data"},
		{"RLE of 24 bits", edit(rgb, 30, "\x01"), fault.Format, "24 bits a pixel with compression 1"},
		{"OS/2 Huffman", (&bitmap{header: 64, w: 1, h: 1, depth: 1, compression: 3, palette: pal}).bytes(), fault.Unsupported, "Huffman"},
		{"OS/2 RLE24 without a picture", (&bitmap{header: 64, w: 1, h: 1, depth: 24, compression: 4}).bytes(), fault.Format, "truncated after 0 of 1 rows"},
		{"64 bits", edit(rgb, 28, "\x40"), fault.Unsupported, "64 bits"},
		{"compression 260", edit(rgb, 30, "\x04\x01"), fault.Format, "compression 260"},
		{"masks of 24 bits", (&bitmap{header: 40, w: 1, h: 1, depth: 24, compression: 3, masks: []uint32{0xff, 0xff00, 0xff0000}}).bytes(), fault.Unsupported, "with 24 bits"},
		{"no width", edit(rgb, 18, "\x00"), fault.Format, "0×2"},
		{"negative width", edit(rgb, 18, "\xff\xff\xff\xff"), fault.Format, "-1×2"},
		{"large", edit(rgb, 18, "\x00\x00\x00\x01\x00\x00\x00\x01"), fault.TooLarge, "-maxpixels"},
		{"least height", edit(rgb, 22, "\x00\x00\x00\x80"), fault.TooLarge, "side"},
		{"no palette", edit(one, 10, "\x36"), fault.Format, "no palette"},
		{"cut palette", one.bytes()[:58], fault.Format, "truncated within the palette"},
		{"cut masks", masks.bytes()[:60], fault.Format, "truncated within the masks"},
		{"mask with a hole", edit(masks, 54, "\x00\x00\x0f\xf0"), fault.Format, "mask 0xf00f0000"},
		{"overlapping masks", edit(masks, 58, "\x00\xff\x01"), fault.Format, "mask 0x1ff00"},
		{"one row", rgb.bytes()[:54+12], fault.Format, "truncated after 1 of 2 rows"},
		{"one row but a byte", rgb.bytes()[:54+20], fault.Format, "truncated after 1 of 2 rows"},
		{"no row", rgb.bytes()[:54], fault.Format, "truncated after 0 of 2 rows"},
		{"pixels beyond the end", edit(rgb, 10, "\x00\x00\x00\x7f"), fault.Format, "truncated after 0 of 2 rows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(c.data)
			if fault.Of(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.text) {
				t.Errorf("%v (%v), want %v %q", err, fault.Of(err), c.kind, c.text)
			}
		})
	}
	if _, err := read(rgb.bytes()[:54+21]); err != nil { // only padding is missing
		t.Errorf("padding of the last row missing: %v", err)
	}
	wide := bitmap{header: 40, w: 1 << 21, h: 1, depth: 8, compression: 1, palette: pal}
	b := wide.bytes()
	r, err := Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Mem: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Rows(raster.Hint{}); fault.Of(err) != fault.TooLarge {
		t.Errorf("2 MiB with a limit of 1 MiB: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	rnd := rand.New(rand.NewPCG(11, 12))
	for _, depth := range []int{1, 2, 4, 8, 16, 24, 32} {
		p := &bitmap{header: []int{12, 40, 64, 108}[depth%4], w: 5, h: 4, depth: depth, data: noise(rnd, 100)}
		if depth <= 8 {
			p.palette = randomPalette(rnd, 1<<depth)
		}
		f.Add(p.bytes())
	}
	f.Add((&bitmap{header: 40, w: 5, h: 4, depth: 8, compression: 1, palette: randomPalette(rnd, 4), data: runLengths(rnd, [][]byte{{0, 0, 1, 1, 1}, {0, 1, 2, 3, 3}}, false)}).bytes())
	f.Add((&bitmap{header: 40, w: 5, h: 2, depth: 4, compression: 2, palette: randomPalette(rnd, 16), data: runLengths(rnd, [][]byte{{0, 0, 1, 1, 1}, {0, 1, 2, 3, 3}}, true)}).bytes())
	f.Add((&bitmap{header: 56, w: 5, h: 4, depth: 16, compression: 3, masks: []uint32{0x7c00, 0x3e0, 0x1f, 0x8000}, data: noise(rnd, 100)}).bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := read(data)
		if err != nil {
			if fault.Of(err) == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		r, err := open(data)
		if err != nil {
			t.Fatal(err)
		}
		src, err := r.Rows(raster.Hint{})
		if err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		if err := Encode(&buf, src, EncodeOptions{}); err != nil {
			t.Fatal(err)
		}
		again, err := read(buf.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		rastertest.Same(t, "round trip", again, got)
		rastertest.Same(t, "by x/image", stdColors(t, buf.Bytes()), got)
	})
}
