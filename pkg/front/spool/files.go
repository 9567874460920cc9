package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// maxText bounds the texts of a job.
const maxText = 16 << 10

// readSmall reads a text file of at most maxText bytes.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(b) > maxText {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("too long")}
	}
	return b, err
}

// writeSynced writes a file anew and fsyncs it; not its folder.
func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir fsyncs a folder, so that the names in it survive a crash.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// readNames returns the names in a folder, in no order.
func readNames(path string) ([]string, error) {
	d, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// size returns a file's size; ok is false when there is none. Other errors are
// returned: a disk that does not answer is not an absent file.
func size(path string) (n int64, ok bool, err error) {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	return fi.Size(), true, nil
}

func exists(path string) bool {
	_, ok, err := size(path)
	return ok && err == nil
}

// lock opens path, making it if told to, and takes its OFD write lock without
// waiting. held is true when somebody else has it. The caller closes f, which
// drops the lock.
func lock(path string, create bool) (f *os.File, held bool, err error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	f, err = os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, false, err
	}
	lk := unix.Flock_t{Type: unix.F_WRLCK}
	err = fcntlFlock(f, unix.F_OFD_SETLK, &lk)
	if err == nil {
		return f, false, nil
	}
	f.Close()
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return nil, true, nil
	}
	return nil, false, &fs.PathError{Op: "lock", Path: path, Err: err}
}

// locked reports whether somebody holds the lock of path, and does not take it.
func locked(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	lk := unix.Flock_t{Type: unix.F_WRLCK}
	if err := fcntlFlock(f, unix.F_OFD_GETLK, &lk); err != nil {
		return false, &fs.PathError{Op: "lock", Path: path, Err: err}
	}
	return lk.Type != unix.F_UNLCK, nil
}

func fcntlFlock(f *os.File, cmd int, lk *unix.Flock_t) error {
	for {
		err := unix.FcntlFlock(f.Fd(), cmd, lk)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
