package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// folder returns "name=text" of each file, sorted.
func folder(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Name()+"="+string(b))
	}
	return strings.Join(all, " ")
}

func put(t *testing.T, f *File, err error, text, name string) string {
	t.Helper()
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	path, err := f.Commit(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFileIsThereOnlyWhenWhole(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.png")
	write(t, out, "old")
	f, err := Open(out)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("new")
	if b, _ := os.ReadFile(out); string(b) != "old" {
		t.Errorf("before Commit: %q", b)
	}
	f.Discard()
	if s := folder(t, dir); s != "out.png=old" {
		t.Errorf("after Discard: %s", s)
	}
	f, err = Open(out)
	if path := put(t, f, err, "new", "ignored"); path != out {
		t.Errorf("wrote %s", path)
	}
	if s := folder(t, dir); s != "out.png=new" {
		t.Errorf("after Commit: %s", s)
	}
}

func TestModeIsLessUmask(t *testing.T) {
	dir := t.TempDir()
	old := syscall.Umask(0o027)
	defer syscall.Umask(old)
	f, err := Open(filepath.Join(dir, "a"))
	put(t, f, err, "x", "")
	d, err := OpenDir(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	f, err = d.Create()
	put(t, f, err, "x", "b")
	for _, name := range []string{"a", "b"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode() != 0o640 {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}
}

func TestReplacedFileKeepsItsMode(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o444, 0o777, 0o640} {
		t.Run(mode.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a")
			write(t, path, "old")
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			f, err := Open(path)
			if err == nil {
				if st, err := f.Stat(); err != nil || st.Mode() != mode {
					t.Errorf("while it is written: %v, %v", st.Mode(), err)
				}
			}
			put(t, f, err, "new", "")
			if st, err := os.Stat(path); err != nil || st.Mode() != mode {
				t.Errorf("afterwards: %v, %v", st.Mode(), err)
			}
		})
	}
}

// In a folder that can't be written a file that can be is written in place.
func TestFileInReadOnlyFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "old and longer")
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755)
	withoutOverride(t, func() {
		f, err := Open(filepath.Join(dir, "a"))
		if err == nil {
			f.WriteString("bad")
			f.Discard()
		}
		if s := folder(t, dir); s != "a=old and longer" {
			t.Errorf("after a failure: %s", s)
		}
		f, err = Open(filepath.Join(dir, "a"))
		put(t, f, err, "new", "")
		if _, err := Open(filepath.Join(dir, "none")); err == nil || err.Error() != "create a file in "+dir+": permission denied" {
			t.Errorf("a new file: %v", err)
		}
	})
	if s := folder(t, dir); s != "a=new" {
		t.Error(s)
	}
}

// An original without a copy is never written in place: a full disk would cut it.
func TestReplaceNeverWritesInPlace(t *testing.T) {
	dir := t.TempDir()
	a := filepath.Join(dir, "a")
	write(t, a, "old and longer")
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755)
	withoutOverride(t, func() {
		if _, err := Replace(a); err == nil || err.Error() != "create a file in "+dir+": permission denied" {
			t.Errorf("in a read-only folder: %v", err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := Replace(a)
	put(t, f, err, "new", "")
	if s := folder(t, dir); s != "a=new" {
		t.Error(s)
	}
}

// withoutOverride calls f on a thread that file modes hold for, even if the user is
// root (capabilities(7), CAP_DAC_OVERRIDE).
func withoutOverride(t *testing.T, f func()) {
	t.Helper()
	var done sync.WaitGroup
	done.Go(func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var caps [2]unix.CapUserData
		if err := unix.Capget(&head, &caps[0]); err != nil {
			t.Error(err)
			return
		}
		caps[0].Effective &^= 1 << unix.CAP_DAC_OVERRIDE
		if err := unix.Capset(&head, &caps[0]); err != nil {
			t.Error(err)
			return
		}
		f()
	})
	done.Wait()
}

// A file that is a mount point, as one bound into a container is, can't be replaced
// and is written in place.
func TestFileThatIsAMountPoint(t *testing.T) {
	dir := t.TempDir()
	bound, target := filepath.Join(dir, "bound"), filepath.Join(dir, "target")
	write(t, bound, "old and longer")
	write(t, target, "")
	var done sync.WaitGroup
	done.Go(func() {
		runtime.LockOSThread() // the mounts of this thread alone, which ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			t.Skipf("needs root: %v", err)
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Skipf("needs root: %v", err)
		}
		if err := unix.Mount(bound, target, "", unix.MS_BIND, ""); err != nil {
			t.Error(err)
			return
		}
		f, err := Replace(target)
		if err == nil {
			f.WriteString("bad")
			_, err = f.Commit("")
		}
		if s := folder(t, dir); s != "bound=old and longer target=old and longer" ||
			fmt.Sprint(err) != "it is a mount point, which can't be replaced" {
			t.Errorf("after Replace: %s, %v", s, err)
		}
		f, err = Open(target)
		put(t, f, err, "new", "")
		if s := folder(t, dir); s != "bound=new target=new" {
			t.Errorf("as it is mounted: %s", s)
		}
	})
	done.Wait()
	if s := folder(t, dir); !t.Skipped() && s != "bound=new target=" {
		t.Error(s)
	}
}

func TestLinkStaysAndItsTargetIsReplaced(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	write(t, filepath.Join(other, "target"), "old")
	for _, link := range []string{"l1", "l2", "dangling"} {
		t.Run(link, func(t *testing.T) {
			to := map[string]string{"l1": filepath.Join(other, "target"), "l2": "l1", "dangling": filepath.Join(other, "new")}[link]
			if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
			f, err := Open(filepath.Join(dir, link))
			put(t, f, err, link, "")
			if st, err := os.Lstat(filepath.Join(dir, link)); err != nil || st.Mode()&fs.ModeSymlink == 0 {
				t.Errorf("%s is no link any more", link)
			}
		})
	}
	if s := folder(t, other); s != "new=dangling target=l2" {
		t.Error(s)
	}
	os.Symlink("loop", filepath.Join(dir, "loop"))
	if _, err := Open(filepath.Join(dir, "loop")); !errors.Is(err, syscall.ELOOP) {
		t.Error(err)
	}
}

func TestFifoIsWrittenNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		b, _ := os.ReadFile(path)
		got <- string(b)
	}()
	f, err := Open(path)
	put(t, f, err, "picture", "")
	if s := <-got; s != "picture" {
		t.Errorf("read %q", s)
	}
	if st, err := os.Lstat(path); err != nil || st.Mode()&fs.ModeNamedPipe == 0 {
		t.Error("the FIFO is gone")
	}
}

