package history

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// list returns an empty list in a home of its own.
func list(t *testing.T) *List {
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", t.TempDir())
	return Open()
}

func ids(t *testing.T, l *List, server string) string {
	t.Helper()
	jobs, err := l.Jobs(server)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, j := range jobs {
		all = append(all, j.ID)
	}
	return strings.Join(all, " ")
}

func TestPlaces(t *testing.T) {
	for _, c := range [][3]string{
		{"/s", "/h", "/s/imgput/jobs"},
		{"", "/h", "/h/.local/state/imgput/jobs"},
		{"relative", "/h", "/h/.local/state/imgput/jobs"}, // as the specification says
		{"", "", ""},
		{"", "relative", ""},
	} {
		t.Run(fmt.Sprintf("%q", c[:2]), func(t *testing.T) {
			t.Setenv("XDG_STATE_HOME", c[0])
			t.Setenv("HOME", c[1])
			if l := Open(); l.path != c[2] {
				t.Errorf("%q, %q: %q, want %q", c[0], c[1], l.path, c[2])
			}
		})
	}
	t.Setenv("HOME", "")
	if err := Open().Add(Job{ID: "a", Server: "s"}); err == nil {
		t.Error("kept nowhere")
	}
	if _, err := Open().Jobs("s"); err == nil {
		t.Error("read from nowhere")
	}
}

func TestAddAndRemove(t *testing.T) {
	l := list(t)
	if got := ids(t, l, "s"); got != "" {
		t.Errorf("a new list has %q", got)
	}
	now := time.Unix(1700000000, 0)
	for _, j := range []Job{{"a", "s", now, "a b.png"}, {"b", "other", now, ""}, {"c", "s", now, "dir/\tc\n\x1b.png"}, {"d", "s", now, "\n"}, {"e", "s\t1\nx", now, ""}} {
		if err := l.Add(j); err != nil {
			t.Fatal(err)
		}
	}
	if got := ids(t, l, "s"); got != "a c d" {
		t.Errorf("%q", got)
	}
	for i, want := range []string{"a b.png", "c.png", ""} {
		if jobs, err := l.Jobs("s"); err != nil || jobs[i].Name != want {
			t.Errorf("%+v, want the name %q", jobs[i], want)
		}
	}
	if err := l.Remove("s", map[string]bool{"a": true, "b": true, "d": true, "x": true}); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, l, "s") + ", " + ids(t, l, "other"); got != "c, b" {
		t.Errorf("%q", got)
	}
	jobs, err := l.Jobs("s")
	if err != nil || !jobs[0].Sent.Equal(now) {
		t.Errorf("%v, %v", jobs, err)
	}
	file, err := os.Stat(l.path)
	if err != nil || file.Mode() != 0o600 {
		t.Errorf("%v, %v", file.Mode(), err)
	}
	dir, err := os.Stat(filepath.Dir(l.path))
	if err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", dir.Mode(), err)
	}
	if files, _ := os.ReadDir(filepath.Dir(l.path)); len(files) != 1 {
		t.Errorf("%d files beside the list", len(files)-1)
	}
}

func TestTheNewestAreKept(t *testing.T) {
	l := list(t)
	var jobs []Job
	for i := range Max {
		jobs = append(jobs, Job{ID: fmt.Sprint(i), Server: "s", Sent: time.Unix(1, 0)})
	}
	if err := l.Add(jobs...); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"x", "y"} {
		if err := l.Add(Job{ID: id, Server: "s", Sent: time.Unix(1, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	got := strings.Fields(ids(t, l, "s"))
	if len(got) != Max || got[0] != "2" || got[Max-1] != "y" {
		t.Errorf("%d, from %s to %s", len(got), got[0], got[len(got)-1])
	}
}

// Lines that are not ours, or cut off by a kill, harm nothing.
func TestDamagedList(t *testing.T) {
	l := list(t)
	if err := l.Add(Job{"a", "s", time.Unix(1, 0), ""}); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("rubbish\n\n\x00\t\xff\t1\t2\t3\nb\ts\tsoon\n\ts\t1\nc\ts")
	f.Close()
	if err := l.Add(Job{"d", "s", time.Unix(1, 0), ""}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(l.path)
	if err != nil || string(b) != "a\ts\t1\nd\ts\t1\n" {
		t.Errorf("%q, %v", b, err)
	}
}

// Several writers lose nothing of each other's.
func TestWritersAtTheSameTime(t *testing.T) {
	l := list(t)
	var writers sync.WaitGroup
	var want []string
	for w := range 8 {
		want = append(want, fmt.Sprintf("%d-kept", w))
		writers.Go(func() {
			for n := range 10 {
				if err := l.Add(Job{fmt.Sprintf("%d-%d", w, n), "s", time.Unix(1, 0), ""}); err != nil {
					t.Error(err)
				}
				if err := l.Remove("s", map[string]bool{fmt.Sprintf("%d-%d", w, n): true}); err != nil {
					t.Error(err)
				}
			}
			if err := l.Add(Job{want[w], "s", time.Unix(1, 0), ""}); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	got := strings.Fields(ids(t, l, "s"))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a\ts\t1\nb\tunix:/x\t1700000000\nrubbish\n"))
	f.Add([]byte("\t\t\n\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, j := range parse(b) {
			if j.ID == "" || j.Server == "" || strings.ContainsAny(j.ID+j.Server, "\t\n") {
				t.Errorf("%+v", j)
			}
		}
	})
}
