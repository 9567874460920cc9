package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The units of the daemons are as systemd wants them, and its measure of what a
// service may still do is at most 1.0 of 10.
func TestUnits(t *testing.T) {
	for _, name := range []string{"grayd", "scaled", "heifd"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			units := []string{name + ".service", name + ".socket", name + "-status.socket"}
			for i, u := range units {
				text := readUnit(t, name, u)
				if i == 0 {
					own := strings.Replace(text, "ExecStart=/usr/local/bin/"+name+"\n", "ExecStart="+os.Args[0]+"\n", 1)
					if own == text {
						t.Errorf("%s does not start /usr/local/bin/%s", u, name)
					}
					text = own
				}
				units[i] = filepath.Join(dir, u)
				if err := os.WriteFile(units[i], []byte(text), 0600); err != nil {
					t.Fatal(err)
				}
			}
			if out, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no"}, units...)...).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("systemd-analyze verify: %v\n%s", err, out)
			}
			out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=10", "--no-pager", units[0]).CombinedOutput()
			level := regexp.MustCompile(`Overall exposure level for .*`).Find(out)
			if err != nil || level == nil {
				t.Errorf("%v, %s", err, level)
			}
		})
	}
}

func readUnit(t *testing.T, name, unit string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", name, unit))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestServicesDifferInTheirNamesOnly(t *testing.T) {
	settings := func(name string) string {
		_, after, _ := strings.Cut(readUnit(t, name, name+".service"), "\nSockets=")
		_, after, _ = strings.Cut(after, "\n")
		return after
	}
	if s := settings("grayd"); s == "" || s != settings("scaled") {
		t.Error("they differ in more")
	}
}

// systemd gives up a unit that starts five times in 10 s, unless it is told not to;
// a socket whose service was given up is given up, too.
func TestUnitsAreNeverGivenUp(t *testing.T) {
	for unit, name := range map[string]string{
		"imgd.service": "imgd", "imgd.socket": "imgd",
		"grayd.service": "grayd", "grayd.socket": "grayd", "grayd-status.socket": "grayd",
		"heifd.service": "heifd", "heifd.socket": "heifd", "heifd-status.socket": "heifd",
		"scaled.service": "scaled", "scaled.socket": "scaled", "scaled-status.socket": "scaled",
	} {
		t.Run(unit, func(t *testing.T) {
			text := readUnit(t, name, unit)
			section, _, _ := strings.Cut(text, "\n[S") // [Service] or [Socket]
			if !strings.Contains(section, "\nStartLimitIntervalSec=0") {
				t.Error("no StartLimitIntervalSec=0 in [Unit]")
			}
			if strings.HasSuffix(unit, ".service") && !strings.Contains(text, "\nRestart=always\nRestartSec=") {
				t.Error("no Restart=always with RestartSec=")
			}
		})
	}
}
