package front

import (
	"io"
	"math"
	"net/http"
	"time"
)

// Bounds of one request and of the time for its body. Those of a worker's answer are in
// package dispatch, that of connections is in conns.go.
const (
	maxHeader = 128 << 10 // bytes of a request's header
	maxField  = 4 << 10   // bytes of a form field
	maxParts  = 1000      // parts of a form
	formRoom  = 1 << 20   // bytes that a form may have beside its picture

	minRate = 1 << 10 // bytes a second: slower uploads are ended

	shortBytes = 64 << 10    // bytes of a body that is read although no handler wants it
	shortTime  = time.Second // for such a body to arrive
	drainTime  = 10 * time.Second
	drainBytes = 64 << 20 // of a refused body, beyond -maxbytes
)

// plus adds two sizes; the sum is at most math.MaxInt64.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// hasBody reports whether more bytes belong to a request of HTTP/1. (The streams of
// HTTP/2 do not block their connection.)
func hasBody(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.Body != nil && r.Body != http.NoBody
}

// shortTime is the time for a short body that no handler wants. It ends well before
// the deadline of the answer, which net/http writes after it has read the body.
func (s *Server) shortTime() time.Duration { return min(shortTime, s.c.Idle/2) }

// bounded gives the body of a request that no handler reads a deadline. net/http
// reads what is left of a body after the answer, so without a deadline a body that
// never comes would hold its connection for ever.
func (s *Server) bounded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m, ok := infoOf(r).route.method(r.Method)
		if !hasBody(r) || ok && m.doc.takes != noBody { // its handler sets deadlines
			next(w, r)
			return
		}
		rc := http.NewResponseController(w)
		if r.ContentLength < 0 || r.ContentLength > shortBytes {
			w.Header().Set("Connection", "close")
		}
		rc.SetReadDeadline(time.Now().Add(s.shortTime()))
		next(w, r)
	}
}

// refuse answers with an error before the body has been read. A client that does
// not wait for 100 Continue is still sending. If the connection were closed now, it
// would see a reset and no answer, so for a while its bytes are read and dropped.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error, jobs ...string) {
	rest := hasBody(r)
	if rest && !infoOf(r).read && r.ContentLength >= 0 && r.ContentLength <= shortBytes && r.Header.Get("Expect") == "" {
		// It is on its way already: net/http reads it and keeps the connection. When
		// many clients are refused that costs less than as many new connections.
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.shortTime()))
		s.fail(w, r, err, jobs...)
		return
	}
	if rest {
		w.Header().Set("Connection", "close")
	}
	s.fail(w, r, err, jobs...)
	if !rest {
		return
	}
	rc := http.NewResponseController(w)
	if rc.Flush() != nil {
		return
	}
	if r.Header.Get("Expect") != "" && !infoOf(r).read {
		// The client sends no body. net/http reads what is left of a short body before
		// it closes the connection, and must not wait for this one.
		rc.SetReadDeadline(time.Now())
		return
	}
	rc.SetReadDeadline(time.Now().Add(min(drainTime, s.c.Idle)))
	io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(r.Body, plus(s.c.MaxBytes, drainBytes)), make([]byte, 64<<10))
}
