package heif

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// peers skips the test if a program is not there. It returns a folder, and a function that
// runs a program in it.
func peers(t *testing.T, programs ...string) (dir string, run func(name string, args ...string)) {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(err)
		}
	}
	dir = t.TempDir()
	return dir, func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
	}
}

func writePNG(t *testing.T, path string, m image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
}

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func openFile(t *testing.T, path string) *Picture {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := open(data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The orientation and the upright size are those that libheif gives a picture whose four
// quarters differ.
func TestOrientationIsThatOfLibheif(t *testing.T) {
	dir, run := peers(t, "avifenc", "heif-convert")
	const w, h = 64, 48
	gray := map[point]uint8{{-1, -1}: 10, {1, -1}: 90, {-1, 1}: 170, {1, 1}: 250}
	stored := image.NewGray(image.Rect(0, 0, w, h))
	sign := func(v, half int) float64 { return map[bool]float64{true: -1, false: 1}[v < half] }
	for y := range h {
		for x := range w {
			stored.SetGray(x, y, color.Gray{Y: gray[point{sign(x, w/2), sign(y, h/2)}]})
		}
	}
	writePNG(t, filepath.Join(dir, "in.png"), stored)
	for angle := range 4 {
		for mirror := range 3 { // 2: none
			t.Run(fmt.Sprintf("irot %d, imir %d", angle, mirror), func(t *testing.T) {
				args := []string{"-s", "10", "--irot", fmt.Sprint(angle)}
				if mirror < 2 {
					args = append(args, "--imir", fmt.Sprint(mirror))
				}
				run("avifenc", append(args, "in.png", "a.avif")...)
				run("heif-convert", "a.avif", "out.png")
				p, out := openFile(t, filepath.Join(dir, "a.avif")), readPNG(t, filepath.Join(dir, "out.png"))
				if got := out.Bounds().Size(); got != image.Pt(p.W, p.H) {
					t.Fatalf("%d×%d, libheif %v", p.W, p.H, got)
				}
				for from, want := range gray {
					to := upright[p.Orientation](from)
					x, y := int(float64(p.W)*(2+to.x)/4), int(float64(p.H)*(2+to.y)/4)
					if got := color.GrayModel.Convert(out.At(x, y)).(color.Gray).Y; max(got, want)-min(got, want) > 20 {
						t.Errorf("orientation %d: %d at %d,%d, want %d", p.Orientation, got, x, y, want)
					}
				}
			})
		}
	}
}

// The size is that of the picture that was encoded, and what libheif decodes, whatever
// padding and cropping it takes.
func TestSizesAreThoseOfLibheif(t *testing.T) {
	dir, run := peers(t, "heif-enc", "avifenc", "heif-convert")
	for _, size := range []image.Point{{16, 16}, {17, 16}, {16, 19}, {63, 65}, {101, 30}} {
		m := image.NewNRGBA(image.Rectangle{Max: size})
		for i := range m.Pix {
			m.Pix[i] = uint8(i)
		}
		writePNG(t, filepath.Join(dir, "in.png"), m)
		for name, encode := range map[string]func(){
			"a.heic": func() { run("heif-enc", "-o", "a.heic", "in.png") },
			"a.avif": func() { run("avifenc", "-s", "10", "in.png", "a.avif") },
		} {
			t.Run(fmt.Sprint(name, size), func(t *testing.T) {
				encode()
				run("heif-convert", name, "out.png")
				p, out := openFile(t, filepath.Join(dir, name)), readPNG(t, filepath.Join(dir, "out.png"))
				if got := out.Bounds().Size(); got != image.Pt(p.W, p.H) || got != size || !p.Alpha {
					t.Errorf("%v: %d×%d, alpha %v, libheif %v", size, p.W, p.H, p.Alpha, got)
				}
			})
		}
	}
}
