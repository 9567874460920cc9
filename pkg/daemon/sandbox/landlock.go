package sandbox

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rights returns the rights that a version of Landlock's interface (landlock(7)) can
// deny. A rule set that handles rights and has no rules denies them all.
func rights(version, errata int) unix.LandlockRulesetAttr {
	var a unix.LandlockRulesetAttr
	a.Handled_access_fs = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1 // 1: the first 13 rights
	if version >= 2 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= 4 {
		a.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 5 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if version >= 6 {
		a.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
		// Each thread is in a domain of its own. Before erratum 2 was fixed the
		// threads could not send each other signals, with which Go preempts them.
		if erratum2 := 1 << (2 - 1); errata&erratum2 != 0 || version >= 8 {
			a.Scoped |= unix.LANDLOCK_SCOPE_SIGNAL
		}
	}
	if version >= 9 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX
	}
	return a
}

// landlockVersion returns the version of the interface that the kernel has.
func landlockVersion() (int, error) {
	v, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 {
		return 0, fmt.Errorf("landlock: %w", e)
	}
	return int(v), nil
}

// errata returns a bit for each erratum of the version that this kernel has fixed.
func errata() int {
	bits, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_ERRATA)
	if e != 0 {
		return 0 // older than errata
	}
	return int(bits)
}

// landlock denies all threads every right that Landlock can deny. Open files keep
// the rights that they were opened with.
func landlock() (string, error) {
	version, err := landlockVersion()
	if err != nil {
		return "", err
	}
	attr := rights(version, errata())
	fd, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if e != 0 {
		return "", fmt.Errorf("landlock_create_ruleset: %w", e)
	}
	defer unix.Close(int(fd))
	if _, _, e := syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); e != 0 {
		return "", fmt.Errorf("landlock_restrict_self: %w", e)
	}
	return fmt.Sprintf("landlock-%d", version), nil
}
