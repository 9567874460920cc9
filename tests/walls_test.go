package tests

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// walls says which of the project's packages each package may import directly; a test of
// a package may import what the package may. `DIR/` stands for any package
// under DIR. A package that is not listed must not exist.
var walls = map[string][]string{
	"pkg/fault":      {},
	"pkg/limits":     {},
	"pkg/backoff":    {},
	"pkg/lease":      {},
	"pkg/eventually": {},
	"pkg/tokenfile":  {"pkg/fault"},
	"pkg/urlsign":    {"pkg/fault", "pkg/filename", "pkg/ops"},
	"pkg/address":    {"pkg/fault"},
	"pkg/geometry":   {"pkg/fault"},
	"pkg/format":     {},
	"pkg/filename":   {"pkg/format"},
	"pkg/jobid":      {},
	"pkg/ops":        {"pkg/fault", "pkg/format", "pkg/geometry", "pkg/limits"},
	"pkg/info":       {"pkg/fault"},

	// Pictures: raster < meta < formats < codec < operations.
	"pkg/picture/raster":     {"pkg/fault", "pkg/geometry", "pkg/ops", rastertest},
	"pkg/picture/meta":       {"pkg/fault", "pkg/picture/raster"},
	rastertest:               {"pkg/picture/raster"},
	"pkg/picture/colour":     picture("raster", "meta"),
	"pkg/picture/pnm":        picture("raster", "meta"),
	"pkg/picture/flate":      {},
	"pkg/picture/png":        picture("raster", "meta", "canvas", "flate"),
	"pkg/picture/bmp":        picture("raster", "meta"),
	"pkg/picture/ico":        picture("raster", "bmp", "png"),
	"pkg/picture/canvas":     picture("raster"),
	"pkg/picture/gif":        picture("raster", "meta", "canvas"),
	"pkg/picture/jpeg":       picture("raster", "meta", "colour"),
	"pkg/picture/tiff":       picture("raster", "meta", "colour", "jpeg", "webp", "flate"),
	"pkg/picture/webp":       picture("raster", "meta", "canvas", "webp/vp8", "webp/vp8l"),
	"pkg/picture/webp/vp8":   picture("raster", "webp/chunk"),
	"pkg/picture/webp/vp8l":  picture("raster", "webp/chunk"),
	"pkg/picture/webp/chunk": {},
	"pkg/picture/heif":       picture("raster", "meta"),
	"pkg/picture/y4m":        picture("raster"),
	programs:                 picture("raster", "meta", "heif", "y4m", "tiff", "resample"),
	"pkg/picture/resample":   picture("raster", "meta"),
	"pkg/picture/attention":  picture("raster"),
	"pkg/picture/codec":      picture(append(formats, "raster", "meta", "colour", "resample")...),
	fakeheif:                 picture("raster"),
	"pkg/picture/plan":       picture(append(formats, "raster", "meta", "colour", "resample", "codec", "codec/fakeheif", "attention", "plan/plantest")...),
	plantest:                 picture("raster", "plan"),
	"pkg/picture/describe":   append(picture("raster", "meta", "heif", "heif/program", "codec"), "pkg/info"),
	"pkg/picture":            {"pkg/fault", "pkg/picture/"}, // tests of all of it, and nothing else

	// Processes and the wire: bytes and descriptors, never pixels.
	"pkg/daemon/fdpass":     {"pkg/fault"},
	"pkg/daemon/cgroup":     {},
	"pkg/daemon/wire":       {"pkg/fault", "pkg/geometry", "pkg/ops", "pkg/daemon/fdpass"},
	"pkg/daemon/worker":     {"pkg/fault", "pkg/ops", "pkg/daemon/fdpass", "pkg/daemon/peercred", "pkg/daemon/wire"},
	"pkg/daemon/peercred":   {"pkg/fault"},
	"pkg/daemon/journal":    {},
	"pkg/daemon/serverlog":  {"pkg/daemon/journal"},
	"pkg/daemon/listen":     {"pkg/fault"},
	"pkg/daemon/sandbox":    {"pkg/fault"},
	"pkg/daemon/jail":       {"pkg/fault", "pkg/limits", "pkg/daemon/fdpass", "pkg/daemon/sandbox"},
	"pkg/daemon/timerslack": {},
	"pkg/daemon/embed":      {"pkg/backoff", "pkg/daemon/listen"},
	"pkg/daemon/prefork":    {"pkg/fault", "pkg/daemon/daemontest", "pkg/daemon/timerslack", "pkg/daemon/listen", "pkg/daemon/sandbox"},
	"pkg/daemon":            {"pkg/fault", "pkg/ops", "pkg/daemon/"},
	daemontest:              {"pkg/fault", "pkg/ops", "pkg/daemon", "pkg/daemon/"},

	// The HTTP side: never looks inside a picture.
	"pkg/front/spool":      {"pkg/front/turn", "pkg/eventually", "pkg/fault", "pkg/lease", "pkg/filename", "pkg/jobid", "pkg/geometry", "pkg/ops"},
	"pkg/front/turn":       {},
	"pkg/front/fakedaemon": {"pkg/daemon/wire", "pkg/daemon/fdpass"},
	"pkg/front/dispatch":   {"pkg/info", "pkg/eventually", "pkg/front/fakedaemon", "pkg/fault", "pkg/filename", "pkg/limits", "pkg/lease", "pkg/geometry", "pkg/ops", "pkg/daemon/wire", "pkg/daemon/fdpass"},
	"pkg/front":            {"pkg/info", "pkg/eventually", "pkg/fault", "pkg/filename", "pkg/jobid", "pkg/geometry", "pkg/ops", "pkg/urlsign", "pkg/daemon/wire", "pkg/daemon/fdpass", "pkg/daemon/peercred", "pkg/front/"},
	"pkg/front/docroot":    {"pkg/fault", "pkg/filename"},
	"pkg/front/service":    {"pkg/fault", "pkg/tokenfile", "pkg/front", "pkg/front/dispatch", "pkg/front/spool", "pkg/front/docroot", "pkg/daemon/"},

	// The person's side: cli < input, output, progress, show, history, client < filter, transfer.
	"pkg/shell/system":          {},
	"pkg/shell/cli":             {"pkg/fault", "pkg/shell/system"},
	"pkg/shell/faketerm":        {},
	"pkg/shell/progress":        {"pkg/fault", "pkg/shell/cli", "pkg/shell/faketerm", "pkg/shell/system"},
	"pkg/shell/show":            {"pkg/fault", "pkg/shell/cli", "pkg/shell/faketerm", "pkg/shell/system"},
	"pkg/shell/input":           {"pkg/fault", "pkg/shell/system", "pkg/limits", "pkg/shell/cli"},
	"pkg/shell/output":          {"pkg/fault", "pkg/filename", "pkg/jobid", "pkg/ops", "pkg/shell/cli", "pkg/shell/system"},
	"pkg/shell/client":          {"pkg/fault", "pkg/filename", "pkg/geometry", "pkg/jobid", "pkg/tokenfile", "pkg/ops", "pkg/shell/cli", "pkg/shell/client/fakeimgd", "pkg/shell/system"},
	"pkg/shell/client/fakeimgd": {"pkg/fault", "pkg/ops"},
	"pkg/shell/history":         {"pkg/fault", "pkg/shell/system"},
	"pkg/shell/filter":          {"pkg/fault", "pkg/filename", "pkg/format", "pkg/limits", "pkg/ops", "pkg/shell/cli", "pkg/shell/faketerm", "pkg/shell/input", "pkg/shell/output", "pkg/shell/progress", "pkg/shell/system"},
	"pkg/shell/transfer":        {"pkg/backoff", "pkg/fault", "pkg/filename", "pkg/format", "pkg/jobid", "pkg/ops", "pkg/shell/cli", "pkg/shell/input", "pkg/shell/output", "pkg/shell/progress", "pkg/shell/history", "pkg/shell/client", "pkg/shell/client/fakeimgd"},

	// Commands join wings.
	"cmd/gray":               {cmdtest, "cmd/internal/filtercmd", "cmd/internal/decoders", "pkg/fault", "pkg/geometry", "pkg/ops", "pkg/picture/", "pkg/shell/"},
	"cmd/scale":              {cmdtest, "cmd/internal/filtercmd", "cmd/internal/decoders", "pkg/fault", "pkg/geometry", "pkg/ops", "pkg/picture/", "pkg/shell/"},
	"cmd/internal/filtercmd": {"cmd/internal/decoders", "pkg/fault", "pkg/format", "pkg/ops", "pkg/picture/raster", "pkg/picture/plan", "pkg/shell/"},
	"cmd/internal/decoders":  {"pkg/daemon/jail", "pkg/picture/raster", "pkg/picture/codec", programs},
	"cmd/internal/filterd":   {filterdtest, plantest, fakeheif, "cmd/internal/decoders", "pkg/picture/codec", "pkg/fault", "pkg/limits", "pkg/ops", "pkg/picture/raster", "pkg/picture/plan", "pkg/picture/describe", "pkg/info", "pkg/daemon", "pkg/daemon/", "pkg/shell/cli"},
	cmdtest:                  {},
	filterdtest:              {"pkg/format", "pkg/ops", "pkg/picture/raster", rastertest, "pkg/daemon/", "pkg/shell/cli"},
	"cmd/grayd":              {"cmd/internal/", "pkg/fault", "pkg/geometry", "pkg/ops", "pkg/picture/", "pkg/daemon/", "pkg/daemon", "pkg/shell/cli"},
	"cmd/heifd":              {"cmd/internal/", "pkg/fault", "pkg/picture/", "pkg/daemon/", "pkg/daemon", "pkg/shell/cli"},
	"cmd/scaled":             {"cmd/internal/", "pkg/fault", "pkg/geometry", "pkg/ops", "pkg/picture/", "pkg/daemon/", "pkg/daemon", "pkg/shell/cli"},
	"cmd/imgd":               {"pkg/fault", "pkg/geometry", "pkg/ops", "pkg/front/", "pkg/front", "pkg/daemon/", "pkg/daemon", "pkg/shell/cli"},
	"cmd/imgput":             {cmdtest, "pkg/fault", "pkg/geometry", "pkg/ops", "pkg/shell/"},
	"cmd/imgrm":              {cmdtest, "pkg/fault", "pkg/shell/"},
	"cmd/imginfo":            {cmdtest, "pkg/picture/describe", "pkg/info", "pkg/shell/"},
	"cmd/imgsign":            {cmdtest, "pkg/fault", "pkg/tokenfile", "pkg/urlsign", "pkg/shell/"},
	"cmd/imgls":              {cmdtest, "pkg/fault", "pkg/shell/"},
	"cmd/imgget":             {cmdtest, "pkg/fault", "pkg/format", "pkg/geometry", "pkg/ops", "pkg/picture/", "pkg/shell/", "pkg/eventually"}, // shows a result on a terminal

	// Only real processes.
	"tests":           {"pkg/eventually", "pkg/jobid", "tests/await", "tests/cost"},
	"tests/await":     {},
	"tests/cost":      {},
	"tests/systemd":   {"pkg/eventually"},                                                                                             // in a container
	"tests/container": {"pkg/eventually"},                                                                                             // under podman
	"tests/derived":   {"pkg/fault", "pkg/format", "pkg/ops", "pkg/filename", "pkg/daemon/wire", "pkg/shell/cli", "pkg/shell/output"}, // what derives from the tables, in all wings
	"tests/inject":    {},
	"tests/double":    {}, // a program in a jail
	"tests/mutants":   {},
	"tests/corpus":    {"tests/cost"},
	"tests/bench":     {"tests/cost", "pkg/picture/flate"},
}

