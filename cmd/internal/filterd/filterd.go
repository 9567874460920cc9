// Package filterd is what grayd and scaled share: the command line of a daemon
// that does one operation on pictures, and the words that all of them have.
package filterd

import (
	"io"
	"os"
	"runtime"
	"strconv"

	"imgtools/pkg/daemon"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/daemon/worker"
	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/shell/cli"
)

const usage = "[-h] [-a address]... [-n workers] [-t time] [-maxpixels n] [-maxmem n] [-sandbox strict|best|off]"

// Serve reads the arguments of the daemon of that name and is that daemon, or one
// of its workers, until it ends. operation makes what is done at verb, within limits.
func Serve(name, verb, about string, operation func(raster.Limits) worker.Operation, args []string) error {
	cfg := daemon.Config{
		Name: name, Verb: verb, Args: args, Stderr: os.Stderr,
		Workers: runtime.NumCPU(), Timeout: limits.Time,
		MaxPixels: limits.Pixels, MaxMem: limits.Memory,
		Sandbox: "best",
	}
	f := cli.New(name, about, usage)
	f.Strings(&cfg.Addresses, "a", "address", "address", "listen on unix:/path, tcp:IP:port or tcp:localhost:port (default RUN/"+name+".sock)")
	f.Int(&cfg.Workers, "n", "workers", "workers", "processes that work, each on one picture at a time")
	f.Duration(&cfg.Timeout, "t", "timeout", "time", "for one picture")
	f.Pixels(&cfg.MaxPixels, "", "maxpixels", "n", "largest picture, in pixels of all frames")
	f.Bytes(&cfg.MaxMem, "", "maxmem", "n", "memory of one worker")
	f.String(&cfg.Sandbox, "", "sandbox", "mode", "what workers give up: strict (all, or fail), best (what this kernel has), off")
	operands, err := f.Parse(args, os.Stdout)
	if err != nil {
		return err
	}
	if err := f.NoOperands(operands); err != nil {
		return err
	}
	cfg.Operation = operation(raster.Limits{
		Pixels: cfg.MaxPixels,
		Mem:    cfg.MaxMem / 2, // of samples; the rest is for all else, and for garbage
	})
	return daemon.Run(cfg)
}

// Operation returns what a worker does with a request, within limits: options
// makes its words options, run makes a picture of the request's as they say, and
// reply says what run did.
func Operation[O, R any](
	options func(wire.Request, raster.Limits) (O, error),
	run func(out io.Writer, in io.ReaderAt, size int64, o O) (R, error),
	reply func(R, O) wire.Reply,
) func(raster.Limits) worker.Operation {
	return func(lim raster.Limits) worker.Operation {
		return func(req wire.Request, in, out *os.File) (wire.Reply, error) {
			o, err := options(req, lim)
			if err != nil {
				return wire.Reply{}, err
			}
			fi, err := in.Stat()
			if err != nil {
				return wire.Reply{}, err
			}
			r, err := run(out, in, fi.Size(), o)
			if err != nil {
				return wire.Reply{}, err
			}
			return reply(r, o), nil
		}
	}
}

// LowerPixels returns lim with the pixels of a word maxpixels=, which only lowers it.
func LowerPixels(lim raster.Limits, value string) (raster.Limits, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 {
		return lim, fault.New(fault.Usage, "maxpixels %q: not a number over 0", value)
	}
	if lim.Pixels == 0 {
		lim.Pixels = raster.DefaultPixels
	}
	lim.Pixels = min(n, lim.Pixels)
	return lim, nil
}

// Reply says what was written, then more, then the note if there is one; its
// length is the worker's to say.
func Reply(mime string, w, h int, note string, more ...ops.Word) wire.Reply {
	words := append([]ops.Word{
		{Key: "type", Value: mime},
		{Key: "width", Value: strconv.Itoa(w)},
		{Key: "height", Value: strconv.Itoa(h)},
	}, more...)
	if note != "" {
		words = append(words, ops.Word{Key: "note", Value: note})
	}
	return wire.Reply{Words: words, Len: -1}
}
