package front

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClientBehindAProxy(t *testing.T) {
	s := &Server{c: Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}}
	for name, c := range map[string]struct {
		from    string
		headers string // separated by |
		client  string
		host    string
		https   bool
	}{
		"no proxy":                 {"192.0.2.1:99", "", "192.0.2.1", "here", false},
		"headers of no proxy":      {"192.0.2.1:99", "X-Forwarded-For: 198.51.100.7|X-Forwarded-Host: evil.com|X-Forwarded-Proto: https", "192.0.2.1", "here", false},
		"proxy":                    {"10.1.2.3:99", "X-Forwarded-For: 198.51.100.7|X-Forwarded-Host: pics.lan|X-Forwarded-Proto: https", "198.51.100.7", "pics.lan", true},
		"proxy without headers":    {"10.1.2.3:99", "", "10.1.2.3", "here", false},
		"forged before the proxy":  {"10.1.2.3:99", "X-Forwarded-For: 1.1.1.1, 198.51.100.7", "198.51.100.7", "here", false},
		"two proxies":              {"10.1.2.3:99", "X-Forwarded-For: 1.1.1.1, 198.51.100.7, 10.9.9.9", "198.51.100.7", "here", false},
		"two headers":              {"10.1.2.3:99", "X-Forwarded-For: 198.51.100.7|X-Forwarded-For: 10.9.9.9", "198.51.100.7", "here", false},
		"only proxies":             {"10.1.2.3:99", "X-Forwarded-For: 10.9.9.9", "10.9.9.9", "here", false},
		"nonsense":                 {"10.1.2.3:99", "X-Forwarded-For: 1.1.1.1, unknown, 10.9.9.9", "10.9.9.9", "here", false},
		"with ports":               {"[fd00::1]:99", "X-Forwarded-For: [2001:db8:1:2:3::4]:4711", "2001:db8:1:2::/64", "here", false},
		"IPv6 by /64":              {"[2001:db8:1:2:3::4]:99", "", "2001:db8:1:2::/64", "here", false},
		"IPv4 in IPv6":             {"[::ffff:192.0.2.1]:99", "", "192.0.2.1", "here", false},
		"host chosen by the proxy": {"10.1.2.3:99", "X-Forwarded-Host: forged.com, pics.lan", "10.1.2.3", "pics.lan", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "http://here/", nil)
			r.RemoteAddr = c.from
			for h := range strings.SplitSeq(c.headers, "|") {
				if k, v, ok := strings.Cut(h, ": "); ok {
					r.Header.Add(k, v)
				}
			}
			i := &info{}
			r = withInfo(r.WithContext(context.WithValue(r.Context(), peerKey{}, peer{})), i)
			s.forwarded(func(w http.ResponseWriter, r *http.Request) {
				if got := s.clientOf(r); got != c.client || r.Host != c.host || i.https != c.https {
					t.Errorf("client %q, host %q, https %v; want %q, %q, %v", got, r.Host, i.https, c.client, c.host, c.https)
				}
			})(httptest.NewRecorder(), r)
		})
	}
}

// A token names its client by a hash that stays the same when the token file is
// written in another order, and on another host.
func TestTokensAreClients(t *testing.T) {
	s := start(t, nil)
	client := func(token string) string {
		r := httptest.NewRequest("GET", "http://127.0.0.1/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		r = withInfo(r, &info{})
		if err := s.guard(r); err != nil {
			t.Fatal(err)
		}
		return s.clientOf(r)
	}
	s.SetTokens([]string{"first", "second"})
	first, second := client("first"), client("second")
	if first == second || strings.Contains(first, "first") || !strings.HasPrefix(first, "token ") {
		t.Errorf("clients %q and %q", first, second)
	}
	s.SetTokens([]string{"third", "second", "first"})
	if got := client("first"); got != first {
		t.Errorf("after a reload: %q, was %q", got, first)
	}
}

// One client has handed in many jobs when another hands in one: that one is next.
func TestJobsOfClientsTakeTurns(t *testing.T) {
	dir := t.TempDir()
	s := start(t, func(c *Config) { c.Spool = openSpool(t, dir) })
	s.SetTokens([]string{"many", "one"})
	post := func(token, body string) {
		t.Helper()
		if a := s.do("POST", "/jobs", body, "Authorization: Bearer "+token); a.status != 202 {
			t.Fatalf("%+v", a)
		}
	}
	post("many", "hold many")
	first := <-s.fake.held
	for range 20 {
		post("many", "many")
	}
	post("one", "hold one")
	close(first.free)
	h := <-s.fake.held
	if came := s.fake.came(); h.body != "hold one" || len(came) != 2 {
		t.Errorf("before the job of the other client: %q", came[:len(came)-1])
	}
	close(h.free)
	files, _ := filepath.Glob(dir + "/jobs/*/job")
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && (!bytes.Contains(b, []byte("\nclient: token ")) || bytes.Contains(b, []byte("many"))) {
			t.Errorf("record:\n%s", b)
		}
	}
}
