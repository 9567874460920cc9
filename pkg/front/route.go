package front

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
	"imgtools/pkg/front/spool"
	"imgtools/pkg/jobid"
)

// info is what a handler notes of a request for its log line.
type info struct {
	job  string // id
	err  error
	read bool // the body was begun, so 100 Continue was said

	worked *worked // of /image: what was done; nil if nothing was
}

type infoKey struct{}

func withInfo(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), infoKey{}, &info{}))
}

func infoOf(r *http.Request) *info {
	i, _ := r.Context().Value(infoKey{}).(*info)
	return i
}

// route is a path with the methods that it takes.
type route struct {
	name    string // for logs and metrics: without the id
	methods []string
	handle  func(s *Server, w http.ResponseWriter, r *http.Request, id string)
}

// find returns the route of a path, and the id in it.
func find(path string) (rt route, id string) {
	get := []string{"GET", "HEAD"}
	switch path {
	case "/":
		return route{"/", get, (*Server).home}, ""
	case "/image":
		return route{"/image", []string{"POST", "PUT"}, (*Server).image}, ""
	case "/jobs":
		return route{"/jobs", []string{"POST"}, (*Server).postJobs}, ""
	case "/healthz":
		return route{"/healthz", get, (*Server).healthz}, ""
	case "/readyz":
		return route{"/readyz", get, (*Server).readyz}, ""
	case "/metrics":
		return route{"/metrics", get, (*Server).showMetrics}, ""
	}
	if name, ok := strings.CutPrefix(path, "/page/"); ok {
		return route{"/page/NAME", get, (*Server).asset}, name
	}
	id, rest, _ := strings.Cut(strings.TrimPrefix(path, "/jobs/"), "/")
	if !strings.HasPrefix(path, "/jobs/") || !jobid.Valid(id) {
		return route{}, ""
	}
	switch rest {
	case "":
		if strings.HasSuffix(path, "/") {
			return route{}, ""
		}
		return route{"/jobs/ID", []string{"GET", "HEAD", "PUT", "DELETE"}, (*Server).job}, id
	case "image":
		return route{"/jobs/ID/image", get, (*Server).jobImage}, id
	case "delete":
		return route{"/jobs/ID/delete", []string{"POST"}, (*Server).deleteJob}, id
	}
	return route{}, ""
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	start := time.Now()
	s.metrics.current.Add(1)
	defer s.metrics.current.Add(-1)
	w := newAnswer(rw, r, s.c.Idle)
	r = withInfo(r)
	i := infoOf(r)
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")

	rt, id := find(r.URL.Path)
	if jobid.Valid(id) { // and not the name of a file
		i.job = id
	}
	name := rt.name
	switch err := s.guard(r); {
	case err != nil:
		name = cmp.Or(name, "other")
		s.refuse(w, r, err)
	case rt.handle == nil:
		name = "other"
		s.refuse(w, r, notFound(r.URL.Path))
	case !slices.Contains(rt.methods, r.Method):
		h.Set("Allow", strings.Join(rt.methods, ", "))
		s.refuse(w, r, fault.New(fault.Method, "%s is not for %s; %s is", fault.Clip(r.Method), rt.name, strings.Join(rt.methods, ", ")))
	default:
		rt.handle(s, w, r, id)
	}

	s.metrics.answered(name, r.Method, w.status)
	line := []any{"method", fault.Clip(r.Method), "path", name, "status", w.status, "bytes", w.bytes, "ms", time.Since(start).Milliseconds()}
	if i.job != "" {
		line = append(line, "job", jobid.Short(i.job))
	}
	if p := peerOf(r); p.unix {
		line = append(line, "uid", p.uid)
	} else {
		line = append(line, "from", r.RemoteAddr)
	}
	if i.worked != nil {
		line = append(append(line, "ops", spool.OpsText(i.worked.ops)), i.worked.attrs()...)
	}
	if i.err != nil {
		line = append(line, "outcome", fault.Of(i.err).String(), "err", fault.Line(i.err.Error()))
	} else {
		line = append(line, "outcome", "ok")
	}
	s.c.Log.Info("request", line...)
}

func notFound(path string) error {
	if id, ok := strings.CutPrefix(path, "/jobs/"); ok { // shows no more of what may be an id
		return fault.New(fault.NotFound, "no job %s", quote(jobid.Short(id)))
	}
	return fault.New(fault.NotFound, "nothing at %s; see /", quote(path))
}

func quote(s string) string { return fault.Quote(s) }

// answer is a ResponseWriter that gives up on a client that takes no bytes, and
// counts.
type answer struct {
	http.ResponseWriter
	rc     *http.ResponseController
	idle   time.Duration
	tcp    *net.TCPConn // nil: TLS, or a Unix socket
	status int
	bytes  int64
}

// minTaken is how many bytes of a file a client must take within the idle time, if
// they are not the last. maxStride is for connections that still know how far they
// came when that is over: those of TCP.
const (
	minTaken  = smallBytes
	maxStride = 1 << 20
)

func newAnswer(w http.ResponseWriter, r *http.Request, idle time.Duration) *answer {
	rc := http.NewResponseController(w)
	rc.SetWriteDeadline(time.Time{}) // that of the connection's last request
	return &answer{ResponseWriter: w, rc: rc, idle: idle, tcp: peerOf(r).tcp}
}

// cork keeps the kernel from sending before all is written (tcp(7), TCP_CORK): a
// header and a small picture go in one packet, which both ends have less work with.
func (a *answer) cork(on int) {
	if a.tcp == nil {
		return
	}
	if raw, err := a.tcp.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_CORK, on) })
	}
}

// Unwrap lets http.ResponseController find the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.rc.SetWriteDeadline(time.Now().Add(a.idle))
	a.ResponseWriter.WriteHeader(status)
}

// ReadFrom sends a file, where it can be without its bytes coming here (sendfile).
func (a *answer) ReadFrom(r io.Reader) (n int64, err error) {
	all, ok := r.(*io.LimitedReader) // sendfile sees through one
	if !ok {
		all = &io.LimitedReader{R: r, N: math.MaxInt64}
	}
	from, ok := a.ResponseWriter.(io.ReaderFrom)
	if !ok || all.N <= minTaken {
		buf, free := buffer(minTaken)
		defer free()
		a.cork(1)
		defer a.cork(0)
		if n, err = io.CopyBuffer(struct{ io.Writer }{a}, all, buf); err == nil {
			err = a.rc.Flush()
		}
		return n, err
	}
	stride := int64(minTaken)
	if a.tcp != nil {
		stride = maxStride
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	for err == nil && all.N > 0 {
		a.rc.SetWriteDeadline(time.Now().Add(a.idle))
		part := io.LimitedReader{R: all.R, N: min(all.N, stride)}
		var m int64
		m, err = from.ReadFrom(&part)
		n += m
		all.N -= m
		a.bytes += m
		switch {
		case err != nil && m >= minTaken && errors.Is(err, os.ErrDeadlineExceeded):
			err = nil // it is slow, no more
		case err == nil && part.N > 0: // its end
			return n, nil
		}
	}
	return n, err
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	a.rc.SetWriteDeadline(time.Now().Add(a.idle))
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}
