package peercred

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

func TestWhoIsAdmitted(t *testing.T) {
	for _, c := range []struct {
		name   string
		peer   unix.Ucred
		groups []uint32
		ok     bool
	}{
		{"own user", unix.Ucred{Uid: 7, Gid: 1}, nil, true},
		{"root", unix.Ucred{Uid: 0, Gid: 0}, nil, true},
		{"primary group", unix.Ucred{Uid: 8, Gid: 70}, nil, true},
		{"supplementary group", unix.Ucred{Uid: 8, Gid: 1}, []uint32{5, 70}, true},
		{"stranger", unix.Ucred{Uid: 8, Gid: 7}, []uint32{5}, false},
		{"stranger in root's group", unix.Ucred{Uid: 8, Gid: 0}, []uint32{0}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Self{7, 70}.permits(&c.peer, func() ([]uint32, error) { return c.groups, nil })
			if (err == nil) != c.ok || !c.ok && fault.Of(err) != fault.Forbidden {
				t.Errorf("%v; want %v", err, c.ok)
			}
		})
	}
}

// The kernel is asked about a peer that is this process.
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
	if uid, err := NewSelf().Admit(rc); err != nil || int(uid) != os.Geteuid() {
		t.Error(uid, err)
	}
	var got []uint32
	rc.Control(func(fd uintptr) { got, err = groups(int(fd)) })
	var want []uint32
	gids, gerr := os.Getgroups()
	for _, g := range gids {
		want = append(want, uint32(g))
	}
	if err != nil || gerr != nil || !slices.Equal(got, want) {
		t.Errorf("groups %v, %v; want %v, %v", got, err, want, gerr)
	}
}
