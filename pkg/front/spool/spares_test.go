package spool

import (
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"imgtools/pkg/ops"
)

// used has a file hold a picture, then use use it, and returns what it was.
func used(t *testing.T, s *Spool, use func(*Temp)) os.FileInfo {
	t.Helper()
	u, err := s.Upload(-1, true)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, err := io.WriteString(u, "somebody else's picture"); err != nil {
		t.Fatal(err)
	}
	fi, err := u.Own().Stat()
	if err != nil {
		t.Fatal(err)
	}
	use(u.Temp)
	return fi
}

// next returns a new Temp, which has been checked to be empty, and whether it is
// the file of fi.
func next(t *testing.T, s *Spool, fi os.FileInfo) (*Temp, bool) {
	t.Helper()
	tmp, err := s.Temp()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tmp.Close)
	now, err := tmp.Own().Stat()
	if err != nil {
		t.Fatal(err)
	}
	if now.Size() != 0 {
		t.Errorf("a new file has %d bytes", now.Size())
	}
	return tmp, os.SameFile(fi, now)
}

// leases reports whether the file system of the spool has them.
func leases(t *testing.T, s *Spool) bool {
	f, err := openUnnamed(s.path("incoming"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
	return err == nil
}

func TestEmptiedFilesAreUsedAgain(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir() + "/spool"})
	fi := used(t, s, func(*Temp) {})
	for range 3 { // as result, as upload, as result
		tmp, same := next(t, s, fi)
		if same != leases(t, s) {
			t.Fatalf("used again: %v", same)
		}
		w, err := tmp.Writer()
		if err != nil {
			t.Fatal(err)
		}
		if n, err := w.WriteString("result"); n != 6 || err != nil {
			t.Fatal(n, err)
		}
		w.Close()
		if b, err := io.ReadAll(tmp.Own()); string(b) != "result" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		tmp.Close()
		tmp.Close() // the second must not touch the new owner's file

		u, err := s.Upload(-1, true)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(u, "up")
		r, err := u.Reader()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); string(b) != "up" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		r.Close()
		u.Close()
	}
	if got := s.Usage().Reserved; got != 0 {
		t.Errorf("%d bytes are still reserved", got)
	}
}

// A worker that was taken over keeps what it was given, to see the next picture or
// to change it.
func TestFilesThatSomebodyKeepsAreNotUsedAgain(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir() + "/spool"})
	for _, c := range []struct {
		name string
		keep func(*Temp) error
	}{
		{"open for reading", func(tmp *Temp) error {
			r, err := tmp.Reader()
			t.Cleanup(func() { r.Close() })
			return err
		}},
		{"open for writing", func(tmp *Temp) error {
			w, err := reopen(tmp.path(), os.O_WRONLY)
			t.Cleanup(func() { w.Close() })
			return err
		}},
		{"mapped", func(tmp *Temp) error {
			r, err := tmp.Reader()
			if err != nil {
				return err
			}
			defer r.Close()
			m, err := unix.Mmap(int(r.Fd()), 0, 4096, unix.PROT_READ, unix.MAP_SHARED)
			t.Cleanup(func() { unix.Munmap(m) })
			return err
		}},
		{"on its way in a socket", func(tmp *Temp) error {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
			r, err := tmp.Reader()
			if err != nil {
				return err
			}
			defer r.Close()
			return unix.Sendmsg(pair[0], []byte("x"), unix.UnixRights(int(r.Fd())), nil, 0)
		}},
	} {
		fi := used(t, s, func(tmp *Temp) {
			if err := c.keep(tmp); err != nil {
				t.Fatal(c.name, err)
			}
		})
		if _, same := next(t, s, fi); same {
			t.Errorf("%s: used again", c.name)
		}
	}
}

func TestFilesOfJobsAreNotUsedAgain(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir() + "/spool"})
	id := submit(t, s, "", "picture", ops.Must("gray=709"))
	in, err := os.Stat(s.job(id, "in"))
	if err != nil {
		t.Fatal(err)
	}
	if _, same := next(t, s, in); same {
		t.Error("a job's picture was used again")
	}
	if b, err := os.ReadFile(s.job(id, "in")); string(b) != "picture" || err != nil {
		t.Errorf("in: %q, %v", b, err)
	}
	finish(t, s, s.Next(), "result")
	out, err := os.Stat(s.job(id, "out"))
	if err != nil {
		t.Fatal(err)
	}
	if _, same := next(t, s, out); same {
		t.Error("a job's result was used again")
	}
	if b, err := os.ReadFile(s.job(id, "out")); string(b) != "result" || err != nil {
		t.Errorf("out: %q, %v", b, err)
	}
}

func TestSparesAreBounded(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir() + "/spool"})
	var all []*Temp
	for range maxSpares + 10 {
		tmp, err := s.Temp()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, tmp)
	}
	for _, tmp := range all {
		tmp.Close()
	}
	want := maxSpares
	if !leases(t, s) {
		want = 0
	}
	if len(s.spares.free[false]) != 0 || len(s.spares.free[true]) != want {
		t.Errorf("%d, %d are kept; want 0, %d", len(s.spares.free[false]), len(s.spares.free[true]), want)
	}
	// Of those, the ones that are never all needed are closed.
	s.spares.thin()
	a, _ := s.Temp()
	b, _ := s.Temp()
	a.Close()
	b.Close()
	for _, left := range []int{want, min(want, 2), 0, 0} {
		if got := len(s.spares.free[true]) + len(s.spares.free[false]); got != left {
			t.Errorf("%d files; want %d", got, left)
		}
		s.spares.thin()
	}
}
