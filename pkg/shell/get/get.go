// Package get fetches the results of many jobs from imgd, several at once: what
// imgget does.
package get

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/input"
	"imgtools/pkg/shell/output"
	"imgtools/pkg/shell/progress"
)

// atOnce is how many jobs are waited for and fetched at the same time.
const atOnce = 8

// backlog is how many ids are read ahead, so that they count as given.
const backlog = 1 << 14

// Config is what imgget's command line says, beside the server.
type Config struct {
	IDs    []string // operands: job ids or URLs; "-" or none: from Stdin, one a line
	Output string   // -o; "" is standard output
	Dir    string   // -d; "" is Output
	Force  bool     // overwrite in Dir
	Quiet  bool     // no closing line, and no progress
	Stdin  io.Reader
	Stderr io.Writer
	// Show, if not nil, takes the only picture in place of standard output. It
	// is called when all of it is there.
	Show func(picture *io.SectionReader) error
}

// errNone is the error of a pipeline whose first command failed.
var errNone = errors.New("no job ids on standard input")

// Run fetches the results. Into a folder it does so as the ids come; otherwise
// there must be exactly one, and nothing is written before that is sure.
func Run(c *client.Client, cfg Config) error {
	if cfg.Output != "" && cfg.Dir != "" {
		return fault.New(fault.Usage, "-o and -d: one of them")
	}
	// Wrong operands are found before anything is done.
	for _, s := range cfg.IDs {
		if _, err := client.ParseRef(s); err != nil && s != "-" {
			return err
		}
	}
	g := &getter{Config: cfg, client: c, stop: make(chan struct{}), jobs: map[*job]bool{}, start: time.Now()}
	if line := progress.Start(cfg.Stderr, cfg.Quiet, g.line); line != nil {
		defer line.Stop()
		g.progress = line
		g.Stderr = line.Over(cfg.Stderr)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go g.watch(ctx)
	}
	if cfg.Dir != "" {
		return g.many()
	}
	return g.one()
}

// getter is one run.
type getter struct {
	Config
	client *client.Client
	dir    *output.Dir

	mu                     sync.Mutex
	written, failed, alone int
	pending                []string      // ids or URLs, as given
	stop                   chan struct{} // closed with away set
	away                   error

	progress *progress.Line // nil: none
	start    time.Time
	jobs     map[*job]bool // that are waited for or fetched
	given    int           // ids so far
	all      bool          // no more will come
	place    string        // what the server said of the first of jobs
}

// one fetches the only result to standard output or a file.
func (g *getter) one() error {
	var all []string
	if err := input.IDs(g.IDs, g.Stdin, func(s string) bool { all = append(all, s); return len(all) < 2 }); err != nil {
		return err
	}
	switch len(all) {
	case 0:
		return errNone
	case 2:
		return fault.New(fault.Usage, "several job ids need -d")
	}
	ref, err := client.ParseRef(all[0])
	if err != nil {
		return fault.As(fault.Internal, err) // it came from standard input
	}
	open, commit := func() (*output.File, error) { return output.Open(g.Output) }, commitFile
	if g.Show != nil {
		open, commit = output.Unnamed, g.show
	}
	out, err := open()
	if err != nil {
		return err
	}
	j := g.begin(ref)
	err = g.client.Fetch(context.Background(), ref, func(res client.Result) (io.Writer, error) {
		return j.opened(res, out), nil
	})
	r := j.Result
	if err == nil {
		if err = commit(out); err == nil || g.Show == nil {
			return err
		}
	}
	out.Discard()
	if err := g.note(ref, r.Name, err); err != nil {
		return err
	}
	if g.away != nil {
		return g.away
	}
	return g.sum()
}

func commitFile(out *output.File) error {
	_, err := out.Commit("")
	return err
}

// show is commitFile for Show.
func (g *getter) show(out *output.File) error {
	st, err := out.Stat()
	if err != nil {
		return err
	}
	g.progress.Stop()
	if err := g.Show(io.NewSectionReader(out, 0, st.Size())); err != nil {
		return err
	}
	out.Discard()
	return nil
}

