package tokenfile

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"imgtools/pkg/fault"
)

func TestTokensOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"one", "abc\n", []string{"abc"}},
		{"no line end", "abc", []string{"abc"}},
		{"spaces and empty lines", "\n  abc \r\n\ndef\n", []string{"abc", "def"}},
		{"comments", "# alice\nabc\n  # bob\ndef#1\n", []string{"abc", "def#1"}},
		{"empty", "", nil},
		{"nothing but spaces", "\n \n", nil},
		{"nothing but comments", "# abc\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, readable, err := Read(path)
			if !slices.Equal(got, c.want) || readable || (err == nil) != (c.want != nil) || err != nil && fault.Of(err) != fault.Usage {
				t.Errorf("%q, readable %v, %v; want %q", got, readable, err, c.want)
			}
		})
	}
	if _, _, err := Read(path + ".none"); err == nil {
		t.Error("a missing file has no error")
	}
}

func TestReadableByAllUsers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, readable, err := Read(path); err != nil || readable != want {
			t.Errorf("mode %v: %v, %v", mode, readable, err)
		}
	}
}
