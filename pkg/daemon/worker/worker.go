// Package worker is one worker of a daemon: it accepts connections from
// listeners that it shares with others, takes one request of img/1 from each
// (imgproto(7)), runs an operation on two files, and answers.
//
// Guarantees:
//
//   - It works on one request at a time and accepts none while it has one, so
//     that what waits, waits where any idle worker finds it.
//   - It waits for nobody: a client that sends or takes bytes slowly has its own
//     goroutine, a place among a few, and a time limit.
//   - What can't be undone ends it: a request that is over its time or whose
//     client is gone makes Serve return, and the process with it.
package worker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/peercred"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

const (
	lineTime   = time.Second           // to send the request line
	settleTime = 20 * time.Millisecond // an idle worker waits so long for a line before it accepts another
	maxWaiting = 8                     // connections without a whole line, or lingering
	pauseTime  = 100 * time.Millisecond
	manyBytes  = 16 << 20    // of garbage, to be collected at once
	keptShare  = 4           // of MaxMem: a worker that a request has left with more is replaced,
	keptLeast  = 64 << 20    // unless these bytes, which any request may leave, are more
	idleTime   = time.Second // until an idle worker gives memory back
)

// Descriptors is how many a worker has open at most, beside its standard ones, its
// listeners and its lifeline: the poller's, memory files, connections, and what a
// message brings, also to be refused; and some to spare.
const Descriptors = 2 + 2*numStores + maxWaiting + 2*numStores + 16

// ErrTimeout and ErrCancelled are why Serve returned, other than on Stop or Drain.
var (
	ErrTimeout   = errors.New("a request was over its time")
	ErrCancelled = errors.New("a request was cancelled")
)

var (
	errDropped = fault.New(fault.Timeout, "dropped: too many slow connections at once")
	errGone    = errors.New("the client is gone")
)

// Operation does what req asks: it reads a picture from in, writes the result to
// out, and returns the words of the answer. It reads in at offsets and writes out
// from its start; it closes neither. The words that the worker handles itself
// (timeout and maxbytes) are not in req. It may panic: that ends the process.
type Operation func(req wire.Request, in *os.File, out io.Writer) (wire.Reply, error)

// Listener is a listening socket; File is non-blocking.
type Listener struct {
	File *os.File
	// CheckPeer: serve only this user, root, and members of this group.
	CheckPeer bool
	// Kept: the socket outlives this daemon, so Drain leaves its queue to the next.
	Kept bool
}

// Config is all that a worker needs.
type Config struct {
	Verb      string // the one it does
	Operation Operation
	Listeners []Listener
	Timeout   time.Duration // of the work on one request
	MaxMem    int64         // bytes of memory, for all
	// Begin is told when work begins, and how long it may take; End when it
	// ended, before that is answered.
	Begin func(limit time.Duration)
	End   func(ok bool)
	Log   func(format string, args ...any)
}

// Worker serves the listeners of its Config.
type Worker struct {
	cfg  Config
	self peercred.Self

	mu        sync.Mutex
	gate      sync.Cond // signalled when closed() may have become false, or on stop
	settling  int       // connections whose line is expected any moment
	pending   int       // requests that are whole: worked on, or waiting for that
	draining  bool
	stopped   bool
	waiting   []*conn // oldest first: no whole line yet, or lingering
	gathering []*conn // oldest first: hold a store and may be dropped
	stores    []*store
	gathered  int64   // bytes of pictures in memory files
	results   int64   // and of results
	heap      float64 // part of MaxMem that is the collector's limit
	conns     sync.WaitGroup

	job  chan struct{} // full while an operation runs
	quit chan error    // why the process must end
	idle *time.Timer
}

// New makes a worker and the memory files for its stream form, after which it
// needs no further right.
func New(cfg Config) (*Worker, error) {
	w := &Worker{cfg: cfg, self: peercred.NewSelf(), job: make(chan struct{}, 1), quit: make(chan error, 1)}
	w.gate.L = &w.mu
	for range numStores {
		s, err := w.newStore()
		if err != nil {
			return nil, err
		}
		w.stores = append(w.stores, s)
	}
	w.limitHeap(heapAlone)
	w.idle = time.AfterFunc(idleTime, w.freeMemory)
	return w, nil
}

