package plan_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"os/exec"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
)

// run gives data to a program and returns what it writes.
func run(t *testing.T, data []byte, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(args[0]); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(args, err)
	}
	return out
}

// A crop of a JPEG on its MCUs, in colour or gray, has the coefficients that jpegtran
// keeps: its decoder makes the same pixels of both.
func TestCropOfAJPEGIsThatOfJpegtran(t *testing.T) {
	noisy := run(t, photoPPM(250, 243), "cjpeg", "-quality", "100", "-sample", "1x1")
	for name, data := range map[string][]byte{
		"4:2:0":       photoJPEG(t, 250, 243),
		"4:4:4":       noisy,
		"4:2:2":       run(t, photoPPM(250, 243), "cjpeg", "-sample", "2x1"),
		"4:4:0":       run(t, photoPPM(250, 243), "cjpeg", "-sample", "1x2"),
		"progressive": run(t, photoJPEG(t, 250, 243), "jpegtran", "-progressive"),
		"restarts":    run(t, photoJPEG(t, 250, 243), "jpegtran", "-restart", "3B"),
		"gray":        run(t, photoJPEG(t, 250, 243), "jpegtran", "-grayscale"),
	} {
		for _, c := range []struct {
			part     string
			coloured bool // on the MCUs of all samplings
		}{
			{"100x90+16+32", true}, {"1x1+0+0", true}, {"234x227+16+16", true}, {"33x243+0+0", true}, {"250x17+0+224", true},
			{"100x90+8+24", false}, {"2x3+248+240", false},
		} {
			for _, gray := range []string{"", "gray "} {
				if gray == "" && !c.coloured && name != "4:4:4" && name != "gray" {
					continue
				}
				t.Run(name+" "+gray+c.part, func(t *testing.T) {
					args := []string{"jpegtran", "-copy", "none", "-crop", c.part}
					in := data
					if gray != "" && name != "gray" {
						// jpegtran -grayscale -crop still cuts on the MCUs of colour.
						in = run(t, data, "jpegtran", "-grayscale")
					}
					want := run(t, run(t, in, args...), "djpeg", "-pnm")
					r, out := made(t, data, gray+"crop="+c.part)
					if got := run(t, out, "djpeg", "-pnm"); !bytes.Equal(got, want) || r.Format != "jpeg" {
						t.Errorf("%d bytes of pixels, not the %d of jpegtran", len(got), len(want))
					}
				})
			}
		}
	}
}

func photoPPM(w, h int) []byte {
	m := photo(w, h)
	b := fmt.Appendf(nil, "P6\n%d %d\n255\n", w, h)
	for i := 0; i < len(m.Pix); i += 4 {
		b = append(b, m.Pix[i:i+3]...)
	}
	return b
}

// A turned JPEG is cut without loss, too, where its upright MCUs allow it.
func TestCropOfATurnedJPEGIsLossless(t *testing.T) {
	data := photoJPEG(t, 96, 64)
	turns := [9]string{3: "180", 6: "90", 8: "270"}
	for o, turn := range turns {
		if turn == "" {
			continue
		}
		t.Run(turn, func(t *testing.T) {
			want := run(t, run(t, run(t, data, "jpegtran", "-rotate", turn), "jpegtran", "-crop", "35x21+16+32"), "djpeg", "-pnm")
			_, out := made(t, oriented(data, o), "crop=35x21+16+32")
			if got := run(t, out, "djpeg", "-pnm"); !bytes.Equal(got, want) {
				t.Error("other pixels than those of jpegtran")
			}
		})
	}
}

// Elsewhere the part is decoded and coded again with little loss, and a quality that is
// asked for holds.
func TestCropOfAJPEGBesideItsMCUs(t *testing.T) {
	data := photoJPEG(t, 250, 243)
	whole, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	_, fine := made(t, data, "crop=100x90+17+32")
	_, coarse := made(t, data, "crop=100x90+16+32 quality=20")
	if len(coarse) > len(fine)/3 {
		t.Errorf("quality 20 takes %d bytes, 95 %d", len(coarse), len(fine))
	}
	got, err := jpeg.Decode(bytes.NewReader(fine))
	if err != nil || got.Bounds() != image.Rect(0, 0, 100, 90) {
		t.Fatal(got.Bounds(), err)
	}
	sum := 0.0
	for y := range 90 {
		for x := range 100 {
			d := float64(got.(*image.YCbCr).YCbCrAt(x, y).Y) - float64(whole.(*image.YCbCr).YCbCrAt(17+x, 32+y).Y)
			sum += d * d
		}
	}
	if mean := sum / 9000; mean > 4 {
		t.Errorf("luma's mean square error is %.2f", mean)
	}
}

