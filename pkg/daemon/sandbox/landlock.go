package sandbox

import (
	"encoding/binary"
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

// Rights of a Rule.
const (
	Read    = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	Execute = unix.LANDLOCK_ACCESS_FS_EXECUTE
)

// A Rule permits rights on a file, or on all that a folder contains.
type Rule struct {
	Path   string
	Rights uint64
}

// ruleset makes a set that handles all rights and permits those of the rules. Paths
// that don't exist are skipped. The caller closes fd.
func ruleset(rules []Rule) (fd, version int, err error) {
	version, err = landlockVersion()
	if err != nil {
		return 0, 0, err
	}
	attr := rights(version, errata())
	set, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if e != 0 {
		return 0, 0, fmt.Errorf("landlock_create_ruleset: %w", e)
	}
	for _, r := range rules {
		if err := permit(int(set), r); err != nil && err != unix.ENOENT {
			unix.Close(int(set))
			return 0, 0, fmt.Errorf("landlock_add_rule: %s: %w", r.Path, err)
		}
	}
	return int(set), version, nil
}

// permit adds a rule to a set.
func permit(set int, r Rule) error {
	fd, err := unix.Open(r.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	may := r.Rights
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		may &^= unix.LANDLOCK_ACCESS_FS_READ_DIR // which a file can't have
	}
	// The kernel's struct landlock_path_beneath_attr is packed: 8 and 4 bytes.
	var attr [12]byte
	binary.NativeEndian.PutUint64(attr[:], may)
	binary.NativeEndian.PutUint32(attr[8:], uint32(fd))
	_, _, e := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(set), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

// landlock denies all threads every right that Landlock can deny. Open files keep
// the rights that they were opened with.
func landlock() (string, error) {
	fd, version, err := ruleset(nil)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	if _, _, e := syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(fd), 0, 0); e != 0 {
		return "", fmt.Errorf("landlock_restrict_self: %w", e)
	}
	return fmt.Sprintf("landlock-%d", version), nil
}

// Ruleset returns a descriptor of a set of rules that denies every right that Landlock can
// deny but those of the rules, for landlock_restrict_self(2). The caller closes it.
func Ruleset(rules ...Rule) (fd int, err error) {
	fd, _, err = ruleset(rules)
	return fd, err
}
