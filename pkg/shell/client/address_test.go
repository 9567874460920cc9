package client

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

func TestParseAddress(t *testing.T) {
	tests := []struct{ in, unix, base string }{
		{"unix:/run/x.sock", "/run/x.sock", "http://localhost"},
		{"unix:x.sock", "x.sock", "http://localhost"},
		{"/run/x.sock", "/run/x.sock", "http://localhost"},
		{"./x.sock", "./x.sock", "http://localhost"},
		{"tcp:127.0.0.1:8080", "", "http://127.0.0.1:8080"},
		{"tcp:[::1]:8080", "", "http://[::1]:8080"},
		{"tcp:localhost:8080", "", "http://localhost:8080"},
		{"tcp:[fe80::1%eth0]:8080", "", "http://[fe80::1%25eth0]:8080"},
		{"http://host:80/", "", "http://host:80"},
		{"https://host/img/", "", "https://host/img"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			e, err := parseAddress(tt.in)
			if err != nil || e.unix != tt.unix || e.base != tt.base {
				t.Errorf("%s: %+v, %v", tt.in, e, err)
			}
		})
	}
	for _, in := range []string{"", "unix:", "x.sock", "localhost:8080", "tcp:8080", "tcp:::1:8080", "tcp:h:", "tcp:h:0", "tcp:h:70000",
		"tcp::80", "http://", "http://u:p@host", "http://host/?x", "https://host:port", "ftp:x"} {
		t.Run(in, func(t *testing.T) {
			if _, err := parseAddress(in); fault.Of(err) != fault.Usage {
				t.Errorf("%q: %v", in, err)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Setenv("IMGTOOLS_RUN", "/a")
	t.Setenv("XDG_RUNTIME_DIR", "/b")
	mine := filepath.Join(tmp, "imgtools-"+strconv.Itoa(os.Getuid()))
	check := func(want string) {
		t.Helper()
		var got []string
		for _, e := range places() {
			got = append(got, strings.TrimSuffix(e.unix, "/imgd.sock"))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
	check("/a /b/imgtools " + mine + " /run/imgtools")
	t.Setenv("IMGTOOLS_RUN", "")
	check("/b/imgtools " + mine + " /run/imgtools")
	t.Setenv("XDG_RUNTIME_DIR", "")
	check(mine + " /run/imgtools")
	// A link may lead to a stranger's server.
	if err := os.Symlink("/b", mine); err != nil {
		t.Fatal(err)
	}
	check("/run/imgtools")
}

func TestParseRef(t *testing.T) {
	const id = "abcdefghijklmnopqrstuvwxyz"
	tests := []struct{ in, base string }{
		{id, ""},
		{"http://h:8080/jobs/" + id, "http://h:8080"},
		{"https://h/jobs/" + id + "/image", "https://h"},
		{"https://h/jobs/" + id + "/image?wait=3#x", "https://h"},
		{"https://h/a/b/jobs/" + id + "/", "https://h/a/b"},
		{"http://[::1]:80/jobs/" + id, "http://[::1]:80"},
		{"http://[fe80::1%25eth0]:80/jobs/" + id, "http://[fe80::1%25eth0]:80"},
		{"http://[fe80::1%eth0]:80/jobs/" + id, "http://[fe80::1%25eth0]:80"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			r, err := ParseRef(tt.in)
			if err != nil || r.ID != id || r.base != tt.base || r.Text != tt.in || r.Short() != "abcdef…" {
				t.Errorf("%s: %+v, %v", tt.in, r, err)
			}
		})
	}
	for in, want := range map[string]Ref{
		id + "/2":                              {ID: id, N: 2},
		id + "/1":                              {ID: id, N: 1},
		"http://h/jobs/" + id + "/8":           {ID: id, N: 8, base: "http://h"},
		"http://h/x/jobs/" + id + "/3/image?w": {ID: id, N: 3, base: "http://h/x"},
	} {
		t.Run(in, func(t *testing.T) {
			r, err := ParseRef(in)
			want.Text, want.Since = in, r.Since
			if err != nil || r != want {
				t.Errorf("%+v, %v; want %+v", r, err, want)
			}
		})
	}
	if r, _ := ParseRef(id + "/2"); r.Short() != "abcdef…/2" || r.Result() != id+"/2" || r.File() != id+"-2" || r.Job() != "/jobs/"+id {
		t.Errorf("%q %q %q %q", r.Short(), r.Result(), r.File(), r.Job())
	}
	for _, in := range []string{id + "/", id + "/0", id + "/9", id + "/02", id + "/x", id + "/2/3", "http://h/jobs/" + id + "/2/3/image"} {
		t.Run(in, func(t *testing.T) {
			if _, err := ParseRef(in); fault.Of(err) != fault.Usage {
				t.Errorf("%v", err)
			}
		})
	}
	for _, in := range []string{"", "abc", id + "a", strings.ToUpper(id), strings.Repeat("1", 26), "http://h/" + id,
		"http://h/jobs/", "http://h/jobs/../jobs/x", "ftp://h/jobs/" + id, "http:///jobs/" + id, "http://u:p@h/jobs/" + id, "../" + id[:23]} {
		t.Run(in, func(t *testing.T) {
			if _, err := ParseRef(in); fault.Of(err) != fault.Usage {
				t.Errorf("%q: %v", in, err)
			}
		})
	}
}

func TestNewID(t *testing.T) {
	seen, letters := map[string]bool{}, map[rune]bool{}
	for range 200 {
		id := jobid.New()
		if !jobid.Valid(id) || seen[id] {
			t.Fatalf("%q", id)
		}
		seen[id] = true
		for _, r := range id {
			letters[r] = true
		}
	}
	if len(letters) != 32 {
		t.Errorf("%d different letters in 5200", len(letters))
	}
}

// What comes on standard input is an id on some server, or refused.
func FuzzParseRef(f *testing.F) {
	f.Add("abcdefghijklmnopqrstuvwxyz")
	f.Add("abcdefghijklmnopqrstuvwxyz/2")
	f.Add("httpefghijklmnopqrstuvwxyz")
	f.Add("http://[::1]:8080/jobs/abcdefghijklmnopqrstuvwxyz/image?wait=1")
	f.Add("https://h/a/jobs/../jobs/abcdefghijklmnopqrstuvwxyz")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRef(s)
		if err != nil {
			if fault.Of(err) != fault.Usage {
				t.Error(err)
			}
			return
		}
		if !jobid.Valid(r.ID) || r.Own() == strings.Contains(s, "://") || r.N < 1 || r.N > 8 || !r.Own() && !strings.HasPrefix(r.base, "http") {
			t.Errorf("%q: %+v", s, r)
		}
	})
}
