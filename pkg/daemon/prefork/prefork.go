// Package prefork is the supervisor of a daemon. It keeps a fixed number of workers
// running: processes of the same program that share its listening sockets.
//
// A worker passes these states; the words on the left are messages on its lifeline
// (lifeline.go):
//
//	               spawn
//	                 |      not ready within Boot: SIGKILL
//	                 v      dies: the next start is delayed (schedule.go)
//	             starting ---------------------------------------> dead
//	ready            |                                              ^
//	                 v                                              |
//	     +-------> idle --------------------------------------------+ dies:
//	     |           |                                              | replaced
//	state 0          | state LIMIT                                  | at once
//	     |           v      over LIMIT: SIGQUIT, then SIGKILL       |
//	     +-------- busy --------------------------------------------+
//	                 |                                              |
//	drain, (end)     | told to exit: a reload or a drain            |
//	                 v      too late: SIGKILL                       |
//	             leaving -------------------------------------------+ exits
//
// The supervisor itself:
//
//	running --HUP--> rolling: one new worker, then one old one leaves, and so on
//	   ^                |
//	   +----------------+ all are new, or a new one failed (the old ones stay)
//
//	running or rolling --TERM, INT--> draining --all workers have exited--> ends
//	                                     +------TERM, INT------> SIGKILL to all, ends
//
// Guarantees:
//
//   - A worker that dies is replaced at once. One that dies before it is ready is
//     replaced after 100 ms, then twice that, up to 30 s, one attempt at a time.
//   - A supervisor that was itself suspended (SIGSTOP) does not kill workers for
//     deadlines that passed meanwhile.
//   - A reload starts workers from the program on disk. No worker leaves before its
//     successor is ready, and none leaves with a request in hand.
//   - A drain removes the addresses, and the workers empty the queues.
//   - However the supervisor dies, its workers finish their requests and exit. The
//     supervisor has no file of any request open.
package prefork

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	graceTime = 500 * time.Millisecond // from a request's limit to SIGQUIT, and from that to SIGKILL
	lateTime  = time.Second            // a deadline noticed this late: the supervisor was suspended
	leaveTime = 15 * time.Second       // for a worker to exit, beyond the limit of one request
	minLife   = 100 * time.Millisecond // from the start of a worker that dies to the next start
)

// Config configures a supervisor.
type Config struct {
	Path    string   // the program
	Args    []string // of a worker; the first is the name that ps shows
	Env     []string
	Files   []int // descriptors of a worker, from 4 on; 3 is its lifeline
	Workers int
	Boot    time.Duration // for a worker to become ready
	Timeout time.Duration // of one request, by the worker itself

	Signals <-chan os.Signal // TERM and INT drain, then end; HUP reloads
	Status  []int            // non-blocking listeners that serve the status
	Unlink  func()           // removes the addresses
	Started func(sandbox string)
	More    func() string         // further lines of the status; nil: none
	Notify  func(lines ...string) // notifies the service manager
	// Watchdog is the interval of WATCHDOG=1 notifications; 0 is never.
	Watchdog  time.Duration
	Reloading func() []string // lines of the notification that a reload begins
	Info      func(format string, args ...any)
	Warn      func(format string, args ...any)
}

// child is one worker.
type child struct {
	pid  int
	proc *os.Process
	line *os.File // our end of its lifeline

	gen     int // of the program: reloads before it was started
	started time.Time
	ready   bool
	leaving bool // told to exit
	limit   time.Duration
	served  int64
	failed  int64

	by   time.Time      // when sig is sent; zero is never
	sig  syscall.Signal // SIGQUIT, then SIGKILL
	hurt bool           // a signal was sent
	cut  bool           // its lifeline has ended
}

// event is a message or the end of a child.
type event struct {
	c    *child
	msg  string           // a message,
	eof  bool             // or the end of its lifeline,
	exit *os.ProcessState // or of itself
}

type supervisor struct {
	Config
	children []*child
	events   chan event
	asks     chan chan string // for the status

	gen       int
	rolling   bool // a reload is going on
	again     bool // another was asked for meanwhile
	started   bool // Started has been called
	draining  bool
	emptied   bool      // while draining: a worker found the queues empty
	stopBy    time.Time // while draining: when workers stop accepting; zero: they were told
	schedule  schedule
	beat      time.Time // of the next watchdog notification
	told      int       // ready workers, in the last notification
	respawned int64
	served    int64 // by children that have exited
	failed    int64
	sandbox   string
}

