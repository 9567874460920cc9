// Package daemon makes a daemon of an operation on pictures: a supervisor and its
// workers, which are processes of the same program. Run is both. In a worker the
// variable IMGTOOLS_WORKER is set; it has one letter (listen.Kind) for each
// listening socket that the worker inherits.
//
//	prefork     the supervisor: starts workers and keeps them running
//	worker      a worker: accepts connections and serves requests
//	listen      addresses and sockets
//	sandbox     the rights that a worker gives up
//	jail        other programs, run where they can do nothing but decode a file
//	wire        the lines of the protocol; fdpass: the descriptors beside them
//	cgroup      the memory that the workers may have together
//	peercred    who may connect to a Unix socket
//	embed       daemons as children of another program
//	journal     lines for people on standard error; serverlog: structured records
//	timerslack  late timers, which save CPU time
package daemon

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/journal"
	"imgtools/pkg/daemon/listen"
	"imgtools/pkg/daemon/prefork"
	"imgtools/pkg/daemon/sandbox"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/daemon/worker"
	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
)

// Config configures a daemon. All limits are over 0.
type Config struct {
	Name      string   // of the program, for messages and the default address
	Verb      string   // of the requests that it serves
	Addresses []string // where to listen; none: the sockets from systemd, else RUN/NAME.sock
	Workers   int
	Timeout   time.Duration // of the work on one picture
	MaxPixels int64         // of one picture
	MaxMem    int64         // bytes of memory of one worker
	Fitted    string        // how Workers and MaxMem were lowered, to be said at start; "": they were not
	Sandbox   string        // strict, best or off
	Operation worker.Operation
	Helper    *Helper   // of a daemon whose workers have other programs work for them; nil: none
	Args      []string  // flags that make the same Config in a worker
	Stderr    io.Writer // for messages
}

// Helper is how a daemon has other programs work for its workers.
type Helper struct {
	// Prepare is called in each worker before it enters the sandbox. It returns the
	// worker's Operation, and a channel that is closed when the worker must end because
	// its programs can't be started any more; nil: never.
	Prepare func() (op worker.Operation, gone <-chan struct{}, err error)
	// Files is the number of descriptors that Prepare and the Operation have open at most.
	Files int
	// Examine finds out what the programs can do. It returns lines for the status and for
	// -C, without their newlines, and is called at start and at each SIGHUP.
	Examine func() []string
	Env     []string // names of variables that workers have, too
}

const (
	roleVar     = "IMGTOOLS_WORKER"
	lifelineFD  = 3
	firstSocket = 4
	bootTime    = 10 * time.Second
	dataSlack   = 64 << 20 // bytes of data that a Go program has besides its heap
	// A pixel takes at most 8 bytes in any format that is written (RGBA, 16 bit).
	bytesPerPixel = 8
	headSlack     = 1 << 20
)

// Run runs the daemon, or one of its workers. It returns nil after a drain. Errors
// of kind Usage say that the Config or the environment is wrong.
func Run(cfg Config) error {
	signal.Ignore(unix.SIGPIPE) // the reader of standard error may be gone
	mode, err := cfg.validate()
	if err != nil {
		return err
	}
	if sockets, ok := os.LookupEnv(roleVar); ok {
		return work(cfg, mode, sockets)
	}
	if err := sandbox.Check(mode); err != nil {
		return err
	}
	return supervise(cfg)
}

// validate refuses values that make no sense.
func (cfg Config) validate() (sandbox.Mode, error) {
	bad := func(format string, args ...any) (sandbox.Mode, error) {
		return "", fault.New(fault.Usage, format, args...)
	}
	switch {
	case cfg.Workers < 1 || cfg.Workers > limits.Workers:
		return bad("%d workers: not 1 to %d", cfg.Workers, limits.Workers)
	case cfg.Timeout <= 0:
		return bad("a time limit of %v", cfg.Timeout)
	case cfg.MaxPixels <= 0 || cfg.MaxPixels > limits.MaxPixels:
		return bad("a limit of %d pixels", cfg.MaxPixels)
	case cfg.MaxMem < limits.MinMemory:
		return bad("%d bytes of memory: a worker needs %s", cfg.MaxMem, limits.Binary.Format(limits.MinMemory))
	}
	return sandbox.ParseMode(cfg.Sandbox)
}

// lines returns the lines that the daemon writes for people.
func (cfg Config) lines() journal.Lines {
	return journal.New(cfg.Stderr, cfg.Name, journal.IsStderr())
}

