package plan_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster/rastertest"
)

// busy is a smooth picture with noise around the point fx, fy of its sides.
func busy(w, h int, fx, fy float64) *image.NRGBA {
	rnd := rand.New(rand.NewPCG(3, 4))
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := uint8(90 + 30*y/h)
			c := color.NRGBA{v, v, v, 255}
			if math.Abs(float64(x)/float64(w)-fx) < 0.06 && math.Abs(float64(y)/float64(h)-fy) < 0.06 {
				c = color.NRGBA{uint8(rnd.UintN(256)), uint8(rnd.UintN(256)), uint8(rnd.UintN(256)), 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// focus reads a point: 31.25%,70%.
func focus(t *testing.T, r plan.Result) (x, y float64) {
	t.Helper()
	if n, err := fmt.Sscanf(r.Gravity, "%f%%,%f%%", &x, &y); n != 2 || err != nil {
		t.Fatalf("gravity %q", r.Gravity)
	}
	return x / 100, y / 100
}

// The focus is found in every format and orientation, in colour and in luma, and is the
// same for all sizes.
func TestAttentionFindsDetail(t *testing.T) {
	const w, h, fx, fy = 700, 500, 0.8, 0.25
	m := busy(w, h, fx, fy)
	data := map[string][]byte{
		"png": rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) }),
		"gif": rastertest.Encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, m, nil) }),
	}
	coded := rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, &jpeg.Options{Quality: 90}) })
	for o := 1; o <= 8; o++ {
		data[fmt.Sprint("jpeg ", o)] = oriented(coded, o)
	}
	frames := &gif.GIF{Delay: []int{1, 1}}
	for _, at := range [][2]float64{{fx, fy}, {0.2, 0.7}} {
		f := image.NewPaletted(m.Rect, color.Palette{color.Black, color.White, color.Gray{100}})
		for i, c := range busy(w, h, at[0], at[1]).Pix {
			if i%4 == 0 {
				f.Pix[i/4] = uint8(2 - c/200*1)
			}
		}
		frames.Image = append(frames.Image, f)
	}
	data["animation"] = rastertest.Encoded(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, frames) })
	for name, in := range data {
		t.Run(name, func(t *testing.T) {
			x, y := fx, fy
			switch name {
			case "jpeg 2":
				x = 1 - fx
			case "jpeg 3":
				x, y = 1-fx, 1-fy
			case "jpeg 4":
				y = 1 - fy
			case "jpeg 5":
				x, y = fy, fx
			case "jpeg 6":
				x, y = 1-fy, fx
			case "jpeg 7":
				x, y = 1-fy, 1-fx
			case "jpeg 8":
				x, y = fy, 1-fx
			}
			gravity := ""
			for _, words := range []string{"scale=50x50 fit=cover", "scale=100x30 fit=cover", "crop=40%x40%", "crop=64x64 scale=1/2", "scale=900x20 fit=cover", "scale=50x50 fit=cover gray"} {
				r, _ := made(t, in, words+" gravity=attention")
				at, down := focus(t, r)
				if words[:4] == "crop" { // of the part, where it is in the middle
					if math.Abs(at-0.5) > 0.1 || math.Abs(down-0.5) > 0.1 {
						t.Errorf("%s: at %s of the part", words, r.Gravity)
					}
					continue
				}
				if math.Abs(at-x) > 0.05 || math.Abs(down-y) > 0.05 {
					t.Errorf("%s: at %s, want %.2f, %.2f", words, r.Gravity, x, y)
				}
				if gravity != "" && r.Gravity != gravity && !strings.HasSuffix(words, "gray") {
					t.Errorf("%s: at %s, for another size at %s", words, r.Gravity, gravity)
				}
				gravity = r.Gravity
			}
			r, _ := made(t, in, "gray handover scale=50x50 fit=cover gravity=attention")
			if at, down := focus(t, r); math.Abs(at-x) > 0.05 || math.Abs(down-y) > 0.05 {
				t.Errorf("for scaled: at %s", r.Gravity)
			}
		})
	}
}

