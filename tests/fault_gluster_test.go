package tests

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/eventually"
	"imgtools/pkg/jobid"
)

// glusterPause is how long a client waits that was told to come again.
const glusterPause = 100 * time.Millisecond

// twoImgd is two imgd on one spool, each with a mount and daemons of its own.
type twoImgd struct {
	t        *testing.T
	g        *gluster
	mounts   [2]*glusterMount
	daemons  [2]daemons
	scaled   [2]*server // the servers of daemons.scale
	run      [2]string
	pictures []powerPicture
	imgd     [2]atomic.Pointer[server]
}

func newTwoImgd(t *testing.T, bricks int) *twoImgd {
	t.Helper()
	s := &twoImgd{t: t, g: newGluster(t, bricks), pictures: powerPictures(t)}
	for i := range 2 {
		s.mounts[i] = s.g.mount(fmt.Sprint("m", i))
		_, s.daemons[i].gray = startDaemon(t, "grayd", "-n", "1", "-t", "5m")
		s.scaled[i], s.daemons[i].scale = startDaemon(t, "scaled", "-n", "1", "-t", "5m")
		s.run[i] = runDir(t)
	}
	for i := range 2 {
		s.start(i)
	}
	return s
}

// start starts an imgd; several may follow each other.
func (s *twoImgd) start(i int) {
	s.t.Helper()
	s.imgd[i].Store(restartImgd(s.t, s.run[i], s.spool(i), append([]string{"-n", "1", "-t", "5m"}, s.daemons[i].flags()...)...))
}

func (s *twoImgd) spool(i int) string { return filepath.Join(s.mounts[i].dir, "spool") }

// glusterJob is a job that was acknowledged.
type glusterJob struct {
	id, etag string
	picture  int
}

// put hands a picture in until an imgd acknowledges it, as a client does that has
// both addresses.
func (s *twoImgd) put(i int) glusterJob {
	j := glusterJob{id: jobid.New(), picture: i % len(s.pictures)}
	p := s.pictures[j.picture]
	last := ""
	if !eventually.Is(2*time.Minute, func() bool {
		if i++; last != "" {
			<-time.After(glusterPause)
		}
		resp, b, err := s.imgd[i%2].Load().do("PUT", "/jobs/"+j.id+"?"+p.query, bytes.NewReader(p.body))
		if err == nil {
			last = fmt.Sprintf("%s %s", resp.Status, b)
		}
		return err == nil && resp.StatusCode == 202
	}) {
		s.t.Errorf("job %s was never acknowledged: %s", j.id, last)
	}
	return j
}

// fetch returns the ETag of a job's right result at one imgd, or why there is none.
func (s *twoImgd) fetch(i int, j glusterJob) (etag string, err error) {
	eventually.Is(time.Minute, func() bool {
		var resp *http.Response
		var b []byte
		resp, b, err = s.imgd[i].Load().do("GET", "/jobs/"+j.id+"/image?wait=30", nil)
		switch {
		case err != nil:
			return false
		case resp.StatusCode == 503 || resp.StatusCode == 404: // the disk is away, or the job not seen yet
			<-time.After(glusterPause)
			err = fmt.Errorf("%s %.100q", resp.Status, b)
			return false
		case resp.StatusCode != 200 || !bytes.Equal(b, s.pictures[j.picture].want):
			err = fmt.Errorf("%s %.100q of %d bytes", resp.Status, b, len(b))
		}
		etag = resp.Header.Get("ETag")
		return true
	})
	return etag, err
}

// ready waits until both imgd are ready.
func (s *twoImgd) ready() {
	s.t.Helper()
	for i := range 2 {
		s.imgd[i].Load().ready(s.t)
	}
}

