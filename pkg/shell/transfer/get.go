package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/output"
	"imgtools/pkg/shell/progress"
)

// downloads is the number of jobs that are waited for and fetched at the same time.
const downloads = 8

// backlog is the number of ids that are read ahead: -w of a job counts from when
// its id was read.
const backlog = 1 << 14

// GetConfig is what imgget's command line says, beside the server.
type GetConfig struct {
	IDs    []string // operands: job ids or URLs; "-" or none: from Stdin, one a line
	Output string   // -o; "" is standard output
	Dir    string   // -d; "" is Output
	Force  bool     // overwrite in Dir
	Quiet  bool     // no closing line, no progress, and each kind of note once
	Stdin  io.Reader
	Stderr io.Writer
	// Show, if not nil, takes the only picture in place of standard output. It
	// is called when all of it is there.
	Show func(picture *io.SectionReader) error
}

// Get fetches results. With Dir it fetches each as its id comes; otherwise there
// must be exactly one, and nothing is written before that is certain.
func Get(c *client.Client, cfg GetConfig) error {
	if cfg.Output != "" && cfg.Dir != "" {
		return fault.New(fault.Usage, "-o and -d exclude each other")
	}
	g := &getter{GetConfig: cfg, client: c, stop: make(chan struct{}), jobs: map[*job]bool{}, start: time.Now()}
	if err := g.ids().check(); err != nil {
		return err
	}
	if line := progress.Start(cfg.Stderr, cfg.Quiet, g.line); line != nil {
		defer line.Stop()
		g.progress = line
		g.Stderr = line.Over(cfg.Stderr)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go g.watch(ctx)
	}
	g.report = cli.Report{Command: "imgget", Stderr: g.Stderr, Quiet: cfg.Quiet}
	defer g.report.Notes()
	if cfg.Dir != "" {
		return g.many()
	}
	return g.one()
}

// getter is one run of Get.
type getter struct {
	GetConfig
	client *client.Client
	report cli.Report
	dir    *output.Dir

	mu             sync.Mutex
	written, alone int
	pending        []string      // ids or URLs, as given
	stop           chan struct{} // closed with away set
	away           error

	progress *progress.Line // nil: none
	start    time.Time
	jobs     map[*job]bool // that are waited for or fetched
	given    int           // ids so far
	all      bool          // no more will come
	place    string        // what the server said of the first of jobs
}

func (g *getter) ids() jobIDs { return jobIDs{g.IDs, g.Stdin} }

// one fetches the only result to standard output or a file.
func (g *getter) one() error {
	var all []string
	switch err := g.ids().each(func(s string) bool { all = append(all, s); return len(all) < 2 }); {
	case err != nil:
		return err
	case len(all) == 2:
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
		if err = commit(out); err == nil {
			g.note(ref, r.Name, r)
			return nil
		}
		if g.Show == nil {
			return err
		}
	}
	out.Discard()
	if err := g.settle(ref, r.Name, err); err != nil {
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
	for range downloads {
		workers.Go(func() {
			for ref := range refs {
				g.fetch(ref)
			}
		})
	}
	// In a goroutine, which may still wait for a line of standard input when the
	// server turns out to be away.
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
	case errors.Is(err, errNoIDs):
		return err
	case err != nil:
		g.report.Fail(err)
	}
	return g.sum()
}

// feed hands each id to a worker, and each only once.
func (g *getter) feed(refs chan<- client.Ref) error {
	seen := map[string]bool{}
	return g.ids().each(func(s string) bool {
		ref, err := client.ParseRef(s)
		if err != nil {
			g.report.Fail(err)
			return true
		}
		if seen[ref.Result()] {
			return true
		}
		seen[ref.Result()] = true
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
}

// fetch fetches one result to the folder.
func (g *getter) fetch(ref client.Ref) {
	var r client.Result
	var out *output.File
	var name, path string
	j := g.begin(ref)
	defer g.end(j)
	err := g.client.Fetch(context.Background(), ref, func(res client.Result) (w io.Writer, err error) {
		r = res
		name = output.Name(r.Name, output.Format(r.Type), ref.File())
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
			path, err = out.Commit(name)
		} else {
			out.Discard()
		}
	}
	switch {
	case err == nil:
		g.note(ref, filepath.Base(path), r)
		g.count(&g.written)
	case errors.Is(err, client.ErrSkip), errors.Is(err, output.ErrFetched):
		g.count(&g.alone)
	default:
		if err := g.settle(ref, r.Name, err); err != nil {
			g.report.Fail(err)
		}
	}
}

func (g *getter) count(n *int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	*n++
}

// note reports what the server noted about a result.
func (g *getter) note(ref client.Ref, name string, r client.Result) {
	if name == "" {
		name = ref.Short()
	}
	g.report.Note(name+": note", r.Note)
}

// settle records a job that is pending, or a server that is away, and returns any
// other error with the picture's name.
func (g *getter) settle(ref client.Ref, name string, err error) error {
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
		return cli.OfOne(fmt.Errorf("%s: %w", ref.Short(), err))
	}
	return cli.OfOne(fmt.Errorf("%s (%s): %w", name, ref.Short(), err))
}

// sum writes what is pending and the closing line, if not all went well, and
// returns the exit status.
func (g *getter) sum() error {
	failed := g.report.Failed()
	if failed == 0 && len(g.pending) == 0 {
		return nil
	}
	for _, p := range g.pending {
		g.report.Line(p)
	}
	if !g.Quiet && g.written+failed+g.alone+len(g.pending) > 1 {
		line := fmt.Sprintf("%d written, %d failed, %d left alone", g.written, failed, g.alone)
		if n := len(g.pending); n > 0 {
			line += fmt.Sprintf(", %d pending", n)
		}
		g.report.Line(line)
	}
	if failed > 0 {
		return cli.Status(fault.ExitFail)
	}
	return cli.Status(fault.ExitAgain)
}
