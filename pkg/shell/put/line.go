package put

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"imgtools/pkg/shell/progress"
)

// line is what is told of the progress.
func (s *sender) line() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent, all := s.done.Load(), int64(0)
	if s.all > 0 {
		all = max(s.all, sent) // what comes through a pipe was not counted
	}
	text := "imgput: "
	if all > 0 {
		text += progress.Bar(float64(sent), float64(all)) + " "
	}
	if n := len(s.Files); n > 1 {
		text += fmt.Sprintf("%d of %d sent, ", s.sent, n)
	}
	text += progress.Bytes(sent)
	if all > 0 {
		text += " of " + progress.Bytes(all) + progress.Left(float64(sent), float64(all), s.start)
	}
	if s.crowded {
		text += ", imgd is busy: waiting"
	}
	return text
}

// total returns the bytes of those operands that are regular files.
func total(files []string) (n int64) {
	for _, f := range files {
		if f == "-" {
			f = "/dev/stdin"
		}
		if st, err := os.Stat(f); err == nil && st.Mode().IsRegular() {
			n += st.Size()
		}
	}
	return n
}

// counted adds what is read from it to done, and what is read again not again.
type counted struct {
	io.ReaderAt
	done *atomic.Int64
	far  atomic.Int64 // bytes counted
}

// ReadAt may be called at the same time: by a request, and by one that was given
// up and has not noticed yet.
func (c *counted) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, at)
	end := at + int64(n)
	for far := c.far.Load(); end > far; far = c.far.Load() {
		if c.far.CompareAndSwap(far, end) {
			c.done.Add(end - far)
			break
		}
	}
	return n, err
}
