package listen

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"imgtools/pkg/address"
	"imgtools/pkg/fault"
)

const (
	maxPath      = 107 // bytes of sun_path without its zero (unix(7))
	tempSuffix   = ".new"
	lockSuffix   = ".lock"
	statusSuffix = ".status"
	socketMode   = 0660
)

func errnoIs(err error, e unix.Errno) bool { return errors.Is(err, e) }

// openUnix opens a listening socket at path. With lock it first locks PATH.lock,
// for as long as the socket is open.
//
// The socket is bound to PATH.new, gets its mode, listens, and only then is renamed
// to PATH. A client finds the old socket, which refuses, or the new one, which
// listens.
func openUnix(path string, lock bool) (s *Socket, err error) {
	s = &Socket{FD: -1, Kind: Unix, Name: "unix:" + path, path: path, lock: -1}
	defer func() {
		if err != nil {
			s.Close()
			s, err = nil, fmt.Errorf("listen unix:%s: %w", path, err)
		}
	}()
	if lock {
		if s.lock, err = takeLock(path + lockSuffix); err != nil {
			return s, err
		}
	}
	temp := path + tempSuffix
	if len(temp) > maxPath {
		return s, fault.New(fault.Usage, "a path of %d bytes > %d", len(path), maxPath-len(tempSuffix))
	}
	for _, p := range []string{path, temp} {
		if err = checkStale(p); err != nil {
			return s, err
		}
	}
	s.FD, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return s, os.NewSyscallError("socket", err)
	}
	unix.Unlink(temp) // a process that died just here left it
	if err = unix.Bind(s.FD, &unix.SockaddrUnix{Name: temp}); err != nil {
		return s, os.NewSyscallError("bind", err)
	}
	var st unix.Stat_t
	if err = unix.Chmod(temp, socketMode); err == nil {
		err = unix.Lstat(temp, &st)
	}
	if err == nil {
		err = unix.Listen(s.FD, backlog)
	}
	if err == nil {
		err = unix.Rename(temp, path)
	}
	if err != nil {
		unix.Unlink(temp)
		return s, err
	}
	s.ino = st.Ino
	return s, nil
}

// takeLock opens and locks the file at path, and writes this process's id into it
// for the error message of the next process.
func takeLock(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0600)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", path, err)
	}
	if err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err == nil {
		if err = unix.Ftruncate(fd, 0); err == nil {
			_, err = unix.Pwrite(fd, strconv.AppendInt(nil, int64(os.Getpid()), 10), 0)
		}
		if err == nil {
			return fd, nil
		}
	}
	var buf [20]byte
	n, _ := unix.Pread(fd, buf[:], 0)
	unix.Close(fd)
	if err == unix.EWOULDBLOCK {
		return -1, fmt.Errorf("process %s serves it already", strings.TrimSpace(string(buf[:max(n, 0)])))
	}
	return -1, fmt.Errorf("lock %s: %w", path, err)
}

// checkStale checks that path may be replaced: nothing is there, or a socket on
// which no process listens.
func checkStale(path string) error {
	var st unix.Stat_t
	err := unix.Lstat(path, &st)
	switch {
	case err == unix.ENOENT:
		return nil
	case err != nil:
		return err
	case st.Mode&unix.S_IFMT != unix.S_IFSOCK:
		return notSocket(path)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != unix.ECONNREFUSED && err != unix.ENOENT {
		return fmt.Errorf("another process listens at %s", path)
	}
	return nil
}

func notSocket(path string) error { return fmt.Errorf("%s is there and is not a socket", path) }

// Default returns the address that the daemon name has when none is given,
// unix:RUN/NAME.sock, and makes the folder RUN (address.Run).
func Default(name string) (Address, error) {
	dir := address.Run(os.Getenv, os.Geteuid())
	if err := makeRun(dir.Path, dir.Shared, os.Geteuid()); err != nil {
		return Address{}, err
	}
	return Parse("unix:" + dir.Socket(name))
}

// makeRun makes the folder dir, mode 0700, or checks the one that is there.
func makeRun(dir string, shared bool, uid int) error {
	err := unix.Mkdir(dir, 0700)
	if err != nil && err != unix.EEXIST {
		return fmt.Errorf("mkdir %s: %w (IMGTOOLS_RUN names another folder)", dir, err)
	}
	return checkRun(dir, shared, uid)
}

// checkRun checks that the folder dir can be trusted: it is a folder and no link,
// belongs to user uid or root, and others may not write to it. In a shared place
// anybody could have made it first, so there it must be as makeRun makes it.
func checkRun(dir string, shared bool, uid int) error {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	mode := st.Mode & 07777
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return fmt.Errorf("%s: not a folder (a link is not followed)", dir)
	case int(st.Uid) != uid && (shared || st.Uid != 0):
		return fmt.Errorf("%s: belongs to user %d, not %d", dir, st.Uid, uid)
	case shared && mode != 0700:
		return fmt.Errorf("%s: mode %04o, not 0700", dir, mode)
	case mode&0002 != 0:
		return fmt.Errorf("%s: mode %04o: all may write to it", dir, mode)
	}
	return nil
}
