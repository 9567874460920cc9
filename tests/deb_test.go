package tests

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The Debian package goes into a scratch root, works there, and leaves nothing.
func TestDebianPackage(t *testing.T) {
	dir := t.TempDir()
	must(t, root, "make -s deb DEBDIR="+dir+" DEBFLAGS=-Znone")
	debs, _ := filepath.Glob(filepath.Join(dir, "imgtools_*.deb"))
	if len(debs) != 1 {
		t.Fatalf("make deb made %v", debs)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("make deb leaves %v", entries)
	}
	if out := string(must(t, dir, "dpkg-deb -f "+debs[0]+" Package Version Installed-Size")); !strings.HasPrefix(out, "Package: imgtools\nVersion: 0") || strings.Contains(out, "@") {
		t.Errorf("control: %q", out)
	}
	if out := string(must(t, dir, "dpkg-deb -c "+debs[0]+" | grep -v ' root/root '; true")); out != "" {
		t.Errorf("not root's:\n%s", out)
	}

	scratch := filepath.Join(dir, "root")
	must(t, dir, "mkdir -p root/etc root/var/lib/dpkg/info root/var/lib/dpkg/updates root/var/lib/dpkg/triggers; : > root/var/lib/dpkg/status")
	dpkg := "dpkg --root=" + scratch + " --force-script-chrootless --force-not-root "
	must(t, dir, dpkg+"-i "+debs[0])
	for _, f := range []string{
		"usr/bin/gray", "usr/bin/imgls", "usr/bin/imginfo", "usr/share/man/man1/imgrm.1.gz", "usr/share/man/man8/imgd.8.gz",
		"usr/lib/systemd/system/imgd.service", "usr/lib/sysusers.d/imgtools.conf", "usr/lib/tmpfiles.d/imgtools.conf",
		"usr/share/bash-completion/completions/imgput", "usr/share/zsh/vendor-completions/_imgtools", "usr/share/fish/vendor_completions.d/scaled.fish",
		"etc/systemd/system/sockets.target.wants/imgd.socket", "etc/systemd/system/sockets.target.wants/grayd-status.socket",
		"usr/bin/heifd", "usr/lib/systemd/system/heifd.service", "etc/systemd/system/sockets.target.wants/heifd.socket",
		"etc/systemd/system/multi-user.target.wants/imgd.service",
	} {
		if _, err := os.Lstat(filepath.Join(scratch, f)); err != nil {
			t.Error(err)
		}
	}
	if b := read(t, filepath.Join(scratch, "etc/passwd")); !strings.HasPrefix(string(b), "imgtools:") {
		t.Errorf("users:\n%s", b)
	}
	unit := string(read(t, filepath.Join(scratch, "usr/lib/systemd/system/imgd.service")))
	if !strings.Contains(unit, "ExecStart=/usr/bin/imgd ") || strings.Contains(unit, "/usr/local") {
		t.Errorf("unit:\n%s", unit)
	}
	save(t, dir, "a.png", photo(64, 48, 8))
	must(t, dir, scratch+"/usr/bin/gray a.png | "+scratch+"/usr/bin/scale 50% > b.png")
	if m, _ := decode(t, read(t, filepath.Join(dir, "b.png"))); m.Bounds().Dx() != 32 {
		t.Errorf("b.png is %v", m.Bounds())
	}

	must(t, dir, dpkg+"-i "+debs[0]) // again: as an upgrade
	must(t, dir, "mkdir -p root/var/lib/imgtools/jobs")
	must(t, dir, dpkg+"-r imgtools")
	if left := files(t, scratch); !slices.Equal(left, nil) {
		t.Errorf("removed, and left %v", left)
	}
	if _, err := os.Stat(filepath.Join(scratch, "var/lib/imgtools/jobs")); err != nil {
		t.Errorf("removing took the jobs along: %v", err)
	}
	must(t, dir, dpkg+"-P imgtools")
	if _, err := os.Stat(filepath.Join(scratch, "var/lib/imgtools")); err == nil {
		t.Error("purged, and the jobs are still there")
	}
	if out := string(must(t, dir, dpkg+"-l | grep imgtools; true")); out != "" {
		t.Errorf("purged, and dpkg says %s", out)
	}
}

// files returns what is under a root, but dpkg's own and the users, which stay.
func files(t *testing.T, root string) (names []string) {
	t.Helper()
	for _, name := range strings.Fields(string(must(t, root, "find . ! -type d"))) {
		if !strings.HasPrefix(name, "./var/lib/dpkg/") && !slices.Contains([]string{"./etc/passwd", "./etc/group", "./etc/shadow", "./etc/gshadow", "./etc/.pwd.lock"}, strings.TrimSuffix(name, "-")) {
			names = append(names, name)
		}
	}
	return names
}
