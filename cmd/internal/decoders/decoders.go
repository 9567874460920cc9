//go:build linux && (amd64 || arm64)

// Package decoders has HEIC and AVIF decoded by programs of the system, each in a jail. It
// joins package program, which knows the programs, and package jail, which runs them.
//
//	Direct   for gray and scale, which are in no sandbox
//	New      for a worker of heifd, which has started a launcher before its sandbox
//	Test     whether the programs do what is expected of them, with two small files
package decoders

import (
	"bytes"
	"context"
	_ "embed" // the files of Test
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"imgtools/pkg/daemon/jail"
	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/limits"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/heif/program"
	"imgtools/pkg/picture/raster"
)

// New returns a decoder whose programs r runs, each for at most limit. It looks for the
// programs on PATH.
func New(r jail.Runner, limit time.Duration) *program.Decoder {
	return program.New(runner{r}, program.Options{Temp: r.Memory, Time: limit})
}

// runner is a jail.Runner as package program wants it.
type runner struct{ jail.Runner }

func (r runner) Run(ctx context.Context, c program.Command) error {
	return r.Runner.Run(ctx, jail.Command(c))
}

// Paths returns where the programs are on PATH.
func Paths() (paths []string) {
	for _, f := range format.All() {
		for _, name := range f.Programs {
			if path, err := exec.LookPath(name); err == nil {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// Direct returns the decoder of a filter, or nil on a system that can't confine programs.
// It looks for programs, and starts what runs them, when it meets the first HEIC or AVIF.
// It gives atExit, such as cli.AtExit, what ends that when the filter ends.
func Direct(atExit func(func()) (forget func())) codec.Decoder { return &direct{atExit: atExit} }

type direct struct {
	atExit func(func()) func()
	once   sync.Once
	d      *program.Decoder
}

func (d *direct) Open(in io.ReaderAt, size int64, lim raster.Limits) (raster.Reader, error) {
	d.once.Do(func() {
		run := jail.Direct()
		ending := make(chan struct{})
		d.atExit(func() {
			close(ending)
			run.Close()
		})
		d.d = New(turns{run, make(chan struct{}, min(runtime.GOMAXPROCS(0), maxPrograms)), ending}, limits.Time)
	})
	return d.d.Open(in, size, lim)
}

// maxPrograms bounds the programs of a filter that run at once, however many pictures it
// works on (-n): a launcher refuses to start more than 64.
const maxPrograms = 32

// turns is a Runner that runs as many programs at once as its channel has places. When the
// process is ending its Run does not return: what the end does to a program is no error
// of the picture.
type turns struct {
	jail.Runner
	places chan struct{}
	ending <-chan struct{}
}

func (t turns) Run(ctx context.Context, c jail.Command) error {
	t.places <- struct{}{}
	defer func() { <-t.places }()
	err := t.Runner.Run(ctx, c)
	if err != nil {
		select {
		case <-t.ending:
			select {}
		default:
		}
	}
	return err
}

// A picture of 64×48 pixels whose left half is red and right half blue, at the usual
// settings of heif-enc and avifenc.
var (
	//go:embed selftest.heic
	testHEIC []byte
	//go:embed selftest.avif
	testAVIF []byte

	testWant = map[string][]byte{format.HEIC: testHEIC, format.AVIF: testAVIF}
)

const (
	testW, testH = 64, 48
	tolerance    = 8 // levels of a sample: coding at these settings changes it by 3
)

var testLeft, testRight = [3]int{200, 60, 40}, [3]int{40, 80, 190}

// Test decodes a small HEIC and a small AVIF with d. It returns, by the name of the format,
// the program that did it, or the error.
func Test(d *program.Decoder, lim raster.Limits) (programs map[string]string, errs map[string]error) {
	programs, errs = map[string]string{}, map[string]error{}
	for _, name := range []string{format.HEIC, format.AVIF} {
		if err := test(d, testWant[name], lim); err != nil {
			errs[name] = err
			continue
		}
		f, _ := format.Lookup(name)
		programs[name] = d.Can()[f.Title]
	}
	return programs, errs
}

// test decodes one of the files and compares samples in its halves.
func test(d *program.Decoder, file []byte, lim raster.Limits) error {
	r, err := d.Open(bytes.NewReader(file), int64(len(file)), lim)
	if err != nil {
		return err
	}
	rows, err := r.Rows(raster.Hint{})
	if err != nil {
		return err
	}
	rows = raster.ToRGB(raster.To8(raster.Packed(rows)))
	if h := rows.Header(); h.W() != testW || h.H() != testH {
		return fault.New(fault.Internal, "the picture of the self-test came out with %d×%d pixels, not %d×%d", h.W(), h.H(), testW, testH)
	}
	return raster.EachRow(rows, func(y int, row raster.Plane) error {
		for _, half := range []struct {
			x    int
			want [3]int
		}{{testW / 4, testLeft}, {testW * 3 / 4, testRight}} {
			for i, want := range half.want {
				if got := int(row.Pix[3*half.x+i]); got < want-tolerance || got > want+tolerance {
					return fault.New(fault.Internal, "the picture of the self-test came out wrong: %d for %d in row %d", got, want, y)
				}
			}
		}
		return nil
	})
}

// Lines returns what Test found as lines of a daemon's status: the program that decodes a
// format, or none and why.
func Lines(programs map[string]string, errs map[string]error) (lines []string) {
	for _, name := range []string{format.HEIC, format.AVIF} {
		if p := programs[name]; p != "" {
			lines = append(lines, name+": "+p)
			continue
		}
		lines = append(lines, name+": none")
		if err := errs[name]; err != nil {
			lines = append(lines, fmt.Sprintf("%s-error: %s", name, fault.Line(err.Error())))
		}
	}
	return lines
}
