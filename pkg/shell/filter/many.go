package filter

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/progress"
)

// ahead is the number of finished pictures that may wait for an earlier one.
const ahead = 16

// many works on all sources, to a folder. Results get their names, and messages are
// written, in the order of the sources, so that equal names are numbered in that order.
func (c *runner) many(sources []source) error {
	done := make([]chan picture, len(sources))
	for i := range done {
		done[i] = make(chan picture, 1)
	}
	alone := len(sources) == 1 && c.Workers > 1
	pixels := newRoom(c.Pixels)
	gate := make(chan struct{}, c.Workers+ahead)
	go c.each(len(sources), gate, func(i int) {
		done[i] <- c.toFolder(sources[i], alone, pixels)
	})
	if len(sources) == 1 && !c.Recurse {
		return c.finish(<-done[0])
	}
	var finished atomic.Int64
	start, all := time.Now(), float64(len(sources))
	line := progress.Start(os.Stderr, c.Quiet, func() string {
		n := float64(finished.Load())
		return fmt.Sprintf("%s: %s %.0f of %.0f%s", c.Command, progress.Bar(n, all), n, all, progress.Left(n, all, start))
	})
	defer line.Stop()
	c.report.Stderr = line.Over(os.Stderr)
	for i := range done {
		if err := c.finish(<-done[i]); err != nil {
			c.report.Fail(err)
		}
		finished.Add(1)
		<-gate
	}
	c.sum("written")
	return c.report.Status()
}

// toFolder works on a source for the folder of -d, or in its place.
func (c *runner) toFolder(s source, alone bool, pixels *room) picture {
	if s.err != nil || s.unknown || c.isDone(s) {
		return picture{source: s, left: s.err == nil && !s.unknown}
	}
	var p picture
	for range c.suffixes() {
		out, err := c.place(&s)
		if err != nil {
			p.source, p.err = s, err
			return p
		}
		p.outs = append(p.outs, out)
	}
	return c.work(s, alone, p.outs, pixels)
}

// sum writes the closing line, if there is something to say: that pictures failed or
// files were no pictures, or to a terminal always.
func (c *runner) sum(did string) {
	failed := c.report.Failed()
	if c.Quiet || failed+c.others == 0 && !cli.Terminal(os.Stderr) {
		return
	}
	parts := []string{fmt.Sprintf("%d %s", c.written, did)}
	for _, p := range []struct {
		n    int
		what string
	}{{failed, "failed"}, {c.left, "left alone"}, {c.others, "not pictures"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	c.report.Line(strings.Join(parts, ", "))
}

// room bounds the pixels of the pictures that are worked on at the same time, and so
// the memory that they need together.
type room struct {
	mu    sync.Mutex
	freed sync.Cond
	all   int64 // pixels
	free  int64
}

func newRoom(pixels int64) *room {
	r := &room{all: pixels, free: pixels}
	r.freed.L = &r.mu
	return r
}

// take waits until n pixels are free and takes them; give gives them back. One that
// wants more than all waits for all. A nil room is boundless.
func (r *room) take(n int64) (give func()) {
	if r == nil {
		return func() {}
	}
	n = min(n, r.all)
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.free < n {
		r.freed.Wait()
	}
	r.free -= n
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.free += n
		r.freed.Broadcast()
	}
}
