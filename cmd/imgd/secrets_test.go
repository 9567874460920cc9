package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestTokenFile(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		mode  os.FileMode
		want  []string
		warns int
	}{
		"comments and empty lines": {"# for the web server\none\n\n  two \n #three\n", 0o600, []string{"one", "two"}, 0},
		"group may read":           {"one\n", 0o640, []string{"one"}, 0},
		"others may read":          {"one\n", 0o644, []string{"one"}, 1},
		"only comments":            {"# none\n", 0o600, nil, 0},
		"no newline at the end":    {"one", 0o600, []string{"one"}, 0},
		"hash within a token":      {"o#ne\n", 0o600, []string{"o#ne"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tokens")
			if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil { // whatever the umask
				t.Fatal(err)
			}
			var warned []string
			got, err := readTokens(path, func(format string, args ...any) { warned = append(warned, fmt.Sprintf(format, args...)) })
			if (err == nil) != (c.want != nil) || !slices.Equal(got, c.want) || len(warned) != c.warns {
				t.Errorf("tokens %q, %v, warnings %q", got, err, warned)
			}
		})
	}
}
