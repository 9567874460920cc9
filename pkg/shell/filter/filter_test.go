package filter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/shell/cli"
)

// TestMain runs the test binary as a filter when it is told to.
func TestMain(m *testing.M) {
	if os.Getenv("FILTER_TEST") != "" {
		cli.Main("upper", func(args []string) error {
			c := Config{Command: "upper", Workers: runtime.GOMAXPROCS(0), Pixels: 100}
			f := cli.New("upper", "", "")
			f.String(&c.Output, "o", "output", "file", "")
			f.String(&c.Dir, "d", "dir", "dir", "")
			f.String(&c.Format, "f", "format", "format", "")
			f.Bool(&c.Recurse, "r", "", "")
			f.Bool(&c.Skip, "", "skip", "")
			f.Bool(&c.Update, "", "update", "")
			f.Bool(&c.Inplace, "", "inplace", "")
			f.Bool(&c.Check, "C", "", "")
			f.Bool(&c.Quiet, "", "quiet", "")
			f.Int(&c.Workers, "n", "", "n", "")
			var sizes string
			f.String(&sizes, "", "sizes", "sizes", "")
			var err error
			if c.Files, err = f.Parse(args, os.Stdout); err != nil {
				return err
			}
			if sizes != "" {
				c.Sizes = strings.Split(sizes, ",")
			}
			return Run(c, upper)
		})
	}
	os.Exit(m.Run())
}

// upper is an operation: it writes capitals and the format that it was asked for. A
// text that begins with "text" is no picture. Some pictures say that they are bad.
var upper = Operation{
	IsPicture: func(in io.ReaderAt, size int64) bool { return !bytes.HasPrefix(read(in, size), []byte("text")) },
	Prepare: func(in io.ReaderAt, size int64, format string, _ bool) (Prepared, error) {
		b := read(in, size)
		if bytes.HasPrefix(b, []byte("head")) {
			return Prepared{}, fault.New(fault.Format, "no header")
		}
		written := format
		if written == "" {
			written = "png"
		}
		return Prepared{From: "png", Format: written, Sizes: []Size{{len(b), 1}, {len(b), 2}}, Pixels: size, Write: func(outs []io.Writer) (Result, error) {
			for _, out := range outs {
				if _, err := fmt.Fprintf(out, "%s%s", bytes.ToUpper(b), format); err != nil {
					return Result{}, err
				}
			}
			r := Result{Format: written}
			switch {
			case bytes.HasPrefix(b, []byte("bad")):
				return r, fault.New(fault.Format, "truncated after 1 of 2 rows")
			case bytes.HasPrefix(b, []byte("busy")):
				return r, fault.New(fault.Busy, "busy")
			case bytes.HasPrefix(b, []byte("film")):
				r.Note = "first of 12 frames"
			}
			return r, nil
		}}, nil
	},
}

func read(in io.ReaderAt, size int64) []byte {
	b, _ := io.ReadAll(io.NewSectionReader(in, 0, size))
	return b
}

// run runs the filter in dir and returns what it wrote and its exit status.
func run(t *testing.T, dir string, stdin io.Reader, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "FILTER_TEST=1", "TMPDIR="+t.TempDir())
	cmd.Dir = dir
	cmd.Stdin = stdin
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func folder(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b, _ := os.ReadFile(path)
			all = append(all, strings.TrimPrefix(path, dir+"/")+"="+string(b))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestOneFile(t *testing.T) {
	dir := files(t, map[string]string{"a.jpg": "abc", "film.gif": "film", "bad.png": "bad"})
	file, err := os.Open(filepath.Join(dir, "a.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tests := []struct {
		name           string
		stdin          io.Reader
		args           string
		stdout, stderr string
		status         int
	}{
		{"pipe", strings.NewReader("pipe"), "", "PIPE", "", 0},
		{"dash", strings.NewReader("pipe"), "-", "PIPE", "", 0},
		{"regular file on stdin", file, "", "ABC", "", 0},
		{"file", nil, "a.jpg", "ABC", "", 0},
		{"format", nil, "-f tiff a.jpg", "ABCtiff", "", 0},
		{"note", nil, "film.gif", "FILM", "upper: film.gif: first of 12 frames\n", 0},
		{"bad", nil, "bad.png", "", "upper: bad.png: truncated after 1 of 2 rows\n", 1},
		{"bad pipe", strings.NewReader("bad"), "", "", "upper: standard input: truncated after 1 of 2 rows\n", 1},
		{"busy pipe", strings.NewReader("busy"), "", "", "upper: standard input: busy\n", 75},
		{"missing", nil, "none.png", "", "upper: none.png: no such file or directory\n", 1},
		{"folder", nil, ".", "", "upper: .: is a folder (-r)\n", 1},
		{"two without -d", nil, "a.jpg film.gif", "", "upper: 2 files: several need -d\nsee upper -h\n", 2},
		{"-o of a format that is not written", nil, "-o x.heic a.jpg", "", "upper: x.heic: HEIC is not written; -f FORMAT says what to write\nsee upper -h\n", 2},
		{"-r without -d", nil, "-r .", "", "upper: -r needs -d\nsee upper -h\n", 2},
		{"-skip without -d", nil, "-skip a.jpg", "", "upper: -skip needs -d\nsee upper -h\n", 2},
		{"-skip and -update", nil, "-skip -update -d x a.jpg", "", "upper: -skip and -update exclude each other\nsee upper -h\n", 2},
		{"-inplace -d", nil, "-inplace -d x a.jpg", "", "upper: -inplace replaces the files themselves: without -o, -d, -skip and -update\nsee upper -h\n", 2},
		{"-inplace of standard input", nil, "-inplace", "", "upper: -inplace needs files\nsee upper -h\n", 2},
		{"-inplace in another format", nil, "-inplace -f jpeg a.jpg", "", "upper: a.jpg: it would become jpeg; -inplace keeps the format (-d)\n", 1},
		{"-n 0", nil, "-n 0 a.jpg", "", "upper: -n 0: not 1 to 1024\nsee upper -h\n", 2},
		{"-o and -d", nil, "-o x -d y a.jpg", "", "upper: -o and -d exclude each other\nsee upper -h\n", 2},
	}
	before := folder(t, dir)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, status := run(t, dir, tt.stdin, strings.Fields(tt.args)...)
			if stdout != tt.stdout || stderr != tt.stderr || status != tt.status {
				t.Errorf("%s: %q, %q, %d", tt.name, stdout, stderr, status)
			}
		})
	}
	if after := folder(t, dir); after != before {
		t.Errorf("left behind: %s", after)
	}
}

