package transfer

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/progress"
)

// job is a result that is waited for or fetched.
type job struct {
	client.Result // set when fetching begins
	ref           client.Ref
	fetching      atomic.Bool
	done          atomic.Int64 // bytes
	w             io.Writer
}

func (g *getter) begin(ref client.Ref) *job {
	j := &job{ref: ref}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.jobs[j] = true
	return j
}

func (g *getter) end(j *job) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.jobs, j)
}

// opened marks the job as being fetched, and returns a writer to w that counts the
// bytes.
func (j *job) opened(r client.Result, w io.Writer) io.Writer {
	j.Result, j.w = r, w
	j.fetching.Store(true)
	return j
}

func (j *job) Write(p []byte) (int, error) {
	n, err := j.w.Write(p)
	j.done.Add(int64(n))
	return n, err
}

// line returns the line that shows the progress.
func (g *getter) line() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.jobs) == 0 && g.given == 0 {
		return "" // the command that makes the ids may show its own line
	}
	text := "imgget: "
	if g.Dir != "" {
		done, given, more := g.written+g.report.Failed()+g.alone+len(g.pending), g.given, "+"
		if g.all {
			text += progress.Bar(float64(done), float64(given)) + " "
			more = ""
		}
		text += fmt.Sprintf("%d of %d%s", done, given, more)
		if g.all {
			text += progress.Left(float64(done), float64(given), g.start)
		}
	}
	for j := range g.jobs {
		switch {
		case !j.fetching.Load() || g.Dir != "":
		case j.Size > 0:
			done, size := j.done.Load(), j.Size
			return text + progress.Bar(float64(done), float64(size)) + " " + progress.Bytes(done) + " of " + progress.Bytes(size)
		default:
			return text + progress.Bytes(j.done.Load())
		}
	}
	switch {
	case g.Dir == "":
		place := g.place
		if place == "" {
			place = "waiting"
		}
		text += place + ", " + progress.Time(time.Since(g.start))
	case g.place != "":
		text += ", " + g.place
	}
	return text
}

// askEvery is the time between two questions for a place in the queue.
const askEvery = time.Second

// watch keeps g.place up to date until ctx ends: the place in the queue of the first
// job that is waited for.
func (g *getter) watch(ctx context.Context) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		place := ""
		if j := g.first(); j != nil {
			place = g.ask(ctx, j)
		}
		g.mu.Lock()
		g.place = place
		g.mu.Unlock()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// first returns the job whose id came first among those that are waited for.
func (g *getter) first() *job {
	g.mu.Lock()
	defer g.mu.Unlock()
	var first *job
	for j := range g.jobs {
		if !j.fetching.Load() && (first == nil || j.ref.Since.Before(first.ref.Since)) {
			first = j
		}
	}
	return first
}

// ask asks the server for a job's state, and returns it in words; "" if there is no
// answer.
func (g *getter) ask(ctx context.Context, j *job) string {
	switch s, err := g.client.Status(ctx, j.ref); {
	case client.Repeatable(err):
		return "imgd is busy or gone"
	case err != nil:
		return ""
	case s.State == "queued" && s.Place > 0:
		return fmt.Sprintf("place %d in the queue", s.Place)
	case s.State == "queued":
		return "in the queue"
	case s.State == "running":
		return "being worked on"
	}
	return ""
}
