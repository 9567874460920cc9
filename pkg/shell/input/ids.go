package input

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// IDs calls f with each operand until f returns false. For "-", or when there is no
// operand, it calls f with each line of stdin that is not empty.
func IDs(operands []string, stdin io.Reader, f func(string) bool) error {
	if len(operands) == 0 {
		operands = []string{"-"}
	}
	for _, s := range operands {
		if s != "-" {
			if !f(s) {
				return nil
			}
			continue
		}
		sc := bufio.NewScanner(stdin)
		for sc.Scan() {
			if s := strings.TrimSpace(sc.Text()); s != "" && !f(s) {
				return nil
			}
		}
		if err := sc.Err(); err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
	}
	return nil
}
