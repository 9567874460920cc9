// Package lease asks the kernel who else has a file open. A process that was given
// a file and should have closed it may still write to it: the result of a picture
// must not change after it was checked, and a file must not be used again for
// another client while the first one's worker can read it.
//
// The kernel knows: it grants a lease on a file only when no other open of the
// file is in the way (fcntl(2), F_SETLEASE). Each function takes the lease and
// gives it back at once.
package lease

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// HasWriter reports whether any process has the file of f, which is open for
// reading only, open for writing. Where the file system has no leases, or the
// file is another user's, it can't tell and reports false.
func HasWriter(f *os.File) (bool, error) {
	err := take(f, unix.F_RDLCK)
	switch {
	case errors.Is(err, unix.EAGAIN):
		return true, nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOLCK),
		errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return false, nil
	}
	return false, err
}

// Alone reports whether f is the only open of its file, by any process. Where the
// file system has no leases it can't tell and reports false.
func Alone(f *os.File) bool { return take(f, unix.F_WRLCK) == nil }

// take takes a lease and gives it back.
func take(f *os.File, kind int) error {
	// A child of this process has all its descriptors between fork and exec. Go
	// holds this lock from one to the other.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, kind)
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	}
	return os.NewSyscallError("fcntl F_SETLEASE", err)
}
