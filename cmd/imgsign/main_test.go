package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imgtools/cmd/internal/cmdtest"
)

func TestMain(m *testing.M) { cmdtest.Main(m, main) }

func TestImgsign(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "keys"), []byte("# first\nkey\nold\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The signature is openssl's: printf '/files/a b.jpg\nscale=640x' | openssl dgst -sha256 -hmac key -binary
	const signed = "/files/a%20b.jpg?scale=640x&sig=No4Slv2-E_8vX2zJO5nepPoX03CPYwHVrD7JiUtF0mY\n"
	for _, c := range []struct {
		name, stdin    string
		args           []string
		stdout, stderr string
		status         int
	}{
		{"operand", "", []string{"keys", "a b.jpg?scale=640x"}, signed, "", 0},
		{"whole path", "", []string{"keys", "/files/a b.jpg?scale=640x"}, signed, "", 0},
		{"lines", "a b.jpg?scale=640x\n\na b.jpg?scale=640x\n", []string{"keys"}, signed + signed, "", 0},
		{"base", "", []string{"-base", "https://example.org/", "keys", "a b.jpg?scale=640x"}, "https://example.org" + signed, "", 0},
		{"no key file", "", nil, "", "imgsign: no key file\nsee imgsign -h\n", 2},
		{"missing key file", "", []string{"none", "a"}, "", "imgsign: token file: stat none: no such file or directory\n", 1},
		{"wrong operations", "", []string{"keys", "a b.jpg?scale=640x", "b.jpg?scale=0"}, signed, "imgsign: b.jpg?scale=0: scale: \"0\": a factor must be over 0\nsee imgsign -h\n", 2},
		{"a signature", "", []string{"keys", "a.jpg?sig=x"}, "", "imgsign: a.jpg?sig=x: unknown word \"sig\"\nsee imgsign -h\n", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := cmdtest.Command(t, dir, c.args...)
			cmd.Stdin = strings.NewReader(c.stdin)
			stdout, stderr, status := cmdtest.Run(t, cmd)
			if stdout != c.stdout || stderr != c.stderr || status != c.status {
				t.Errorf("%q, %q, %d", stdout, stderr, status)
			}
		})
	}
	stdout, _, _ := cmdtest.Run(t, cmdtest.Command(t, dir, "-for", "1h", "keys", "a.jpg"))
	if !strings.HasPrefix(stdout, "/files/a.jpg?exp=") {
		t.Errorf("%q", stdout)
	}
}
