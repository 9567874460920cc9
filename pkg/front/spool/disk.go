package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"imgtools/pkg/jobid"
)

// All changes of the spool's files are made by the functions below, and each is
// reported to Spool.trace, if there is one: a test records a session, rebuilds the
// states that a power cut could leave, and opens each.

// maxText bounds the text files of a spool, in bytes.
const maxText = 16 << 10

func (s *Spool) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

// job returns the path of a job's folder, or of a file in it.
func (s *Spool) job(id string, elem ...string) string {
	return filepath.Join(append([]string{s.dir, "jobs", id}, elem...)...)
}

// serial makes names that no other process of any host uses, or has used: in a
// container each life of imgd may have the same process id.
type serial struct{ n atomic.Uint64 }

func (s *Spool) tag() string {
	return fmt.Sprintf("%s.%d.%d.%s", s.host, os.Getpid(), s.n.Add(1), jobid.Random(6))
}

func (s *Spool) did(change string, paths ...string) {
	if s.trace != nil {
		s.trace(change, paths...)
	}
}

// openFile opens a file without following a link. A path under /proc/self/fd is a
// link of the kernel's and is followed.
func openFile(path string, flags int, mode uint32) (*os.File, error) {
	if filepath.Dir(path) != procFD {
		flags |= unix.O_NOFOLLOW
	}
	return openRegular(path, flags, mode)
}

// procFD is the folder with a link to each open file of this process.
const procFD = "/proc/self/fd"

// openRegular is os.OpenFile without registering the file with the poller, which
// regular files don't need: one system call instead of six.
func openRegular(path string, flags int, mode uint32) (*os.File, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, mode)
		if err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
		if err != unix.EINTR {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// readSmall reads a text file of at most maxText bytes. It follows no link, and does
// not wait for a FIFO.
func readSmall(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	for err == unix.EINTR {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > maxText {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a short text file")}
	}
	b := make([]byte, 0, st.Size+1)
	for len(b) <= maxText {
		n, err := unix.Read(fd, b[len(b):cap(b)])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return nil, &fs.PathError{Op: "read", Path: path, Err: err}
		case n == 0:
			return b, nil
		}
		if b = b[:len(b)+n]; len(b) == cap(b) { // it has grown
			b = append(b, 0)[:len(b)]
		}
	}
	return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("too long")}
}

// create makes a file that is not there yet, with the text b, and fsyncs it; not
// its folder.
func (s *Spool) create(path string, b []byte) error {
	f, err := openRegular(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	s.did("create", path)
	if _, err = f.Write(b); err == nil {
		s.did("write", path)
		err = s.syncFile(f, path)
	}
	return errors.Join(err, f.Close())
}

// mark makes an empty file, if it is not there.
func (s *Spool) mark(path string) error {
	f, err := openRegular(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	s.did("create", path)
	return f.Close()
}

// extend appends b to a file, which it makes if need be, and fsyncs it.
func (s *Spool) extend(path string, b []byte) error {
	if err := s.mark(path); err != nil {
		return err
	}
	f, err := openFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		s.did("write", path)
		err = s.syncFile(f, path)
	}
	return errors.Join(err, f.Close())
}

func (s *Spool) mkdir(path string) error {
	err := os.Mkdir(path, 0o700)
	if err == nil {
		s.did("mkdir", path)
	}
	return err
}

// link gives a file a further name, which must not be there.
func (s *Spool) link(path, name string) error {
	err := unix.Linkat(unix.AT_FDCWD, path, unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		return &os.LinkError{Op: "link", Old: path, New: name, Err: err}
	}
	s.did("link", path, name)
	return nil
}

func (s *Spool) rename(from, to string) error {
	if err := unix.Rename(from, to); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	s.did("rename", from, to)
	return nil
}

func (s *Spool) remove(path string) error {
	err := os.Remove(path)
	if err == nil {
		s.did("remove", path)
	}
	return err
}

func (s *Spool) removeAll(path string) error {
	s.did("removeall", path) // before: what it removes is known only now
	return os.RemoveAll(path)
}

func (s *Spool) syncFile(f *os.File, path string) error {
	err := f.Sync()
	if err == nil {
		s.did("fsync", path)
	}
	return err
}

// syncDir fsyncs a folder, so that the names in it survive a crash. The spool itself
// may be reached by a link, and the folders above it.
func (s *Spool) syncDir(path string) error {
	flags := os.O_RDONLY | unix.O_DIRECTORY
	if strings.HasPrefix(path, s.dir+"/") {
		flags |= unix.O_NOFOLLOW
	}
	d, err := openRegular(path, flags, 0)
	if err != nil {
		return err
	}
	defer d.Close()
	return s.syncOpenDir(d, path)
}

// syncOpenDir is syncDir for an open folder.
//
// XFS shuts down when its device fails, and drops what waited for its journal. A fsync
// of a folder that comes after that finds nothing to wait for and returns 0, but fstat
// returns EIO.
func (s *Spool) syncOpenDir(d *os.File, path string) error {
	if err := s.syncFile(d, path); err != nil {
		return err
	}
	_, err := d.Stat()
	return err
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
// waiting. held reports that another open file description has it. The caller
// closes f, which drops the lock.
func (s *Spool) lock(path string, create bool) (f *os.File, held bool, err error) {
	if create {
		if err := s.mark(path); err != nil {
			return nil, false, err
		}
	}
	f, err = openFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, false, err
	}
	err = setLock(f)
	if err == nil {
		return f, false, nil
	}
	f.Close()
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return nil, true, nil
	}
	return nil, false, &fs.PathError{Op: "lock", Path: path, Err: err}
}

// setLock takes the OFD write lock of f, or keeps it if f has it.
func setLock(f *os.File) error {
	return fcntlFlock(f, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
}

// locked reports whether the lock of path is held, without taking it.
func locked(path string) (bool, error) {
	f, err := openFile(path, os.O_RDONLY, 0)
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
