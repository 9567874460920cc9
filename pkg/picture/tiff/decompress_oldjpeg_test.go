package tiff

import (
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
)

func TestOldStyleJPEG(t *testing.T) {
	old := shorts(tagCompression, compJPEGOld)
	long := func(t uint16, v ...uint32) tag { return tag{t, typeLong, v} }
	three := flatJPEG{w: 9, h: 2, blocks: [][]uint8{{10, 20}, {30, 40}, {50, 60}}}
	whole := jpegStream(three.tables(), three.frame())
	ycc := func(y, cb, cr uint8) []uint16 { c := toRGB(y, cb, cr); return c[:] }
	want := slices.Repeat(append(slices.Repeat(ycc(10, 30, 50), 8), ycc(20, 40, 60)...), 2)

	// Tables as the fields point at them: in front of the strips.
	all := three.tables()
	q, dc, ac := all[5:69], all[69+5:69+2+28], all[69+2+28+5:]
	tables := func(pad int) (b []byte, fields []tag) {
		b = make([]byte, pad)
		at := uint32(8 + pad)
		b = append(append(append(b, q...), dc...), ac...)
		return b, []tag{long(tagJPEGQTables, at, at, at), long(tagJPEGDCTables, at+64, at+64, at+64),
			long(tagJPEGACTables, at+64+uint32(len(dc)), at+64+uint32(len(dc)), at+64+uint32(len(dc)))}
	}
	table, fields := tables(0)
	sampled := flatJPEG{w: 16, h: 16, blocks: [][]uint8{{10, 20, 30, 40}, {90}, {200}}, hv: []byte{0x22, 0x11, 0x11}}
	corner := slices.Concat(slices.Repeat(ycc(10, 90, 200), 8), slices.Repeat(ycc(20, 90, 200), 8))
	lower := slices.Concat(slices.Repeat(ycc(30, 90, 200), 8), slices.Repeat(ycc(40, 90, 200), 8))
	strip := func(v uint8) []byte {
		return flatJPEG{w: 8, h: 8, blocks: [][]uint8{{v}, {128}, {128}}}.scan([]byte{0x11, 0x11, 0x11})
	}
	place := func(m made, first int, sizes ...int) made { // strips that follow the tables in the first segment
		offsets, counts := shorts(tagStripOffsets), shorts(tagStripByteCounts)
		at := 8 + first
		for _, n := range sizes {
			offsets.v, counts.v = append(offsets.v, uint32(at)), append(counts.v, uint32(n))
			at += n
		}
		m.tags = with(m.tags, offsets, counts)
		return m
	}
	scan := sampled.scan(sampled.hv)
	for _, c := range []struct {
		name string
		m    made
		want []uint16
	}{
		{"a whole JPEG, no strips", made{plain: true, tags: with(basic(9, 2, 6, 8, 8, 8), old, long(tagJPEGInterchangeFormat, 8)), segments: [][]byte{whole}}, want},
		{"a whole JPEG, its strip begins in its scan", made{tags: with(basic(9, 2, 6, 8, 8, 8), old, long(tagJPEGInterchangeFormat, 8), shorts(tagStripOffsets, 300)), segments: [][]byte{whole}}, want},
		{"a whole JPEG, called RGB", made{plain: true, tags: with(basic(9, 2, 2, 8, 8, 8), old, long(tagJPEGInterchangeFormat, 8)), segments: [][]byte{whole}},
			slices.Repeat(append(slices.Repeat([]uint16{10, 30, 50}, 8), 20, 40, 60), 2)},
		{"a JPEG as strip", made{tags: with(basic(9, 2, 6, 8, 8, 8), old), segments: [][]byte{whole}}, want},
		{"tables apart, subsampled by default", place(made{tags: with(basic(16, 16, 6, 8, 8, 8), append(fields, old)...), segments: [][]byte{append(table, scan...)}}, len(table), len(scan)),
			slices.Concat(slices.Repeat(corner, 8), slices.Repeat(lower, 8))},
		{"tables apart, two strips", place(made{tags: with(basic(8, 12, 6, 8, 8, 8), append(fields, old, shorts(tagYCbCrSubSampling, 1, 1), shorts(tagRowsPerStrip, 8))...),
			segments: [][]byte{slices.Concat(table, strip(7), strip(9))}}, len(table), len(strip(7)), len(strip(9))), slices.Concat(slices.Repeat([]uint16{7}, 192), slices.Repeat([]uint16{9}, 96))},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, got, err := decode(c.m.bytes())
			if err != nil {
				t.Fatal(err)
			}
			if !near(got, c.want, 1) {
				t.Errorf("%v\nwant %v", got, c.want)
			}
		})
	}
	for _, c := range []struct {
		name string
		tags []tag
		kind fault.Kind
		text string
	}{
		{"no tables", nil, fault.Unsupported, "without tables"},
		{"lossless", []tag{shorts(tagJPEGProc, 14)}, fault.Unsupported, "process 14"},
		{"tables beyond the end", []tag{long(tagJPEGQTables, 1<<31, 8, 8)}, fault.Format, "JPEG table lies beyond"},
		{"far tables", []tag{{tagJPEGQTables, typeLong8, []uint32{1 << 31, 8, 8}}}, fault.Format, "JPEG table lies beyond"},
		{"too many symbols", append(fields, long(tagJPEGDCTables, 8, 8, 8)), fault.Format, "symbols"},
		{"interchange format that is none, and no tables", []tag{long(tagJPEGInterchangeFormat, 9)}, fault.Unsupported, "without tables"},
		{"planar", []tag{shorts(tagPlanarConfig, 2), shorts(tagPhotometric, 2)}, fault.Unsupported, "planar true"},
		{"large subsampling", append(fields, shorts(tagYCbCrSubSampling, 9, 1)), fault.Format, "9×1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := made{tags: with(basic(16, 16, 6, 8, 8, 8), append([]tag{old}, c.tags...)...), segments: [][]byte{slices.Repeat([]byte{200}, 400)}}
			if strings.HasPrefix(c.name, "large") {
				m.segments = [][]byte{append(table, 1, 2, 3)}
				m = place(m, len(table), 3)
			}
			_, _, err := decode(m.bytes())
			if fault.Of(err) != c.kind || err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v; want %v with %q", err, c.kind, c.text)
			}
		})
	}
}
