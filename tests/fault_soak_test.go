package tests

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// state is what processes hold.
type state struct {
	processes   int
	descriptors int
	deleted     int // descriptors of files without a name
	threads     int
	memory      int64 // resident, bytes
}

// holds adds up what the processes hold.
func holds(t *testing.T, pids []int) state {
	t.Helper()
	s := state{processes: len(pids)}
	for _, pid := range pids {
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		s.descriptors += len(links)
		for _, l := range links {
			// A worker's memfds are "/memfd:… (deleted)" as well, and are always there.
			if to, _ := os.Readlink(l); strings.HasSuffix(to, " (deleted)") && !strings.HasPrefix(to, "/memfd:") {
				s.deleted++
			}
		}
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		for _, line := range strings.Split(string(b), "\n") {
			f := strings.Fields(line)
			if len(f) < 2 {
				continue
			}
			n, _ := strconv.ParseInt(f[1], 10, 64)
			switch f[0] {
			case "Threads:":
				s.threads += int(n)
			case "VmRSS:":
				s.memory += n << 10
			}
		}
	}
	return s
}

// asGoodAs reports whether what is held now is what was held before, give or take
// a few descriptors and threads that the runtime makes as it needs them, and
// memory that it has not yet given back.
func (s state) asGoodAs(before state) bool {
	return s.processes == before.processes && s.deleted == 0 && s.descriptors <= before.descriptors+4 &&
		s.threads <= before.threads+16 && s.memory <= before.memory+before.memory/2+32<<20
}

// goroutines asks imgd, by SIGQUIT, for the stacks of its goroutines and counts
// them. It ends imgd.
func (s *server) goroutines(t *testing.T) int {
	t.Helper()
	s.cmd.Process.Signal(syscall.SIGQUIT)
	<-s.gone
	return strings.Count("\n"+s.log.String(), "\ngoroutine ")
}

