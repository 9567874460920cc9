// Package filter runs an operation on pictures as a Unix filter does: from
// standard input, files or folders, to standard output, one file or a folder.
//
//	operands ──► sources (sources.go) ──► names (names.go) ──► pictures (many.go)
//
// The sources are the files: those named, and with -r those found in folders. Their
// results usually get their names as they are finished, so that a name that is taken
// gets a number. With -skip and -update all names are made first, from the sources
// alone, so that the next run finds the results of this one. The pictures are then
// worked on by several goroutines, and finished in the order of the sources. With -C
// nothing is written, and what would be is listed (check.go).
package filter

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"imgtools/pkg/fault"
	"imgtools/pkg/filename"
	"imgtools/pkg/limits"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/input"
	"imgtools/pkg/shell/output"
	"imgtools/pkg/shell/system"
)

// Result describes a picture that was written.
type Result struct {
	Format string // canonical name of what was written
	Note   string // what is odd about the input, several joined by "; ", or ""
}

// Prepared is a picture whose header has been read.
type Prepared struct {
	From   string // canonical name of what is read
	Format string // canonical name of what will be written; it may be that of a family
	Sizes  []Size // of the results: one, or one for each of Config.Sizes
	Pixels int64  // a measure of the memory that Write may need
	Write  func(outs []io.Writer) (Result, error)
}

// Size is the size of a result in pixels.
type Size struct{ W, H int }

// Operation is what the filter does to pictures.
type Operation struct {
	// Prepare reads the header of the picture in the size bytes of in. format is the
	// canonical name of the format asked for, or "". The picture may use more than one
	// CPU if it is alone.
	Prepare func(in io.ReaderAt, size int64, format string, alone bool) (Prepared, error)

	// IsPicture reports whether the size bytes of in are a picture. Files found in
	// folders that are none are passed over.
	IsPicture func(in io.ReaderAt, size int64) bool
}

// Config is what a filter's command line says.
type Config struct {
	Command string   // its name, for messages
	Files   []string // operands; none is standard input
	Output  string   // -o
	Dir     string   // -d
	Format  string   // -f, canonical
	Sizes   []string // of several sizes: what is added to the names of their results, "-320"
	Quiet   bool     // -quiet: no closing line, no progress, and each kind of note once

	Recurse bool  // -r: operands may be folders
	Skip    bool  // -skip: a result that is there is left alone
	Update  bool  // -update: a result that is newer than its source is left alone
	Inplace bool  // -inplace: a result replaces its source
	Check   bool  // -C: write nothing, list what would be written
	Workers int   // -n: pictures worked on at the same time
	Pixels  int64 // the most that these pictures may have together; a single one may have it all
}

// runner is one run of a filter.
type runner struct {
	Config
	op     Operation
	report cli.Report
	dir    *output.Dir // of -d
	swept  sync.Map    // folders from which what dead processes left was removed

	written, left, others int // pictures; results left alone; files that are no pictures
}

// check refuses flags that contradict each other.
func (c *Config) check() error {
	switch {
	case c.Workers < 1 || c.Workers > limits.Workers:
		return fault.New(fault.Usage, "-n %d: not 1 to %d", c.Workers, limits.Workers)
	case c.Output != "" && c.Dir != "":
		return fault.New(fault.Usage, "-o and -d exclude each other")
	case len(c.Sizes) > 0 && c.Dir == "":
		return fault.New(fault.Usage, "%d sizes need a folder for their results (-d)", len(c.Sizes))
	case c.Inplace && (c.Output != "" || c.Dir != "" || c.Skip || c.Update):
		return fault.New(fault.Usage, "-inplace replaces the files themselves: without -o, -d, -skip and -update")
	case c.Inplace && (len(c.Files) == 0 || slices.Contains(c.Files, "-")):
		return fault.New(fault.Usage, "-inplace needs files")
	case c.Skip && c.Update:
		return fault.New(fault.Usage, "-skip and -update exclude each other")
	case c.Recurse && c.Dir == "" && !c.Inplace:
		return fault.New(fault.Usage, "-r needs -d")
	case c.Skip && c.Dir == "":
		return fault.New(fault.Usage, "-skip needs -d")
	case c.Update && c.Dir == "":
		return fault.New(fault.Usage, "-update needs -d")
	case c.Dir == "" && !c.Inplace && len(c.Files) > 1:
		return fault.New(fault.Usage, "%d files: several need -d", len(c.Files))
	}
	return nil
}