// What stands before in a file that is standard output stays, as with "> file".
func TestDescriptorKeepsItsPlace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	file.WriteString("header ")
	for _, form := range []string{"/dev/fd/%d", "/proc/self/fd/%d"} {
		t.Run(form, func(t *testing.T) {
			f, err := Open(fmt.Sprintf(form, file.Fd()))
			put(t, f, err, "picture ", "")
		})
	}
	file.WriteString("trailer")
	if s := folder(t, dir); s != "out=header picture picture trailer" {
		t.Error(s)
	}
}

func TestTerminalIsRefused(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(fmt.Sprintf("/dev/pts/%d", n)); fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), "terminal") {
		t.Error(err)
	}
}

func TestWrongPlaces(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "x")
	for _, path := range []string{dir, dir + "/", dir + "/none/"} {
		t.Run(path, func(t *testing.T) {
			if _, err := Open(path); fault.Of(err) != fault.Usage {
				t.Errorf("%s: %v", path, err)
			}
		})
	}
	_, err := Open(dir + "/none/x")
	if want := "create a file in " + dir + "/none: no such file or directory"; err == nil || err.Error() != want {
		t.Error(err)
	}
	if _, err := OpenDir(filepath.Join(dir, "file"), false); fault.Of(err) != fault.Usage {
		t.Error(err)
	}
	if _, err := OpenDir(filepath.Join(dir, "none/sub"), false); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if s := folder(t, dir); s != "file=x" {
		t.Error(s)
	}
}

func TestErrorsNameTheFileAsked(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.png")
	f, err := Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Discard()
	f.Close()
	if _, err := f.WriteString("x"); err == nil || !strings.Contains(err.Error(), out) {
		t.Error(err)
	}
	if _, err := f.Commit(""); err == nil {
		t.Error("a file that can't be closed was kept")
	}
	if _, err := os.Lstat(out); err == nil {
		t.Error("and is there")
	}
}

func TestFolderNeverOverwrites(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	d, err := OpenDir(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("made before there is anything to put into it: %v", err)
	}
	first, err := d.Create()
	if err != nil {
		t.Fatal(err)
	}
	first.Discard()
	write(t, filepath.Join(dir, "a.png"), "mine")
	os.Mkdir(filepath.Join(dir, "b.png"), 0o700)
	os.Symlink("nowhere", filepath.Join(dir, "c.png"))
	for _, name := range []string{"a.png", "a.png", "b.png", "c.png", "d.png"} {
		f, err := d.Create()
		put(t, f, err, "new", name)
	}
	os.Remove(filepath.Join(dir, "b.png"))
	os.Remove(filepath.Join(dir, "c.png"))
	if s := folder(t, dir); s != "a-1.png=new a-2.png=new a.png=mine b-1.png=new c-1.png=new d.png=new" {
		t.Error(s)
	}
}

func TestForceOverwritesButNotItself(t *testing.T) {
	dir := t.TempDir()
	d, err := OpenDir(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "a.png"), "old")
	os.Mkdir(filepath.Join(dir, "b.png"), 0o700)
	for i, name := range []string{"a.png", "a.png", "b.png"} {
		f, err := d.Create()
		put(t, f, err, fmt.Sprint(i), name)
	}
	os.Remove(filepath.Join(dir, "b.png"))
	if s := folder(t, dir); s != "a-1.png=1 a.png=0 b-1.png=2" {
		t.Error(s)
	}
}

