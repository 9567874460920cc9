package tiff

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// seeds are small files of every kind that the reader tells apart.
func seeds() [][]byte {
	j := flatJPEG{w: 8, h: 8, blocks: [][]uint8{{1}, {2}, {3}}}
	jp := jpegStream(j.tables(), j.frame())
	comp := func(c uint32) tag { return shorts(tagCompression, c) }
	rgb, rgb16 := basic(3, 3, photoRGB, 8, 8, 8), basic(2, 2, photoRGB, 16, 16, 16)
	bytes27 := make([]byte, 27)
	planar := shorts(tagPlanarConfig, 2)
	var b [][]byte
	for _, m := range []made{
		{tags: with(basic(3, 3, 1, 8), shorts(tagTileWidth, 2), shorts(tagTileLength, 2)), segments: [][]byte{{1}, {2}, {3}, {4}}},
		{tags: with(basic(5, 1, 1, 8), comp(compPackBits)), segments: [][]byte{{0x80, 0xfe, 9, 1, 7, 8}}},
		{tags: with(rgb, planar), segments: [][]byte{bytes27[:9], bytes27[:9], bytes27[:9]}},
		{tags: with(basic(8, 8, photoYCbCr, 8, 8, 8), comp(compJPEG)), segments: [][]byte{jp}},
		{tags: with(basic(8, 8, photoRGB, 8, 8, 8), comp(compJPEG), undefined(tagJPEGTables, jpegStream(j.tables()))), segments: [][]byte{jpegStream(j.frame())}},
		{plain: true, tags: with(basic(8, 8, photoYCbCr, 8, 8, 8), comp(compJPEGOld), shorts(tagJPEGInterchangeFormat, 8)), segments: [][]byte{jp}},
		{tags: with(basic(8, 8, photoYCbCr, 8, 8, 8), comp(compJPEGOld), shorts(tagJPEGQTables, 8, 8, 8), shorts(tagJPEGDCTables, 8, 8, 8), shorts(tagJPEGACTables, 8, 8, 8)), segments: [][]byte{jp[1:]}},
		{big: true, order: binary.BigEndian, tags: rgb, segments: [][]byte{bytes27}},
		{tags: with(basic(2, 2, photoCMYK, 8, 8, 8, 8, 8), shorts(tagExtraSamples, 1)), segments: [][]byte{bytes27[:20]}},
		{tags: with(basic(3, 3, photoYCbCr, 8, 8, 8), shorts(tagYCbCrSubSampling, 4, 2), comp(compDeflate)), segments: [][]byte{deflated(bytes27[:20])}},
		{tags: with(rgb16, comp(compDeflate), shorts(tagPredictor, 2)), segments: [][]byte{deflated(make([]byte, 24))}},
		{tags: with(basic(2, 2, 1, 32), shorts(tagSampleFormat, 3), comp(compLZW), shorts(tagPredictor, 3), doubles(tagSMinSampleValue, 1), doubles(tagSMaxSampleValue, 2)), segments: [][]byte{bytes27}},
		{tags: with(basic(2, 2, 1, 24), shorts(tagSampleFormat, 2)), segments: [][]byte{bytes27}},
		{tags: with(basic(16, 4, 0, 1), comp(compG3), shorts(tagT4Options, 1)), segments: [][]byte{bitString(eol, "1", runs(2, 3, 11), eol, "0111", eol, "0", "000000001", eol, "1", runs(2, 3, 11))}},
		{tags: with(basic(16, 4, 0, 1), comp(compRLEW), shorts(tagFillOrder, 2)), segments: [][]byte{bitString(runs(2, 3, 11), "/", runs(2, 3, 11))}},
		{tags: basic(2, 2, photoCIELab, 8, 8, 8), segments: [][]byte{bytes27}},
		{tags: with(rgb16, shorts(tagPhotometric, photoICCLab)), segments: [][]byte{bytes27}},
		{tags: with(basic(9, 3, 1, 8), comp(compLZW)), segments: [][]byte{oldLZW(bytes27)}},
		{tags: with(basic(2, 1, 3, 2, 2), shorts(tagColorMap, ramp(12)...), shorts(tagExtraSamples, 2)), segments: [][]byte{{7}}},
	} {
		b = append(b, m.bytes())
	}
	return append(b, chain(one(1), one(2)))
}

func FuzzOpen(f *testing.F) {
	files, err := filepath.Glob("testdata/*.tif")
	if err != nil || len(files) == 0 {
		f.Fatal(err, files)
	}
	for _, name := range files {
		f.Add(read(f, strings.TrimSuffix(filepath.Base(name), ".tif")))
	}
	for _, b := range seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, lenient := range []bool{true, false} {
			p, err := Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Pixels: 1 << 20, Mem: 16 << 20, Lenient: lenient})
			if err != nil {
				if k := fault.Of(err); k != fault.Format && k != fault.Unsupported && k != fault.TooLarge {
					t.Fatalf("%v: %v", k, err)
				}
				return
			}
			for n := min(p.Frames(), 3); n >= 1; n-- {
				if err := p.Select(n); err == nil {
					fuzzPage(t, p)
				}
			}
		}
	})
}

// fuzzPage decodes a page. What could be read is written and reads back the same.
func fuzzPage(t *testing.T, p *Reader) {
	rows, err := p.Rows(raster.Hint{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := rastertest.Samples(rows, nil)
	if err != nil {
		if k := fault.Of(err); k != fault.Format && k != fault.Unsupported && k != fault.TooLarge {
			t.Fatalf("%v: %v", k, err)
		}
		return
	}
	h := *rows.Header()
	h.Orientation = 1
	var out bytes.Buffer
	if err := Encode(&out, &picture{H: &h, S: got, Band: 3}, EncodeOptions{Depth: p.Depth()}); err != nil {
		t.Fatal(err)
	}
	if _, again, err := decode(out.Bytes()); err != nil || !slices.Equal(again, got) {
		t.Fatalf("read back: %v", err)
	}
}

// FuzzPart: a part of any file has the verdict and the samples of the whole.
func FuzzPart(f *testing.F) {
	for _, b := range append(seeds(), tiles(40, 30, 16, 3), tiles(40, 30, 16, 3, shorts(tagCompression, compDeflate)), jpegTiles()) {
		f.Add(b, uint8(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		lim := raster.Limits{Pixels: 1 << 16, Mem: 16 << 20}
		r, err := Open(bytes.NewReader(b), int64(len(b)), lim)
		if err != nil {
			return
		}
		whole, _, _, want := part(b, raster.Hint{}, lim)
		parts := partsOf(r.h.FullW, r.h.FullH)
		p := parts[int(which)%len(parts)]
		if p.W < 1 || p.H < 1 {
			return
		}
		got, _, _, err := part(b, raster.Hint{Part: p}, lim)
		if fmt.Sprint(err) != fmt.Sprint(want) {
			t.Fatalf("part %s: %v, of the whole: %v", p, err, want)
		}
		if err == nil && !slices.Equal(got, cutOut(whole, r.h.FullW, r.h.Layout.Samples(), p)) {
			t.Fatalf("part %s has other samples than the whole", p)
		}
	})
}
