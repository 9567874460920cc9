package jpeg

import (
	"bytes"
	"fmt"
	"testing"

	"imgtools/pkg/picture/raster"
)

// outputs returns what each path writes of p.
func outputs(t *testing.T, p []byte) map[string][]byte {
	t.Helper()
	var copied, encoded bytes.Buffer
	if done, err := Copy(&copied, open(t, p)); !done || err != nil {
		t.Fatal(done, err)
	}
	held := mustDecode(t, p, raster.Hint{Planar: true})
	up, err := raster.Upright(held.Rows(), raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Encode(&encoded, up, EncodeOptions{Quality: 80}); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{"copy": copied.Bytes(), "encoded": encoded.Bytes()}
	r := open(t, p)
	var icc []byte
	if r.Header().Layout == raster.Gray {
		icc = r.Header().ICC
	}
	var gray bytes.Buffer
	if done, err := Gray(&gray, r, icc); err != nil {
		t.Fatal(err)
	} else if done {
		out["gray"] = gray.Bytes()
	}
	return out
}

// jfif returns an APP0 with a density.
func jfif(unit byte, x, y uint16) []byte {
	return segment(mAPP0, append([]byte("JFIF\x00\x01\x02"), unit, byte(x>>8), byte(x), byte(y>>8), byte(y), 0, 0)...)
}

// exif returns an APP1 with an orientation and a density in dots per inch.
func exif(orientation byte, x, y uint16) []byte {
	p := []byte("Exif\x00\x00MM\x00\x2A\x00\x00\x00\x08\x00\x03")
	p = append(p, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0)
	p = append(p, 1, 0x1A, 0, 5, 0, 0, 0, 1, 0, 0, 0, 50)
	p = append(p, 1, 0x1B, 0, 5, 0, 0, 0, 1, 0, 0, 0, 58)
	p = append(p, 0, 0, 0, 0)
	p = append(p, 0, 0, byte(x>>8), byte(x), 0, 0, 0, 1)
	return segment(mAPP1, append(p, 0, 0, byte(y>>8), byte(y), 0, 0, 0, 1)...)
}

func TestDensityIsReadAndKept(t *testing.T) {
	p := withoutSegments(colourful(t, 64, 48), mAPP0)
	for _, c := range []struct {
		name         string
		segments     []byte
		stored, kept raster.Density
	}{
		{"none", nil, raster.Density{}, raster.Density{}},
		{"JFIF dots per inch", jfif(1, 300, 150), raster.Density{X: 300, Y: 150, Unit: raster.PerInch}, raster.Density{X: 300, Y: 150, Unit: raster.PerInch}},
		{"JFIF dots per centimetre", jfif(2, 118, 118), raster.Density{X: 118, Y: 118, Unit: raster.PerCM}, raster.Density{X: 118, Y: 118, Unit: raster.PerCM}},
		{"JFIF ratio", jfif(0, 4, 3), raster.Density{X: 4, Y: 3}, raster.Density{X: 4, Y: 3}},
		{"JFIF ratio of 1", jfif(0, 1, 1), raster.Density{}, raster.Density{}},
		{"JFIF zero", jfif(1, 0, 72), raster.Density{}, raster.Density{}},
		{"JFIF unknown unit", jfif(7, 72, 72), raster.Density{}, raster.Density{}},
		{"Exif", exif(1, 240, 120), raster.Density{X: 240, Y: 120, Unit: raster.PerInch}, raster.Density{X: 240, Y: 120, Unit: raster.PerInch}},
		{"JFIF before Exif", append(exif(1, 240, 120), jfif(1, 72, 72)...), raster.Density{X: 72, Y: 72, Unit: raster.PerInch}, raster.Density{X: 72, Y: 72, Unit: raster.PerInch}},
		{"Exif where JFIF has none", append(jfif(0, 1, 1), exif(1, 240, 120)...), raster.Density{X: 240, Y: 120, Unit: raster.PerInch}, raster.Density{X: 240, Y: 120, Unit: raster.PerInch}},
		{"turned", exif(6, 240, 120), raster.Density{X: 240, Y: 120, Unit: raster.PerInch}, raster.Density{X: 120, Y: 240, Unit: raster.PerInch}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := inserted(p, 2, c.segments...)
			if got := open(t, in).Header().Density; got != c.stored {
				t.Errorf("read %v, want %v", got, c.stored)
			}
			for way, out := range outputs(t, in) {
				if got := open(t, out).Header().Density; got != c.kept {
					t.Errorf("%s has %v, want %v", way, got, c.kept)
				}
			}
		})
	}
}

