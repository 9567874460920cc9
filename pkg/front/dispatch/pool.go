package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/address"
	"imgtools/pkg/fault"
)

// pool has the addresses of the daemons of one kind.
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

func parseAddr(s string) (addr, error) {
	a, err := address.Dial(s)
	if a.Path != "" {
		return addr{"unix", a.Path, a.String()}, err
	}
	return addr{"tcp", a.HostPort(), s}, err
}

// connection is a connection to a daemon: a TCP connection, or a file.
type connection interface {
	io.ReadWriteCloser
	syscall.Conn
	SetDeadline(time.Time) error
}

// dial connects to the first address that accepts, starting at the next address
// each time. stream reports that descriptors can't be passed (TCP).
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

// dialUnix connects to a Unix socket without the cost of net.Dial. A Unix socket
// accepts at once or refuses: with EAGAIN if its queue is full.
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
