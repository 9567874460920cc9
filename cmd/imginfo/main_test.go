package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/gif"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imgtools/cmd/internal/cmdtest"
	"imgtools/pkg/shell/faketerm"
)

func TestMain(m *testing.M) { cmdtest.Main(m, main) }

// folder has a picture, an animation, half a picture and a file that is none.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var anim bytes.Buffer
	m := image.NewPaletted(image.Rect(0, 0, 4, 3), color.Palette{color.Black, color.White, color.Transparent})
	if err := gif.EncodeAll(&anim, &gif.GIF{Image: []*image.Paletted{m, m}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"a.pgm": "P5 2 1 255\nab", "cut.ppm": "P6 200 100 255\nabc", "b.gif": anim.String(), "\xff.pgm": "P5 2 1 255\nab", "text": "no picture at all",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLines(t *testing.T) {
	dir := folder(t)
	for _, c := range []struct {
		name           string
		args           string
		stdin          string
		stdout, stderr string
		status         int
	}{
		{"one", "a.pgm", "", "a.pgm: pnm 2x1, 8 bit gray\n", "", 0},
		{"an animation", "b.gif", "", "b.gif: gif 4x3, 8 bit palette with alpha, 2 frames\n", "", 0},
		{"only the header is read", "cut.ppm", "", "cut.ppm: pnm 200x100, 8 bit rgb\n", "", 0},
		{"standard input", "", "P4 9 1\nab", "standard input: pnm 9x1, 1 bit gray\n", "", 0},
		{"a bad one among others", "a.pgm text none b.gif", "",
			"a.pgm: pnm 2x1, 8 bit gray\nb.gif: gif 4x3, 8 bit palette with alpha, 2 frames\n", "imginfo: text: no picture known here", 1},
		{"a wrong flag", "-x a.pgm", "", "", "imginfo: unknown flag -x\nsee imginfo -h\n", 2},
		{"a name that is not UTF-8", "-json \xff.pgm", "", `{"file":"\ufffd.pgm","fileBytes":"/y5wZ20=","format":"pnm","width":2,"height":1,"frames":1,"depth":8,"colour":"gray","alpha":false,"orientation":1}` + "\n", "", 0},
		{"more pixels than the filters take", "-json -", "P5 60000 60000 255\n",
			`{"file":"-","format":"pnm","width":60000,"height":60000,"frames":1,"depth":8,"colour":"gray","alpha":false,"orientation":1}` + "\n", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := cmdtest.Command(t, dir, strings.Fields(c.args)...)
			cmd.Stdin = strings.NewReader(c.stdin)
			stdout, stderr, status := cmdtest.Run(t, cmd)
			if stdout != c.stdout || !strings.HasPrefix(stderr, c.stderr) || status != c.status {
				t.Errorf("status %d, stdout %q, stderr %q\nwant %d, %q, %q…", status, stdout, stderr, c.status, c.stdout, c.stderr)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	stdout, stderr, status := cmdtest.Run(t, cmdtest.Command(t, folder(t), "-json", "a.pgm", "b.gif"))
	if stderr != "" || status != 0 {
		t.Fatalf("status %d, %s", status, stderr)
	}
	var files []string
	for line := range strings.Lines(stdout) {
		var v struct {
			File          string
			Width, Frames int
			Alpha         bool
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Error(err)
		}
		if v.File == "b.gif" && (v.Width != 4 || v.Frames != 2 || !v.Alpha) {
			t.Errorf("%+v", v)
		}
		files = append(files, v.File)
	}
	if strings.Join(files, " ") != "a.pgm b.gif" {
		t.Errorf("%v", files)
	}
}

func TestTerminalAsksForAFile(t *testing.T) {
	cmd := cmdtest.Command(t, t.TempDir())
	cmd.Stdin = faketerm.Open(t, 80, 24, 0, 0).Near
	if stdout, stderr, status := cmdtest.Run(t, cmd); stdout != "" || stderr != "usage: imginfo [-h] [-json] [file]...\nsee imginfo -h\n" || status != 2 {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	cmd := cmdtest.Command(t, folder(t), "a.pgm")
	cmd.Stdout = full
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("%v, want exit status 1", err)
	}
}
