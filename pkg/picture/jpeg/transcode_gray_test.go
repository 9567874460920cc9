package jpeg

import (
	"bytes"
	"image"
	stdjpeg "image/jpeg"
	"io"
	"os/exec"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// toGray runs the transcoder; nil when it leaves the file to the decoder.
func toGray(t testing.TB, p []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	r := open(t, p)
	var icc []byte
	if r.model == gray { // as package plan asks
		icc = r.Header().ICC
	}
	done, err := Gray(&out, r, icc)
	if err != nil {
		t.Fatal(err)
	}
	if !done {
		return nil
	}
	return out.Bytes()
}

// run runs a tool of libjpeg-turbo-progs on p.
func run(t testing.TB, p []byte, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(args[0]); err != nil {
		t.Fatalf("%v: run tests/setup.sh", err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin = bytes.NewReader(p)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v: %s", args, err, errs.Bytes())
	}
	return out.Bytes()
}

// leftToTheDecoder says which files of testdata Gray must not do.
func leftToTheDecoder(name string) bool {
	return strings.HasPrefix(name, "ycck") || name == "rgb.jpg" || name == "odd_small_luma.jpg"
}

func TestGrayKeepsEachCoefficientOfLuma(t *testing.T) {
	for _, name := range corpus(t) {
		in := read(t, name)
		out := toGray(t, in)
		if out == nil != leftToTheDecoder(name) {
			t.Errorf("%s: done: %v", name, out != nil)
		}
		if out == nil {
			continue
		}
		a, b := mustDecode(t, in, raster.Hint{Luma: true}), mustDecode(t, out, raster.Hint{})
		if a.H.Layout != raster.Gray || b.H.Layout != raster.Gray || a.H.W() != b.H.W() || a.H.H() != b.H.H() {
			t.Fatalf("%s: %v, %v", name, a.H, b.H)
		}
		if d := furthest(a.Planes[0].Pix, a.Planes[0].Stride, b.Planes[0].Pix, b.Planes[0].Stride, a.H.W(), a.H.H()); d > 0 {
			t.Errorf("%s: luma differs by %d", name, d)
		}
		std, err := stdjpeg.Decode(bytes.NewReader(out))
		if err != nil {
			if name != "prog_rst.jpg" && name != "noninter_rst.jpg" {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		g := std.(*image.Gray)
		if d := furthest(g.Pix, g.Stride, b.Planes[0].Pix, b.Planes[0].Stride, a.H.W(), a.H.H()); d > 1 {
			t.Errorf("%s: image/jpeg differs by %d", name, d)
		}
	}
}

func TestGrayIsThatOfJpegtran(t *testing.T) {
	for _, name := range corpus(t) {
		in := read(t, name)
		out := toGray(t, in)
		if out == nil {
			continue
		}
		want := run(t, run(t, in, "jpegtran", "-grayscale"), "djpeg")
		if got := run(t, out, "djpeg"); !bytes.Equal(got, want) {
			t.Errorf("%s: not jpegtran's pixels", name)
		}
	}
}

// Without the memory to hold what copying needs, the caller decodes.
func TestGrayAndCopyLeaveTheFileAloneWithoutMemory(t *testing.T) {
	for _, name := range []string{"prog_2x2.jpg", "arith.jpg"} {
		t.Run(name, func(t *testing.T) {
			p := read(t, name)
			for way, do := range map[string]func(r *Reader) (bool, error){
				"gray": func(r *Reader) (bool, error) { return Gray(io.Discard, r, nil) },
				"copy": func(r *Reader) (bool, error) { return Copy(io.Discard, r) },
			} {
				r, err := Open(bytes.NewReader(p), int64(len(p)), raster.Limits{Mem: 500})
				if err != nil {
					t.Fatal(err)
				}
				if done, err := do(r); done || err != nil {
					t.Errorf("%s: done %v, %v", way, done, err)
				}
				if _, err := r.Rows(raster.Hint{}); fault.Of(err) != fault.TooLarge {
					t.Errorf("%s: then %v", way, err)
				}
			}
		})
	}
}
