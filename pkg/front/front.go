// Package front is the HTTP side of imgtools. It takes uploads, keeps jobs in a spool
// (package spool), has grayd and scaled work on them (package dispatch), and serves
// the results. It never parses a picture, and only the handler of /image waits for a
// worker. imgd(8) has the paths, words and statuses.
//
// A request passes a chain of small handlers:
//
//	observe    counts and logs it           observe.go
//	headers    sets the common headers      route.go
//	forwarded  believes known proxies       client.go
//	guarded    host, token, origin          guard.go
//	bounded    deadlines of unread bodies   bounds.go
//	dispatch   404, 405, OPTIONS, handlers  route.go
//
// The handlers are in files by resource: image.go, files.go (pictures by URL), jobs.go (making and deleting jobs),
// job.go (one job), health.go, metrics.go, page.go, openapi.go. routes.go has the table of
// paths, from which GET / as text and GET /openapi.json derive. queue.go decides which picture is
// worked on next.
package front

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/front/dispatch"
	"imgtools/pkg/front/docroot"
	"imgtools/pkg/front/spool"
	"imgtools/pkg/jobid"
)

// Config is what a Server is made of.
type Config struct {
	Spool     *spool.Spool
	Gray      []string // addresses of grayd
	Scale     []string // addresses of scaled
	HEIF      []string // addresses of heifd; none: HEIC and AVIF are unsupported
	Workers   int      // of each daemon, until its status says how many
	Timeout   time.Duration
	MaxPixels int64
	Queue     int      // requests to /image that may wait for a worker
	MaxBytes  int64    // of one picture
	Hosts     []string // names by which TCP clients may call the server; IP addresses and localhost always may
	Log       *slog.Logger

	Proxies []netip.Prefix // peers whose X-Forwarded headers are believed
	Conns   int            // most connections; 0: limits.Conns

	Root    string        // folder of the pictures that are served by URL; "": none are
	MaxAge  time.Duration // for which caches may keep them
	Version string        // of this program: another one may give other results

	Idle time.Duration // how long a client may pause; 0: 30 s
}

// Server answers HTTP requests. Run works on the jobs that they make.
type Server struct {
	c          Config
	dispatcher *dispatch.Dispatcher
	queue      *queue
	metrics    metrics
	health     health
	pages      *pages
	cross      *http.CrossOriginProtection
	http       *http.Server
	chain      http.Handler
	conns      *conns
	tokens     atomic.Pointer[[]token]
	root       *docroot.Root // nil: no pictures are served by URL
	flights    flights
	presets    atomic.Pointer[Presets]
	signKeys   atomic.Pointer[[]string]

	leaving atomic.Bool // Leave was called

	// draining is cancelled when Shutdown begins, stopping when work is cut off.
	draining, stopping context.Context
	drain, stop        context.CancelFunc
}

// New returns a server that is ready to serve. Its error is of kind Usage.
func New(c Config) (*Server, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Idle == 0 {
		c.Idle = 30 * time.Second
	}
	s := &Server{c: c, queue: newQueue(c.Queue, max(c.Workers, 1)), cross: http.NewCrossOriginProtection(), pages: newPages()}
	s.queue.next, s.queue.jobs, s.queue.do = c.Spool.Next, c.Spool.Waiting, s.work
	s.draining, s.drain = context.WithCancel(context.Background())
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.flights.ctx, s.flights.queue = s.stopping, s.queue
	s.metrics.init(len(c.HEIF) > 0)
	var err error
	if c.Root != "" {
		if s.root, err = docroot.Open(c.Root); err != nil {
			return nil, err
		}
	}
	s.dispatcher, err = dispatch.New(dispatch.Config{
		Gray: c.Gray, Scale: c.Scale, HEIF: c.HEIF, Timeout: c.Timeout, MaxPixels: c.MaxPixels,
		Temp: func() (dispatch.File, error) {
			t, err := c.Spool.Temp()
			if err != nil {
				return nil, err // a nil *Temp in the interface would not be nil
			}
			return t, nil
		},
		Died: func(daemon, why string) {
			s.metrics.died(daemon)
			c.Log.Warn("worker", "daemon", daemon, "err", why)
		},
	})
	if err != nil {
		return nil, err
	}
	s.chain, s.conns = s.handler(), newConns(c.Conns)
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: min(10*time.Second, c.Idle),
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       withPeer,
		ConnState:         s.conns.state,
		ErrorLog:          errorLog(c.Log),
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}},
	}
	return s, nil
}