// Serve accepts and serves until Stop or Drain, and then until nothing is in
// hand, and returns nil; or it returns ErrTimeout or ErrCancelled at once, with an
// operation still running, and the process must end.
func (w *Worker) Serve() error {
	var listeners sync.WaitGroup
	for _, l := range w.cfg.Listeners {
		listeners.Go(func() { w.accept(l) })
	}
	done := make(chan struct{})
	go func() {
		listeners.Wait()
		w.conns.Wait()
		close(done)
	}()
	select {
	case err := <-w.quit:
		return err
	case <-done:
		return nil
	}
}

// Drain makes Serve accept what is queued now and then return.
func (w *Worker) Drain() { w.end(false) }

// Stop makes Serve accept nothing more, finish what is in hand, and return.
func (w *Worker) Stop() { w.end(true) }

func (w *Worker) end(stop bool) {
	w.mu.Lock()
	w.draining = true
	w.stopped = w.stopped || stop
	w.gate.Broadcast()
	w.mu.Unlock()
	// Both calls wake accept. Close waits until accept has left the file, so the
	// mutex, which accept takes meanwhile, must be free.
	for _, l := range w.cfg.Listeners {
		if l.Kept {
			l.File.Close()
		} else {
			l.File.SetReadDeadline(time.Now())
		}
	}
}

// ending reports whether Drain or Stop was called.
func (w *Worker) ending() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.draining
}

// closed reports whether nothing may be accepted now. w.mu is held.
func (w *Worker) closed() bool { return w.pending > 0 || w.settling > 0 }

// accept accepts from one listener, each time the gate is open.
func (w *Worker) accept(l Listener) {
	rc, err := l.File.SyscallConn()
	if err != nil {
		w.cfg.Log("accept: %v", err)
		return
	}
	var failed error
	for {
		w.mu.Lock()
		for w.closed() && !w.stopped {
			w.gate.Wait()
		}
		stopped, draining := w.stopped, w.draining
		w.mu.Unlock()
		if stopped || draining && l.Kept {
			return
		}
		var fd int
		var aerr error
		// The gate is looked at and closed with the mutex held around accept4, so
		// that of several listeners one gets the worker.
		try := func(lfd uintptr) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			if fd = -1; w.closed() || w.stopped {
				aerr = nil
				return true
			}
			if fd, aerr = accept4(int(lfd)); aerr == nil {
				w.admit(fd, l)
			}
			return aerr != unix.EAGAIN
		}
		if draining {
			err = rc.Control(func(lfd uintptr) { try(lfd) })
			if err == nil && aerr == unix.EAGAIN {
				return // the queue is empty
			}
		} else {
			err = rc.Read(try)
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			if !w.ending() || !l.Kept { // else end has closed it
				w.cfg.Log("accept: %v", err)
			}
			return
		}
		if aerr != nil && aerr != unix.EAGAIN {
			if aerr != failed {
				w.cfg.Log("accept: %v; trying again every %v", aerr, pauseTime)
			}
			pause(pauseTime)
		}
		failed = aerr
	}
}

// pause stops the calling goroutine for d: the one place where no event can be
// waited for, since the kernel tells nobody that it has descriptors again.
func pause(d time.Duration) { <-time.After(d) }

