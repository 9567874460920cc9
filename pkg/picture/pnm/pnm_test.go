package pnm

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// open opens a picture held in memory.
func open(data string) (*Reader, error) {
	return Open(strings.NewReader(data), int64(len(data)), raster.Limits{})
}

// samples reads all rows. Samples of 8 bits are returned as they are.
func samples(r raster.Reader) ([]uint16, error) {
	return rastertest.Samples(rastertest.Start(r, nil))
}

func TestReadsEveryVariant(t *testing.T) {
	for _, c := range []struct {
		name, data string
		layout     raster.Layout
		bits       uint8
		w, h       int
		want       []uint16
	}{
		{"P1", "P1\n3 2\n0 1 0\n1 0 1\n", raster.Gray, 8, 3, 2, []uint16{255, 0, 255, 0, 255, 0}},
		{"P1 without spaces, with a comment", "P1 3 2 01# x\n0101", raster.Gray, 8, 3, 2, []uint16{255, 0, 255, 0, 255, 0}},
		{"P2", "P2\n# a comment\n2 2 # another\n255\n0 1\n254 255", raster.Gray, 8, 2, 2, []uint16{0, 1, 254, 255}},
		{"P2 maxval 15", "P2 3 1 15 0 7 15", raster.Gray, 8, 3, 1, []uint16{0, 119, 255}},
		{"P2 maxval 1000", "P2 3 1 1000 0 500 1000\n", raster.Gray, 16, 3, 1, []uint16{0, 32768, 65535}},
		{"P3", "P3 1 2 255\n1 2 3\n4 5 6\n", raster.RGB, 8, 1, 2, []uint16{1, 2, 3, 4, 5, 6}},
		{"P3 maxval 65535", "P3 1 1 65535 1 2 65535\n", raster.RGB, 16, 1, 1, []uint16{1, 2, 65535}},
		{"P4, two bytes a row", "P4\n9 2\n\x80\x80\x01\x00", raster.Gray, 8, 9, 2,
			[]uint16{0, 255, 255, 255, 255, 255, 255, 255, 0, 255, 255, 255, 255, 255, 255, 255, 0, 255}},
		{"P5", "P5 2 2 255 \n\x00\xff ", raster.Gray, 8, 2, 2, []uint16{10, 0, 255, 32}},
		{"P5, comment ends the header", "P5 2 1 255#c\n\x07\x08", raster.Gray, 8, 2, 1, []uint16{7, 8}},
		{"P5 maxval 3", "P5 4 1 3\n\x00\x01\x02\x03", raster.Gray, 8, 4, 1, []uint16{0, 85, 170, 255}},
		{"P5 maxval 256", "P5 2 1 256\n\x01\x00\x00\x80", raster.Gray, 16, 2, 1, []uint16{65535, 32768}},
		{"P6", "P6 1 1 255\nabc", raster.RGB, 8, 1, 1, []uint16{97, 98, 99}},
		{"P6 16 bit", "P6 1 1 65535\nabcdef", raster.RGB, 16, 1, 1, []uint16{0x6162, 0x6364, 0x6566}},
		{"P7 black and white", "P7\nWIDTH 2\nHEIGHT 1\nDEPTH 1\nMAXVAL 1\nTUPLTYPE BLACKANDWHITE\nENDHDR\n\x00\x01", raster.Gray, 8, 2, 1, []uint16{0, 255}},
		{"P7 gray+alpha", "P7\n#c\nHEIGHT 1\nWIDTH 1\n\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\nab", raster.GrayA, 8, 1, 1, []uint16{97, 98}},
		{"P7 rgb+alpha 16", "P7\r\nWIDTH 1\r\nHEIGHT 1\r\nDEPTH 4\r\nMAXVAL 65535\r\nTUPLTYPE RGB_ALPHA\r\nENDHDR\nabcdefgh", raster.RGBA, 16, 1, 1, []uint16{0x6162, 0x6364, 0x6566, 0x6768}},
		{"P7 without a tuple type", "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nENDHDR\nabc", raster.RGB, 8, 1, 1, []uint16{97, 98, 99}},
		{"comments everywhere", "P6#a\n#b\n 1#c\n#d\n1 # e\n255\nabc", raster.RGB, 8, 1, 1, []uint16{97, 98, 99}},
		{"plain samples with comments", "P2 2 2 255 1 #a\n2#b\n3 # 9\n4", raster.Gray, 8, 2, 2, []uint16{1, 2, 3, 4}},
		{"plain samples on long lines with CRLF", "P2\r\n2 1\r\n255\r\n1\r\n2\r\n", raster.Gray, 8, 2, 1, []uint16{1, 2}},
		{"P7 with tabs and spaces", "P7 \n  WIDTH\t1 \nHEIGHT   1\nDEPTH 1\nMAXVAL\t \t255\n TUPLTYPE  GRAYSCALE \nENDHDR \na", raster.Gray, 8, 1, 1, []uint16{97}},
		{"P7 in small letters", "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE rgb_alpha\nENDHDR\nabcd", raster.RGBA, 8, 1, 1, []uint16{97, 98, 99, 100}},
		{"P7 alpha with maxval 1", "P7\nWIDTH 2\nHEIGHT 1\nDEPTH 2\nMAXVAL 1\nTUPLTYPE BLACKANDWHITE_ALPHA\nENDHDR\n\x00\x01\x01\x00", raster.GrayA, 8, 2, 1, []uint16{0, 255, 255, 0}},
		{"bytes after the picture", "P5 1 1 255\nxP5 1 1 255\ny", raster.Gray, 8, 1, 1, []uint16{'x'}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := open(c.data)
			if err != nil {
				t.Fatal(err)
			}
			h := r.Header()
			if h.Layout != c.layout || h.Bits != c.bits || h.W() != c.w || h.H() != c.h || h.Orientation != 1 {
				t.Errorf("header %+v", h)
			}
			got, err := samples(r)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("samples %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	pam := "P7\nWIDTH 1\nHEIGHT 1\nDEPTH %d\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\nabcdefgh"
	for _, c := range []struct {
		data string
		kind fault.Kind
		text string
	}{
		{"", fault.Format, "no magic number"},
		{"P8 1 1 1 ", fault.Format, "magic number"},
		{"P5 1", fault.Format, "ends before the width"},
		{"P5 1 ", fault.Format, "ends before the height"},
		{"P5 x 1 255\n", fault.Format, "width: byte 'x'"},
		{"P5 0 1 255\n", fault.Format, "0×1"},
		{"P5 1 1 0\n\x00", fault.Format, "maxval 0"},
		{"P5 1 1 65536\n\x00", fault.Format, "maxval 65536"},
		{"P5 100000 100000 255\n", fault.TooLarge, "-maxpixels"},
		{"P5 99999999999999999999 1 255\n", fault.TooLarge, "side"},
		{"P5 2 2 255\nabc", fault.Format, "truncated after 1 of 2 rows"},
		{"P6 2 2 65535\nabcdefghijklabcdefghijk", fault.Format, "truncated after 1 of 2 rows"},
		{"P4 9 2\nabc", fault.Format, "truncated after 1 of 2 rows"},
		{"P2 2 2 255\n1 2 3 ", fault.Format, "truncated after 1 of 2 rows"},
		{"P1 2 2\n011", fault.Format, "truncated after 1 of 2 rows"},
		{"P2 1 1 9\n-1\n", fault.Format, "not a digit"},
		{"P1 1 1\n2", fault.Format, "neither 0 nor 1"},
		{fmt.Sprintf(pam, 3, 255, "RGB_ALPHA"), fault.Format, "with depth 3"},
		{fmt.Sprintf(pam, 4, 255, "CMYK"), fault.Unsupported, `"CMYK"`},
		{fmt.Sprintf(pam, 5, 255, "SPECTRAL"), fault.Unsupported, `depth 5 with tuple type "SPECTRAL"`},
		{fmt.Sprintf(pam, 0, 255, "SPECTRAL"), fault.Unsupported, "depth 0"},
		{"P7 332\n#IMGINFO", fault.Unsupported, "thumbnail of xv"},
		{fmt.Sprintf(pam, 1, 70000, "GRAYSCALE"), fault.Format, "maxval 70000"},
		{"P7\nWIDTH 1\nWIDTH 1\n", fault.Format, "repeated"},
		{"P7\nWIDTH one\n", fault.Format, "not a number"},
		{"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nENDHDR\n", fault.Format, "lacks"},
		{"P7\nWIDTH 1\n", fault.Format, "before ENDHDR"},
		{"P7 1\nWIDTH 1\n", fault.Format, "after P7"},
		{"P7\n#" + strings.Repeat("x", 5000) + "\n", fault.Format, "over 4096"},
		{"P7\n" + strings.Repeat("TUPLTYPE A\n", 17), fault.Format, "16 TUPLTYPE"},
	} {
		t.Run(c.text, func(t *testing.T) {
			r, err := open(c.data)
			if err == nil {
				_, err = samples(r)
			}
			if fault.Of(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.text) {
				t.Errorf("%.40q: %v (%v), want %v %q", c.data, err, fault.Of(err), c.kind, c.text)
			}
		})
	}
}

// Files that are odd but have all samples are read, with a note.
func TestOddFilesAreRead(t *testing.T) {
	pam := "P7\nWIDTH 1\nHEIGHT 1\nDEPTH %d\nMAXVAL 255\nTUPLTYPE %s\nENDHDR\nabcd"
	for _, c := range []struct {
		name, data string
		layout     raster.Layout
		want       []uint16
		note       string
	}{
		{"raw above maxval", "P5 3 1 9\n\x08\x0a\xff", raster.Gray, []uint16{227, 255, 255}, "samples above maxval 9"},
		{"raw 16 bit above maxval", "P5 2 1 300\n\x01\x2d\x00\x00", raster.Gray, []uint16{65535, 0}, "samples above maxval 300"},
		{"plain above maxval", "P2 3 1 9\n10 9999999999999999999999 0\n", raster.Gray, []uint16{255, 255, 0}, "samples above maxval 9"},
		{"plain 16 bit above maxval", "P2 2 1 65535\n65536 1\n", raster.Gray, []uint16{65535, 1}, "samples above maxval 65535"},
		{"unknown tuple type", fmt.Sprintf(pam, 3, "LAB"), raster.RGB, []uint16{97, 98, 99}, `unknown tuple type "LAB" read as rgb`},
		{"unknown tuple type with alpha", fmt.Sprintf(pam, 2, "DEPTH_ALPHA"), raster.GrayA, []uint16{97, 98}, `unknown tuple type "DEPTH_ALPHA" read as gray+alpha`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := open(c.data)
			if err != nil {
				t.Fatal(err)
			}
			got, err := samples(r)
			if err != nil || !slices.Equal(got, c.want) || r.Header().Layout != c.layout {
				t.Errorf("%v %v, %v; want %v %v", r.Header().Layout, got, err, c.layout, c.want)
			}
			if len(r.Notes()) != 1 || r.Notes()[0] != c.note {
				t.Errorf("notes %q, want %q", r.Notes(), c.note)
			}
		})
	}
}

func TestLenientFillsMissingRows(t *testing.T) {
	for _, c := range []struct {
		name, data string
		want       []uint16
	}{
		{"raw", "P5 2 3 255\nabc", []uint16{97, 98, 0, 0, 0, 0}},
		{"raw 16 bit", "P5 1 2 65535\nabc", []uint16{0x6162, 0}},
		{"plain", "P2 2 2 255\n1 2 3 ", []uint16{1, 2, 0, 0}},
		{"bits", "P4 9 2\n\x00\x00\x00", []uint16{255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Open(strings.NewReader(c.data), int64(len(c.data)), raster.Limits{Lenient: true})
			if err != nil {
				t.Fatal(err)
			}
			got, err := samples(r)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%v, %v; want %v", got, err, c.want)
			}
			if len(r.Notes()) != 1 || !strings.HasPrefix(r.Notes()[0], "truncated after 1 of ") {
				t.Errorf("notes %q", r.Notes())
			}
		})
	}
}

func TestDepthOfFewValues(t *testing.T) {
	for data, want := range map[string]int{
		"P1 1 1 0": 1, "P4 1 1\n\x00": 1, "P5 1 1 1\n\x00": 1, "P5 1 1 3\n\x00": 2, "P5 1 1 15\n\x00": 4,
		"P5 1 1 14\n\x00": 8, "P5 1 1 255\n\x00": 8, "P5 1 1 1000\n\x00\x00": 16,
	} {
		r, err := open(data)
		if err != nil || r.Depth() != want {
			t.Errorf("%q: %v, want depth %d", data, err, want)
		}
	}
}

func TestRowMemoryIsChecked(t *testing.T) {
	data := "P6 1000000 1 65535\n"
	r, err := Open(strings.NewReader(data), int64(len(data)), raster.Limits{Mem: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Rows(raster.Hint{}); fault.Of(err) != fault.TooLarge {
		t.Errorf("a row of 6 MB with a limit of 4 MiB: %v", err)
	}
}

type picture = rastertest.Picture[uint16]

func TestRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, layout := range []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA} {
		for _, bits := range []uint8{8, 16} {
			for _, pam := range []bool{false, true} {
				for size := 1; size <= 17; size++ {
					w, h := size, 18-size
					p := &picture{H: raster.NewHeader(w, h, layout, bits), Band: 1 + size%4}
					p.S = rastertest.Noise[uint16](rnd, w*h*layout.Samples(), 1<<bits)
					var buf bytes.Buffer
					if err := Encode(&buf, p, EncodeOptions{PAM: pam}); err != nil {
						t.Fatal(err)
					}
					if isPAM := strings.HasPrefix(buf.String(), "P7"); isPAM != (pam || layout.HasAlpha()) {
						t.Errorf("%v: PAM %v", layout, isPAM)
					}
					r, err := open(buf.String())
					if err != nil {
						t.Fatal(err)
					}
					if r.Header().Layout != layout || r.Header().Bits != bits {
						t.Errorf("%v %d came back as %v %d", layout, bits, r.Header().Layout, r.Header().Bits)
					}
					if got, err := samples(r); err != nil || !slices.Equal(got, p.S) {
						t.Fatalf("%v %d %d×%d: %v", layout, bits, w, h, err)
					}
				}
			}
		}
	}
}

func TestWidenRoundsToNearest(t *testing.T) {
	for maxval := 1; maxval <= 65535; maxval += 1 + maxval/7 {
		d := &rows{}
		d.widen(maxval)
		full := 255.0
		if maxval > 255 {
			full = 65535
		}
		for v := 0; v <= maxval; v += 1 + maxval/99 {
			got := v
			if d.wide8 != nil {
				got = int(d.wide8[v])
			} else if d.wide16 != nil {
				got = int(d.wide16[v])
			}
			if e := math.Abs(float64(got) - float64(v)*full/float64(maxval)); e > 0.5 {
				t.Fatalf("%d of %d became %d: off by %g", v, maxval, got, e)
			}
		}
	}
}

func TestEncodeRefusesWhatItCannotWrite(t *testing.T) {
	indexed := &picture{H: raster.NewHeader(1, 1, raster.Indexed, 8), Band: 1, S: []uint16{0}}
	turned := &picture{H: raster.NewHeader(1, 1, raster.Gray, 8), Band: 1, S: []uint16{0}}
	turned.H.Orientation = 6
	short := &picture{H: raster.NewHeader(1, 2, raster.Gray, 8), Y: 1, Band: 1, S: []uint16{0, 1}}
	for _, p := range []*picture{indexed, turned, short} {
		if err := Encode(io.Discard, p, EncodeOptions{}); err == nil {
			t.Errorf("%+v was written", p.H)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"P1 2 2 0101", "P2 2 1 9 1 2", "P3 1 1 300 1 2 3", "P4 9 1\n\x01\x02", "P5 2 1 9\n\x01\x02", "P6 1 1 65535\nabcdef",
		"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\nab"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Open(bytes.NewReader(data), int64(len(data)), raster.Limits{Pixels: 1 << 20, Mem: 64 << 20})
		if err != nil {
			return
		}
		s, err := samples(r)
		if err != nil {
			if fault.Of(err) == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		// A picture that was read can be written, and reads back the same.
		var buf bytes.Buffer
		if err := Encode(&buf, &picture{H: r.Header(), S: s, Band: 3}, EncodeOptions{}); err != nil {
			t.Fatal(err)
		}
		again, err := open(buf.String())
		if err != nil {
			t.Fatal(err)
		}
		if s2, err := samples(again); err != nil || !slices.Equal(s, s2) {
			t.Fatalf("round trip: %v", err)
		}
	})
}