// Certificates returns the current certificate for a new TLS connection.
type Certificates func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// Serve answers the connections of l until Shutdown; it closes l. With certs it
// speaks TLS. It may be called for several listeners.
func (s *Server) Serve(l net.Listener, certs Certificates) error {
	l = boundedListener{l, s.conns, certs != nil}
	if certs != nil {
		conf := s.http.TLSConfig.Clone()
		conf.GetCertificate = certs
		l = tls.NewListener(l, conf)
	}
	err := s.http.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Run watches the spool and the daemons and works on jobs until Shutdown has
// ended.
func (s *Server) Run() {
	go s.c.Spool.Watch(s.stopping)
	go s.watchDaemons(s.stopping)
	s.queue.run(s.stopping, s.c.Spool.Wake())
}

// Leave tells balancers and clients to go elsewhere: /readyz answers 503, and each
// answer closes its connection. Requests are served as before, until Shutdown.
func (s *Server) Leave() { s.leaving.Store(true) }

// Shutdown lets no more requests in, and waits for what is being worked on and
// answered until ctx ends; then it cuts it off. Jobs that were cut off stay
// pending.
func (s *Server) Shutdown(ctx context.Context) error {
	s.queue.stop()
	s.drain() // ends wait=
	err := s.http.Shutdown(ctx)
	idle := make(chan struct{})
	go func() { s.queue.running.Wait(); close(idle) }()
	select {
	case <-idle:
	case <-ctx.Done():
	}
	s.stop()
	s.http.Close()
	<-idle
	return err
}

// keep makes what came of a job its results.
func (s *Server) keep(j *spool.Job, result dispatch.Result) error {
	output := func(p dispatch.Picture) spool.Output {
		return spool.Output{Type: p.Type, Size: p.Size, Width: p.Width, Height: p.Height}
	}
	r := spool.Result{Output: output(result.Picture), Note: result.Note}
	var more []*spool.Temp
	for _, p := range result.More {
		r.More = append(r.More, output(p))
		more = append(more, p.File.(*spool.Temp))
	}
	return j.Done(result.File.(*spool.Temp), r, more...)
}

// work does a job, in one of the queue's slots.
func (s *Server) work(j *spool.Job) {
	start := time.Now()
	ctx, cancel := s.untilStopped(j.Context)
	defer cancel()
	deaths := func(bool) (int, error) { return j.Died() }
	result, err := s.dispatcher.Run(ctx, j.Ops, j, deaths)
	w := worked{ops: j.Ops, in: j.Bytes, queued: j.Started.Sub(j.Received), took: time.Since(start), result: result, err: err}
	s.queue.done(w.useful())

	log := s.c.Log.With("job", jobid.Short(j.ID), "ops", spool.OpsText(j.Ops)).With(w.attrs()...)
	ended := func(outcome string) *slog.Logger {
		if outcome != "cancelled" {
			s.metrics.history.fail("job", err)
		}
		return log.With("outcome", outcome, "err", fault.Line(err.Error()))
	}
	switch kind := fault.Of(err); {
	case err == nil:
		s.metrics.worked("job", w) // before anybody can know that it is done
		if err = s.keep(j, result); err != nil {
			ended(fault.Of(err).String()).Error("job")
			return
		}
		log.Info("job", "outcome", "ok")
	case ctx.Err() != nil: // removed, or we are stopping
		j.Release(0)
		ended("cancelled").Info("job")
	case kind == fault.Busy:
		j.Release(busyPause)
		ended("again").Warn("job")
	case kind == fault.Full:
		j.Full(err)
		ended(kind.String()).Error("job")
	default:
		s.metrics.worked("job", w)
		j.Fail(err)
		ended(kind.String()).Warn("job")
	}
}