// Run runs the supervisor. It returns nil after a drain, and an error after a second
// signal has killed the workers.
func Run(cfg Config) error {
	s := &supervisor{Config: cfg, events: make(chan event), asks: make(chan chan string), told: -1}
	for _, fd := range cfg.Status {
		go s.serveStatus(fd)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case e := <-s.events:
			s.handle(e)
		case sig := <-cfg.Signals:
			if err := s.signal(sig); err != nil {
				return err
			}
		case ask := <-s.asks:
			ask <- s.status()
		case <-timer.C:
		}
		now := time.Now()
		s.step(now)
		if s.draining && len(s.children) == 0 && s.wanted() == 0 {
			return nil
		}
		if next := s.next(now); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(0, next.Sub(now)))
		}
	}
}

// signal acts on a signal. Its error ends the supervisor.
func (s *supervisor) signal(sig os.Signal) error {
	switch {
	case sig == unix.SIGHUP && !s.draining:
		s.reload()
	case sig == unix.SIGHUP:
	case s.draining:
		for _, c := range s.children {
			c.proc.Signal(unix.SIGKILL)
		}
		return fmt.Errorf("stopped at once: %d workers killed", len(s.children))
	default:
		s.drain()
	}
	return nil
}

// handle acts on an event.
func (s *supervisor) handle(e event) {
	c := e.c
	switch {
	case e.exit != nil:
		s.buried(c, e.exit)
	case e.eof:
		// It is about to exit. One that closed its lifeline and goes on could not be
		// stopped otherwise.
		if !c.hurt {
			c.cut = true
			c.due(unix.SIGKILL, time.Now().Add(lateTime))
		}
	default:
		m, ok := parse(e.msg)
		switch {
		case !ok:
			s.Warn("worker %d: unknown message %q", c.pid, oneLine(e.msg))
		case m.empty:
			s.emptied = true
		case m.ready && !c.ready:
			c.ready, c.by = true, time.Time{}
			s.sandbox = m.sandbox
			s.schedule.reset()
		case !m.ready:
			s.state(c, m)
		}
	}
}

// state records that a child begins or ends a request, and sets its deadline.
func (s *supervisor) state(c *child, m message) {
	c.limit, c.served, c.failed = m.limit, m.served, m.failed
	switch {
	case c.hurt:
	case m.limit > 0:
		c.due(unix.SIGQUIT, time.Now().Add(m.limit+graceTime))
	case c.leaving:
		c.due(unix.SIGKILL, time.Now().Add(s.Timeout+leaveTime))
	default:
		c.by = time.Time{}
	}
}

// due sets the signal that a child gets unless it is heard of by a time.
func (c *child) due(sig syscall.Signal, by time.Time) { c.sig, c.by = sig, by }

// buried removes a child that has exited, logs why, and schedules its successor.
func (s *supervisor) buried(c *child, exit *os.ProcessState) {
	for i := range s.children {
		if s.children[i] == c {
			s.children = append(s.children[:i:i], s.children[i+1:]...)
			break
		}
	}
	s.served += c.served
	s.failed += c.failed
	if c.limit > 0 { // it died at work
		s.failed++
	}
	ws, _ := exit.Sys().(syscall.WaitStatus)
	clean := ws.Exited() && ws.ExitStatus() == 0
	if !clean {
		s.Warn("worker %d: %s%s", c.pid, death(ws), map[bool]string{true: " before it was ready"}[!c.ready])
	}
	switch {
	case c.leaving && clean:
		return
	case !c.ready:
		s.failedStart(c.gen)
	default:
		s.schedule.notBefore(c.started.Add(minLife))
	}
	if !s.draining {
		s.respawned++
	}
}

// death describes how a process ended.
func death(ws syscall.WaitStatus) string {
	if ws.Signaled() {
		return fmt.Sprintf("killed by signal %d (%s)", ws.Signal(), unix.SignalName(ws.Signal()))
	}
	return fmt.Sprintf("exit status %d", ws.ExitStatus())
}

// failedStart counts a worker that died before it was ready, and ends the reload
// that it was part of.
func (s *supervisor) failedStart(gen int) {
	if s.rolling && gen == s.gen {
		s.Warn("reload: the new worker failed; the old ones stay")
		s.endReload()
		return
	}
	if wait := s.schedule.failed(time.Now()); wait > 0 {
		s.Warn("next worker in %v", wait)
	}
}

// step does everything that is due at now.
func (s *supervisor) step(now time.Time) {
	s.judge(now)
	if s.draining {
		s.stepDrain(now)
	} else {
		s.stepReload()
	}
	s.fill(now)
	s.tell(now)
}

