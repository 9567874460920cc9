// Package fakedaemon is a grayd or scaled for tests of the front: it speaks img/1
// with real sockets and descriptors, and a test decides what it answers. Only tests
// import it.
package fakedaemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"imgtools/pkg/daemon/fdpass"
	"imgtools/pkg/daemon/wire"
)

// maxLine is more than a request line has.
const maxLine = 64 << 10

// Request is what the daemon was asked.
type Request struct {
	Conn    net.Conn
	Line    string     // without its newline
	In, Out *os.File   // nil in the stream form
	More    []*os.File // of several results: the second and later ones
	Body    []byte     // the picture
}

// Write puts b into the result file, what more has into those of the further results,
// and closes all files.
func (r *Request) Write(b string, more ...string) {
	io.WriteString(r.Out, b)
	for i := range min(len(more), len(r.More)) {
		io.WriteString(r.More[i], more[i])
	}
	r.close()
}

func (r *Request) close() {
	for _, f := range append([]*os.File{r.In, r.Out}, r.More...) {
		f.Close()
	}
}

// Say answers with a line.
func (r *Request) Say(line string) { io.WriteString(r.Conn, line+"\n") }

// OK answers as a good worker does: words describe the result b, and those of more.
func (r *Request) OK(words, b string, more ...string) {
	if r.Out != nil {
		r.Write(b, more...)
	}
	line := fmt.Sprintf("ok %s len=%d", words, len(b))
	for i, m := range more {
		line += fmt.Sprintf(" len%d=%d", i+2, len(m))
	}
	r.Say(line)
	if r.Out == nil {
		io.WriteString(r.Conn, b+strings.Join(more, ""))
	}
}

// Keep leaves both files open when the handler returns.
func (r *Request) Keep() { r.In, r.Out = nil, nil }

// Daemon is a running fake. It ends with its test.
type Daemon struct {
	Address string // unix:PATH or tcp:HOST:PORT

	mu    sync.Mutex
	lines []string
}

// Lines returns the request lines so far.
func (d *Daemon) Lines() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.lines...)
}

// Path returns the path of a Unix address.
func (d *Daemon) Path() string { return strings.TrimPrefix(d.Address, "unix:") }

// Start serves a Unix or TCP address. It calls handle for each request, with its
// number from 1, and closes the connection and the files afterwards.
func Start(t testing.TB, network string, handle func(n int, r *Request)) *Daemon {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "d.sock")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{Address: network + ":" + l.Addr().String()}
	serve(t, l, func(n int, conn net.Conn) {
		r, err := receive(conn)
		if err != nil {
			return
		}
		d.mu.Lock()
		d.lines = append(d.lines, r.Line)
		d.mu.Unlock()
		handle(n, r)
		if r.In != nil {
			r.close()
		}
	})
	return d
}

// Status serves text as the status of a daemon with a Unix address.
func (d *Daemon) Status(t testing.TB, text string) {
	t.Helper()
	l, err := net.Listen("unix", d.Path()+".status")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, func(_ int, conn net.Conn) { io.WriteString(conn, text) })
}

// serve calls handle for each connection until the test ends.
func serve(t testing.TB, l net.Listener, handle func(n int, conn net.Conn)) {
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				handle(n, conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
}

// receive reads a request of either form.
func receive(conn net.Conn) (*Request, error) {
	buf := make([]byte, maxLine)
	r := &Request{Conn: conn}
	if u, ok := conn.(*net.UnixConn); ok {
		raw, err := u.SyscallConn()
		if err != nil {
			return nil, err
		}
		n, fds, err := fdpass.Recv(raw, buf, 1+wire.MaxResults)
		if err != nil {
			return nil, err
		}
		if len(fds) < 2 {
			return nil, errors.New("less than two descriptors")
		}
		r.Line = strings.TrimSuffix(string(buf[:n]), "\n")
		r.In, r.Out = os.NewFile(uintptr(fds[0]), "in"), os.NewFile(uintptr(fds[1]), "out")
		for _, fd := range fds[2:] {
			r.More = append(r.More, os.NewFile(uintptr(fd), "out"))
		}
		r.Body, err = io.ReadAll(r.In)
		return r, err
	}
	var all []byte
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		all = append(all, buf[:n]...)
		line, body, ok := bytes.Cut(all, []byte("\n"))
		if !ok {
			continue
		}
		req, err := wire.ParseRequest(string(line))
		if err != nil {
			return nil, err
		}
		if int64(len(body)) >= req.Len {
			r.Line, r.Body = string(line), body
			return r, nil
		}
	}
}