// accept4 returns a connection, non-blocking and close-on-exec, leaving out those
// that were gone before they were accepted.
func accept4(lfd int) (int, error) {
	for {
		fd, _, err := unix.Accept4(lfd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != unix.EINTR && err != unix.ECONNABORTED {
			return fd, err
		}
	}
}

// admit starts serving a connection and closes the gate until it settles. w.mu
// is held.
func (w *Worker) admit(fd int, l Listener) {
	c := &conn{w: w, f: os.NewFile(uintptr(fd), "connection"), check: l.CheckPeer}
	w.settling++
	w.wait(c)
	w.conns.Go(c.serve)
}

// wait puts c among the waiting, and drops the oldest when there are too many.
// w.mu is held.
func (w *Worker) wait(c *conn) {
	if len(w.waiting) == maxWaiting {
		w.waiting[0].drop()
		w.waiting = w.waiting[1:]
	}
	w.waiting = append(w.waiting, c)
}

// settle lets the worker accept again, since c is not about to become a request.
// It may be called more than once.
func (w *Worker) settle(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settleLocked(c)
	w.gate.Broadcast()
}

func (w *Worker) settleLocked(c *conn) {
	if !c.settled {
		c.settled = true
		w.settling--
	}
}

// claim makes the request of c, now whole, pending and waits for its turn to be
// worked on. With an error there is no work and nothing to release: c was dropped,
// or its client went away (errGone).
func (w *Worker) claim(c *conn) error {
	w.mu.Lock()
	if c.dropped {
		w.mu.Unlock()
		return errDropped
	}
	w.settleLocked(c)
	w.forget(c)
	w.pending++
	w.mu.Unlock()
	w.job <- struct{}{}
	w.mu.Lock()
	gone := c.gone
	c.running = !gone
	w.mu.Unlock()
	if gone {
		w.release()
		return errGone
	}
	return nil
}

// release ends what claim began, and keeps what the request has left behind from
// the next one. RLIMIT_DATA counts addresses, in use or not, and requests of many
// sizes use up ever more of them: a worker with too many stops, to be replaced. One
// with much garbage collects it, which costs little as nothing else is there.
func (w *Worker) release() {
	switch {
	case memory("/memory/classes/total:bytes") > max(w.cfg.MaxMem/keptShare, keptLeast):
		w.Stop()
	case memory("/memory/classes/heap/objects:bytes") > manyBytes:
		runtime.GC()
	}
	<-w.job
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending--
	w.gate.Broadcast()
	w.idle.Reset(idleTime)
}

// forget takes c out of the lists of those that may be dropped. w.mu is held.
func (w *Worker) forget(c *conn) {
	w.waiting = without(w.waiting, c)
	w.gathering = without(w.gathering, c)
}

func without(list []*conn, c *conn) []*conn {
	for i := range list {
		if list[i] == c {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

// finish marks the end of the work on c's request. It returns false when that
// has ended already, by its time limit or by its client: then the process is
// about to end and the caller must do nothing more.
func (w *Worker) finish(c *conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := c.running
	c.running = false
	return was
}

// run works on one request that has been claimed: the operation writes its result
// to out, which goes to file. It never returns when the request is over its time
// or cancelled.
func (w *Worker) run(c *conn, req wire.Request, limit time.Duration, in *os.File, out io.Writer, file *os.File) (wire.Reply, error) {
	w.cfg.Begin(limit)
	begun := time.Now()
	timer := time.AfterFunc(limit, func() { w.expire(c, limit) })
	reply, err := w.cfg.Operation(req, in, out)
	timer.Stop()
	if !w.finish(c) {
		select {}
	}
	if err == nil {
		reply.Words = append(reply.Words, ops.Word{Key: "ms", Value: strconv.FormatInt(time.Since(begun).Milliseconds(), 10)})
		reply.Len, err = size(file)
	}
	if n := len(reply.String()); err == nil && n >= wire.MaxLine {
		err = fmt.Errorf("an answer of %d bytes > %d", n, wire.MaxLine)
	}
	return reply, explain(err)
}

// size returns the bytes in f.
func size(f *os.File) (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

// explain gives an error of the file system the kind that it means here.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.EFBIG):
		return fault.New(fault.TooLarge, "the result is larger than any picture within -maxpixels")
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return fault.New(fault.Busy, "no space for the result: %w", err)
	}
	return err
}

// expire answers for a request that is over its time, tells where it was, and
// ends the process: nothing else can stop an operation.
func (w *Worker) expire(c *conn, limit time.Duration) {
	if !w.finish(c) {
		return
	}
	w.cfg.End(false)
	c.say(wire.ErrLine(fault.New(fault.Timeout, "over %v of work (-t)", limit)))
	stack := make([]byte, 64<<10)
	stack = stack[:runtime.Stack(stack, true)]
	w.cfg.Log("a request was over its time of %v; its worker is replaced\n%s", limit, stack)
	w.quit <- fmt.Errorf("%w of %v", ErrTimeout, limit)
}

// cancel is called when the client of a request with descriptors is gone.
func (w *Worker) cancel(c *conn) {
	w.mu.Lock()
	c.gone = true
	running := c.running
	c.running = false
	w.mu.Unlock()
	if running {
		w.cfg.End(false)
		w.quit <- ErrCancelled
	}
}

// memory returns one of the numbers of runtime/metrics.
func memory(name string) int64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

// freeMemory gives memory back to the system when nothing is being done.
func (w *Worker) freeMemory() {
	w.mu.Lock()
	busy := w.pending > 0
	if len(w.stores) == numStores {
		w.limitHeap(heapAlone)
	}
	w.mu.Unlock()
	if !busy {
		debug.FreeOSMemory()
	}
}
