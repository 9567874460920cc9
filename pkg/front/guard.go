package front

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"imgtools/pkg/daemon/peercred"
	"imgtools/pkg/fault"
)

// peer is who is at the other end of a connection.
type peer struct {
	unix    bool
	uid     uint32
	refused error        // why this user may not use a Unix socket of ours
	open    bool         // the listener was given to us: who may connect is its owner's matter
	tcp     *net.TCPConn // nil: TLS, or unix
}

type peerKey struct{}

// Open is a listener of Unix connections that was inherited: who may connect to
// it is up to whoever opened it.
type Open struct{ net.Listener }

type openConn struct{ net.Conn }

// Accept marks the connection.
func (l Open) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return openConn{c}, nil
}

// withPeer notes who has connected.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	var p peer
	p.tcp, _ = c.(*net.TCPConn)
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if o, ok := c.(openConn); ok {
		p.open = true
		c = o.Conn
	}
	if u, ok := c.(*net.UnixConn); ok {
		p.unix = true
		raw, err := u.SyscallConn()
		if err == nil {
			p.uid, err = peercred.NewSelf().Admit(raw)
		}
		p.refused = err
	}
	return context.WithValue(ctx, peerKey{}, p)
}

func peerOf(r *http.Request) peer {
	p, _ := r.Context().Value(peerKey{}).(peer)
	return p
}

// guard refuses requests of those who may not ask, and requests that a strange
// web page makes its reader's browser send.
func (s *Server) guard(r *http.Request) error {
	p := peerOf(r)
	if p.unix {
		if !p.open && p.refused != nil {
			return fault.As(fault.Forbidden, p.refused)
		}
	} else {
		// A page whose name was made to resolve to our address sends its own name
		// (DNS rebinding).
		if !hostAllowed(r.Host, s.c.Hosts) {
			return fault.New(fault.Misdirected, "host %s is not served here (-host)", quote(r.Host))
		}
		if r.URL.Path != "/healthz" && !s.authorized(r) {
			return fault.New(fault.Unauthorized, "a token is needed (-token)")
		}
	}
	if err := s.cross.Check(r); err != nil {
		return fault.New(fault.Forbidden, "from another site: %w", err)
	}
	return nil
}

// hostAllowed reports whether a Host header is an IP address, localhost or one of
// names, each with or without a port.
func hostAllowed(host string, names []string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	host = strings.TrimSuffix(host, ".")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	for _, n := range names {
		if n != "" && strings.EqualFold(host, strings.TrimSuffix(n, ".")) {
			return true
		}
	}
	return false
}

// token is the SHA-256 of a token: of one length, so that comparing takes one time.
type token [sha256.Size]byte

// SetTokens says which tokens are good from now on; with none everybody may ask.
func (s *Server) SetTokens(tokens []string) {
	var hashes []token
	for _, t := range tokens {
		hashes = append(hashes, sha256.Sum256([]byte(t)))
	}
	s.tokens.Store(&hashes)
}

// authorized reports whether the request has a good token, as Bearer or as the
// password of Basic.
func (s *Server) authorized(r *http.Request) bool {
	tokens := s.tokens.Load()
	if tokens == nil || len(*tokens) == 0 {
		return true
	}
	_, given, ok := r.BasicAuth()
	if !ok {
		scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return false
		}
		given = strings.TrimSpace(rest)
	}
	hash := sha256.Sum256([]byte(given))
	good := 0
	for _, t := range *tokens {
		good |= subtle.ConstantTimeCompare(hash[:], t[:])
	}
	return good == 1
}
