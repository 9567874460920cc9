package front

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
)

func TestParseWait(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"": 0, "wait": 60 * time.Second, "wait=": 60 * time.Second, "wait=5": 5 * time.Second, "wait=1000": 60 * time.Second, "wait=1.5s": 1500 * time.Millisecond,
	} {
		if got, err := parseWait(in); err != nil || got != want {
			t.Errorf("%q: %v %v", in, got, err)
		}
	}
	for _, in := range []string{"wait=x", "wait=-1s", "wait=1&wait=2", "gray", "wait=1&x"} {
		if _, err := parseWait(in); err == nil || fault.Of(err) != fault.Usage {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestWants(t *testing.T) {
	for in, want := range map[string]answerFormat{
		"": asText, "*/*": asText, "image/*,*/*;q=0.8": asText, "application/json": asJSON, "application/problem+json": asJSON,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": asHTML,
		"text/html;q=0.1, application/json":                               asJSON, "text/plain, text/html": asText, "text/html;q=0": asText, "TEXT/HTML": asHTML,
		"text/html;q=x": asText, ";;,": asText,
	} {
		r := &http.Request{Header: http.Header{"Accept": {in}}}
		if got := wants(r); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

func FuzzForm(f *testing.F) {
	for _, parts := range [][]part{
		{{"image", "a.png", "A"}},
		{{"scale", "-", "1/2"}, {"image", "a.png", "A"}, {"image", "", ""}},
		{{"gray", "-", ""}},
	} {
		body, kind := form(parts...)
		f.Add(body, strings.TrimPrefix(kind, "Content-Type: "))
	}
	f.Add("--x\r\nContent-Disposition: form-data; name=\"a\"; filename*=utf-8''%ff\r\n\r\n\r\n--x--", "multipart/form-data; boundary=x")
	f.Fuzz(func(t *testing.T, body, kind string) {
		r := httptest.NewRequest("POST", "/jobs", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		s := &Server{c: Config{Idle: time.Minute, MaxBytes: 1 << 20}}
		src, err := s.source(w, withInfo(r, &info{}), true, s.parseOps)
		for n := 0; err == nil; n++ {
			var p *picture
			if p, err = src.next(); err == nil {
				io.Copy(io.Discard, p.body)
				o, err := src.ops(p)
				if name := o.Get("name"); err == nil && (strings.ContainsAny(name, "/\\\n\x00") || len(name) > 200) {
					t.Errorf("name %q", name)
				}
				if n > maxParts {
					t.Fatal("endless")
				}
			}
		}
		if kind := fault.Of(err); err != io.EOF && kind != fault.Usage && kind != fault.Unsupported {
			t.Errorf("%v: kind %v", err, fault.Of(err))
		}
	})
}
