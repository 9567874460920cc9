package picture

import (
	"bytes"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
)

// FuzzOperations gives any bytes to both operations. They may refuse them, with a kind
// of error that blames the picture. What they write must be a picture of the size and
// the format that they say.
func FuzzOperations(f *testing.F) {
	for _, in := range inputs(f) {
		f.Add(in.data, uint8(len(in.name)))
	}
	for _, m := range filesWithMeta(f) {
		f.Add(m.file(inW, inH, 5, profile("RGB ")), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, how uint8) {
		lim := raster.Limits{Pixels: 1 << 16, Mem: 32 << 20}
		as := outputs[int(how>>3)%len(outputs)]
		var out bytes.Buffer
		var err error
		var said string
		var w, h int
		switch how & 7 {
		case 0, 1, 2:
			luma := []string{"601", "709", "luminance"}[how&7]
			r, e := plan.Run(&out, bytes.NewReader(data), int64(len(data)), plantest.Within(lim, "gray="+luma+" format="+as))
			said, w, h, err = r.Format, r.W, r.H, e
		case 3:
			r, e := plan.Run(&out, bytes.NewReader(data), int64(len(data)), plantest.Within(lim, "gray handover scale=1/3 format="+as))
			said, w, h, err = r.Format, r.W, r.H, e
		case 4:
			words := []string{"crop=50%x50%+25%+33%", "crop=3x2 gravity=attention", "scale=9x9 fit=cover gravity=attention", "scale=9x9 fit=pad background=ff8000",
				"crop=100%x40%+0+10% scale=7x9 fit=cover fast", "crop=5x5 gray", "scale=40x1 fit=cover gravity=east", "crop=8x8+8+8"}
			r, e := plan.Run(&out, bytes.NewReader(data), int64(len(data)), plantest.Within(lim, "format="+as+" "+words[int(how>>5)]))
			if fault.Of(e) == fault.Usage && strings.Contains(e.Error(), "reaches beyond the picture") {
				return
			}
			said, w, h, err = r.Format, r.W, r.H, e
		default:
			o := plantest.Within(lim, "scale="+[]string{"1", "1/3", "13x7!", "3/2"}[how&3]+" format="+as+" "+map[bool]string{true: "linear"}[how&64 != 0])
			r, e := plan.Run(&out, bytes.NewReader(data), int64(len(data)), o)
			said, w, h, err = r.Format, r.W, r.H, e
		}
		if err != nil {
			if k := fault.Of(err); k != fault.Format && k != fault.Unsupported && k != fault.TooLarge {
				t.Fatalf("%v: %v", k, err)
			}
			return
		}
		p, err := codec.Open(bytes.NewReader(out.Bytes()), int64(out.Len()), raster.Limits{})
		if err != nil {
			t.Fatalf("the result is refused: %v", err)
		}
		ow, oh := p.Header().OrientedSize()
		same := p.Format == said || p.Format == format.PNM && (said == format.PGM || said == format.PPM || said == format.PAM)
		if ow != w || oh != h || !same {
			t.Fatalf("said %s of %d×%d, is %s of %d×%d", said, w, h, p.Format, ow, oh)
		}
	})
}