// load hands in n jobs from both sides and does harm when a third is acknowledged,
// and heals. Then every job must have the right result, under one ETag at both imgd.
func (s *twoImgd) load(n int, fault string, harm, heal func()) {
	t := s.t
	t.Helper()
	jobs := make([]glusterJob, n)
	var acked atomic.Int64
	third, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		each(n, 6, func(i int) {
			if jobs[i] = s.put(i); acked.Add(1) == int64(n/3) {
				close(third)
			}
			if i%3 == 0 { // some results are fetched at once: they never change
				if etag, err := s.fetch(i%2, jobs[i]); err == nil {
					jobs[i].etag = etag
				}
			}
		})
	}()
	<-third
	harm()
	begin := time.Now()
	heal()
	row := faultRow{fault: "GlusterFS: " + fault, times: 1, lostDaemon: -1, recovery: time.Since(begin)}
	<-done
	var mu sync.Mutex
	each(n, 6, func(i int) {
		j := jobs[i]
		var lost error
		for side := range 2 {
			etag, err := s.fetch(side, j)
			if j.etag == "" {
				j.etag = etag
			}
			if err == nil && (etag == "" || etag != j.etag) {
				err = fmt.Errorf("ETag %s, was %s", etag, j.etag)
			}
			if err != nil {
				lost = fmt.Errorf("at imgd %d: %w", side, err)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if lost != nil {
			row.lostImgd++
			t.Errorf("job %s: %v", j.id, lost)
		} else {
			row.served++
		}
	})
	for _, j := range jobs {
		s.tidy(j.id)
	}
	reportFault(t, row)
}

// tidy checks that the folder of a job shows one outcome and nothing else.
func (s *twoImgd) tidy(id string) {
	s.t.Helper()
	var has []string
	if !eventually.Is(eventually.Patience, func() bool {
		has = names(s.t, filepath.Join(s.spool(1), "jobs", id))
		return slices.Contains(has, "out") && !slices.ContainsFunc(has, func(n string) bool { return n == "in" || n == "error" || strings.Contains(n, ".") })
	}) {
		s.t.Errorf("job %s has %v", id, has)
	}
}

// state waits until a job is in a state at one imgd.
func (s *twoImgd) state(i int, id, state string) {
	s.t.Helper()
	var b []byte
	if !eventually.Is(time.Minute, func() bool {
		_, b, _ = s.imgd[i].Load().do("GET", "/jobs/"+id, nil)
		return strings.Contains(string(b), "state: "+state+"\n")
	}) {
		s.t.Errorf("not %s at imgd %d: %s", state, i, b)
	}
}

// workers sends a signal to the workers of the first scaled.
func (s *twoImgd) workers(sig syscall.Signal) { signalWorkers(sig, s.scaled[0]) }

// hold stops the first scaled's worker and hands a job in that it gets.
func (s *twoImgd) hold() glusterJob {
	s.t.Helper()
	const scaled = 1 // of the pictures
	j := glusterJob{id: jobid.New(), picture: scaled}
	s.workers(syscall.SIGSTOP)
	p := s.pictures[scaled]
	s.imgd[0].Load().want(s.t, 202, "PUT", "/jobs/"+j.id+"?"+p.query, bytes.NewReader(p.body))
	s.state(0, j.id, "running")
	return j
}

// workWithoutBrick lets a worker work on a job while the brick is away, and so fail to
// read or write its files. There is no other imgd: the job must not fail, but be done
// when the brick is back.
func (s *twoImgd) workWithoutBrick(fault string) {
	t := s.t
	t.Helper()
	s.imgd[1].Load().stop(t)
	j := s.hold()
	defer s.workers(syscall.SIGCONT)
	s.killBrick()
	s.workers(syscall.SIGCONT)
	s.unready(0)
	s.g.startBrick(s.mounts[:]...)
	begin := time.Now()
	row := faultRow{fault: "GlusterFS: " + fault, times: 1, lostDaemon: -1}
	if _, err := s.fetch(0, j); err != nil {
		row.lostImgd++
		t.Errorf("job %s: %v", j.id, err)
	} else {
		row.served++
	}
	row.recovery = time.Since(begin)
	s.tidy(j.id)
	reportFault(t, row)
}

// lostLock lets the first imgd hold a job whose lock the file server forgets. With
// frozen the imgd stands still meanwhile, its job done but not ended; otherwise its
// worker does. The second imgd does the job. Then the first goes on, and must change
// nothing.
func (s *twoImgd) lostLock(fault string, frozen bool) {
	t := s.t
	t.Helper()
	imgd := s.imgd[0].Load()
	j := s.hold()
	defer s.workers(syscall.SIGCONT)
	for i := range 2 {
		s.state(i, j.id, "running")
	}
	if frozen {
		imgd.cmd.Process.Signal(syscall.SIGSTOP)
		defer imgd.cmd.Process.Signal(syscall.SIGCONT)
		s.workers(syscall.SIGCONT)
	}
	s.killBrick()
	s.g.startBrick(s.mounts[:]...)
	begin := time.Now()
	s.state(1, j.id, "done")
	row := faultRow{fault: "GlusterFS: " + fault, times: 1, served: 1, lostDaemon: -1, recovery: time.Since(begin)}
	var err error
	if j.etag, err = s.fetch(1, j); err != nil || j.etag == "" {
		t.Fatalf("at the other imgd: ETag %q, %v", j.etag, err)
	}
	imgd.cmd.Process.Signal(syscall.SIGCONT)
	s.workers(syscall.SIGCONT)
	if _, err := imgd.log.Wait(time.Minute, imgd.gone, func(out string) string {
		if strings.Contains(out, "ended or removed by another") {
			return out
		}
		return ""
	}); err != nil {
		t.Errorf("the first imgd does not notice: %v", err)
	}
	for i := range 2 {
		if etag, err := s.fetch(i, j); err != nil || etag != j.etag {
			row.lostImgd++
			t.Errorf("at imgd %d: ETag %s, was %s, %v", i, etag, j.etag, err)
		}
	}
	s.tidy(j.id)
	reportFault(t, row)
}

// Two imgd share a spool on GlusterFS, each through a mount of its own. Whatever is
// killed, no job is lost, and none is visibly done twice.
func TestFaultGluster(t *testing.T) {
	if !allFaults || os.Geteuid() != 0 {
		t.Log("make faults does it, as root")
		return
	}
	const jobs = 150
	t.Run("an imgd killed", func(t *testing.T) {
		s := newTwoImgd(t, 1)
		s.load(jobs, "an imgd killed", s.imgd[0].Load().kill, func() { s.start(0) })
	})
	t.Run("a mount killed", func(t *testing.T) {
		s := newTwoImgd(t, 1)
		s.load(jobs, "a mount killed", func() {
			s.mounts[0].kill()
			s.unready(0)
		}, func() {
			s.mounts[0].again()
			s.ready()
		})
	})
	t.Run("the brick killed", func(t *testing.T) {
		s := newTwoImgd(t, 1)
		s.load(jobs, "the brick killed", func() {
			s.killBrick()
			s.unready(0)
			s.unready(1)
		}, func() {
			s.g.startBrick(s.mounts[:]...)
			s.ready()
		})
	})
	t.Run("one brick of three killed", func(t *testing.T) {
		s := newTwoImgd(t, 3)
		s.load(jobs, "one brick of three killed", s.killBrick, func() {
			s.g.startBrick(s.mounts[:]...)
			s.ready()
		})
	})
	t.Run("the brick killed under a worker", func(t *testing.T) {
		newTwoImgd(t, 1).workWithoutBrick("the brick killed under a worker")
	})
	t.Run("locks lost, a worker stopped", func(t *testing.T) {
		newTwoImgd(t, 1).lostLock("locks lost, a worker stopped", false)
	})
	t.Run("locks lost, an imgd stopped", func(t *testing.T) {
		newTwoImgd(t, 1).lostLock("locks lost, an imgd stopped", true)
	})
}

func (s *twoImgd) killBrick() {
	s.t.Helper()
	if err := s.g.killBrick(0); err != nil {
		s.t.Fatalf("killing the brick: %v", err)
	}
}

// unready waits until an imgd says that its spool is away.
func (s *twoImgd) unready(i int) {
	s.t.Helper()
	eventually.Within(s.t, time.Minute, "imgd is not ready", func() bool {
		resp, _, err := s.imgd[i].Load().do("GET", "/readyz", nil)
		return err == nil && resp.StatusCode == 503
	})
}
