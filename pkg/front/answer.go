package front

import (
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// answer is a ResponseWriter with a deadline: each write must end within the idle
// time. It counts the bytes of the body.
type answer struct {
	http.ResponseWriter
	rc     *http.ResponseController
	idle   time.Duration
	tcp    *net.TCPConn // nil: TLS, or a Unix socket
	status int
	bytes  int64
}

// A file is sent in strides, each with a deadline of its own. A client must take
// minTaken bytes within the idle time. On TCP a stride is maxStride bytes: when its
// deadline passes, the connection still knows how many bytes were taken.
const (
	minTaken  = smallBytes
	maxStride = 1 << 20
)

func newAnswer(w http.ResponseWriter, r *http.Request, idle time.Duration) *answer {
	rc := http.NewResponseController(w)
	rc.SetWriteDeadline(time.Time{}) // that of the connection's last request
	return &answer{ResponseWriter: w, rc: rc, idle: idle, tcp: peerOf(r).tcp}
}

// cork delays sending until it is taken off (tcp(7), TCP_CORK), so that a header and
// a small picture leave in one packet.
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

// WriteHeader sees to it that no cache keeps an error. Those of http.ServeContent, 412
// and 416, would else be kept as long as the result.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	if status >= 400 {
		a.Header().Set("Cache-Control", "no-store")
	}
	a.rc.SetWriteDeadline(time.Now().Add(a.idle))
	a.ResponseWriter.WriteHeader(status)
}

// ReadFrom sends a file, where possible by sendfile.
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
			err = nil // slow, but fast enough
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
