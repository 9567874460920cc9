package client

import (
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"imgtools/pkg/address"
	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/jobid"
	"imgtools/pkg/shell/system"
)

// endpoint is one place where imgd may be.
type endpoint struct {
	text string // in messages
	unix string // path of a socket; "" is TCP
	base string // scheme, host and optional path, without a slash at the end
}

// parseAddress reads unix:/path, a path with a slash, tcp:host:port, or a URL.
func parseAddress(s string) (endpoint, error) {
	a, err := address.DialURL(s)
	if err != nil {
		return endpoint{}, err
	}
	if a.Path != "" {
		return socket(a.Path), nil
	}
	return endpoint{text: s, base: a.Base()}, nil
}

func socket(path string) endpoint { return endpoint{text: path, unix: path, base: "http://localhost"} }

var runDirs = address.RunDirs // a variable for tests

// places returns where imgd's socket may be when nobody says. A shared folder is
// left out unless it is our own: anybody can make a folder in TMP.
func places() []endpoint {
	var es []endpoint
	for _, d := range runDirs(os.Getenv, os.Getuid()) {
		if d.Shared {
			if st, err := os.Lstat(d.Path); err == nil {
				if uid, _, ok := system.Owner(st); !st.IsDir() || ok && uid != os.Getuid() {
					continue
				}
			}
		}
		es = append(es, socket(d.Socket("imgd")))
	}
	return es
}

// Ref is a result of a job on a server.
type Ref struct {
	ID    string
	N     int       // which of the job's results, from 1; of most jobs there is one
	Text  string    // the id or URL as it was given
	Since time.Time // when it was given
	base  string    // beginning of the URL; "" is the client's own server
}

// ParseRef reads a job's id, or a URL that ends in /jobs/ID or /jobs/ID/image. Behind ID
// may stand which of several sizes is meant, ID/2.
func ParseRef(s string) (Ref, error) {
	r := Ref{ID: s, N: 1, Text: s, Since: time.Now()}
	if strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") {
		u, err := url.Parse(address.EscapeZone(s))
		if err != nil || u.Hostname() == "" || u.User != nil {
			return Ref{}, fault.New(fault.Usage, "%q: not a URL", s)
		}
		path := strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/image")
		i := strings.LastIndex(path, "/jobs/")
		if i < 0 {
			return Ref{}, fault.New(fault.Usage, "%q: not the URL of a job", s)
		}
		r.ID, r.base = path[i+len("/jobs/"):], u.Scheme+"://"+address.EscapeZone(u.Host)+path[:i]
	}
	if id, number, numbered := strings.Cut(r.ID, "/"); numbered {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > geometry.MaxSizes || number != strconv.Itoa(n) {
			return Ref{}, fault.New(fault.Usage, "%q: %q is not the number of a result, 1 to %d", s, number, geometry.MaxSizes)
		}
		r.ID, r.N = id, n
	}
	if !jobid.Valid(r.ID) {
		return Ref{}, fault.New(fault.Usage, "%q: not a job id", s)
	}
	return r, nil
}

// Own reports whether the job is on the client's own server: it was given by its id
// and not by a URL.
func (r Ref) Own() bool { return r.base == "" }

// Short returns the result's name in messages: the beginning of its job's id, because
// anyone who knows a whole id may read and delete the picture.
func (r Ref) Short() string { return r.numbered(jobid.Short(r.ID)+"…", "/") }

// Result names the result among all of a server: ID, or ID/2.
func (r Ref) Result() string { return r.numbered(r.ID, "/") }

// File returns a file name for a result without another: ID, or ID-2.
func (r Ref) File() string { return r.numbered(r.ID, "-") }

// Job names the job among all of all servers.
func (r Ref) Job() string { return r.base + "/jobs/" + r.ID }

// numbered puts the number of a second or later result behind s.
func (r Ref) numbered(s, between string) string {
	if r.N <= 1 {
		return s
	}
	return s + between + strconv.Itoa(r.N)
}
