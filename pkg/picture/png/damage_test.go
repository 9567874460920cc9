package png

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/color"
	stdpng "image/png"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// findChunk returns the offset of the n-th chunk of a kind, that of its length field,
// and the offset after it.
func findChunk(data []byte, kind string, n int) (at, end int) {
	for at = 8; at < len(data); at = end {
		end = at + 12 + int(binary.BigEndian.Uint32(data[at:]))
		if string(data[at+4:at+8]) == kind {
			if n--; n < 0 {
				return at, end
			}
		}
	}
	panic("no chunk " + kind)
}

// damage is a way to damage a file, and the verdict that it must get.
type damage struct {
	name      string
	before    []string
	do        func(data []byte) []byte
	err       string // of the error; "": the pixels are read
	note      string // of the only note; "": no notes
	different bool   // the pixels are not those of the undamaged file
}

func badCRC(kind string, n int) func([]byte) []byte {
	return func(data []byte) []byte {
		_, end := findChunk(data, kind, n)
		data[end-1] ^= 0x55
		return data
	}
}

// editStream replaces the compressed stream, which is in one IDAT chunk.
func editStream(f func(z []byte) []byte) func([]byte) []byte {
	return func(data []byte) []byte {
		at, end := findChunk(data, "IDAT", 0)
		z := f(bytes.Clone(data[at+8 : end-4]))
		return append(append(bytes.Clone(data[:at]), chunkBytes("IDAT", z)...), data[end:]...)
	}
}

func withoutIEND(tail string) func([]byte) []byte {
	return func(data []byte) []byte { return append(data[:len(data)-12], tail...) }
}

var damages = []damage{
	{name: "intact", do: func(b []byte) []byte { return b }},
	{name: "bytes after IEND", do: func(b []byte) []byte { return append(b, "more"...) }},
	{name: "CRC of IEND", do: badCRC("IEND", 0), note: "IEND"},
	{name: "CRC of tEXt", before: []string{"tEXt", "k\x00v"}, do: badCRC("tEXt", 0), note: "tEXt"},
	{name: "CRC of two tEXt", before: []string{"tEXt", "k\x00v", "tEXt", "k\x00v"},
		do: func(b []byte) []byte { return badCRC("tEXt", 0)(badCRC("tEXt", 1)(b)) }, note: "tEXt"},
	{name: "CRC of pHYs", before: []string{"pHYs", "\x00\x00\x00\x01\x00\x00\x00\x02\x00"}, do: badCRC("pHYs", 0), note: "pHYs"},
	{name: "CRC of eXIf", before: []string{"eXIf", exif(6)}, do: badCRC("eXIf", 0), note: "eXIf"},
	{name: "rubbish in eXIf", before: []string{"eXIf", "rubbish"}, do: func(b []byte) []byte { return b }, note: "damaged chunk eXIf"},
	{name: "rubbish in iCCP", before: []string{"iCCP", "name\x00\x00rubbish"}, do: func(b []byte) []byte { return b }, note: "damaged chunk iCCP"},
	{name: "CRC of acTL", before: []string{"acTL", "\x00\x00\x00\x05\x00\x00\x00\x00"}, do: badCRC("acTL", 0), note: "acTL"},
	{name: "large chunk with wrong CRC", before: []string{"zTXt", strings.Repeat("x", 100e3)}, do: badCRC("zTXt", 0), note: "zTXt"},
	{name: "large chunk", before: []string{"zTXt", strings.Repeat("x", 100e3)}, do: func(b []byte) []byte { return b }},
	{name: "no IEND", do: withoutIEND(""), note: "no IEND"},
	{name: "NULs for IEND", do: withoutIEND(strings.Repeat("\x00", 64)), note: "no IEND"},
	{name: "text for IEND", do: withoutIEND("some text that is no chunk"), note: "no IEND"},
	{name: "cut chunk for IEND", do: withoutIEND("\x00\x00\x01\x00tEXtcut"), note: "no IEND"},
	{name: "cut in the last CRC", do: func(b []byte) []byte { return b[:len(b)-14] }, note: "truncated after the last row"},
	{name: "cut in the Adler-32", do: func(b []byte) []byte { return b[:len(b)-12-4-2] }, note: "truncated after the last row"},
	{name: "wrong Adler-32", do: editStream(func(z []byte) []byte { z[len(z)-1] ^= 1; return z }), note: "Adler-32"},
	{name: "no Adler-32", do: editStream(func(z []byte) []byte { return z[:len(z)-4] }), note: "end early"},
	{name: "part of Adler-32", do: editStream(func(z []byte) []byte { return z[:len(z)-1] }), note: "end early"},
	{name: "surplus in the chunk", do: editStream(func(z []byte) []byte { return append(z, "surplus"...) })},
	{name: "CRC of IHDR", do: badCRC("IHDR", 0), err: "IHDR"},
	{name: "CRC of PLTE", do: badCRC("PLTE", 0), err: "PLTE"},
	{name: "CRC of IDAT", do: badCRC("IDAT", 0), err: "checksum (CRC) of chunk IDAT"},
	{name: "CRC of an empty last IDAT", do: func(b []byte) []byte {
		at, _ := findChunk(b, "IEND", 0)
		return append(append(bytes.Clone(b[:at]), "\x00\x00\x00\x00IDATabcd"...), b[at:]...)
	}, err: "checksum (CRC) of chunk IDAT"},
	{name: "IDAT apart", do: func(b []byte) []byte {
		at, _ := findChunk(b, "IEND", 0)
		return slices.Concat(b[:at], chunkBytes("tEXt", []byte("k\x00v")), chunkBytes("IDAT", []byte("x")), b[at:])
	}, note: "chunk IDAT apart"},
	{name: "pixels in an IDAT apart", do: func(b []byte) []byte {
		at, end := findChunk(b, "IDAT", 0)
		half := (end - at) / 2
		return slices.Concat(b[:at], chunkBytes("IDAT", b[at+8:at+half]), chunkBytes("tEXt", []byte("k\x00v")), chunkBytes("IDAT", b[at+half:end-4]), b[end:])
	}, err: "truncated after"},
	{name: "PLTE after the pixels", do: func(b []byte) []byte {
		at, end := findChunk(b, "PLTE", 0)
		plte := bytes.Clone(b[at:end])
		b = slices.Concat(b[:at], b[end:])
		at, _ = findChunk(b, "IEND", 0)
		return slices.Concat(b[:at], plte, b[at:])
	}, err: "without a PLTE"},
	{name: "unknown critical chunk", before: []string{"ABCD", "x"}, do: func(b []byte) []byte { return b }, err: "ABCD"},
	{name: "half of the stream", do: editStream(func(z []byte) []byte { return z[:len(z)/2] }), err: "truncated after"},
	{name: "cut in the pixels", do: func(b []byte) []byte { return b[:len(b)-300] }, err: "truncated after"},
	{name: "damaged stream", do: editStream(func(z []byte) []byte { z[2] = 0xff; return z }), err: "compressed data damaged"},
	{name: "bad zlib header", do: editStream(func(z []byte) []byte { z[0] = 0; return z }), err: "zlib"},
}

