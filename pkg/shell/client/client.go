// Package client is the HTTP client of imgput, imgget, imgls and imgrm. It finds
// imgd, sends pictures, waits for results and fetches them whole, although servers
// may be busy and connections may break.
//
// Put, Status and Delete make one request each. Every error of a request is one of
// these:
//
//	ErrAway     there was never a connection: no server runs there
//	lost        the connection broke: the request may be repeated
//	refused     the server is busy or full: the request may be repeated later
//	any other   final; its kind (package fault) is the one that the server sent
//
// Repeatable says whether an error is lost or refused. Pause waits before the next
// attempt, as long as -w allows. Retry is the loop of both. Fetch repeats by itself
// and continues a download where it broke.
package client

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"imgtools/pkg/backoff"
	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/tokenfile"
)

// Config says where the server is and how long to repeat requests.
type Config struct {
	Address   string        // -a; "" is $IMGD, or the usual places
	TokenFile string        // -token; "" is $IMGD_TOKEN_FILE, or none
	Wait      time.Duration // -w: how long to wait and repeat
	Forever   bool          // there is no -w
}

// AddFlags adds the flags that say where the server is.
func (cfg *Config) AddFlags(f *cli.Flags) {
	f.String(&cfg.Address, "a", "address", "address", "imgd: unix:/path, tcp:host:port, http://…, https://… (default $IMGD, else its socket)")
	f.String(&cfg.TokenFile, "", "token", "file", "file with the token that imgd asks for (default $IMGD_TOKEN_FILE)")
}

// Client makes requests to one server. Its methods may be called at the same time.
type Client struct {
	cfg   Config
	token string
	given bool          // the address was given, not searched for
	idle  time.Duration // a connection that is silent for this long is lost
	http  *http.Client

	mu      sync.Mutex
	places  []endpoint      // where to search; one is left after the first connection
	reached map[string]bool // addresses that were connected to
}

// ErrAway is the error of a server that was never connected to.
var ErrAway = errors.New("server away")

// lost is the error of a connection that broke or could not be made again.
type lost struct{ error }

func (l lost) Unwrap() error { return l.error }

// refused is the error of an answer that asks the client to come back later.
type refused struct {
	error
	full  bool          // the spool is full: fetching results makes room
	after time.Duration // Retry-After; 0: none
}

func (r refused) Unwrap() error { return r.error }

// New returns a client, without connecting.
func New(cfg Config) (*Client, error) {
	if cfg.Address == "" {
		cfg.Address = os.Getenv("IMGD")
	}
	c := &Client{cfg: cfg, idle: time.Minute, reached: map[string]bool{}}
	if cfg.Address == "" {
		c.places = places()
	} else {
		e, err := parseAddress(cfg.Address)
		if err != nil {
			return nil, err
		}
		c.places, c.given = []endpoint{e}, true
	}
	tokenFile := cfg.TokenFile
	if tokenFile == "" {
		tokenFile = os.Getenv("IMGD_TOKEN_FILE")
	}
	if tokenFile != "" {
		tokens, _, err := tokenfile.Read(tokenFile)
		if err != nil {
			return nil, err
		}
		c.token = tokens[0]
	}
	c.http = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                 c.proxy,
			DialContext:           c.dial,
			TLSHandshakeTimeout:   30 * time.Second,
			ExpectContinueTimeout: 2 * time.Second,
			MaxIdleConnsPerHost:   8,
			IdleConnTimeout:       30 * time.Second,
			DisableCompression:    true,
			ForceAttemptHTTP2:     true,
		},
	}
	return c, nil
}

// proxy returns the proxy for a request, if its server was given as a URL and is
// not on this machine.
func (c *Client) proxy(req *http.Request) (*url.URL, error) {
	if req.URL.Host == here || strings.HasPrefix(c.cfg.Address, "tcp:") && c.own(req) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(req)
}

// here is the host in URLs on the client's own server when that is a Unix socket or
// not found yet.
const here = "imgd.invalid"

// base returns the beginning of URLs on the client's own server.
func (c *Client) base() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.places) == 1 && c.places[0].unix == "" {
		return c.places[0].base
	}
	return "http://" + here
}

