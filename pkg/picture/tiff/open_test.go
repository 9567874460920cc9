package tiff

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"image/color"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

func TestReadsEveryKindOfSample(t *testing.T) {
	be := binary.BigEndian
	extra := func(v uint32) tag { return shorts(tagExtraSamples, v) }
	planar := shorts(tagPlanarConfig, 2)
	for _, c := range []struct {
		name   string
		m      made
		layout raster.Layout
		bits   uint8
		want   []uint16
	}{
		{"bilevel, white is zero", made{tags: basic(9, 2, 0, 1), segments: [][]byte{{0x80, 0x80, 0x01, 0}}}, raster.Gray, 8,
			[]uint16{0, 255, 255, 255, 255, 255, 255, 255, 0, 255, 255, 255, 255, 255, 255, 255, 0, 255}},
		{"bilevel, black is zero", made{tags: basic(3, 1, 1, 1), segments: [][]byte{{0xa0}}}, raster.Gray, 8, []uint16{255, 0, 255}},
		{"bilevel, fill order 2", made{tags: with(basic(3, 1, 1, 1), shorts(tagFillOrder, 2)), segments: [][]byte{{0x01}}}, raster.Gray, 8, []uint16{255, 0, 0}},
		{"2 bits", made{tags: basic(3, 1, 1, 2), segments: [][]byte{{0x1c}}}, raster.Gray, 8, []uint16{0, 85, 255}},
		{"4 bits", made{tags: basic(3, 1, 1, 4), segments: [][]byte{{0x07, 0xf0}}}, raster.Gray, 8, []uint16{0, 119, 255}},
		{"6 bits", made{tags: basic(2, 1, 1, 6), segments: [][]byte{{0xfc, 0x10}}}, raster.Gray, 8, []uint16{255, 4}},
		{"8 bits, white is zero", made{tags: basic(2, 1, 0, 8), segments: [][]byte{{0, 200}}}, raster.Gray, 8, []uint16{255, 55}},
		{"12 bits", made{tags: basic(3, 1, 1, 12), segments: [][]byte{{0, 0x08, 0x00, 0xff, 0xf0}}}, raster.Gray, 16, []uint16{0, 32776, 65535}},
		{"16 bits", made{tags: basic(2, 1, 1, 16), segments: [][]byte{{1, 2, 3, 4}}}, raster.Gray, 16, []uint16{0x0201, 0x0403}},
		{"16 bits, big-endian, white is zero", made{order: be, tags: basic(2, 1, 0, 16), segments: [][]byte{{1, 2, 3, 4}}}, raster.Gray, 16, []uint16{0xfefd, 0xfcfb}},
		{"gray and straight alpha", made{tags: with(basic(2, 1, 1, 8, 8), extra(2)), segments: [][]byte{{10, 20, 30, 0}}}, raster.GrayA, 8, []uint16{10, 20, 30, 0}},
		{"white is zero, with alpha", made{tags: with(basic(1, 1, 0, 8, 8), extra(2)), segments: [][]byte{{10, 20}}}, raster.GrayA, 8, []uint16{245, 20}},
		{"gray and premultiplied alpha", made{tags: with(basic(3, 1, 1, 8, 8), extra(1)), segments: [][]byte{{10, 20, 30, 0, 99, 50}}}, raster.GrayA, 8, []uint16{128, 20, 0, 0, 255, 50}},
		{"extra sample of unspecified kind", made{tags: with(basic(1, 1, 1, 8, 8), extra(0)), segments: [][]byte{{10, 20}}}, raster.GrayA, 8, []uint16{10, 20}},
		{"extra sample without ExtraSamples", made{tags: basic(1, 1, 2, 8, 8, 8, 8), segments: [][]byte{{1, 2, 3, 4}}}, raster.RGBA, 8, []uint16{1, 2, 3, 4}},
		{"RGB", made{tags: basic(1, 2, 2, 8, 8, 8), segments: [][]byte{{1, 2, 3, 4, 5, 6}}}, raster.RGB, 8, []uint16{1, 2, 3, 4, 5, 6}},
		{"RGB, 4 bits", made{tags: basic(1, 1, 2, 4, 4, 4), segments: [][]byte{{0x0f, 0x10}}}, raster.RGB, 8, []uint16{0, 255, 17}},
		{"RGB, 10 bits, big-endian", made{order: be, tags: basic(1, 1, 2, 10, 10, 10), segments: [][]byte{{0xff, 0xc0, 0x08, 0}}}, raster.RGB, 16, []uint16{65535, 0, 32800}},
		{"RGB and two samples that are not alpha", made{tags: with(basic(1, 1, 2, 8, 8, 8, 8, 8), tag{tagExtraSamples, 3, []uint32{0, 0}}), segments: [][]byte{{1, 2, 3, 4, 5}}}, raster.RGB, 8, []uint16{1, 2, 3}},
		{"RGB, alpha and another", made{tags: with(basic(2, 1, 2, 8, 8, 8, 8, 8), tag{tagExtraSamples, 3, []uint32{2, 0}}), segments: [][]byte{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}}, raster.RGBA, 8, []uint16{1, 2, 3, 4, 6, 7, 8, 9}},
		{"RGBA 16 premultiplied", made{tags: with(basic(1, 1, 2, 16, 16, 16, 16), extra(1)), segments: [][]byte{{0, 16, 0, 32, 0, 64, 0, 64}}}, raster.RGBA, 16, []uint16{16384, 32768, 65535, 16384}},
		{"one sample, planar", made{tags: with(basic(1, 1, 1, 8), shorts(tagPlanarConfig, 2)), segments: [][]byte{{7}}}, raster.Gray, 8, []uint16{7}},
		{"planar RGB of 2 rows a strip", made{tags: with(basic(2, 3, 2, 8, 8, 8), planar, shorts(tagRowsPerStrip, 2)),
			segments: [][]byte{{1, 2, 3, 4}, {5, 6}, {11, 12, 13, 14}, {15, 16}, {21, 22, 23, 24}, {25, 26}}}, raster.RGB, 8,
			[]uint16{1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24, 5, 15, 25, 6, 16, 26}},
		{"planar, 4 bits", made{tags: with(basic(2, 1, 2, 4, 4, 4), planar), segments: [][]byte{{0x01}, {0x23}, {0xfe}}}, raster.RGB, 8, []uint16{0, 34, 255, 17, 51, 238}},
		{"planar, 10 bits", made{tags: with(basic(1, 1, 2, 10, 10, 10), planar), segments: [][]byte{{0xff, 0xc0}, {0, 0}, {0x80, 0}}}, raster.RGB, 16, []uint16{65535, 0, 32800}},
		{"planar, 16 bits, predictor", made{tags: with(basic(2, 1, 1, 16, 16), planar, shorts(tagCompression, 8), shorts(tagPredictor, 2), extra(2)),
			segments: [][]byte{deflated([]byte{1, 2, 0, 1}), deflated([]byte{255, 255, 1, 0})}}, raster.GrayA, 16, []uint16{0x201, 0xffff, 0x301, 0}},
		{"planar, white is zero, alpha in the second extra plane", made{tags: with(basic(1, 1, 0, 8, 8, 8), planar, tag{tagExtraSamples, 3, []uint32{0, 2}}),
			segments: [][]byte{{10}, {1}, {20}}}, raster.GrayA, 8, []uint16{245, 20}},
		{"planar, an extra plane that is not alpha and not there", made{tags: with(basic(1, 1, 2, 8, 8, 8, 8, 8), planar, tag{tagExtraSamples, 3, []uint32{0, 0}}),
			segments: [][]byte{{1}, {2}, {3}}}, raster.RGB, 8, []uint16{1, 2, 3}},
		{"planar tiles", made{tags: with(basic(3, 1, 1, 8, 8), planar, extra(2), shorts(tagTileWidth, 2), shorts(tagTileLength, 1)),
			segments: [][]byte{{1, 2}, {3, 99}, {11, 12}, {13, 99}}}, raster.GrayA, 8, []uint16{1, 11, 2, 12, 3, 13}},
		{"CMYK", made{tags: basic(3, 1, 5, 8, 8, 8, 8), segments: [][]byte{{0, 0, 0, 0, 255, 0, 51, 0, 100, 0, 0, 155}}}, raster.RGB, 8, []uint16{255, 255, 255, 0, 255, 204, 61, 100, 100}},
		{"CMYK and alpha", made{tags: with(basic(1, 1, 5, 8, 8, 8, 8, 8), extra(2)), segments: [][]byte{{100, 0, 0, 155, 7}}}, raster.RGBA, 8, []uint16{61, 100, 100, 7}},
		{"CMYK and an extra sample of unspecified kind", made{tags: with(basic(1, 1, 5, 8, 8, 8, 8, 8), extra(0)), segments: [][]byte{{100, 0, 0, 155, 7}}}, raster.RGB, 8, []uint16{61, 100, 100}},
		{"CMYK, 16 bits, planar", made{tags: with(basic(1, 1, 5, 16, 16, 16, 16), planar), segments: [][]byte{{0, 0}, {0xff, 0xff}, {0, 0x80}, {0, 0}}}, raster.RGB, 16, []uint16{65535, 0, 32767}},
		{"palette and alpha", made{tags: with(basic(2, 1, 3, 2, 2), shorts(tagColorMap, 0, 257, 514, 771, 0, 0, 0, 2570, 0, 0, 0, 65535), extra(2)),
			segments: [][]byte{{0b11_01_10_11}}}, raster.RGBA, 8, []uint16{3, 10, 255, 85, 2, 0, 0, 255}},
		{"palette and a sample that is not alpha", made{tags: with(basic(2, 1, 3, 1, 1), shorts(tagColorMap, 0, 257, 0, 0, 0, 0), extra(0)),
			segments: [][]byte{{0b01_10_0000}}}, raster.Indexed, 8, []uint16{0, 1}},
		{"palette of 16 bits", made{tags: with(basic(2, 1, 3, 16), tag{tagColorMap, 3, ramp(3 << 16)}), segments: [][]byte{{1, 2, 0xff, 0xff}}}, raster.RGB, 16,
			[]uint16{0x201, 0x201, 0x201, 0xffff, 0xffff, 0xffff}},
		{"without photometric interpretation", made{tags: without(basic(1, 1, 1, 8), tagPhotometric), segments: [][]byte{{7}}}, raster.Gray, 8, []uint16{7}},
		{"width as long and byte", made{tags: with(basic(1, 1, 1, 8), tag{tagImageWidth, typeLong, []uint32{2}}, tag{tagImageLength, typeByte, []uint32{1}}), segments: [][]byte{{7, 8}}}, raster.Gray, 8, []uint16{7, 8}},
		{"without strip sizes", made{tags: with(basic(2, 1, 1, 8), tag{tagStripByteCounts, typeLong, nil}, shorts(tagCompression, 8)), segments: [][]byte{deflated([]byte{7, 8})}}, raster.Gray, 8, []uint16{7, 8}},
		{"BigTIFF", made{big: true, tags: with(basic(2, 2, 1, 8), shorts(tagRowsPerStrip, 1)), segments: [][]byte{{1, 2}, {3, 4}}}, raster.Gray, 8, []uint16{1, 2, 3, 4}},
		{"BigTIFF, big-endian, with LONG8 and three values in place", made{big: true, order: be, tags: with(basic(1, 2, 2, 8, 8, 8), tag{tagImageWidth, typeLong8, []uint32{1}},
			tag{tagStripByteCounts, typeLong8, []uint32{6}}, tag{tagStripOffsets, typeLong8, []uint32{16}}), segments: [][]byte{{1, 2, 3, 4, 5, 6}}}, raster.RGB, 8, []uint16{1, 2, 3, 4, 5, 6}},
		{"several strips", made{tags: with(basic(1, 3, 1, 8), shorts(tagRowsPerStrip, 2)), segments: [][]byte{{7, 8}, {9}}}, raster.Gray, 8, []uint16{7, 8, 9}},
		{"tiles", made{tags: with(basic(3, 3, 1, 8), shorts(tagTileWidth, 2), shorts(tagTileLength, 2)),
			segments: [][]byte{{1, 2, 4, 5}, {3, 99, 6, 99}, {7, 8, 99, 99}, {9, 99, 99, 99}}}, raster.Gray, 8, []uint16{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"tiles under StripOffsets", made{plain: true, tags: with(basic(3, 1, 1, 8), shorts(tagTileWidth, 2), shorts(tagTileLength, 1), shorts(tagStripOffsets, 8, 10), shorts(tagStripByteCounts, 2, 2)),
			segments: [][]byte{{1, 2}, {3, 99}}}, raster.Gray, 8, []uint16{1, 2, 3}},
		{"one wide tile", made{tags: with(basic(2, 3, 1, 8), shorts(tagTileWidth, 4), shorts(tagTileLength, 4)),
			segments: [][]byte{{1, 2, 99, 99, 3, 4, 99, 99, 5, 6, 99, 99, 99, 99, 99, 99}}}, raster.Gray, 8, []uint16{1, 2, 3, 4, 5, 6}},
		{"predictor", made{tags: with(basic(2, 2, 2, 8, 8, 8), shorts(tagCompression, 32946), shorts(tagPredictor, 2)),
			segments: [][]byte{deflated([]byte{1, 2, 3, 1, 255, 0, 9, 9, 9, 1, 1, 1})}}, raster.RGB, 8, []uint16{1, 2, 3, 2, 1, 3, 9, 9, 9, 10, 10, 10}},
		{"predictor, 16 bits, big-endian", made{order: be, tags: with(basic(2, 1, 1, 16), shorts(tagCompression, 8), shorts(tagPredictor, 2)),
			segments: [][]byte{deflated([]byte{1, 255, 0, 2})}}, raster.Gray, 16, []uint16{0x1ff, 0x201}},
		{"fax rows on bytes", made{tags: with(basic(5, 2, 0, 1), shorts(tagCompression, 2)), segments: [][]byte{{0b0111_10_00, 0b00110101, 0b0011_0000}}}, raster.Gray, 8, []uint16{255, 255, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"LZW of before TIFF 5.0", made{tags: with(basic(64, 90, 1, 8), shorts(tagCompression, 5)), segments: [][]byte{oldLZW(pattern(64 * 90))}}, raster.Gray, 8, wide16(pattern(64 * 90))},
		{"PackBits", made{tags: with(basic(5, 1, 1, 8), shorts(tagCompression, 32773)), segments: [][]byte{{0x80, 0xfe, 9, 1, 7, 8}}}, raster.Gray, 8, []uint16{9, 9, 9, 7, 8}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, got, err := decode(c.m.bytes())
			if err != nil {
				t.Fatal(err)
			}
			if h.Layout != c.layout || h.Bits != c.bits || !slices.Equal(got, c.want) {
				t.Errorf("%v %d bit %v; want %v %d bit %v", h.Layout, h.Bits, got, c.layout, c.bits, c.want)
			}
		})
	}
}

// oldLZW compresses as TIFF before 5.0 did: codes from the least significant bit.
func oldLZW(p []byte) []byte {
	var b bytes.Buffer
	w := lzw.NewWriter(&b, lzw.LSB, 8)
	w.Write(p)
	w.Close()
	return b.Bytes()
}

// pattern returns n bytes that LZW finds much in, with codes of all lengths.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * i / 37 % 251)
	}
	return p
}

