// Package filtercmd is what gray and scale share: the command line of a filter that
// does one operation on pictures. It joins the operation's options (package ops), the
// pictures (package plan) and the files (package filter).
package filtercmd

import (
	"io"
	"os"
	"runtime"
	"strings"

	"imgtools/cmd/internal/decoders"
	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/filter"
)

// Run reads the arguments of the filter that does one operation, and is that filter.
// An operation that needs a value has it as its first operand: "scale 1/4 foo.jpg".
func Run(operation, about string, args []string) error {
	opt, _ := ops.Lookup(operation)
	usage := "[file]..."
	if !opt.Switch() {
		usage = opt.Arg + " " + usage
	}
	c := filter.Config{Command: operation, Workers: runtime.GOMAXPROCS(0)}
	lim := raster.Limits{Pixels: raster.DefaultPixels}
	f := cli.New(operation, about, usage)
	words := f.Options(operation)
	f.Default("format", "that of -o, else the input's")
	f.Pixels(&lim.Pixels, "", "maxpixels", "n", "largest picture, before and after, in pixels of all frames")
	f.Bool(&lim.Lenient, "", "lenient", "write what there is of a damaged picture, with a note")
	f.Path(&c.Output, "o", "output", "file", "write to this file (default standard output)")
	f.Path(&c.Dir, "d", "dir", "dir", "write to this folder, under the names of the files; nothing there is overwritten")
	f.Either("o", "d")
	f.Bool(&c.Recurse, "r", "recursive", "take folders, too: the pictures in them, kept in folders below that of -d")
	f.Bool(&c.Skip, "", "skip", "leave results alone that are there already")
	f.Bool(&c.Update, "", "update", "leave results alone that are newer than their files")
	f.Either("skip", "update")
	f.Bool(&c.Inplace, "", "inplace", "replace the files themselves, which keep mode and time; -keep must say what of their metadata stays")
	f.Int(&c.Workers, "n", "workers", "workers", "pictures worked on at the same time")
	f.Bool(&c.Check, "C", "check", "write nothing: list what would be written, going by the headers")
	f.Bool(&c.Quiet, "", "quiet", "no progress, no closing line after failures, and each kind of note once")
	operands, err := f.Parse(args, os.Stdout)
	if err != nil {
		return err
	}
	if c.Inplace && !f.Given("keep") {
		return fault.New(fault.Usage, "-inplace replaces originals: say what of their metadata to keep (-keep none, date, copyright or all)")
	}
	asked := ops.Word{Key: operation}
	if !opt.Switch() {
		if err := f.NeedInput(operands); err != nil {
			return err
		}
		if len(operands) == 0 {
			_, about, _ := strings.Cut(opt.Help, ": ")
			return fault.New(fault.Usage, "no %s: %s", opt.Arg, about)
		}
		asked.Value, operands = operands[0], operands[1:]
	}
	o, err := ops.Parse(append([]ops.Word{asked}, words()...))
	if err != nil {
		return err
	}
	if err := f.NeedInput(operands); err != nil {
		return err
	}
	c.Files, c.Format = operands, o.Get("format")
	c.Pixels = lim.Pixels
	for _, size := range o.Sizes() {
		c.Sizes = append(c.Sizes, "-"+size.Name)
	}
	decoder := decoders.Direct(cli.AtExit)
	return filter.Run(c, filter.Operation{IsPicture: plan.IsPicture, Prepare: func(in io.ReaderAt, size int64, as string, alone bool) (filter.Prepared, error) {
		mine := o
		if f, ok := format.Lookup(as); ok {
			mine = o.With("format", f.Name)
		}
		p, err := plan.PrepareSizes(in, size, plan.Request{Ops: mine, Limits: lim, Ahead: alone, HEIF: decoder})
		if err != nil {
			return filter.Prepared{}, err
		}
		prepared := filter.Prepared{From: p.Each[0].From, Format: p.Each[0].Format, Pixels: p.Pixels}
		for _, one := range p.Each {
			prepared.Sizes = append(prepared.Sizes, filter.Size{W: one.W, H: one.H})
		}
		prepared.Write = func(outs []io.Writer) (filter.Result, error) {
			r, err := p.Write(outs)
			if err != nil {
				return filter.Result{}, err
			}
			return filter.Result{Format: r[0].Format, Note: r[0].Note}, nil
		}
		return prepared, nil
	}})
}
