// Package worker is one worker of a daemon. It accepts connections from listeners
// that it shares with other workers, reads one request of img/1 from each
// (imgproto(7)), runs an operation on two files, and answers.
//
// A connection passes these states:
//
//	         accept
//	            |
//	            v      no whole line in time, or a ninth
//	        settling, waiting -------------------------------> refused
//	            |                                                 ^
//	            | the line is whole                               |
//	   +--------+---------+                                       |
//	   | descriptors      | a picture follows (stream form)       |
//	   |                  v      too slow, or no memory or store  |
//	   |              gathering ----------------------------------+
//	   |                  | the picture is whole                  |
//	   v                  v                                       |
//	pending: waits for its turn                                   |
//	   |                                                          |
//	   v      over its time, or its client is gone                |
//	running ---------------------------> the process ends         |
//	   |      the operation fails                                 |
//	   +----------------------------------------------------------+
//	   | the operation succeeds
//	   v
//	answered; in the stream form: delivering, lingering
//
// The gate is open, and a connection may be accepted, while none is settling and
// none is pending or running.
//
// Guarantees:
//
//   - The worker works on one request at a time and accepts none meanwhile. Other
//     requests wait in the listener's queue, where any idle worker finds them.
//   - No client delays another. A client that sends or takes bytes slowly has its
//     own goroutine, one of a few places, and a time limit.
//   - An operation can't be stopped from outside. When a request is over its time,
//     or its client is gone, Serve returns and the process ends.
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
	settleTime = 20 * time.Millisecond // for a line, before an idle worker accepts another connection
	maxWaiting = 8                     // connections without a whole line, or lingering
	pauseTime  = 100 * time.Millisecond
	manyBytes  = 16 << 20    // of garbage, to be collected at once
	keptShare  = 4           // of MaxMem: a worker that a request has left with more is replaced,
	keptLeast  = 64 << 20    // unless these bytes, which any request may leave, are more
	idleTime   = time.Second // until an idle worker gives memory back
)

// maxFiles is the most files of a request: the picture, and each result.
const maxFiles = 1 + wire.MaxResults

// Descriptors is the largest number that a worker has open, besides the standard
// three, its listeners and its lifeline: 2 of the poller, the memory files, the
// connections, those that messages bring (even if they are refused), and 16 spare.
const Descriptors = 2 + maxFiles*numStores + maxWaiting + maxFiles*numStores + 16

// ErrTimeout and ErrCancelled are why Serve returned, other than on Stop or Drain.
var (
	ErrTimeout   = errors.New("a request was over its time")
	ErrCancelled = errors.New("a request was cancelled")
)

var (
	errDropped = fault.New(fault.Timeout, "dropped: too many slow connections at once")
	errGone    = errors.New("the client is gone")
)

// Operation carries out a request: it reads a picture from in, writes each result of
// the request (wire.Request.Results) to one of outs, and returns the words of the answer.
// It reads in at offsets and closes none of them. The words that the worker handles itself (timeout and maxbytes) are not
// in req. An operation that panics ends the process.
type Operation func(req wire.Request, in *os.File, outs []io.Writer) (wire.Reply, error)

// Listener is a listening socket; File is non-blocking.
type Listener struct {
	File *os.File
	// CheckPeer: serve only this user, root, and members of this group.
	CheckPeer bool
	// Kept: the socket outlives this daemon. Drain leaves its queue to the next one.
	Kept bool
}

// Config configures a worker.
type Config struct {
	Verb      string // of the requests that it serves, besides wire.Info
	Operation Operation
	Listeners []Listener
	Timeout   time.Duration // of the work on one request
	MaxMem    int64         // bytes of memory, for all
	// Begin is called before each operation with its time limit, End after it and
	// before the answer.
	Begin func(limit time.Duration)
	End   func(ok bool)
	Log   func(format string, args ...any)
}

// Worker serves the listeners of its Config.
type Worker struct {
	cfg  Config
	self peercred.Self

	mu        sync.Mutex
	gate      sync.Cond // signalled when closed may have become false, and by Stop
	settling  int       // connections whose line is expected within settleTime
	pending   int       // whole requests, waiting for their turn or running
	draining  bool
	stopped   bool
	waiting   []*conn // oldest first: the line is not whole, or they linger
	gathering []*conn // oldest first: they have a store and may be dropped
	stores    []*store
	gathered  int64   // bytes of pictures in memory files
	results   int64   // and of results
	heap      float64 // part of MaxMem that is the collector's limit
	conns     sync.WaitGroup

	job  chan struct{} // full while an operation runs
	quit chan error    // why the process must end
	idle *time.Timer
}

