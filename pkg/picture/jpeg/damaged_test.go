package jpeg

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// verdict is what reading a file says of it.
type verdict struct {
	err   string // "" if it was read
	notes string
}

// readings are the ways to read a JPEG: gray, copied at its size, decoded at each eighth
// as luma, planes and RGB. Without all, the sizes are one of each kind.
func readings(all bool) map[string]func(r *Reader) error {
	ways := map[string]func(r *Reader) error{
		"gray": func(r *Reader) error {
			done, err := Gray(io.Discard, r, nil)
			if !done {
				return readRows(r, raster.Hint{Luma: true})
			}
			return err
		},
		"copy": func(r *Reader) error {
			done, err := Copy(io.Discard, r)
			if !done {
				return readRows(r, raster.Hint{})
			}
			return err
		},
	}
	sizes := []int{2, 3, 8}
	if all {
		sizes = []int{1, 2, 3, 4, 5, 6, 7, 8}
	}
	for _, n := range sizes {
		for kind, hint := range map[string]raster.Hint{"luma": {Luma: true}, "planes": {Planar: true}, "rgb": {}} {
			ways[fmt.Sprintf("%s at %d/8", kind, n)] = func(r *Reader) error {
				h := hint
				if n < 8 {
					h.GoalW, h.GoalH = max(1, r.Header().FullW*n/8), max(1, r.Header().FullH*n/8)
				}
				return readRows(r, h)
			}
		}
	}
	return ways
}

func readRows(r *Reader, hint raster.Hint) error {
	rows, err := r.Rows(hint)
	if err != nil {
		return err
	}
	return raster.Each(rows, func(int, int, raster.Plane) bool { return true })
}

// verdicts reads p in all ways and fails the test if they disagree.
func verdicts(t *testing.T, p []byte, lim raster.Limits, all bool) verdict {
	t.Helper()
	var first verdict
	var firstWay string
	ways := readings(all)
	names := make([]string, 0, len(ways))
	for way := range ways {
		names = append(names, way)
	}
	slices.Sort(names)
	for _, way := range names {
		var v verdict
		r, err := Open(bytes.NewReader(p), int64(len(p)), lim)
		if err == nil {
			err = ways[way](r)
			v.notes = strings.Join(r.Notes(), "; ")
		}
		if err != nil {
			v.err = err.Error()
			v.notes = "" // for a refused picture only the error is reported
			if k := fault.Of(err); k != fault.Format && k != fault.Unsupported && k != fault.TooLarge {
				t.Fatalf("%s: %v of kind %v", way, err, k)
			}
		}
		if firstWay == "" {
			first, firstWay = v, way
		} else if v != first {
			t.Fatalf("%s: %+v\n%s: %+v", firstWay, first, way, v)
		}
	}
	return first
}

// inserted returns p with more at i.
func inserted(p []byte, i int, more ...byte) []byte {
	return slices.Insert(bytes.Clone(p), i, more...)
}

// afterHeader returns the offset of the SOS marker.
func sosAt(t testing.TB, p []byte) int {
	t.Helper()
	i := bytes.Index(p, []byte{0xFF, mSOS})
	if i < 0 {
		t.Fatal("no SOS")
	}
	return i
}

// withoutSegments returns p without the segments of a marker.
func withoutSegments(p []byte, m byte) []byte {
	out := bytes.Clone(p[:2])
	for i := 2; ; {
		n := 2 + int(p[i+2])<<8 + int(p[i+3])
		if p[i+1] == mSOS {
			return append(out, p[i:]...)
		}
		if p[i+1] != m {
			out = append(out, p[i:i+n]...)
		}
		i += n
	}
}

// segment returns a marker segment.
func segment(m byte, payload ...byte) []byte {
	var h headerWriter
	h.segment(m, payload)
	return h
}

const noEOI = "no end marker"

