package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// pool is the daemons of one kind.
type pool struct {
	name  string
	addrs []addr
	next  atomic.Uint32
}

type addr struct{ network, address, text string }

func newPool(name string, addrs []string) (*pool, error) {
	p := &pool{name: name}
	for _, s := range addrs {
		a, err := parseAddr(s)
		if err != nil {
			return nil, fault.New(fault.Usage, "-%s: %w", name, err)
		}
		p.addrs = append(p.addrs, a)
	}
	if len(p.addrs) == 0 {
		return nil, fault.New(fault.Usage, "no address of %s", name)
	}
	return p, nil
}

// parseAddr reads unix:PATH, a PATH with a slash, or tcp:HOST:PORT, where HOST
// may be a name.
func parseAddr(s string) (addr, error) {
	path, isUnix := strings.CutPrefix(s, "unix:")
	if !isUnix {
		if hostport, ok := strings.CutPrefix(s, "tcp:"); ok {
			host, port, err := net.SplitHostPort(hostport)
			if n, perr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || perr != nil || n == 0 {
				return addr{}, fmt.Errorf("address %q: not tcp:host:port", s)
			}
			return addr{"tcp", hostport, s}, nil
		}
		isUnix = strings.Contains(path, "/") && !strings.Contains(path, "://")
	}
	if !isUnix || path == "" {
		return addr{}, fmt.Errorf("address %q: neither unix:/path nor tcp:host:port", s)
	}
	return addr{"unix", path, "unix:" + path}, nil
}

// dialTime is how long one address may take to answer a connection.
const dialTime = 2 * time.Second

// connection is one to a daemon: a net.Conn, or a file.
type connection interface {
	io.ReadWriteCloser
	syscall.Conn
	SetDeadline(time.Time) error
}

// dial connects to the first daemon that lets it, beginning with another one each
// time. stream says that files can't be passed.
func (p *pool) dial(ctx context.Context) (c connection, stream bool, err error) {
	first := int(p.next.Add(1) - 1)
	var errs []error
	for i := range p.addrs {
		a := p.addrs[(first+i)%len(p.addrs)]
		if a.network == "unix" {
			c, err = dialUnix(a.address)
		} else {
			c, err = dialTCP(ctx, a.address)
		}
		if err == nil {
			return c, a.network == "tcp", nil
		}
		if oe, ok := errors.AsType[*net.OpError](err); ok {
			err = oe.Err // without the address, which follows
		}
		errs = append(errs, fmt.Errorf("%s: %w", a.text, err))
	}
	if len(errs) == 1 {
		return nil, false, errs[0]
	}
	return nil, false, fmt.Errorf("%w, and %d more", errs[0], len(errs)-1)
}

func dialTCP(ctx context.Context, address string) (*net.TCPConn, error) {
	d := net.Dialer{Timeout: dialTime}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// dialUnix is net.Dial for who does not ask for addresses. A Unix socket connects
// at once or refuses: with EAGAIN if its queue is full.
func dialUnix(path string) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	for err = unix.EINTR; err == unix.EINTR; {
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	}
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	return os.NewFile(uintptr(fd), "connection"), nil
}

// backoff waits longer each time, from 1 to 50 ms, give or take half.
type backoff struct{ d time.Duration }

func (b *backoff) sleep(ctx context.Context) error {
	b.d = min(max(2*b.d, time.Millisecond), 50*time.Millisecond)
	t := time.NewTimer(b.d/2 + rand.N(b.d))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Health is what the daemons of one kind say of themselves, added up.
type Health struct {
	Name      string // grayd or scaled
	Reachable bool
	Known     bool // the numbers below are known, of every daemon
	Workers   int
	Ready     int
	Busy      int
	Served    int64
	Failed    int64
	Respawned int64
	Sandbox   string // of the last that said
}

// Probe asks all daemons how they are, at most about a second long.
func (c *Composer) Probe(ctx context.Context) []Health {
	pools := []*pool{c.gray, c.scale}
	done := make([]chan Health, len(pools))
	for i, p := range pools {
		done[i] = make(chan Health, 1)
		go func() { done[i] <- p.probe(ctx) }()
	}
	all := make([]Health, len(pools))
	for i := range all {
		all[i] = <-done[i]
	}
	return all
}

func (p *pool) probe(ctx context.Context) Health {
	h := Health{Name: p.name, Known: true}
	results := make(chan map[string]string, len(p.addrs))
	for _, a := range p.addrs {
		go func() { results <- a.status(ctx) }()
	}
	for range p.addrs {
		st := <-results
		if st == nil {
			h.Known = false
			continue
		}
		ready, known := st["ready"]
		if !known { // it takes connections; no more can be said
			h.Reachable, h.Known = true, false
			continue
		}
		n := func(key string) int64 {
			v, _ := strconv.ParseInt(st[key], 10, 64)
			return max(v, 0)
		}
		h.Reachable = h.Reachable || ready != "0"
		h.Workers += int(n("workers"))
		h.Ready += int(n("ready"))
		h.Busy += int(n("busy"))
		h.Served += n("served")
		h.Failed += n("failed")
		h.Respawned += n("respawned")
		h.Sandbox = st["sandbox"]
	}
	return h
}

// status reads PATH.status of a daemon. Where there is none, an empty map says
// that the daemon takes connections, nil that it does not.
func (a addr) status(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, statusTime)
	defer cancel()
	var d net.Dialer
	if a.network == "unix" {
		if conn, err := d.DialContext(ctx, "unix", a.address+".status"); err == nil {
			defer conn.Close()
			deadline, _ := ctx.Deadline()
			conn.SetDeadline(deadline)
			b, err := io.ReadAll(io.LimitReader(conn, statusBytes))
			if err != nil {
				return nil
			}
			st := map[string]string{}
			for line := range strings.Lines(string(b)) {
				if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
					st[key] = value
				}
			}
			return st
		}
	}
	conn, err := d.DialContext(ctx, a.network, a.address)
	if err != nil {
		return nil
	}
	conn.Close()
	return map[string]string{}
}

// statusBytes and statusTime bound what a daemon says of itself, and how long it
// may take.
const (
	statusBytes = 16 << 10
	statusTime  = time.Second
)
