package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/address"
	"imgtools/pkg/daemon/listen"
	"imgtools/pkg/fault"
	"imgtools/pkg/front"
)

// socket is a listening socket as the server takes it.
type socket struct {
	net.Listener
	url    string
	unix   bool
	public bool // TCP, and reachable from other machines
}

// sockets are all those that imgd serves.
type sockets struct {
	https bool // on TCP
	all   []*socket
	raw   []*listen.Socket
	once  sync.Once
}

// close closes the sockets, and removes the paths of those opened here.
func (ss *sockets) close() {
	ss.once.Do(func() {
		for _, s := range ss.raw {
			s.Unlink()
		}
		for _, s := range ss.all {
			s.Close()
		}
		for _, s := range ss.raw {
			s.Close()
		}
	})
}

// open opens all sockets: those that systemd gave, and what the flags say. The
// defaults are left out when systemd gave some.
func (s *service) open() (ss *sockets, err error) {
	ss = &sockets{https: s.Cert != ""}
	defer func() {
		if err != nil {
			ss.close()
		}
	}()
	inherited, err := listen.FromSystemd()
	if err != nil {
		return ss, err
	}
	if err := ss.add(inherited...); err != nil {
		return ss, err
	}
	if len(inherited) == 0 || s.TCP {
		a, err := tcpAddress(s.IPs, s.Port)
		if err != nil {
			return ss, err
		}
		if err := ss.open(a, s.lines.Warn); errors.Is(err, unix.EADDRINUSE) {
			return ss, fmt.Errorf("%w (-p PORT names another port, -p 0 any free one)", err)
		} else if err != nil {
			return ss, err
		}
	}
	for _, text := range s.Addresses {
		a, err := listen.Parse(text)
		if err != nil {
			return ss, err
		}
		if err := ss.open(a, s.lines.Warn); err != nil {
			return ss, err
		}
	}
	if len(inherited) == 0 && len(s.Addresses) == 0 {
		a, err := listen.Default("imgd")
		if err == nil {
			err = ss.open(a, s.lines.Warn)
		}
		if err != nil { // another imgd has it, most likely; TCP is enough to serve
			s.lines.Warn("%v: not served", err)
		}
	}
	return ss, nil
}

func (ss *sockets) open(a listen.Address, warn func(string, ...any)) error {
	opened, warnings, err := listen.Open(a)
	for _, w := range warnings {
		warn("%s", w)
	}
	if err != nil {
		return err
	}
	return ss.add(opened...)
}

// add makes listeners of sockets, which it takes over.
func (ss *sockets) add(raw ...*listen.Socket) error {
	ss.raw = append(ss.raw, raw...)
	for _, r := range raw {
		// The socket stays r's: a listener on a copy of its descriptor.
		fd, err := unix.FcntlInt(uintptr(r.FD), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return os.NewSyscallError("fcntl", err)
		}
		f := os.NewFile(uintptr(fd), r.Name)
		l, err := net.FileListener(f)
		f.Close()
		if err != nil {
			return fmt.Errorf("listen %s: %w", r.Name, err)
		}
		s := &socket{Listener: l}
		switch a := l.Addr().(type) {
		case *net.UnixAddr:
			s.unix, s.url = true, "unix:"+a.Name
			if r.Path() != "" { // it was bound under another name
				s.url = "unix:" + r.Path()
			}
			if r.Kind == listen.Inherited {
				s.Listener = front.Open{Listener: l}
			}
		case *net.TCPAddr:
			s.url = tcpURL(a.String(), ss.https)
			s.public = !a.IP.IsLoopback()
		}
		ss.all = append(ss.all, s)
	}
	return nil
}

// tcpURL returns the URL of a server at IP:PORT.
func tcpURL(hostport string, https bool) string {
	scheme := "http"
	if https {
		scheme = "https"
	}
	return scheme + "://" + address.EscapeZone(hostport) + "/"
}

// tcpAddress returns where to bind for -i and -p. Names are resolved; localhost is
// both loopback addresses.
func tcpAddress(ips []string, port int) (listen.Address, error) {
	var a listen.Address
	add := func(ip netip.Addr) {
		if ap := netip.AddrPortFrom(ip.Unmap(), uint16(port)); !slices.Contains(a.Binds, ap) {
			a.Binds = append(a.Binds, ap)
		}
	}
	for _, s := range ips {
		if s == "localhost" {
			add(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
			add(netip.IPv6Loopback())
			continue
		}
		if ip, err := netip.ParseAddr(s); err == nil {
			add(ip)
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", s)
		cancel()
		if err != nil {
			return a, fault.New(fault.Usage, "-i %s: neither an IP address nor a name: %w", strconv.Quote(s), err)
		}
		for _, ip := range found {
			add(ip)
		}
	}
	return a, nil
}