// shared are packages that every package of a wing may import, besides those that
// the table lists for it.
var shared = []string{"pkg/fault", "pkg/limits", "pkg/address", "pkg/backoff", "pkg/format", "pkg/geometry", "pkg/ops", "pkg/filename", "pkg/jobid", "pkg/lease", "pkg/eventually"}

// programs decodes HEIF by other programs: it finds them, and gives them open files.
const programs = "pkg/picture/heif/program"

// What only tests import.
const (
	rastertest  = "pkg/picture/raster/rastertest"
	plantest    = "pkg/picture/plan/plantest"
	fakeheif    = "pkg/picture/codec/fakeheif"
	cmdtest     = "cmd/internal/cmdtest"
	filterdtest = "cmd/internal/filterd/filterdtest"
	daemontest  = "pkg/daemon/daemontest"
)

var testOnly = []string{rastertest, plantest, fakeheif, cmdtest, filterdtest, daemontest, "pkg/eventually", "pkg/shell/faketerm", "pkg/shell/client/fakeimgd", "tests/await"}

var formats = []string{"pnm", "png", "bmp", "ico", "gif", "jpeg", "tiff", "webp", "heif", "heif/program"}

func picture(names ...string) []string {
	may := []string{"pkg/fault", "pkg/geometry", "pkg/ops", rastertest}
	for _, n := range names {
		may = append(may, "pkg/picture/"+n)
	}
	return may
}

