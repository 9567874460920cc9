package address

import (
	"strings"
	"testing"

	"imgtools/pkg/fault"
)

func TestAddressesByReader(t *testing.T) {
	const none = "-" // a usage error
	for _, c := range []struct{ in, listen, dial, dialURL string }{
		{"unix:/run/x.sock", "unix:/run/x.sock", "unix:/run/x.sock", "unix:/run/x.sock"},
		{"unix:x.sock", "unix:x.sock", "unix:x.sock", "unix:x.sock"},
		{"./x.sock", "unix:./x.sock", "unix:./x.sock", "unix:./x.sock"},
		{"tcp:127.0.0.1:80", "tcp:127.0.0.1:80", "tcp:127.0.0.1:80", "tcp:127.0.0.1:80"},
		{"tcp:[::1]:80", "tcp:[::1]:80", "tcp:[::1]:80", "tcp:[::1]:80"},
		{"tcp:[fe80::1%eth0]:80", "tcp:[fe80::1%eth0]:80", "tcp:[fe80::1%eth0]:80", "tcp:[fe80::1%eth0]:80"},
		{"tcp:localhost:80", "tcp:localhost:80", "tcp:localhost:80", "tcp:localhost:80"},
		{"tcp:[::]:0", "tcp:[::]:0", none, none},
		{"tcp:example.org:80", none, "tcp:example.org:80", "tcp:example.org:80"},
		{"http://host:80/", none, none, "http://host:80"},
		{"https://host/img/", none, none, "https://host/img"},
		{"http://[fe80::1%eth0]:80", none, none, "http://[fe80::1%25eth0]:80"},
		{"http://[fe80::1%25eth0]:80/", none, none, "http://[fe80::1%25eth0]:80"},
		{"", none, none, none},
		{"x.sock", none, none, none},
		{"unix:", none, none, none},
		{"tcp:", none, none, none},
		{"tcp:80", none, none, none},
		{"tcp::80", none, none, none},
		{"tcp:127.0.0.1", none, none, none},
		{"tcp:127.0.0.1:99999", none, none, none},
		{"tcp:localhost:", none, none, none},
		{"tcp:localhost:-1", none, none, none},
		{"tcp:localhost:http", none, none, none},
		{"tcp:::1:80", none, none, none},
		{"tcp:[::1:80", none, none, none},
		{"tcp:[host]:80", none, none, none},
		{"tcp:[1.2.3.4]:80", none, none, none},
		{"http://", none, none, none},
		{"http://u:p@host", none, none, none},
		{"http://host/?x", none, none, none},
		{"http://host/#x", none, none, none},
		{"https://host:port", none, none, none},
		{"ftp://host", none, none, none},
		{"localhost:8080", none, none, none},
	} {
		t.Run(c.in, func(t *testing.T) {
			for _, r := range []struct {
				name string
				read func(string) (Address, error)
				want string
			}{{"Listen", Listen, c.listen}, {"Dial", Dial, c.dial}, {"DialURL", DialURL, c.dialURL}} {
				a, err := r.read(c.in)
				switch {
				case r.want != none && (err != nil || a.String() != r.want):
					t.Errorf("%s: %s, %v; want %s", r.name, a, err, r.want)
				case r.want == none && (err == nil || fault.Of(err) != fault.Usage || a != Address{}):
					t.Errorf("%s: %s, %v; want a usage error", r.name, a, err)
				}
			}
		})
	}
}

func TestBinds(t *testing.T) {
	for in, want := range map[string]string{
		"tcp:localhost:8080":      "127.0.0.1:8080 [::1]:8080",
		"tcp:[::ffff:1.2.3.4]:80": "1.2.3.4:80",
		"tcp:[fe80::1%eth0]:80":   "[fe80::1%eth0]:80",
	} {
		t.Run(in, func(t *testing.T) {
			a, err := Listen(in)
			if err != nil {
				t.Fatal(err)
			}
			binds, err := a.Binds()
			var got []string
			for _, b := range binds {
				got = append(got, b.String())
			}
			if s := strings.Join(got, " "); err != nil || s != want {
				t.Errorf("%s, %v; want %s", s, err, want)
			}
		})
	}
}

func TestBaseURL(t *testing.T) {
	for in, want := range map[string]string{
		"unix:/run/x.sock":      "http://localhost",
		"tcp:[::1]:8080":        "http://[::1]:8080",
		"tcp:[fe80::1%eth0]:80": "http://[fe80::1%25eth0]:80",
		"tcp:host:80":           "http://host:80",
		"https://host/img/":     "https://host/img",
	} {
		t.Run(in, func(t *testing.T) {
			if a, err := DialURL(in); err != nil || a.Base() != want {
				t.Errorf("%s, %v; want %s", a.Base(), err, want)
			}
		})
	}
}

// getenv returns a lookup of the variables in vars.
func getenv(vars string) func(string) string {
	m := map[string]string{}
	for _, v := range strings.Fields(vars) {
		k, v, _ := strings.Cut(v, "=")
		m[k] = v
	}
	return func(k string) string { return m[k] }
}

func TestRunFolders(t *testing.T) {
	for _, c := range []struct {
		env     string
		uid     int
		server  RunDir
		clients string
	}{
		{"IMGTOOLS_RUN=/x XDG_RUNTIME_DIR=/y", 0, RunDir{Path: "/x"}, "/x /y/imgtools /tmp/imgtools-0 /run/imgtools"},
		{"XDG_RUNTIME_DIR=/y", 0, RunDir{Path: "/run/imgtools"}, "/y/imgtools /tmp/imgtools-0 /run/imgtools"},
		{"XDG_RUNTIME_DIR=/y TMPDIR=/t", 7, RunDir{Path: "/y/imgtools"}, "/y/imgtools /t/imgtools-7 /run/imgtools"},
		{"TMPDIR=/t", 7, RunDir{"/t/imgtools-7", true}, "/t/imgtools-7 /run/imgtools"},
		{"", 7, RunDir{"/tmp/imgtools-7", true}, "/tmp/imgtools-7 /run/imgtools"},
	} {
		t.Run(c.env, func(t *testing.T) {
			if got := Run(getenv(c.env), c.uid); got != c.server {
				t.Errorf("a server's is %v, want %v", got, c.server)
			}
			var got []string
			for _, d := range RunDirs(getenv(c.env), c.uid) {
				got = append(got, d.Path)
			}
			if s := strings.Join(got, " "); s != c.clients {
				t.Errorf("a client's are %s, want %s", s, c.clients)
			}
		})
	}
}

// What Listen and DialURL accept they also accept in the form that String gives.
func FuzzAddress(f *testing.F) {
	f.Add("unix:/a")
	f.Add("tcp:[fe80::1%eth0]:80")
	f.Add("http://[fe80::1%eth0]:80/x/")
	f.Fuzz(func(t *testing.T, s string) {
		for _, read := range []func(string) (Address, error){Listen, Dial, DialURL} {
			a, err := read(s)
			if err != nil {
				if fault.Of(err) != fault.Usage {
					t.Error(err)
				}
				continue
			}
			if b, err := read(a.String()); err != nil || a != b {
				t.Errorf("%q is %#v, which as %q is %#v, %v", s, a, a, b, err)
			}
		}
	})
}