func wide16(p []byte) (s []uint16) {
	for _, v := range p {
		s = append(s, uint16(v))
	}
	return s
}

// ramp returns n values, the i-th of which is i modulo 65536.
func ramp(n int) []uint32 {
	v := make([]uint32, n)
	for i := range v {
		v[i] = uint32(i & 0xffff)
	}
	return v
}

func TestPalette(t *testing.T) {
	m := make([]uint32, 12)
	for i := range m {
		m[i] = uint32(i) * 257 * 20
	}
	b := made{tags: with(basic(4, 1, 3, 2), shorts(tagColorMap, m...)), segments: [][]byte{{0x1b}}}
	want := []color.NRGBA{{0, 80, 160, 255}, {20, 100, 180, 255}, {40, 120, 200, 255}, {60, 140, 220, 255}}
	h, got, err := decode(b.bytes())
	if err != nil || h.Layout != raster.Indexed || !slices.Equal(h.Palette, want) || !slices.Equal(got, []uint16{0, 1, 2, 3}) {
		t.Errorf("%v %v %v %v", h, got, err, want)
	}
	for i := range m { // 8-bit values of old writers
		m[i] = uint32(i) * 20
	}
	if h, _, err = decode(b.bytes()); err != nil || !slices.Equal(h.Palette, want) {
		t.Errorf("8-bit colour map: %v %v", h, err)
	}
}

