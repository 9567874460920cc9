package tests

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// literals returns the literal parts of a manual page as they are shown.
func literals(t *testing.T, page string) (parts []string) {
	t.Helper()
	src := string(read(t, filepath.Join(root, "man", page)))
	for _, m := range regexp.MustCompile(`(?s)\n\.Bd -literal[^\n]*\n(.*?)\n\.Ed\n`).FindAllStringSubmatch(src, -1) {
		var lines []string
		for l := range strings.SplitSeq(m[1], "\n") {
			lines = append(lines, unroff(l))
		}
		parts = append(parts, strings.Join(lines, "\n")+"\n")
	}
	return parts
}

// The rules for alerts and the scrape configuration of the manual are what Prometheus
// reads, and every figure that a rule uses is in /metrics, with the labels that it names.
func TestPromtoolRules(t *testing.T) {
	dir := t.TempDir()
	found := map[string]string{}
	for _, part := range literals(t, "imgtools-operating.7") {
		first, _, _ := strings.Cut(part, "\n")
		found[first] = part
	}
	for key, check := range map[string][]string{"groups:": {"check", "rules", "--lint=all", "--lint-fatal"}, "scrape_configs:": {"check", "config", "--syntax-only"}} {
		if found[key] == "" {
			t.Errorf("the page has no part that begins with %s", key)
			continue
		}
		file := write(t, dir, strings.Trim(key, ":")+".yml", []byte(found[key]))
		if out, err := exec.Command("promtool", append(check, file)...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(check, " "), err, out)
		}
	}
	s := startImgd(t)
	s.want(t, 200, "PUT", "/image?scale=1/8", strings.NewReader(string(read(t, clouds(t)))))
	_, b := s.want(t, 200, "GET", "/metrics", nil)
	metrics := string(b)
	names := regexp.MustCompile(`(imgtools_[a-z_]+)(\{[^}]*\})?`).FindAllStringSubmatch(found["groups:"], -1)
	if len(names) < 8 {
		t.Errorf("only %d figures: %v", len(names), names)
	}
	for _, m := range names {
		series := regexp.MustCompile(`(?m)^` + m[1] + `(\{.*\})? `).FindString(metrics)
		if series == "" {
			t.Errorf("/metrics has no %s", m[1])
		}
		for _, label := range regexp.MustCompile(`([a-z]+)(?:=~|!=|=)"`).FindAllStringSubmatch(m[2], -1) {
			if !strings.Contains(series, label[1]+`="`) {
				t.Errorf("%s has no label %s: %s", m[1], label[1], series)
			}
		}
	}
}

// Each rule for an alert raises it where it should, and not otherwise.
func TestPromtoolAlerts(t *testing.T) {
	dir := t.TempDir()
	for _, part := range literals(t, "imgtools-operating.7") {
		if strings.HasPrefix(part, "groups:") {
			write(t, dir, "groups.yml", []byte(part))
		}
	}
	write(t, dir, "alerts.yml", read(t, filepath.Join(root, "tests/testdata/alerts.yml")))
	cmd := exec.Command("promtool", "test", "rules", "alerts.yml")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
