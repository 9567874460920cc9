package filter

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// photos is a folder as people have it.
var photos = map[string]string{
	"photos/a.jpg": "a", "photos/2024/a.jpg": "b", "photos/2024/b.png": "c", "photos/2024/notes.txt": "text", "photos/2024/clip": "d",
	"photos/.hidden.jpg": "no", "photos/.git/x.png": "no", "photos/@eaDir/a.jpg": "no", "photos/__MACOSX/a.jpg": "no",
}

func TestFoldersAreKept(t *testing.T) {
	tests := []struct {
		name, args   string
		want, stderr string
		status       int
	}{
		{"folder", "-r -d out photos",
			"photos/2024/a.png=B photos/2024/b.png=C photos/2024/clip.png=D photos/a.png=A", "upper: 4 written, 1 not pictures\n", 0},
		{"its slash is no part of its name", "-r -d out photos/",
			"photos/2024/a.png=B photos/2024/b.png=C photos/2024/clip.png=D photos/a.png=A", "upper: 4 written, 1 not pictures\n", 0},
		{"folder and file", "-quiet -r -d out photos/2024 photos/a.jpg", "2024/a.png=B 2024/b.png=C 2024/clip.png=D a.png=A", "", 0},
		{"a file that is named is a picture", "-r -d out photos/2024/notes.txt", "notes.txt.png=TEXT", "", 0},
		{"one that is missing", "-r -d out photos/2024/b.png none", "b.png=C", "upper: none: no such file or directory\nupper: 1 written, 1 failed\n", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := files(t, photos)
			for name, to := range map[string]string{"photos/link.jpg": "a.jpg", "photos/loop": "."} {
				if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			stdout, stderr, status := run(t, dir, nil, strings.Fields(tt.args)...)
			if got := folder(t, filepath.Join(dir, "out")); got != tt.want || stdout != "" || stderr != tt.stderr || status != tt.status {
				t.Errorf("%q, stderr %q, status %d", got, stderr, status)
			}
		})
	}
}

func TestFolderOfResultsIsNotEntered(t *testing.T) {
	dir := files(t, map[string]string{"a.png": "a", "sub/b.png": "b"})
	for range 2 {
		if _, msg, status := run(t, dir, nil, "-r", "-skip", "-d", "out", "."); status != 0 || msg != "" {
			t.Fatalf("%q, %d", msg, status)
		}
	}
	if s := folder(t, dir); s != "a.png=a out/a.png=A out/sub/b.png=B sub/b.png=b" {
		t.Error(s)
	}
}

func TestUnreadableFolderIsAFailure(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads every folder")
	}
	dir := files(t, map[string]string{"a.png": "a", "sub/b.png": "b"})
	os.Chmod(filepath.Join(dir, "sub"), 0)
	defer os.Chmod(filepath.Join(dir, "sub"), 0o700)
	_, msg, status := run(t, dir, nil, "-r", "-d", "out", ".")
	if want := "upper: sub: read the folder: permission denied\nupper: 1 written, 1 failed\n"; msg != want || status != 1 {
		t.Errorf("%q, %d", msg, status)
	}
}

// A file with the name of a picture that is none is a failure, as is a damaged
// picture.
func TestWhatFailsInAFolder(t *testing.T) {
	dir := files(t, map[string]string{"in/a.jpg": "text", "in/b.txt": "text", "in/c.png": "bad", "in/d.png": "head", "in/e.png": "e"})
	_, msg, status := run(t, dir, nil, "-r", "-d", "out", "in")
	// The test's operation reads text, so that a.jpg is written.
	want := "upper: in/c.png: truncated after 1 of 2 rows\nupper: in/d.png: no header\nupper: 2 written, 2 failed, 1 not pictures\n"
	if msg != want || status != 1 {
		t.Errorf("%q, %d", msg, status)
	}
	if s := folder(t, filepath.Join(dir, "out")); s != "in/a.png=TEXT in/e.png=E" {
		t.Error(s)
	}
}

func TestSkipLeavesResultsAlone(t *testing.T) {
	dir := files(t, map[string]string{"in/a.png": "a", "in/b.jpg": "b", "in/b.png": "c", "in/sub/b.png": "d", "in/c.png": "bad", "out/in/a.png": "old", "out/in/b.png": ""})
	for i, want := range []string{
		"upper: in/c.png: truncated after 1 of 2 rows\nupper: 3 written, 1 failed, 1 left alone\n",
		"upper: in/c.png: truncated after 1 of 2 rows\nupper: 0 written, 1 failed, 4 left alone\n",
	} {
		t.Run(fmt.Sprint("run ", i+1), func(t *testing.T) {
			_, msg, status := run(t, dir, nil, "-r", "-skip", "-d", "out", "in")
			if msg != want || status != 1 {
				t.Errorf("%q, %d", msg, status)
			}
			if s := folder(t, filepath.Join(dir, "out")); s != "in/a.png=old in/b.jpg.png=B in/b.png=C in/sub/b.png=D" {
				t.Error(s)
			}
		})
	}
}