// The files of testdata were written by libtiff's tiffcp and by ImageMagick from one
// picture. All files of a group hold the same samples.
func TestFilesOfOtherWriters(t *testing.T) {
	for _, group := range []struct {
		layout raster.Layout
		bits   uint8
		files  []string
	}{
		{raster.RGB, 8, []string{"rgb-None-LSB", "rgb-LZW-MSB", "rgb-Zip-LSB", "rgb-RLE-MSB", "strip-lzw2-rgb", "tile-zip2-rgb", "planar", "webp", "zstd", "zstd-19"}},
		{raster.RGBA, 8, []string{"rgba-None-LSB", "rgba-LZW-LSB"}},
		{raster.Gray, 8, []string{"bw-None-LSB", "g4", "g4lsb", "g3", "g3-fill", "g3-2d", "g3-2d-fill", "strip-g4", "tile-g4"}},
		{raster.Gray, 16, []string{"gray16-None-MSB", "gray16-Zip-LSB", "tile-lzw2-gray16"}},
		{raster.Indexed, 8, []string{"pal4-None-LSB", "pal4-LZW-MSB"}},
	} {
		var first []uint16
		for _, name := range group.files {
			h, got, err := decode(read(t, name))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if h.Layout != group.layout || h.Bits != group.bits || h.W() != 37 || h.H() != 29 {
				t.Errorf("%s: %+v", name, h)
			}
			if first == nil {
				first = got
			}
			if !slices.Equal(got, first) {
				t.Errorf("%s differs from %s", name, group.files[0])
			}
		}
		if slices.Min(first) == slices.Max(first) {
			t.Errorf("%v: every sample is the same", group.files)
		}
	}
}

