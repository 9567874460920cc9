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
//	worker:      ready SANDBOX              it accepts from now on
//	             state LIMIT SERVED FAILED  a request begins that may take LIMIT ms,
//	                                        or (0) has ended; counts since its start
//	             empty                      told to drain, it found the queues empty
//	supervisor:  drain                      accept what is queued, then exit
//	             (end)                      finish what is in hand, then exit
//
// Either end of it closes when its process dies, whatever it died of.

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

// NewLifeline takes over the descriptor of a worker's end.
func NewLifeline(fd int) (*Lifeline, error) {
	l := &Lifeline{f: os.NewFile(uintptr(fd), "lifeline")}
	var err error
	l.rc, err = l.f.SyscallConn()
	return l, err
}

// Ready says that this worker accepts requests, and what holds of its sandbox.
func (l *Lifeline) Ready(sandbox string) error {
	m := "ready " + sandbox
	_, err := l.f.Write([]byte(m[:min(len(m), maxMessage)]))
	return err
}

// Empty says that there was nothing more to accept.
func (l *Lifeline) Empty() { l.f.Write([]byte(emptyWord)) }

// Begin says that work on a request begins that may take limit, and End that it
// has ended, and how. Neither waits for the supervisor, which may be stopped: it
// then gets the newest state later.
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

// Listen calls drain when the supervisor wants this worker to drain, and stop,
// and then returns, when it wants it to stop or is gone.
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

// parse reads a message. A worker that was taken over may say anything.
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

// oneLine replaces what does not belong in a line of status.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