// New returns a worker. It opens the memory files for the stream form; the worker
// needs no more rights afterwards, so the sandbox can be entered.
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

// Serve serves until Stop or Drain, finishes the requests in hand, and returns
// nil. After ErrTimeout or ErrCancelled an operation is still running, and the
// process must end.
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

// closed reports whether the gate is closed. w.mu is held.
func (w *Worker) closed() bool { return w.pending > 0 || w.settling > 0 }

// accept accepts connections from one listener whenever the gate is open.
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
		// The mutex is held from the check of the gate to its closing in admit:
		// only one of several listeners gets the worker.
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

// pause stops the calling goroutine for d. There is no event to wait for: the
// kernel does not announce that a process may open descriptors again.
func pause(d time.Duration) { <-time.After(d) }

// accept4 returns a connection, non-blocking and close-on-exec. It skips clients
// that left before they were accepted.
func accept4(lfd int) (int, error) {
	for {
		fd, _, err := unix.Accept4(lfd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != unix.EINTR && err != unix.ECONNABORTED {
			return fd, err
		}
	}
}

// admit starts serving a connection, which closes the gate until it settles. w.mu
// is held.
func (w *Worker) admit(fd int, l Listener) {
	c := &conn{w: w, f: os.NewFile(uintptr(fd), "connection"), check: l.CheckPeer}
	w.settling++
	w.wait(c)
	w.conns.Go(c.serve)
}

// wait appends c to the waiting connections and drops the oldest if there are too
// many. w.mu is held.
func (w *Worker) wait(c *conn) {
	if len(w.waiting) == maxWaiting {
		w.waiting[0].drop()
		w.waiting = w.waiting[1:]
	}
	w.waiting = append(w.waiting, c)
}

// settle opens the gate again as far as c is concerned: its line is whole, late, or
// not to come. It may be called more than once.
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

// claim makes the whole request of c pending and waits for its turn. It fails if c
// was dropped or its client is gone (errGone); then release must not be called.
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

// release ends the turn that claim began. It also bounds the memory that a request
// leaves behind for the next one. RLIMIT_DATA counts address space, used or not,
// and requests of many sizes fragment it: a worker with too much of it stops and
// is replaced. Much garbage is collected at once, which is cheap on a small heap.
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

// forget removes c from the lists of connections that may be dropped. w.mu is held.
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

// finish marks the end of c's operation. It returns false if the time limit or
// the client has ended the request first: then the process is about to end, and
// the caller must not go on.
func (w *Worker) finish(c *conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := c.running
	c.running = false
	return was
}

// output is where an operation writes a result: to Writer, whose bytes go to file.
type output struct {
	io.Writer
	file *os.File
}

// run works on one request that has been claimed. It never returns when the request is
// over its time or cancelled.
func (w *Worker) run(c *conn, req wire.Request, limit time.Duration, in *os.File, outs []output) (wire.Reply, error) {
	w.cfg.Begin(limit)
	begun := time.Now()
	timer := time.AfterFunc(limit, func() { w.expire(c, limit) })
	writers := make([]io.Writer, len(outs))
	for i, out := range outs {
		writers[i] = out
	}
	req.Limit = limit
	reply, err := w.cfg.Operation(req, in, writers)
	timer.Stop()
	if !w.finish(c) {
		select {}
	}
	if err == nil {
		reply.Words = append(reply.Words, ops.Word{Key: "ms", Value: strconv.FormatInt(time.Since(begun).Milliseconds(), 10)})
		reply.Len, err = size(outs[0].file)
	}
	for _, out := range outs[1:] {
		if err == nil {
			var n int64
			n, err = size(out.file)
			reply.More = append(reply.More, n)
		}
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

// explain returns an error of the file system with its kind.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.EFBIG):
		return fault.New(fault.TooLarge, "the result is larger than any picture within -maxpixels")
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return fault.New(fault.Busy, "no space for the result: %w", err)
	case errors.Is(err, unix.ENOTCONN), errors.Is(err, unix.ESTALE):
		return fault.New(fault.Busy, "the file server is away: %w", err)
	}
	return err
}

// expire answers a request that is over its time, logs the stacks of all
// goroutines, and ends the process: nothing else can stop an operation.
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

// freeMemory returns memory to the system while the worker is idle.
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
