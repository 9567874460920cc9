package daemontest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"imgtools/pkg/daemon/fdpass"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/eventually"
)

// Request is one in descriptor form, sent and not yet answered.
type Request struct {
	Conn    Conn
	OutPath string
	in      *os.File
	held    int64 // bytes to which the input must shrink before it is answered
}

// Send sends line with two files, the first with text.
func Send(dir, path, line, text string) (*Request, error) {
	in, err := os.CreateTemp(dir, "in")
	if err != nil {
		return nil, err
	}
	if _, err := in.WriteString(text); err != nil {
		return nil, err
	}
	r := &Request{OutPath: in.Name() + ".out", in: in, held: -1}
	ro, err := os.Open(in.Name())
	if err != nil {
		return nil, err
	}
	defer ro.Close()
	out, err := os.OpenFile(r.OutPath, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if strings.Contains(line, "do=hold") {
		r.held = int64(len(text))
		if _, err := in.WriteString("!"); err != nil {
			return nil, err
		}
	}
	if r.Conn, err = Dial("unix", path); err != nil {
		return nil, err
	}
	rc, err := r.Conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	return r, fdpass.Send(rc, []byte(line+"\n"), int(ro.Fd()), int(out.Fd()))
}

// Answer lets a held request go and returns what came of it; the output is checked
// against len.
func (r *Request) Answer() (wire.Reply, string, error) {
	if r.held >= 0 {
		if err := r.in.Truncate(r.held); err != nil {
			return wire.Reply{}, "", err
		}
	}
	r.in.Close()
	defer r.Conn.Close()
	line, err := bufio.NewReader(r.Conn).ReadString('\n')
	if err != nil {
		return wire.Reply{}, "", err
	}
	reply, err := wire.ParseReply(strings.TrimSuffix(line, "\n"))
	if err != nil {
		return reply, "", err
	}
	out, err := os.ReadFile(r.OutPath)
	if err == nil && int64(len(out)) != reply.Len {
		err = fmt.Errorf("%d bytes in the file, %d said", len(out), reply.Len)
	}
	return reply, string(out), err
}

// Discard closes the input of a request whose connection is closed.
func (r *Request) Discard() { r.in.Close() }

// Ask is one request in descriptor form.
func (p *Process) Ask(line, text string) (wire.Reply, string, error) {
	p.t.Helper()
	r, err := Send(p.t.TempDir(), p.Path, line, text)
	if err != nil {
		p.t.Fatal(err)
	}
	return r.Answer()
}

// Hold sends a request that is worked on until it is answered, and waits until
// busy workers are at work.
func (p *Process) Hold(busy int) *Request {
	p.t.Helper()
	r, err := Send(p.t.TempDir(), p.Path, "img/1 gray do=hold", "held")
	if err != nil {
		p.t.Fatal(err)
	}
	eventually.True(p.t, fmt.Sprint(busy, " busy workers"), func() bool { return p.Status()["busy"] == strconv.Itoa(busy) })
	return r
}

// Queue sends n requests, which wait while all workers are held.
func (p *Process) Queue(n int) (queued []*Request) {
	p.t.Helper()
	for range n {
		r, err := Send(p.t.TempDir(), p.Path, "img/1 gray", "queued")
		if err != nil {
			p.t.Fatal(err)
		}
		queued = append(queued, r)
	}
	return queued
}

// Answered checks the answers to all that Queue sent.
func Answered(t *testing.T, queued []*Request) {
	t.Helper()
	for i, r := range queued {
		if _, out, err := r.Answer(); err != nil || out != "QUEUED" {
			t.Errorf("queued request %d: %q, %v", i, out, err)
		}
	}
}

// Stream is one request in the stream form; with half, the client then shuts down
// writing.
func Stream(network, addr, line, body string, half bool) (wire.Reply, string, error) {
	c, err := Dial(network, addr)
	if err != nil {
		return wire.Reply{}, "", err
	}
	defer c.Close()
	if _, err := io.WriteString(c, line+"\n"+body); err != nil {
		return wire.Reply{}, "", err
	}
	if half {
		c.CloseWrite()
	}
	return Result(c)
}

// Result reads a reply and the bytes that follow it.
func Result(c io.Reader) (wire.Reply, string, error) {
	all, err := io.ReadAll(c)
	if err != nil {
		return wire.Reply{}, "", err
	}
	line, rest, ok := strings.Cut(string(all), "\n")
	if !ok {
		return wire.Reply{}, "", io.ErrUnexpectedEOF
	}
	reply, err := wire.ParseReply(line)
	if err == nil && int64(len(rest)) != reply.Len {
		err = fmt.Errorf("%d bytes, %d said", len(rest), reply.Len)
	}
	return reply, rest, err
}

// SendRaw sends bytes with any descriptors and returns what comes back; with
// half, it shuts down writing after them.
func SendRaw(t *testing.T, path, bytes string, files []*os.File, half bool) (wire.Reply, string, error) {
	t.Helper()
	c, err := Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	rc, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var fds []int
	for _, f := range files {
		raw, err := f.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) { fds = append(fds, int(fd)) })
	}
	if err := fdpass.Send(rc, []byte(bytes), fds...); err != nil {
		t.Fatal(err)
	}
	if half {
		c.CloseWrite()
	}
	return Result(c)
}

// Load asks in n goroutines until stop is closed. What it returns then gives the numbers of
// requests that were answered well and that were not.
func (p *Process) Load(n int, stop chan struct{}) func() (ok, lost int64) {
	var good, bad atomic.Int64
	var wg sync.WaitGroup
	dir := p.t.TempDir()
	for range n {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, err := Send(dir, p.Path, "img/1 gray", "load")
				if err == nil {
					_, _, err = r.Answer()
				}
				if err != nil {
					bad.Add(1)
				} else {
					good.Add(1)
				}
			}
		})
	}
	return func() (int64, int64) { wg.Wait(); return good.Load(), bad.Load() }
}

// UntilReady waits until so many workers are ready, after so many deaths.
func (p *Process) UntilReady(workers int, respawned int) {
	p.t.Helper()
	eventually.True(p.t, fmt.Sprintf("%d workers ready after %d deaths", workers, respawned), func() bool {
		s := p.Status()
		return s["ready"] == strconv.Itoa(workers) && s["respawned"] == strconv.Itoa(respawned)
	})
}