// WebP keeps no colour of pixels that are wholly transparent.
func TestTilesOfWebP(t *testing.T) {
	h, got, err := decode(read(t, "tile-webp-rgba"))
	_, want, err2 := decode(read(t, "rgba-None-LSB"))
	if err != nil || err2 != nil || h.Layout != raster.RGBA {
		t.Fatal(h, err, err2)
	}
	for i := 0; i < len(want); i += 4 {
		if a := want[i+3]; got[i+3] != a || a > 0 && !slices.Equal(got[i:i+4], want[i:i+4]) {
			t.Fatalf("pixel %d is %v, want %v", i/4, got[i:i+4], want[i:i+4])
		}
	}
}

func TestOpaqueSegmentOfWebP(t *testing.T) {
	r, err := open(read(t, "webp"))
	want, err := rastertest.Samples(rastertest.Start(r, err))
	if err != nil {
		t.Fatal(err)
	}
	strip := make([]byte, r.counts[0])
	if _, err := r.file.r.ReadAt(strip, int64(r.offsets[0])); err != nil {
		t.Fatal(err)
	}
	m := made{tags: with(basic(37, 29, 2, 8, 8, 8, 8), shorts(tagExtraSamples, 2), shorts(tagCompression, compWebP)), segments: [][]byte{strip}}
	_, got, err := decode(m.bytes())
	if err != nil || len(got) != 4*37*29 {
		t.Fatal(len(got), err)
	}
	for i := range 37 * 29 {
		if p := got[4*i:]; p[3] != 255 || !slices.Equal(p[:3], want[3*i:3*i+3]) {
			t.Fatalf("pixel %d is %v, want %v", i, p[:4], want[3*i:3*i+3])
		}
	}
}

