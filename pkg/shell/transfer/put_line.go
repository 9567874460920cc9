package transfer

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"imgtools/pkg/shell/progress"
)

// line returns the line that shows the progress.
func (s *sender) line() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent, all := s.done.Load(), int64(0)
	if s.all > 0 {
		all = max(s.all, sent) // s.all leaves out what comes through a pipe
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
	if s.refused {
		text += ", imgd is busy: waiting"
	}
	return text
}

// total returns the size in bytes of the operands that are regular files.
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

// counted adds the bytes that are read from it to done, each byte once even when it
// is read again.
type counted struct {
	io.ReaderAt
	done *atomic.Int64
	far  atomic.Int64 // end of what was counted, from the start of the file
}

// ReadAt may be called at the same time by a request and by an earlier one that
// was cancelled and still runs.
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
