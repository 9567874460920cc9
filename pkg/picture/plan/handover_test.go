package plan_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster/rastertest"
)

// oriented is a JPEG that says it is turned.
func oriented(data []byte, o int) []byte {
	app1 := "\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00" + string(rune(o)) + "\x00\x00\x00\x00\x00\x00\x00"
	return append([]byte("\xff\xd8"+app1), data[2:]...)
}

func TestGrayForScaling(t *testing.T) {
	wide := photoJPEG(t, 1001, 750)
	even := photoJPEG(t, 1008, 752)
	rgb := rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, photo(101, 75)) })
	for _, c := range []struct {
		name string
		data []byte
		o    string
		want string // as the wire says it
	}{
		{"reduced", wide, "gray handover fast scale=1/10", "pgm 126x94 full=1001x750 reduced=1/8 goal=100x75 from=jpeg as=jpeg"},
		{"exactly", wide, "gray handover fast scale=1/4", "pgm 251x188 full=1001x750 reduced=2/8 goal=250x188 from=jpeg as=jpeg"},
		{"fine", wide, "gray handover scale=1/4", "pgm 376x282 full=1001x750 reduced=3/8 goal=250x188 from=jpeg as=jpeg"},
		{"fine, a kernel named", even, "gray handover scale=1/4 kernel=box", "pgm 504x376 full=1008x752 reduced=4/8 goal=252x188 from=jpeg as=jpeg"},
		{"linear", wide, "gray handover scale=1/10 linear", "pgm 1001x750 full=1001x750 reduced=8/8 goal=100x75 from=jpeg as=jpeg"},
		{"709", wide, "gray=709 handover scale=1/10", "pgm 1001x750 full=1001x750 reduced=8/8 goal=100x75 from=jpeg as=jpeg"},
		{"to png", wide, "gray handover fast scale=1/2 format=png", "pgm 501x375 full=1001x750 reduced=4/8 goal=501x375 from=jpeg as=png"},
		{"larger", wide, "gray handover scale=2", "pgm 1001x750 full=1001x750 reduced=8/8 goal=2002x1500 from=jpeg as=jpeg"},
		{"same size", wide, "gray handover scale=1", "jpeg 1001x750 full=1001x750 reduced=8/8 goal=1001x750 from=jpeg as=jpeg"},
		{"fits already", wide, "gray handover scale=2000x2000>", "jpeg 1001x750 full=1001x750 reduced=8/8 goal=1001x750 from=jpeg as=jpeg"},
		{"same size, to png", wide, "gray handover scale=1 format=png", "pgm 1001x750 full=1001x750 reduced=8/8 goal=1001x750 from=jpeg as=png"},
		{"a quarter turn", oriented(even, 6), "gray handover fast scale=1/8", "pgm 94x126 full=752x1008 reduced=1/8 goal=94x126 from=jpeg as=jpeg"},
		{"a box, turned", oriented(even, 8), "gray handover fast scale=x126", "pgm 94x126 full=752x1008 reduced=1/8 goal=94x126 from=jpeg as=jpeg"},
		{"the part of a sample comes first", oriented(wide, 3), "gray handover fast scale=1/8", "pgm 126x94 full=1001x750 reduced=1/8 origin=7x2 goal=125x94 from=jpeg as=jpeg"},
		{"the part stays last", oriented(wide, 5), "gray handover fast scale=1/8", "pgm 94x126 full=750x1001 reduced=1/8 goal=94x125 from=jpeg as=jpeg"},
		{"cropped within a sample", wide, "gray handover scale=1/4 crop=400x300+101+51", "pgm 151x113 full=400x300 reduced=3/8 origin=7x1 goal=100x75 from=jpeg as=jpeg"},
		{"cropped and cut", wide, "gray handover scale=100x100 fit=cover crop=400x300 gravity=0%,0%", "pgm 200x150 full=400x300 reduced=4/8 goal=100x100 gravity=0%,0% from=jpeg as=jpeg"},
		{"cropped, the same size", wide, "gray handover scale=1 crop=400x300+8+16", "jpeg 400x300 full=400x300 reduced=8/8 goal=400x300 from=jpeg as=jpeg"},
		{"cover cuts, the same scale", wide, "gray handover scale=1001x100 fit=cover gravity=south", "jpeg 1001x100 full=1001x100 reduced=8/8 goal=1001x100 gravity=south from=jpeg as=jpeg"},
		{"on a background", rgb, "gray handover scale=50x50 fit=pad background=ff0000", "pgm 101x75 full=101x75 reduced=8/8 goal=50x50 background=4c4c4c from=png as=png"},
		{"several sizes, reduced for the largest", wide, "gray handover scale=100x,1/4,50x", "pgm 376x282 full=1001x750 reduced=3/8 goal=100x75,250x188,50x37 from=jpeg as=jpeg"},
		{"several sizes, wide and high", wide, "gray handover fast scale=100x400!,400x100!", "pgm 751x563 full=1001x750 reduced=6/8 goal=100x400,400x100 from=jpeg as=jpeg"},
		{"several sizes, one its own", wide, "gray handover scale=1001x,100x", "jpeg 1001x750 full=1001x750 reduced=8/8 goal=1001x750,100x75 from=jpeg as=jpeg"},
		{"several sizes, cut differently", wide, "gray handover scale=1001x100,100x100 fit=cover gravity=south", "jpeg 1001x750 full=1001x750 reduced=8/8 goal=1001x100,100x100 gravity=south from=jpeg as=jpeg"},
		{"several sizes of a part", wide, "gray handover scale=1/4,50x crop=400x300+101+51", "pgm 151x113 full=400x300 reduced=3/8 origin=7x1 goal=100x75,50x38 from=jpeg as=jpeg"},
		{"png", rgb, "gray handover scale=1/3", "pgm 101x75 full=101x75 reduced=8/8 goal=34x25 from=png as=png"},
	} {
		r, out := made(t, c.data, c.o)
		got := fmt.Sprintf("%s %dx%d full=%dx%d reduced=%d/8", r.Format, r.W, r.H, r.FullW, r.FullH, r.Reduced)
		if r.OriginX != 0 || r.OriginY != 0 {
			got += fmt.Sprintf(" origin=%dx%d", r.OriginX, r.OriginY)
		}
		for i, goal := range r.Goals {
			if i == 0 {
				got += " goal="
			} else {
				got += ","
			}
			got += fmt.Sprintf("%dx%d", goal.W, goal.H)
		}
		if r.Gravity != "" {
			got += " gravity=" + r.Gravity
		}
		if r.Background != "" {
			got += " background=" + r.Background
		}
		got += fmt.Sprintf(" from=%s as=%s", r.From, r.As)
		if got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
		if r.Format == "pgm" {
			if head := fmt.Sprintf("P5\n%d %d\n255\n", r.W, r.H); !bytes.HasPrefix(out, []byte(head)) || len(out) != len(head)+r.W*r.H {
				t.Errorf("%s: %d bytes, %.20q", c.name, len(out), out)
			}
		}
	}
}

