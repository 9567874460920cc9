package worker

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

func TestPermit(t *testing.T) {
	for _, c := range []struct {
		peer   unix.Ucred
		groups []uint32
		ok     bool
	}{
		{unix.Ucred{Uid: 7, Gid: 1}, nil, true},
		{unix.Ucred{Uid: 0, Gid: 0}, nil, true},
		{unix.Ucred{Uid: 8, Gid: 70}, nil, true},
		{unix.Ucred{Uid: 8, Gid: 1}, []uint32{5, 70}, true},
		{unix.Ucred{Uid: 8, Gid: 7}, []uint32{5}, false},
		{unix.Ucred{Uid: 8, Gid: 0}, []uint32{0}, false},
	} {
		err := (self{7, 70}).permits(&c.peer, c.groups)
		if (err == nil) != c.ok || !c.ok && fault.Of(err) != fault.Forbidden {
			t.Errorf("%+v in %v: %v; want %v", c.peer, c.groups, err, c.ok)
		}
	}
}

// TestOwnCredentials asks the kernel about a peer that is this process.
func TestOwnCredentials(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b := os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b")
	defer a.Close()
	defer b.Close()
	rc, err := a.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := newSelf().allows(rc); err != nil {
		t.Error(err)
	}
	var groups []uint32
	rc.Control(func(fd uintptr) { groups, err = peerGroups(int(fd)) })
	var want []uint32
	gids, gerr := os.Getgroups()
	for _, g := range gids {
		want = append(want, uint32(g))
	}
	if err != nil || gerr != nil || !slices.Equal(groups, want) {
		t.Errorf("groups %v, %v; want %v, %v", groups, err, want, gerr)
	}
}