// Run runs op on each file. Several files need a folder and get their names in their
// order; one that fails is named on stderr and the others go on.
func Run(cfg Config, op Operation) error {
	system.Batch()
	c := runner{Config: cfg, op: op, report: cli.Report{Command: cfg.Command, Stderr: os.Stderr, Quiet: cfg.Quiet}}
	defer c.report.Notes()
	if err := c.check(); err != nil {
		return err
	}
	if len(c.Files) == 0 {
		c.Files = []string{"-"}
	}
	if c.Format == "" && c.Output != "" {
		var err error
		if c.Format, err = output.FormatOf(c.Output); err != nil {
			return err
		}
	}
	if c.Dir != "" {
		var err error
		if c.dir, err = output.OpenDir(c.Dir, false); err != nil {
			return err
		}
	}
	sources := c.sources()
	if c.Skip || c.Update {
		c.name(sources)
	}
	switch {
	case c.Check:
		return c.list(sources, os.Stdout)
	case c.Dir != "", c.Inplace:
		return c.many(sources)
	}
	out, err := output.Open(c.Output)
	if err != nil {
		return err
	}
	return c.finish(c.work(sources[0], c.Workers > 1, []*output.File{out}, nil))
}

// suffixes returns what is added to the names of the results of one source, one for each
// result.
func (c *Config) suffixes() []string {
	if len(c.Sizes) == 0 {
		return []string{""}
	}
	return c.Sizes
}

// picture is the results of an operation on a source that have no names yet.
type picture struct {
	source
	base string         // the source's base name
	outs []*output.File // one, or one for each size
	left bool           // its results are there already
	Result
}

// open opens a source and reads its header. It returns false when there is nothing to
// do with it, and p says why. The caller closes the input.
func (c *runner) open(s source, alone bool) (p picture, in *input.Input, prepared Prepared, ok bool) {
	p.source = s
	in, p.err = input.Open(s.operand, c.op.IsPicture)
	if p.err != nil {
		if errors.Is(p.err, input.ErrFolder) && !c.Recurse {
			p.err = fmt.Errorf("%w (-r)", p.err)
		}
		return p, nil, prepared, false
	}
	p.base = in.Base
	if p.unknown = s.found && !pictureName(in.Base) && !c.op.IsPicture(in, in.Size); p.unknown {
		return p, in, prepared, false
	}
	prepared, p.err = c.op.Prepare(in, in.Size, c.Format, alone)
	if c.Inplace && p.err == nil && prepared.From != prepared.Format {
		p.err = fmt.Errorf("it would become %s; -inplace keeps the format (-d)", prepared.Format)
	}
	return p, in, prepared, p.err == nil
}

// work writes the results of a source to outs. It waits until room has as many pixels.
func (c *runner) work(s source, alone bool, outs []*output.File, room *room) picture {
	p, in, prepared, ok := c.open(s, alone)
	p.outs = outs
	if in != nil {
		defer in.Close()
	}
	if ok {
		defer room.take(prepared.Pixels)()
		writers := make([]io.Writer, len(outs))
		for i, out := range outs {
			writers[i] = out
		}
		p.Result, p.err = prepared.Write(writers)
	}
	return p
}

// finish gives the results of a source their names, or removes them if it failed. Its
// error names the source.
func (c *runner) finish(p picture) error {
	written := p.err == nil && !p.left && !p.unknown
	switch {
	case !written:
		p.discard(0)
	case c.Inplace:
		p.err = p.replace()
	default:
		written, p.err = c.commit(&p)
		p.left = !written
	}
	if p.err != nil {
		return cli.OfOne(fmt.Errorf("%s: %w", p.name(), p.err))
	}
	switch {
	case p.unknown:
		c.others++
	case p.left:
		c.left++
	case written:
		c.written++
		c.report.Note(p.name(), p.Note)
	}
	return nil
}

// commit gives each result its name. It reports whether it did so with at least one: with
// -skip another program may have made them since.
func (c *runner) commit(p *picture) (written bool, err error) {
	for i, suffix := range c.suffixes() {
		if p.to == nil {
			_, err = p.outs[i].Commit(filename.Suffixed(output.Name(p.base, p.Format, "stdin"), suffix))
		} else if err = p.outs[i].CommitAs(p.to[i], c.Update); errors.Is(err, os.ErrExist) && c.Skip {
			err = nil
			continue
		}
		if err != nil {
			p.discard(i + 1)
			return false, err
		}
		written = true
	}
	return written, nil
}

// discard removes the results that have no names yet, from the given one on.
func (p *picture) discard(from int) {
	for _, out := range p.outs[from:] {
		out.Discard()
	}
}