// Within a part that is placed by numbers the part's own detail counts. On a background
// nothing is cut off, and attention is the middle.
func TestAttentionInAPart(t *testing.T) {
	m := busy(700, 500, 0.8, 0.25)
	for y := 380; y < 430; y++ {
		for x := 100; x < 160; x++ {
			m.SetNRGBA(x, y, color.NRGBA{uint8(x * 90), uint8(y * 70), 90, 255})
		}
	}
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
	r, _ := made(t, data, "crop=300x300+0+200 scale=40x20 fit=cover gravity=attention")
	if x, y := focus(t, r); math.Abs(x-130./300) > 0.05 || math.Abs(y-205./300) > 0.05 {
		t.Errorf("at %s of the part", r.Gravity)
	}
	whole, middle := "scale=90x90 fit=pad gravity=attention", "scale=90x90 fit=pad"
	_, a := made(t, data, whole)
	if _, b := made(t, data, middle); !bytes.Equal(a, b) {
		t.Error("on a background the picture is not in the middle")
	}
	if _, err := plan.Run(&bytes.Buffer{}, bytes.NewReader(data[:len(data)/2]), int64(len(data)/2), plantest.Ask("crop=9x9 gravity=attention")); fault.Of(err) != fault.Format {
		t.Errorf("half a file: %v", err)
	}
}

// Windows of half the sides around our focus and around that of vips overlap by half in
// eight of ten photographs. They are those of Debian's package
// plasma-workspace-wallpapers, installed, or unpacked by tests/bench.
func TestAttentionAgreesWithVips(t *testing.T) {
	if _, err := exec.LookPath("vips"); err != nil {
		t.Skip(err)
	}
	var files []string
	for _, dir := range []string{"/usr/share/wallpapers", "../../../bin/bench/x/usr/share/wallpapers", os.Getenv("WALLPAPERS")} {
		if files, _ = filepath.Glob(filepath.Join(dir, "*/contents/images/2560x1600.jpg")); len(files) >= 10 {
			break
		}
	}
	if len(files) < 10 {
		t.Skip("no photographs: apt-get install plasma-workspace-wallpapers, or WALLPAPERS=FOLDER")
	}
	agree := 0
	for _, file := range files {
		out, err := exec.Command("vips", "smartcrop", file, filepath.Join(t.TempDir(), "o.v"), "1280", "800", "--interesting", "attention", "--attention-x", "--attention-y").Output()
		var vx, vy float64
		if n, _ := fmt.Sscan(string(out), &vx, &vy); err != nil || n != 2 {
			t.Fatalf("vips: %v, %q", err, out)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := made(t, data, "scale=64x64 fit=cover gravity=attention")
		x, y := focus(t, r)
		along := func(a, b float64) float64 { // of windows that stay inside
			a, b = max(0.25, min(a, 0.75)), max(0.25, min(b, 0.75))
			return 1 - math.Abs(a-b)/0.5
		}
		overlap := along(x, vx/2560) * along(y, vy/1600)
		if overlap >= 0.5 {
			agree++
		}
		t.Logf("%s: %s, vips %.1f%%,%.1f%%: %.2f", strings.TrimPrefix(file, filepath.Dir(filepath.Dir(filepath.Dir(filepath.Dir(file))))), r.Gravity, vx/25.6, vy/16, overlap)
	}
	if 10*agree < 8*len(files) {
		t.Errorf("%d of %d windows overlap by half", agree, len(files))
	}
}

// countedReads counts the bytes that are read of a file.
type countedReads struct {
	*bytes.Reader
	n int64
}

func (c *countedReads) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Reader.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}