// work runs a worker.
func work(cfg Config, mode sandbox.Mode, sockets string) error {
	signal.Ignore(unix.SIGINT, unix.SIGHUP) // meant for the supervisor
	life, err := prefork.NewLifeline(lifelineFD)
	if err != nil {
		return err
	}
	wcfg := worker.Config{
		Verb: cfg.Verb, Operation: cfg.Operation, Timeout: cfg.Timeout, MaxMem: cfg.MaxMem,
		Begin: life.Begin, End: life.End, Log: cfg.lines().Warn,
	}
	for i := range len(sockets) {
		kind := listen.Kind(sockets[i])
		wcfg.Listeners = append(wcfg.Listeners, worker.Listener{
			File:      os.NewFile(uintptr(firstSocket+i), "listener"),
			CheckPeer: kind == listen.Unix,
			Kept:      kind == listen.Inherited,
		})
	}
	files := uint64(worker.Descriptors + firstSocket + len(sockets))
	var gone <-chan struct{}
	if cfg.Helper != nil {
		if wcfg.Operation, gone, err = cfg.Helper.Prepare(); err != nil {
			return err
		}
		wcfg.Operation = unlessGone(wcfg.Operation, gone)
		files += uint64(cfg.Helper.Files)
	}
	w, err := worker.New(wcfg)
	if err != nil {
		return err
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, unix.SIGTERM)
	if err := sandbox.Limit(sandbox.Limits{
		Data:  uint64(cfg.MaxMem) + dataSlack,
		File:  uint64(cfg.MaxPixels)*bytesPerPixel + headSlack,
		Files: files,
	}); err != nil {
		return err
	}
	held, err := sandbox.Enter(mode)
	if err != nil {
		return err
	}
	if err := life.Ready(held); err != nil {
		return nil // the supervisor is dead
	}
	go life.Listen(w.Drain, w.Stop)
	go func() {
		<-term
		w.Stop()
	}()
	served := make(chan error, 1)
	go func() { served <- w.Serve() }()
	select {
	case err := <-served:
		if err == nil {
			life.Empty()
		}
		return nil // errors of requests have been logged
	case <-gone:
		return errors.New("what helps this worker has ended") // with what it has in hand
	}
}

// unlessGone is op, but for an error after what helps the worker has ended: then it does
// not return. The process is about to end, without an answer, so that the client asks
// another worker, as after any death of one.
func unlessGone(op worker.Operation, gone <-chan struct{}) worker.Operation {
	return func(req wire.Request, in *os.File, outs []io.Writer) (wire.Reply, error) {
		reply, err := op(req, in, outs)
		if err != nil {
			select {
			case <-gone:
				select {}
			default:
			}
		}
		return reply, err
	}
}

// supervise runs the supervisor.
func supervise(cfg Config) error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	notify := listen.NewNotifier()
	sockets, status, err := open(cfg)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	lines := cfg.lines()
	info, warn := lines.Info, lines.Warn
	if cfg.Fitted != "" {
		info("%s", cfg.Fitted)
	}
	pcfg := prefork.Config{
		Path: path, Args: append([]string{cfg.Name + ": worker"}, cfg.Args...),
		Workers: cfg.Workers, Boot: bootTime, Timeout: cfg.Timeout,
		Signals: signals, Watchdog: notify.Watchdog, Reloading: listen.Reloading,
		Info: info, Warn: warn,
		Unlink: func() {
			for _, s := range append(sockets, status...) {
				s.Unlink()
			}
		},
		Notify: func(lines ...string) {
			if err := notify.Notify(lines...); err != nil {
				warn("notify: %v", err)
			}
		},
	}
	var kinds, names []string
	for _, s := range sockets {
		pcfg.Files = append(pcfg.Files, s.FD)
		kinds = append(kinds, string(s.Kind))
		names = append(names, s.Name)
		if s.Public() {
			warn("%s: any client that can reach it may use it", s.Name)
		}
	}
	for _, s := range status {
		pcfg.Status = append(pcfg.Status, s.FD)
	}
	pcfg.Env = []string{
		roleVar + "=" + strings.Join(kinds, ""),
		"GOMAXPROCS=1",
		// Else the runtime keeps two files of the control group open, and names
		// its memory with a system call that the sandbox forbids.
		"GODEBUG=containermaxprocs=0,updatemaxprocs=0,decoratemappings=0",
		"JOURNAL_STREAM=" + os.Getenv("JOURNAL_STREAM"),
	}
	if cfg.Helper != nil {
		for _, name := range cfg.Helper.Env {
			if value, ok := os.LookupEnv(name); ok {
				pcfg.Env = append(pcfg.Env, name+"="+value)
			}
		}
		e := examination{examine: cfg.Helper.Examine, info: info}
		e.again()
		pcfg.More = e.text
		pcfg.Reloading = func() []string {
			go e.again()
			return listen.Reloading()
		}
	}
	pcfg.Started = func(sandbox string) {
		info("%d workers on %s; sandbox %s", cfg.Workers, strings.Join(names, " "), sandbox)
	}
	err = prefork.Run(pcfg)
	for _, s := range append(sockets, status...) {
		s.Close()
	}
	return err
}

// open returns the sockets for requests and those for the status: the sockets from
// systemd and those of the addresses; without any, that of the default address.
func open(cfg Config) (sockets, status []*listen.Socket, err error) {
	defer func() {
		if err != nil {
			for _, s := range append(sockets, status...) {
				s.Unlink()
				s.Close()
			}
		}
	}()
	var addresses []listen.Address
	for _, a := range cfg.Addresses {
		address, err := listen.Parse(a)
		if err != nil {
			return nil, nil, err
		}
		addresses = append(addresses, address)
	}
	inherited, err := listen.FromSystemd()
	if err != nil {
		return nil, nil, err
	}
	for _, s := range inherited {
		if s.Name == "status" {
			status = append(status, s)
		} else {
			sockets = append(sockets, s)
		}
	}
	if len(addresses) == 0 && len(sockets) == 0 {
		address, err := listen.Default(cfg.Name)
		if err != nil {
			return sockets, status, err
		}
		addresses = append(addresses, address)
	}
	for _, a := range addresses {
		opened, warnings, err := listen.Open(a)
		if err != nil {
			return sockets, status, err
		}
		for _, w := range warnings {
			cfg.lines().Warn("%s", w)
		}
		sockets = append(sockets, opened...)
		if a.Path != "" {
			s, err := opened[0].Status()
			if err != nil {
				return sockets, status, err
			}
			status = append(status, s)
		}
	}
	return sockets, status, nil
}
