package front

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// forwarded believes what a proxy says of a request: from a peer of -proxy, the
// client is the rightmost address of X-Forwarded-For that is no proxy, and
// X-Forwarded-Host and X-Forwarded-Proto replace the request's own. From other peers
// these headers count for nothing.
func (s *Server) forwarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i := infoOf(r)
		i.https = r.TLS != nil
		if addr, ok := remote(r); ok {
			i.addr = addr
			if s.isProxy(addr) {
				s.believe(r, i)
			}
		}
		next(w, r)
	}
}

func (s *Server) isProxy(addr netip.Addr) bool {
	for _, p := range s.c.Proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// remote returns the address of a TCP peer.
func remote(r *http.Request) (netip.Addr, bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(host)
	return addr.WithZone("").Unmap(), err == nil
}

// believe reads the headers of a proxy.
func (s *Server) believe(r *http.Request, i *info) {
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for n := len(hops) - 1; n >= 0; n-- {
		hop := strings.TrimSpace(hops[n])
		if host, _, err := net.SplitHostPort(hop); err == nil {
			hop = host
		}
		addr, err := netip.ParseAddr(strings.Trim(hop, "[]"))
		if err != nil { // nothing to its left can be believed
			break
		}
		i.addr = addr.WithZone("").Unmap()
		if !s.isProxy(i.addr) {
			break
		}
	}
	if host := lastOf(r.Header.Values("X-Forwarded-Host")); host != "" {
		r.Host = host
	}
	if proto := lastOf(r.Header.Values("X-Forwarded-Proto")); proto != "" {
		i.https = strings.EqualFold(proto, "https")
	}
}

// lastOf returns the last of the values of a header, which the nearest proxy wrote.
func lastOf(headers []string) string {
	all := strings.Join(headers, ",")
	return strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:])
}

// clientOf names the client of a request, where clients take turns and in the records
// of jobs: by its token, else its Unix user, else its address. Of an IPv6 address the
// first 64 bits count, since one site has all addresses that begin with them.
func (s *Server) clientOf(r *http.Request) string {
	i := infoOf(r)
	p := peerOf(r)
	switch {
	case i.token != "":
		return i.token
	case p.unix:
		return kindUser + " " + strconv.FormatUint(uint64(p.uid), 10)
	case i.addr.Is6():
		prefix, _ := i.addr.Prefix(64)
		return prefix.String()
	}
	return i.addr.String()
}

// origin is the scheme and host by which the client has come.
func origin(r *http.Request) string {
	if i := infoOf(r); i != nil && i.https {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
