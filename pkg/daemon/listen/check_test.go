package listen

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "used.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct{ name, address, part string }{
		{"new socket", "unix:" + dir + "/new.sock", ""},
		{"socket in use", "unix:" + dir + "/used.sock", ""}, // by the one that this one will replace
		{"file", "unix:" + dir + "/file", "is not a socket"},
		{"no folder", "unix:" + dir + "/none/x.sock", "no such file"},
		{"TCP", "tcp:localhost:0", ""},
		{"zone", "tcp:[fe80::1%lo]:80", ""},
		{"unknown zone", "tcp:[fe80::1%none0]:80", "none0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := Parse(c.address)
			if err == nil {
				err = Check(a)
			}
			if (err == nil) != (c.part == "") || err != nil && !strings.Contains(err.Error(), c.part) {
				t.Errorf("%v; want %q", err, c.part)
			}
		})
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%d entries in the folder", len(entries))
	}
}

func TestCheckOfTheDefaultAddress(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ name, run, part string }{
		{"folder still to be made", filepath.Join(dir, "run"), ""},
		{"no parent", filepath.Join(dir, "a", "run"), "no such file"},
		{"folder that all may write to", filepath.Join(dir, "open"), "all may write"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.name, "folder that") {
				os.Mkdir(c.run, 0o777)
				os.Chmod(c.run, 0o777)
			}
			t.Setenv("IMGTOOLS_RUN", c.run)
			a, err := CheckDefault("grayd")
			if a.Path != filepath.Join(c.run, "grayd.sock") || (err == nil) != (c.part == "") || err != nil && !strings.Contains(err.Error(), c.part) {
				t.Errorf("%+v, %v; want %q", a, err, c.part)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
		t.Error("the folder was made")
	}
}
