// Scaled scales pictures, as a daemon with pre-forked workers.
//
//	scaled [-h] [-a address]... [-n workers] [-t time] [-maxpixels n] [-maxmem n] [-sandbox strict|best|off]
package main

import (
	"os"
	"runtime"
	"time"

	"imgtools/pkg/daemon"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/shell/cli"
)

const usage = "[-h] [-a address]... [-n workers] [-t time] [-maxpixels n] [-maxmem n] [-sandbox strict|best|off]"

func main() { cli.Main("scaled", serve) }

func serve(args []string) error {
	cfg := daemon.Config{
		Name: "scaled", Verb: "scale", Args: args, Stderr: os.Stderr,
		Workers: runtime.NumCPU(), Timeout: 30 * time.Second,
		MaxPixels: raster.DefaultPixels, MaxMem: raster.DefaultMem,
		Sandbox: "best",
	}
	f := cli.New("scaled", "scales pictures, as a daemon with pre-forked workers", usage)
	f.Strings(&cfg.Addresses, "a", "address", "address", "listen on unix:/path, tcp:IP:port or tcp:localhost:port (default RUN/scaled.sock)")
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
