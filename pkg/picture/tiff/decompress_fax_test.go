package tiff

import (
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster/rastertest"
)

const eol = "000000000001"

// runs codes a row of one dimension: lengths below 64, white first.
func runs(lengths ...int) string {
	white, black := strings.Fields(whiteCodes), strings.Fields(blackCodes)
	var b strings.Builder
	for i, n := range lengths {
		if i%2 == 0 {
			b.WriteString(white[n])
		} else {
			b.WriteString(black[n])
		}
	}
	return b.String()
}

// bitString packs a string of zeros and ones; | is zeros up to the next byte, / up to the
// next 16 bits.
func bitString(parts ...string) (b []byte) {
	n := 0
	put := func(one bool) {
		if n%8 == 0 {
			b = append(b, 0)
		}
		if one {
			b[n/8] |= 0x80 >> (n % 8)
		}
		n++
	}
	for _, c := range strings.Join(parts, "") {
		switch c {
		case '|':
			n = (n + 7) / 8 * 8
		case '/':
			for n%16 != 0 {
				put(false)
			}
		default:
			put(c == '1')
		}
	}
	return b
}

// Rows of 16 pixels, of which the test says from where to where they are black.
func TestFax(t *testing.T) {
	const bad = "0000000011111" // no code begins so, and no EOL
	var (
		a, b, c = runs(2, 3, 11), runs(0, 8, 8), runs(15, 1)
		rowA    = [2]int{2, 5}
		rowB    = [2]int{0, 8}
		rowC    = [2]int{15, 16}
		white   = [2]int{}
		same    = "111" // vertical modes with no shift: the row above again
		eofb    = eol + eol
		rtc     = strings.Repeat(eol, 6)
	)
	ten := func(n int, part string) string { return strings.Repeat(part, n) }
	g3, g4 := shorts(tagCompression, compG3), shorts(tagCompression, compG4)
	two := shorts(tagT4Options, 1)
	for _, f := range []struct {
		name string
		tags []tag
		data []byte
		want [][2]int
		note string
	}{
		{"one dimension", []tag{g3}, bitString(eol, a, eol, b, eol, c, rtc), [][2]int{rowA, rowB, rowC}, ""},
		{"fill before EOL, EOL on bytes", []tag{g3, shorts(tagT4Options, 4)}, bitString("0000", eol, a, "|0000", eol, b, "|00000000|0000", eol, c, "|"), [][2]int{rowA, rowB, rowC}, ""},
		{"without EOL", []tag{g3}, bitString(a, b, c), [][2]int{rowA, rowB, rowC}, ""},
		{"without the first EOL", []tag{g3}, bitString(a, eol, b, eol, c), [][2]int{rowA, rowB, rowC}, ""},
		{"two dimensions", []tag{g3, two}, bitString(eol, "1", a, eol, "0", same, eol, "1", c), [][2]int{rowA, rowA, rowC}, ""},
		{"group 4", []tag{g4}, bitString("001", runs(2, 3), "1", same, eofb), [][2]int{rowA, rowA}, ""},
		{"group 4 without EOFB", []tag{g4}, bitString("001", runs(2, 3), "1", same), [][2]int{rowA, rowA}, ""},
		{"rows on bytes", []tag{shorts(tagCompression, compRLE)}, bitString(a, "|", b, "|", c), [][2]int{rowA, rowB, rowC}, ""},
		{"rows on 16 bits", []tag{shorts(tagCompression, compRLEW)}, bitString(a, "/", b, "/", c, "/", a), [][2]int{rowA, rowB, rowC, rowA}, ""},
		{"fill order 2", []tag{shorts(tagCompression, compRLE), shorts(tagFillOrder, 2)}, reversed(bitString(a, "|", b)), [][2]int{rowA, rowB}, ""},

		{"a row with a bad code", []tag{g3}, bitString(eol, a, eol, b, eol, runs(4), bad, eol, a, eol, c), [][2]int{rowA, rowB, rowB, rowA, rowC}, "1 of 5 fax lines are damaged and repeat the line before"},
		{"a bad first row is white", []tag{g3}, bitString(eol, bad, eol, b, eol, a, eol, c), [][2]int{white, rowB, rowA, rowC}, "1 of 4 fax lines are damaged and repeat the line before"},
		{"a row that is too short", []tag{g3}, bitString(eol, a, eol, runs(2, 3), eol, b, eol, c), [][2]int{rowA, rowA, rowB, rowC}, "1 of 4 fax lines are damaged and repeat the line before"},
		{"a row that is too long", []tag{g3}, bitString(eol, a, eol, runs(2, 3, 12), eol, b, eol, c), [][2]int{rowA, rowA, rowB, rowC}, "1 of 4 fax lines are damaged and repeat the line before"},
		{"bits after a whole row", []tag{g3}, bitString(eol, a, eol, b, "1011", eol, c, eol, a), [][2]int{rowA, rowB, rowC, rowA}, "1 of 4 fax lines are damaged and repeat the line before"},
		{"rows of two dimensions after a bad one are lost, too", []tag{g3, two}, bitString(eol, "1", a, eol, "1", b, eol, "0", bad, eol, "0", same, eol, "1", a, ten(4, eol+"0"+same)),
			[][2]int{rowA, rowB, rowB, rowB, rowA, rowA, rowA, rowA, rowA}, "2 of 9 fax lines are damaged and repeat the line before"},
		{"group 4, the last row of four", []tag{g4}, bitString("001", runs(2, 3), "1", same, same, bad), [][2]int{rowA, rowA, rowA, rowA}, "1 of 4 fax lines are damaged and repeat the line before"},
		{"the page ends early", []tag{g3}, bitString(eol, a, eol, b, rtc), [][2]int{rowA, rowB, white, white}, "fax page ends after 2 of 4 rows"},
		{"the page of group 4 ends early", []tag{g4}, bitString("001", runs(2, 3), "1", eofb), [][2]int{rowA, white, white}, "fax page ends after 1 of 3 rows"},
	} {
		t.Run(f.name, func(t *testing.T) {
			m := made{tags: with(basic(16, uint32(len(f.want)), photoWhiteIsZero, 1), f.tags...), segments: [][]byte{f.data}}
			r, err := open(m.bytes())
			got, err := rastertest.Samples(rastertest.Start(r, err))
			if err != nil {
				t.Fatal(err)
			}
			var want []uint16
			for _, black := range f.want {
				row := slices.Repeat([]uint16{255}, 16)
				clear(row[black[0]:black[1]])
				want = append(want, row...)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v\nwant %v", got, want)
			}
			if notes := strings.Join(r.Notes(), "; "); notes != f.note {
				t.Errorf("%q, want %q", notes, f.note)
			}
		})
	}
}

