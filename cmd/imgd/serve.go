package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/listen"
	"imgtools/pkg/daemon/timerslack"
	"imgtools/pkg/front"
	"imgtools/pkg/front/spool"
)

// stopTime is how long a stop may take beyond the time for one picture.
const stopTime = 5 * time.Second

// timerSlack is how late this program's timers may fire: without it a tenth of a
// request's CPU time is the runtime looking for work.
const timerSlack = time.Millisecond

// serve runs the server until a signal stops it.
func serve(c *config) error {
	timerslack.Restart(timerSlack)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	signal.Ignore(unix.SIGPIPE) // stderr may be a pipe that nobody reads
	notify := listen.NewNotifier()
	sockets, err := open(c) // first: inherited descriptors have fixed numbers
	if err != nil {
		return err
	}
	defer sockets.close()
	sec, err := loadSecrets(c)
	if err != nil {
		return err
	}
	jobs, err := spool.Open(spool.Config{Dir: c.spool, TTL: c.ttl, Quota: c.quota, Log: c.log})
	if err != nil {
		return err
	}
	own, err := startDaemons(c)
	if err != nil {
		return err
	}
	defer own.stop()
	srv, err := front.New(front.Config{
		Spool: jobs, Gray: c.gray, Scale: c.scale, Workers: c.workers, Timeout: c.timeout, MaxPixels: c.maxPixels,
		Queue: c.queue, Conns: c.conns, MaxBytes: c.maxBytes, Hosts: append(c.ips, c.hosts...), Log: c.log,
	})
	if err != nil {
		return err
	}
	srv.SetTokens(sec.tokens)
	go srv.Run()

	failed := make(chan error, len(sockets.all))
	for _, s := range sockets.all {
		go func() {
			certs := sec.certificates()
			if s.unix {
				certs = nil
			}
			if err := srv.Serve(s.Listener, certs); err != nil {
				failed <- fmt.Errorf("listen %s: %w", s.url, err)
			}
		}()
		say("listening on %s", s.url)
		if s.public && c.token == "" {
			warn("%s: whoever reaches it may use it (-token)", s.url)
		}
	}
	notify.Notify("READY=1")
	if notify.Watchdog > 0 {
		go watchdog(notify)
	}
	for {
		select {
		case err := <-failed:
			return err
		case sig := <-signals:
			if sig == unix.SIGHUP {
				notify.Notify(listen.Reloading()...)
				if err := sec.reload(); err != nil {
					c.log.Error("reload: the old ones stay", "err", err)
				}
				srv.SetTokens(sec.tokens)
				own.signal(unix.SIGHUP)
				notify.Notify("READY=1")
				continue
			}
			notify.Notify("STOPPING=1")
			return shutdown(c, srv, sockets, signals)
		}
	}
}

// shutdown takes no more requests and finishes those in hand, until its time is
// up or a second signal comes.
func shutdown(c *config, srv *front.Server, sockets *sockets, signals <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout+stopTime)
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
	sockets.close()
	if err := srv.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func watchdog(n listen.Notifier) {
	for range time.Tick(n.Watchdog) {
		n.Notify("WATCHDOG=1")
	}
}
