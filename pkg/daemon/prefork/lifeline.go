package prefork

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The lifeline is a pair of SOCK_SEQPACKET sockets between the supervisor and one
// worker, with one message a packet:
//
//	worker:      ready SANDBOX              it accepts requests from now on
//	             state LIMIT SERVED FAILED  a request with a limit of LIMIT ms begins,
//	                                        or (0) the last one has ended; the counts
//	                                        are those since the worker's start
//	             empty                      it drained, and the queues are empty
//	supervisor:  drain                      serve what is queued, then exit
//	             (end)                      finish the request in hand, then exit
//
// However a process dies, its end of the lifeline closes.

const (
	maxMessage = 512 // bytes
	drainWord  = "drain"
	emptyWord  = "empty"
)

// Lifeline is a worker's end.
type Lifeline struct {
	f  *os.File
	rc syscall.RawConn

	mu             sync.Mutex
	limit          time.Duration // 0: idle
	served, failed int64
	behind         bool // a goroutine waits to send the newest state
}

// NewLifeline returns the lifeline with the given descriptor, which it owns.
func NewLifeline(fd int) (*Lifeline, error) {
	l := &Lifeline{f: os.NewFile(uintptr(fd), "lifeline")}
	var err error
	l.rc, err = l.f.SyscallConn()
	return l, err
}

// Ready reports that this worker accepts requests, and which parts of the sandbox
// hold.
func (l *Lifeline) Ready(sandbox string) error {
	m := "ready " + sandbox
	_, err := l.f.Write([]byte(m[:min(len(m), maxMessage)]))
	return err
}

// Empty reports that the queues are empty.
func (l *Lifeline) Empty() { l.f.Write([]byte(emptyWord)) }

// Begin reports that a request with a time limit begins, End that it has ended and
// whether it succeeded. Neither waits for the supervisor: if it is suspended and
// the lifeline is full, it gets the newest state later.
func (l *Lifeline) Begin(limit time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = max(limit, time.Millisecond)
	l.report()
}

func (l *Lifeline) End(ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = 0
	if ok {
		l.served++
	} else {
		l.failed++
	}
	l.report()
}

// report sends the state, or leaves that to a goroutine. l.mu is held.
func (l *Lifeline) report() {
	if l.behind {
		return
	}
	var err error
	l.rc.Control(func(fd uintptr) { err = l.send(fd) })
	if err == unix.EAGAIN {
		l.behind = true
		go l.catchUp()
	}
}

func (l *Lifeline) catchUp() {
	l.rc.Write(func(fd uintptr) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.send(fd) == unix.EAGAIN {
			return false
		}
		l.behind = false
		return true
	})
}

func (l *Lifeline) send(fd uintptr) error {
	m := fmt.Sprintf("state %d %d %d", l.limit.Milliseconds(), l.served, l.failed)
	for {
		_, err := unix.SendmsgN(int(fd), []byte(m), nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return err
		}
	}
}

// Listen calls drain when the supervisor tells this worker to drain. It calls stop
// and returns when the supervisor tells it to stop, or is dead.
func (l *Lifeline) Listen(drain, stop func()) {
	buf := make([]byte, maxMessage)
	for {
		n, err := l.f.Read(buf)
		if err != nil {
			stop()
			return
		}
		if string(buf[:n]) == drainWord {
			drain()
		}
	}
}

// message is one from a worker, parsed.
type message struct {
	ready, empty   bool
	sandbox        string
	limit          time.Duration
	served, failed int64
}

// parse reads a message. A worker that was taken over may send anything.
func parse(s string) (m message, ok bool) {
	if rest, isReady := strings.CutPrefix(s, "ready "); isReady {
		return message{ready: true, sandbox: oneLine(rest)}, true
	}
	if s == emptyWord {
		return message{empty: true}, true
	}
	var ms int64
	n, err := fmt.Sscanf(s, "state %d %d %d", &ms, &m.served, &m.failed)
	m.limit = time.Duration(ms) * time.Millisecond
	return m, err == nil && n == 3 && ms >= 0 && m.limit >= 0 && m.served >= 0 && m.failed >= 0
}

// oneLine replaces all but printable ASCII characters.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
