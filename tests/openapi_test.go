package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpenAPIClient is "make test-api": a validator from npm accepts GET /openapi.json,
// and every function of a client that a generator from npm makes of it works with a real
// imgd. It fetches both, pinned to a version, into a temporary folder.
func TestOpenAPIClient(t *testing.T) {
	if os.Getenv("API") == "" {
		t.Skip("fetches programs from npm: make test-api")
	}
	pictures := t.TempDir()
	if err := os.Mkdir(filepath.Join(pictures, "below"), 0o755); err != nil {
		t.Fatal(err)
	}
	save(t, pictures, "below/photo.jpg", photo(320, 240, 5))
	token := write(t, t.TempDir(), "token", []byte("secret-of-the-test\n"))
	s := startImgd(t, "-token", token, "-root", pictures)
	bearer := "Bearer secret-of-the-test"

	dir := t.TempDir()
	for _, name := range []string{"package.json", "drive.ts"} {
		write(t, dir, name, read(t, filepath.Join(root, "tests/testdata/api", name)))
	}
	_, document := s.want(t, 200, "GET", "/openapi.json", nil, "Authorization", bearer)
	write(t, dir, "openapi.json", document)
	step := func(line string) {
		t.Helper()
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "BASE="+s.url, "TOKEN=secret-of-the-test", "PICTURE="+filepath.Join(pictures, "below/photo.jpg"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		t.Logf("%s: %s", line, strings.TrimSpace(string(out)))
	}
	step("npm install --no-audit --no-fund --ignore-scripts --loglevel=error")
	step("node_modules/.bin/validate-api openapi.json")
	step("node_modules/.bin/openapi-ts -i openapi.json -o gen -c @hey-api/client-fetch")
	step("node_modules/.bin/tsc --strict --skipLibCheck --target es2022 --module commonjs --lib es2023,dom,dom.iterable --outDir built drive.ts")
	step("node built/drive.js")
}
