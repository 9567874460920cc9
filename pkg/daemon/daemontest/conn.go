package daemontest

import (
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/eventually"
)

// Conn is a connected socket.
type Conn struct{ *os.File }

// CloseWrite shuts down writing.
func (c Conn) CloseWrite() { c.control(func(fd int) { unix.Shutdown(fd, unix.SHUT_WR) }) }

func (c Conn) control(f func(fd int)) {
	if rc, err := c.SyscallConn(); err == nil {
		rc.Control(func(fd uintptr) { f(int(fd)) })
	}
}

// socket returns the family and address for a network, unix or tcp.
func socket(network, addr string) (family int, sa unix.Sockaddr) {
	if network == "unix" {
		return unix.AF_UNIX, &unix.SockaddrUnix{Name: addr}
	}
	ap := netip.MustParseAddrPort(addr)
	if ap.Addr().Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
}

// Dial connects, waiting for room in a full queue, with patience for each read.
func Dial(network, addr string) (Conn, error) {
	family, sa := socket(network, addr)
	for {
		fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return Conn{}, err
		}
		// A blocking connect by TCP; by Unix, EAGAIN when the queue is full.
		if network == "unix" {
			unix.SetNonblock(fd, true)
		}
		err = unix.Connect(fd, sa)
		unix.SetNonblock(fd, true)
		if err == nil {
			c := Conn{os.NewFile(uintptr(fd), addr)}
			c.SetDeadline(time.Now().Add(eventually.Patience))
			return c, nil
		}
		unix.Close(fd)
		if err != unix.EAGAIN && err != unix.EINTR {
			return Conn{}, err
		}
		runtime.Gosched()
	}
}

// Bound returns a socket bound to an address, which is the caller's to close, and
// the port that it got.
func Bound(t *testing.T, kind int, network, addr string) (fd int, port int) {
	t.Helper()
	family, sa := socket(network, addr)
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, sa); err != nil {
		t.Fatal(err)
	}
	if got, err := unix.Getsockname(fd); err == nil {
		switch got := got.(type) {
		case *unix.SockaddrInet4:
			port = got.Port
		case *unix.SockaddrInet6:
			port = got.Port
		}
	}
	return fd, port
}