func TestUpdateWritesWhatIsOlder(t *testing.T) {
	dir := files(t, map[string]string{"in/new.png": "a", "in/old.png": "b", "in/same.png": "c", "in/none.png": "d",
		"out/new.png": "was", "out/old.png": "was", "out/same.png": "was"})
	now := time.Now()
	for name, age := range map[string]time.Duration{"in/new.png": 0, "out/new.png": 1, "in/old.png": 1, "out/old.png": 0, "in/same.png": 1, "out/same.png": 1} {
		at := now.Add(-age * time.Hour)
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"-update", "-d", "out", "in/new.png", "in/old.png", "in/same.png", "in/none.png"}
	if _, msg, status := run(t, dir, nil, args...); msg != "" || status != 0 {
		t.Errorf("%q, %d", msg, status)
	}
	if s := folder(t, filepath.Join(dir, "out")); s != "new.png=A none.png=D old.png=was same.png=C" {
		t.Error(s)
	}
}

// In the folder of the originals a file that is there says nothing of the work.
func TestSkipAndUpdateTouchNoOriginals(t *testing.T) {
	for _, flag := range []string{"-skip", "-update"} {
		t.Run(flag, func(t *testing.T) {
			dir := files(t, map[string]string{"a.png": "a", "b.png": "b", "c/d.png": "d"})
			_, msg, status := run(t, dir, nil, flag, "-d", ".", "a.png", "c/d.png")
			if !strings.HasPrefix(msg, "upper: a.png: it lies in the folder that its result is for; ") || status != 1 {
				t.Errorf("%q, %d", msg, status)
			}
			if s := folder(t, dir); s != "a.png=a b.png=b c/d.png=d d.png=D" {
				t.Error(s)
			}
		})
	}
}

func TestResultNames(t *testing.T) {
	tests := []struct {
		name, sources, want string
	}{
		{"one", "a.png", "a.png.jpg"},
		{"the one with the extension keeps its name", "IMG_1.heic IMG_1.jpg", "IMG_1.heic.jpg IMG_1.jpg"},
		{"alone it has the same name", "IMG_1.heic", "IMG_1.heic.jpg"},
		{"another extension of the format", "IMG_1.jpeg IMG_1.JPG", "IMG_1.jpeg IMG_1.JPG"},
		{"in either order", "IMG_1.jpg IMG_1.heic", "IMG_1.jpg IMG_1.heic.jpg"},
		{"none has it", "a.bmp a.png b.gif", "a.bmp.jpg a.png.jpg b.gif.jpg"},
		{"equal names of two folders", "x/a.jpg y/a.jpg z/a.jpg", "a.jpg a-1.jpg a-2.jpg"},
		{"a number that is taken", "x/a.jpg y/a.jpg a-1.jpg", "a.jpg a-2.jpg a-1.jpg"},
		{"a long name that is taken", "a.png a.gif a.png.jpg", "a.png-1.jpg a.gif.jpg a.png.jpg"},
		{"no format", "a.png - b.png", "a.png.jpg  b.png.jpg"},
		{"no extension", "a b.c", "a.jpg b.c.jpg"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var looks []look
			for _, s := range strings.Fields(tt.sources) {
				l := look{base: filepath.Base(s), format: "jpeg"}
				if s == "-" {
					l.format = ""
				}
				looks = append(looks, l)
			}
			if got := strings.Join(resultNames(looks), " "); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestSkipMakesWhatIsAddedLater: a file that is added later gets its result, also one that
// has the name which another's result could have had.
func TestSkipMakesWhatIsAddedLater(t *testing.T) {
	for _, flag := range []string{"-skip", "-update"} {
		for _, order := range [][2]string{{"IMG_1.png", "IMG_1.jpg"}, {"IMG_1.jpg", "IMG_1.png"}} {
			t.Run(flag+" "+order[0], func(t *testing.T) {
				content := map[string]string{"IMG_1.png": "from png", "IMG_1.jpg": "from jpg"}
				dir := files(t, map[string]string{"in/" + order[0]: content[order[0]]})
				for range 2 {
					if _, msg, status := run(t, dir, nil, "-r", flag, "-f", "jpeg", "-d", "out", "in"); status != 0 || msg != "" {
						t.Fatal(status, msg)
					}
					if err := os.WriteFile(filepath.Join(dir, "in", order[1]), []byte(content[order[1]]), 0o666); err != nil {
						t.Fatal(err)
					}
				}
				if got := folder(t, filepath.Join(dir, "out")); got != "in/IMG_1.jpg=FROM JPGjpeg in/IMG_1.png.jpg=FROM PNGjpeg" {
					t.Error(got)
				}
			})
		}
	}
}

func TestCheckListsAndWritesNothing(t *testing.T) {
	dir := files(t, map[string]string{"in/a.png": "abc", "in/b.png": "bad", "in/c.png": "head", "in/d.txt": "text", "x/a.png": "de", "out/a.png": "old"})
	tests := []struct{ name, args, stdout, stderr string }{
		{"numbers", "-C -d out in/a.png x/a.png", "in/a.png -> out/a-1.png 3x1 png\nx/a.png -> out/a-2.png 2x1 png\n", ""},
		{"to standard output", "-C -f jpeg in/a.png", "in/a.png -> - 3x1 jpeg\n", ""},
		{"to a file", "-C -o y.jpg in/a.png", "in/a.png -> y.jpg 3x1 jpeg\n", ""},
		{"skip", "-C -skip -d out in/a.png x/a.png", "x/a.png -> out/a-1.png 2x1 png\n", ""},
		{"folder", "-C -r -d new in", "in/a.png -> new/in/a.png 3x1 png\nin/b.png -> new/in/b.png 3x1 png\n",
			"upper: in/c.png: no header\nupper: 2 to write, 1 failed, 1 not pictures\n"},
	}
	before := folder(t, dir)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, _ := run(t, dir, nil, strings.Fields(tt.args)...)
			if stdout != tt.stdout || stderr != tt.stderr {
				t.Errorf("%q, %q", stdout, stderr)
			}
		})
	}
	if after := folder(t, dir); after != before {
		t.Errorf("left behind: %s", after)
	}
}

