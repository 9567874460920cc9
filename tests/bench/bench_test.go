package main

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"imgtools/tests/cost"
)

// bin has the commands, built once.
var bin string

func TestMain(m *testing.M) {
	if servePeer() {
		return
	}
	cost.Main()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "bench-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		bin = filepath.Join(dir, "bin")
		build := exec.Command("go", "build", "-trimpath", "-o", bin+"/", "./cmd/gray", "./cmd/scale", "./cmd/grayd", "./cmd/scaled", "./cmd/imgd")
		build.Dir = "../.."
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

const clouds = "../testdata/clouds.jpg"

// small returns a bench of one run, and what it prints.
func small(t *testing.T, only string) (*bench, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	b := &bench{bin: bin, cache: t.TempDir(), runs: 1, tools: regexp.MustCompile(`^(imgtools|gray|scale -f|jpegtran|djpeg|Go)`), markdown: true, w: &out}
	if err := b.setUp(only, ""); err != nil {
		t.Fatal(err)
	}
	return b, &out
}

// has fails the test unless each pattern matches some of the output.
func has(t *testing.T, out *bytes.Buffer, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)" + p).Match(out.Bytes()) {
			t.Errorf("nothing like %q in\n%s", p, out)
		}
	}
}

func TestTableOfJobs(t *testing.T) {
	b, out := small(t, "jpg gray( and scale -fast 1/4)?$")
	if err := b.tables([]string{clouds}); err != nil {
		t.Fatal(err)
	}
	has(t, out, `^clouds.jpg \(1200×800, \d+ bytes\): gray$`,
		`^  imgtools  +[1-9][\d.]* .* 99\.00  1\.0000$`, // as lossless as jpegtran
		`^  imgtools warm +\d*\.\d .* 99\.00  1\.0000$`, `^  jpegtran .* 99\.00  1\.0000$`,
		`^  scale -f ppm \| gray +\d`, `^  imgtools warm, workers of imgd +\d`,
		`^  Go warm +\d`, `^\| gray and scale -fast 1/4 \| \d`)
	if strings.Contains(out.String(), "PASS") {
		t.Errorf("a bound for 12 Mpixel is held against 1:\n%s", out)
	}
}

func TestTableOfHTTP(t *testing.T) {
	b, out := small(t, "")
	if err := b.http(0.02, []string{clouds}, nil); err != nil {
		t.Fatal(err)
	}
	for _, n := range clientCounts {
		has(t, out, fmt.Sprintf(`^clouds.jpg +\d+ +\d+ +%d +\d+\.\d .* (PASS|over)$`, n))
	}
}

func TestTableOfGrowth(t *testing.T) {
	b, out := small(t, "^(JPEG, quarter turn|PNM|BMP|GIF) ")
	if err := b.growth(0.04); err != nil {
		t.Fatal(err)
	}
	has(t, out, `^gray$`, `^scale 1/4$`, `^JPEG, quarter turn +\d`, `^PNM +\d`, `^BMP +\d`, `^GIF +\d`)
	// What the generator made is a picture, and one on its side.
	for _, f := range []string{"200.ppm", "200.bmp", "200.gif", "200.t.jpg"} {
		r, err := exec.Command("/usr/bin/convert", filepath.Join(b.cache, "growth", f), "-format", "%w %h %[orientation]", "info:").CombinedOutput()
		want := "200 200 Undefined"
		if f == "200.t.jpg" {
			want = "200 200 RightTop"
		}
		if err != nil || string(r) != want {
			t.Errorf("%s: %q, %v, want %q", f, r, err, want)
		}
	}
}

// A bound is held against its peer's time, quality and bytes.
func TestJudge(t *testing.T) {
	p, j := picture{name: "a.jpg", w: 4000, h: 3000}, jobs[2]
	ours := row{tool: warm, cpu: 74, psnr: 36.1}
	peer := row{tool: djpeg, cpu: 100, psnr: 36.0}
	for _, c := range []struct {
		name string
		turn func(*row)
		met  bool
	}{
		{"within", func(*row) {}, true},
		{"slower", func(r *row) { r.cpu = 76 }, false},
		{"worse", func(r *row) { r.psnr = 35.9 }, false},
	} {
		r := ours
		c.turn(&r)
		vs := judge(p, j, []row{r, peer})
		if len(vs) != 1 || vs[0].met != c.met {
			t.Errorf("%s: %+v", c.name, vs)
		}
	}
	png := picture{name: "a.png", w: 4000, h: 3000}
	large := []row{{tool: process, cpu: 10, bytes: 106}, {tool: "Pillow", cpu: 100, bytes: 100}}
	if vs := judge(png, jobs[0], large); len(vs) != 1 || vs[0].met {
		t.Errorf("6 %% larger than Pillow's: %+v", vs)
	}
	shot := picture{name: "shot.png", w: 1000, h: 1000}
	if vs := judge(shot, jobs[0], large); len(vs) != 1 || vs[0].met {
		t.Errorf("a screenshot larger than Pillow's: %+v", vs)
	}
}

func TestTableOfInflate(t *testing.T) {
	if err := exec.Command("/usr/bin/python3", "-c", "import ctypes; ctypes.CDLL('libdeflate.so.0')").Run(); err != nil {
		t.Skip("no libdeflate: apt-get install libdeflate0 python3")
	}
	b, out := small(t, "")
	b.out = t.TempDir()
	p := picture{name: "small.png", path: filepath.Join(b.out, "small.png")}
	shades := image.NewRGBA(image.Rect(0, 0, 300, 200))
	for i := range shades.Pix {
		shades.Pix[i] = byte(i*i>>9) | 3
	}
	if err := writeFile(p.path, func(w *bufio.Writer) error { return png.Encode(w, shades) }); err != nil {
		t.Fatal(err)
	}
	v, err := b.inflateOf(p, "shades", 0.001)
	if err != nil || v == nil || !v.met {
		t.Errorf("%+v %v\n%s", v, err, out)
	}
	has(t, out, `^small.png: inflate, shades, \d+ to 240200 bytes$`, `^  imgtools +\d.*MB/s$`, `^  libdeflate +\d.*MB/s$`)
}

func TestStreamOfChunks(t *testing.T) {
	const head = "\x89PNG\r\n\x1a\n"
	chunk := func(kind, data string) string { return string([]byte{0, 0, 0, byte(len(data))}) + kind + data + "crc." }
	for _, c := range []struct{ name, png, want string }{
		{"joined", head + chunk("IHDR", "x") + chunk("IDAT", "ab") + chunk("tEXt", "no") + chunk("IDAT", "c") + chunk("IEND", ""), "abc"},
		{"none", head + chunk("IEND", ""), ""},
		{"cut", head + chunk("IDAT", "abcd")[:13], ""},
		{"no PNG", "short", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := idat([]byte(c.png))
			if string(got) != c.want || (err == nil) != (c.want != "") {
				t.Errorf("%q %v, want %q", got, err, c.want)
			}
		})
	}
}
