package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imgtools/cmd/internal/cmdtest"
)

func TestMain(m *testing.M) { cmdtest.Main(m, main) }

func scaleCommand(t *testing.T, dir string, stdin []byte, args ...string) (stdout []byte, stderr string, status int) {
	t.Helper()
	cmd := cmdtest.Command(t, dir, args...)
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	out, stderr, status := cmdtest.Run(t, cmd)
	return []byte(out), stderr, status
}

// pgm returns a gray picture of w × h pixels.
func pgm(w, h int) []byte {
	b := fmt.Appendf(nil, "P5\n%d %d\n255\n", w, h)
	for i := range w * h {
		b = append(b, byte(i))
	}
	return b
}

func TestGeometry(t *testing.T) {
	for geometry, want := range map[string]string{
		"1/2": "20 15", "50%": "20 15", "0.1": "4 3", "20x20": "20 15", "10x": "10 8", "x10": "13 10", "7x9!": "7 9",
		"80x80>": "40 30", "20x20<": "40 30", "2": "80 60", "1": "40 30",
	} {
		out, stderr, status := scaleCommand(t, "", pgm(40, 30), geometry)
		if status != 0 || stderr != "" || !bytes.HasPrefix(out, []byte("P5\n"+want+"\n255\n")) {
			t.Errorf("%s: %d, %q, %.20q", geometry, status, stderr, out)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.pgm"), pgm(4, 4), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"":                                      "no geometry: a factor (0.5, 1/2, 50%) or a box (640x480, 640x, x480, 640x480!); scale -d and jobs also take a list (320x,640x)",
		"0 a.pgm":                               `scale: "0": a factor must be over 0`,
		"640 a.pgm":                             "scale: 640 as a factor? for a width write 640x",
		"0,5 a.pgm":                             `scale: "0,5": not a number; write 0.5 with a point`,
		"NaN a.pgm":                             `scale: "NaN": not a geometry; a factor (0.5, 1/2, 50%) or a box (640x480, 640x, x480, 640x480!)`,
		"-k sharp 1/2 a.pgm":                    `kernel "sharp": not one of lanczos3 box triangle catmullrom mitchell`,
		"-f avif 1/2 a.pgm":                     `format "avif": not one of jpeg png gif webp bmp tiff pnm pgm ppm pam auto`,
		"-q 101 1/2 a.pgm":                      `quality "101": neither a whole number from 1 to 100 nor lossless`,
		"1/2 a.pgm -o x":                        "-o after a file: flags go first (a file: ./-o)",
		"1/2 a.pgm a.pgm":                       "2 files: several need -d",
		"-o x -d . 1/2 a.pgm":                   "-o and -d exclude each other",
		"4x,2x a.pgm":                           "2 sizes need a folder for their results (-d)",
		"-o x 4x,2x a.pgm":                      "2 sizes need a folder for their results (-d)",
		"-d . 4x,,2x a.pgm":                     `scale: "4x,,2x": size 2 of 3 is empty`,
		"-d . 4x,2x,4x a.pgm":                   "scale: 4x and 4x in a list: both results would be named -4",
		"-d . 2x,4x< a.pgm":                     "scale: 4x< in a list: nothing in a list is enlarged",
		"-d . -enlarge 1 2x,3x a.pgm":           "enlarge=1 with scale=2x,3x: nothing in a list is enlarged",
		"-d . 1x,2x,3x,4x,5x,6x,7x,8x,9x a.pgm": `scale: "1x,2x,3x,4x,5x,6x,7x,8x,9x": 9 sizes; at most 8`,
	} {
		out, stderr, status := scaleCommand(t, dir, []byte{}, strings.Fields(args)...)
		if status != 2 || len(out) > 0 || stderr != "scale: "+want+"\nsee scale -h\n" {
			t.Errorf("%q: %d, %q, want %s", args, status, stderr, want)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left %v", entries)
	}
}

// TestWrongForOneFile: what is right for another file is of kind usage, without a hint at
// -h.
func TestWrongForOneFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.pgm"), pgm(4, 4), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"-d . 4x,2x,x2 a.pgm":        "scale=4x,2x,x2: 2x and x2 both come out as 2x2",
		"-d . 8x,9x a.pgm":           "scale=8x,9x: 8x and 9x both come out as 4x4; nothing in a list is enlarged",
		"-frame 2 1/2 a.pgm":         "frame 2: the file has only one picture",
		"-crop 4x4+1+1 1/2 a.pgm":    "crop 4x4+1+1 reaches beyond the picture of 4x4",
		"-d . -frame 2 50%,1x a.pgm": "frame 2: the file has only one picture",
	} {
		t.Run(args, func(t *testing.T) {
			out, stderr, status := scaleCommand(t, dir, []byte{}, strings.Fields(args)...)
			if status != 2 || len(out) > 0 || stderr != "scale: a.pgm: "+want+"\n" {
				t.Errorf("%d, %q, want %s", status, stderr, want)
			}
		})
	}
}

