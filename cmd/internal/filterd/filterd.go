// Package filterd is what grayd, scaled and heifd share: the command line of a daemon
// that does one operation on pictures, and the words that all of them have.
package filterd

import (
	"os"
	"runtime"
	"strconv"

	"imgtools/pkg/daemon"
	"imgtools/pkg/daemon/cgroup"
	"imgtools/pkg/daemon/sandbox"
	"imgtools/pkg/limits"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/shell/cli"
)

// Serve reads the arguments of the daemon of that name and is that daemon, or one
// of its workers, until it ends. verb is the operation that it does.
func Serve(name, verb, about string, args []string) error {
	cfg := daemon.Config{Name: name, Verb: verb, Workers: runtime.GOMAXPROCS(0)}
	return serve(cfg, about, args, func(cfg *daemon.Config, lim raster.Limits) { cfg.Operation = Operation(verb)(lim) })
}

// serve reads the arguments and is the daemon. complete adds what the daemon does within
// the limits.
func serve(cfg daemon.Config, about string, args []string, complete func(*daemon.Config, raster.Limits)) error {
	cfg.Args, cfg.Stderr, cfg.Timeout = args, os.Stderr, limits.Time
	cfg.MaxPixels, cfg.MaxMem, cfg.Sandbox = limits.Pixels, limits.Memory, "best"
	name := cfg.Name
	f := cli.New(name, about, "")
	f.Strings(&cfg.Addresses, "a", "address", "address", "listen on unix:/path, tcp:IP:port or tcp:localhost:port (default RUN/"+name+".sock)")
	f.Int(&cfg.Workers, "n", "workers", "workers", "processes that work, each on one picture at a time")
	f.Duration(&cfg.Timeout, "t", "timeout", "time", "for one picture")
	f.Pixels(&cfg.MaxPixels, "", "maxpixels", "n", "largest picture, in pixels of all frames")
	f.Bytes(&cfg.MaxMem, "", "maxmem", "n", "memory of one worker")
	f.Choice(&cfg.Sandbox, "", "sandbox", "mode", sandbox.Modes, "what workers give up (strict: all, or fail; best: what this kernel has)")
	check := false
	f.Bool(&check, "C", "check", "check flags, addresses and the sandbox, print what would be served, and exit")
	operands, err := f.Parse(args, os.Stdout)
	if err != nil {
		return err
	}
	if err := f.NoOperands(operands); err != nil {
		return err
	}
	fit(&cfg, f)
	complete(&cfg, raster.Limits{
		Pixels: cfg.MaxPixels,
		Mem:    cfg.MaxMem / 2, // of samples; the rest is for all else, and for garbage
	})
	if check {
		return daemon.Check(cfg, os.Stdout)
	}
	return daemon.Run(cfg)
}

// fit lowers the number of workers and their memory, where no flag gives them, to what
// memory.max allows. The workers are told: they don't count again.
func fit(cfg *daemon.Config, f *cli.Flags) {
	cfg.Fitted = cgroup.Fit(&cfg.Workers, &cfg.MaxMem, 1, f.Given("n"), f.Given("maxmem"))
	if cfg.Fitted == "" {
		return
	}
	if !f.Given("n") {
		cfg.Args = append([]string{"-n", strconv.Itoa(cfg.Workers)}, cfg.Args...)
	}
	if !f.Given("maxmem") {
		cfg.Args = append([]string{"-maxmem", strconv.FormatInt(cfg.MaxMem, 10)}, cfg.Args...)
	}
}
