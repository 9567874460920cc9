package front

import (
	"strings"
	"testing"

	"imgtools/pkg/jobid"
)

// format=auto is decided by Accept when a request comes in. The answer varies with it,
// and has an entity tag of what was decided.
func TestFormatAuto(t *testing.T) {
	s, _ := gallery(t, nil)
	s.SetPresets(presets(t, "small scale=1/2 format=auto"))
	sent := func() string {
		s.fake.mu.Lock()
		defer s.fake.mu.Unlock()
		return s.fake.line
	}
	for _, c := range []struct{ accept, word string }{
		{"image/avif,image/webp,image/*;q=0.8,*/*;q=0.5", "format=webp"},
		{"application/json, IMAGE/WEBP;q=0.1", "format=webp"},
		{"image/webp;q=0, image/*", "format=auto"},
		{"*/*", "format=auto"},
		{"text/plain, image/webpx", "format=auto"},
		{"", "format=auto"},
	} {
		t.Run(c.accept, func(t *testing.T) {
			body, kind := form(part{"format", "-", "auto"}, part{"scale", "-", "1/2"}, part{"image", "x.png", "X"})
			for _, r := range [][]string{
				{"POST", "/image?scale=1/2&format=auto", "X"},
				{"POST", "/image", body, kind},
				{"POST", "/image?preset=small", "X"},
				{"GET", "/files/a%20b.jpg?preset=small", ""},
			} {
				a := s.do(r[0], r[1], r[2], append(r[3:], "Accept: "+c.accept)...)
				if a.status != 200 || strings.Join(a.header.Values("Vary"), ",") != "Accept" {
					t.Errorf("%s: status %d, Vary %q: %s", r[1], a.status, a.header.Values("Vary"), a.body)
				}
				if !strings.Contains(sent(), " "+c.word) {
					t.Errorf("%s: the worker is asked for %q, want %s", r[1], sent(), c.word)
				}
			}
			id := jobid.New()
			a := s.do("PUT", "/jobs/"+id+"?scale=1/2&format=auto", "X", "Accept: "+c.accept)
			if a.status != 202 || strings.Join(a.header.Values("Vary"), ",") != "Accept" {
				t.Fatalf("status %d, Vary %q: %s", a.status, a.header.Values("Vary"), a.body)
			}
			// Accept of later requests has no influence.
			s.do("GET", "/jobs/"+id+"?wait=10", "", "Accept: text/plain")
			if !strings.Contains(sent(), " "+c.word) {
				t.Errorf("the job's worker is asked for %q, want %s", sent(), c.word)
			}
		})
	}
}

func TestFilesFormatAuto(t *testing.T) {
	s, _ := gallery(t, nil)
	const path = "/files/a%20b.jpg?format=auto"
	get := func(headers ...string) answered { return s.do("GET", path, "", headers...) }
	webp, other := get("Accept: image/webp"), get("Accept: image/png")
	tag := webp.header.Get("ETag")
	if tag == "" || tag == other.header.Get("ETag") {
		t.Errorf("tags %q and %q", tag, other.header.Get("ETag"))
	}
	if a := get("Accept: image/webp,*/*", "If-None-Match: "+tag); a.status != 304 || a.header.Get("Vary") != "Accept" {
		t.Errorf("status %d, Vary %q", a.status, a.header.Get("Vary"))
	}
	if a := get("Accept: image/png", "If-None-Match: "+tag); a.status != 200 {
		t.Errorf("the tag of the WebP gives status %d to who takes PNG", a.status)
	}
	if a := s.do("GET", "/files/a%20b.jpg?format=webp", ""); a.header.Get("Vary") != "" || a.header.Get("ETag") != tag {
		t.Errorf("format=webp: Vary %q, tag %q", a.header.Get("Vary"), a.header.Get("ETag"))
	}
}
