package png

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	stdpng "image/png"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

func TestEveryTypeDepthAndSize(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, typ := range types {
		for _, interlaced := range []bool{false, true} {
			for size := 1; size <= 17; size++ {
				for _, wh := range [][2]int{{size, 18 - size}, {size, size}, {1, size}, {size, 1}} {
					f := random(rnd, typ[0], typ[1], wh[0], wh[1], interlaced)
					if (typ[0] == 0 || typ[0] == 2) && size%2 == 0 {
						f.key = f.samples[:f.perPixel()]
					}
					f.idat = []int{0, 1, 7, 100}[rnd.IntN(4)]
					name := fmt.Sprintf("type %d depth %d %dx%d interlaced %v", typ[0], typ[1], wh[0], wh[1], interlaced)
					data := f.bytes()
					m, err := stdpng.Decode(bytes.NewReader(data))
					if err != nil {
						t.Fatalf("%s: the oracle: %v", name, err)
					}
					got, err := readBytes(data)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					rastertest.Same(t, name, got, stdPixels(m))
				}
			}
		}
	}
}

func TestLongRowsInSeveralBands(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, typ := range types {
		f := random(rnd, typ[0], typ[1], 700, 150, false)
		if typ[0] == 0 {
			f.key = f.samples[:1]
		}
		m, err := stdpng.Decode(bytes.NewReader(f.bytes()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := readBytes(f.bytes())
		if err != nil {
			t.Fatal(err)
		}
		rastertest.Same(t, fmt.Sprint(typ), got, stdPixels(m))
	}
}

// goldenFiles returns the valid PNGs of Go's own tests, with the basic set of PngSuite.
func goldenFiles(t testing.TB) []string {
	names := slices.Concat(rastertest.GoFiles(t, "image/testdata/*.png", 1), rastertest.GoFiles(t, "image/png/testdata/*.png", 1),
		rastertest.GoFiles(t, "image/png/testdata/pngsuite/*.png", 30))
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(filepath.Base(name), "invalid") })
	if len(names) < 40 {
		t.Fatalf("only %d pictures in GOROOT", len(names))
	}
	return names
}

func TestGoldenFilesAgainstStandardLibrary(t *testing.T) {
	for _, name := range goldenFiles(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data := rastertest.File(t, name)
			m, err := stdpng.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatalf("%s: the oracle: %v", name, err)
			}
			got, err := readBytes(data)
			if err != nil {
				t.Fatal(err)
			}
			rastertest.Same(t, filepath.Base(name), got, stdPixels(m))
		})
	}
}

func TestInvalidFilesOfGo(t *testing.T) {
	for name, c := range map[string]struct{ err, note string }{
		"invalid-crc32.png": {err: "checksum"},
		"invalid-noend.png": {note: "no IEND chunk"},
		"invalid-trunc.png": {note: "no IEND chunk"},
		"invalid-zlib.png":  {note: "Adler-32"},
	} {
		t.Run(name, func(t *testing.T) {
			data := rastertest.File(t, rastertest.GoFiles(t, "image/png/testdata/"+name, 1)[0])
			r, err := openBytes(data)
			if err == nil {
				_, err = rastertest.Pixels(rastertest.Start(r, nil))
			}
			if c.err != "" {
				if fault.Of(err) != fault.Format || !strings.Contains(fmt.Sprint(err), c.err) {
					t.Errorf("%v, want %q", err, c.err)
				}
				return
			}
			if err != nil || len(r.Notes()) != 1 || !strings.Contains(r.Notes()[0], c.note) {
				t.Errorf("%v, notes %q, want %q", err, r.Notes(), c.note)
			}
		})
	}
}

func base(depth, color int) *file {
	return random(rand.New(rand.NewPCG(7, 8)), color, depth, 5, 4, false)
}

