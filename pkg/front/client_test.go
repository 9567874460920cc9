package front

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
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

func TestTokensAreClients(t *testing.T) {
	s := start(t, nil)
	s.SetTokens([]string{"first", "second"})
	for token, want := range map[string]string{"first": "token 1", "second": "token 2"} {
		r := httptest.NewRequest("GET", "http://127.0.0.1/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		r = withInfo(r, &info{})
		if err := s.guard(r); err != nil {
			t.Fatal(err)
		}
		if got := s.clientOf(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