func reversed(b []byte) []byte {
	for i, c := range b {
		var v byte
		for k := range 8 {
			v = v<<1 | c>>k&1
		}
		b[i] = v
	}
	return b
}

func TestFaxThatIsMostlyDamagedIsRefused(t *testing.T) {
	a := runs(2, 3, 11)
	data := bitString(eol, a, eol, "11111110000000011", eol, a, eol, a, eol, "0000000011", eol, a, eol, a)
	m := made{tags: with(basic(16, 7, photoWhiteIsZero, 1), shorts(tagCompression, compG3)), segments: [][]byte{data}}
	if _, _, err := decode(m.bytes()); fault.Of(err) != fault.Format || err.Error() != "damaged at row 4 of 7: 2 fax lines" {
		t.Error(err)
	}
	if got, notes := lenient(t, m.bytes()); len(got) != 16*7 || len(notes) != 1 {
		t.Error(len(got), notes)
	}
	// Nothing but the end of a page, and data that stops within a row.
	for _, data := range [][]byte{bitString(eol, eol, eol), bitString(eol, a, eol, runs(2))} {
		m.segments = [][]byte{data}
		if _, _, err := decode(m.bytes()); fault.Of(err) != fault.Format || !strings.HasPrefix(err.Error(), "truncated after ") {
			t.Error(err)
		}
	}
}

// Whatever byte of a fax of libtiff's is damaged, the rows before it stay, and most
// of those after it, too, where EOL allows to go on.
func TestFaxResumesAfterDamage(t *testing.T) {
	for _, name := range []string{"g3", "g3-2d", "g3-fill", "g3-2d-fill"} {
		t.Run(name, func(t *testing.T) {
			b := read(t, name)
			r, err := open(b)
			if err != nil {
				t.Fatal(err)
			}
			w, h := r.h.FullW, r.h.FullH
			whole, err := rastertest.Samples(rastertest.Start(r, nil))
			if err != nil {
				t.Fatal(err)
			}
			right, rows := 0, 0
			for i := range int(r.counts[0]) {
				at := int(r.offsets[0]) + i
				b[at] ^= 0x5a
				got, _ := lenient(t, b)
				b[at] ^= 0x5a
				for y := range h {
					rows++
					if slices.Equal(got[y*w:][:w], whole[y*w:][:w]) {
						right++
					}
				}
			}
			if right*10 < rows*8 {
				t.Errorf("%d of %d rows are right", right, rows)
			}
		})
	}
}
