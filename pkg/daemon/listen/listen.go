// Package listen opens the listening sockets of a daemon, inherits those that
// systemd opened, and notifies systemd of the daemon's state. It does not use
// package net: passing a listener of package net to a child would clear O_NONBLOCK
// for all processes that share it (os.File.Fd). Sockets here are plain
// descriptors, non-blocking and close-on-exec.
//
// Guarantees:
//
//   - A Unix socket opened here has mode 0660. It appears at its path in one step,
//     already listening, and replaces one that a dead process left.
//   - At most one process serves a path: it holds a lock on PATH.lock.
//   - IPv4 and IPv6 are bound separately, unless [::] is the only address.
//   - No option is set on an inherited socket.
package listen

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imgtools/pkg/address"
	"imgtools/pkg/fault"
)

// backlog is how many connections may wait to be accepted: it is the daemon's
// queue. The kernel lowers it to net.core.somaxconn.
const backlog = 4096

// Kind is the origin of a socket, in one byte.
type Kind byte

const (
	Unix      Kind = 'u' // opened here; who may connect is checked at accept
	TCP       Kind = 't' // opened here
	Inherited Kind = 'i' // the process that opened it decides who may connect
)

// Socket is a listening socket.
type Socket struct {
	FD   int
	Kind Kind
	Name string // an address as people write it, or the name that came with it
	path string // of a Unix socket opened here
	ino  uint64
	lock int // descriptor of PATH.lock, -1 if none
}

// Close closes the socket and unlocks its path, which it does not remove.
func (s *Socket) Close() {
	unix.Close(s.FD)
	if s.lock >= 0 {
		unix.Close(s.lock)
	}
	s.FD, s.lock = -1, -1
}

// Unlink removes the path of a Unix socket opened here, if it still leads to this
// socket, so that no more clients can connect. Connections in the queue stay.
func (s *Socket) Unlink() {
	var st unix.Stat_t
	if s.path != "" && unix.Lstat(s.path, &st) == nil && st.Ino == s.ino {
		unix.Unlink(s.path)
	}
}

// Path returns the path of a Unix socket opened here, else "".
func (s *Socket) Path() string { return s.path }

// Public reports whether a TCP socket opened here can be reached from other
// machines.
func (s *Socket) Public() bool {
	ap, err := netip.ParseAddrPort(strings.TrimPrefix(s.Name, "tcp:"))
	return s.Kind == TCP && err == nil && !ap.Addr().IsLoopback()
}

// Address is a place to listen, parsed.
type Address struct {
	Path  string           // of a Unix socket, or
	Binds []netip.AddrPort // where to bind TCP; several share one port
}

// String returns the address as people write it.
func (a Address) String() string {
	if a.Path != "" {
		return "unix:" + a.Path
	}
	var names []string
	for _, b := range a.Binds {
		names = append(names, "tcp:"+b.String())
	}
	return strings.Join(names, " ")
}

// Parse reads an address to listen on, as address.Listen does, whose path fits a
// socket. Errors are of kind Usage.
func Parse(addr string) (Address, error) {
	a, err := address.Listen(addr)
	if err != nil {
		return Address{}, err
	}
	bad := func(why string) (Address, error) {
		return Address{}, fault.New(fault.Usage, "address %q: %s", addr, why)
	}
	switch {
	case a.Path == "":
		binds, err := a.Binds()
		return Address{Binds: binds}, err
	case strings.ContainsRune(a.Path, 0):
		return bad("a zero byte in the path")
	case a.Path[0] == '@':
		return bad("an abstract socket has no owner; use a path")
	case len(a.Path)+len(tempSuffix) > maxPath:
		return bad(fmt.Sprintf("a path of %d bytes > %d", len(a.Path), maxPath-len(tempSuffix)))
	}
	return Address{Path: a.Path}, nil
}

// Open opens the sockets of an address, one for a path and one or two for TCP.
// Port 0 is any free port, which Name shows. warnings has a line for an address
// family that this machine doesn't have if it has the other one.
func Open(a Address) (sockets []*Socket, warnings []string, err error) {
	if a.Path != "" {
		s, err := openUnix(a.Path, true)
		if err != nil {
			return nil, nil, err
		}
		return []*Socket{s}, nil, nil
	}
	const tries = 20 // with port 0, until a port is free in both families
	for range tries {
		sockets, warnings, err = openTCP(a.Binds)
		if err == nil || a.Binds[0].Port() != 0 {
			break
		}
	}
	return sockets, warnings, err
}

// Status opens PATH.status beside a socket that Open opened at PATH.
func (s *Socket) Status() (*Socket, error) { return openUnix(s.path+statusSuffix, false) }

// openTCP binds all of binds to the port of the first. [::] takes IPv4 as well, unless
// an IPv4 address is among binds.
func openTCP(binds []netip.AddrPort) (sockets []*Socket, warnings []string, err error) {
	defer func() {
		if err != nil {
			for _, s := range sockets {
				s.Close()
			}
			sockets, warnings = nil, nil
		}
	}()
	port := binds[0].Port()
	dual := !slices.ContainsFunc(binds, func(b netip.AddrPort) bool { return b.Addr().Is4() })
	var missing error
	for _, b := range binds {
		s, err := bindTCP(netip.AddrPortFrom(b.Addr(), port), dual)
		switch {
		case err == nil:
			sockets = append(sockets, s)
			got, _ := netip.ParseAddrPort(strings.TrimPrefix(s.Name, "tcp:"))
			port = got.Port()
		case len(binds) > 1 && isMissing(err):
			missing = err
			warnings = append(warnings, err.Error()+": not served")
		default:
			return sockets, nil, err
		}
	}
	if len(sockets) == 0 {
		return nil, nil, missing
	}
	return sockets, warnings, nil
}

// isMissing reports whether err says that the machine doesn't have this address
// family, or no loopback address of it.
func isMissing(err error) bool {
	for _, e := range []unix.Errno{unix.EAFNOSUPPORT, unix.EADDRNOTAVAIL, unix.EPROTONOSUPPORT} {
		if errnoIs(err, e) {
			return true
		}
	}
	return false
}

// bindTCP opens one socket. dual lets [::] take IPv4 as well.
func bindTCP(ap netip.AddrPort, dual bool) (*Socket, error) {
	name := "tcp:" + ap.String()
	zone, err := zoneIndex(ap.Addr().Zone())
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", name, err)
	}
	family, sa := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16(), ZoneId: zone})
	if ap.Addr().Is4() {
		family, sa = unix.AF_INET, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", name, err)
	}
	if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err == nil && family == unix.AF_INET6 {
		only := 1
		if dual && ap.Addr() == netip.IPv6Unspecified() {
			only = 0
		}
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only)
	}
	if err == nil {
		err = unix.Bind(fd, sa)
	}
	if err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err == nil {
		name, err = tcpName(fd)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen %s: %w", name, err)
	}
	return &Socket{FD: fd, Kind: TCP, Name: name, lock: -1}, nil
}

// tcpName returns the address that a socket is bound to, as tcp:IP:PORT.
func tcpName(fd int) (string, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return "", os.NewSyscallError("getsockname", err)
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return "tcp:" + netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)).String(), nil
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(sa.Addr).WithZone(zoneName(sa.ZoneId))
		return "tcp:" + netip.AddrPortFrom(ip, uint16(sa.Port)).String(), nil
	}
	return "", fmt.Errorf("not a TCP socket")
}