// What travels keeps its depth and its alpha, and a palette its file.
func TestGrayForScalingOfOtherSamples(t *testing.T) {
	deep := image.NewNRGBA64(image.Rect(0, 0, 9, 8))
	for i := range deep.Pix {
		deep.Pix[i] = uint8(i * 3)
	}
	r, out := made(t, rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, deep) }), "gray handover scale=1/2")
	if head := "P7\nWIDTH 9\nHEIGHT 8\nDEPTH 2\nMAXVAL 65535\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n"; r.Format != "pam" || r.Type != "image/x-portable-arbitrarymap" || !bytes.HasPrefix(out, []byte(head)) {
		t.Errorf("%+v %.90q", r, out)
	}
	m := photo(40, 30)
	gray16 := image.NewGray16(m.Rect)
	for i := range gray16.Pix {
		gray16.Pix[i] = uint8(i)
	}
	r, out = made(t, rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, gray16) }), "gray handover scale=1/2")
	if !bytes.Equal(out, append([]byte("P5\n40 30\n65535\n"), gray16.Pix...)) {
		t.Errorf("16-bit gray does not travel as it is: %+v", r)
	}
}

// A JPEG that is said to be reduced already is not reduced once more.
func TestReducedJPEGIsNotReducedAgain(t *testing.T) {
	data := photoJPEG(t, 400, 300)
	_, pixels := made(t, data, "format=ppm")
	const words = "scale=100x75! of=800x600 reduced=4 format=ppm"
	_, want := made(t, pixels, words)
	if _, got := made(t, data, words); !bytes.Equal(got, want) {
		t.Error("other samples than of the same picture as PPM")
	}
}

func TestGrayForRefusals(t *testing.T) {
	data := photoJPEG(t, 64, 64)
	for g, kind := range map[string]fault.Kind{"100000x100000!": fault.TooLarge} {
		if _, err := plan.Run(&bytes.Buffer{}, bytes.NewReader(data), int64(len(data)), plantest.Ask("gray handover scale="+g)); fault.Of(err) != kind {
			t.Errorf("for=%s: %v", g, err)
		}
	}
}

// A turned JPEG with sides of whole blocks keeps Y's coefficients.
func TestTurnedJPEG(t *testing.T) {
	data := photoJPEG(t, 64, 48)
	_, upright := made(t, data, "gray")
	want, err := jpeg.Decode(bytes.NewReader(upright))
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range [][2]int{{64, 48}, {61, 45}} {
		data := photoJPEG(t, size[0], size[1])
		r, out := made(t, oriented(data, 6), "gray")
		m, err := jpeg.Decode(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if b := m.Bounds(); b.Dx() != size[1] || b.Dy() != size[0] || r.W != size[1] || r.H != size[0] {
			t.Errorf("%v turned is %v, said %dx%d", size, b, r.W, r.H)
		}
		if size[0] == 64 {
			g, w := m.(*image.Gray), want.(*image.Gray)
			for y := range 64 {
				for x := range 48 {
					if d := int(g.GrayAt(x, y).Y) - int(w.GrayAt(y, 47-x).Y); d < -1 || d > 1 {
						t.Fatalf("at %d, %d: off by %d", x, y, d)
					}
				}
			}
		}
	}
}