// A file whose pixels are all there is read, whatever is wrong with the rest of it, and
// is the same picture.
func TestDamageOutsideThePixelsIsNoted(t *testing.T) {
	const surplus = "surplus bytes in the scan data"
	film := func(n int) []byte { // FF and any byte
		p := []byte("maker's trailer\x00")
		for i := range n {
			p = append(p, 0xFF, byte(i*37+0x9E), byte(i))
		}
		return p
	}
	for _, c := range []struct {
		name   string
		damage func(p []byte) []byte // p ends with EOI
		notes  string
	}{
		{"nothing", func(p []byte) []byte { return p }, ""},
		{"no EOI", func(p []byte) []byte { return p[:len(p)-2] }, noEOI},
		{"half an EOI", func(p []byte) []byte { return p[:len(p)-1] }, noEOI},
		{"zeros instead of EOI", func(p []byte) []byte { return append(p[:len(p)-2], make([]byte, 512)...) }, noEOI},
		{"trailer instead of EOI", func(p []byte) []byte { return append(p[:len(p)-2], "text \x01\x02 and \xFF\x00 binary"...) }, noEOI},
		{"film instead of EOI", func(p []byte) []byte { return append(p[:len(p)-2], film(300)...) }, noEOI},
		{"trailer after EOI", func(p []byte) []byte { return append(p, "text \xFF\xD8\xFF\xDA\x00"...) }, ""},
		{"film after EOI", func(p []byte) []byte { return append(p, film(300)...) }, ""},
		{"another JPEG instead of EOI", func(p []byte) []byte { return append(p[:len(p)-2], p...) }, noEOI},
		{"RST before EOI", func(p []byte) []byte { return inserted(p, len(p)-2, 0xFF, mRST0+1) }, ""},
		{"eight RSTs before EOI", func(p []byte) []byte {
			return inserted(p, len(p)-2, 0xFF, 0xD0, 0xFF, 0xD1, 0xFF, 0xD2, 0xFF, 0xD3, 0xFF, 0xD4, 0xFF, 0xD5, 0xFF, 0xD6, 0xFF, 0xD7)
		}, ""},
		{"RST instead of EOI", func(p []byte) []byte { return append(p[:len(p)-2], 0xFF, mRST0) }, noEOI},
		{"fill bytes before EOI", func(p []byte) []byte { return inserted(p, len(p)-2, 0xFF, 0xFF, 0xFF) }, ""},
		{"coded bytes before EOI", func(p []byte) []byte { return inserted(p, len(p)-2, 1, 2, 3, 0xFF, 0, 4, 5, 6) }, surplus},
		{"coded bytes and RSTs before EOI", func(p []byte) []byte {
			return inserted(p, len(p)-2, 0xFF, 0xD2, 0x28, 0xA2, 0x8A, 0xFF, 0xD3, 0x28, 0xA2, 0x8A)
		}, surplus},
		{"COM before EOI", func(p []byte) []byte { return inserted(p, len(p)-2, segment(mCOM, 'h', 'i')...) }, ""},
		{"DNL before EOI", func(p []byte) []byte { return inserted(p, len(p)-2, segment(mDNL, 0, 63)...) }, ""},
		{"bad DHT before EOI", func(p []byte) []byte { return inserted(p, len(p)-2, segment(mDHT, 9, 9)...) }, noEOI},
		{"cut segment instead of EOI", func(p []byte) []byte { return append(p[:len(p)-2], 0xFF, mCOM, 1, 0, 'h', 'i') }, noEOI},
		{"cut marker instead of EOI", func(p []byte) []byte { return append(p[:len(p)-2], 0xFF, 0xE1, 5) }, noEOI},
		{"SOI instead of EOI", func(p []byte) []byte { return append(p[:len(p)-2], 0xFF, mSOI) }, noEOI},
		{"empty COM of length 2", func(p []byte) []byte { return inserted(p, 2, 0xFF, mCOM, 0, 2) }, ""},
		{"COM of length 0", func(p []byte) []byte { return inserted(p, 2, 0xFF, mCOM, 0, 0) }, "segment FFFE of length 0"},
		{"COM of length 1", func(p []byte) []byte { return inserted(p, 2, 0xFF, mCOM, 0, 1) }, "segment FFFE of length 1"},
		{"APP9 of length 0", func(p []byte) []byte { return inserted(p, 2, 0xFF, 0xE9, 0, 0) }, "segment FFE9 of length 0"},
		{"TEM between segments", func(p []byte) []byte { return inserted(p, 2, 0xFF, mTEM) }, ""},
		{"RST between segments", func(p []byte) []byte { return inserted(p, sosAt(t, p), 0xFF, mRST0+3) }, ""},
		{"fill bytes between segments", func(p []byte) []byte { return inserted(p, sosAt(t, p), 0xFF, 0xFF, 0xFF) }, ""},
		{"bytes between segments", func(p []byte) []byte { return inserted(p, sosAt(t, p), 1, 2, 3) }, ""},
		{"empty DHT in a free slot", func(p []byte) []byte {
			return inserted(p, 2, segment(mDHT, append([]byte{0x13}, make([]byte, 16)...)...)...)
		}, ""},
		{"zero DQT in a free slot", func(p []byte) []byte {
			return inserted(p, 2, segment(mDQT, append([]byte{0x03}, make([]byte, 64)...)...)...)
		}, ""},
		{"unknown segment", func(p []byte) []byte { return inserted(p, 2, segment(0xF3, 1, 2, 3)...) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"gray.jpg", "base_2x2.jpg", "rst_mcu.jpg", "noninter.jpg", "prog_2x2.jpg", "gray_prog.jpg", "arith.jpg", "ycck.jpg", "rgb.jpg", "odd_luma_cr.jpg"} {
				p := read(t, name)
				got := verdicts(t, c.damage(bytes.Clone(p)), raster.Limits{}, name == "base_2x2.jpg")
				if got != (verdict{notes: c.notes}) {
					t.Errorf("%s: %+v, want the note %q", name, got, c.notes)
					continue
				}
				a, b := mustDecode(t, p, raster.Hint{}), mustDecode(t, c.damage(bytes.Clone(p)), raster.Hint{})
				if !bytes.Equal(a.Planes[0].Pix, b.Planes[0].Pix) {
					t.Errorf("%s: another picture", name)
				}
			}
		})
	}
}