// TestAttentionReadsOnce: a picture that is scaled to cover a box is read once, and gives
// what it gives for the point that was found. Where the point decides what is decoded, or
// where too much would be held, it is read twice.
func TestAttentionReadsOnce(t *testing.T) {
	m := busy(2100, 1500, 0.8, 0.25)
	deep := image.NewNRGBA64(image.Rect(0, 0, 700, 500))
	small := busy(700, 500, 0.3, 0.7)
	for y := range 500 {
		for x := range 700 {
			deep.Set(x, y, small.At(x, y))
		}
	}
	small.SetNRGBA(5, 5, color.NRGBA{1, 2, 3, 100})
	encode := func(m image.Image) []byte {
		return rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
	}
	coded := rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, &jpeg.Options{Quality: 90}) })
	files := map[string][]byte{"png": encode(m), "png with alpha": encode(small), "png of 16 bits": encode(deep), "jpeg": coded, "turned jpeg": oriented(coded, 6)}
	for _, c := range []struct {
		file, words string
		twice       bool
	}{
		{file: "png", words: "scale=301x200 fit=cover"},
		{file: "png", words: "scale=301x200 fit=cover linear"},
		{file: "png", words: "scale=301x200 fit=cover gray"},
		{file: "png", words: "scale=301x200 fit=cover format=jpeg"},
		{file: "png", words: "scale=301x200 fit=cover crop=1000x1000+900+100 background=ff0000"},
		{file: "png", words: "scale=301x200 fit=cover gray handover"},
		{file: "png", words: "scale=1900x1350 fit=cover", twice: true},
		{file: "png", words: "crop=300x200", twice: true},
		{file: "png with alpha", words: "scale=99x200 fit=cover"},
		{file: "png with alpha", words: "scale=99x200 fit=cover gray"},
		{file: "png of 16 bits", words: "scale=99x200 fit=cover"},
		{file: "jpeg", words: "scale=301x200 fit=cover"},
		{file: "jpeg", words: "scale=301x200 fit=cover fast"},
		{file: "jpeg", words: "scale=900x800 fit=cover"},
		{file: "jpeg", words: "scale=301x200 fit=cover gray"},
		{file: "jpeg", words: "scale=301x200 fit=cover gray=709"},
		{file: "jpeg", words: "scale=301x200 fit=cover format=png"},
		{file: "jpeg", words: "scale=301x200 fit=cover gray handover"},
		{file: "turned jpeg", words: "scale=301x200 fit=cover"},
		{file: "turned jpeg", words: "scale=301x200 fit=cover format=png"},
		{file: "jpeg", words: "crop=300x200", twice: true},
		{file: "jpeg", words: "scale=300x1500 fit=cover", twice: true},
	} {
		t.Run(c.file+" "+c.words, func(t *testing.T) {
			data := files[c.file]
			in := &countedReads{Reader: bytes.NewReader(data)}
			var out bytes.Buffer
			r, err := plan.Run(&out, in, int64(len(data)), plantest.Ask(c.words+" gravity=attention"))
			if err != nil {
				t.Fatal(err)
			}
			if twice := in.n > int64(len(data))*3/2; twice != c.twice && !strings.Contains(c.file, "alpha") {
				t.Errorf("%d bytes read of a file of %d", in.n, len(data))
			}
			focus(t, r)
			if strings.Contains(c.words, "crop=300x200") {
				return // the point is that in the part
			}
			if _, want := made(t, data, c.words+" gravity="+r.Gravity); !bytes.Equal(out.Bytes(), want) {
				t.Errorf("gravity=%s gives another result", r.Gravity)
			}
		})
	}
}

// TestAttentionIsTheSameForAllSizes: however far a JPEG is reduced, the focus stays.
func TestAttentionIsTheSameForAllSizes(t *testing.T) {
	m := busy(2100, 1500, 0.6, 0.3)
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, &jpeg.Options{Quality: 90}) })
	var first string
	for _, words := range []string{"scale=100x100", "scale=300x400", "scale=700x500", "scale=1000x200", "scale=1200x1200", "scale=100x100 fast", "scale=700x300 format=png", "scale=100x100 kernel=box"} {
		r, _ := made(t, data, words+" fit=cover gravity=attention")
		if first == "" {
			first = r.Gravity
		}
		if r.Gravity != first {
			t.Errorf("%s: %s, not %s", words, r.Gravity, first)
		}
	}
}