// A damaged picture is refused whichever part of it is wanted. With fast, what lies
// below the part is not read, and a note says so.
func TestCropOfADamagedPicture(t *testing.T) {
	whole := photoJPEG(t, 400, 400)
	files := map[string][]byte{
		"baseline": whole[:len(whole)/2],
		"pnm":      photoPPM(400, 400)[:300000],
	}
	if _, err := exec.LookPath("jpegtran"); err == nil {
		p := run(t, whole, "jpegtran", "-progressive")
		files["progressive"] = p[:len(p)*3/4]
	}
	for name, data := range files {
		for _, words := range []string{"crop=64x64+0+0", "crop=64x64+3+5", "crop=64x64+0+0 gray", "crop=64x64+0+0 scale=1/2", "crop=64x64+0+0 gray handover scale=1/2", "scale=30x2 fit=cover gravity=north", "crop=64x64+0+0 format=png"} {
			t.Run(name+" "+words, func(t *testing.T) {
				_, err := plan.Run(&bytes.Buffer{}, bytes.NewReader(data), int64(len(data)), plantest.Ask(words))
				if fault.Of(err) != fault.Format {
					t.Errorf("%v, want an error of the format", err)
				}
			})
		}
	}
	r, out := made(t, files["baseline"], "crop=64x64+3+5 fast")
	if r.Note != "rows below the crop were not checked" || len(out) == 0 {
		t.Errorf("note %q", r.Note)
	}
	if r, _ = made(t, whole, "crop=64x395+3+5 fast"); strings.Contains(r.Note, "crop") {
		t.Errorf("note %q of a part that ends with the picture", r.Note)
	}
}

// A part of a large picture needs no more memory than the whole, and a part that is
// held, to be turned, only its own.
func TestCropIsHeldAlone(t *testing.T) {
	data := oriented(photoJPEG(t, 1000, 800), 3)
	lim := raster.Limits{Mem: 1 << 20}
	if _, err := plan.Run(&bytes.Buffer{}, bytes.NewReader(data), int64(len(data)), plantest.Within(lim, "crop=300x200+1+1 format=ppm")); err != nil {
		t.Error(err)
	}
	if _, err := plan.Run(&bytes.Buffer{}, bytes.NewReader(data), int64(len(data)), plantest.Within(lim, "format=ppm")); fault.Of(err) != fault.TooLarge {
		t.Errorf("the whole: %v", err)
	}
}

// Of a JPEG only the MCUs around the part are made samples. The part has the pixels of
// the whole, in all samplings and codings, at the edges and in the middle.
func TestCropOfALargeJPEGIsAPartOfTheWhole(t *testing.T) {
	const w, h = 517, 403
	ppm := photoPPM(w, h)
	files := map[string][]byte{"image/jpeg": photoJPEG(t, w, h), "turned": oriented(photoJPEG(t, w, h), 6)}
	if _, err := exec.LookPath("cjpeg"); err == nil {
		for _, sampling := range []string{"1x1", "2x1", "1x2", "2x2", "4x1", "1x4", "4x2"} {
			files[sampling] = run(t, ppm, "cjpeg", "-sample", sampling)
			files[sampling+" progressive"] = run(t, ppm, "cjpeg", "-progressive", "-sample", sampling)
		}
	}
	for name, data := range files {
		_, whole := made(t, data, "format=ppm")
		width := w
		if name == "turned" {
			width = h
		}
		body := whole[len(whole)-3*w*h:]
		for _, r := range [][4]int{{1, 1, 0, 0}, {33, 21, 201, 190}, {100, 100, 303, 303}, {7, 400, 396, 1}, {64, 48, 128, 64}} {
			_, out := made(t, data, fmt.Sprintf("format=ppm crop=%dx%d+%d+%d", r[0], r[1], r[2], r[3]))
			var want []byte
			for y := r[3]; y < r[3]+r[1]; y++ {
				want = append(want, body[3*(y*width+r[2]):][:3*r[0]]...)
			}
			if got := out[max(0, len(out)-len(want)):]; !bytes.Equal(got, want) {
				t.Errorf("%s: the part %v differs from the whole", name, r)
			}
		}
	}
}
