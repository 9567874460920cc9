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

// Result says what became of a picture.
type Result struct {
	Format string // canonical name of what was written
	Note   string // what the user should know, or ""
}

// Operation makes a picture on out of the one in the size bytes of in. format is
// the canonical name of the one asked for, or "".
type Operation func(out io.Writer, in io.ReaderAt, size int64, format string) (Result, error)

// Config is what a filter's command line says.
type Config struct {
	Command string   // its name, for messages
	Files   []string // operands; none is standard input
	Output  string   // -o
	Dir     string   // -d
	Format  string   // -f, canonical
	Quiet   bool     // -quiet: no closing line, and no progress

	stderr io.Writer
}

// Alone reports whether a picture may have more than one CPU: there is one picture,
// and there are several CPUs.
func (c *Config) Alone() bool { return len(c.Files) <= 1 && runtime.GOMAXPROCS(0) > 1 }

// Run runs op on each file. Several need a folder, are worked on by all CPUs,
// and come out in their order; one that fails is told on stderr and the others
// go on.
func Run(c Config, op Operation) error {
	batch()
	c.stderr = os.Stderr
	if len(c.Files) == 0 {
		c.Files = []string{"-"}
	}
	if c.Output != "" && c.Dir != "" {
		return fault.New(fault.Usage, "-o and -d: one of them")
	}
	if c.Dir != "" {
		return c.many(op)
	}
	if len(c.Files) > 1 {
		return fault.New(fault.Usage, "%d files: several need -d", len(c.Files))
	}
	if c.Format == "" && c.Output != "" {
		c.Format = output.FormatOf(c.Output)
	}
	out, err := output.Open(c.Output)
	if err != nil {
		return err
	}
	return c.finish(work(op, c.Files[0], out, c.Format))
}

// picture is one that an operation has worked on, and not yet in its place.
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

// finish puts a picture in its place, or removes it. Its error names the file.
func (c *Config) finish(p picture) error {
	if p.err == nil {
		_, p.err = p.out.Commit(output.Name(p.base, p.Format, "stdin"))
	} else if p.out != nil {
		p.out.Discard()
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w", p.name, p.err)
	}
	if p.Note != "" {
		c.tell(p.name + ": " + p.Note)
	}
	return nil
}

// ahead is how many finished pictures may wait for an earlier one.
const ahead = 16

// many runs op on all files, to a folder. The pictures are put in their places,
// and messages told, in the order of the files, so that equal names are numbered
// in that order.
func (c *Config) many(op Operation) error {
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
	var finished atomic.Int64
	if len(c.Files) > 1 {
		start, all := time.Now(), float64(len(c.Files))
		line := progress.Start(os.Stderr, c.Quiet, func() string {
			n := float64(finished.Load())
			return fmt.Sprintf("%s: %s %.0f of %.0f%s", c.Command, progress.Bar(n, all), n, all, progress.Left(n, all, start))
		})
		defer line.Stop()
		c.stderr = line.Over(os.Stderr)
	}
	errs := make([]error, len(c.Files))
	for i := range done {
		errs[i] = c.finish(<-done[i])
		finished.Add(1)
		if errs[i] != nil && len(errs) > 1 {
			c.tell(errs[i].Error())
		}
		<-room
	}
	return c.sum(errs)
}

// sum makes one error of those of all files.
func (c *Config) sum(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	failed, status := 0, fault.ExitAgain
	for _, err := range errs {
		if err != nil {
			failed++
			if !fault.Of(err).Again() {
				status = fault.ExitFail
			}
		}
	}
	if failed == 0 {
		return nil
	}
	if !c.Quiet {
		c.tell(fmt.Sprintf("%d written, %d failed", len(errs)-failed, failed))
	}
	return cli.Status(status)
}

func (c *Config) tell(line string) {
	fmt.Fprintf(c.stderr, "%s: %s\n", c.Command, cli.Line(line))
}
