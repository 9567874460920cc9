package filter

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each of several sizes has a name of its own, in a folder.
func TestSeveralSizes(t *testing.T) {
	tests := []struct {
		name, args   string
		want, stdout string
		stderr       string
		status       int
	}{
		{"one file", "-d out -sizes -320,-640 a.jpg", "a-320.png=A a-640.png=A", "", "", 0},
		{"a name that is taken", "-d out -sizes -320,-640 a.jpg a.png", "a-320-1.png=C a-320.png=A a-640-1.png=C a-640.png=A", "", "", 0},
		{"standard input", "-d out -sizes -320,-640", "stdin-320.png=IN stdin-640.png=IN", "", "", 0},
		{"folder", "-r -d out -sizes -320,-640 sub", "sub/b-320.png=B sub/b-640.png=B", "", "", 0},
		{"names that depend on the files alone", "-skip -d out -sizes -320,-640 a.jpg a.png", "a-320.png=C a-640.png=C a.jpg-320.png=A a.jpg-640.png=A", "", "", 0},
		{"one that fails leaves nothing", "-d out -sizes -320,-640 bad.png a.jpg", "a-320.png=A a-640.png=A",
			"", "upper: bad.png: truncated after 1 of 2 rows\nupper: 1 written, 1 failed\n", 1},
		{"a list", "-C -d out -sizes -320,-640 a.jpg", "", "a.jpg -> out/a-320.png 1x1 png\na.jpg -> out/a-640.png 1x2 png\n", "", 0},
		{"no folder", "-sizes -320,-640 a.jpg", "", "", "upper: 2 sizes need a folder for their results (-d)\nsee upper -h\n", 2},
		{"in place", "-inplace -sizes -320,-640 a.png", "", "", "upper: 2 sizes need a folder for their results (-d)\nsee upper -h\n", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := files(t, map[string]string{"a.jpg": "a", "a.png": "c", "sub/b.png": "b", "bad.png": "bad"})
			stdout, stderr, status := run(t, dir, strings.NewReader("in"), strings.Fields(tt.args)...)
			got := ""
			if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
				got = folder(t, filepath.Join(dir, "out"))
			}
			if got != tt.want || stdout != tt.stdout || stderr != tt.stderr || status != tt.status {
				t.Errorf("%q, stdout %q, stderr %q, status %d", got, stdout, stderr, status)
			}
		})
	}
}

// A picture whose results are all there is left alone. If one is missing, only that one
// is written.
func TestSkipOfSeveralSizes(t *testing.T) {
	dir := files(t, map[string]string{"in/a.png": "a", "in/b.png": "b", "out/a-320.png": "old", "out/b-320.png": "old", "out/b-640.png": "old"})
	for range 2 {
		_, msg, status := run(t, dir, nil, "-skip", "-d", "out", "-sizes", "-320,-640", "in/a.png", "in/b.png")
		if msg != "" || status != 0 {
			t.Fatalf("%q, %d", msg, status)
		}
		if s := folder(t, filepath.Join(dir, "out")); s != "a-320.png=old a-640.png=A b-320.png=old b-640.png=old" {
			t.Error(s)
		}
	}
}
