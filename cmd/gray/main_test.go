package main

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"imgtools/cmd/internal/cmdtest"
)

func TestMain(m *testing.M) { cmdtest.Main(m, main) }

func grayCommand(t *testing.T, dir string, stdin string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := cmdtest.Command(t, dir, args...)
	cmd.Stdin = strings.NewReader(stdin)
	return cmdtest.Run(t, cmd)
}

const red = "P6\n2 1\n255\n\xff\x00\x00\xff\x00\x00"

func TestFilter(t *testing.T) {
	for args, want := range map[string]string{
		"":             "P5\n2 1\n255\n\x4c\x4c",
		"-":            "P5\n2 1\n255\n\x4c\x4c",
		"-l 709":       "P5\n2 1\n255\n\x36\x36",
		"--luma=601":   "P5\n2 1\n255\n\x4c\x4c",
		"-l luminance": "P5\n2 1\n255\n\x7f\x7f",
		"-f ppm":       "P6\n2 1\n255\n\x4c\x4c\x4c\x4c\x4c\x4c",
		"-o -":         "P5\n2 1\n255\n\x4c\x4c",
	} {
		out, stderr, status := grayCommand(t, "", red, strings.Fields(args)...)
		if status != 0 || stderr != "" || out != want {
			t.Errorf("%s: %d, %q, %q", args, status, stderr, out)
		}
	}
}

func TestExtensionSaysTheFormat(t *testing.T) {
	dir := t.TempDir()
	for name, magic := range map[string]string{"a.png": "\x89PNG", "a.JPG": "\xff\xd8", "a.gif": "GIF8", "a.bmp": "BM", "a.tif": "II*\x00", "a.pam": "P7", "a.dat": "P5"} {
		if _, stderr, status := grayCommand(t, dir, red, "-o", name); status != 0 || stderr != "" {
			t.Errorf("%s: %d, %q", name, status, stderr)
			continue
		}
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.HasPrefix(string(b), magic) {
			t.Errorf("%s begins %.8q, %v", name, b, err)
		}
	}
	if _, _, status := grayCommand(t, dir, red, "-f", "png", "-o", "b.jpg"); status != 0 {
		t.Error(status)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "b.jpg")); !strings.HasPrefix(string(b), "\x89PNG") {
		t.Errorf("-f png gives %.8q", b)
	}
}

// args splits a command line at blanks; one that ends in a blank ends in "".
func args(line string) []string {
	if line == "" {
		return nil
	}
	return strings.Split(line, " ")
}

// A picture with missing pixels is refused; with -lenient it is written as far as it
// goes, with a note.
func TestLenient(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range m.Pix {
		m.Pix[i] = uint8(i * i >> 3)
	}
	var file strings.Builder
	if err := png.Encode(&file, m); err != nil {
		t.Fatal(err)
	}
	cut := file.String()[:file.Len()*3/4]
	out, stderr, status := grayCommand(t, "", cut)
	if status != 1 || out != "" || !strings.Contains(stderr, "truncated after ") {
		t.Errorf("without -lenient: %d, %q, %d bytes", status, stderr, len(out))
	}
	out, stderr, status = grayCommand(t, "", cut, "-lenient", "-f", "pgm")
	if status != 0 || len(out) != len("P5\n64 64\n255\n")+64*64 || out[13:13+64] != string(m.Pix[:64]) ||
		!regexp.MustCompile(`^gray: standard input: truncated after \d+ of 64 rows\n$`).MatchString(stderr) {
		t.Errorf("with -lenient: %d, %q, %d bytes", status, stderr, len(out))
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		args, stdin, want string
		status            int
	}{
		{"", "", "standard input: empty", 1},
		{"", "hello, world", "standard input: no picture", 1},
		{"-o out.png", red[:len(red)-1], "standard input: ", 1},
		{"-maxpixels 1", red, "-maxpixels", 1},
		{"-l 602", red, `luma "602": not one of 601 709 luminance`, 2},
		{"-q 0", red, `quality "0"`, 2},
		{"-o ", red, `invalid value "" for flag -o: the name is empty`, 2},
		{"-d ", red, `invalid value "" for flag -d: the name is empty`, 2},
		{"none.png", "", "none.png: no such file or directory", 1},
	} {
		out, stderr, status := grayCommand(t, dir, tt.stdin, args(tt.args)...)
		if status != tt.status || !strings.HasPrefix(stderr, "gray: ") || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != status {
			t.Errorf("%q: %d, %q, %q", tt.args, status, stderr, out)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("left %v", entries)
	}
}
