package front

import (
	"regexp"
	"strings"
	"testing"

	"imgtools/pkg/eventually"
	"imgtools/pkg/front/fakedaemon"
)

// accept returns what the page's file picker offers.
func (s *site) accept() string {
	m := regexp.MustCompile(` accept="([^"]*)"`).FindStringSubmatch(s.do("GET", "/", "", "Accept: text/html").body)
	if m == nil {
		s.t.Fatal("no file picker")
	}
	return m[1]
}

// The file picker lists HEIC and AVIF only while heifd says that it decodes them.
func TestFilePickerOffersWhatHeifdDecodes(t *testing.T) {
	const numbers = "workers: 1\nready: 1\nbusy: 0\n"
	for name, c := range map[string]struct {
		status string
		want   string // after what is always offered
	}{
		"both":    {numbers + "heic: heif-convert 1.15.1\navif: avifdec 0.11.1\n", ",image/heic,.heic,.heif,.hif,image/avif,.avif"},
		"AVIF":    {numbers + "heic: none\navif: avifdec 0.11.1\n", ",image/avif,.avif"},
		"neither": {numbers + "heic: none\navif: none\n", ""},
		"stopped": {"workers: 1\nready: 0\nbusy: 0\nheic: heif-convert 1.15.1\navif: none\n", ""},
		"away":    {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := fakedaemon.Start(t, "unix", func(int, *fakedaemon.Request) {})
			path := d.Path()
			if c.status == "" {
				path = t.TempDir() + "/away"
			} else {
				d.Status(t, c.status)
			}
			s := start(t, func(c *Config) { c.HEIF = []string{path} })
			usual := start(t, nil).accept()
			eventually.True(t, "imgd is ready, whatever heifd is", func() bool { return s.do("GET", "/readyz", "").status == 200 })
			if got := s.accept(); got != usual+c.want {
				t.Errorf("accept=%s, want %s%s", got, usual, c.want)
			}
			metrics := s.do("GET", "/metrics", "").body
			for _, f := range []string{"heic", "avif"} {
				want := "imgtools_decoder{format=\"" + f + "\"} 0\n"
				if strings.Contains(c.want, "."+f) {
					want = strings.Replace(want, "} 0", "} 1", 1)
				}
				if !strings.Contains(metrics, want) {
					t.Errorf("no %s", want)
				}
			}
			if !strings.Contains(metrics, "imgtools_slots 1\n") || !strings.Contains(metrics, `imgtools_daemon_reachable{daemon="heifd"} `) {
				t.Error("slots or heifd are missing in the metrics")
			}
		})
	}
}

// A HEIC passes heifd on its way, by /image and as a job.
func TestHEICIsDecodedFirst(t *testing.T) {
	d := newFake(t)
	s := start(t, func(c *Config) { c.HEIF = []string{d.path} })
	a := s.do("PUT", "/image?gray", "heic photo")
	if a.status != 200 || a.body != "gray of decoded heic photo" || !regexp.MustCompile(`^queue;dur=\d+, decode;dur=\d+, gray;dur=\d+$`).MatchString(a.header.Get("Server-Timing")) {
		t.Errorf("%d %s, Server-Timing: %s", a.status, a.body, a.header.Get("Server-Timing"))
	}
	id := strings.TrimSpace(s.do("POST", "/jobs?scale=2x", "heic job").body)
	if a := s.do("GET", "/jobs/"+id+"/image?wait=60", ""); a.status != 200 || a.body != "small decoded heic job" {
		t.Errorf("job: %d %s", a.status, a.body)
	}
	if got := strings.Join(d.came(), ", "); got != "heic photo, heic job" {
		t.Errorf("heifd was asked for %s", got)
	}
}

// Without heifd the kind is one that a client knows.
func TestHEICWithoutHeifd(t *testing.T) {
	s := start(t, nil)
	a := s.do("PUT", "/image?gray", "heic photo", "Accept: application/json")
	if a.status != 415 || !strings.Contains(a.body, `"kind":"unsupported"`) || !strings.Contains(a.body, "no program here decodes it") {
		t.Errorf("%d %s", a.status, a.body)
	}
	id := strings.TrimSpace(s.do("POST", "/jobs?gray", "heic job").body)
	s.do("GET", "/jobs/"+id+"?wait=60", "")
	if a := s.do("GET", "/jobs/"+id, "", "Accept: application/json"); !strings.Contains(a.body, `"kind":"unsupported"`) {
		t.Errorf("job: %s", a.body)
	}
	if strings.Contains(s.do("GET", "/metrics", "").body, `daemon="heifd"`) {
		t.Error("metrics of a heifd that is not there")
	}
}
