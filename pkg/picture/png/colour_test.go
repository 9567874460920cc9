package png

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/color"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/picture/raster"
)

func words(v ...uint32) string {
	var b []byte
	for _, w := range v {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return string(b)
}

var p3 = [8]uint32{31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000}

func TestColourChunksByPrecedence(t *testing.T) {
	icc, iccChunk := iccp("RGB ")
	cicp := []string{"cICP", "\x0c\x0d\x00\x01"}
	iccpChunk := []string{"iCCP", iccChunk}
	srgb := []string{"sRGB", "\x00"}
	gama := []string{"gAMA", words(100000)}
	chrm := []string{"cHRM", words(p3[:]...)}
	near := []string{"cHRM", words(31270, 32900, 64001, 33000, 30000, 59999, 15000, 6500)}
	coded := raster.Coding{CICP: [4]uint8{12, 13, 0, 1}}
	for _, c := range []struct {
		name   string
		chunks [][]string
		icc    string
		coding raster.Coding
		note   string
	}{
		{"none", nil, "", raster.Coding{}, ""},
		{"cICP before all", [][]string{gama, chrm, srgb, iccpChunk, cicp}, "", coded, ""},
		{"cICP of sRGB", [][]string{{"cICP", "\x01\x0d\x00\x01"}, gama, iccpChunk}, "", raster.Coding{}, ""},
		{"cICP unspecified", [][]string{{"cICP", "\x02\x02\x00\x01"}, iccpChunk}, icc, raster.Coding{}, ""},
		{"cICP with a matrix", [][]string{{"cICP", "\x0c\x0d\x01\x01"}}, "", raster.Coding{}, "damaged chunk cICP"},
		{"cICP, PQ, narrow range", [][]string{{"cICP", "\x09\x10\x00\x00"}}, "", raster.Coding{CICP: [4]uint8{9, 16, 0, 0}}, ""},
		{"iCCP before sRGB and gAMA", [][]string{gama, srgb, iccpChunk}, icc, raster.Coding{}, ""},
		{"sRGB before gAMA", [][]string{gama, chrm, srgb}, "", raster.Coding{}, ""},
		{"gAMA and cHRM", [][]string{gama, chrm}, "", raster.Coding{Gamma: 100000, Chroma: p3}, ""},
		{"gAMA alone", [][]string{gama}, "", raster.Coding{Gamma: 100000}, ""},
		{"cHRM alone", [][]string{chrm}, "", raster.Coding{Chroma: p3}, ""},
		{"gAMA of sRGB", [][]string{{"gAMA", words(45455)}}, "", raster.Coding{}, ""},
		{"gAMA 5 % above", [][]string{{"gAMA", words(47700)}}, "", raster.Coding{}, ""},
		{"gAMA 5 % below", [][]string{{"gAMA", words(43200)}}, "", raster.Coding{}, ""},
		{"gAMA 6 % above", [][]string{{"gAMA", words(48200)}}, "", raster.Coding{Gamma: 48200}, ""},
		{"gAMA and cHRM of sRGB", [][]string{{"gAMA", words(45455)}, near}, "", raster.Coding{}, ""},
		{"gAMA of sRGB, cHRM of P3", [][]string{{"gAMA", words(45455)}, chrm}, "", raster.Coding{Gamma: 45455, Chroma: p3}, ""},
		{"gAMA of 0", [][]string{{"gAMA", words(0)}}, "", raster.Coding{}, "damaged chunk gAMA"},
		{"short cHRM", [][]string{{"cHRM", "abcd"}}, "", raster.Coding{}, "damaged chunk cHRM"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := base(8, 2)
			f.before = slices.Concat(c.chunks...)
			r, err := openBytes(f.bytes())
			if err != nil {
				t.Fatal(err)
			}
			h := r.Header()
			if string(h.ICC) != c.icc || h.Coding != c.coding || !strings.Contains(strings.Join(r.Notes(), ""), c.note) {
				t.Errorf("profile of %d bytes, %+v, notes %q", len(h.ICC), h.Coding, r.Notes())
			}
		})
	}
}

// Coding and Density must survive both ways out: encoding, and copying of indexes.
func TestCodingAndDensityAreWrittenBack(t *testing.T) {
	for _, coding := range []raster.Coding{
		{}, {CICP: [4]uint8{12, 13, 0, 1}}, {Gamma: 100000}, {Gamma: 60000, Chroma: p3}, {Chroma: p3},
	} {
		for _, density := range []raster.Density{
			{}, {X: 118.11, Y: 118.11, Unit: raster.PerCM}, {X: 3, Y: 2, Unit: raster.Aspect},
		} {
			t.Run(fmt.Sprint(coding, density), func(t *testing.T) {
				h := raster.NewHeader(3, 3, raster.Indexed, 8)
				h.Palette = []color.NRGBA{{1, 2, 3, 255}, {0, 0, 0, 255}}
				h.Coding, h.Density = coding, density
				p := noise(rand.New(rand.NewPCG(1, 1)), h)
				data, _ := encode(t, p, EncodeOptions{})
				copied, notes, err := rewrite(data, raster.Limits{})
				if err != nil || len(notes) > 0 {
					t.Fatal(err, notes)
				}
				for _, data := range [][]byte{data, copied} {
					r, err := openBytes(data)
					if err != nil {
						t.Fatal(err)
					}
					if h := r.Header(); h.Coding != coding || h.Density != density {
						t.Errorf("%+v, %+v", h.Coding, h.Density)
					}
				}
			})
		}
	}
}

func TestDensityIsInWholePixelsPerMetre(t *testing.T) {
	for _, c := range []struct {
		in   raster.Density
		want string // data of pHYs
	}{
		{raster.Density{X: 72, Y: 300, Unit: raster.PerInch}, words(2835, 11811) + "\x01"},
		{raster.Density{X: 28.35, Y: 28.35, Unit: raster.PerCM}, words(2835, 2835) + "\x01"},
		{raster.Density{X: 1, Y: 2, Unit: raster.Aspect}, words(1, 2) + "\x00"},
		{raster.Density{X: 1.5, Y: 1, Unit: raster.Aspect}, words(1500, 1000) + "\x00"},
		{raster.Density{X: 1e9, Y: 1e9, Unit: raster.PerCM}, ""},
		{raster.Density{X: 0.001, Y: 1, Unit: raster.PerCM}, ""},
	} {
		if got := density(c.in); !bytes.Equal(got, []byte(c.want)) {
			t.Errorf("%+v: %x, want %x", c.in, got, c.want)
		}
	}
}
