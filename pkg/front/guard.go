package front

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"imgtools/pkg/daemon/peercred"
	"imgtools/pkg/fault"
)

// peer is the other end of a connection.
type peer struct {
	unix    bool
	uid     uint32
	refused error        // why this user may not use the Unix socket
	open    bool         // inherited listener: its owner decides who may connect
	tcp     *net.TCPConn // nil: TLS, or unix
}

type peerKey struct{}

// Open is an inherited listener of Unix connections. The process that opened it
// decides who may connect, by the mode of the socket.
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

// withPeer adds the peer of a connection to the context of its requests. TLS and an
// inherited listener wrap the connection; the user is that of the Unix socket inside.
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

// guarded refuses requests that guard refuses.
func (s *Server) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.guard(r); err != nil {
			s.refuse(w, r, err)
			return
		}
		next(w, r)
	}
}

// guard checks who sends a request, by which name it calls this server, and, if a
// browser sends it, for which site. Each is refused by an error of its own kind.
func (s *Server) guard(r *http.Request) error {
	open, free := false, false
	if i := infoOf(r); i != nil {
		open, free = i.route.open, i.route.open || i.route.free
	}
	p := peerOf(r)
	if p.unix {
		if !p.open && p.refused != nil {
			return fault.As(fault.Forbidden, p.refused)
		}
	} else {
		// DNS rebinding: a foreign page whose name resolves to this address makes a
		// browser send that name.
		if !open && !hostAllowed(r, s.c.Hosts) {
			return fault.New(fault.Misdirected, "host %s is not served here: imgd -host NAME adds a name", quote(r.Host))
		}
		if name, ok := s.authorized(r); ok {
			infoOf(r).token = name
		} else if !free {
			if r.Header.Get("Authorization") != "" {
				return fault.New(fault.Unauthorized, "the token is not one of this server's (-token)")
			}
			return fault.New(fault.Unauthorized, "a token is needed (-token)")
		}
	}
	if err := s.cross.Check(r); err != nil && !s.ownOrigin(r) {
		return fault.New(fault.Forbidden, "from another site: %w; imgd -host NAME makes a site this one, and a proxy has to pass its host on (nginx: proxy_set_header Host $host)", err)
	}
	return nil
}

// ownOrigin reports whether a request comes from a page of a site that -host names.
// The name "*" is every name, and makes no site this one.
func (s *Server) ownOrigin(r *http.Request) bool {
	u, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || u.Hostname() == "" {
		return false
	}
	return slices.ContainsFunc(s.c.Hosts, func(name string) bool { return name != "*" && hostMatches(u.Hostname(), name) })
}

// hostAllowed reports whether the Host of a request is an IP address, localhost or
// one that names mean, each with or without a port. HTTP/1.0 needs no Host: no browser
// sends a request without one.
func hostAllowed(r *http.Request, names []string) bool {
	host := r.Host
	if host == "" && !r.ProtoAtLeast(1, 1) {
		return true
	}
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
	return slices.ContainsFunc(names, func(name string) bool { return hostMatches(host, name) })
}

// hostMatches reports whether a host is one that a name of -host means: the name
// itself, "*.suffix" all names under a suffix, "*" all names.
func hostMatches(host, name string) bool {
	host, name = strings.TrimSuffix(host, "."), strings.TrimSuffix(name, ".")
	if suffix, ok := strings.CutPrefix(name, "*"); ok {
		return len(host) > len(suffix) && strings.EqualFold(host[len(host)-len(suffix):], suffix)
	}
	return name != "" && strings.EqualFold(host, name)
}

// CheckHost returns an error if name is nothing that -host takes. A NAME and a SUFFIX are
// labels of letters, digits, hyphens and underscores with dots between them; no label
// begins or ends with a hyphen (RFC 952; RFC 1123, 2.1).
func CheckHost(name string) error {
	rest := strings.TrimPrefix(strings.TrimSuffix(name, "."), "*.")
	if name != "*" && !hostName.MatchString(rest) {
		return fault.New(fault.Usage, "-host %q: not a NAME, *.SUFFIX or *", name)
	}
	return nil
}

var hostName = regexp.MustCompile(`^(?i:[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.|$))+$`)

// token is one that is valid. The SHA-256 is compared: hashes have one length, so
// comparing takes the same time for all.
type token struct {
	hash [sha256.Size]byte
	name string
}

// tokenName names a token without revealing it, alike on every host and after every
// restart.
func tokenName(text string) string {
	sum := sha256.Sum256([]byte("imgtools client\n" + text))
	return kindToken + " " + hex.EncodeToString(sum[:8])
}

// SetTokens replaces the valid tokens. With none, requests need no token.
func (s *Server) SetTokens(tokens []string) {
	var valid []token
	for _, t := range tokens {
		valid = append(valid, token{sha256.Sum256([]byte(t)), tokenName(t)})
	}
	s.tokens.Store(&valid)
}

// authorized reports whether a request has a valid token, as Bearer or as the
// password of Basic, or needs none. name is that of its token, "" without one.
func (s *Server) authorized(r *http.Request) (name string, ok bool) {
	tokens := s.tokens.Load()
	if tokens == nil || len(*tokens) == 0 {
		return "", true
	}
	_, given, ok := r.BasicAuth()
	if !ok {
		scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", false
		}
		given = strings.TrimSpace(rest)
	}
	hash := sha256.Sum256([]byte(given))
	n := 0                      // which it is, from 1
	for i, t := range *tokens { // all of them, in constant time
		n = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], t.hash[:]), i+1, n)
	}
	if n == 0 {
		return "", false
	}
	return (*tokens)[n-1].name, true
}