func read(t testing.TB, name string) []byte {
	return rastertest.File(t, filepath.Join("testdata", name+".tif"))
}

func TestOrientationAndProfile(t *testing.T) {
	profile := undefined(tagICC, append([]byte("prof"), make([]byte, 196)...))
	one := made{tags: with(basic(1, 1, 1, 8), shorts(tagOrientation, 6), profile), segments: [][]byte{{7}}}
	r, err := open(one.bytes())
	if err != nil {
		t.Fatal(err)
	}
	if h := r.Header(); h.Orientation != 6 || len(h.ICC) != 200 || string(h.ICC[:4]) != "prof" {
		t.Errorf("%+v", h)
	}
	// A profile beyond the end of the file is ignored; the picture is read.
	one.tags = with(one.tags, shorts(tagOrientation, 9))
	b := one.bytes()
	i := bytes.Index(b, []byte{0x73, 0x87, 7, 0}) // 34675
	binary.LittleEndian.PutUint32(b[i+8:], 1<<30)
	if r, err = open(b); err != nil || r.Header().ICC != nil || r.Header().Orientation != 1 {
		t.Errorf("bad metadata: %v", err)
	}
}

func TestDensity(t *testing.T) {
	ratio := func(t uint16, num, den uint32) tag { return tag{t, typeRational, []uint32{num, den}} }
	for _, c := range []struct {
		name string
		tags []tag
		want raster.Density
	}{
		{"none", nil, raster.Density{}},
		{"inches by default", []tag{ratio(tagXResolution, 300, 1), ratio(tagYResolution, 1500, 10)}, raster.Density{X: 300, Y: 150, Unit: raster.PerInch}},
		{"centimetres", []tag{ratio(tagXResolution, 118, 1), ratio(tagYResolution, 118, 1), shorts(tagResolutionUnit, 3)}, raster.Density{X: 118, Y: 118, Unit: raster.PerCM}},
		{"a ratio", []tag{ratio(tagXResolution, 2, 1), ratio(tagYResolution, 1, 1), shorts(tagResolutionUnit, 1)}, raster.Density{X: 2, Y: 1}},
		{"a ratio of square pixels", []tag{ratio(tagXResolution, 72, 1), ratio(tagYResolution, 72, 1), shorts(tagResolutionUnit, 1)}, raster.Density{}},
		{"no number", []tag{ratio(tagXResolution, 72, 0), ratio(tagYResolution, 72, 1)}, raster.Density{}},
		{"zero", []tag{ratio(tagXResolution, 0, 1), ratio(tagYResolution, 72, 1)}, raster.Density{}},
		{"one missing", []tag{ratio(tagXResolution, 72, 1)}, raster.Density{}},
		{"floating-point", []tag{doubles(tagXResolution, 72.5), doubles(tagYResolution, 72.5)}, raster.Density{X: 72.5, Y: 72.5, Unit: raster.PerInch}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _, err := decode(made{tags: with(basic(1, 1, 1, 8), c.tags...), segments: [][]byte{{7}}}.bytes())
			if err != nil || h.Density != c.want {
				t.Errorf("%+v %v, want %+v", h.Density, err, c.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	gray := basic(2, 2, 1, 8)
	seg := [][]byte{{1, 2, 3, 4}}
	for _, c := range []struct {
		name string
		b    []byte
		kind fault.Kind
		text string
	}{
		{"nothing", nil, fault.Format, "header lies beyond"},
		{"other file", []byte("GIF89a..."), fault.Format, "not a TIFF"},
		{"BigTIFF of other offsets", []byte("II+\x00\x04\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00"), fault.Format, "offsets of 4 bytes"},
		{"BigTIFF, cut", []byte("II+\x00\x08\x00\x00\x00"), fault.Format, "without a directory"},
		{"BigTIFF, far directory", []byte("MM\x00+\x00\x08\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"), fault.Format, "directory lies beyond"},
		{"BigTIFF, huge directory", []byte("MM\x00+\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\xff\xff\xff\xff\xff\xff\xff\xff"), fault.Format, "directory of 18446744073709551615 entries"},
		{"DNG", made{tags: with(gray, tag{tagDNGVersion, typeByte, []uint32{1, 4, 0, 0}}), segments: seg}.bytes(), fault.Unsupported, "DNG"},
		{"version", []byte("II,\x00\x08\x00\x00\x00"), fault.Format, "version 44"},
		{"no directory", []byte("II*\x00\x00\x00\x00\x00"), fault.Format, "without a directory"},
		{"directory beyond the end", []byte("II*\x00\xff\x00\x00\x00"), fault.Format, "beyond the end"},
		{"no size", made{tags: basic(0, 2, 1, 8), segments: seg}.bytes(), fault.Format, "0×2"},
		{"too large", made{tags: with(gray, tag{tagImageWidth, typeLong, []uint32{1 << 20}}, tag{tagImageLength, typeLong, []uint32{1 << 20}}), segments: seg}.bytes(), fault.TooLarge, "-maxpixels"},
		{"side", made{tags: with(gray, tag{tagImageWidth, typeLong, []uint32{1 << 31}}), segments: seg}.bytes(), fault.TooLarge, "side"},
		{"padding", made{tags: with(gray, tag{tagTileWidth, typeLong, []uint32{1 << 28}}, shorts(tagTileLength, 1)), segments: seg}.bytes(), fault.Format, "tiles of"},
		{"much padding", made{tags: with(gray, tag{tagImageLength, typeLong, []uint32{50000}}, tag{tagTileWidth, typeLong, []uint32{50000}}, shorts(tagTileLength, 1)), segments: seg}.bytes(), fault.TooLarge, "-maxpixels"},
		{"tiles of 0", made{tags: with(gray, shorts(tagTileWidth, 0), shorts(tagTileLength, 1)), segments: seg}.bytes(), fault.Format, "tiles of 0×1"},
		{"strips missing", made{tags: with(gray, shorts(tagRowsPerStrip, 1)), segments: seg}.bytes(), fault.Format, "1 strips or tiles, not 2"},
		{"no strips", made{tags: gray}.bytes(), fault.Format, "0 strips or tiles, not 1"},
		{"text for a number", made{tags: with(gray, tag{tagImageWidth, 2, []uint32{'2'}}), segments: seg}.bytes(), fault.Format, "field 256 of type 2"},
		{"0 samples", made{tags: with(gray, shorts(tagSamplesPerPixel, 0)), segments: seg}.bytes(), fault.Format, "0 samples"},
		{"many samples", made{tags: with(gray, shorts(tagSamplesPerPixel, 33)), segments: seg}.bytes(), fault.Unsupported, "33 samples"},
		{"RGB of 2", made{tags: with(basic(2, 2, 2, 8, 8)), segments: seg}.bytes(), fault.Format, "3 colours of 2 samples"},
		{"0 bits", made{tags: basic(2, 2, 1, 0), segments: seg}.bytes(), fault.Format, "0 bits"},
		{"31 bits", made{tags: basic(2, 2, 1, 31), segments: seg}.bytes(), fault.Unsupported, "31 bits"},
		{"a great many bits", made{tags: with(basic(2, 2, 1, 8), tag{tagBitsPerSample, typeLong, []uint32{1 << 31}}), segments: seg}.bytes(), fault.Unsupported, "bits"},
		{"complex", made{tags: with(basic(2, 2, 1, 64), shorts(tagSampleFormat, 6)), segments: seg}.bytes(), fault.Unsupported, "complex"},
		{"formats mixed", made{tags: with(basic(2, 2, 1, 32, 32), shorts(tagSampleFormat, 1, 3)), segments: seg}.bytes(), fault.Unsupported, "formats 1 and 3"},
		{"JPEG of floats", made{tags: with(basic(2, 2, 1, 32), shorts(tagSampleFormat, 3), shorts(tagCompression, 7)), segments: seg}.bytes(), fault.Unsupported, "JPEG"},
		{"uneven bits", made{tags: basic(2, 2, 2, 5, 6, 5), segments: seg}.bytes(), fault.Unsupported, "5 and 6 bits"},
		{"float", made{tags: with(gray, shorts(tagSampleFormat, 3)), segments: seg}.bytes(), fault.Unsupported, "floating-point"},
		{"colour map", made{tags: basic(2, 2, 3, 8), segments: seg}.bytes(), fault.Format, "0 values, not 768"},
		{"palette of 12 bits", made{tags: basic(2, 2, 3, 12), segments: seg}.bytes(), fault.Unsupported, "palette"},
		{"planes missing", made{tags: with(basic(2, 2, 2, 8, 8, 8), shorts(tagPlanarConfig, 2)), segments: append(seg, seg...)}.bytes(), fault.Format, "2 strips or tiles, not 3"},
		{"short plane", made{tags: with(basic(2, 2, 2, 8, 8, 8), shorts(tagPlanarConfig, 2), shorts(tagCompression, 8)),
			segments: [][]byte{deflated(seg[0]), deflated(seg[0][:3]), deflated(seg[0])}}.bytes(), fault.Format, "truncated after 1 of 2 rows (strip 2 of 3)"},
		{"photometric", made{tags: basic(2, 2, 77, 8), segments: seg}.bytes(), fault.Format, "interpretation 77"},
		{"YCbCr of 16 bits", made{tags: basic(2, 2, 6, 16, 16, 16), segments: seg}.bytes(), fault.Unsupported, "YCbCr TIFF of 16 bits"},
		{"YCbCr, odd subsampling", made{tags: with(basic(2, 2, 6, 8, 8, 8), shorts(tagYCbCrSubSampling, 3, 1)), segments: seg}.bytes(), fault.Format, "subsampling of 3×1"},
		{"YCbCr, planar subsampling", made{tags: with(basic(2, 2, 6, 8, 8, 8), shorts(tagPlanarConfig, 2)), segments: append(append(seg, seg...), seg...)}.bytes(), fault.Unsupported, "subsampled 2×2, planar true"},
		{"YCbCr, subsampled, with predictor", made{tags: with(basic(2, 2, 6, 8, 8, 8), shorts(tagCompression, 8), shorts(tagPredictor, 2)), segments: seg}.bytes(), fault.Unsupported, "subsampled"},
		{"YCbCr, short", made{tags: with(basic(2, 4, 6, 8, 8, 8), shorts(tagCompression, 8)), segments: [][]byte{deflated([]byte{1, 2, 3, 4, 128, 128, 5})}}.bytes(), fault.Format, "truncated after 2 of 4 rows"},
		{"raw", made{tags: basic(2, 2, 32803, 16), segments: seg}.bytes(), fault.Unsupported, "camera raw"},
		{"LZMA", made{tags: with(gray, shorts(tagCompression, 34925)), segments: seg}.bytes(), fault.Unsupported, "LZMA in TIFF is not read; convert it first"},
		{"not Zstandard", made{tags: with(gray, shorts(tagCompression, 50000)), segments: seg}.bytes(), fault.Format, "damaged at row 0 of 2 (strip 1 of 1): Zstandard data is damaged"},
		{"WebP of gray", made{tags: with(gray, shorts(tagCompression, 50001)), segments: seg}.bytes(), fault.Unsupported, "WebP in TIFF of 1×8 bits"},
		{"no WebP", made{tags: with(basic(2, 2, 2, 8, 8, 8), shorts(tagCompression, 50001)), segments: seg}.bytes(), fault.Format, "strip 1 of 1: "},
		{"compression", made{tags: with(gray, shorts(tagCompression, 4711)), segments: seg}.bytes(), fault.Format, "scheme 4711"},
		{"predictor 3", made{tags: with(gray, shorts(tagCompression, 8), shorts(tagPredictor, 3)), segments: seg}.bytes(), fault.Unsupported, "predictor 3"},
		{"predictor 7", made{tags: with(gray, shorts(tagCompression, 8), shorts(tagPredictor, 7)), segments: seg}.bytes(), fault.Format, "predictor 7"},
		{"fax of gray", made{tags: with(gray, shorts(tagCompression, 4)), segments: seg}.bytes(), fault.Format, "fax"},
		{"2-D fax", made{tags: with(basic(2, 2, 1, 1), shorts(tagCompression, 3), shorts(tagT4Options, 1)), segments: seg}.bytes(), fault.Format, "damaged at row 0 of 2: 1 fax lines"},
		{"fax run too long", made{tags: with(basic(2, 1, 0, 1), shorts(tagCompression, 2)), segments: [][]byte{{0b10000000}}}.bytes(), fault.Format, "damaged at row 0 of 1: 1 fax lines"},
		{"truncated", made{tags: gray, segments: seg}.bytes()[:0:0], fault.Format, "beyond"},
		{"short strip", made{tags: with(gray, shorts(tagStripOffsets, 60000)), segments: seg}.bytes(), fault.Format, "truncated after 0 of 2 rows"},
		{"short deflate", made{tags: with(gray, shorts(tagCompression, 8)), segments: [][]byte{deflated([]byte{1, 2, 3})}}.bytes(), fault.Format, "truncated after 1 of 2 rows"},
		{"short PackBits", made{tags: with(gray, shorts(tagCompression, 32773)), segments: [][]byte{{0, 1, 0, 2, 0, 3}}}.bytes(), fault.Format, "truncated after 1 of 2 rows"},
		{"not deflate", made{tags: with(gray, shorts(tagCompression, 8)), segments: seg}.bytes(), fault.Format, "damaged at row 0 of 2"},
		{"not LZW", made{tags: with(gray, shorts(tagCompression, 5)), segments: [][]byte{{0xff, 0xff, 0xff}}}.bytes(), fault.Format, "damaged at row 0 of 2"},
		{"old LZW, cut", made{tags: with(gray, shorts(tagCompression, 5)), segments: [][]byte{{0, 1, 2}}}.bytes(), fault.Format, "truncated after 0 of 2 rows"},
		{"inks", made{tags: with(basic(1, 1, 5, 8, 8, 8, 8), shorts(tagInkSet, 2)), segments: seg}.bytes(), fault.Unsupported, "inks other than CMYK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := decode(c.b)
			if err == nil || fault.Of(err) != c.kind || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v; want %v with %q", err, c.kind, c.text)
			}
		})
	}
}

func TestEveryTruncationIsAnError(t *testing.T) {
	for _, name := range []string{"rgb-LZW-MSB", "strip-lzw2-rgb", "g4", "tile-zip2-rgb"} {
		whole := read(t, name)
		for n := 0; n < len(whole)-4; n += 1 + n/40 { // the last 4 bytes say that there is no next directory
			if _, _, err := decode(whole[:n]); err == nil {
				t.Errorf("%s cut to %d of %d bytes is no error", name, n, len(whole))
			} else if k := fault.Of(err); k != fault.Format {
				t.Errorf("%s cut to %d: %v: %v", name, n, k, err)
			}
		}
	}
}

func TestOpenChecksMemory(t *testing.T) {
	m := made{tags: with(basic(4000, 4000, 1, 8), shorts(tagTileWidth, 16), shorts(tagTileLength, 4000)), segments: make([][]byte, 250)}
	b := m.bytes()
	_, err := Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Mem: 15e6})
	if fault.Of(err) != fault.TooLarge || !strings.Contains(err.Error(), "-maxmem") {
		t.Error(err)
	}
}
