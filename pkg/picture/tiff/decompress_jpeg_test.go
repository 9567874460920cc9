package tiff

import (
	"bytes"
	stdjpeg "image/jpeg"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// undefined returns a field of bytes.
func undefined(t uint16, b []byte) tag {
	f := tag{tag: t, kind: typeUndefined}
	for _, c := range b {
		f.v = append(f.v, uint32(c))
	}
	return f
}

func TestFlatJPEGIsWhatItSays(t *testing.T) {
	j := flatJPEG{w: 16, h: 8, blocks: [][]uint8{{10, 250}, {1, 2}, {254, 0}}}
	img, err := stdjpeg.Decode(bytes.NewReader(jpegStream(j.tables(), j.frame())))
	if err != nil {
		t.Fatal(err)
	}
	for x := range 16 {
		// Without JFIF or Adobe markers the standard library takes it for YCbCr.
		y, cb, cr := j.blocks[0][x/8], j.blocks[1][x/8], j.blocks[2][x/8]
		r, g, b, _ := img.At(x, 3).RGBA()
		if w := toRGB(y, cb, cr); !near([]uint16{uint16(r >> 8), uint16(g >> 8), uint16(b >> 8)}, w[:], 1) {
			t.Errorf("pixel %d: %d %d %d, want %v", x, r>>8, g>>8, b>>8, w)
		}
	}
}

// toRGB is the conversion of TIFF 6.0 section 21 with the coefficients of Rec. 601,
// in floating point.
func toRGB(y, cb, cr uint8) (rgb [3]uint16) {
	const lr, lg, lb = 0.299, 0.587, 0.114
	r := float64(y) + (float64(cr)-128)*(2-2*lr)
	b := float64(y) + (float64(cb)-128)*(2-2*lb)
	g := (float64(y) - lb*b - lr*r) / lg
	for i, v := range []float64{r, g, b} {
		rgb[i] = uint16(max(0, min(255, v+0.5)))
	}
	return rgb
}

func near(got, want []uint16, tolerance int) bool {
	return slices.EqualFunc(got, want, func(a, b uint16) bool { return max(a, b)-min(a, b) <= uint16(tolerance) })
}

func TestJPEG(t *testing.T) {
	jp := shorts(tagCompression, compJPEG)
	gray := flatJPEG{w: 8, h: 1, blocks: [][]uint8{{77}}}
	three := flatJPEG{w: 9, h: 2, blocks: [][]uint8{{10, 20}, {30, 40}, {50, 60}}}
	four := flatJPEG{w: 1, h: 1, blocks: [][]uint8{{0}, {255}, {100}, {51}}}
	subsampled := flatJPEG{w: 16, h: 16, blocks: [][]uint8{{10, 20, 30, 40}, {90}, {200}}, hv: []byte{0x22, 0x11, 0x11}}
	tables := undefined(tagJPEGTables, jpegStream(gray.tables()))
	ycc := func(y, cb, cr uint8) []uint16 { c := toRGB(y, cb, cr); return c[:] }
	wide := func(n int, v ...uint16) []uint16 { return slices.Repeat(v, n) }
	for _, c := range []struct {
		name   string
		m      made
		layout raster.Layout
		want   []uint16
	}{
		{"gray, tables in the stream", made{tags: with(basic(8, 1, 1, 8), jp), segments: [][]byte{jpegStream(gray.tables(), gray.frame())}}, raster.Gray, wide(8, 77)},
		{"gray, tables apart", made{tags: with(basic(8, 1, 1, 8), jp, tables), segments: [][]byte{jpegStream(gray.frame())}}, raster.Gray, wide(8, 77)},
		{"white is zero", made{tags: with(basic(8, 1, 0, 8), jp, tables), segments: [][]byte{jpegStream(gray.frame())}}, raster.Gray, wide(8, 178)},
		{"fill order does not concern JPEG", made{tags: with(basic(8, 1, 1, 8), jp, tables, shorts(tagFillOrder, 2)), segments: [][]byte{jpegStream(gray.frame())}}, raster.Gray, wide(8, 77)},
		{"without EOI", made{tags: with(basic(8, 1, 1, 8), jp, tables), segments: [][]byte{jpegStream(gray.frame())[:len(jpegStream(gray.frame()))-2]}}, raster.Gray, wide(8, 77)},
		{"RGB", made{tags: with(basic(9, 2, 2, 8, 8, 8), jp, tables), segments: [][]byte{jpegStream(three.frame())}}, raster.RGB,
			wide(2, append(wide(8, 10, 30, 50), 20, 40, 60)...)},
		{"YCbCr", made{tags: with(basic(9, 2, 6, 8, 8, 8), jp, tables), segments: [][]byte{jpegStream(three.frame())}}, raster.RGB,
			wide(2, append(wide(8, ycc(10, 30, 50)...), ycc(20, 40, 60)...)...)},
		{"YCbCr, chroma of half size", made{tags: with(basic(16, 16, 6, 8, 8, 8), jp, tables), segments: [][]byte{jpegStream(subsampled.frame())}}, raster.RGB,
			append(wide(8, append(wide(8, ycc(10, 90, 200)...), wide(8, ycc(20, 90, 200)...)...)...), wide(8, append(wide(8, ycc(30, 90, 200)...), wide(8, ycc(40, 90, 200)...)...)...)...)},
		{"CMYK", made{tags: with(basic(1, 1, 5, 8, 8, 8, 8), jp, tables), segments: [][]byte{jpegStream(four.frame())}}, raster.RGB, []uint16{204, 0, 124}},
		{"separate planes", made{tags: with(basic(8, 1, 2, 8, 8, 8), jp, tables, shorts(tagPlanarConfig, 2)),
			segments: [][]byte{jpegStream(gray.frame()), jpegStream(flatJPEG{8, 1, [][]uint8{{0}}, nil}.frame()), jpegStream(gray.frame())}}, raster.RGB, wide(8, 77, 0, 77)},
		{"strips, the last as high as all", made{tags: with(basic(8, 12, 1, 8), jp, tables, shorts(tagRowsPerStrip, 8)),
			segments: [][]byte{jpegStream(flatJPEG{8, 8, [][]uint8{{1}}, nil}.frame()), jpegStream(flatJPEG{8, 8, [][]uint8{{2}}, nil}.frame())}}, raster.Gray, append(wide(64, 1), wide(32, 2)...)},
		{"a tile beyond the picture", made{tags: with(basic(8, 1, 1, 8), jp, tables, shorts(tagTileWidth, 16), shorts(tagTileLength, 112)),
			segments: [][]byte{jpegStream(flatJPEG{16, 112, [][]uint8{slices.Repeat([]uint8{9}, 28)}, nil}.frame())}}, raster.Gray, wide(8, 9)},
		{"tiles", made{tags: with(basic(12, 2, 1, 8), jp, tables, shorts(tagTileWidth, 8), shorts(tagTileLength, 8)),
			segments: [][]byte{jpegStream(flatJPEG{8, 8, [][]uint8{{1}}, nil}.frame()), jpegStream(flatJPEG{8, 8, [][]uint8{{2}}, nil}.frame())}}, raster.Gray, wide(2, append(wide(8, 1), wide(4, 2)...)...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, got, err := decode(c.m.bytes())
			if err != nil {
				t.Fatal(err)
			}
			if h.Layout != c.layout || !near(got, c.want, 1) {
				t.Errorf("%v %v; want %v %v", h.Layout, got, c.layout, c.want)
			}
		})
	}
}

// Where only luma is wanted, YCbCr segments give their Y.
func TestLumaOfJPEG(t *testing.T) {
	jp := shorts(tagCompression, compJPEG)
	three := flatJPEG{w: 9, h: 2, blocks: [][]uint8{{10, 20}, {30, 40}, {50, 60}}}
	subsampled := flatJPEG{w: 16, h: 16, blocks: [][]uint8{{10, 20, 30, 40}, {90}, {200}}, hv: []byte{0x22, 0x11, 0x11}}
	coarseY := flatJPEG{w: 16, h: 8, blocks: [][]uint8{{100}, {128, 128}, {128, 128}}, hv: []byte{0x11, 0x21, 0x21}}
	tables := undefined(tagJPEGTables, jpegStream(three.tables()))
	wide := func(n int, v ...uint16) []uint16 { return slices.Repeat(v, n) }
	for _, c := range []struct {
		name string
		m    made
		want []uint16
	}{
		{"full chroma", made{tags: with(basic(9, 2, 6, 8, 8, 8), jp, tables), segments: [][]byte{jpegStream(three.frame())}},
			wide(2, append(wide(8, 10), 20)...)},
		{"chroma of half size", made{tags: with(basic(16, 16, 6, 8, 8, 8), jp, tables), segments: [][]byte{jpegStream(subsampled.frame())}},
			append(wide(8, append(wide(8, 10), wide(8, 20)...)...), wide(8, append(wide(8, 30), wide(8, 40)...)...)...)},
		{"Y of half size", made{tags: with(basic(16, 8, 6, 8, 8, 8), jp, tables), segments: [][]byte{jpegStream(coarseY.frame())}}, wide(128, 100)},
		{"tiles", made{tags: with(basic(12, 2, 6, 8, 8, 8), jp, tables, shorts(tagTileWidth, 16), shorts(tagTileLength, 16)),
			segments: [][]byte{jpegStream(subsampled.frame())}}, wide(2, append(wide(8, 10), wide(4, 20)...)...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := open(c.m.bytes())
			if err != nil {
				t.Fatal(err)
			}
			rows, err := r.Rows(raster.Hint{Luma: true})
			if err != nil {
				t.Fatal(err)
			}
			got, err := rastertest.Samples(rows, nil)
			if err != nil {
				t.Fatal(err)
			}
			if h := rows.Header(); h.Layout != raster.Gray || !near(got, c.want, 1) {
				t.Errorf("%v %v; want gray %v", h.Layout, got, c.want)
			}
			if h := r.Header(); h.Layout != raster.RGB {
				t.Errorf("the page is stored as %v, want rgb", h.Layout)
			}
		})
	}
	t.Run("a segment without chroma", func(t *testing.T) {
		gray := flatJPEG{w: 8, h: 1, blocks: [][]uint8{{77}}}
		r, err := open(made{tags: with(basic(8, 1, 6, 8, 8, 8), jp, tables), segments: [][]byte{jpegStream(gray.frame())}}.bytes())
		if err != nil {
			t.Fatal(err)
		}
		rows, err := r.Rows(raster.Hint{Luma: true})
		if err == nil {
			_, err = rows.Next()
		}
		if want := "JPEG of 1 components, not 3"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	})
}

func TestBadJPEGIsRefused(t *testing.T) {
	jp := shorts(tagCompression, compJPEG)
	gray := flatJPEG{w: 8, h: 16, blocks: [][]uint8{{77, 78}}}
	tables := undefined(tagJPEGTables, jpegStream(gray.tables()))
	whole := jpegStream(gray.frame())
	tags := with(basic(8, 16, 1, 8), jp, tables)
	huge := flatJPEG{w: 60000, h: 60000, blocks: [][]uint8{{77}}}
	for _, c := range []struct {
		name string
		m    made
		kind fault.Kind
		text string
	}{
		{"no tables", made{tags: with(basic(8, 16, 1, 8), jp), segments: [][]byte{whole}}, fault.Format, "strip 1 of 1: "},
		{"tables that are no JPEG", made{tags: with(tags, undefined(tagJPEGTables, []byte("tables"))), segments: [][]byte{whole}}, fault.Format, "JPEGTables are no JPEG"},
		{"large tables", made{tags: with(tags, undefined(tagJPEGTables, make([]byte, 20000))), segments: [][]byte{whole}}, fault.Format, "20000 values"},
		{"no JPEG", made{tags: tags, segments: [][]byte{{1, 2, 3, 4}}}, fault.Format, "strip 1 of 1: no JPEG stream"},
		{"rows missing", made{tags: tags, segments: [][]byte{jpegStream(flatJPEG{8, 8, [][]uint8{{77}}, nil}.frame())}}, fault.Format, "truncated after 8 of 16 rows (strip 1 of 1)"},
		{"cut", made{tags: tags, segments: [][]byte{whole[:len(whole)-3]}}, fault.Format, "strip 1 of 1: "},
		{"narrow", made{tags: with(tags, shorts(tagImageWidth, 9)), segments: [][]byte{whole}}, fault.Format, "JPEG of 8×16 in a segment of 9×16"},
		{"a JPEG much larger than its strip", made{tags: tags, segments: [][]byte{jpegStream(huge.frame())}}, fault.TooLarge, "strip 1 of 1: "},
		{"much padding", made{tags: with(basic(8, 1, 1, 8), jp, tables, shorts(tagTileWidth, 60000), shorts(tagTileLength, 60000)), segments: [][]byte{whole}}, fault.TooLarge, "-maxpixels"},
		{"wide", made{tags: tags, segments: [][]byte{jpegStream(flatJPEG{80, 16, [][]uint8{{77}}, nil}.frame())}}, fault.Format, "JPEG of 80×16 in a segment of 8×16"},
		{"components", made{tags: with(basic(8, 16, 2, 8, 8, 8), jp, tables), segments: [][]byte{whole}}, fault.Format, "JPEG of 1 components, not 3"},
		{"2 samples", made{tags: with(basic(8, 16, 1, 8, 8), jp, tables), segments: [][]byte{whole}}, fault.Unsupported, "2×8 bits"},
		{"12 bits", made{tags: with(basic(8, 16, 1, 12), jp, tables), segments: [][]byte{whole}}, fault.Unsupported, "1×12 bits"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := decode(c.m.bytes())
			if fault.Of(err) != c.kind || err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v; want %v with %q", err, c.kind, c.text)
			}
		})
	}
	b := made{tags: tags, segments: [][]byte{jpegStream(flatJPEG{8, 8, [][]uint8{{77}}, nil}.frame())}}.bytes()
	got, notes := lenient(t, b)
	if want := append(slices.Repeat([]uint16{77}, 64), make([]uint16, 64)...); !slices.Equal(got, want) || len(notes) != 1 {
		t.Errorf("lenient: %v %q", got, notes)
	}
}
