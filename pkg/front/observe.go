package front

import (
	"context"
	"log"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/front/spool"
	"imgtools/pkg/jobid"
)

// info is what the handlers of a request tell the log.
type info struct {
	route route
	id    string // of the path
	job   string // id of the job, if there is one
	err   error
	addr  netip.Addr // of the client, behind proxies; zero on a Unix socket
	https bool       // the client speaks TLS, perhaps to a proxy
	token string     // name of the token that it has sent; "": none
	read  bool       // the handler has begun to read the body, so 100 Continue was sent

	worked *worked // what was done for /image; nil if nothing was
}

type infoKey struct{}

func withInfo(r *http.Request, i *info) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), infoKey{}, i))
}

func infoOf(r *http.Request) *info {
	i, _ := r.Context().Value(infoKey{}).(*info)
	return i
}

// observe answers a request by next, counts it and logs it.
func (s *Server) observe(next http.HandlerFunc) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		start := time.Now()
		s.metrics.current.Add(1)
		defer s.metrics.current.Add(-1)
		w := newAnswer(rw, r, s.c.Idle)
		i := &info{}
		i.route, i.id = find(r.URL.Path)
		if id, _, _ := strings.Cut(i.id, "/"); jobid.Valid(id) {
			i.job = id
		}
		next(w, withInfo(r, i))
		took := time.Since(start)
		s.metrics.history.request(i.route, i.err)
		s.metrics.answered(i.route.name(), r.Method, w.status, took)
		s.logRequest(r, w, i, took)
	}
}

func (s *Server) logRequest(r *http.Request, w *answer, i *info, took time.Duration) {
	line := []any{"method", fault.Clip(r.Method), "path", i.route.name(), "status", w.status, "bytes", w.bytes, "ms", took.Milliseconds()}
	if i.job != "" {
		line = append(line, "job", jobid.Short(i.job))
	}
	if p := peerOf(r); p.unix {
		line = append(line, "uid", p.uid)
	} else {
		line = append(line, "from", r.RemoteAddr)
		if addr, _ := remote(r); addr != i.addr {
			line = append(line, "client", i.addr.String())
		}
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

// logWriter passes the messages of net/http, such as failed handshakes, to a log.
type logWriter struct{ log *slog.Logger }

func (l logWriter) Write(p []byte) (int, error) {
	l.log.Debug("http", "err", jobid.Redact(fault.Line(string(p))))
	return len(p), nil
}

func errorLog(l *slog.Logger) *log.Logger { return log.New(logWriter{l}, "", 0) }
