package worker

import (
	"os"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// self is this process's user and group, asked for before the sandbox.
type self struct{ uid, gid uint32 }

func newSelf() self { return self{uint32(os.Geteuid()), uint32(os.Getegid())} }

// allows returns nil when the process at the other end of a Unix socket is of
// this user or root, or has this process's group, primary or not.
func (s self) allows(rc syscall.RawConn) error {
	var cred *unix.Ucred
	var groups []uint32
	var err error
	cerr := rc.Control(func(fd uintptr) {
		if cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			groups, err = peerGroups(int(fd))
		}
	})
	if cerr != nil {
		return cerr
	}
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	return s.permits(cred, groups)
}

func (s self) permits(cred *unix.Ucred, groups []uint32) error {
	if cred.Uid == s.uid || cred.Uid == 0 || cred.Gid == s.gid || slices.Contains(groups, s.gid) {
		return nil
	}
	return fault.New(fault.Forbidden, "user %d is neither user %d nor in group %d", cred.Uid, s.uid, s.gid)
}

// peerGroups returns the supplementary groups of the process at the other end,
// or none when there are more than 256.
func peerGroups(fd int) ([]uint32, error) {
	var groups [256]uint32
	size := uint32(unsafe.Sizeof(groups))
	_, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
		uintptr(unsafe.Pointer(&groups)), uintptr(unsafe.Pointer(&size)), 0)
	switch e {
	case 0:
		return groups[:size/4], nil
	case unix.ERANGE, unix.ENODATA:
		return nil, nil
	}
	return nil, e
}