func TestReducedPictureHasReducedDensity(t *testing.T) {
	p := inserted(withoutSegments(colourful(t, 64, 48), mAPP0), 2, jfif(1, 300, 300)...)
	var out bytes.Buffer
	if err := Encode(&out, mustDecode(t, p, raster.Hint{Planar: true, GoalW: 32, GoalH: 24}).Rows(), EncodeOptions{Quality: 80}); err != nil {
		t.Fatal(err)
	}
	if got, want := open(t, out.Bytes()).Header().Density, (raster.Density{X: 150, Y: 150, Unit: raster.PerInch}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestDensityThatJFIFCannotHoldIsRoundedOrLeftOut(t *testing.T) {
	for _, c := range []struct{ in, want raster.Density }{
		{raster.Density{X: 299.9994, Y: 300.2, Unit: raster.PerInch}, raster.Density{X: 300, Y: 300, Unit: raster.PerInch}},
		{raster.Density{X: 70000, Y: 70000, Unit: raster.PerInch}, raster.Density{}},
		{raster.Density{X: 0.2, Y: 0.2, Unit: raster.PerCM}, raster.Density{}},
		{raster.Density{X: 1.5, Y: 1}, raster.Density{X: 15, Y: 10}},
		{raster.Density{X: 1.0 / 3, Y: 1}, raster.Density{X: 333, Y: 1000}},
	} {
		t.Run(fmt.Sprint(c.in), func(t *testing.T) {
			p := noise(8, 8, raster.Gray)
			p.H.Density = c.in
			var out bytes.Buffer
			if err := Encode(&out, p.Rows(), EncodeOptions{Quality: 80}); err != nil {
				t.Fatal(err)
			}
			if got := open(t, out.Bytes()).Header().Density; got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestFirstExifBlockCounts(t *testing.T) {
	p := colourful(t, 64, 48)
	for _, first := range []byte{1, 6, 8} {
		for _, second := range []byte{1, 3, 6} {
			in := inserted(p, 2, append(exif(first, 72, 72), exif(second, 72, 72)...)...)
			if got := open(t, in).Header().Orientation; got != first {
				t.Errorf("%d before %d: %d", first, second, got)
			}
		}
	}
}

// Whatever integer type an Exif block has for its orientation.
func TestOrientationOfAnyIntegerType(t *testing.T) {
	for _, c := range []struct {
		typ   byte
		value []byte
	}{{1, []byte{6, 0, 0, 0}}, {3, []byte{0, 6, 0, 0}}, {4, []byte{0, 0, 0, 6}}, {6, []byte{6, 0, 0, 0}}, {8, []byte{0, 6, 0, 0}}, {9, []byte{0, 0, 0, 6}}} {
		t.Run(fmt.Sprintf("type %d", c.typ), func(t *testing.T) {
			p := []byte("Exif\x00\x00MM\x00\x2A\x00\x00\x00\x08\x00\x01\x01\x12\x00")
			p = append(append(append(p, c.typ, 0, 0, 0, 1), c.value...), 0, 0, 0, 0)
			in := inserted(colourful(t, 16, 16), 2, segment(mAPP1, p...)...)
			if got := open(t, in).Header().Orientation; got != 6 {
				t.Errorf("orientation %d", got)
			}
		})
	}
}

// mpf returns the index of a multi-picture file, with a type for each picture.
func mpf(types ...byte) []byte {
	p := []byte("MPF\x00MM\x00\x2A\x00\x00\x00\x08\x00\x01\xB0\x02\x00\x07")
	p = append(p, 0, 0, 0, byte(16*len(types)), 0, 0, 0, 26, 0, 0, 0, 0)
	for _, typ := range types {
		p = append(p, 0, typ, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	return segment(mAPP2, p...)
}

func TestOtherPicturesOfTheFileAreNoted(t *testing.T) {
	const gainMap = "HDR gain map left out"
	xmp := segment(mAPP1, []byte("http://ns.adobe.com/xap/1.0/\x00<x xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\"/>")...)
	for _, c := range []struct {
		name     string
		segments []byte
		notes    string
	}{
		{"gain map in XMP", append(xmp, mpf(3, 0)...), gainMap},
		{"gain map of ISO 21496-1", segment(mAPP2, []byte("urn:iso:std:iso:ts:21496:-1\x00\x00\x00\x00\x00")...), gainMap},
		{"two views", mpf(2, 2), "first of 2 pictures"},
		{"picture and previews", mpf(3, 1, 1), ""},
		{"other XMP", segment(mAPP1, []byte("http://ns.adobe.com/xap/1.0/\x00<x/>")...), ""},
		{"index cut short", mpf(2, 2)[:20], ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "index cut short" {
				c.segments[2], c.segments[3] = 0, 18
			}
			p := append(inserted(colourful(t, 32, 32), 2, c.segments...), colourful(t, 16, 16)...)
			if v := verdicts(t, p, raster.Limits{}, true); v != (verdict{notes: c.notes}) {
				t.Errorf("%+v, want the notes %q", v, c.notes)
			}
		})
	}
}

func TestGrayPictureKeepsItsGrayProfile(t *testing.T) {
	icc := profile("GRAY", 400)
	for _, name := range []string{"gray.jpg", "gray_prog.jpg"} {
		for _, orientation := range []byte{1, 5} {
			t.Run(fmt.Sprintf("%s, orientation %d", name, orientation), func(t *testing.T) {
				p := read(t, name)
				p = inserted(inserted(p, 2, exif(orientation, 72, 72)...), 2, func() []byte { var h headerWriter; h.icc(icc); return h }()...)
				for way, out := range outputs(t, p) {
					if got := open(t, out).Header().ICC; !bytes.Equal(got, icc) {
						t.Errorf("%s has a profile of %d bytes", way, len(got))
					}
				}
			})
		}
	}
}

// Both quantization tables are cjpeg's at every quality.
func TestStepsAreThoseOfCjpeg(t *testing.T) {
	p := noise(16, 16, raster.RGB)
	ppm := append([]byte("P6\n16 16\n255\n"), p.Planes[0].Pix...)
	for quality := 1; quality <= 100; quality += 3 {
		t.Run(fmt.Sprint(quality), func(t *testing.T) {
			want := open(t, run(t, ppm, "cjpeg", "-baseline", "-quality", fmt.Sprint(quality)))
			var out bytes.Buffer
			if err := Encode(&out, p.Rows(), EncodeOptions{Quality: quality}); err != nil {
				t.Fatal(err)
			}
			got := open(t, out.Bytes())
			for slot := range 2 {
				if got.quant[slot].q != want.quant[slot].q {
					t.Errorf("table %d: %v, want %v", slot, got.quant[slot].q, want.quant[slot].q)
				}
			}
		})
	}
}