// many fetches all results to a folder.
func (g *getter) many() (err error) {
	if g.dir, err = output.OpenDir(g.Dir, g.Force); err != nil {
		return err
	}
	refs := make(chan client.Ref, backlog)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for ref := range refs {
				g.fetch(ref)
			}
		})
	}
	// On its own, as it may wait for a line when there is no use in one.
	done := make(chan error, 1)
	go func() {
		defer close(refs)
		err := g.feed(refs)
		g.mu.Lock()
		g.all = true
		g.mu.Unlock()
		done <- err
	}()
	select {
	case err = <-done:
		workers.Wait()
	case <-g.stop:
		return g.away
	}
	switch {
	case g.away != nil:
		return g.away
	case errors.Is(err, errNone):
		return err
	case err != nil:
		g.fail(err)
	}
	return g.sum()
}

// feed hands each id to a worker, and each only once.
func (g *getter) feed(refs chan<- client.Ref) error {
	seen := map[string]bool{}
	err := input.IDs(g.IDs, g.Stdin, func(s string) bool {
		ref, err := client.ParseRef(s)
		if err != nil {
			g.fail(err)
			return true
		}
		if seen[ref.ID] {
			return true
		}
		seen[ref.ID] = true
		g.mu.Lock()
		g.given++
		g.mu.Unlock()
		select {
		case refs <- ref:
			return true
		case <-g.stop:
			return false
		}
	})
	if err == nil && len(seen) == 0 && g.failures() == 0 {
		return errNone
	}
	return err
}

// fetch fetches one result to the folder.
func (g *getter) fetch(ref client.Ref) {
	var r client.Result
	var out *output.File
	var name string
	j := g.begin(ref)
	defer g.end(j)
	err := g.client.Fetch(context.Background(), ref, func(res client.Result) (w io.Writer, err error) {
		r = res
		name = output.Name(r.Name, output.Format(r.Type), ref.ID)
		if _, ok := g.dir.Fetched(name, r.Size, r.Modified, r.ETag); ok {
			return nil, client.ErrSkip
		}
		if out, err = g.dir.Create(); err != nil {
			return nil, err
		}
		return j.opened(res, out), nil
	})
	if out != nil {
		if err == nil {
			out.Mark(r.Modified, r.ETag)
			_, err = out.Commit(name)
		} else {
			out.Discard()
		}
	}
	switch {
	case err == nil:
		g.mu.Lock()
		defer g.mu.Unlock()
		g.written++
	case errors.Is(err, client.ErrSkip):
		g.mu.Lock()
		defer g.mu.Unlock()
		g.alone++
	default:
		if err := g.note(ref, r.Name, err); err != nil {
			g.fail(err)
		}
	}
}

// note takes down a job that is pending, or a server that is away, and returns
// any other error with the picture's name.
func (g *getter) note(ref client.Ref, name string, err error) error {
	switch {
	case errors.Is(err, client.ErrAway) && ref.Own():
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.away == nil {
			g.away = err
			close(g.stop)
		}
		return nil
	case fault.Of(err).Again():
		text := ref.Text + ": still pending"
		if !errors.Is(err, client.ErrPending) {
			text += ": " + err.Error()
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.pending = append(g.pending, text)
		return nil
	}
	if name == "" {
		name = g.client.Name(context.Background(), ref)
	}
	if name == "" {
		return fmt.Errorf("%s: %w", ref.Short(), err)
	}
	return fmt.Errorf("%s (%s): %w", name, ref.Short(), err)
}

func (g *getter) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failed++
	g.tell(err)
}

func (g *getter) failures() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed
}

func (g *getter) tell(err error) { fmt.Fprintf(g.Stderr, "imgget: %s\n", cli.Line(err.Error())) }

// sum tells of a run that did not go well, and returns its exit status.
func (g *getter) sum() error {
	if g.failed == 0 && len(g.pending) == 0 {
		return nil
	}
	for _, p := range g.pending {
		fmt.Fprintf(g.Stderr, "imgget: %s\n", cli.Line(p))
	}
	if !g.Quiet && g.written+g.failed+g.alone+len(g.pending) > 1 {
		line := fmt.Sprintf("%d written, %d failed, %d left alone", g.written, g.failed, g.alone)
		if n := len(g.pending); n > 0 {
			line += fmt.Sprintf(", %d pending", n)
		}
		fmt.Fprintf(g.Stderr, "imgget: %s\n", line)
	}
	if g.failed > 0 {
		return cli.Status(fault.ExitFail)
	}
	return cli.Status(fault.ExitAgain)
}
