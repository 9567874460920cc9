package tests

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// statusOfDaemon reads what a daemon says of itself on SOCK.status; nil when it
// says nothing.
func statusOfDaemon(sock string) map[string]string {
	c, err := net.Dial("unix", sock+".status")
	if err != nil {
		return nil
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	b, err := io.ReadAll(c)
	if err != nil {
		return nil
	}
	m := map[string]string{}
	for _, line := range strings.Split(string(b), "\n") {
		k, v, _ := strings.Cut(line, ": ")
		m[k] = v
	}
	return m
}

// house is an imgd over a grayd and a scaled of their own, with clients at work.
type house struct {
	t       *testing.T
	picture []byte
	both    []byte // by gray&scale=1/4
	quarter []byte // by scale=1/4

	imgd        *server
	gray, scale *server
	graySock    string
	scaleSock   string

	viaImgd, lostImgd     atomic.Int64
	viaDaemon, lostDaemon atomic.Int64
}

func newHouse(t *testing.T) *house {
	h := &house{t: t}
	h.gray, h.graySock = startDaemon(t, "grayd", "-n", "2")
	h.scale, h.scaleSock = startDaemon(t, "scaled", "-n", "2")
	h.imgd = restartImgd(t, runDir(t), filepath.Join(t.TempDir(), "spool"), "-grayd", h.graySock, "-scaled", h.scaleSock)
	dir := t.TempDir()
	h.picture = read(t, save(t, dir, "p.jpg", photo(600, 400, 4)))
	h.quarter = must(t, dir, "scale 1/4 < p.jpg")
	_, h.both = h.imgd.want(t, 200, "PUT", "/image?gray&scale=1/4", bytes.NewReader(h.picture))
	h.whole()
	return h
}

// whole waits until both daemons have two workers ready.
func (h *house) whole() {
	h.t.Helper()
	for _, sock := range []string{h.graySock, h.scaleSock} {
		eventually.Within(h.t, 40*time.Second, "two workers are ready", func() bool {
			st := statusOfDaemon(sock)
			return st["ready"] == "2" && st["workers"] == "2"
		})
	}
}

// load has five clients ask imgd and two scaled itself until stop.
func (h *house) load() (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	loop := func(f func()) {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					f()
				}
			}
		})
	}
	for range 5 {
		loop(func() {
			resp, b, err := h.imgd.do("PUT", "/image?gray&scale=1/4", bytes.NewReader(h.picture))
			if err != nil || resp.StatusCode != 200 || !bytes.Equal(b, h.both) {
				h.lostImgd.Add(1)
				h.t.Errorf("through imgd: %v %.200q", err, b)
				return
			}
			h.viaImgd.Add(1)
		})
	}
	for range 2 {
		loop(func() {
			b, err := request("unix", h.scaleSock, "img/1 scale 1/4", h.picture)
			if err != nil {
				h.lostDaemon.Add(1)
				<-time.After(20 * time.Millisecond) // it may be away for a while
				return
			}
			if !bytes.HasSuffix(b, h.quarter) {
				h.t.Errorf("scaled answered with another picture: %.80q", b)
			}
			h.viaDaemon.Add(1)
		})
	}
	return func() { close(done); wg.Wait() }
}

// again restarts a daemon on its socket, as a service manager would.
func (h *house) again(name, sock string) *server {
	s := spawn(h.t, filepath.Dir(sock), name, "-n", "2")
	s.waitFor(h.t, sock)
	return s
}

// signalWorkers sends sig to all workers of daemons.
func signalWorkers(sig syscall.Signal, daemons ...*server) {
	for _, d := range daemons {
		for _, w := range children(d.cmd.Process.Pid) {
			syscall.Kill(w.pid, sig)
		}
	}
}

// killWorkers kills all workers of daemons as if in one instant: they are stopped
// before. Otherwise a picture of one that is killed could go on to another that is still
// to be killed, and two deaths are the end of a picture.
func killWorkers(daemons ...*server) {
	signalWorkers(syscall.SIGSTOP, daemons...)
	signalWorkers(syscall.SIGKILL, daemons...)
}

