// Package filter runs an operation on pictures as a Unix filter does: from
// standard input or files, to standard output, one file or a folder.
package filter

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/input"
	"imgtools/pkg/shell/output"
	"imgtools/pkg/shell/progress"
)

// Result describes a picture that was written.
type Result struct {
	Format string // canonical name of what was written
	Note   string // what is odd about the input, several joined by "; ", or ""
}

// Operation reads a picture from the size bytes of in and writes one to out. format
// is the canonical name of the format asked for, or "".
type Operation func(out io.Writer, in io.ReaderAt, size int64, format string) (Result, error)

// Config is what a filter's command line says.
type Config struct {
	Command string   // its name, for messages
	Files   []string // operands; none is standard input
	Output  string   // -o
	Dir     string   // -d
	Format  string   // -f, canonical
	Quiet   bool     // -quiet: no closing line, no progress, and each kind of note once
}

// runner is one run of a filter.
type runner struct {
	Config
	report cli.Report
}

// Alone reports whether a picture may use more than one CPU: it is the only picture,
// and there are several CPUs.
func (c *Config) Alone() bool { return len(c.Files) <= 1 && runtime.GOMAXPROCS(0) > 1 }

// Run runs op on each file. Several files need a folder, are worked on by all CPUs,
// and get their names in their order; one that fails is named on stderr and the
// others go on.
func Run(cfg Config, op Operation) error {
	batch()
	c := runner{Config: cfg, report: cli.Report{Command: cfg.Command, Stderr: os.Stderr, Quiet: cfg.Quiet}}
	defer c.report.Notes()
	if len(c.Files) == 0 {
		c.Files = []string{"-"}
	}
	if c.Output != "" && c.Dir != "" {
		return fault.New(fault.Usage, "-o and -d exclude each other")
	}
	if c.Dir != "" {
		return c.many(op)
	}
	if len(c.Files) > 1 {
		return fault.New(fault.Usage, "%d files: several need -d", len(c.Files))
	}
	if c.Format == "" && c.Output != "" {
		var err error
		if c.Format, err = output.FormatOf(c.Output); err != nil {
			return err
		}
	}
	out, err := output.Open(c.Output)
	if err != nil {
		return err
	}
	return c.finish(work(op, c.Files[0], out, c.Format))
}

// picture is the result of an operation that has no name yet.
type picture struct {
	name string // for messages
	base string // of the original
	out  *output.File
	Result
	err error // of any step so far
}

// work runs op from the file named by an operand to out.
func work(op Operation, operand string, out *output.File, format string) picture {
	p := picture{name: input.Name(operand), out: out}
	in, err := input.Open(operand)
	if err != nil {
		p.err = err
		return p
	}
	defer in.Close()
	p.base = in.Base
	p.Result, p.err = op(out, in, in.Size, format)
	return p
}

// finish gives a result its name, or removes it if anything failed. Its error names
// the input.
func (c *runner) finish(p picture) error {
	if p.err == nil {
		_, p.err = p.out.Commit(output.Name(p.base, p.Format, "stdin"))
	} else if p.out != nil {
		p.out.Discard()
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w", p.name, p.err)
	}
	c.report.Note(p.name, p.Note)
	return nil
}

// ahead is the number of finished pictures that may wait for an earlier one.
const ahead = 16

// many runs op on all files, to a folder. Results get their names, and messages
// are written, in the order of the files, so that equal names are numbered in that
// order.
func (c *runner) many(op Operation) error {
	dir, err := output.OpenDir(c.Dir, false)
	if err != nil {
		return err
	}
	done := make([]chan picture, len(c.Files))
	for i := range done {
		done[i] = make(chan picture, 1)
	}
	workers := min(runtime.GOMAXPROCS(0), len(c.Files))
	room := make(chan struct{}, workers+ahead)
	next := make(chan int)
	go func() {
		for i := range c.Files {
			room <- struct{}{}
			next <- i
		}
		close(next)
	}()
	for range workers {
		go func() {
			for i := range next {
				out, err := dir.Create()
				if err != nil {
					done[i] <- picture{name: input.Name(c.Files[i]), err: err}
					continue
				}
				done[i] <- work(op, c.Files[i], out, c.Format)
			}
		}()
	}
	if len(c.Files) == 1 {
		return c.finish(<-done[0])
	}
	var finished atomic.Int64
	start, all := time.Now(), float64(len(c.Files))
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
		<-room
	}
	if failed := c.report.Failed(); failed > 0 && !c.Quiet {
		c.report.Line(fmt.Sprintf("%d written, %d failed", len(c.Files)-failed, failed))
	}
	return c.report.Status()
}
