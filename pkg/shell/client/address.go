package client

import (
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

// endpoint is one place where imgd may be.
type endpoint struct {
	text string // as told to the user
	unix string // path of a socket; "" is TCP
	base string // scheme, host and perhaps a path, without a slash at the end
}

// parseAddress reads unix:/path, a path with a slash, tcp:host:port, or a URL.
func parseAddress(s string) (endpoint, error) {
	bad := func(why string) (endpoint, error) {
		return endpoint{}, fault.New(fault.Usage, "address %q: %s", s, why)
	}
	path, isUnix := strings.CutPrefix(s, "unix:")
	switch {
	case isUnix && path == "":
		return bad("no path")
	case isUnix:
		return socket(path), nil
	case strings.HasPrefix(s, "http://"), strings.HasPrefix(s, "https://"):
		u, err := url.Parse(s)
		if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return bad("not a URL of a server")
		}
		return endpoint{text: s, base: strings.TrimRight(s, "/")}, nil
	case strings.HasPrefix(s, "tcp:"):
		host, port, err := net.SplitHostPort(s[len("tcp:"):])
		if n, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil || n == 0 || host == "" {
			return bad("not tcp:host:port, with brackets around an IPv6 address")
		}
		return endpoint{text: s, base: "http://" + net.JoinHostPort(host, port)}, nil
	case strings.Contains(s, "/"):
		return socket(s), nil
	}
	return bad("not unix:/path, tcp:host:port, http://host:port or https://host")
}

func socket(path string) endpoint { return endpoint{text: path, unix: path, base: "http://localhost"} }

// systemRun is where the system's imgd binds; a variable for tests.
var systemRun = "/run/imgtools"

// places returns where imgd's socket may be when nobody says: RUN as servers
// choose it, and that of the system.
func places() []endpoint {
	var dirs []string
	if d := os.Getenv("IMGTOOLS_RUN"); d != "" {
		dirs = append(dirs, d)
	}
	if d := os.Getenv("XDG_RUNTIME_DIR"); d != "" {
		dirs = append(dirs, filepath.Join(d, "imgtools"))
	}
	// Anybody can make a folder in TMP; only our own is to be trusted with
	// pictures.
	tmp := filepath.Join(os.TempDir(), fmt.Sprintf("imgtools-%d", os.Getuid()))
	if st, err := os.Lstat(tmp); err != nil || st.IsDir() && owner(st) == os.Getuid() {
		dirs = append(dirs, tmp)
	}
	var es []endpoint
	for _, d := range append(dirs, systemRun) {
		es = append(es, socket(filepath.Join(d, "imgd.sock")))
	}
	return es
}

func owner(st fs.FileInfo) int { return int(st.Sys().(*syscall.Stat_t).Uid) }

// readToken returns the first line of a token file that is not empty.
func readToken(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" {
			return line, nil
		}
	}
	return "", fault.New(fault.Usage, "token file %s: no token in it", path)
}

// Ref is a job on a server.
type Ref struct {
	ID    string
	Text  string    // the id or URL as it was given
	Since time.Time // when it was
	base  string    // of the URL; "" is the client's own server
}

// ParseRef reads a job's id, or a URL that ends in /jobs/ID or /jobs/ID/image.
func ParseRef(s string) (Ref, error) {
	r := Ref{ID: s, Text: s, Since: time.Now()}
	if strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") {
		u, err := url.Parse(s)
		if err != nil || u.Hostname() == "" || u.User != nil {
			return Ref{}, fault.New(fault.Usage, "%q: not a URL", s)
		}
		path := strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/image")
		i := strings.LastIndex(path, "/jobs/")
		if i < 0 {
			return Ref{}, fault.New(fault.Usage, "%q: not the URL of a job", s)
		}
		r.ID, r.base = path[i+len("/jobs/"):], u.Scheme+"://"+u.Host+path[:i]
	}
	if !jobid.Valid(r.ID) {
		return Ref{}, fault.New(fault.Usage, "%q: not a job id", s)
	}
	return r, nil
}

// Own reports whether the job is on the client's own server, and not on that of a
// URL.
func (r Ref) Own() bool { return r.base == "" }

// Short is what messages call the job: knowing all of an id is the permission to
// read and delete the picture.
func (r Ref) Short() string { return r.ID[:6] + "…" }
