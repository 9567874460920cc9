// Package address reads the addresses of sockets and knows the folders where
// they are: one parser for the daemons, imgd and the clients. It does not import
// package net, because grayd and scaled must not link it.
//
//	unix:PATH, or a PATH with a slash   a Unix socket
//	tcp:HOST:PORT, tcp:[IPv6]:PORT      TCP; an IPv6 address keeps its zone: tcp:[fe80::1%eth0]:8080
//	http://HOST[:PORT][/PATH], https:   imgd, for clients only
//
// Each function that reads an address allows different forms: Listen takes IP addresses
// and localhost, Dial takes any host, DialURL takes URLs as well.
package address

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
)

// Address is the place of one socket: Path, or Host and Port, or URL is set.
type Address struct {
	Path string // of a Unix socket
	Host string // an IP address, with its zone and without brackets, or a name
	Port uint16
	URL  string // with http: or https:, without a slash at the end
}

// Listen reads an address to listen on: a Unix socket, an IP address or
// localhost. Port 0 is any port. Errors are of kind Usage.
func Listen(s string) (Address, error) {
	a, err := parse(s, "neither unix:/path nor tcp:IP:port", false)
	if err != nil || a.Path != "" {
		return a, err
	}
	if _, err := a.Binds(); err != nil {
		return Address{}, bad(s, "not tcp:IP:port, tcp:[IPv6]:port or tcp:localhost:port")
	}
	return a, nil
}

// Dial reads the address of a daemon: a Unix socket, or a host and a port other
// than 0. Errors are of kind Usage.
func Dial(s string) (Address, error) {
	a, err := parse(s, "neither unix:/path nor tcp:host:port", false)
	return a.withPort(s, err)
}

// DialURL reads the address of imgd: what Dial reads, or a URL. Errors are of
// kind Usage.
func DialURL(s string) (Address, error) {
	a, err := parse(s, "not unix:/path, tcp:host:port, http://host:port or https://host", true)
	return a.withPort(s, err)
}

func bad(s, why string) error { return fault.New(fault.Usage, "address %q: %s", s, why) }

// withPort refuses port 0, which can't be dialled.
func (a Address) withPort(s string, err error) (Address, error) {
	if err == nil && a.Host != "" && a.Port == 0 {
		err = bad(s, "not tcp:host:port: port 0")
	}
	if err != nil {
		return Address{}, err
	}
	return a, nil
}

// parse reads an address of any form. forms is the message for one that has none
// of them.
func parse(s, forms string, urls bool) (Address, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if path == "" {
			return Address{}, bad(s, "no path")
		}
		return Address{Path: path}, nil
	}
	if hostport, ok := strings.CutPrefix(s, "tcp:"); ok {
		a, err := splitHostPort(hostport)
		if err != nil {
			return Address{}, bad(s, "not tcp:host:port, with brackets around an IPv6 address: "+err.Error())
		}
		return a, nil
	}
	if urls && (strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")) {
		text := EscapeZone(strings.TrimRight(s, "/"))
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return Address{}, bad(s, "not a URL of a server")
		}
		return Address{URL: text}, nil
	}
	if strings.Contains(s, "/") && !strings.Contains(s, "://") {
		return Address{Path: s}, nil
	}
	return Address{}, bad(s, forms)
}

// splitHostPort reads HOST:PORT or [IPv6]:PORT.
func splitHostPort(s string) (Address, error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return Address{}, errors.New("no port")
	}
	host := s[:i]
	port, err := strconv.ParseUint(s[i+1:], 10, 16)
	if err != nil {
		return Address{}, errors.New("not a port: " + strconv.Quote(s[i+1:]))
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		if _, err := netip.ParseAddr(inner); !ok || err != nil || !strings.Contains(inner, ":") {
			return Address{}, errors.New("not an IPv6 address: " + strconv.Quote(host))
		}
		host = inner
	} else if host == "" || strings.ContainsAny(host, ":]/") {
		return Address{}, errors.New("not a host: " + strconv.Quote(host))
	}
	return Address{Host: host, Port: uint16(port)}, nil
}

// Binds returns where to bind for a TCP address: one IP address, or both
// loopback addresses for localhost, which share the port. Other names are errors.
func (a Address) Binds() ([]netip.AddrPort, error) {
	if a.Host == "localhost" {
		v4, v6 := netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()
		return []netip.AddrPort{netip.AddrPortFrom(v4, a.Port), netip.AddrPortFrom(v6, a.Port)}, nil
	}
	ip, err := netip.ParseAddr(a.Host)
	if err != nil {
		return nil, err
	}
	return []netip.AddrPort{netip.AddrPortFrom(ip.Unmap(), a.Port)}, nil
}

// HostPort returns the host and port as package net wants them: host:port, or
// [IPv6%zone]:port.
func (a Address) HostPort() string {
	host := a.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(int(a.Port))
}

// Base returns the URL under which the server's paths are, without a slash at
// the end. A Unix socket is http://localhost, as a Host header needs a name.
func (a Address) Base() string {
	switch {
	case a.URL != "":
		return a.URL
	case a.Path != "":
		return "http://localhost"
	}
	return "http://" + EscapeZone(a.HostPort())
}

// String returns the address in its full form.
func (a Address) String() string {
	switch {
	case a.URL != "":
		return a.URL
	case a.Path != "":
		return "unix:" + a.Path
	}
	return "tcp:" + a.HostPort()
}

// EscapeZone writes the % before the zone of an IPv6 address in brackets as %25,
// as URLs need it (RFC 6874): [fe80::1%eth0]:80 becomes [fe80::1%25eth0]:80. What
// is escaped already stays.
func EscapeZone(s string) string {
	open := strings.IndexByte(s, '[')
	if open < 0 {
		return s
	}
	end := strings.IndexByte(s[open:], ']')
	if end < 0 {
		return s
	}
	host := s[open : open+end]
	at := strings.IndexByte(host, '%')
	if at < 0 || strings.HasPrefix(host[at:], "%25") && len(host) > at+len("%25") {
		return s
	}
	return s[:open+at] + "%25" + s[open+at+1:]
}
