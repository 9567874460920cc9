// Package peercred says who is at the other end of a Unix socket (unix(7),
// SO_PEERCRED, SO_PEERGROUPS), and whether that user may use it. The socket's
// mode, 0660, says the same; a mode may be changed by mistake.
package peercred

import (
	"os"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// Self is this process's effective user and group. It is asked for once: a
// sandboxed worker can't ask later.
type Self struct{ uid, gid uint32 }

// NewSelf returns the user and group that the process has now.
func NewSelf() Self { return Self{uint32(os.Geteuid()), uint32(os.Getegid())} }

// Admit returns the user at the other end of a Unix socket. Root, this process's
// user, and members of its group, primary or supplementary, are admitted; for
// others the error is of kind Forbidden.
func (s Self) Admit(rc syscall.RawConn) (uid uint32, err error) {
	cerr := rc.Control(func(fd uintptr) {
		var cred *unix.Ucred
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil {
			err = os.NewSyscallError("getsockopt SO_PEERCRED", err)
			return
		}
		uid = cred.Uid
		err = s.permits(cred, func() ([]uint32, error) { return groups(int(fd)) })
	})
	if cerr != nil {
		err = cerr
	}
	return uid, err
}

// permits decides about a peer. groups returns its supplementary groups.
func (s Self) permits(cred *unix.Ucred, groups func() ([]uint32, error)) error {
	if cred.Uid == s.uid || cred.Uid == 0 || cred.Gid == s.gid {
		return nil
	}
	more, err := groups()
	if err != nil {
		return err
	}
	if slices.Contains(more, s.gid) {
		return nil
	}
	return fault.New(fault.Forbidden, "user %d is neither user %d nor in group %d", cred.Uid, s.uid, s.gid)
}

// groups returns the supplementary groups of the process at the other end, or
// none when there are more than 256.
func groups(fd int) ([]uint32, error) {
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
	return nil, os.NewSyscallError("getsockopt SO_PEERGROUPS", e)
}
