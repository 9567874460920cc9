// Package tokenfile reads the tokens that imgd asks its TCP clients for, and that
// they send: one a line. Empty lines and lines that begin with # are skipped, and
// so are spaces around a token.
package tokenfile

import (
	"fmt"
	"os"
	"strings"

	"imgtools/pkg/fault"
)

// Read returns the tokens of a file, at least one. readable says that all users
// may read the file. A file without a token is an error of kind Usage.
func Read(path string) (tokens []string, readable bool, err error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, false, fmt.Errorf("token file: %w", err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, false, fmt.Errorf("token file: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			tokens = append(tokens, line)
		}
	}
	if len(tokens) == 0 {
		return nil, false, fault.New(fault.Usage, "token file %s: no token in it", path)
	}
	return tokens, st.Mode().IsRegular() && st.Mode().Perm()&0o004 != 0, nil
}
