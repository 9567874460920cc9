//go:build unix

package system

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Terminal reports whether f is a terminal.
func Terminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), getTermios)
	return err == nil
}

// WindowOf returns the size of a terminal's window.
func WindowOf(f *os.File) Window {
	ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return Window{}
	}
	return Window{int(ws.Col), int(ws.Row), int(ws.Xpixel), int(ws.Ypixel)}
}

// Foreground reports whether this process is in the foreground of its terminal f. ours
// is false if f is not its controlling terminal.
func Foreground(f *os.File) (front, ours bool) {
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp(), err == nil
}

// Lock waits until no other open of the file of f has its lock. The lock ends with
// Unlock, or when f is closed.
func Lock(f *os.File) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != unix.EINTR {
			return err
		}
	}
}

// TryLock is Lock that doesn't wait. It reports whether f has the lock.
func TryLock(f *os.File) bool { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil }

// Unlock gives the lock of f back.
func Unlock(f *os.File) { unix.Flock(int(f.Fd()), unix.LOCK_UN) }

// Dup returns another descriptor of the open file that descriptor fd means, with the
// same offset. path is its name in errors.
func Dup(fd int, path string) (*os.File, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(n), path), nil
}

// CreateNew creates the file at path, which must not be there. In errors of the file
// its name is name.
func CreateNew(path, name string, mode os.FileMode) (*os.File, error) {
	const flags = unix.O_RDWR | unix.O_CREAT | unix.O_EXCL | unix.O_CLOEXEC | largeFile
	for {
		fd, err := unix.Open(path, flags, uint32(mode))
		if err == nil {
			return os.NewFile(uintptr(fd), name), nil
		}
		if err != unix.EINTR {
			return nil, err
		}
	}
}

// OpenNoLink opens a file for reading and writing, and creates it if need be. A symbolic
// link is an error.
func OpenNoLink(path string, mode os.FileMode) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, mode)
}

// Unnamed returns a temporary file that no path leads to and that is gone when it is
// closed.
func Unnamed() (*os.File, error) {
	f, err := os.CreateTemp("", "imgtools-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Owner returns the user and the group of a file; ok is false where files have none.
func Owner(fi os.FileInfo) (uid, gid int, ok bool) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(st.Uid), int(st.Gid), true
}

// ID returns the identity of a file; ok is false where it can't be had.
func ID(fi os.FileInfo) (id FileID, ok bool) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return FileID{}, false
	}
	return FileID{uint64(st.Dev), uint64(st.Ino)}, true
}

// Die ends this process by a signal, as the shell that waits for it expects. It returns
// where there are no such signals.
func Die(s os.Signal) {
	syscall.Kill(syscall.Getpid(), s.(syscall.Signal))
	select {}
}

// MountPoint reports whether err says that a file can't be replaced because it is a
// mount point.
func MountPoint(err error) bool { return errors.Is(err, unix.EBUSY) }
