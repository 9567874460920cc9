// Package program decodes HEIC and AVIF by programs of the distribution: heif-convert,
// avifdec and vips. It has no decoder of HEVC or AV1 and links none.
//
// A picture passes these stages:
//
//	package heif        boxes → size, depth, chroma, orientation, profile, alpha
//	table.go            what each program can do → the program for this picture
//	run.go              the program runs on the file, in a jail (Runner) → an unnamed file
//	package y4m, tiff   that file, if it is what the boxes announce → rows
//	rows.go, alpha.go   what the program does not do: crop, orientation, profile, alpha
//	thumbnail.go        a smaller picture of the file in its place, where that is enough
//
// Nothing that a program says is believed. The size is checked against the limits before
// anything runs. A program that succeeds proves nothing by that: size, depth and number of
// bytes of its output must be those that follow from the boxes.
//
// A Decoder has found the programs. Its Open reads boxes only, and returns a Reader whose
// header is complete. Rows of the Reader runs the program, waits for it and returns rows
// that are read from its output.
package program

import (
	"context"
	"io"
	"os"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/limits"
	"imgtools/pkg/picture/heif"
	"imgtools/pkg/picture/raster"
)

// Command is one run of a program on one file.
type Command struct {
	Path    string        // absolute path of the program
	Args    []string      // without argv[0]; they name InName and OutName
	In      *os.File      // for reading
	InName  string        // the name that In has for the program
	Out     *os.File      // empty
	OutName string        // the name that Out has for the program
	Time    time.Duration // wall clock and CPU
	Memory  uint64        // bytes of its address space
	Output  uint64        // bytes that it may write
}

// Runner runs programs where they can do nothing but read In and write Out. Its errors
// are one line, without the name of the program, and of the kinds of package fault. When
// Run returns, nothing is left running.
type Runner interface {
	Run(ctx context.Context, c Command) error
}

// Options say with what a Decoder works. Zero fields mean the defaults.
type Options struct {
	// Temp returns an empty file without a name, for reading and writing. The default is
	// one in the folder of temporary files.
	Temp func() (*os.File, error)
	// Time is what a program may take: wall clock and CPU.
	Time time.Duration
	// Look returns the absolute path of a program, as exec.LookPath does.
	Look func(name string) (string, error)
}

// Decoder decodes the HEIF files of one process.
type Decoder struct {
	run   Runner
	temp  func() (*os.File, error)
	time  time.Duration
	found []found
}

// found is a program that is there.
type found struct {
	*tool
	path string
}

// New looks for the programs, once.
func New(run Runner, o Options) *Decoder {
	d := &Decoder{run: run, temp: o.Temp, time: o.Time}
	if d.temp == nil {
		d.temp = unnamed
	}
	if d.time == 0 {
		d.time = limits.Time
	}
	d.found = look(o.Look)
	return d
}

// Within returns the same decoder with another limit on the time of a program.
func (d *Decoder) Within(limit time.Duration) *Decoder {
	w := *d
	w.time = limit
	return &w
}

// Can returns the name of the program that decodes most files of each format: under
// "HEIC" and "AVIF", and nothing where none does.
func (d *Decoder) Can() map[string]string {
	can := map[string]string{}
	for title, p := range usual {
		if t, _ := d.choose(p); t != nil {
			can[title] = t.name // without its version, which only running it would tell
		}
	}
	return can
}

// usual are pictures of which most files of a format are.
var usual = map[string]*heif.Picture{
	"HEIC": {Coding: heif.HEVC, Depth: 8, Chroma: heif.C420},
	"AVIF": {Coding: heif.AV1, Depth: 8, Chroma: heif.C420},
}

// titleOf returns the format of a picture for people.
func titleOf(p *heif.Picture) string {
	f, _ := format.Lookup(p.Format())
	return f.Title
}

// Open reads what the HEIF file in the first size bytes of in says of its picture.
// Errors are those of heif.Open, of kind Format for a file that ends before its pixels,
// unless lim is lenient, and of kind Unsupported for a picture that no program here can
// decode, with the reason and the package that would.
func (d *Decoder) Open(in io.ReaderAt, size int64, lim raster.Limits) (raster.Reader, error) {
	p, err := heif.Open(in, size, lim)
	if err != nil {
		return nil, err
	}
	if p.Unsupported != "" {
		return nil, fault.New(fault.Unsupported, "%s of %d×%d pixels is not read: %s", titleOf(p), p.W, p.H, p.Unsupported)
	}
	if p.Truncated && !lim.Lenient {
		return nil, fault.New(fault.Format, "%s", strings.Join(p.Notes(), "; "))
	}
	t, why := d.choose(p)
	if t == nil {
		return nil, fault.New(fault.Unsupported, "%s of %d×%d pixels: %s", titleOf(p), p.W, p.H, why)
	}
	r := &Reader{d: d, in: in, size: size, lim: lim, p: p, with: t}
	for _, n := range p.Notes() {
		r.Note("%s", n)
	}
	r.h = r.header()
	return r, nil
}

// Reader is a HEIF file whose boxes have been read.
type Reader struct {
	raster.NoteList

	d    *Decoder
	in   io.ReaderAt
	size int64
	lim  raster.Limits
	p    *heif.Picture
	with *found
	h    *raster.Header
}

// Header returns the picture as the program gives it.
func (r *Reader) Header() *raster.Header { return r.h }

// Depth returns the bits of a sample in the file.
func (r *Reader) Depth() int { return r.p.Depth }

// Lossless returns false: most files are not, and none says so.
func (r *Reader) Lossless() bool { return false }

// Metadata returns the metadata of the file.
func (r *Reader) Metadata() raster.Metadata { return r.p.Metadata }

// Frames returns the number of pictures of a sequence, else 1. Only the first is read.
func (r *Reader) Frames() int { return r.p.Frames }

// Select accepts the first picture.
func (r *Reader) Select(n int) error {
	switch {
	case n < 1 || n > r.p.Frames:
		return raster.NoFrame(n, r.p.Frames)
	case n > 1:
		return fault.New(fault.Unsupported, "frame %d of a sequence is not read; only the first is", n)
	}
	return nil
}

// Picture returns what the boxes say.
func (r *Reader) Picture() *heif.Picture { return r.p }