// judge sends signals to the children whose deadline has passed.
func (s *supervisor) judge(now time.Time) {
	for _, c := range s.children {
		switch {
		case c.by.IsZero() || now.Before(c.by):
		case now.Sub(c.by) > lateTime:
			c.by = now.Add(lateTime) // first read the messages that wait in its lifeline
		default:
			s.Warn("worker %d: %s", c.pid, s.charge(c))
			c.proc.Signal(c.sig)
			c.hurt, c.by = true, time.Time{}
			if c.sig == unix.SIGQUIT {
				c.due(unix.SIGKILL, now.Add(graceTime))
			}
		}
	}
}

func (s *supervisor) charge(c *child) string {
	name := unix.SignalName(c.sig)
	switch {
	case c.hurt:
		return "still there: " + name
	case c.cut:
		return "closed its lifeline: " + name
	case !c.ready:
		return fmt.Sprintf("not ready after %v: %s", s.Boot, name)
	case c.limit > 0:
		return fmt.Sprintf("over its time of %v and did not end itself: %s", c.limit, name)
	}
	return "does not exit: " + name
}

// fill starts missing workers.
func (s *supervisor) fill(now time.Time) {
	for s.staying() < s.wanted() && s.schedule.may(now, s.starting()) {
		if err := s.spawn(now); err != nil {
			s.Warn("start worker: %v", err)
			s.failedStart(s.gen)
			return
		}
	}
}

// wanted returns how many workers there should be, not counting those that leave.
func (s *supervisor) wanted() int {
	switch {
	case s.draining && len(s.children) == 0 && !s.emptied && s.schedule.streak == 0:
		return 1 // the last one died before the queues were empty
	case s.draining:
		return 0
	case s.rolling:
		return s.Workers + 1
	}
	return s.Workers
}

// staying counts the workers that don't leave, starting those that are not ready
// yet, ready those that are ready and don't leave.
func (s *supervisor) staying() (n int) {
	for _, c := range s.children {
		if !c.leaving {
			n++
		}
	}
	return n
}

func (s *supervisor) starting() (n int) {
	for _, c := range s.children {
		if !c.ready {
			n++
		}
	}
	return n
}

func (s *supervisor) ready() (n int) {
	for _, c := range s.children {
		if c.ready && !c.leaving {
			n++
		}
	}
	return n
}

// tell notifies the service manager of changes, and calls Started once.
func (s *supervisor) tell(now time.Time) {
	ready := s.ready()
	if !s.started && !s.draining && (ready >= s.Workers || ready > 0 && s.schedule.streak > 0) {
		s.started = true
		s.Started(s.sandbox)
		s.Notify("READY=1", s.summary(ready))
		s.told = ready
	}
	if ready != s.told && s.started {
		s.told = ready
		s.Notify(s.summary(ready))
	}
	if s.Watchdog > 0 && ready > 0 && !now.Before(s.beat) {
		s.beat = now.Add(s.Watchdog)
		s.Notify("WATCHDOG=1")
	}
}

func (s *supervisor) summary(ready int) string {
	return fmt.Sprintf("STATUS=%d of %d workers ready; sandbox %s", ready, s.Workers, s.sandbox)
}

// next returns when step must be called although there is no event; zero is never.
func (s *supervisor) next(now time.Time) (t time.Time) {
	earlier := func(u time.Time) {
		if !u.IsZero() && (t.IsZero() || u.Before(t)) {
			t = u
		}
	}
	for _, c := range s.children {
		earlier(c.by)
	}
	if s.staying() < s.wanted() && s.schedule.earliest().After(now) {
		earlier(s.schedule.earliest())
	}
	if s.Watchdog > 0 && s.ready() > 0 {
		earlier(s.beat)
	}
	earlier(s.stopBy)
	return t
}

// status returns the text that the status socket serves.
func (s *supervisor) status() string {
	busy, served, failed := 0, s.served, s.failed
	for _, c := range s.children {
		served += c.served
		failed += c.failed
		if c.limit > 0 {
			busy++
		}
	}
	var b strings.Builder
	for _, kv := range []struct {
		k string
		v any
	}{
		{"workers", s.Workers}, {"ready", s.ready()}, {"busy", busy}, {"served", served},
		{"failed", failed}, {"respawned", s.respawned}, {"sandbox", s.sandbox},
	} {
		fmt.Fprintf(&b, "%s: %v\n", kv.k, kv.v)
	}
	if s.More != nil {
		b.WriteString(s.More())
	}
	return b.String()
}