// Two processes and many files that all want one name: each gets its own.
func TestNamesAreTakenOnce(t *testing.T) {
	const each = 50
	dir := t.TempDir()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var paths []string
	for range 4 { // each Dir stands for a process of its own
		d, err := OpenDir(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for range each {
				f, err := d.Create()
				if err != nil {
					t.Error(err)
					return
				}
				path, err := f.Commit("a.png")
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				paths = append(paths, path)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(paths)
	entries, _ := os.ReadDir(dir)
	if len(slices.Compact(paths)) != 4*each || len(entries) != 4*each {
		t.Errorf("%d names, %d files", len(slices.Compact(paths)), len(entries))
	}
}

func TestFetchedIsFoundOnce(t *testing.T) {
	dir := t.TempDir()
	when := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	open := func(force bool) *Dir {
		d, err := OpenDir(dir, force)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	write(t, filepath.Join(dir, "a.png"), "original")
	d := open(false)
	// Two results that differ in nothing but their bytes.
	for _, text := range []string{"result 1", "result 2"} {
		if path, ok := d.Fetched("a.png", 8, when, text); ok {
			t.Errorf("%s is not fetched, and is taken for %s", text, path)
		}
		f, err := d.Create()
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString(text)
		f.Mark(when, text)
		if _, err := f.Commit("a.png"); err != nil {
			t.Fatal(err)
		}
	}
	d = open(false)
	for _, want := range []string{"a-1.png", "a-2.png", ""} {
		path, ok := d.Fetched("a.png", 8, when, map[string]string{"a-1.png": "result 1", "a-2.png": "result 2"}[want])
		if ok != (want != "") || ok && filepath.Base(path) != want {
			t.Errorf("%q %v, want %q", path, ok, want)
		}
	}
	d = open(false)
	if _, ok := d.Fetched("a.png", 8, when.Add(time.Second), "result 1"); ok {
		t.Error("another time")
	}
	if _, ok := d.Fetched("a.png", 9, when, "result 1"); ok {
		t.Error("another size")
	}
	if _, ok := d.Fetched("a.png", 8, time.Time{}, "result 1"); ok {
		t.Error("no time")
	}
	if _, ok := open(true).Fetched("a.png", 8, when, "result 1"); ok {
		t.Error("with -force")
	}
	// The second is fetched and the first is not: told apart by their tags, where
	// the file system keeps such.
	tagged := unix.Setxattr(filepath.Join(dir, "a.png"), "user.imgtools.test", []byte("x"), 0) == nil
	if path, ok := open(false).Fetched("a.png", 8, when, "result 2"); !ok || tagged && filepath.Base(path) != "a-2.png" {
		t.Error(path, ok)
	}
	// Where there are no extended attributes size and time must do.
	os.Chtimes(filepath.Join(dir, "a.png"), time.Time{}, when)
	if path, ok := open(false).Fetched("a.png", 8, when, "x"); !ok || filepath.Base(path) != "a.png" {
		t.Error(path, ok)
	}
	if st, _ := os.Stat(filepath.Join(dir, "a-1.png")); !st.ModTime().Equal(when) {
		t.Errorf("time %v", st.ModTime())
	}
}

// Two processes that fetch the same results to one folder write each once.
func TestTwoProcessesFetchTheSameResults(t *testing.T) {
	dir := t.TempDir()
	modified := time.Unix(1700000000, 0)
	open := func() *Dir {
		d, err := OpenDir(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	write := func(d *Dir, name, text string) *File {
		if path, ok := d.Fetched(name, int64(len(text)), modified, text); ok {
			t.Fatalf("%s is there already", path)
		}
		f, err := d.Create()
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString(text)
		f.Mark(modified, text)
		return f
	}
	a, b := open(), open()
	for _, tt := range []struct {
		name, text, path string // of what the second process writes
		err              error
	}{
		{"x.png", "same", "x.png", ErrFetched},
		{"y.png", "othr", "y-1.png", nil}, // of the same size and time
	} {
		t.Run(tt.name, func(t *testing.T) {
			one, two := write(a, tt.name, "same"), write(b, tt.name, tt.text)
			if _, err := one.Commit(tt.name); err != nil {
				t.Fatal(err)
			}
			path, err := two.Commit(tt.name)
			if err != tt.err || err == nil && filepath.Base(path) != tt.path {
				t.Errorf("%s, %v, want %s, %v", path, err, tt.path, tt.err)
			}
		})
	}
	// Two results that are alike are two files, for each of the processes.
	if path, err := write(b, "x.png", "same").Commit("x.png"); err != nil || filepath.Base(path) != "x-1.png" {
		t.Errorf("the second of two equal results: %s, %v", path, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("%d files, want x, x-1, y, y-1: %v, %v", len(entries), entries, err)
	}
}

// A signal removes the temporary file while it is being renamed: nothing may appear
// under the name.
func TestRemovedTemporaryLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	d, err := OpenDir(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, commit := range []func(*File) error{
		func(f *File) error { _, err := f.Commit("a.png"); return err },
		func(f *File) error { return f.CommitAs("a.png", false) },
	} {
		f, err := d.CreateIn("sub")
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(f.tmp)
		if err := commit(f); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	}
	if s := folder(t, filepath.Join(dir, "sub")); s != "" {
		t.Error(s)
	}
}
