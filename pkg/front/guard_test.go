package front

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestHostAllowed(t *testing.T) {
	names := []string{"pics.lan", "localhost"}
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:8080": true, "[::1]:80": true, "[::1]": true, "::1": true, "localhost": true, "LOCALHOST:1": true,
		"localhost.": true, "pics.lan:8080": true, "Pics.LAN": true, "192.168.1.7": true,
		"": false, "evil.com": false, "evil.com:80": false, "localhost.evil.com": false, "127.0.0.1.evil.com": false, "pics.lan.evil": false, ":80": false,
	} {
		r := &http.Request{Host: host, ProtoMajor: 1, ProtoMinor: 1}
		if got := hostAllowed(r, names); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestHostNamesWithAStar(t *testing.T) {
	for _, c := range []struct {
		host, name string
		want       bool
	}{
		{"a.example.com", "*.example.com", true}, {"A.b.EXAMPLE.com:8080", "*.example.com", true}, {"a.example.com.", "*.example.com", true},
		{"example.com", "*.example.com", false}, {".example.com", "*.example.com", false}, {"aexample.com", "*.example.com", false},
		{"a.example.com.evil", "*.example.com", false}, {"evil.com", "*", true}, {"", "*", false}, {":80", "*", false},
	} {
		r := &http.Request{Host: c.host, ProtoMajor: 1, ProtoMinor: 1}
		if got := hostAllowed(r, []string{c.name}); got != c.want {
			t.Errorf("%q by %q: %v", c.host, c.name, got)
		}
	}
	for name, good := range map[string]bool{
		"pics.lan": true, "*.lan": true, "*": true, "": false, "*.": false, "**": false, "a*.lan": false, "*lan": false, ".lan": false, "*..lan": false, "http://pics.lan": false, "pics.lan:80": false,
		"*.-x": false, "-x": false, "x-": false, "a-b.lan": true, "pics.lan.": true, "*.a.b": true, "a_b": true, "192.0.2.1": true, "a..b": false, "a.-b": false, "é.lan": false, "*.*": false, "a\n": false,
		strings.Repeat("a", 63) + ".lan": true, strings.Repeat("a", 64) + ".lan": false,
	} {
		if err := CheckHost(name); (err == nil) != good {
			t.Errorf("-host %q: %v", name, err)
		}
	}
}

// A page of a site that -host names may post, whatever Host a proxy passes on.
func TestOriginsOfOwnHosts(t *testing.T) {
	s := start(t, func(c *Config) { c.Hosts = []string{"*", "pics.lan", "*.example.com"} })
	for origin, status := range map[string]int{
		"http://pics.lan": 202, "https://pics.lan:8443": 202, "https://a.example.com": 202,
		"https://evil.com": 403, "https://example.com": 403, "null": 403, "https://pics.lan.evil.com": 403, "https://user@evil.com": 403,
	} {
		if a := s.do("POST", "/jobs", "A", "Host: backend:8080", "Origin: "+origin); a.status != status {
			t.Errorf("%s: %d %s", origin, a.status, a.body)
		} else if status == 403 && (!strings.Contains(string(a.body), "-host NAME") || !strings.Contains(string(a.body), "proxy_set_header Host $host")) {
			t.Errorf("%s: the answer doesn't name the flag and the header: %s", origin, a.body)
		}
	}
}

func TestStrangersAreRefused(t *testing.T) {
	s := start(t, func(c *Config) { c.Hosts = []string{"pics.lan"} })
	for _, c := range []struct {
		method, path, header, header2 string
		status                        int
	}{
		{"GET", "/", "Host: evil.com", "", 421},
		{"GET", "/healthz", "Host: evil.com", "", 200},
		{"GET", "/metrics", "Host: evil.com", "", 421},
		{"GET", "/", "Host: pics.lan", "", 200},
		{"POST", "/jobs", "Sec-Fetch-Site: cross-site", "", 403},
		{"POST", "/jobs", "Origin: http://evil.com", "", 403},
		{"POST", "/jobs", "Origin: null", "", 403},
		{"DELETE", "/jobs/aaaaaaaaaaaaaaaaaaaaaaaaaa", "Origin: http://evil.com", "", 403},
		{"POST", "/jobs", "Sec-Fetch-Site: same-origin", "", 202},
		{"POST", "/jobs", "Host: pics.lan", "Origin: http://pics.lan", 202},
		{"GET", "/", "Sec-Fetch-Site: cross-site", "", 200}, // a link
	} {
		body := ""
		if c.method == "POST" {
			body = "A"
		}
		a := s.do(c.method, c.path, body, c.header, c.header2)
		if a.status != c.status {
			t.Errorf("%s %s %s %s: %d %s", c.method, c.path, c.header, c.header2, a.status, a.body)
		}
		if a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Error("a CORS header")
		}
	}
}

