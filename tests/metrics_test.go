package tests

import (
	"bytes"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// /metrics is what Prometheus reads: its own promtool finds no error and nothing
// to better, also when a worker has just been killed. And the manual page names
// what there is, no more and no less.
func TestPromtool(t *testing.T) {
	s := startImgd(t)
	picture := read(t, clouds(t))
	s.want(t, 200, "PUT", "/image?gray&scale=1/8", bytes.NewReader(picture))
	s.want(t, 415, "PUT", "/image?scale=1/8&format=png", strings.NewReader("no picture"))
	_, id := s.want(t, 202, "POST", "/jobs?scale=1/8&format=png", bytes.NewReader(picture))
	s.want(t, 200, "GET", "/jobs/"+strings.TrimSpace(string(id))+"/image?wait", nil)

	_, b := s.want(t, 200, "GET", "/metrics", nil)
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = bytes.NewReader(b)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s\n%s", err, out, b)
	}
	for _, want := range []string{
		`imgtools_work_seconds_count{operation="gray+scale",format="jpeg"} 1`, `imgtools_work_seconds_count{operation="scale",format="png"} 1`,
		`imgtools_requests_total{route="/jobs/ID/image",method="GET",status="200"} 1`, `imgtools_workers_ready{daemon="grayd"} 2`,
	} {
		if !strings.Contains(string(b), "\n"+want+"\n") {
			t.Errorf("no %s in\n%s", want, b)
		}
	}

	_, page, ok := strings.Cut(string(read(t, root+"/man/imgd.8")), "\n.Sh METRICS\n")
	if !ok {
		t.Fatal("imgd.8 has no section METRICS")
	}
	page, _, _ = strings.Cut(page, "\n.Sh ")
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(string(b), -1) {
		if !strings.HasPrefix(m[1], "imgtools_") && !strings.HasPrefix(m[1], "process_") {
			t.Errorf("a name without imgtools_ or process_: %s", m[1])
		}
		if !regexp.MustCompile(`(?m)^\.It Cm (.* )?` + m[1] + `\b`).MatchString(page) {
			t.Errorf("imgd.8 does not explain %s", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\.It Cm (imgtools_\w+)`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(string(b), "\n# TYPE "+m[1]+" ") && !strings.HasPrefix(string(b), "# HELP "+m[1]+" ") {
			t.Errorf("there is no %s, which imgd.8 explains", m[1])
		}
	}
}
