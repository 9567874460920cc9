package front

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/front/spool"
)

func TestReadinessFollowsTheSpool(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := start(t, func(c *Config) { c.Spool = openSpool(t, dir) })
	id := s.job("A")
	s.do("GET", "/jobs/"+id+"?wait", "")
	s.until("readiness", func() bool { return s.do("GET", "/readyz", "").body == "ready\n" })
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	s.until("the spool to be missed", func() bool {
		a := s.do("GET", "/readyz", "")
		return a.status == 503 && strings.Contains(a.body, "spool")
	})
	for _, request := range []string{"POST /jobs", "PUT /image", "GET /jobs/" + id, "GET /jobs/" + id + "/image", "DELETE /jobs/" + id} {
		method, path, _ := strings.Cut(request, " ")
		body := ""
		if strings.HasPrefix(method, "P") {
			body = "A"
		}
		if a := s.do(method, path, body); a.status != 503 || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", request, a.status, a.body)
		}
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	s.until("readiness", func() bool { return s.do("GET", "/readyz", "").status == 200 })
	if a := s.do("GET", "/jobs/"+id+"/image", ""); a.body != "gray of A" {
		t.Errorf("%+v", a)
	}
	if a := s.do("PUT", "/image", "B"); a.body != "gray of B" {
		t.Errorf("%+v", a)
	}
}

func TestFullSpoolIsReported(t *testing.T) {
	var log syncBuffer
	dir := t.TempDir()
	config := spool.Config{Dir: dir, TTL: time.Hour, Quota: 64 << 10, Log: slog.New(slog.NewJSONHandler(&log, nil))}
	sp, err := spool.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(c *Config) { c.Spool = sp })
	s.job("hold" + strings.Repeat("x", 40_000))
	h := <-s.fake.held
	defer close(h.free)
	s.until("readiness", func() bool { return s.do("GET", "/readyz", "").status == 200 })
	if a := s.do("GET", "/readyz", ""); !strings.HasPrefix(a.body, "ready\nspool: full: ") {
		t.Errorf("%q", a.body)
	}
	if _, err := spool.Open(config); err != nil || len(log.lines("spool: full")) != 1 {
		t.Errorf("%v, start with a full spool says %q", err, log.lines(""))
	}
}
