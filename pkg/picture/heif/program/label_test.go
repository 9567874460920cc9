package program

import (
	"bytes"
	"fmt"
	"testing"

	"imgtools/pkg/picture/heif"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// Numbers of H.273 become a coding of RGB at full range, unless they mean sRGB or there is
// a profile.
func TestCodingOfTheSamples(t *testing.T) {
	icc := []byte("profile")
	for _, c := range []struct {
		cicp [4]uint8
		icc  []byte
		want [4]uint8
	}{
		{[4]uint8{}, nil, [4]uint8{}},
		{[4]uint8{1, 13, 6, 1}, nil, [4]uint8{}},
		{[4]uint8{2, 2, 2, 0}, nil, [4]uint8{}},
		{[4]uint8{1, 1, 1, 0}, nil, [4]uint8{}},
		{[4]uint8{2, 6, 6, 0}, nil, [4]uint8{}},
		{[4]uint8{12, 13, 6, 1}, nil, [4]uint8{12, 13, 0, 1}},
		{[4]uint8{12, 2, 6, 1}, nil, [4]uint8{12, 13, 0, 1}},
		{[4]uint8{12, 13, 6, 1}, icc, [4]uint8{}},
		{[4]uint8{9, 14, 9, 0}, nil, [4]uint8{9, 13, 0, 1}},
		{[4]uint8{9, 16, 9, 0}, nil, [4]uint8{9, 16, 0, 1}},
		{[4]uint8{9, 18, 9, 1}, icc, [4]uint8{9, 18, 0, 1}},
		{[4]uint8{1, 8, 0, 1}, nil, [4]uint8{1, 8, 0, 1}},
		{[4]uint8{1, 4, 6, 1}, nil, [4]uint8{1, 4, 0, 1}},
	} {
		t.Run(fmt.Sprint(c.cicp, len(c.icc)), func(t *testing.T) {
			if got := coding(&heif.Picture{CICP: c.cicp, ICC: c.icc}); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// The header has density, orientation and coding, before and after the program ran; what is
// kept of the metadata travels with the rows.
func TestHeaderOfRows(t *testing.T) {
	exif := meta.NewEXIF(nil, raster.Density{X: 300, Y: 200, Unit: raster.PerInch})
	f := folder{t, t.TempDir()}
	p := item{kind: "hvc1", properties: []string{ispe(64, 48), bx("hvcC", "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\xfd\xf8\x00\x00\x00\x00\x00"),
		bx("colr", "nclx", n2(12), n2(13), n2(6), n1(0x80)), bx("irot", n1(1))}, data: "pixels"}
	f.write("a.heic", build([]item{p, {kind: "Exif", data: n4(0) + string(exif)}}, link{"cdsc", 2, []int{1}}))
	b := f.read("a.heic")
	for tool, output := range map[string]string{"heif-convert": y4mOf(48, 64, "", 64*48*3/2), "vips": tiffOf(48, 64, 8, 3)} {
		t.Run(tool, func(t *testing.T) {
			d := New(&liar{output: func(Command) string { return output }}, Options{Look: only(tool)})
			r, err := d.Open(bytes.NewReader(b), int64(len(b)), raster.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if m := r.(interface{ Metadata() raster.Metadata }).Metadata(); !bytes.Equal(m.EXIF, exif) {
				t.Errorf("EXIF of %d bytes, want %d", len(m.EXIF), len(exif))
			}
			r.Header().Keep = raster.Metadata{XMP: []byte("kept")}
			rows, err := r.Rows(raster.Hint{})
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range []*raster.Header{r.Header(), rows.Header()} {
				if h.FullW != 48 || h.FullH != 64 || h.Orientation != 1 || string(h.Keep.XMP) != "kept" || h.Coding.CICP != [4]uint8{12, 13, 0, 1} ||
					h.Density != (raster.Density{X: 200, Y: 300, Unit: raster.PerInch}) {
					t.Errorf("%+v", h)
				}
			}
		})
	}
	t.Run("of a program that does not turn", func(t *testing.T) {
		p := testdata(t, "exif.avif") // 64×48, turned and mirrored
		d := New(&liar{output: func(Command) string { return y4mOf(64, 48, "C420jpeg XCOLORRANGE=FULL", 64*48*3/2) }}, Options{Look: only("avifdec")})
		r, err := d.Open(bytes.NewReader(p), int64(len(p)), raster.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := r.Rows(raster.Hint{Planar: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range []*raster.Header{r.Header(), rows.Header()} {
			if h.FullW != 64 || h.FullH != 48 || h.Orientation != 5 {
				t.Errorf("%+v", h)
			}
		}
	})
}

// Alpha of the range of video is expanded.
func TestAlphaOfLimitedRangeIsExpanded(t *testing.T) {
	b := testdata(t, "alpha.avif") // 64×48, 4:4:4
	d := New(&liar{output: func(c Command) string {
		if c.In.Name() == "" {
			t.Error("no input")
		}
		return y4mOf(64, 48, "Cmono XCOLORRANGE=LIMITED", 0) + string(bytes.Repeat([]byte{235}, 64*48))
	}}, Options{Look: only("avifdec")})
	r, err := d.Open(bytes.NewReader(b), int64(len(b)), raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	alpha, err := r.(*Reader).alpha()
	if err != nil {
		t.Fatal(err)
	}
	held, err := raster.Hold(alpha, raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if v := held.Planes[0].Pix[0]; v != 255 {
		t.Errorf("%d, want 255", v)
	}
}

// Whatever a program writes, it is the picture or an error.
func FuzzOutput(f *testing.F) {
	f.Add(uint8(0), []byte(y4mOf(64, 48, "", 64*48*3/2)))
	f.Add(uint8(1), []byte(y4mOf(64, 48, "C444alpha", 64*48*4)))
	f.Add(uint8(2), []byte(tiffOf(64, 48, 16, 3)))
	f.Add(uint8(3), []byte(y4mOf(64, 48, "", 64*48*3/2)))
	cases := []struct{ file, tool string }{{"exif.heic", "heif-convert"}, {"alpha.avif", "avifdec"}, {"deep.heic", "vips"}, {"thumb.heic", "heif-convert"}}
	f.Fuzz(func(t *testing.T, kind uint8, output []byte) {
		c := cases[int(kind)%len(cases)]
		b := testdata(t, c.file)
		d := New(&liar{output: func(Command) string { return string(output) }}, Options{Look: only(c.tool)})
		r, err := d.Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Pixels: 1 << 16})
		if err != nil {
			t.Fatal(err)
		}
		for _, hint := range []raster.Hint{{}, {Luma: true, GoalW: 16, GoalH: 12}, {Planar: true}} {
			rows, err := r.Rows(hint)
			if err != nil {
				continue
			}
			raster.Hold(rows, raster.Limits{})
		}
	})
}
