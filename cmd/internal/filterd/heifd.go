//go:build linux && (amd64 || arm64)

package filterd

import (
	"fmt"
	"io"
	"runtime"
	"time"

	"imgtools/cmd/internal/decoders"
	"imgtools/pkg/daemon"
	"imgtools/pkg/daemon/jail"
	"imgtools/pkg/daemon/sandbox"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/daemon/worker"
	"imgtools/pkg/fault"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/raster"
)

// ServeDecode reads the arguments of heifd and is that daemon, or one of its workers,
// until it ends.
func ServeDecode(name, about string, args []string) error {
	cfg := daemon.Config{Name: name, Verb: wire.Decode, Workers: max(1, runtime.GOMAXPROCS(0)/4)}
	return serve(cfg, about, args, func(cfg *daemon.Config, lim raster.Limits) { cfg.Helper = helper(cfg, lim) })
}

// Descriptors of a worker of heifd beside those of any worker: the connection to its
// launcher, and for each of two programs at once (the picture, its alpha) a copy
// of the file and the output, with one more of each on its way.
const decodeFiles = 1 + 2*3

// programShare is how many tenths of the time for a request its program may take. When the
// program is over its time the worker still has some to say so. A worker that is over its
// own time is replaced.
const programShare = 9

// helper is how heifd has programs decode.
func helper(cfg *daemon.Config, lim raster.Limits) *daemon.Helper {
	mode := sandbox.Mode(cfg.Sandbox)
	// What a program may have, whatever a worker asks for that a picture has taken over.
	caps := func() jail.Caps {
		return jail.Caps{Programs: decoders.Paths(), Time: cfg.Timeout, Memory: uint64(lim.Mem), Output: uint64(cfg.MaxMem)}
	}
	return &daemon.Helper{
		Prepare: func() (worker.Operation, <-chan struct{}, error) {
			l, err := jail.StartLauncher(mode, caps())
			if fault.Of(err) == fault.Unsupported {
				return Decoding(func(time.Duration) codec.Decoder { return refusing{err} })(lim), nil, nil
			}
			if err != nil {
				return nil, nil, err
			}
			d := decoders.New(l, cfg.Timeout)
			within := func(limit time.Duration) codec.Decoder { return d.Within(limit / 10 * programShare) }
			return Decoding(within)(lim), l.Gone(), nil
		},
		Files: decodeFiles,
		Examine: func() []string {
			var lines []string
			if err := jail.With(mode, caps(), func(r jail.Runner) {
				lines = decoders.Lines(decoders.Test(decoders.New(r, cfg.Timeout), lim))
			}); err != nil {
				return []string{"heic: none", "avif: none", fmt.Sprintf("jail: %s", fault.Line(err.Error()))}
			}
			return lines
		},
		Env: []string{"PATH", "TMPDIR"},
	}
}

// refusing is the decoder where programs can't be confined.
type refusing struct{ err error }

func (r refusing) Open(io.ReaderAt, int64, raster.Limits) (raster.Reader, error) {
	return nil, r.err
}
