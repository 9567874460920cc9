package tiff

import (
	"bytes"
	"slices"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// lenient decodes with Limits.Lenient and returns the samples and the notes.
func lenient(t *testing.T, b []byte) ([]uint16, []string) {
	t.Helper()
	r, err := Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Lenient: true})
	got, err := rastertest.Samples(rastertest.Start(r, err))
	if err != nil {
		t.Fatal(err)
	}
	return got, r.Notes()
}

func TestMissingSamplesAreRefusedOrZero(t *testing.T) {
	zip := shorts(tagCompression, compDeflate)
	bad := []byte{1, 2, 3}
	for _, c := range []struct {
		name  string
		m     made
		want  []uint16
		notes []string
	}{
		{"the last strip is short", made{tags: with(basic(2, 4, 1, 8), zip, shorts(tagRowsPerStrip, 2)), segments: [][]byte{deflated([]byte{1, 2, 3, 4}), deflated([]byte{5, 6, 7})}},
			[]uint16{1, 2, 3, 4, 5, 6, 0, 0}, []string{"truncated after 3 of 4 rows (strip 2 of 2)"}},
		{"a strip in the middle is damaged", made{tags: with(basic(2, 3, 1, 8), zip, shorts(tagRowsPerStrip, 1)), segments: [][]byte{deflated([]byte{1, 2}), bad, deflated([]byte{5, 6})}},
			[]uint16{1, 2, 0, 0, 5, 6}, []string{"damaged at row 1 of 3 (strip 2 of 3): zlib: invalid header"}},
		{"a tile is damaged", made{tags: with(basic(4, 2, 1, 8), zip, shorts(tagTileWidth, 2), shorts(tagTileLength, 2)), segments: [][]byte{bad, deflated([]byte{1, 2, 3, 4})}},
			[]uint16{0, 0, 1, 2, 0, 0, 3, 4}, []string{"damaged at row 0 of 2 (tile 1 of 2): zlib: invalid header"}},
		{"a plane is short", made{tags: with(basic(1, 2, 2, 8, 8, 8), zip, shorts(tagPlanarConfig, 2)), segments: [][]byte{deflated([]byte{1, 2}), deflated([]byte{3}), deflated([]byte{5, 6})}},
			[]uint16{1, 3, 5, 2, 0, 6}, []string{"truncated after 1 of 2 rows (strip 2 of 3)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := c.m.bytes()
			if _, _, err := decode(b); fault.Of(err) != fault.Format || err.Error() != c.notes[0] {
				t.Errorf("strict: %v", err)
			}
			if got, notes := lenient(t, b); !slices.Equal(got, c.want) || !slices.Equal(notes, c.notes) {
				t.Errorf("lenient: %v %q", got, notes)
			}
		})
	}
}

func TestWrongCountsAreNoted(t *testing.T) {
	gray := with(basic(2, 2, 1, 8), shorts(tagRowsPerStrip, 1))
	strips := [][]byte{{1, 2}, {3, 4}}
	zip := shorts(tagCompression, compDeflate)
	zipped := [][]byte{deflated(strips[0]), deflated(strips[1])}
	for _, c := range []struct {
		name string
		m    made
		note string
	}{
		{"right", made{tags: gray, segments: strips}, ""},
		{"too small, without compression", made{tags: with(gray, shorts(tagStripByteCounts, 1, 2)), segments: strips}, "byte count of strip 1 is 1, its rows have 2"},
		{"too large, without compression", made{tags: with(gray, shorts(tagStripByteCounts, 100, 2)), segments: strips}, ""},
		{"missing", made{tags: with(gray, shorts(tagStripOffsets, 8, 10)), segments: strips, plain: true}, "byte counts of 0 of 2 strips"},
		{"zero", made{tags: with(gray, zip, shorts(tagStripByteCounts, 0, 0)), segments: zipped}, "byte count of strip 1 is 0"},
		{"beyond the end", made{tags: with(gray, zip, shorts(tagStripByteCounts, 100, 60000)), segments: zipped}, "byte count of strip 2 goes beyond the end of the file"},
		{"more strips than rows", made{tags: gray, segments: append(strips, nil)}, "3 strips are listed, the size needs 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := c.m.bytes()
			r, err := open(b)
			got, err := rastertest.Samples(rastertest.Start(r, err))
			if err != nil || !slices.Equal(got, []uint16{1, 2, 3, 4}) {
				t.Fatal(got, err)
			}
			if notes := r.Notes(); len(notes) == 0 && c.note != "" || len(notes) > 0 && notes[0] != c.note {
				t.Errorf("%q, want %q", notes, c.note)
			}
		})
	}
}

// A strip that is too short without compression must not be filled up with the next
// strip or with the directory.
func TestShortStripDoesNotRunIntoTheNext(t *testing.T) {
	b := made{tags: with(basic(2, 2, 1, 8), shorts(tagRowsPerStrip, 1)), segments: [][]byte{{1}, {3, 4}}}.bytes()
	if _, _, err := decode(b); err == nil || err.Error() != "truncated after 0 of 2 rows (strip 1 of 2)" {
		t.Error(err)
	}
	b = made{tags: basic(2, 2, 1, 8), segments: [][]byte{{1, 2, 3}}}.bytes()
	if _, _, err := decode(b); err == nil || err.Error() != "truncated after 1 of 2 rows (strip 1 of 1)" {
		t.Error(err)
	}
}
