package daemon

import (
	"strings"
	"sync"
)

// examination is what is known of a daemon's helping programs. The supervisor serves it as
// a part of its status.
type examination struct {
	examine func() []string
	info    func(format string, args ...any)

	one   sync.Mutex // held during an examination
	mu    sync.Mutex
	lines []string
}

// again examines the programs, and says what is new.
func (e *examination) again() {
	e.one.Lock()
	defer e.one.Unlock()
	lines := e.examine()
	e.mu.Lock()
	before := strings.Join(e.lines, "\n")
	e.lines = lines
	e.mu.Unlock()
	if strings.Join(lines, "\n") != before {
		e.info("%s", strings.Join(lines, "; "))
	}
}

// text returns the lines of the status.
func (e *examination) text() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var b strings.Builder
	for _, line := range e.lines {
		b.WriteString(line + "\n")
	}
	return b.String()
}
