package system

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// Terminal reports whether f is a console.
func Terminal(f *os.File) bool {
	var mode uint32
	return windows.GetConsoleMode(windows.Handle(f.Fd()), &mode) == nil
}

// WindowOf returns the size of a console's window.
func WindowOf(f *os.File) Window {
	var info windows.ConsoleScreenBufferInfo
	if windows.GetConsoleScreenBufferInfo(windows.Handle(f.Fd()), &info) != nil {
		return Window{}
	}
	return Window{Cols: int(info.Window.Right-info.Window.Left) + 1, Rows: int(info.Window.Bottom-info.Window.Top) + 1}
}

// Foreground reports true: a console has no background.
func Foreground(f *os.File) (front, ours bool) { return true, true }

// Reopen fails: there is no path to an open file.
func Reopen(f *os.File, flags int) (*os.File, error) { return nil, errors.ErrUnsupported }

// Lock waits until no other open of the file of f has its lock. The lock ends with
// Unlock, or when f is closed.
func Lock(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, beyond())
}

// TryLock is Lock that doesn't wait. It reports whether f has the lock.
func TryLock(f *os.File) bool {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, beyond()) == nil
}

// Unlock gives the lock of f back.
func Unlock(f *os.File) { windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, beyond()) }

// beyond is the place of the locked byte, which is after any file's end: a locked byte
// can't be read by others.
func beyond() *windows.Overlapped { return &windows.Overlapped{OffsetHigh: 1 << 30} }

// Dup fails: no path means an open descriptor.
func Dup(fd int, path string) (*os.File, error) { return nil, errors.ErrUnsupported }

// CreateNew creates the file at path, which must not be there. Its name in errors is path.
func CreateNew(path, _ string, mode os.FileMode) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
}

// OpenNoLink opens a file for reading and writing, and creates it if need be.
func OpenNoLink(path string, mode os.FileMode) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, mode)
}

// Unnamed returns a temporary file that is gone when it is closed.
func Unnamed() (*os.File, error) {
	path := filepath.Join(os.TempDir(), "imgtools-"+rand.Text()[:12])
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := windows.CreateFile(name, windows.GENERIC_READ|windows.GENERIC_WRITE|windows.DELETE, 0, nil,
		windows.CREATE_NEW, windows.FILE_ATTRIBUTE_TEMPORARY|windows.FILE_FLAG_DELETE_ON_CLOSE, 0)
	if err != nil {
		return nil, &os.PathError{Op: "create", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

// RenameNew fails with errors.ErrUnsupported.
func RenameNew(old, path string) error { return errors.ErrUnsupported }

// SetTag does nothing.
func SetTag(f *os.File, tag string) {}

// Tag returns no tag.
func Tag(path string) (tag string, ok bool) { return "", false }

// Batch does nothing.
func Batch() {}

// Owner reports that files have no owner in the sense of Unix.
func Owner(fi os.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }

// ID reports that a file's identity isn't known.
func ID(fi os.FileInfo) (id FileID, ok bool) { return FileID{}, false }

// Die returns: a process can't be ended by a signal here.
func Die(s os.Signal) {}

// MountPoint reports false.
func MountPoint(err error) bool { return false }
