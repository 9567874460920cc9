package plan_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/codec/fakeheif"
	"imgtools/pkg/picture/heif"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
)

func heifOf(l raster.Layout) *fakeheif.Picture {
	return &fakeheif.Picture{Head: *raster.NewHeader(48, 36, l, 8)}
}

// request is what is asked of the picture.
func withHEIF(p *fakeheif.Picture, words string) plan.Request {
	r := plantest.Ask(words)
	r.HEIF = p
	return r
}

// A HEIC becomes JPEG, with alpha WebP and a note, unless a format is asked for.
func TestFormatOfHEIC(t *testing.T) {
	for _, c := range []struct {
		layout      raster.Layout
		words       string
		want, notes string
	}{
		{raster.RGB, "gray", format.JPEG, ""},
		{raster.Gray, "scale=1/2", format.JPEG, ""},
		{raster.RGBA, "scale=1/2", format.WebP, "HEIC with alpha: the result is WebP"},
		{raster.RGBA, "gray", format.WebP, "HEIC with alpha: the result is WebP"},
		{raster.RGBA, "gray format=png", format.PNG, ""},
		{raster.RGBA, "scale=1/2 format=auto", format.PNG, ""},
		{raster.RGB, "scale=1/2 format=auto", format.JPEG, ""},
		{raster.RGB, "gray scale=24x frame=1", format.JPEG, ""},
	} {
		t.Run(c.words+" "+c.layout.String(), func(t *testing.T) {
			in := strings.NewReader(fakeheif.File)
			var out bytes.Buffer
			res, err := plan.Run(&out, in, in.Size(), withHEIF(heifOf(c.layout), c.words))
			if err != nil || res.Format != c.want || res.Note != c.notes {
				t.Fatalf("%+v, %v", res, err)
			}
			p, err := codec.Open(bytes.NewReader(out.Bytes()), int64(out.Len()), raster.Limits{})
			if err != nil || p.Format != c.want || p.Header().Layout.HasAlpha() != c.layout.HasAlpha() {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

// What travels to the other daemons keeps profile, density and metadata, is upright, and
// has no more than it needs.
func TestDecodeForAnotherDaemon(t *testing.T) {
	data, err := os.ReadFile("../heif/testdata/exif.heic")
	if err != nil {
		t.Fatal(err)
	}
	file, err := heif.Open(bytes.NewReader(data), int64(len(data)), raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*fakeheif.Picture)
		layout raster.Layout
		words  string
		travel string
		check  func(p *codec.Picture, res plan.Result) bool
	}{
		"bare":                            {layout: raster.RGB, travel: format.PPM},
		"gray":                            {layout: raster.Gray, travel: format.PGM},
		"luma for gray":                   {layout: raster.RGB, travel: format.PGM, words: "gray=601"},
		"colours for another gray":        {layout: raster.RGB, travel: format.PPM, words: "gray=709"},
		"colours with a coding, for gray": {layout: raster.RGB, travel: format.PNG, words: "gray=601", change: func(p *fakeheif.Picture) { p.Head.Coding.CICP = [4]uint8{9, 16, 0, 1} }},
		"alpha": {layout: raster.RGBA, travel: format.PAM, check: func(p *codec.Picture, res plan.Result) bool {
			return res.As == format.WebP && p.Header().Layout == raster.RGBA
		}},
		"turned": {layout: raster.RGB, travel: format.PPM, change: func(p *fakeheif.Picture) { p.Head.Orientation = 6 },
			check: func(p *codec.Picture, res plan.Result) bool {
				return res.W == 36 && res.H == 48 && p.Header().FullW == 36 && p.Header().Orientation == 1
			}},
		"density": {layout: raster.RGB, travel: format.TIFF, change: func(p *fakeheif.Picture) { p.Head.Density = raster.Density{X: 300, Y: 300, Unit: raster.PerInch} },
			check: func(p *codec.Picture, _ plan.Result) bool { return p.Header().Density.X == 300 }},
		"EXIF": {layout: raster.RGB, travel: format.TIFF, change: func(p *fakeheif.Picture) { p.Meta = file.Metadata },
			check: func(p *codec.Picture, _ plan.Result) bool { return meta.DateOf(p.Metadata().EXIF) != "" }},
		"Display P3 by numbers": {layout: raster.RGB, travel: format.TIFF, change: func(p *fakeheif.Picture) { p.Head.Coding.CICP = [4]uint8{12, 13, 0, 1} },
			check: func(p *codec.Picture, _ plan.Result) bool { return meta.ICCSpace(p.Header().ICC) == "RGB " }},
		"PQ": {layout: raster.RGB, travel: format.PNG, change: func(p *fakeheif.Picture) { p.Head.Coding.CICP = [4]uint8{9, 16, 0, 1} },
			check: func(p *codec.Picture, _ plan.Result) bool {
				return p.Header().Coding.CICP == [4]uint8{9, 16, 0, 1}
			}},
		"16 bit": {layout: raster.RGB, travel: format.PPM, change: func(p *fakeheif.Picture) { p.Head.Bits = 16 },
			check: func(p *codec.Picture, _ plan.Result) bool { return p.Header().Bits == 16 }},
		"a thumbnail will do": {layout: raster.RGB, travel: format.TIFF, words: "scale=10x", change: func(p *fakeheif.Picture) {
			p.Thumb = [2]int{16, 12}
			p.Head.Density = raster.Density{X: 300, Y: 300, Unit: raster.PerInch}
		}, check: func(p *codec.Picture, res plan.Result) bool {
			return res.W == 16 && res.H == 12 && p.Header().FullW == 16 && p.Header().Density.X == 100 && len(res.Goals) == 1 && res.Goals[0] == plan.Size{W: 10, H: 8}
		}},
		"a thumbnail is too small": {layout: raster.RGB, travel: format.PPM, words: "scale=20x", change: func(p *fakeheif.Picture) { p.Thumb = [2]int{16, 12} },
			check: func(p *codec.Picture, res plan.Result) bool { return res.W == 48 && len(res.Goals) == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			pic := heifOf(c.layout)
			if c.change != nil {
				c.change(pic)
			}
			in := strings.NewReader(fakeheif.File)
			var out bytes.Buffer
			r := withHEIF(pic, c.words)
			if !strings.Contains(c.words, "gray") {
				r.Ops = r.Ops.Without("gray") // which no words at all stand for
			}
			res, err := plan.Decode(&out, in, in.Size(), r)
			if err != nil || res.Format != c.travel || res.From != format.HEIC || c.check == nil && res.As != format.JPEG {
				t.Fatalf("%+v, %v", res, err)
			}
			p, err := codec.Open(bytes.NewReader(out.Bytes()), int64(out.Len()), raster.Limits{})
			if err != nil || c.check != nil && !c.check(p, res) {
				t.Errorf("%+v, %+v, %v", p, res, err)
			}
			if pic.Openings != 1 {
				t.Errorf("opened %d times", pic.Openings)
			}
		})
	}
}

func TestDecodeFails(t *testing.T) {
	for name, c := range map[string]struct {
		pic  *fakeheif.Picture
		file string
		ops  string
		kind fault.Kind
	}{
		"no HEIC":            {heifOf(raster.RGB), "P5 1 1 255\n\x00", "", fault.Usage},
		"not opened":         {&fakeheif.Picture{Err: fakeheif.Died}, fakeheif.File, "", fault.Format},
		"ends after a row":   {&fakeheif.Picture{Head: heifOf(raster.RGB).Head, RowsErr: fakeheif.Died}, fakeheif.File, "", fault.Format},
		"frame 2":            {heifOf(raster.RGB), fakeheif.File, "frame=2", fault.Usage},
		"no picture at all":  {heifOf(raster.RGB), "hello", "", fault.Format},
		"too large a result": {heifOf(raster.RGB), fakeheif.File, "scale=99999x", fault.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			in := strings.NewReader(c.file)
			if _, err := plan.Decode(&bytes.Buffer{}, in, in.Size(), withHEIF(c.pic, c.ops)); err == nil || fault.Of(err) != c.kind {
				t.Errorf("%v: %v", fault.Of(err), err)
			}
		})
	}
}
