package tests

import (
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// What make dist builds: two commands stand for all. Made twice, the archives have the
// same bytes.
func TestDistArchives(t *testing.T) {
	system := "linux-" + runtime.GOARCH
	build := func() string {
		dir := t.TempDir()
		must(t, root, "COMMANDS='gray imgsign' FILTERS_CLIENTS=imgsign DISTVERSION=1 SOURCE_DATE_EPOCH=1000000000 cmd/dist.sh "+dir+" linux/"+runtime.GOARCH+" windows/amd64")
		return dir
	}
	dir := build()
	if first, second := read(t, filepath.Join(dir, "SHA256SUMS")), read(t, filepath.Join(build(), "SHA256SUMS")); string(first) != string(second) {
		t.Errorf("built twice:\n%s\n%s", first, second)
	}
	must(t, dir, "sha256sum -c --quiet SHA256SUMS")
	must(t, dir, "mkdir local && tar -C local --strip-components=1 -xzf imgtools-1-"+system+".tar.gz")
	save(t, dir, "foo.png", photo(64, 48, 8))
	must(t, dir, "local/bin/gray foo.png > gray.png")
	decode(t, read(t, filepath.Join(dir, "gray.png")))
	for name, want := range map[string][]string{
		"imgtools-1-" + system:     {"bin/gray", "bin/imgsign", "share/man/man7/imgtools.7", "share/fish/vendor_completions.d/gray.fish", "lib/systemd/system/imgd.service"},
		"imgtools-1-windows-amd64": {"bin/imgsign.exe", "share/man/man1/gray.1"},
	} {
		have := strings.Fields(string(must(t, dir, "tar -tzf "+name+".tar.gz")))
		for _, f := range want {
			if !slices.Contains(have, name+"/"+f) {
				t.Errorf("%s has no %s", name, f)
			}
		}
		if name == "imgtools-1-windows-amd64" && slices.ContainsFunc(have, func(f string) bool { return strings.Contains(f, "/lib/") || strings.Contains(f, "bin/gray") }) {
			t.Errorf("%s has daemons or units: %v", name, have)
		}
	}
}
