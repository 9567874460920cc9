package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/tiff"
)

// liar is a runner whose program writes whatever the test wants.
type liar struct {
	output func(c Command) string
	err    error
	got    []Command
}

func (l *liar) Run(_ context.Context, c Command) error {
	l.got = append(l.got, c)
	if l.err != nil {
		return l.err
	}
	_, err := c.Out.WriteString(l.output(c))
	return err
}

// tempFiles counts the files that a decoder makes, and notes which are still open.
type tempFiles struct{ all []*os.File }

func (f *tempFiles) temp() (*os.File, error) {
	t, err := unnamed()
	f.all = append(f.all, t)
	return t, err
}

func (f *tempFiles) open() (n int) {
	for _, t := range f.all {
		if _, err := t.Stat(); err == nil {
			n++
		}
	}
	return n
}

// only returns a way to find one program and no other.
func only(names ...string) func(string) (string, error) {
	return func(name string) (string, error) {
		for _, n := range names {
			if n == name {
				return "/nowhere/" + name, nil
			}
		}
		return "", exec.ErrNotFound
	}
}

func testdata(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func y4mOf(w, h int, coding string, n int) string {
	return fmt.Sprintf("YUV4MPEG2 W%d H%d F30:1 %s\nFRAME\n", w, h, coding) + strings.Repeat("\x80", n)
}

// A program that lies about size, depth or bytes, writes rubbish or nothing, or fails is
// an error, and no file stays open.
func TestOutputThatIsNotThePictureIsRefused(t *testing.T) {
	const samples = 64 * 48 * 3 / 2
	for name, c := range map[string]struct {
		file, tool, output string
		want               string
	}{
		"nothing":             {"exif.heic", "heif-convert", "", "heif-convert: no output"},
		"rubbish":             {"exif.heic", "heif-convert", strings.Repeat("x", 5000), "heif-convert: not YUV4MPEG2"},
		"another size":        {"exif.heic", "heif-convert", y4mOf(48, 64, "", samples), "heif-convert: 48×64 pixels of 8 bits where there should be 64×48 of 8"},
		"a larger size":       {"exif.heic", "heif-convert", y4mOf(128, 96, "", 4*samples), "128×96 pixels"},
		"a bomb":              {"exif.heic", "heif-convert", y4mOf(1<<20, 1<<20, "", samples), "Mpixel > 250 Mpixel"},
		"too few samples":     {"exif.heic", "heif-convert", y4mOf(64, 48, "", samples-1), "4607 bytes for 64×48 pixels"},
		"too many samples":    {"exif.heic", "heif-convert", y4mOf(64, 48, "", samples+6), "4614 bytes"},
		"more bits":           {"exif.heic", "heif-convert", y4mOf(64, 48, "C420p10", 2*samples), "64×48 pixels of 10 bits"},
		"fewer bits":          {"deep.avif", "avifdec", y4mOf(64, 48, "C422", 64*48*2), "64×48 pixels of 8 bits where there should be 64×48 of 12"},
		"the cropped size":    {"deep.avif", "avifdec", y4mOf(40, 30, "C422p12", 40*30*4), "40×30 pixels of 12 bits where there should be 64×48 of 12"},
		"no TIFF":             {"deep.heic", "vips", y4mOf(64, 48, "", samples), "vips: "},
		"a TIFF of 8 bits":    {"deep.heic", "vips", tiffOf(64, 48, 8, 3), "vips: 64×48 pixels of 8 bits where there should be 64×48 of 16"},
		"a TIFF of gray":      {"deep.heic", "vips", tiffOf(64, 48, 16, 1), "vips: a picture of gray where there should be rgb"},
		"a cut TIFF":          {"deep.heic", "vips", tiffOf(64, 48, 16, 3)[:2000], "vips: "},
		"alpha of other size": {"alpha.heic", "heif-convert", y4mOf(64, 48, "", samples), ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, temps := testdata(t, c.file), &tempFiles{}
			d := New(&liar{output: func(Command) string { return c.output }}, Options{Look: only(c.tool), Temp: temps.temp})
			r, err := d.Open(bytes.NewReader(b), int64(len(b)), raster.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			rows, err := r.Rows(raster.Hint{})
			if err == nil {
				_, err = raster.Hold(rows, raster.Limits{})
				if c.want == "" && err == nil {
					if n := temps.open(); n > 1 { // the alpha has no row after its last
						t.Errorf("%d files left open", n)
					}
					return
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if kind := fault.Of(err); kind != fault.Format && kind != fault.TooLarge {
				t.Errorf("%v: %v", kind, err)
			}
			if n := temps.open(); n > 0 {
				t.Errorf("%d files left open", n)
			}
		})
	}
}

// What the runner reports keeps its kind and gets the name of the program.
func TestErrorOfTheRunnerKeepsItsKind(t *testing.T) {
	b, temps := testdata(t, "exif.heic"), &tempFiles{}
	for _, kind := range []fault.Kind{fault.Timeout, fault.TooLarge, fault.Format, fault.Internal} {
		d := New(&liar{err: fault.New(kind, "stopped after 30s")}, Options{Look: only("heif-convert"), Temp: temps.temp})
		r, err := d.Open(bytes.NewReader(b), int64(len(b)), raster.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Rows(raster.Hint{}); fault.Of(err) != kind || err.Error() != "heif-convert: stopped after 30s" {
			t.Errorf("%v: %v", fault.Of(err), err)
		}
	}
	if n := temps.open(); n > 0 {
		t.Errorf("%d files left open", n)
	}
}

// A file that ends before its pixels is refused before a program runs; with -lenient the
// program gets it.
func TestTruncatedFileIsRefused(t *testing.T) {
	b := testdata(t, "p3.heic") // which ends with its pixels
	whole := len(b)
	b = b[:whole-1]
	l := &liar{err: errors.New("enough")}
	d := New(l, Options{Look: only("heif-convert")})
	_, err := d.Open(bytes.NewReader(b), int64(len(b)), raster.Limits{})
	if want := fmt.Sprintf("truncated: %d of %d bytes", len(b), whole); fault.Of(err) != fault.Format || err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
	r, err := d.Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Lenient: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Notes()) != 1 {
		t.Errorf("%q", r.Notes())
	}
}

// Nothing runs for a picture beyond -maxpixels, and a program gets what limits say.
func TestLimitsHoldBeforeAndDuringARun(t *testing.T) {
	b := testdata(t, "exif.heic")
	l := &liar{err: errors.New("enough")}
	d := New(l, Options{Look: only("heif-convert"), Time: 7})
	if _, err := d.Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Pixels: 64*48 - 1}); fault.Of(err) != fault.TooLarge {
		t.Error(err)
	}
	if len(l.got) > 0 {
		t.Fatal("a program was run")
	}
	r, err := d.Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Mem: 200 << 20})
	if err != nil {
		t.Fatal(err)
	}
	r.Rows(raster.Hint{})
	if len(l.got) != 1 {
		t.Fatal(len(l.got))
	}
	if r, err = d.Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Mem: 64*48 + maxBeside}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Rows(raster.Hint{}); fault.Of(err) != fault.TooLarge || len(l.got) != 1 {
		t.Errorf("%v, %d runs", err, len(l.got))
	}
	if c := l.got[0]; c.Memory+c.Output != 200<<20 || c.Time != 7 || c.Output != 64*48*3/2+maxBeside || c.InName != "in.heic" || c.OutName != "out.y4m" {
		t.Errorf("%+v", c)
	}
}

