package output

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/system"
)

// File is a result that is being written. Exactly one of Commit and Discard ends it.
type File struct {
	*os.File
	to     *os.File // where Commit copies it; nil when it gets a name
	over   bool     // what is in to is replaced
	whole  bool     // only a rename may replace what is there
	tmp    string   // path of the temporary file; "" when it is unnamed
	dst    string   // the path that it gets; "" in a folder
	dir    *Dir
	sub    string // the folder below dir that it is for
	forget func()

	modified time.Time // as Mark was told
}

// Open returns a file for the path of -o; "" and "-" are standard output. A terminal
// is an error. A file that is there already keeps its mode.
func Open(path string) (*File, error) {
	if path == "" || path == "-" {
		return gathered(os.Stdout)
	}
	dst, fd, err := follow(path)
	if err != nil {
		return nil, err
	}
	if fd >= 0 {
		// Duplicated, not opened again, to keep its offset, or the same pipe.
		f, err := system.Dup(fd, path)
		if err != nil {
			return nil, err
		}
		return gathered(f)
	}
	st, err := os.Stat(dst)
	switch {
	case err == nil && st.IsDir() || strings.HasSuffix(path, "/"):
		return nil, fault.New(fault.Usage, "%s: is a folder (-d)", path)
	case err == nil && !st.Mode().IsRegular():
		f, err := os.OpenFile(dst, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return gathered(f)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if err != nil { // a new file
		return beside(dst, path, newMode)
	}
	f, err := instead(dst, path, st.Mode().Perm())
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		// The folder can't be written, but perhaps the file can.
		if to, openErr := os.OpenFile(dst, os.O_WRONLY, 0); openErr == nil {
			f, err = gathered(to)
			f.over = true
		}
	}
	return f, err
}

// Replace returns a file that will replace the regular file at path, of which no copy
// exists. It is never written in place, as a file of Open may be: a full disk would then
// leave a part of the new and nothing of the old. Where a rename is not possible, Replace
// or Commit fails.
func Replace(path string) (*File, error) {
	dst, _, err := follow(path)
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(dst)
	if err != nil {
		return nil, err
	}
	f, err := instead(dst, path, st.Mode().Perm())
	if err != nil {
		return nil, err
	}
	f.whole = true
	return f, nil
}

// instead returns a temporary file that will replace the one at dst and has its mode.
func instead(dst, path string, mode fs.FileMode) (*File, error) {
	f, err := beside(dst, path, mode)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(mode); err != nil { // the umask may have taken some of it
		f.Discard()
		return nil, err
	}
	return f, nil
}

// beside returns a temporary file that will get the path dst.
func beside(dst, path string, mode fs.FileMode) (*File, error) {
	f, err := temporary(filepath.Dir(dst), path, mode)
	if err != nil {
		return nil, err
	}
	f.dst = dst
	return f, nil
}

// newMode is the mode of a new result, less umask.
const newMode = 0o666

// Unnamed returns a temporary file without a name, for a picture that isn't kept.
func Unnamed() (*File, error) {
	f, err := system.Unnamed()
	if err != nil {
		return nil, err
	}
	return &File{File: f}, nil
}

// follow resolves the symbolic links at the end of a path, so that the target is
// replaced and the link stays. If the path means an open descriptor (/dev/stdout,
// /dev/fd/3) it returns that, else -1.
func follow(path string) (dst string, fd int, err error) {
	dst = path
	for range 40 {
		dir, base := filepath.Split(dst)
		if slices.Contains(system.DupPrefixes, dir) {
			if n, err := strconv.Atoi(base); err == nil {
				return dst, n, nil
			}
		}
		to, err := os.Readlink(dst)
		if err != nil { // no link, or nothing there
			return dst, -1, nil
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(dir, to)
		}
		dst = to
	}
	return "", -1, &fs.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
}

// gathered returns an unnamed file. Commit copies it to f and closes f.
func gathered(f *os.File) (*File, error) {
	if cli.Terminal(f) {
		return nil, fault.New(fault.Usage, "a picture is not written to a terminal: -o FILE, or a pipe")
	}
	g, err := Unnamed()
	if err != nil {
		return nil, err
	}
	g.to = f
	return g, nil
}

// temporary makes a file in folder that is removed when a signal ends the process.
// Its mode is mode less umask. In errors its name is path.
func temporary(folder, path string, mode fs.FileMode) (*File, error) {
	tmp := filepath.Join(folder, tmpName())
	// Registered first, so that at no instant a signal could leave the file behind.
	forget := cli.AtExit(func() { os.Remove(tmp) })
	f, err := system.CreateNew(tmp, path, mode)
	if err != nil {
		forget()
		return nil, &fs.PathError{Op: "create a file in", Path: folder, Err: err}
	}
	system.TryLock(f) // see Sweep
	return &File{File: f, tmp: tmp, forget: forget}, nil
}

// Commit closes the file and moves it to its destination. In a folder that is name,
// or name with a number, and path says which. On error the file is gone.
func (f *File) Commit(name string) (path string, err error) {
	if f.to != nil {
		return f.to.Name(), f.copy()
	}
	defer f.keepLock()()
	if err := f.Close(); err != nil {
		f.Discard()
		return "", err
	}
	if f.tmp == "" {
		return f.Name(), nil
	}
	if f.dir != nil {
		path, err = f.dir.place(f, name)
	} else if path, err = f.dst, os.Rename(f.tmp, f.dst); system.MountPoint(err) {
		// f.dst is a mount point, such as a file bound into a container.
		if f.whole {
			err = errors.New("it is a mount point, which can't be replaced")
		} else {
			err = f.copyOver()
		}
	}
	if err != nil {
		f.Discard()
		return "", err
	}
	f.forget()
	return path, nil
}

// CommitAs closes a file in a folder and gives it exactly this name. If the name is
// taken the error is fs.ErrExist, unless replace is set and a regular file has it. An
// empty file is replaced in any case. On error the file is gone.
func (f *File) CommitAs(name string, replace bool) error {
	path := filepath.Join(f.dir.path, f.sub, name)
	defer f.keepLock()()
	err := f.Close()
	if err == nil {
		if st, statErr := os.Lstat(path); statErr == nil && st.Mode().IsRegular() && (replace || st.Size() == 0) {
			err = os.Rename(f.tmp, path)
		} else {
			err = renameNew(f.tmp, path)
		}
	}
	if err != nil {
		f.Discard()
		return err
	}
	f.forget()
	return nil
}

// keepLock keeps the file locked after it is closed, until unlock is called: before it has
// its name it may not be taken for one of a dead process.
func (f *File) keepLock() (unlock func()) {
	again, err := system.Dup(int(f.Fd()), f.Name())
	if err != nil {
		return func() {}
	}
	return func() { again.Close() }
}

// copyOver copies the temporary file over f.dst and removes it.
func (f *File) copyOver() error {
	whole, err := os.Open(f.tmp)
	if err != nil {
		return err
	}
	to, err := os.OpenFile(f.dst, os.O_WRONLY, 0)
	if err != nil {
		whole.Close()
		return err
	}
	if err := (&File{File: whole, to: to, over: true}).copy(); err != nil {
		return err
	}
	return os.Remove(f.tmp)
}

// copy copies the file to f.to and closes both.
func (f *File) copy() error {
	defer f.Close()
	if f.over {
		if err := f.to.Truncate(0); err != nil {
			f.to.Close()
			return err
		}
	}
	whole := io.NewSectionReader(f.File, 0, math.MaxInt64)
	// By plain writes: when the reader of a pipe is gone, SIGPIPE ends the process as
	// it does any filter. Without the wrappers io.Copy would use splice.
	_, err := io.CopyBuffer(struct{ io.Writer }{f.to}, struct{ io.Reader }{whole}, make([]byte, copySize))
	return errors.Join(err, f.to.Close())
}

const copySize = 256 << 10 // bytes

// Discard closes the file and removes it.
func (f *File) Discard() {
	f.Close()
	if f.to != nil {
		f.to.Close()
	}
	if f.tmp != "" {
		os.Remove(f.tmp)
		f.forget()
	}
}
