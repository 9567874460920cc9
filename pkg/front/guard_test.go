package front

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func TestHostAllowed(t *testing.T) {
	names := []string{"pics.lan", "localhost"}
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:8080": true, "[::1]:80": true, "[::1]": true, "::1": true, "localhost": true, "LOCALHOST:1": true,
		"localhost.": true, "pics.lan:8080": true, "Pics.LAN": true, "192.168.1.7": true,
		"": false, "evil.com": false, "evil.com:80": false, "localhost.evil.com": false, "127.0.0.1.evil.com": false, "pics.lan.evil": false, ":80": false,
	} {
		if got := hostAllowed(host, names); got != want {
			t.Errorf("%q: %v", host, got)
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
		{"GET", "/healthz", "Host: evil.com", "", 421},
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

func TestPeerOfAnotherUser(t *testing.T) {
	s := start(t, nil)
	ask := func(p peer) error {
		r, _ := http.NewRequestWithContext(context.WithValue(context.Background(), peerKey{}, p), "GET", "http://x/", nil)
		return s.guard(r)
	}
	uid, gid := uint32(os.Geteuid()), uint32(os.Getegid())
	for _, c := range []struct {
		p  peer
		ok bool
	}{
		{peer{unix: true, known: true, uid: uid, gid: 9999}, true},
		{peer{unix: true, known: true, uid: 0, gid: 9999}, true},
		{peer{unix: true, known: true, uid: 9999, gid: gid}, true},
		{peer{unix: true, known: true, uid: 9999, gid: 9999}, false},
		{peer{unix: true}, false},
		{peer{unix: true, open: true, known: true, uid: 9999, gid: 9999}, true},
	} {
		if err := ask(c.p); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.p, err)
		}
	}
}