// decode returns verdict, notes and pixels of the decoder.
func decode(data []byte, lim raster.Limits) ([][4]uint16, []string, error) {
	r, err := Open(bytes.NewReader(data), int64(len(data)), lim)
	if err != nil {
		return nil, nil, err
	}
	px, err := rastertest.Pixels(rastertest.Start(r, nil))
	return px, r.Notes(), err
}

// rewrite returns verdict, notes and output of RewritePalette or CopyGray.
func rewrite(data []byte, lim raster.Limits) ([]byte, []string, error) {
	r, err := Open(bytes.NewReader(data), int64(len(data)), lim)
	if err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	if r.Header().Layout == raster.Gray {
		err = CopyGray(&out, r, nil)
	} else {
		err = RewritePalette(&out, r, func(c color.NRGBA) color.NRGBA { return c })
	}
	return out.Bytes(), r.Notes(), err
}

// Decoding and copying must agree on every damaged file: the same error or none, the
// same notes, the same pixels. The output of copying must be undamaged.
func TestDamageIsJudgedAlikeByAllPaths(t *testing.T) {
	rnd := rand.New(rand.NewPCG(31, 32))
	for _, typ := range [][2]int{{3, 1}, {3, 2}, {3, 4}, {3, 8}, {0, 1}, {0, 4}, {0, 8}, {0, 16}} {
		for _, d := range damages {
			if typ[0] == colorGray && strings.Contains(d.name, "PLTE") {
				continue
			}
			for _, interlaced := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, type %d, %d bits, interlaced %v", d.name, typ[0], typ[1], interlaced), func(t *testing.T) {
					f := random(rnd, typ[0], typ[1], 61, 53, interlaced)
					want, err := readBytes(f.bytes())
					if err != nil {
						t.Fatal(err)
					}
					f.before = d.before
					data := d.do(f.bytes())
					px, notes, err := decode(data, raster.Limits{})
					out, notes2, err2 := rewrite(data, raster.Limits{})
					if fmt.Sprint(err, notes) != fmt.Sprint(err2, notes2) {
						t.Errorf("decoded: %v, notes %q; copied: %v, notes %q", err, notes, err2, notes2)
					}
					if d.err != "" {
						if err == nil || fault.Of(err) == fault.Internal || !strings.Contains(err.Error(), d.err) {
							t.Errorf("%v, want %q", err, d.err)
						}
						return
					}
					if err != nil || len(notes) > 1 || !strings.Contains(strings.Join(notes, ""), d.note) || d.note == "" && len(notes) > 0 {
						t.Fatalf("%v, notes %q; want %q", err, notes, d.note)
					}
					rastertest.Same(t, "decoded", px, want)
					m, err := stdpng.Decode(bytes.NewReader(out))
					if err != nil {
						t.Fatalf("image/png: %v", err)
					}
					rastertest.Same(t, "copied", stdPixels(m), want)
				})
			}
		}
	}
}