// goFiles calls f for every Go file of the project with its package's folder.
func goFiles(t *testing.T, f func(dir, name string, file *ast.File, src []byte)) {
	t.Helper()
	fset := token.NewFileSet()
	for _, top := range []string{"cmd", "pkg", "tests"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && d.Name() == "testdata" {
				if err == nil {
					err = fs.SkipDir
				}
				return err
			}
			if d.IsDir() || filepath.Ext(p) != ".go" {
				return nil
			}
			src, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			file, err := parser.ParseFile(fset, p, src, parser.ImportsOnly|parser.ParseComments)
			if err != nil {
				return err
			}
			rel, _ := filepath.Rel(root, p)
			f(filepath.ToSlash(filepath.Dir(rel)), filepath.ToSlash(rel), file, src)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func imports(file *ast.File) []string {
	var is []string
	for _, i := range file.Imports {
		is = append(is, strings.Trim(i.Path.Value, `"`))
	}
	return is
}

// inWing reports whether a package belongs to a wing or a command, and not to the
// shared packages below them.
func inWing(dir string) bool {
	for _, wing := range []string{"cmd", "pkg/picture", "pkg/daemon", "pkg/front", "pkg/shell"} {
		if dir == wing || strings.HasPrefix(dir, wing+"/") {
			return true
		}
	}
	return false
}

// mayImport reports whether the package in dir may import the package of.
func mayImport(dir, of string) bool {
	if slices.Contains(shared, of) && inWing(dir) {
		return true
	}
	for _, may := range walls[dir] {
		if of == may || strings.HasSuffix(may, "/") && strings.HasPrefix(of, may) {
			return true
		}
	}
	return dir == of // a test package beside its package
}

// Every direct import, test files included, keeps to the table above.
func TestWallsBetweenPackages(t *testing.T) {
	seen := map[string]bool{}
	goFiles(t, func(dir, name string, file *ast.File, _ []byte) {
		seen[dir] = true
		if _, ok := walls[dir]; !ok {
			t.Errorf("%s: package %s is not in the table of walls", name, dir)
			return
		}
		for _, i := range imports(file) {
			switch {
			case slices.Contains(testOnly, strings.TrimPrefix(i, "imgtools/")) && !strings.HasSuffix(name, "_test.go") && !slices.Contains(testOnly, dir):
				t.Errorf("%s imports %s, which is for tests", name, i)
			case strings.HasPrefix(i, "imgtools/"):
				if !mayImport(dir, strings.TrimPrefix(i, "imgtools/")) {
					t.Errorf("%s imports %s", name, i)
				}
			case strings.Contains(strings.SplitN(i, "/", 2)[0], "."):
				if !strings.HasPrefix(i, "golang.org/x/image/") && !strings.HasPrefix(i, "golang.org/x/sys/") {
					t.Errorf("%s imports %s", name, i)
				}
			}
		}
	})
	for dir := range walls {
		if !seen[dir] {
			t.Errorf("the table of walls has %s, which is not there", dir)
		}
	}
}

// What some packages of the standard library would bring in stays out.
func TestWallsAgainstStandardLibrary(t *testing.T) {
	goFiles(t, func(dir, name string, file *ast.File, src []byte) {
		test := strings.HasSuffix(name, "_test.go") || slices.Contains(testOnly, dir)
		simd := strings.HasSuffix(strings.TrimSuffix(strings.TrimSuffix(name, ".go"), "_test"), "_amd64") &&
			bytes.HasPrefix(src, []byte("//go:build goexperiment.simd && amd64\n"))
		for _, i := range imports(file) {
			if i == "simd/archsimd" && !simd {
				t.Errorf("%s imports %s: only files *_amd64.go with the tag of the build with SIMD do", name, i)
			}
			if test {
				continue // a test may use what it likes: oracles, processes
			}
			if i == "flag" && dir != "pkg/shell/cli" && strings.HasPrefix(dir, "pkg/") {
				t.Errorf("%s imports flag: only pkg/shell/cli reads flags", name)
			}
			if strings.HasPrefix(dir, "pkg/picture/") && dir != programs && (i == "net" || strings.HasPrefix(i, "net/") || i == "log" || i == "os" || strings.HasPrefix(i, "os/")) {
				t.Errorf("%s imports %s: pictures are io in, io out", name, i)
			}
			if strings.HasPrefix(dir, "pkg/daemon") && (i == "net" || strings.HasPrefix(i, "net/") && i != "net/netip" || i == "os/user" || strings.HasPrefix(i, "image")) {
				t.Errorf("%s imports %s: daemons move bytes and descriptors by raw calls", name, i)
			}
			if strings.HasPrefix(dir, "pkg/front") && strings.HasPrefix(i, "image") {
				t.Errorf("%s imports %s: the front never looks inside a picture", name, i)
			}
			if strings.HasPrefix(dir, "pkg/") && dir != "pkg/shell/cli" && name != "pkg/daemon/jail/role_linux.go" && bytes.Contains(src, []byte("os.Exit(")) {
				t.Errorf("%s calls os.Exit", name)
			}
		}
	})
}

// grayd, scaled and heifd link neither package net nor os/user: so they are static with
// or without cgo, and every thread can take the sandbox.
func TestWallsOfTheSandbox(t *testing.T) {
	for _, name := range []string{"grayd", "scaled", "heifd"} {
		c := exec.Command("go", "list", "-deps", "./cmd/"+name)
		c.Dir = root
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		deps := strings.Fields(string(out))
		for _, bad := range []string{"net", "os/user", "runtime/cgo", "net/http"} {
			if slices.Contains(deps, bad) {
				t.Errorf("%s links %s", name, bad)
			}
		}
	}
}

func TestWallsOfTheTree(t *testing.T) {
	top := []string{"cmd", "pkg", "man", "tests", "go.mod", "go.sum", "Makefile", "README.md"}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if n := e.Name(); !strings.HasPrefix(n, ".") && n != "bin" && !slices.Contains(top, n) {
			t.Errorf("%s at the top, where only %v belong", n, top)
		}
	}
	for _, n := range top {
		if _, err := os.Stat(filepath.Join(root, n)); err != nil {
			t.Errorf("%s is missing at the top", n)
		}
	}
	commands, _ := os.ReadDir(filepath.Join(root, "cmd"))
	var names []string
	for _, c := range commands {
		if c.IsDir() && c.Name() != "internal" { // what several of them share; files are completions
			names = append(names, c.Name())
		}
	}
	if want := []string{"gray", "grayd", "heifd", "imgd", "imgget", "imginfo", "imgls", "imgput", "imgrm", "imgsign", "scale", "scaled"}; !slices.Equal(names, want) {
		t.Errorf("commands %v, want %v", names, want)
	}
	sleep := []byte("time." + "Sleep")
	goFiles(t, func(_, name string, _ *ast.File, src []byte) {
		if n := bytes.Count(src, []byte("\n")); n > 600 {
			t.Errorf("%s has %d lines: more than one role?", name, n)
		}
		if bytes.Contains(src, sleep) {
			t.Errorf("%s sleeps: wait for what is awaited", name)
		}
		most := 60
		if name == "cmd/imgd/main.go" {
			most = 150
		}
		if n := bytes.Count(src, []byte("\n")); path.Base(name) == "main.go" && strings.HasPrefix(name, "cmd/") && n > most {
			t.Errorf("%s has %d lines, over %d: flags, a config, one call", name, n, most)
		}
	})
	c := exec.Command("go", "list", "-m", "-f", "{{.Path}}", "all")
	c.Dir = root
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range strings.Fields(string(out)) {
		// x/image's fonts need x/text; the project does not import it.
		if !slices.Contains([]string{"imgtools", "golang.org/x/image", "golang.org/x/sys", "golang.org/x/text"}, m) {
			t.Errorf("module %s", m)
		}
	}
}