// Everything at once for as long as SOAK says (3 s if it says nothing): pictures,
// jobs, bad pictures, removals, clients that leave in the middle of an upload or
// of an answer, and killed workers. Then all that imgd and its daemons hold is as
// it was before.
func TestFaultSoak(t *testing.T) {
	length := 3 * time.Second
	if v := os.Getenv("SOAK"); v != "" {
		var err error
		if length, err = time.ParseDuration(v); err != nil {
			t.Fatal(err)
		}
	}
	s := startImgd(t, "-ttl", "3s", "-queue", "64")
	dir := t.TempDir()
	picture := read(t, save(t, dir, "p.jpg", photo(600, 400, 4)))
	want := map[string][]byte{}
	queries := []string{"gray", "scale=1/4", "gray&scale=1/2", "scale=64x64&format=png"}
	for _, q := range queries {
		_, want[q] = s.want(t, 200, "PUT", "/image?"+q, bytes.NewReader(picture))
	}
	pids := func() []int {
		all := []int{s.cmd.Process.Pid}
		for _, d := range daemonsOf(s.cmd.Process.Pid) {
			all = append(all, d.pid)
			for _, w := range children(d.pid) {
				all = append(all, w.pid)
			}
		}
		return all
	}

	var served, refused, left, failed, removed, kills, lost atomic.Int64
	complain := func(format string, args ...any) {
		if lost.Add(1) < 20 {
			t.Errorf(format, args...)
		}
	}
	one := func() {
		q := queries[rand.IntN(len(queries))]
		switch rand.IntN(10) {
		default:
			resp, b, err := s.do("PUT", "/image?"+q, bytes.NewReader(picture))
			switch {
			case err == nil && resp.StatusCode == 200 && bytes.Equal(b, want[q]):
				served.Add(1)
			case err == nil && resp.StatusCode == 503:
				refused.Add(1)
			default:
				complain("PUT /image?%s: %v %.100q", q, err, b)
			}
		case 0, 1, 2: // a job
			resp, b, err := s.do("POST", "/jobs?"+q, bytes.NewReader(picture))
			if err == nil && resp.StatusCode == 503 {
				refused.Add(1)
				return
			}
			if err != nil || resp.StatusCode != 202 {
				complain("POST /jobs?%s: %v %.100q", q, err, b)
				return
			}
			path := "/jobs/" + strings.TrimSpace(string(b))
			if rand.IntN(3) == 0 {
				resp, _, err := s.do("DELETE", path, nil)
				if err != nil || resp.StatusCode != 204 {
					complain("DELETE: %v", err)
				}
				removed.Add(1)
				return
			}
			if resp, b, err = s.do("GET", path+"/image?wait=30", nil); err != nil || resp.StatusCode != 200 || !bytes.Equal(b, want[q]) {
				complain("job ?%s: %v %.100q", q, err, b)
				return
			}
			served.Add(1)
		case 3: // damaged
			resp, b, err := s.do("PUT", "/image?"+q, bytes.NewReader(picture[:len(picture)/2]))
			if err == nil && resp.StatusCode == 503 {
				refused.Add(1)
			} else if err != nil || resp.StatusCode != 415 {
				complain("half a picture: %v %.100q", err, b)
			}
			failed.Add(1)
		case 4: // leaves in the middle of its upload
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
			if err != nil {
				complain("%v", err)
				return
			}
			fmt.Fprintf(c, "PUT /image?%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", q, len(picture), picture[:len(picture)/2])
			c.Close()
			left.Add(1)
		case 5: // leaves while it is worked on
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(30))*time.Millisecond)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, "PUT", s.url+"/image?scale=800%25", bytes.NewReader(picture))
			if err != nil {
				complain("%v", err)
				return
			}
			if resp, err := s.http.Do(req); err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			left.Add(1)
		}
	}
	spell := func(d time.Duration) {
		end := time.Now().Add(d)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for time.Now().Before(end) {
					one()
				}
			})
		}
		var killer sync.WaitGroup
		killer.Go(func() {
			tick := time.NewTicker(700 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				if w := s.workersOf(""); len(w) > 0 {
					syscall.Kill(w[rand.IntN(len(w))].pid, syscall.SIGKILL)
					kills.Add(1)
				}
			}
		})
		wg.Wait()
		close(stop)
		killer.Wait()
		s.http.CloseIdleConnections()
	}
	// quiet waits until nothing is in hand and all jobs have expired.
	quiet := func() {
		eventually.Within(t, time.Minute, "all jobs have expired and nothing is in hand", func() bool {
			m := s.jobsOf(t)
			s.http.CloseIdleConnections()
			return m["queued"]+m["running"]+m["done"]+m["failed"] == 0 &&
				s.daemonStatus(t, "grayd")["ready"] == "2" && s.daemonStatus(t, "scaled")["ready"] == "2"
		})
	}
	spell(time.Second) // everything has happened once
	quiet()
	before := holds(t, pids())
	spell(length)
	quiet()
	after := holds(t, pids())
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !after.asGoodAs(before) && time.Now().Before(deadline); <-tick.C {
		after = holds(t, pids())
	}
	temps := append(names(t, filepath.Join(s.spool, "incoming")), append(names(t, filepath.Join(s.spool, "trash")), names(t, filepath.Join(s.spool, "jobs"))...)...)
	goroutines := s.goroutines(t)

	t.Logf("%v: %d served, %d refused, %d bad ones refused, %d removed, %d clients left, %d workers killed, %d lost",
		length, served.Load(), refused.Load(), failed.Load(), removed.Load(), left.Load(), kills.Load(), lost.Load())
	t.Logf("%-24s %10s %10s", "", "before", "after")
	for _, r := range []struct {
		what          string
		before, after any
	}{
		{"processes", before.processes, after.processes}, {"descriptors", before.descriptors, after.descriptors},
		{"unnamed files", before.deleted, after.deleted}, {"threads", before.threads, after.threads},
		{"memory, MB", before.memory >> 20, after.memory >> 20}, {"goroutines of imgd", "", goroutines}, {"files in the spool", 0, len(temps)},
	} {
		t.Logf("%-24s %10v %10v", r.what, r.before, r.after)
	}
	if !after.asGoodAs(before) || len(temps) > 0 {
		t.Errorf("not all was given back: %+v, then %+v; left in the spool: %v", before, after, temps)
	}
	if goroutines > 60 {
		t.Errorf("imgd has %d goroutines with nothing to do", goroutines)
	}
	reportFault(t, faultRow{
		fault: fmt.Sprintf("everything at once for %v: workers killed", length), times: int(kills.Load()),
		served: int(served.Load()), lostDaemon: -1, lostImgd: int(lost.Load()),
	})
}