// With Lenient a file that lacks pixels gives those that it has. All damage but that of
// IHDR, of unknown chunks and of a missing palette is accepted, with a note.
func TestLenientReadsAsFarAsItGoes(t *testing.T) {
	lenient := raster.Limits{Lenient: true}
	for _, d := range damages {
		for _, interlaced := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, interlaced %v", d.name, interlaced), func(t *testing.T) {
				f := random(rand.New(rand.NewPCG(33, 34)), 3, 8, 61, 53, interlaced)
				f.before = d.before
				data := d.do(f.bytes())
				_, notes, err := decode(data, lenient)
				_, notes2, err2 := rewrite(data, lenient)
				if fmt.Sprint(err, notes) != fmt.Sprint(err2, notes2) {
					t.Errorf("decoded: %v, notes %q; copied: %v, notes %q", err, notes, err2, notes2)
				}
				if d.err == "IHDR" || d.err == "ABCD" || d.err == "without a PLTE" {
					if err == nil {
						t.Error("accepted")
					}
					return
				}
				if want := d.err + d.note; err != nil || !strings.Contains(strings.Join(notes, "; "), want) {
					t.Errorf("%v, notes %q, want %q", err, notes, want)
				}
			})
		}
	}
}

func TestLenientFillsMissingRows(t *testing.T) {
	for _, typ := range types {
		t.Run(fmt.Sprintf("type %d, depth %d", typ[0], typ[1]), func(t *testing.T) {
			f := random(rand.New(rand.NewPCG(35, 36)), typ[0], typ[1], 40, 30, false)
			want, err := readBytes(f.bytes())
			if err != nil {
				t.Fatal(err)
			}
			rows := f.filtered()
			f.rows = rows[:len(rows)/30*11+5] // 11 rows and a part
			got, notes, err := decode(f.bytes(), raster.Limits{Lenient: true})
			if err != nil || len(notes) != 1 || notes[0] != "truncated after 11 of 30 rows" {
				t.Fatalf("%v, notes %q", err, notes)
			}
			blank := [4]uint16{0, 0, 0, 65535}
			if typ[0] == colorGrayA || typ[0] == colorRGBA {
				blank[3] = 0
			} else if typ[0] == colorIndexed {
				blank = straight(f.palette[0])
			}
			for i := 11 * 40; i < len(want); i++ {
				want[i] = blank
			}
			rastertest.Same(t, "lenient", got, want)
		})
	}
}

// A pixel of a missing pass is the nearest pixel up and to the left in the passes
// before, by the definition of Adam7.
func TestLenientFillsMissingPasses(t *testing.T) {
	for _, wh := range [][2]int{{1, 1}, {3, 5}, {8, 8}, {9, 17}, {33, 20}} {
		w, h := wh[0], wh[1]
		f := random(rand.New(rand.NewPCG(37, 38)), 2, 8, w, h, true)
		all, err := readBytes(f.bytes())
		if err != nil {
			t.Fatal(err)
		}
		rows := f.filtered()
		for cut := 0; cut < len(rows); {
			// Count the rows before the cut, pass by pass.
			f.rows = append(bytes.Clone(rows[:cut]), 0)[:cut+1]
			want := make([][4]uint16, len(all))
			have := make([]bool, len(all))
			at, next := 0, 0
			for _, p := range passes {
				for y := p.y; p.x < w && y < h; y += p.dy {
					at += 1 + 3*((w-p.x+p.dx-1)/p.dx)
					if at <= cut {
						for x := p.x; x < w; x += p.dx {
							want[y*w+x], have[y*w+x] = all[y*w+x], true
						}
					} else if next == 0 {
						next = at
					}
				}
			}
			for y := range h {
				for x := range w {
					// Clear the low bits of the place until a pixel is there.
					for step := 1; !have[y*w+x]; step *= 2 {
						cx, cy := x&^(step-1), y&^(step-1)
						if step > 8 {
							want[y*w+x] = [4]uint16{0, 0, 0, 65535}
							break
						}
						if have[cy*w+cx] {
							want[y*w+x] = all[cy*w+cx]
							break
						}
						if cx2, cy2 := cx, y&^(2*step-1); step < 8 && have[cy2*w+cx2] {
							want[y*w+x] = all[cy2*w+cx2]
							break
						}
					}
				}
			}
			got, notes, err := decode(f.bytes(), raster.Limits{Lenient: true})
			if err != nil || len(notes) == 0 {
				t.Fatalf("%v, notes %q", err, notes)
			}
			rastertest.Same(t, fmt.Sprintf("%dx%d, %d of %d bytes", w, h, cut, len(rows)), got, want)
			if next == 0 {
				break
			}
			cut = next
		}
	}
}