// dial connects to a server. For the host here it tries the places in order. Its
// error is ErrAway if there was no connection to that server before, else lost.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 30 * time.Second}
	if address != here+":80" {
		conn, err := d.DialContext(ctx, network, address)
		return conn, c.dialed(address, err)
	}
	c.mu.Lock()
	places := c.places
	c.mu.Unlock()
	var err error
	for _, e := range places {
		var conn net.Conn
		if conn, err = d.DialContext(ctx, "unix", e.unix); err == nil {
			c.mu.Lock()
			c.places = []endpoint{e}
			c.mu.Unlock()
			return conn, c.dialed(address, nil)
		}
		if errors.Is(err, syscall.EACCES) {
			break // a server is there, but we may not use it
		}
	}
	return nil, c.dialed(address, err)
}

// dialed records the outcome of a dial and gives its error a kind.
func (c *Client) dialed(address string, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.reached[address] = true
		return nil
	case c.reached[address]:
		return lost{err}
	case errors.Is(err, syscall.EACCES):
		return err
	}
	return fmt.Errorf("%w: %w", ErrAway, err)
}

// away returns an ErrAway that names the places where the server was searched.
func (c *Client) away(req *http.Request) error {
	where := []string{req.URL.Scheme + "://" + req.URL.Host}
	if c.own(req) {
		c.mu.Lock()
		defer c.mu.Unlock()
		where = nil
		for _, e := range c.places {
			where = append(where, e.text)
		}
	}
	return fault.As(fault.Busy, awayError(strings.Join(where, " or ")))
}

// awayError is an ErrAway with the places that were tried.
type awayError string

func (a awayError) Error() string {
	return fmt.Sprintf("no imgd at %s; start one with 'imgd &' or set IMGD", string(a))
}

func (a awayError) Is(target error) bool { return target == ErrAway }

// own reports whether a request goes to the client's own server.
func (c *Client) own(req *http.Request) bool {
	return req.URL.Host == here || strings.HasPrefix(req.URL.String(), c.base()+"/")
}

// do sends one request and returns any answer with a status below 300, whose body
// the caller closes. Its errors are those of the package comment.
func (c *Client) do(req *http.Request) (*http.Response, error) {
	if c.token != "" && c.trusted(req) {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("User-Agent", "imgtools")
	if req.URL.Host == here {
		req.Host = "localhost"
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.classify(req, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, answer(resp)
}

// trusted reports whether a request may carry the token. It may go to the server
// that the user named beside the token or, if none was named, to that of a job's
// URL. A Unix socket needs no token.
func (c *Client) trusted(req *http.Request) bool {
	return req.URL.Host != here && (!c.given || c.own(req))
}

// classify turns an error of the transport into ErrAway, lost, or a final one.
func (c *Client) classify(req *http.Request, err error) error {
	var l lost
	var alert tls.AlertError
	switch {
	case errors.Is(err, ErrAway):
		return c.away(req)
	case errors.As(err, &l):
		return l
	case errors.As(err, &alert), errors.Is(err, syscall.EACCES), !broken(err):
		return unwrapURL(err)
	}
	return breakage(unwrapURL(err))
}

// broken reports whether err means that the connection broke or fell silent.
func broken(err error) bool {
	var op *net.OpError
	var timeout net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, context.Canceled) || // by our timer
		errors.As(err, &op) || errors.As(err, &timeout) && timeout.Timeout() ||
		strings.Contains(err.Error(), "server closed idle connection") // net/http doesn't export it
}

// breakage turns the error of a broken connection into lost.
func breakage(err error) error {
	if errors.Is(err, context.Canceled) {
		return lost{errors.New("connection lost: the server fell silent")}
	}
	return lost{fmt.Errorf("connection lost: %w", err)}
}

// unwrapURL removes method and URL, which would show a whole id, and says what a scheme
// that is not the server's means.
func unwrapURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return errors.New("the server speaks HTTP and not HTTPS (-a http://HOST)")
	}
	return err
}

