package program

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// plainRunner runs programs without a jail, in a folder of their own.
type plainRunner struct{}

func (plainRunner) Run(ctx context.Context, c Command) error {
	dir, err := os.MkdirTemp("", "plain-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	in, err := os.Create(filepath.Join(dir, c.InName))
	if err != nil {
		return err
	}
	defer in.Close()
	if _, err := io.Copy(in, io.NewSectionReader(c.In, 0, math.MaxInt64)); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fault.New(fault.Format, "%v: %.200s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, c.OutName))
	if err != nil {
		return fault.New(fault.Format, "no output")
	}
	if uint64(len(b)) > c.Output {
		return fault.New(fault.Format, "%d bytes written, more than %d", len(b), c.Output)
	}
	_, err = c.Out.Write(b)
	return err
}

// folder is where a test makes its files.
type folder struct {
	t   *testing.T
	dir string
}

// peers returns a folder, and skips the test if a program is not there.
func peers(t *testing.T, programs ...string) folder {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(err)
		}
	}
	return folder{t, t.TempDir()}
}

func (f folder) run(name string, args ...string) {
	f.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = f.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		f.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

func (f folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f folder) read(name string) []byte {
	f.t.Helper()
	b, err := os.ReadFile(f.path(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

func (f folder) writePNG(name string, m image.Image) {
	f.t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.path(name), b.Bytes(), 0o666); err != nil {
		f.t.Fatal(err)
	}
}

// open opens a file of the folder.
func (f folder) open(name string) raster.Reader {
	f.t.Helper()
	b := f.read(name)
	r, err := New(plainRunner{}, Options{}).Open(bytes.NewReader(b), int64(len(b)), raster.Limits{})
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// hold returns the rows of a picture, upright.
func (f folder) hold(name string, hint raster.Hint) *raster.Held {
	f.t.Helper()
	return f.holdBy(name, hint, "")
}

// holdBy returns the rows of a picture, upright, where one program is not there.
func (f folder) holdBy(name string, hint raster.Hint, without string) *raster.Held {
	f.t.Helper()
	b := f.read(name)
	look := func(name string) (string, error) {
		if name == without {
			return "", exec.ErrNotFound
		}
		return exec.LookPath(name)
	}
	r, err := New(plainRunner{}, Options{Look: look}).Open(bytes.NewReader(b), int64(len(b)), raster.Limits{})
	if err != nil {
		f.t.Fatal(err)
	}
	rows, err := r.Rows(hint)
	if err != nil {
		f.t.Fatal(err)
	}
	if rows, err = raster.Upright(rows, raster.Limits{}); err != nil {
		f.t.Fatal(err)
	}
	held, err := raster.Hold(rows, raster.Limits{})
	if err != nil {
		f.t.Fatal(err)
	}
	return held
}

// smooth is a picture whose colours change slowly, so that subsampled chroma loses
// little.
func smooth(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			fx, fy := float64(x)/float64(w), float64(y)/float64(h)
			m.SetNRGBA(x, y, color.NRGBA{uint8(60 + 160*fx), uint8(128 + 90*math.Sin(3*fy)*math.Cos(2*fx)), uint8(220 - 150*fy*fx), 255})
		}
	}
	return m
}

// luma returns Y of a picture at full range, 0 to 255, by the shares of red and blue.
func luma(m image.Image, kr, kb float64) []float64 {
	b := m.Bounds()
	var ys []float64
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBA64Model.Convert(m.At(x, y)).(color.NRGBA64)
			ys = append(ys, (kr*float64(c.R)+(1-kr-kb)*float64(c.G)+kb*float64(c.B))/257)
		}
	}
	return ys
}

// samples returns the samples of a plane of a held picture, 0 to 255.
func samples(h *raster.Held) []float64 {
	var s []float64
	for _, v := range h.Planes[0].Pix {
		s = append(s, float64(v))
	}
	for _, v := range h.Planes[0].Pix16 {
		s = append(s, float64(v)/257)
	}
	return s
}

// mean returns the mean difference of samples.
func mean(t *testing.T, a, b []float64) float64 {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%d samples, want %d", len(a), len(b))
	}
	sum := 0.
	for i := range a {
		sum += math.Abs(a[i] - b[i])
	}
	return sum / float64(len(a))
}

// vips returns what vips decodes of a file, as RGB or RGBA from 0 to 255.
func (f folder) vips(name string) []float64 {
	f.t.Helper()
	f.run("vips", "copy", name, "vips.png")
	b := f.read("vips.png")
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		f.t.Fatal(err)
	}
	return rgb(m)
}

// rgb returns the samples of RGB of a picture, 0 to 255.
func rgb(m image.Image) []float64 {
	b := m.Bounds()
	var s []float64
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBA64Model.Convert(m.At(x, y)).(color.NRGBA64)
			s = append(s, float64(c.R)/257, float64(c.G)/257, float64(c.B)/257)
		}
	}
	return s
}