// TestSideThatTheFormatCannotHold: -C says what a run would say, before any work.
func TestSideThatTheFormatCannotHold(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tall.pgm"), pgm(1, 20000), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"-f webp 1 tall.pgm":                   "1×20000: a side over 16383 is more than WebP holds",
		"-f webp -d . 1,1/8 tall.pgm":          "1×20000: a side over 16383 is more than WebP holds",
		"-f webp -quality lossless 1 tall.pgm": "1×20000: a side over 16383 is more than WebP holds",
		"-f jpeg 4 tall.pgm":                   "4×80000: a side over 65535 is more than JPEG holds",
		"-f gif 4 tall.pgm":                    "4×80000: a side over 65535 is more than GIF holds",
	} {
		t.Run(args, func(t *testing.T) {
			for _, check := range [][]string{{"-C"}, nil} {
				out, stderr, status := scaleCommand(t, dir, []byte{}, append(check, strings.Fields(args)...)...)
				if status != 1 || len(out) > 0 || !strings.HasPrefix(stderr, "scale: tall.pgm: "+want+"\n") {
					t.Errorf("%v: %d, %q, %q", check, status, out, stderr)
				}
			}
		})
	}
	if out, stderr, status := scaleCommand(t, dir, []byte{}, "-C", "-f", "png", "4", "tall.pgm"); status != 0 || stderr != "" || string(out) != "tall.pgm -> - 4x80000 png\n" {
		t.Errorf("PNG: %d, %q, %q", status, out, stderr)
	}
}

// Flags reach the operation: each of these changes the result.
func TestFlagsMatter(t *testing.T) {
	in := pgm(64, 48)
	plain, _, _ := scaleCommand(t, "", in, "1/4")
	for _, args := range []string{"-k box", "-k mitchell", "-linear", "-f png", "-f jpeg"} {
		out, stderr, status := scaleCommand(t, "", in, append(strings.Fields(args), "1/4")...)
		if status != 0 || stderr != "" || bytes.Equal(out, plain) {
			t.Errorf("%s: %d, %q, same %v", args, status, stderr, bytes.Equal(out, plain))
		}
	}
	low, _, _ := scaleCommand(t, "", in, "-f", "jpeg", "-q", "10", "1")
	high, _, _ := scaleCommand(t, "", in, "-f", "jpeg", "-q", "95", "1")
	if len(low) >= len(high) || len(low) == 0 {
		t.Errorf("quality 10 gives %d bytes, 95 %d", len(low), len(high))
	}
	_, stderr, status := scaleCommand(t, "", in, "-maxpixels", "3000", "1/4")
	if status != 1 || !strings.Contains(stderr, "standard input: ") || !strings.Contains(stderr, "-maxpixels") {
		t.Errorf("%d, %q", status, stderr)
	}
	_, stderr, status = scaleCommand(t, "", in, "-maxpixels", "4000", "4")
	if status != 1 || !strings.Contains(stderr, "-maxpixels") {
		t.Errorf("%d, %q", status, stderr)
	}
}

func TestManyFilesAndFormats(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.pgm", "b.pgm"} {
		if err := os.WriteFile(filepath.Join(dir, name), pgm(8, 8), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "cut.pgm"), pgm(8, 8)[:40], 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, status := scaleCommand(t, dir, nil, "-d", "out", "-f", "png", "1/2", "a.pgm", "cut.pgm", "b.pgm")
	if status != 1 || !strings.HasPrefix(stderr, "scale: cut.pgm: ") || !strings.HasSuffix(stderr, "\nscale: 2 written, 1 failed\n") {
		t.Errorf("%d, %q", status, stderr)
	}
	for _, name := range []string{"out/a.png", "out/b.png"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if c, err := png.DecodeConfig(f); err != nil || c.Width != 4 || c.Height != 4 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if entries, _ := os.ReadDir(filepath.Join(dir, "out")); len(entries) != 2 {
		t.Errorf("left %v", entries)
	}
}

// Of an animation that can't stay one the first frame comes out, said aloud.
func TestFirstFrameSaidAloud(t *testing.T) {
	g := &gif.GIF{}
	for i := range 3 {
		m := image.NewPaletted(image.Rect(0, 0, 8, 8), color.Palette{color.Black, color.White})
		m.SetColorIndex(i, i, 1)
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, 5)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	out, stderr, status := scaleCommand(t, "", b.Bytes(), "-f", "jpeg", "1/2")
	if status != 0 || stderr != "scale: standard input: first of 3 frames\n" || !bytes.HasPrefix(out, []byte("\xff\xd8")) {
		t.Errorf("%d, %q", status, stderr)
	}
	out, stderr, status = scaleCommand(t, "", b.Bytes(), "1/2")
	all, err := gif.DecodeAll(bytes.NewReader(out))
	if status != 0 || stderr != "" || err != nil || len(all.Image) != 3 {
		t.Errorf("%d, %q, %v", status, stderr, err)
	}
}

// A list of sizes gives a result for each, under a name of its own.
func TestSeveralSizes(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.pgm"), pgm(40, 30), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, status := scaleCommand(t, dir, nil, "-d", "out", "20x,x10,9x9,50x60!,1/5,10%", "a.pgm")
	if status != 0 || stderr != "" {
		t.Fatalf("%d, %q", status, stderr)
	}
	for name, want := range map[string]string{"20": "20 15", "x10": "13 10", "9x9": "9 7", "50x60": "40 30", "1_5": "8 6", "10pc": "4 3"} {
		b, err := os.ReadFile(filepath.Join(dir, "out", "a-"+name+".pgm"))
		if err != nil || !bytes.HasPrefix(b, []byte("P5\n"+want+"\n255\n")) {
			t.Errorf("%s: %.12q, %v", name, b, err)
		}
	}
	if entries, _ := os.ReadDir(filepath.Join(dir, "out")); len(entries) != 6 {
		t.Errorf("%v", entries)
	}
}