// An open file is given to the program as it is; anything else is copied.
func TestFileIsNotCopied(t *testing.T) {
	path := filepath.Join("..", "testdata", "exif.heic")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{err: errors.New("enough")}
	d := New(l, Options{Look: only("heif-convert")})
	run := func(size int64, cut int64) *os.File {
		r, err := d.Open(readerAt(f, size, cut), size-cut, raster.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		r.Rows(raster.Hint{})
		return l.got[len(l.got)-1].In
	}
	if run(st.Size(), 0) != f {
		t.Error("the file was copied")
	}
	if run(st.Size(), 1) == f {
		t.Error("bytes behind the end were given to the program")
	}
}

// A missing program is named with its package, and a picture that none decodes with what
// none can do.
func TestRefusalSaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		file string
		look []string
		want string
	}{
		{"exif.heic", nil, "HEIC of 64×48 pixels: no program here decodes it; install the package libheif-examples"},
		{"exif.heic", []string{"avifdec"}, "libheif-examples"},
		{"exif.avif", nil, "AVIF of 48×64 pixels: no program here decodes it; install the package libavif-bin"},
		{"deep.heic", []string{"heif-convert", "avifdec"}, "HEIC of 64×48 pixels: no program here decodes 10 bits; install the package libvips-tools"},
	} {
		t.Run(c.file, func(t *testing.T) {
			b := testdata(t, c.file)
			_, err := New(&liar{}, Options{Look: only(c.look...)}).Open(bytes.NewReader(b), int64(len(b)), raster.Limits{})
			if fault.Of(err) != fault.Unsupported || !strings.Contains(err.Error(), c.want) {
				t.Error(err)
			}
		})
	}
}

// readerAt returns the first bytes of a file, or the file itself.
func readerAt(f *os.File, size, cut int64) io.ReaderAt {
	return io.NewSectionReader(io.NewSectionReader(f, 0, size), 0, size-cut)
}

// tiffOf returns an uncompressed TIFF.
func tiffOf(w, h int, bits uint8, n int) string {
	l := raster.RGB
	if n == 1 {
		l = raster.Gray
	}
	held := &raster.Held{H: raster.NewHeader(w, h, l, bits)}
	held.Planes[0] = raster.Plane{Stride: n * w, Rows: h, Pix: make([]uint8, n*w*h), Pix16: make([]uint16, n*w*h)}
	var b bytes.Buffer
	if err := tiff.Encode(&b, held.Rows(), tiff.EncodeOptions{Uncompressed: true}); err != nil {
		panic(err)
	}
	return b.String()
}
