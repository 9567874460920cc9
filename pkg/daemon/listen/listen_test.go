package listen

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

func TestAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"unix:/run/a.sock":        "/run/a.sock",
		"./a.sock":                "./a.sock",
		"unix:a":                  "a",
		"tcp:127.0.0.1:80":        "127.0.0.1:80",
		"tcp:[::1]:80":            "[::1]:80",
		"tcp:[::]:0":              "[::]:0",
		"tcp:localhost:8080":      "127.0.0.1:8080 [::1]:8080",
		"tcp:[::ffff:1.2.3.4]:80": "1.2.3.4:80",
	} {
		t.Run(in, func(t *testing.T) {
			a, err := Parse(in)
			var got []string
			for _, b := range a.Binds {
				got = append(got, b.String())
			}
			if s := a.Path + strings.Join(got, " "); err != nil || s != want {
				t.Errorf("%q = %q, %v; want %q", in, s, err, want)
			}
		})
	}
	for _, in := range []string{
		"", "a", "unix:", "unix:@a", "@a/b", "unix:/a\x00b", "tcp:", "tcp:80", "tcp::80", "tcp:example.org:80", "tcp:127.0.0.1",
		"tcp:127.0.0.1:99999", "tcp:localhost:", "tcp:localhost:-1", "tcp:localhost:http", "tcp:::1:80",
		"http://localhost:80", "unix:/" + strings.Repeat("a", 103),
	} {
		t.Run(in, func(t *testing.T) {
			if a, err := Parse(in); fault.Of(err) != fault.Usage || err == nil {
				t.Errorf("%q = %v, %v; want a usage error", in, a, err)
			}
		})
	}
}

// listens reports whether something accepts connections at sa.
func listens(t *testing.T, family int, sa unix.Sockaddr) error {
	t.Helper()
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	return unix.Connect(fd, sa)
}

func mustOpen(t *testing.T, addr string) []*Socket {
	t.Helper()
	a, err := Parse(addr)
	if err != nil {
		t.Fatal(err)
	}
	ss, _, err := Open(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, s := range ss {
			s.Close()
		}
	})
	return ss
}