func TestToken(t *testing.T) {
	s := start(t, nil)
	s.SetTokens([]string{"first", "second"})
	basic := func(password string) string {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth("me", password)
		return "Authorization: " + r.Header.Get("Authorization")
	}
	for header, status := range map[string]int{
		"": 401, "Authorization: Bearer first": 200, "Authorization: bearer second": 200, "Authorization: Bearer third": 401,
		"Authorization: Bearer": 401, "Authorization: Bearer firs": 401, "Authorization: Digest first": 401,
		basic("first"): 200, basic(""): 401, basic("firstx"): 401,
	} {
		a := s.do("GET", "/metrics", "", header)
		if a.status != status {
			t.Errorf("%q: %d", header, a.status)
		}
		if want := map[bool]string{true: "a token is needed", false: "the token is not one of this server's"}[header == ""]; status == 401 && !strings.Contains(a.body, want) {
			t.Errorf("%q: %s", header, a.body)
		}
		if status == 401 && len(a.header.Values("WWW-Authenticate")) != 2 {
			t.Errorf("%q: %v", header, a.header)
		}
	}
	if a := s.do("GET", "/healthz", ""); a.status != 200 {
		t.Errorf("healthz: %+v", a)
	}
	if a := s.do("POST", "/jobs", "A"); a.status != 401 {
		t.Errorf("%+v", a)
	}
	s.SetTokens([]string{"third"})
	if a := s.do("GET", "/metrics", "", "Authorization: Bearer first"); a.status != 401 {
		t.Errorf("an old token: %+v", a)
	}
	// On the Unix socket the kernel says who it is.
	path := filepath.Join(t.TempDir(), "s.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- s.Serve(l, nil) }()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://anything/metrics")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("unix: %s", resp.Status)
	}
	l.Close()
	if err := <-served; err == nil {
		t.Error("a closed listener is no error")
	}
}

// dialAs connects to a Unix socket as a user with a primary and a supplementary
// group. Credentials are those of the thread that connects, and this one ends
// with its goroutine, as it stays locked to it.
func dialAs(t *testing.T, path string, uid, gid, group int) net.Conn {
	t.Helper()
	type dialed struct {
		c   net.Conn
		err error
	}
	done := make(chan dialed)
	go func() {
		runtime.LockOSThread()
		groups := []uint32{uint32(group)}
		for _, call := range [][4]uintptr{
			{unix.SYS_SETGROUPS, 1, uintptr(unsafe.Pointer(&groups[0]))},
			{unix.SYS_SETRESGID, uintptr(gid), uintptr(gid), uintptr(gid)},
			{unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)},
		} {
			if _, _, e := unix.RawSyscall(call[0], call[1], call[2], call[3]); e != 0 {
				done <- dialed{nil, e}
				return
			}
		}
		c, err := net.Dial("unix", path)
		done <- dialed{c, err}
	}()
	d := <-done
	if d.err != nil {
		t.Fatal(d.err)
	}
	return d.c
}

func TestUsersOfTheUnixSocket(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be other users")
	}
	s := start(t, nil)
	dir, err := os.MkdirTemp("", "front")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const stranger = 65534
	own := os.Getegid()
	for _, c := range []struct {
		name       string
		gid, group int
		open       bool
		status     int
	}{
		{"primary group", own, stranger, false, 200},
		{"supplementary group", stranger, own, false, 200},
		{"stranger", stranger, stranger, false, 403},
		{"stranger, and the socket was given to us", stranger, stranger, true, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(c.name, " ", "-"))
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, 0o777); err != nil {
				t.Fatal(err)
			}
			if c.open {
				l = Open{l}
			}
			go s.Serve(l, nil)
			conn := dialAs(t, path, stranger, c.gid, c.group)
			defer conn.Close()
			if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != c.status {
				t.Errorf("%v, %v; want %d", resp, err, c.status)
			}
		})
	}
}