// Standard input is read from where it stands.
func TestStdinInTheMiddle(t *testing.T) {
	dir := files(t, map[string]string{"a": "header picture"})
	f, err := os.Open(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(7, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if out, _, _ := run(t, dir, f); out != "PICTURE" {
		t.Errorf("%q", out)
	}
}

func TestOutputFile(t *testing.T) {
	dir := files(t, map[string]string{"a.jpg": "abc", "bad.png": "bad", "out.bmp": "old"})
	for _, args := range []string{"-o out.bmp bad.png", "-o new.bmp bad.png", "-o out.bmp none.png"} {
		t.Run(args, func(t *testing.T) {
			if _, _, status := run(t, dir, nil, strings.Fields(args)...); status != 1 {
				t.Errorf("%s: status %d", args, status)
			}
		})
	}
	if s := folder(t, dir); s != "a.jpg=abc bad.png=bad out.bmp=old" {
		t.Errorf("after failures: %s", s)
	}
	// The extension says the format, -f says it louder, and in place is in place.
	for _, args := range []string{"-o out.bmp a.jpg", "-o out.x a.jpg", "-f png -o f.bmp a.jpg", "-f png -o f.heic a.jpg", "-o bad.png - "} {
		t.Run(args, func(t *testing.T) {
			if out, msg, status := run(t, dir, strings.NewReader("in"), strings.Fields(args)...); status != 0 || out+msg != "" {
				t.Errorf("%s: %q %q %d", args, out, msg, status)
			}
		})
	}
	if s := folder(t, dir); s != "a.jpg=abc bad.png=INpng f.bmp=ABCpng f.heic=ABCpng out.bmp=ABCbmp out.x=ABC" {
		t.Error(s)
	}
}

func TestManyFiles(t *testing.T) {
	texts := map[string]string{"bad.png": "bad", "film.gif": "film"}
	var args []string
	for i := range 60 {
		name := fmt.Sprintf("%d/a.jpg", i)
		texts[name] = fmt.Sprintf("picture %d", i)
		args = append(args, name)
	}
	dir := files(t, texts)
	args = append([]string{"-d", "out", "film.gif", "none", "bad.png"}, args...)
	out, msg, status := run(t, dir, nil, args...)
	want := "upper: film.gif: first of 12 frames\nupper: none: no such file or directory\n" +
		"upper: bad.png: truncated after 1 of 2 rows\nupper: 61 written, 2 failed\n"
	if status != 1 || out != "" || msg != want {
		t.Errorf("%d, %q, %q", status, out, msg)
	}
	entries, _ := os.ReadDir(filepath.Join(dir, "out"))
	if len(entries) != 61 {
		t.Errorf("%d files", len(entries))
	}
	for i := range 60 { // equal names are numbered in the order of the files
		name := "out/a-" + fmt.Sprint(i) + ".png"
		if i == 0 {
			name = "out/a.png"
		}
		if b, err := os.ReadFile(filepath.Join(dir, name)); string(b) != fmt.Sprintf("PICTURE %d", i) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

func TestFolderLeavesOriginals(t *testing.T) {
	dir := files(t, map[string]string{"a.png": "abc", "b.png": "def"})
	if _, msg, status := run(t, dir, nil, "-d", ".", "a.png", "b.png"); status != 0 || msg != "" {
		t.Error(msg, status)
	}
	if s := folder(t, dir); s != "a-1.png=ABC a.png=abc b-1.png=DEF b.png=def" {
		t.Error(s)
	}
}

func TestStatusOfMany(t *testing.T) {
	dir := files(t, map[string]string{"busy": "busy", "ok": "ok", "bad": "bad"})
	for args, want := range map[string]int{"ok busy": 75, "busy busy": 75, "busy bad": 1, "ok ok": 0, "ok": 0, "busy": 75} {
		t.Run(args, func(t *testing.T) {
			if _, _, status := run(t, dir, nil, append([]string{"-d", t.TempDir()}, strings.Fields(args)...)...); status != want {
				t.Errorf("%s: %d, want %d", args, status, want)
			}
		})
	}
}

func TestStandardInputIsNamedInFolder(t *testing.T) {
	dir := t.TempDir()
	if _, msg, status := run(t, dir, strings.NewReader("x"), "-d", "."); status != 0 {
		t.Error(msg)
	}
	if s := folder(t, dir); s != "stdin.png=X" {
		t.Error(s)
	}
}

// Errors of the output are told with its name, and none is taken for success.
func TestFullDisk(t *testing.T) {
	dir := files(t, map[string]string{"a": "abc"})
	_, msg, status := run(t, dir, nil, "-o", "/dev/full", "a")
	if status != 1 || msg != "upper: a: write /dev/full: no space left on device\n" {
		t.Errorf("%q, %d", msg, status)
	}
	if errors.Is(Run(Config{Files: []string{"a", "b"}, Workers: 1}, upper), nil) {
		t.Error("two files without a folder")
	}
}