// answer returns the error for an answer with a status from 300.
func answer(resp *http.Response) error {
	kind := fault.FromHTTP(resp.StatusCode)
	text := ""
	body := io.LimitReader(resp.Body, 4096)
	switch t := resp.Header.Get("Content-Type"); {
	case strings.HasPrefix(t, "text/plain"):
		b, _ := io.ReadAll(body)
		text, _, _ = strings.Cut(strings.TrimSpace(string(b)), "\n")
	case strings.HasPrefix(t, "application/problem+json"): // RFC 9457
		var problem struct{ Detail string }
		if json.NewDecoder(body).Decode(&problem) == nil {
			text = problem.Detail
		}
	}
	if text == "" {
		text = "HTTP " + strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode)
	}
	err := fault.New(kind, "%s", text)
	switch {
	case kind.Again():
		return refused{err, kind == fault.Full, retryAfter(resp)}
	case resp.StatusCode == http.StatusBadGateway, resp.StatusCode == http.StatusGatewayTimeout:
		// A balancer in front of imgd has lost its server.
		return lost{fault.As(fault.Busy, err)}
	case resp.StatusCode < 400:
		return fault.New(fault.Internal, "%s: redirected to %s", text, resp.Header.Get("Location"))
	}
	return err
}

// retryAfter reads the Retry-After header (RFC 9110 10.2.3); 0 is none.
func retryAfter(resp *http.Response) time.Duration {
	s := resp.Header.Get("Retry-After")
	if d, ok := limits.ParseSeconds(s); ok {
		return d
	}
	if t, err := http.ParseTime(s); err == nil {
		return min(max(time.Until(t), 0), limits.RetryAfter)
	}
	return 0
}

// pauses are those between repeated requests without a Retry-After.
var pauses = backoff.Pauses{First: 100 * time.Millisecond, Max: 5 * time.Second}

// Full reports whether err says that the spool is full: there is no room for a
// picture before results are fetched.
func Full(err error) bool {
	r, ok := errors.AsType[refused](err)
	return ok && r.full
}

// Repeatable reports whether a request that failed with err may be made again.
func Repeatable(err error) bool {
	_, isRefused := errors.AsType[refused](err)
	_, isLost := errors.AsType[lost](err)
	return isRefused || isLost
}

// Delay returns how long to wait before a request that failed with err is repeated for
// the n-th time (from 0): as long as Retry-After says, or for a time that doubles with n.
// It adds up to half of that at random, so that clients that were refused together don't
// return together. It returns err if that is not Repeatable, and an error of kind Busy if
// -w, counted from since, would end during the wait.
func (c *Client) Delay(since time.Time, n int, err error) (time.Duration, error) {
	if !Repeatable(err) {
		return 0, err
	}
	d := pauses.After(n + 1)
	if r, ok := errors.AsType[refused](err); ok && r.after > 0 {
		d = r.after
	}
	d = backoff.Jitter(d)
	if !c.cfg.Forever && d > c.remaining(since) {
		return 0, fault.As(fault.Busy, err)
	}
	return d, nil
}

// Pause waits for the time that Delay returns.
func (c *Client) Pause(ctx context.Context, since time.Time, n int, err error) error {
	d, err := c.Delay(since, n, err)
	if err != nil {
		return err
	}
	return backoff.Sleep(ctx, d)
}

// Retry calls attempt until it succeeds, or until Pause says that there is no use in
// another call, whose error it returns. again is false in the first call. since is
// as in Pause.
func (c *Client) Retry(ctx context.Context, since time.Time, attempt func(again bool) error) error {
	for n := 0; ; n++ {
		err := attempt(n > 0)
		if err == nil {
			return nil
		}
		if err := c.Pause(ctx, since, n, err); err != nil {
			return err
		}
	}
}

// remaining returns how much of -w is left when it began at since, at least 0.
func (c *Client) remaining(since time.Time) time.Duration {
	return max(c.cfg.Wait-time.Since(since), 0)
}

// patience returns how long to wait for a server that sends nothing: not much longer
// than what is left of -w, counted from since.
func (c *Client) patience(since time.Time) time.Duration {
	if c.cfg.Forever {
		return 2 * c.idle
	}
	return min(2*c.idle, c.remaining(since)+c.idle/12)
}
