// Package service is imgd: it opens the sockets, reads the tokens and
// certificates, opens the spool, starts the daemons that it was given no addresses
// of, and serves HTTP (package front) until a signal ends it.
//
//	Run    serves
//	Check  says what Run would serve, and what is wrong (-C)
//	Ready  asks a running imgd whether it is ready (-ready)
package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/embed"
	"imgtools/pkg/daemon/journal"
	"imgtools/pkg/daemon/listen"
	"imgtools/pkg/daemon/sandbox"
	"imgtools/pkg/daemon/serverlog"
	"imgtools/pkg/daemon/timerslack"
	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/front"
	"imgtools/pkg/front/dispatch"
	"imgtools/pkg/front/spool"
	"imgtools/pkg/limits"
)

const (
	// stopTime is how long a stop may take beyond the time for one picture.
	stopTime = 5 * time.Second
	// timerSlack is how late this program's timers may fire: without it a tenth of
	// a request's CPU time is the runtime looking for work.
	timerSlack = time.Millisecond
)

// warnFleeting is for a spool whose files do not outlive the container or machine: the
// folder and its file system.
const warnFleeting = "spool %s is on %s: its jobs end with this container or machine; to keep them, put it on a volume (-spool)"

// Config is what imgd's flags say.
type Config struct {
	IPs       []string // to listen on: IP addresses or names (-i)
	Port      int      // TCP, 0: any (-p)
	TCP       bool     // -i or -p was given: listen on TCP beside sockets from systemd
	Addresses []string // to listen on as well (-a); none: RUN/imgd.sock
	Hosts     []string // names by which TCP clients may call the server: NAME, *.SUFFIX or *
	Public    bool     // any name, without a token, beyond loopback, is what is wanted
	Proxies   []string // CIDR: peers whose X-Forwarded headers are believed

	Gray, Scale []string // addresses of daemons; none: one is started
	HEIF        []string // addresses of heifd; none: one is started if it has a program to run
	Workers     int      // of each daemon that is started
	Sandbox     string   // of their workers: strict, best or off

	Spool               string // folder
	TTL                 time.Duration
	Quota               int64 // bytes; 0: a share of the file system
	Queue               int   // requests that may wait
	Conns               int   // connections at once
	Timeout             time.Duration
	Drain               time.Duration // from SIGTERM until no more requests are taken
	MaxBytes, MaxPixels int64         // of one picture
	MaxMem              int64         // bytes of one worker
	Fitted              string        // how Workers and MaxMem were lowered, to be said at start

	Root         string        // folder of the pictures that are served by URL; "": none are
	MaxAge       time.Duration // for which caches may keep them
	Preset, Sign string        // files

	Token, Cert, Key string // files
	Version          string // of this program
	JSON             bool   // form of the log
	Stderr           io.Writer
}

// service is one run of imgd.
type service struct {
	Config
	lines journal.Lines
	log   *slog.Logger
}

func newService(c Config) *service {
	toJournal := journal.IsStderr()
	return &service{c, journal.New(c.Stderr, "imgd", toJournal), serverlog.New(c.Stderr, c.JSON, toJournal)}
}

// Run serves until SIGTERM or SIGINT, then finishes what is in hand and returns
// nil. SIGHUP reads tokens, certificates,
// presets and keys again. Errors of kind Usage say that
// the Config or the environment is wrong.
func Run(c Config) error {
	if err := c.validate(); err != nil {
		return err
	}
	timerslack.Restart(timerSlack)
	return newService(c).run()
}