// Under load, workers and daemons are killed, stopped and restarted, many times. A
// client of the daemon itself loses only the requests that were being worked on; a
// client of imgd loses none. Soon afterwards all workers are ready again.
func TestFaultWorkersAndDaemons(t *testing.T) {
	h := newHouse(t)
	some := func() *server { return []*server{h.gray, h.scale}[rand.IntN(2)] }
	for _, f := range []struct {
		what string
		do   func()
		most int // lost at the daemon each time
	}{
		{"worker killed", func() {
			if w := children(some().cmd.Process.Pid); len(w) > 0 {
				syscall.Kill(w[rand.IntN(len(w))].pid, syscall.SIGKILL)
			}
		}, 2}, // a worker may gather the streams of both clients
		{"all workers killed", func() { killWorkers(h.gray, h.scale) }, 2},
		{"worker stopped for half a second", func() {
			w := children(some().cmd.Process.Pid)
			if len(w) == 0 {
				return
			}
			syscall.Kill(w[0].pid, syscall.SIGSTOP)
			<-time.After(500 * time.Millisecond)
			syscall.Kill(w[0].pid, syscall.SIGCONT)
		}, 0},
		{"supervisor stopped for a second", func() {
			s := some()
			s.cmd.Process.Signal(syscall.SIGSTOP)
			<-time.After(time.Second)
			s.cmd.Process.Signal(syscall.SIGCONT)
		}, 0},
		{"daemons told to replace their workers (HUP), twice", func() {
			old := append(children(h.gray.cmd.Process.Pid), children(h.scale.cmd.Process.Pid)...)
			for range 2 {
				h.gray.cmd.Process.Signal(syscall.SIGHUP)
				h.scale.cmd.Process.Signal(syscall.SIGHUP)
			}
			eventually.Within(t, time.Minute, "no worker is an old one", func() bool {
				for _, d := range []*server{h.gray, h.scale} {
					for _, w := range children(d.cmd.Process.Pid) {
						if slices.ContainsFunc(old, func(o process) bool { return o.pid == w.pid }) {
							return false
						}
					}
				}
				return true
			})
		}, 0},
		{"daemon ended (TERM) and started again", func() {
			h.scale.stop(t)
			h.scale = h.again("scaled", h.scaleSock)
		}, 100},
		{"daemon killed and started again", func() {
			h.gray.kill()
			h.scale.kill()
			h.gray, h.scale = h.again("grayd", h.graySock), h.again("scaled", h.scaleSock)
		}, 100},
	} {
		h.viaImgd.Store(0)
		h.lostImgd.Store(0)
		h.viaDaemon.Store(0)
		h.lostDaemon.Store(0)
		row := faultRow{fault: f.what}
		stop := h.load()
		for range few(2, 20) {
			next := h.viaImgd.Load() + 10
			eventually.Within(t, time.Minute, "ten more pictures", func() bool { return h.viaImgd.Load() >= next || h.lostImgd.Load() > 0 })
			begin := time.Now()
			f.do()
			h.whole()
			row.times++
			row.recovery = max(row.recovery, time.Since(begin))
		}
		stop()
		row.served = int(h.viaImgd.Load() + h.viaDaemon.Load())
		row.lostDaemon, row.lostImgd = int(h.lostDaemon.Load()), int(h.lostImgd.Load())
		if row.lostDaemon > f.most*row.times {
			t.Errorf("%s: %d requests lost at the daemon in %d times", f.what, row.lostDaemon, row.times)
		}
		if limit := time.Duration(few(30, 10)) * time.Second; row.recovery > limit {
			t.Errorf("%s: as before only after %v", f.what, row.recovery)
		}
		reportFault(t, row)
	}
}

// More connections come than imgd may have open files. Idle ones make room, so that
// each request is answered at once.
func TestFaultFullDescriptorTable(t *testing.T) {
	d := startDaemons(t)
	picture := read(t, save(t, t.TempDir(), "p.png", photo(60, 40, 1)))
	spool := filepath.Join(t.TempDir(), "spool")
	sh := fmt.Sprintf("ulimit -n 64; exec imgd -p 0 -n 1 -spool %s -grayd %s -scaled %s", spool, d.gray, d.scale)
	s := spawn(t, runDir(t), "bash", "-c", sh)
	s.spool = spool
	if err := s.attach(t); err != nil {
		t.Fatal(err)
	}
	s.ready(t)
	_, b := s.want(t, 202, "POST", "/jobs?gray", bytes.NewReader(picture))
	id := strings.TrimSpace(string(b))
	s.want(t, 200, "GET", "/jobs/"+id+"/image?wait=60", nil)
	row := faultRow{fault: "more idle connections than open files", lostDaemon: -1}
	for range few(1, 5) {
		var conns []net.Conn
		for range 100 {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, c)
		}
		s.http.CloseIdleConnections() // imgd has closed it to make room, or is about to
		row.times++
		begin := time.Now()
		s.want(t, 200, "PUT", "/image?gray", bytes.NewReader(picture))
		s.want(t, 200, "GET", "/jobs/"+id+"/image", nil)
		row.served += 2
		row.recovery = max(row.recovery, time.Since(begin))
		if row.recovery > 5*time.Second {
			t.Errorf("answered after %v", row.recovery)
		}
		for _, c := range conns {
			c.Close()
		}
	}
	reportFault(t, row)
}
