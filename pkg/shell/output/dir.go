package output

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/shell/system"
)

// Dir is a folder for results. Its methods may be called at the same time.
type Dir struct {
	path  string
	force bool

	mu   sync.Mutex
	mine map[string]bool // files that this process wrote, or found to be a result already
}

// OpenDir returns the folder that -d names. If it is missing and its parent is
// there, the first Create makes it. With force, files are overwritten, but never one
// that was written through this Dir.
func OpenDir(path string, force bool) (*Dir, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		st, err = os.Stat(filepath.Dir(filepath.Clean(path)))
	}
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		return nil, fault.New(fault.Usage, "%s: is not a folder (-o)", path)
	}
	return &Dir{path: path, force: force, mine: map[string]bool{}}, nil
}

// Create returns a new file for the folder.
func (d *Dir) Create() (*File, error) { return d.CreateIn("") }

// CreateIn returns a new file for a folder below d, which is made if it is missing. Its
// path is relative to d; "" is d itself.
func (d *Dir) CreateIn(sub string) (*File, error) {
	if err := os.Mkdir(d.path, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	folder := filepath.Join(d.path, sub)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return nil, err
	}
	f, err := temporary(folder, folder, newMode)
	if err != nil {
		return nil, err
	}
	f.dir, f.sub = d, sub
	return f, nil
}

// Propose returns the path that a file named name, in the folder sub below d, would get
// from Commit now. That path then counts as taken.
func (d *Dir) Propose(sub, name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n := 0; ; n++ {
		path := d.candidate(filepath.Join(sub, name), n)
		if _, err := os.Lstat(path); err != nil && !d.mine[path] {
			d.mine[path] = true
			return path
		}
	}
}

// candidate returns the path of the n-th file with a name, from 0. The name may begin
// with a folder below d.
func (d *Dir) candidate(name string, n int) string {
	return filepath.Join(d.path, Numbered(name, n))
}

// place renames f to name, or to the first NAME-1.EXT, NAME-2.EXT … that is free.
// When another process has put the same result there since Fetched was asked, it
// returns ErrFetched.
func (d *Dir) place(f *File, name string) (string, error) {
	for n := 0; ; n++ {
		path := d.candidate(filepath.Join(f.sub, name), n)
		err := d.move(f.tmp, path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		if d.claim(path, f) {
			return path, ErrFetched
		}
	}
}

// claim reports whether the file at path is the result in f, put there by another
// process: of its time and with its bytes. Like Fetched it takes a file for one
// result only.
func (d *Dir) claim(path string, f *File) bool {
	if d.force || f.modified.IsZero() {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	st, err := os.Lstat(path)
	if err != nil || d.mine[path] || !st.Mode().IsRegular() || st.ModTime().Unix() != f.modified.Unix() || !sameBytes(path, f.tmp) {
		return false
	}
	d.mine[path] = true
	return true
}

// sameBytes reports whether two files have the same content.
func sameBytes(a, b string) bool {
	var files [2]*os.File
	var sizes [2]int64
	for i, path := range []string{a, b} {
		f, err := os.Open(path)
		if err != nil {
			return false
		}
		defer f.Close()
		st, err := f.Stat()
		if err != nil {
			return false
		}
		files[i], sizes[i] = f, st.Size()
	}
	if sizes[0] != sizes[1] {
		return false
	}
	var bufs [2][copySize]byte
	for {
		n, err := io.ReadFull(files[0], bufs[0][:])
		m, _ := io.ReadFull(files[1], bufs[1][:])
		if !bytes.Equal(bufs[0][:n], bufs[1][:m]) {
			return false
		}
		if err != nil {
			return err == io.EOF || err == io.ErrUnexpectedEOF
		}
	}
}

// move renames tmp to path. If there is a file that must stay, its error is
// ErrExist.
func (d *Dir) move(tmp, path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.force && !d.mine[path] {
		if st, err := os.Lstat(path); err == nil && st.Mode().IsRegular() {
			d.mine[path] = true
			return os.Rename(tmp, path)
		}
	}
	err := renameNew(tmp, path)
	if err == nil {
		d.mine[path] = true
	}
	return err
}

// renameNew renames a file to a name that is free, even when other processes try the
// same name at the same time.
func renameNew(tmp, path string) error {
	err := system.RenameNew(tmp, path)
	if err == nil || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return err // without tmp: a signal is about to end this process
	}
	// Not every system and file system has such a rename, nor links.
	if err = os.Link(tmp, path); err == nil {
		return os.Remove(tmp)
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	f.Close()
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(path)
		return err
	}
	return nil
}

// ErrFetched is the error of Commit for a file that was marked and whose result
// somebody else put in the folder while it was written. The file is gone.
var ErrFetched = errors.New("already in the folder")

// Mark gives the file the time and the entity tag of the result in it, by which
// Fetched recognizes it. It is called after the last write. What the file system
// can't store is left out.
func (f *File) Mark(modified time.Time, etag string) {
	if f.tmp == "" {
		return
	}
	f.modified = modified
	if etag != "" {
		system.SetTag(f.File, etag)
	}
	if !modified.IsZero() {
		os.Chtimes(f.tmp, time.Time{}, modified)
	}
}

// Fetched reports whether a result that would get this name is in the folder
// already: a file of its size and time (to the second) whose entity tag is not
// another one. Each file counts for one result only. With force it is false.
func (d *Dir) Fetched(name string, size int64, modified time.Time, etag string) (path string, ok bool) {
	if d.force || modified.IsZero() {
		return "", false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for n := 0; ; n++ {
		path := d.candidate(name, n)
		st, err := os.Lstat(path)
		if err != nil {
			return "", false
		}
		if !d.mine[path] && st.Mode().IsRegular() && st.Size() == size &&
			st.ModTime().Unix() == modified.Unix() && tagged(path, etag) {
			d.mine[path] = true
			return path, true
		}
	}
}

// tagged reports whether the file at path has this entity tag, or none.
func tagged(path, etag string) bool {
	tag, ok := system.Tag(path)
	return !ok || tag == etag
}
