package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestUnits: the units of both daemons are as systemd wants them, and its measure of
// what a service may still do is at most 1.0 of 10.
func TestUnits(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"grayd", "scaled"} {
		units := []string{name + ".service", name + ".socket", name + "-status.socket"}
		for i, u := range units {
			b, err := os.ReadFile(filepath.Join("..", name, u))
			if err != nil {
				t.Fatal(err)
			}
			text := string(b)
			if i == 0 {
				text = strings.Replace(text, "ExecStart=/usr/local/bin/"+name+"\n", "ExecStart="+os.Args[0]+"\n", 1)
				if text == string(b) {
					t.Errorf("%s does not start /usr/local/bin/%s", u, name)
				}
			}
			units[i] = filepath.Join(dir, u)
			if err := os.WriteFile(units[i], []byte(text), 0600); err != nil {
				t.Fatal(err)
			}
		}
		if out, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no"}, units...)...).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("systemd-analyze verify %s: %v\n%s", name, err, out)
		}
		out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=10", "--no-pager", units[0]).CombinedOutput()
		level := regexp.MustCompile(`Overall exposure level for .*`).Find(out)
		if err != nil || level == nil {
			t.Errorf("%s: %v, %s", name, err, level)
		}
	}
	grayd, _ := os.ReadFile("grayd.service")
	scaled, _ := os.ReadFile("../scaled/scaled.service")
	settings := func(b []byte) string {
		_, after, _ := strings.Cut(string(b), "\nSockets=")
		_, after, _ = strings.Cut(after, "\n")
		return after
	}
	if s := settings(grayd); s == "" || s != settings(scaled) {
		t.Error("the two services differ in more than their names")
	}
}
