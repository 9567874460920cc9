package tiff

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// one returns a page of one gray pixel.
func one(v byte, more ...tag) made {
	return made{tags: with(basic(1, 1, 1, 8), more...), segments: [][]byte{{v}}}
}

func TestPages(t *testing.T) {
	long := func(t uint16, v uint32) tag { return tag{t, typeLong, []uint32{v}} }
	reduced, mask, page := long(tagNewSubfileType, reducedImage), long(tagNewSubfileType, maskImage), long(tagNewSubfileType, 2)
	for _, c := range []struct {
		name  string
		pages []made
		want  []byte
	}{
		{"one", []made{one(1)}, []byte{1}},
		{"three", []made{one(1, page), one(2, page), one(3, page)}, []byte{1, 2, 3}},
		{"reduced versions and masks are no pages", []made{one(1), one(2, reduced), one(3, mask), one(4), one(5, long(tagNewSubfileType, reducedImage|maskImage))}, []byte{1, 4}},
		{"SubfileType", []made{one(1, shorts(tagSubfileType, 1)), one(2, shorts(tagSubfileType, 2)), one(3, shorts(tagSubfileType, 3))}, []byte{1, 3}},
		{"the first is reduced", []made{one(1, reduced), one(2)}, []byte{2}},
		{"all are reduced", []made{one(1, reduced), one(2, reduced)}, []byte{1}},
		{"BigTIFF", []made{{big: true, order: binary.BigEndian, tags: one(1).tags, segments: one(1).segments}, one(2)}, []byte{1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := open(chain(c.pages...))
			if err != nil {
				t.Fatal(err)
			}
			if r.Frames() != len(c.want) {
				t.Fatalf("%d pages, want %d", r.Frames(), len(c.want))
			}
			for i := len(c.want); i >= 1; i-- {
				if err := r.Select(i); err != nil {
					t.Fatal(err)
				}
				if got, err := rastertest.Samples(r.Rows(raster.Hint{})); err != nil || !slices.Equal(got, []uint16{uint16(c.want[i-1])}) {
					t.Errorf("page %d: %v %v", i, got, err)
				}
			}
			for _, n := range []int{0, -1, len(c.want) + 1} {
				if err := r.Select(n); fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), fmt.Sprintf("frame %d: ", n)) {
					t.Errorf("page %d: %v", n, err)
				}
			}
		})
	}
}

func TestSelectedPageHasItsOwnHeader(t *testing.T) {
	b := chain(one(1, shorts(tagOrientation, 6)), made{tags: basic(2, 1, 2, 16, 16, 16), segments: [][]byte{make([]byte, 12)}})
	r, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Select(2); err != nil {
		t.Fatal(err)
	}
	if h := r.Header(); h.W() != 2 || h.Layout != raster.RGB || h.Bits != 16 || h.Orientation != 1 {
		t.Errorf("%+v", h)
	}
}

func TestDamagedChainOfPages(t *testing.T) {
	whole := chain(one(1), one(2))
	second := len(whole) - 4 // offset after the second directory
	first := binary.LittleEndian.Uint32(whole[4:])
	patch := func(at int, v uint32) []byte {
		b := slices.Clone(whole)
		binary.LittleEndian.PutUint32(b[at:], v)
		return b
	}
	next := int(first) + 2 + 12*int(binary.LittleEndian.Uint16(whole[first:])) // offset after the first
	for _, c := range []struct {
		name  string
		b     []byte
		pages int
		note  string
	}{
		{"the last leads to the first", patch(second, first), 2, "the directories form a loop"},
		{"the first leads to itself", patch(next, first), 1, "the directories form a loop"},
		{"the second lies beyond the end", patch(next, 1<<30), 1, "directory 2 is damaged"},
		{"the last offset is missing", whole[:second], 2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := open(c.b)
			if err != nil {
				t.Fatal(err)
			}
			if notes := strings.Join(r.Notes(), "; "); r.Frames() != c.pages || notes != c.note {
				t.Errorf("%d pages, %q", r.Frames(), notes)
			}
		})
	}
}
