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
