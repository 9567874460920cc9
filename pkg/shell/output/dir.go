package output

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// etagAttr is the extended attribute that tells results of one name, size and
// second apart, where the file system has such.
const etagAttr = "user.imgtools.etag"

// Dir is a folder that results go to. Its methods may be called at the same
// time.
type Dir struct {
	path  string
	force bool

	mu   sync.Mutex
	mine map[string]bool // files that this process wrote, or found to be fetched
}

// OpenDir returns the folder that -d names. If only it is missing, the first
// Create makes it. With force, files are overwritten, but never one that was
// written through this Dir.
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
func (d *Dir) Create() (*File, error) {
	if err := os.Mkdir(d.path, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	f, err := temporary(d.path, d.path)
	if err != nil {
		return nil, err
	}
	f.dir = d
	return f, nil
}

// candidate returns the path for the n-th file that wants a name.
func (d *Dir) candidate(name string, n int) string {
	if n > 0 {
		ext := filepath.Ext(name)
		name = name[:len(name)-len(ext)] + "-" + strconv.Itoa(n) + ext
	}
	return filepath.Join(d.path, name)
}

// place renames tmp to name, or to the first NAME-1.EXT, NAME-2.EXT … that is
// free.
func (d *Dir) place(tmp, name string) (string, error) {
	for n := 0; ; n++ {
		path := d.candidate(name, n)
		err := d.move(tmp, path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
}

// move renames tmp to path; when something is there that must stay, its error
// is ErrExist.
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

// renameNew renames a file to a name that is free, also against others who want
// the same name at the same time.
func renameNew(tmp, path string) error {
	err := unix.Renameat2(unix.AT_FDCWD, tmp, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// Not every file system has that (NFS, some FUSE), nor links.
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
	return os.Rename(tmp, path)
}

// Mark gives the file the time and the entity tag of the result in it, for
// Fetched to recognize. It is called after the last write. What the file system
// can't keep is left out.
func (f *File) Mark(modified time.Time, etag string) {
	if f.tmp == "" {
		return
	}
	if etag != "" {
		unix.Fsetxattr(int(f.Fd()), etagAttr, []byte(etag), 0)
	}
	if !modified.IsZero() {
		os.Chtimes(f.tmp, time.Time{}, modified)
	}
}

// Fetched reports whether a result that would get that name is in the folder
// already: a file of its size and time (to the second), and not known to be
// another. Each file is taken for one result only. With force it is false.
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

// tagged reports whether the file at path has the entity tag etag, or none.
func tagged(path, etag string) bool {
	var buf [256]byte
	n, err := unix.Getxattr(path, etagAttr, buf[:])
	return err != nil || string(buf[:n]) == etag
}