func TestPaletteIndexOutOfRange(t *testing.T) {
	f := base(8, 3)
	f.palette = f.palette[:4]
	f.palette[2].R, f.palette[2].G, f.palette[2].B, f.palette[2].A = 0, 0, 0, 255
	f.samples[0], f.samples[1], f.samples[2] = 3, 4, 255
	got, err := readBytes(f.bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got[0] != straight(f.palette[3]) || got[1] != straight(f.palette[2]) || got[2] != straight(f.palette[2]) {
		t.Errorf("indexes 3, 4, 255 of 4 became %v", got[:3])
	}
}

// A file cut before its last pixel is refused. A longer part is read, with a note.
func TestTruncationIsReported(t *testing.T) {
	for _, interlaced := range []bool{false, true} {
		t.Run(fmt.Sprint("interlaced ", interlaced), func(t *testing.T) {
			f := random(rand.New(rand.NewPCG(7, 8)), 2, 8, 40, 30, interlaced)
			f.idat = 500
			data := f.bytes()
			want, err := readBytes(data)
			if err != nil {
				t.Fatal(err)
			}
			tail := 12 + 4 + 4 + 20 // IEND, CRC, Adler-32, the end of the compressed data
			for n := range len(data) {
				r, err := openBytes(data[:n])
				var got [][4]uint16
				if err == nil {
					got, err = rastertest.Pixels(rastertest.Start(r, nil))
				}
				if err == nil && n > len(data)-tail {
					rastertest.Same(t, fmt.Sprint(n, " bytes"), got, want)
					if len(r.Notes()) != 1 {
						t.Fatalf("%d of %d bytes: notes %q", n, len(data), r.Notes())
					}
					continue
				}
				if fault.Of(err) != fault.Format {
					t.Fatalf("%d of %d bytes: %v", n, len(data), err)
				}
				if text := err.Error(); n > 40 && !strings.HasPrefix(text, "truncated") {
					t.Fatalf("%d of %d bytes: %v", n, len(data), err)
				}
			}
			r, err := openBytes(append(data, "anything after it"...))
			if err != nil || len(r.Notes()) != 0 {
				t.Errorf("bytes after the end: %v, notes %q", err, r.Notes())
			}
		})
	}
}

func TestEveryDamagedByteIsDetected(t *testing.T) {
	f := base(8, 2)
	f.before = []string{"tEXt", "k\x00v"}
	data := f.bytes()
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 0x10
		r, err := openBytes(bad)
		if err == nil {
			_, err = rastertest.Pixels(rastertest.Start(r, nil))
		}
		if err == nil && len(r.Notes()) == 0 {
			t.Errorf("change of byte %d of %d was not detected", i, len(data))
		}
	}
}

func exif(orientation byte) string {
	return "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(orientation) + "\x00\x00\x00\x00\x00\x00"
}

func iccp(space string) (profile, chunk string) {
	p := make([]byte, 200)
	binary.BigEndian.PutUint32(p, 200)
	copy(p[16:], space)
	copy(p[36:], "acsp")
	return string(p), "name\x00\x00" + deflated(string(p))
}

// deflated returns text as a zlib stream of the standard library.
func deflated(text string) string {
	var z bytes.Buffer
	d := zlib.NewWriter(&z)
	d.Write([]byte(text))
	d.Close()
	return z.String()
}

