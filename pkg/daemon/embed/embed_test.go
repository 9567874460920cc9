package embed

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommandIsNotFound(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Start(Config{Program: "imgd", Daemons: []string{"scaled"}})
	if err == nil || !strings.Contains(err.Error(), "no scaled beside") || !strings.Contains(err.Error(), "-scaled") {
		t.Errorf("%v", err)
	}
}

func TestFoldersOfDeadProgramsAreRemoved(t *testing.T) {
	run := t.TempDir()
	for _, name := range []string{"imgd-dead", "imgd-unlocked", "other-dead"} {
		if err := os.Mkdir(filepath.Join(run, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// As kill -9 leaves them: a file that nobody has locked.
	for _, name := range []string{"imgd-dead/owner", "imgd-dead/grayd.sock.lock", "imgd-file"} {
		if err := os.WriteFile(filepath.Join(run, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names := func() string {
		entries, err := os.ReadDir(run)
		if err != nil {
			t.Fatal(err)
		}
		var s []string
		for _, e := range entries {
			s = append(s, strings.TrimRight(e.Name(), "0123456789"))
		}
		return strings.Join(s, " ")
	}
	first, err := newFolder(run, "imgd")
	if err != nil {
		t.Fatal(err)
	}
	if s := names(); s != "imgd- imgd-file other-dead" {
		t.Errorf("after the first start: %s", s)
	}
	second, err := newFolder(run, "imgd")
	if err != nil {
		t.Fatal(err)
	}
	if s := names(); s != "imgd- imgd- imgd-file other-dead" {
		t.Errorf("with two that live: %s", s)
	}
	first.remove()
	second.remove()
	if s := names(); s != "imgd-file other-dead" {
		t.Errorf("after both have ended: %s", s)
	}
}