// However many pictures there are, those that are worked on together have no more
// pixels than the largest may have.
func TestPixelsTogetherAreBounded(t *testing.T) {
	r := newRoom(100)
	var used atomic.Int64
	var wg sync.WaitGroup
	for _, n := range []int64{60, 30, 1000, 60, 30, 100, 1, 60} {
		wg.Go(func() {
			for range 200 {
				give := r.take(n)
				if together := used.Add(min(n, 100)); together > 100 {
					t.Errorf("%d pixels together", together)
				}
				used.Add(-min(n, 100))
				give()
			}
		})
	}
	wg.Wait()
	if r.free != 100 {
		t.Errorf("%d free", r.free)
	}
}

func TestInplaceReplacesOriginals(t *testing.T) {
	dir := files(t, map[string]string{"a.png": "a", "b.png": "bad", "c.png": "film", "sub/d.png": "d", "e.txt": "text"})
	if err := os.Symlink("a.png", filepath.Join(dir, "link.png")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "c.png"), filepath.Join(dir, "hard.png")); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	a := filepath.Join(dir, "a.png")
	if err := errors.Join(os.Chmod(a, 0o640), os.Chtimes(a, at, at)); err != nil {
		t.Fatal(err)
	}
	_, msg, status := run(t, dir, nil, "-inplace", "-r", ".", "a.png", "link.png")
	want := "upper: b.png: truncated after 1 of 2 rows\nupper: c.png: first of 12 frames\nupper: 3 written, 1 failed, 1 not pictures\n"
	if msg != want || status != 1 {
		t.Errorf("%q, %d", msg, status)
	}
	if s := folder(t, dir); s != "a.png=A b.png=bad c.png=FILM e.txt=text hard.png=film link.png=A sub/d.png=D" {
		t.Error(s)
	}
	st, err := os.Stat(a)
	if err != nil || st.Mode().Perm() != 0o640 || !st.ModTime().Equal(at) {
		t.Errorf("mode %v, time %v, %v", st.Mode(), st.ModTime(), err)
	}
	if to, err := os.Readlink(filepath.Join(dir, "link.png")); to != "a.png" || err != nil {
		t.Errorf("the link is %q, %v", to, err)
	}
	if stdout, _, _ := run(t, dir, nil, "-C", "-inplace", "a.png"); stdout != "a.png -> a.png 1x1 png\n" {
		t.Errorf("%q", stdout)
	}
}

// A file that somebody saves while it is worked on stays what they saved.
func TestInplaceLeavesWhatHasChanged(t *testing.T) {
	dir := files(t, map[string]string{"a.png": "a"})
	a := filepath.Join(dir, "a.png")
	op := upper
	op.Prepare = func(in io.ReaderAt, size int64, format string, alone bool) (Prepared, error) {
		p, err := upper.Prepare(in, size, format, alone)
		return p, errors.Join(err, os.WriteFile(a, []byte("saved"), 0o600))
	}
	stderr := os.Stderr
	var err error
	if os.Stderr, err = os.Create(filepath.Join(dir, "stderr")); err != nil {
		t.Fatal(err)
	}
	defer func() { os.Stderr = stderr }()
	err = Run(Config{Command: "upper", Files: []string{a}, Inplace: true, Workers: 1, Pixels: 100}, op)
	said, _ := os.ReadFile(filepath.Join(dir, "stderr"))
	b, _ := os.ReadFile(a)
	if string(b) != "saved" || !strings.Contains(fmt.Sprint(err, string(said)), "it has changed while it was read, and was left alone") {
		t.Errorf("%q, %v, %q", b, err, said)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left %v", entries)
	}
}
