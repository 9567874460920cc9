package tests

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
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/eventually"
)

// fakeDaemon takes requests of img/1 as grayd does, and answers them as a test
// says: well, or in a way in which a worker that was taken over might.
type fakeDaemon struct {
	t    *testing.T
	sock string
	l    net.Listener

	mu     sync.Mutex
	acts   []string // for the requests to come; when there are none left, the last again
	served int
	kept   []*os.File // results that "keep" did not close
}

func newFakeDaemon(t *testing.T) *fakeDaemon {
	t.Helper()
	d := &fakeDaemon{t: t, sock: filepath.Join(runDir(t), "fake.sock")}
	d.listen()
	t.Cleanup(func() {
		d.l.Close()
		for _, f := range d.kept {
			f.Close()
		}
	})
	return d
}

func (d *fakeDaemon) listen() {
	l, err := net.Listen("unix", d.sock)
	if err != nil {
		d.t.Fatal(err)
	}
	d.l = l
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				d.serve(c.(*net.UnixConn))
			}()
		}
	}()
}

// will says how the next requests are answered.
func (d *fakeDaemon) will(acts ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.acts, d.served = acts, 0
}

// requests returns how many there were since will.
func (d *fakeDaemon) requests() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.served
}

// next returns how to answer the request that has come.
func (d *fakeDaemon) next() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.acts[min(d.served, len(d.acts)-1)]
	d.served++
	return a
}