func TestXMPIsReadFromInternationalText(t *testing.T) {
	const plain, compressed = "XML:com.adobe.xmp\x00\x00\x00en\x00name\x00", "XML:com.adobe.xmp\x00\x01\x00en\x00name\x00"
	packet := strings.Repeat("<x:xmpmeta/>", 100)
	z := deflated(packet)
	for _, c := range []struct{ name, data, want, note string }{
		{"plain", plain + packet, packet, ""},
		{"compressed", compressed + z, packet, ""},
		{"cut", compressed + z[:len(z)-1], "", "damaged chunk iTXt ignored"},
		{"nothing compressed", compressed, "", "damaged chunk iTXt ignored"},
		{"wrong checksum", compressed + z[:len(z)-1] + "\x00", "", "damaged chunk iTXt ignored"},
		{"not compressed", compressed + packet, "", "damaged chunk iTXt ignored"},
		{"too large without compression", compressed + deflated(strings.Repeat(packet, 1000)), "", "XMP ignored: over 1048576 bytes without compression"},
		{"too large", plain + strings.Repeat(packet, 1000), "", "chunk iTXt of 1200028 bytes ignored: over 1048576"},
		{"as large as may be", compressed + deflated(strings.Repeat("x", maxXMP)), strings.Repeat("x", maxXMP), ""},
		{"another text", "Comment\x00\x00\x00\x00\x00" + packet, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := base(8, 2)
			f.before = []string{"iTXt", c.data}
			r, err := openBytes(f.bytes())
			if err != nil {
				t.Fatal(err)
			}
			if got := string(r.Metadata().XMP); got != c.want {
				t.Errorf("%d bytes of XMP, want %d", len(got), len(c.want))
			}
			if got := strings.Join(r.Notes(), "; "); got != c.note {
				t.Errorf("notes %q, want %q", got, c.note)
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	rgb, rgbChunk := iccp("RGB ")
	gray, grayChunk := iccp("GRAY")
	for _, c := range []struct {
		name          string
		color         int
		before, after []string
		orientation   uint8
		icc           string
		frames        int
	}{
		{"nothing", 2, nil, nil, 1, "", 1},
		{"eXIf before", 2, []string{"eXIf", exif(6)}, nil, 6, "", 1},
		{"eXIf after the pixels", 2, nil, []string{"eXIf", exif(3)}, 3, "", 1},
		{"the first eXIf counts", 2, []string{"eXIf", exif(6)}, []string{"eXIf", exif(3)}, 6, "", 1},
		{"a bad eXIf", 2, []string{"eXIf", "rubbish"}, nil, 1, "", 1},
		{"RGB profile", 2, []string{"iCCP", rgbChunk}, nil, 1, rgb, 1},
		{"RGB profile, palette", 3, []string{"iCCP", rgbChunk}, nil, 1, rgb, 1},
		{"gray profile", 0, []string{"iCCP", grayChunk}, nil, 1, gray, 1},
		{"RGB profile in a gray picture", 0, []string{"iCCP", rgbChunk}, nil, 1, "", 1},
		{"damaged profile", 2, []string{"iCCP", rgbChunk[:30]}, nil, 1, "", 1},
		{"profile after the pixels", 2, nil, []string{"iCCP", rgbChunk}, 1, "", 1},
		{"acTL without frames", 2, []string{"acTL", "\x00\x00\x00\x0c\x00\x00\x00\x00"}, nil, 1, "", 1},
		{"acTL too late", 2, nil, []string{"acTL", "\x00\x00\x00\x0c\x00\x00\x00\x00"}, 1, "", 1},
		{"unknown ancillary chunks", 2, []string{"abCd", "x", "abCd", "y"}, []string{"tEXt", "k\x00v"}, 1, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := base(8, c.color)
			f.before, f.after = c.before, c.after
			r, err := openBytes(f.bytes())
			if err != nil {
				t.Fatal(err)
			}
			h := r.Header()
			if h.Orientation != c.orientation || string(h.ICC) != c.icc || r.Frames() != c.frames {
				t.Errorf("orientation %d, %d bytes of profile, %d frames", h.Orientation, len(h.ICC), r.Frames())
			}
			if _, err := readBytes(f.bytes()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	ihdr := func(s string) []byte { return append([]byte(signature), chunkBytes("IHDR", []byte(s))...) }
	good := base(8, 3)
	edit := func(change func(f *file)) []byte {
		f := *good
		change(&f)
		return f.bytes()
	}
	oneIDAT := chunkBytes("IDAT", []byte("x"))
	for _, c := range []struct {
		name string
		data []byte
		kind fault.Kind
		text string
	}{
		{"empty", nil, fault.Format, "no signature"},
		{"text mode", []byte("\x89PNG\n\x1a\n000000000"), fault.Format, "no signature"},
		{"depth 3", ihdr("\x00\x00\x00\x01\x00\x00\x00\x01\x03\x00\x00\x00\x00"), fault.Format, "depth 3"},
		{"colour type 1", ihdr("\x00\x00\x00\x01\x00\x00\x00\x01\x08\x01\x00\x00\x00"), fault.Format, "colour type 1"},
		{"indexed of 16 bits", ihdr("\x00\x00\x00\x01\x00\x00\x00\x01\x10\x03\x00\x00\x00"), fault.Format, "depth 16"},
		{"interlace 2", ihdr("\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x02"), fault.Format, "0, 0, 2"},
		{"no width", ihdr("\x00\x00\x00\x00\x00\x00\x00\x01\x08\x00\x00\x00\x00"), fault.Format, "0×1"},
		{"20000x20000", ihdr("\x00\x00\x4e\x20\x00\x00\x4e\x20\x08\x00\x00\x00\x00"), fault.TooLarge, "400 Mpixel"},
		{"4 G x 4 G", ihdr("\xff\xff\xff\xff\xff\xff\xff\xff\x08\x00\x00\x00\x00"), fault.TooLarge, "side"},
		{"short IHDR", ihdr("\x00\x00\x00\x01\x00\x00\x00\x01\x08"), fault.Format, "IHDR of 13"},
		{"CgBI", append([]byte(signature), chunkBytes("CgBI", []byte("abcd"))...), fault.Unsupported, "CgBI"},
		{"no IDAT", append(ihdr("\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00"), chunkBytes("IEND", nil)...), fault.Format, "no IDAT"},
		{"no PLTE", edit(func(f *file) { f.palette = nil }), fault.Format, "without a PLTE"},
		{"PLTE of 4 bytes", edit(func(f *file) { f.palette = nil; f.before = []string{"PLTE", "abcd"} }), fault.Format, "4 bytes"},
		{"two PLTE", edit(func(f *file) { f.before = []string{"PLTE", "abc"} }), fault.Format, "second PLTE"},
		{"two IHDR", edit(func(f *file) { f.before = []string{"IHDR", "abcdefghijklm"} }), fault.Format, "second IHDR"},
		{"unknown critical", edit(func(f *file) { f.before = []string{"ABCD", ""} }), fault.Unsupported, "ABCD"},
		{"chunk type of no letters", edit(func(f *file) { f.before = []string{"a1CD", ""} }), fault.Format, "chunk type"},
		{"not deflated", append(append(ihdr("\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00"), oneIDAT...), chunkBytes("IEND", nil)...), fault.Format, "truncated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readBytes(c.data)
			if fault.Of(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.text) {
				t.Errorf("%v (%v), want %v %q", err, fault.Of(err), c.kind, c.text)
			}
		})
	}
}

// A palette only suggests colours in a picture without indexes.
func TestPaletteOfColourPictureIsNotNeeded(t *testing.T) {
	for name, c := range map[string]struct{ before, after []string }{
		"palette":          {[]string{"PLTE", "abcdef"}, nil},
		"invalid palette":  {[]string{"PLTE", "abcd"}, nil},
		"after the pixels": {nil, []string{"PLTE", "abc"}},
		"more than 256":    {[]string{"PLTE", strings.Repeat("abc", 300)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := base(8, 2)
			want, err := readBytes(f.bytes())
			if err != nil {
				t.Fatal(err)
			}
			f.before, f.after = c.before, c.after
			got, notes, err := decode(f.bytes(), raster.Limits{})
			if err != nil || (len(notes) == 0) != (name == "palette") {
				t.Fatalf("%v, notes %q", err, notes)
			}
			rastertest.Same(t, "pixels", got, want)
		})
	}
}

// A small chunk that inflates to more than any profile is ignored, and its memory is
// bounded.
func TestProfileBombIsIgnored(t *testing.T) {
	var z bytes.Buffer
	z.WriteString("name\x00\x00")
	d := zlib.NewWriter(&z)
	zeros := make([]byte, 1<<20)
	for range 20 {
		d.Write(zeros)
	}
	d.Close()
	f := base(8, 2)
	f.before = []string{"iCCP", z.String()}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := openBytes(f.bytes())
	runtime.ReadMemStats(&after)
	if err != nil || r.Header().ICC != nil || fmt.Sprint(r.Notes()) != "[damaged chunk iCCP ignored]" {
		t.Errorf("%v, notes %q", err, r.Notes())
	}
	if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 8*maxICC>>20 {
		t.Errorf("%d MiB allocated", used)
	}
}

func TestFilterTypeFive(t *testing.T) {
	var z bytes.Buffer
	d := zlib.NewWriter(&z)
	d.Write([]byte{5, 1})
	d.Close()
	data := append([]byte(signature), chunkBytes("IHDR", []byte("\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00"))...)
	data = append(data, chunkBytes("IDAT", z.Bytes())...)
	data = append(data, chunkBytes("IEND", nil)...)
	if _, err := readBytes(data); !strings.Contains(fmt.Sprint(err), "filter type 5") {
		t.Error(err)
	}
}

func TestSurplusPixelsAreIgnored(t *testing.T) {
	f := base(8, 2)
	f.surplus = make([]byte, 1000)
	if _, err := readBytes(f.bytes()); err != nil {
		t.Error(err)
	}
}

func TestMemoryIsCheckedBeforeAllocation(t *testing.T) {
	for _, interlaced := range []bool{false, true} {
		f := &file{w: 1 << 20, h: 8, depth: 16, color: 6, interlaced: interlaced, rows: []byte{0}}
		data := f.bytes()
		lim := raster.Limits{Mem: 20 << 20}
		if interlaced {
			lim.Mem = 60 << 20
		}
		r, err := Open(bytes.NewReader(data), int64(len(data)), lim)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Rows(raster.Hint{}); fault.Of(err) != fault.TooLarge {
			t.Errorf("interlaced %v: %v", interlaced, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	rnd := rand.New(rand.NewPCG(9, 10))
	for _, typ := range types {
		for _, interlaced := range []bool{false, true} {
			p := random(rnd, typ[0], typ[1], 9, 9, interlaced)
			p.after = []string{"eXIf", exif(6)}
			f.Add(p.bytes())
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		repair(data)
		got, err := readBytes(data)
		if err != nil {
			if fault.Of(err) == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		// Files that both read must give the same pixels. This package reads some that
		// Go refuses.
		m, err := stdpng.Decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		rastertest.Same(t, "against image/png", got, stdPixels(m))
	})
}

// repair corrects the CRCs of all chunks, so that mutated files reach the decoder.
func repair(data []byte) {
	for at := 8; at+12 <= len(data); {
		n := int(binary.BigEndian.Uint32(data[at:]))
		if n < 0 || n > len(data)-at-12 {
			return
		}
		binary.BigEndian.PutUint32(data[at+8+n:], crc32.ChecksumIEEE(data[at+4:at+8+n]))
		at += 12 + n
	}
}

// FuzzRows lets the fuzzer write the filtered rows.
func FuzzRows(f *testing.F) {
	f.Add(uint8(3), uint8(5), uint8(4), false, []byte("\x04abcdefghijklmnop\x03abcdefghijklmnop"))
	f.Add(uint8(6), uint8(9), uint8(7), true, bytes.Repeat([]byte{0, 1, 2, 3, 4}, 99))
	f.Add(uint8(12), uint8(1), uint8(9), false, bytes.Repeat([]byte{4, 1}, 99))
	f.Fuzz(func(t *testing.T, kind, w, h uint8, interlaced bool, rows []byte) {
		typ := types[int(kind)%len(types)]
		p := random(rand.New(rand.NewPCG(1, 2)), typ[0], typ[1], 0, 0, interlaced)
		p.w, p.h = 1+int(w)%40, 1+int(h)%40
		p.rows = rows
		if kind >= 128 && typ[0]|2 == 2 { // with a transparent colour
			p.key = []uint16{0, 1, 2}[:p.perPixel()]
		}
		data := p.bytes()
		got, err := readBytes(data)
		m, stdErr := stdpng.Decode(bytes.NewReader(data))
		if err != nil {
			if stdErr == nil || fault.Of(err) == fault.Internal {
				t.Fatalf("%v; the standard library: %v", err, stdErr)
			}
			return
		}
		if stdErr == nil { // image/png refuses surplus rows
			rastertest.Same(t, "against image/png", got, stdPixels(m))
		}
	})
}

func TestOnlyIndexedPicturesHaveAPalette(t *testing.T) {
	for _, typ := range types {
		r, err := openBytes(base(typ[1], typ[0]).bytes())
		if err != nil {
			t.Fatal(err)
		}
		if h := r.Header(); (len(h.Palette) > 0) != (h.Layout == raster.Indexed) {
			t.Errorf("type %d, depth %d: palette of %d colours", typ[0], typ[1], len(h.Palette))
		}
	}
}