// A file cut anywhere is refused, or is whole, alike by all ways to read it.
func TestEveryCutHasOneVerdict(t *testing.T) {
	for _, name := range corpus(t) {
		t.Run(name, func(t *testing.T) {
			defer func(n int) { tableBlocks = n }(tableBlocks)
			p := read(t, name)
			for n := 4; n < len(p); n += 1 + len(p)/12 {
				tableBlocks = 4096 * (n & 1)
				got := verdicts(t, p[:n], raster.Limits{}, false)
				if got.err == "" && n < len(p)-6 {
					t.Errorf("%d of %d bytes are read", n, len(p))
				}
				if got.err != "" && !strings.Contains(got.err, "truncated") {
					t.Errorf("%d of %d bytes: %s", n, len(p), got.err)
				}
				lenient := verdicts(t, p[:n], raster.Limits{Lenient: true}, false)
				if lenient.err != "" && n > sosAt(t, p)+20 {
					t.Errorf("%d of %d bytes, leniently: %s", n, len(p), lenient.err)
				}
				if lenient.err == "" && got.err != "" && !strings.Contains(lenient.notes, got.err) {
					t.Errorf("%d of %d bytes: %q is noted, not %q", n, len(p), lenient.notes, got.err)
				}
			}
		})
	}
}

// Bytes changed anywhere in the data have the same consequence in all ways to read it.
func TestChangedBytesHaveOneVerdict(t *testing.T) {
	for _, name := range corpus(t) {
		t.Run(name, func(t *testing.T) {
			defer func(n int) { tableBlocks = n }(tableBlocks)
			p := read(t, name)
			for i := range 9 {
				tableBlocks = 4096 * (i & 1)
				at := sosAt(t, p) + (len(p)-sosAt(t, p))*i/9
				q := bytes.Clone(p)
				q[at] ^= byte(1 << (i % 8))
				verdicts(t, q, raster.Limits{}, false)
				verdicts(t, q, raster.Limits{Lenient: true}, false)
			}
		})
	}
}