// serve answers one request. A connection without one is imgd's, which looks
// whether somebody is there.
func (d *fakeDaemon) serve(c *net.UnixConn) {
	line, oob := make([]byte, 1024), make([]byte, unix.CmsgSpace(8))
	n, oobn, _, _, err := c.ReadMsgUnix(line, oob)
	if err != nil || n == 0 {
		return
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(msgs) != 1 {
		d.t.Errorf("%q came with %d messages of rights: %v", line[:n], len(msgs), err)
		return
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 2 {
		d.t.Errorf("%q came with %d descriptors: %v", line[:n], len(fds), err)
		return
	}
	in, out := os.NewFile(uintptr(fds[0]), "in"), os.NewFile(uintptr(fds[1]), "out")
	defer in.Close()
	answer := func(n int) string {
		return fmt.Sprintf("ok type=image/png width=60 height=40 len=%d\n", n)
	}
	act := d.next()
	var say string
	switch b, err := io.ReadAll(in); {
	case err != nil:
		d.t.Error(err)
	case act == "well":
		out.Write(b)
		say = answer(len(b))
	case act == "die":
		out.Write(b[:len(b)/2])
	case act == "say more than is there":
		out.Write(b[:len(b)/2])
		say = answer(len(b))
	case act == "say less than is there":
		out.Write(b)
		say = answer(len(b) / 2)
	case act == "say nothing is there":
		say = answer(0)
	case act == "call it a page":
		out.Write(b)
		say = fmt.Sprintf("ok type=text/html width=60 height=40 len=%d\n", len(b))
	case act == "talk nonsense":
		say = "certainly!\n"
	case act == "never end the line":
		say = strings.Repeat("ok ", 1000)
	case act == "keep the result open":
		out.Write(b)
		say = answer(len(b))
		d.mu.Lock()
		d.kept = append(d.kept, out)
		d.mu.Unlock()
		c.Write([]byte(say))
		return
	case act == "have no room":
		say = "err busy no room\n"
	case act == "refuse":
		say = "err format it is no picture\n"
	}
	out.Close()
	io.WriteString(c, say)
}

// scribble writes over every result that was kept open.
func (d *fakeDaemon) scribble() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.kept {
		f.WriteAt([]byte("SCRIBBLE"), 0)
	}
}

// A worker that dies, lies or keeps what it should close is asked no second time:
// another is. If that one does the same, the picture fails with the reason and is
// not tried a third time. Only what a worker said and what lies in the file
// together become a result, and nobody can change it afterwards.
func TestFaultDaemonsThatLie(t *testing.T) {
	d := newFakeDaemon(t)
	s := restartImgd(t, runDir(t), filepath.Join(t.TempDir(), "spool"), "-n", "1", "-grayd", d.sock, "-scaled", d.sock)
	picture := read(t, save(t, t.TempDir(), "p.png", photo(60, 40, 1)))
	ask := func(job bool) (int, []byte) {
		t.Helper()
		if !job {
			resp, b, err := s.do("PUT", "/image?gray", bytes.NewReader(picture))
			if err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode, b
		}
		_, b := s.want(t, 202, "POST", "/jobs?gray", bytes.NewReader(picture))
		path := "/jobs/" + strings.TrimSpace(string(b)) + "/image"
		resp, first, err := s.do("GET", path+"?wait=60", nil)
		if err != nil {
			t.Fatal(err)
		}
		d.scribble()
		if again, second, err := s.do("GET", path, nil); err != nil || again.StatusCode != resp.StatusCode || !bytes.Equal(first, second) {
			t.Errorf("it is no longer what it was: %v", errors.Join(err))
		}
		return resp.StatusCode, first
	}
	row := faultRow{fault: "worker dies, lies, or keeps the result (a fake daemon)", lostDaemon: -1}
	for _, act := range []string{
		"die", "say more than is there", "say less than is there", "say nothing is there",
		"call it a page", "talk nonsense", "never end the line", "keep the result open",
	} {
		for _, job := range []bool{false, true} {
			what := fmt.Sprintf("%s, job %v", act, job)
			d.will(act, "well")
			row.times++
			if status, b := ask(job); status != 200 || !bytes.Equal(b, picture) {
				t.Errorf("%s, then well: %d %.200q", what, status, b)
				row.lostImgd++
			} else {
				row.served++
			}
			if n := d.requests(); n != 2 {
				t.Errorf("%s, then well: %d requests, want 2", what, n)
			}
			d.will(act)
			row.times += 2
			status, b := ask(job)
			if status != 500 || bytes.Count(b, []byte("\n")) != 1 || !bytes.Contains(b, []byte("2 workers died of this picture")) {
				t.Errorf("%s, always: %d %.200q, want 500 and why", what, status, b)
			}
			if n := d.requests(); n != 2 {
				t.Errorf("%s, always: %d requests, want 2", what, n)
			}
		}
	}
	reportFault(t, row)
	for _, job := range []bool{false, true} {
		d.will("have no room", "have no room", "have no room", "well")
		if status, b := ask(job); status != 200 || d.requests() != 4 {
			t.Errorf("busy three times: %d %.200q after %d requests", status, b, d.requests())
		}
		d.will("refuse")
		if status, b := ask(job); status != 415 || !bytes.Contains(b, []byte("it is no picture")) || d.requests() != 1 {
			t.Errorf("refused: %d %.200q after %d requests", status, b, d.requests())
		}
	}
	if left := names(t, filepath.Join(s.spool, "incoming")); len(left) > 0 {
		t.Errorf("incoming has %v", left)
	}
}

// While there is no daemon jobs are accepted and wait, pictures are told to come
// again, and /readyz says so; when it is back all goes on by itself.
func TestFaultDaemonsAwayAndBack(t *testing.T) {
	d := newFakeDaemon(t)
	d.will("well")
	s := restartImgd(t, runDir(t), filepath.Join(t.TempDir(), "spool"), "-n", "1", "-grayd", d.sock, "-scaled", d.sock)
	picture := read(t, save(t, t.TempDir(), "p.png", photo(60, 40, 1)))
	row := faultRow{fault: "daemons away for 7 s", times: 1, lostDaemon: -1}
	d.l.Close()
	gone := time.Now()
	var ids []string
	for range 10 {
		_, b := s.want(t, 202, "POST", "/jobs?gray", bytes.NewReader(picture))
		ids = append(ids, strings.TrimSpace(string(b)))
	}
	resp, b := s.want(t, 503, "PUT", "/image?gray", bytes.NewReader(picture))
	if resp.Header.Get("Retry-After") == "" {
		t.Errorf("503 without Retry-After: %q", b)
	}
	if took := time.Since(gone); took < 4*time.Second || took > 20*time.Second {
		t.Errorf("a daemon was looked for during %v, want about 5 s", took)
	}
	eventually.Within(t, 20*time.Second, "/readyz says 503", func() bool {
		resp, _, err := s.do("GET", "/readyz", nil)
		return err == nil && resp.StatusCode == 503
	})
	eventually.Within(t, 20*time.Second, "7 s are over", func() bool { return time.Since(gone) > 7*time.Second })
	for i, id := range ids {
		if _, b := s.want(t, 200, "GET", "/jobs/"+id, nil); !bytes.Contains(b, []byte("state: queued")) && !bytes.Contains(b, []byte("state: running")) {
			t.Errorf("job %d without a daemon: %s", i, b)
			row.lostImgd++
		}
	}
	d.listen()
	back := time.Now()
	s.ready(t)
	for i, id := range ids {
		resp, b, err := s.do("GET", "/jobs/"+id+"/image?wait=60", nil)
		if err != nil || resp.StatusCode != 200 || !bytes.Equal(b, picture) {
			t.Errorf("job %d: %v %.200q", i, err, b)
			row.lostImgd++
			continue
		}
		row.served++
	}
	row.recovery = time.Since(back)
	s.want(t, 200, "PUT", "/image?gray", bytes.NewReader(picture))
	if limit := time.Duration(few(40, 10)) * time.Second; row.recovery > limit {
		t.Errorf("all were done %v after the daemon was back", row.recovery)
	}
	reportFault(t, row)
}