// proxies parses -proxy.
func (c *Config) proxies() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range c.Proxies {
		p, err := netip.ParsePrefix(text)
		if addr, aerr := netip.ParseAddr(text); aerr == nil { // one address
			p, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			return nil, fault.New(fault.Usage, "-proxy %q: not an address or a range such as 10.0.0.0/8", text)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

// validate refuses values that make no sense.
func (c *Config) validate() error {
	if _, err := c.proxies(); err != nil {
		return err
	}
	for _, name := range c.Hosts {
		if err := front.CheckHost(name); err != nil {
			return err
		}
	}
	switch {
	case c.Port < 0 || c.Port > 65535:
		return fault.New(fault.Usage, "-p %d: not a port", c.Port)
	case c.Workers < 1 || c.Workers > limits.Workers:
		return fault.New(fault.Usage, "-n %d: not 1 to %d workers", c.Workers, limits.Workers)
	case c.Queue < 0:
		return fault.New(fault.Usage, "-queue %d: less than 0", c.Queue)
	case c.Conns < 1:
		return fault.New(fault.Usage, "-conns %d: less than 1", c.Conns)
	case c.Timeout <= 0:
		return fault.New(fault.Usage, "-t %v: not over 0", c.Timeout)
	case c.Drain < 0:
		return fault.New(fault.Usage, "-drain %v: less than 0", c.Drain)
	case c.TTL <= 0:
		return fault.New(fault.Usage, "-ttl %v: not over 0", c.TTL)
	case c.Quota < 0:
		return fault.New(fault.Usage, "-quota %d: less than 0", c.Quota)
	case c.MaxBytes < 1 || c.MaxBytes > limits.MaxBytes:
		return fault.New(fault.Usage, "-maxbytes %d: not 1 to %s", c.MaxBytes, limits.Binary.Format(limits.MaxBytes))
	case c.MaxPixels < 1 || c.MaxPixels > limits.MaxPixels:
		return fault.New(fault.Usage, "-maxpixels %d: not 1 to %d", c.MaxPixels, int64(limits.MaxPixels))
	case c.MaxMem < limits.MinMemory:
		return fault.New(fault.Usage, "-maxmem %d: a worker needs %s", c.MaxMem, limits.Binary.Format(limits.MinMemory))
	case c.MaxAge < 0:
		return fault.New(fault.Usage, "-maxage %v: less than 0", c.MaxAge)
	case c.Root == "" && c.Sign != "":
		return fault.New(fault.Usage, "-sign needs -root")
	case (c.Cert == "") != (c.Key == ""):
		return fault.New(fault.Usage, "-cert and -key go together")
	case c.Spool == "":
		return fault.New(fault.Usage, "no folder for the spool: neither -spool nor $HOME")
	}
	_, err := sandbox.ParseMode(c.Sandbox)
	return err
}

func (s *service) run() error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	signal.Ignore(unix.SIGPIPE) // the reader of standard error may be gone
	notify := listen.NewNotifier()
	if s.Fitted != "" {
		s.lines.Info("%s", s.Fitted)
	}
	sockets, err := s.open() // first: inherited descriptors have fixed numbers
	if err != nil {
		return err
	}
	defer sockets.close()
	for _, l := range sockets.all {
		if err := s.free(l.url, l.public); err != nil {
			return err
		}
	}
	secrets, err := s.loadSecrets()
	if err != nil {
		return err
	}
	jobs, err := spool.Open(spool.Config{Dir: s.Spool, TTL: s.TTL, Quota: s.Quota, Log: s.log, Background: true})
	if err != nil {
		return otherFolder(err)
	}
	if kind := spool.Fleeting(s.Spool); kind != "" {
		s.lines.Info(warnFleeting, s.Spool, kind)
	}
	daemons, err := s.startDaemons()
	if err != nil {
		return err
	}
	defer daemons.Stop()
	proxies, err := s.proxies()
	if err != nil {
		return err
	}
	srv, err := front.New(front.Config{
		Spool: jobs, Gray: s.Gray, Scale: s.Scale, HEIF: s.HEIF, Workers: s.Workers, Timeout: s.Timeout, MaxPixels: s.MaxPixels,
		Queue: s.Queue, Conns: s.Conns, Proxies: proxies, MaxBytes: s.MaxBytes, Hosts: append(s.IPs, s.Hosts...), Log: s.log,
		Root: s.Root, MaxAge: s.MaxAge, Version: s.Version,
	})
	if err != nil {
		return err
	}
	secrets.give(srv)
	go srv.Run()
	failed := make(chan error, len(sockets.all))
	var serving sync.WaitGroup
	for _, l := range sockets.all {
		serving.Go(func() {
			certs := secrets.certificates()
			if l.unix {
				certs = nil
			}
			if err := srv.Serve(l.Listener, certs); err != nil {
				failed <- fmt.Errorf("listen %s: %w", l.url, err)
			}
		})
		s.lines.Info("listening on %s", l.url)
		if l.public && s.Token == "" {
			s.lines.Warn("%s: any client that can reach it may use it (-token)", l.url)
		}
	}
	notify.Notify("READY=1")
	if notify.Watchdog > 0 {
		go func() {
			for range time.Tick(notify.Watchdog) {
				notify.Notify("WATCHDOG=1")
			}
		}()
	}
	for {
		select {
		case err := <-failed:
			return err
		case sig := <-signals:
			if sig == unix.SIGHUP {
				notify.Notify(listen.Reloading()...)
				if err := secrets.reload(); err != nil {
					s.log.Error("reload: the old ones stay", "err", err)
				}
				secrets.give(srv)
				daemons.Signal(unix.SIGHUP)
				notify.Notify("READY=1")
				continue
			}
			notify.Notify("STOPPING=1")
			s.leave(srv, signals)
			sockets.close()
			// A connection that was accepted just now is known to srv when its Serve
			// has returned: then Shutdown waits for it.
			serving.Wait()
			return s.shutdown(srv, signals)
		}
	}
}

// leave has balancers send their requests elsewhere for the time of -drain, which
// another signal ends.
func (s *service) leave(srv *front.Server, signals <-chan os.Signal) {
	if s.Drain == 0 {
		return
	}
	srv.Leave()
	s.lines.Info("draining for %s: /readyz answers 503", limits.FormatTime(s.Drain))
	over := time.After(s.Drain)
	for {
		select {
		case <-over:
			return
		case sig := <-signals:
			if sig != unix.SIGHUP {
				return
			}
		}
	}
}

// free returns an error if more than is usual would be open to anyone who reaches an
// address from another machine: pictures by URL in any size, or, by -host '*' without
// a token, everything to any page whose name leads here.
func (c *Config) free(url string, public bool) error {
	if public && c.Token == "" && !c.Public && slices.Contains(c.Hosts, "*") {
		return fault.New(fault.Usage, "-host '*': at %s anyone could use imgd; give -token FILE, or -public if that is what you want", url)
	}
	if c.Root != "" && c.Sign == "" && c.Preset == "" && public {
		return fault.New(fault.Usage, "-root: at %s anyone could ask for any size; with -sign only for what is signed, with -preset only for presets", url)
	}
	return nil
}

// otherFolder adds to an error of the spool's folder what helps.
func otherFolder(err error) error { return fmt.Errorf("%w (-spool DIR names another folder)", err) }

// missing returns the daemons of which no address was given, by name.
func (c *Config) missing() (names []string) {
	if len(c.Gray) == 0 {
		names = append(names, "grayd")
	}
	if len(c.Scale) == 0 {
		names = append(names, "scaled")
	}
	if len(c.HEIF) == 0 && decoders() {
		names = append(names, dispatch.Heifd)
	}
	return names
}

// decoders reports whether heifd is installed, and a program that decodes HEIC or AVIF.
func decoders() bool {
	if _, err := embed.Find(dispatch.Heifd); err != nil {
		return false
	}
	for _, f := range format.All() {
		for _, program := range f.Programs {
			if _, err := exec.LookPath(program); err == nil {
				return true
			}
		}
	}
	return false
}

// flags returns those of a daemon that is started. Few pictures are HEIC or AVIF, and
// decoding one takes as much memory again: heifd has fewer workers.
func (c *Config) flags(daemon string) []string {
	return []string{
		"-n", strconv.Itoa(c.workers(daemon)), "-t", c.Timeout.String(),
		"-maxpixels", strconv.FormatInt(c.MaxPixels, 10), "-maxmem", strconv.FormatInt(c.MaxMem, 10),
		"-sandbox", c.Sandbox,
	}
}

func (c *Config) workers(daemon string) int {
	if daemon == dispatch.Heifd {
		return max(1, c.Workers/4)
	}
	return c.Workers
}

// startDaemons starts the daemons of which no address was given, and sets their
// addresses.
func (s *service) startDaemons() (*embed.Group, error) {
	missing := s.missing()
	g, err := embed.Start(embed.Config{
		Program: "imgd", Daemons: missing, Stop: s.Timeout + stopTime, Warn: s.lines.Warn, Args: s.flags,
	})
	if err != nil {
		return nil, err
	}
	for _, name := range missing {
		switch name {
		case "grayd":
			s.Gray = []string{g.Address(name)}
		case "scaled":
			s.Scale = []string{g.Address(name)}
		case dispatch.Heifd:
			s.HEIF = []string{g.Address(name)}
		}
	}
	return g, nil
}

// shutdown finishes the requests in hand, until its time is up or a second signal
// comes.
func (s *service) shutdown(srv *front.Server, signals <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.Timeout+stopTime)
	defer cancel()
	go func() {
		for {
			select {
			case sig := <-signals:
				if sig != unix.SIGHUP {
					cancel()
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	err := srv.Shutdown(ctx)
	for _, expected := range []error{context.Canceled, context.DeadlineExceeded, net.ErrClosed} {
		if errors.Is(err, expected) {
			return nil
		}
	}
	return err
}