func TestTCPFamiliesAreApart(t *testing.T) {
	ss := mustOpen(t, "tcp:localhost:0")
	if len(ss) != 2 {
		t.Fatalf("%d sockets for localhost", len(ss))
	}
	port := func(s *Socket) int {
		n, err := strconv.Atoi(s.Name[strings.LastIndex(s.Name, ":")+1:])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	p := port(ss[0])
	if p == 0 || p != port(ss[1]) || ss[0].Name != "tcp:127.0.0.1:"+strconv.Itoa(p) || ss[1].Name != "tcp:[::1]:"+strconv.Itoa(p) {
		t.Fatalf("bound to %s and %s", ss[0].Name, ss[1].Name)
	}
	v4 := &unix.SockaddrInet4{Port: p, Addr: [4]byte{127, 0, 0, 1}}
	v6 := &unix.SockaddrInet6{Port: p, Addr: [16]byte{15: 1}}
	if err := listens(t, unix.AF_INET, v4); err != nil {
		t.Error("IPv4:", err)
	}
	if err := listens(t, unix.AF_INET6, v6); err != nil {
		t.Error("IPv6:", err)
	}
	for _, s := range ss {
		if fl, _ := unix.FcntlInt(uintptr(s.FD), unix.F_GETFL, 0); fl&unix.O_NONBLOCK == 0 {
			t.Errorf("%s blocks", s.Name)
		}
		if fl, _ := unix.FcntlInt(uintptr(s.FD), unix.F_GETFD, 0); fl&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s is inherited by all", s.Name)
		}
		if s.Public() {
			t.Errorf("%s counts as public", s.Name)
		}
	}
	if only, err := unix.GetsockoptInt(ss[1].FD, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); err != nil || only != 1 {
		t.Errorf("IPV6_V6ONLY = %d, %v", only, err)
	}

	both := mustOpen(t, "tcp:[::]:0")
	if err := listens(t, unix.AF_INET, &unix.SockaddrInet4{Port: port(both[0]), Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Error("[::] by IPv4:", err)
	}
	if !both[0].Public() {
		t.Error("[::] does not count as public")
	}

	// As imgd has it from -i 0.0.0.0 -i ::, what containers are started with.
	any, _, err := Open(Address{Binds: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:0"), netip.MustParseAddrPort("[::]:0")}})
	if err != nil || len(any) != 2 {
		t.Fatalf("0.0.0.0 and [::]: %d sockets, %v", len(any), err)
	}
	for i, err := range []error{
		listens(t, unix.AF_INET, &unix.SockaddrInet4{Port: port(any[0]), Addr: [4]byte{127, 0, 0, 1}}),
		listens(t, unix.AF_INET6, &unix.SockaddrInet6{Port: port(any[0]), Addr: [16]byte{15: 1}}),
	} {
		if err != nil {
			t.Error(any[i].Name, err)
		}
		any[i].Close()
	}

	a, _ := Parse("tcp:127.0.0.1:" + strconv.Itoa(p))
	if _, _, err := Open(a); !errnoIs(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), "listen tcp:127.0.0.1:") {
		t.Errorf("a taken port: %v", err)
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sock")
	s := mustOpen(t, path)[0]
	st, err := os.Lstat(path)
	if err != nil || st.Mode().Perm() != 0660 || st.Mode().Type() != os.ModeSocket {
		t.Fatalf("%v, %v", st.Mode(), err)
	}
	if err := listens(t, unix.AF_UNIX, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	status, err := s.Status()
	if err != nil || status.Path() != path+".status" {
		t.Fatalf("%v, %v", status, err)
	}
	defer status.Close()
	s.Unlink()
	status.Unlink()
	es, _ := os.ReadDir(filepath.Dir(path))
	if len(es) != 1 || es[0].Name() != "a.sock.lock" {
		t.Errorf("after Unlink there are %v", es)
	}
}

func TestSecondInstanceIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sock")
	s := mustOpen(t, path)[0]
	a, _ := Parse(path)
	want := "listen unix:" + path + ": process " + strconv.Itoa(os.Getpid()) + " serves it already"
	if _, _, err := Open(a); err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
	// Also one that knows no lock.
	s2 := &Socket{FD: -1, lock: s.lock}
	s.lock = -1
	s2.Close()
	if _, _, err := Open(a); err == nil || !strings.Contains(err.Error(), "another process listens") {
		t.Errorf("a live socket without a lock: %v", err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sock")
	mustOpen(t, path)[0].Close() // as a killed process leaves it
	if err := listens(t, unix.AF_UNIX, &unix.SockaddrUnix{Name: path}); err != unix.ECONNREFUSED {
		t.Fatalf("not stale: %v", err)
	}
	old := mustOpen(t, path)[0]
	if err := listens(t, unix.AF_UNIX, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	// A successor's socket is not removed by its predecessor.
	os.Remove(path)
	if err := os.WriteFile(path, []byte("x"), 0600); err != nil {
		t.Fatal(err)
	}
	old.Unlink()
	old.Close()
	a, _ := Parse(path)
	if _, _, err := Open(a); err == nil || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("a file in the way: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "x" {
		t.Errorf("the file reads %q, %v", b, err)
	}
}

func getenv(vars string) func(string) string {
	m := map[string]string{}
	for _, v := range strings.Fields(vars) {
		k, v, _ := strings.Cut(v, "=")
		m[k] = v
	}
	return func(k string) string { return m[k] }
}

func TestRunMustBeTrusted(t *testing.T) {
	top, uid := t.TempDir(), os.Geteuid()
	at := func(name string) string { return filepath.Join(top, name) }
	if err := makeRun(at("new"), true, uid); err != nil {
		t.Error(err)
	}
	if st, err := os.Stat(at("new")); err != nil || st.Mode().Perm() != 0700 {
		t.Errorf("%v, %v", st, err)
	}
	if err := makeRun(at("new"), true, uid); err != nil {
		t.Error("a second time:", err)
	}
	os.Symlink(at("new"), at("link"))
	os.WriteFile(at("file"), nil, 0600)
	for name, mode := range map[string]os.FileMode{"open": 0777, "group": 0750} {
		os.Mkdir(at(name), 0700)
		os.Chmod(at(name), mode)
	}
	for _, c := range []struct {
		name   string
		shared bool
		uid    int
		part   string
	}{
		{"link", false, uid, "not a folder"},
		{"file", true, uid, "not a folder"},
		{"open", false, uid, "all may write"},
		{"group", true, uid, "mode 0750, not 0700"},
		{"group", false, uid, ""},
		{"new", true, uid + 1, "belongs to user"},
		{"none/here", true, uid, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := makeRun(at(c.name), c.shared, c.uid)
			if (err == nil) != (c.part == "") || err != nil && !strings.Contains(err.Error(), c.part) {
				t.Errorf("%s, shared %v: %v; want %q", c.name, c.shared, err, c.part)
			}
		})
	}
}

func TestActivation(t *testing.T) {
	for _, c := range []struct {
		env   string
		names []string
		part  string
	}{
		{"", nil, ""},
		{"LISTEN_PID=9 LISTEN_FDS=2 LISTEN_FDNAMES=a:status", []string{"a", "status"}, ""},
		{"LISTEN_PID=9 LISTEN_FDS=1", []string{""}, ""},
		{"LISTEN_PID=9 LISTEN_FDS=0", []string{}, ""},
		{"LISTEN_PID=8 LISTEN_FDS=1", nil, `LISTEN_PID is "8" and this process 9`},
		{"LISTEN_FDS=1", nil, `LISTEN_PID is ""`},
		{"LISTEN_PID=9", nil, `LISTEN_FDS is ""`},
		{"LISTEN_PID=9 LISTEN_FDS=-1", nil, "LISTEN_FDS"},
		{"LISTEN_PID=9 LISTEN_FDS=65", nil, "LISTEN_FDS"},
		{"LISTEN_PID=9 LISTEN_FDS=1 LISTEN_FDNAMES=a:b", nil, "2 names for 1"},
	} {
		t.Run(c.env, func(t *testing.T) {
			n, names, err := activation(getenv(c.env), 9)
			if c.part != "" {
				if err == nil || fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), c.part) {
					t.Errorf("%q: %v; want %q", c.env, err, c.part)
				}
			} else if err != nil || n != len(c.names) || !reflect.DeepEqual(names, c.names) {
				t.Errorf("%q: %d %q, %v; want %q", c.env, n, names, err, c.names)
			}
		})
	}
}

func FuzzActivation(f *testing.F) {
	f.Add("9", "2", "a:b")
	f.Add("8", "", ":")
	f.Fuzz(func(t *testing.T, pid, fds, names string) {
		env := map[string]string{"LISTEN_PID": pid, "LISTEN_FDS": fds, "LISTEN_FDNAMES": names}
		n, got, err := activation(func(k string) string { return env[k] }, 9)
		if n < 0 || n > maxInherited || len(got) != n || err != nil && n != 0 {
			t.Errorf("%q: %d %q, %v", env, n, got, err)
		}
	})
}

func TestInheritedSockets(t *testing.T) {
	s := mustOpen(t, "tcp:localhost:0")[0]
	fd, err := unix.Dup(s.FD)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	unix.SetNonblock(fd, false)
	got, err := inherit(fd, "http")
	if err != nil || got.Kind != Inherited || got.Name != "http" {
		t.Fatalf("%+v, %v", got, err)
	}
	if fl, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); fl&unix.O_NONBLOCK == 0 {
		t.Error("it blocks")
	}
	if fl, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); fl&unix.FD_CLOEXEC == 0 {
		t.Error("it is inherited by all")
	}

	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	dgram, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dgram)
	for fd, part := range map[int]string{
		int(file.Fd()): "on non-socket",
		pair[0]:        "Accept=yes",
		dgram:          "ListenStream",
		1 << 20:        "bad file descriptor",
	} {
		if _, err := inherit(fd, "x"); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v; want %q", err, part)
		}
	}
}

func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, addr := range []string{path, "@imgtools-test-" + strconv.Itoa(os.Getpid())} {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: addr}); err != nil {
			t.Fatal(err)
		}
		n := notifier(getenv("NOTIFY_SOCKET="+addr), 9)
		if err := n.Notify(Reloading()...); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 200)
		m, _, err := unix.Recvfrom(fd, buf, 0)
		lines := strings.Split(string(buf[:max(m, 0)]), "\n")
		if err != nil || len(lines) != 2 || lines[0] != "RELOADING=1" || !strings.HasPrefix(lines[1], "MONOTONIC_USEC=") {
			t.Errorf("%s got %q, %v", addr, lines, err)
		}
	}
	if err := (Notifier{}).Notify("READY=1"); err != nil {
		t.Error("without NOTIFY_SOCKET:", err)
	}
	if err := (Notifier{addr: path + "x"}).Notify("READY=1"); err == nil {
		t.Error("nobody there: no error")
	}
	for env, want := range map[string]int64{
		"NOTIFY_SOCKET=/x WATCHDOG_USEC=2000000":                 1e9,
		"NOTIFY_SOCKET=/x WATCHDOG_USEC=2000000 WATCHDOG_PID=9":  1e9,
		"NOTIFY_SOCKET=/x WATCHDOG_USEC=2000000 WATCHDOG_PID=10": 0,
		"WATCHDOG_USEC=2000000":                                  0,
		"NOTIFY_SOCKET=/x WATCHDOG_USEC=-1":                      0,
		"NOTIFY_SOCKET=/x WATCHDOG_USEC=99999999999999999":       0,
	} {
		if got := notifier(getenv(env), 9).Watchdog; int64(got) != want {
			t.Errorf("%s: %v", env, got)
		}
	}
}
