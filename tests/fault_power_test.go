package tests

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/eventually"
	"imgtools/pkg/jobid"
)

const (
	diskSize   = 320 << 20 // bytes; xfs takes no less than 300 MiB
	cutsOfDisk = 10        // power cuts before the disk is replaced
	keptOfDisk = 60        // jobs of earlier cuts that are checked again

	// FS_IOC_SHUTDOWN of Linux, with the argument for a file system that from then on
	// writes nothing to its device, neither data nor journal.
	ioctlShutdown   = 0x8004587d
	shutdownNoFlush = 2
)

// powerDisk is a file system on a loop device, with a spool on it. Clients hand in
// jobs, the power goes, the file system is mounted again, and another imgd must have
// every job that was acknowledged.
type powerDisk struct {
	t            *testing.T
	kind         string // of file system
	image, mount string // file, folder
	run          string
	d            daemons
	pictures     []powerPicture

	mu   sync.Mutex
	jobs map[string]*powerJob // acknowledged
	lost map[string]string    // what was answered, by id
	off  atomic.Bool          // the power has gone
	row  faultRow
}

// powerPicture is what clients hand in, and the result that they must get.
type powerPicture struct {
	query      string
	body, want []byte
}

// powerJob is what a client knows of a job.
type powerJob struct {
	picture        int
	removing, gone bool // DELETE was sent; it was acknowledged
	late           bool // acknowledged after the cut: an fsync that failed counted as done
}

// newPowerDisk makes the file system and mounts it.
func newPowerDisk(t *testing.T, kind string, d daemons, pictures []powerPicture) *powerDisk {
	t.Helper()
	dir := t.TempDir()
	p := &powerDisk{t: t, kind: kind, image: filepath.Join(dir, "image"), mount: filepath.Join(dir, "mount"),
		run: runDir(t), d: d, pictures: pictures, jobs: map[string]*powerJob{}, lost: map[string]string{}}
	if err := errors.Join(os.Mkdir(p.mount, 0o755), os.WriteFile(p.image, nil, 0o600), os.Truncate(p.image, diskSize)); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "/usr/sbin/mkfs."+kind+" -q image && mount -o loop image mount")
	t.Cleanup(func() { exec.Command("umount", "-l", p.mount).Run() }) // fails if it was unmounted
	return p
}

// unmount waits until the daemons have closed the files that they had in hand.
func (p *powerDisk) unmount() {
	p.t.Helper()
	var out []byte
	if !eventually.Is(eventually.Patience, func() bool {
		var err error
		out, err = exec.Command("umount", p.mount).CombinedOutput()
		return err == nil
	}) {
		p.t.Fatalf("%s", out)
	}
}

// start starts imgd on the disk, with nosync so that its fsyncs do nothing, and
// returns at once.
func (p *powerDisk) start(nosync bool) *server {
	spool := filepath.Join(p.mount, "spool")
	name, args := "imgd", append([]string{"-p", "0", "-n", "1", "-quota", "200M", "-spool", spool}, p.d.flags()...)
	if nosync {
		name, args = "inject", append([]string{"-nosync", "-dir", spool, filepath.Join(binDir, "imgd")}, args...)
	}
	return spawn(p.t, p.run, name, args...)
}

// startReady is start that waits until imgd serves.
func (p *powerDisk) startReady(nosync bool) *server {
	p.t.Helper()
	s := p.start(nosync)
	if err := s.attach(p.t); err != nil {
		p.t.Fatalf("imgd does not start: %v", err)
	}
	s.ready(p.t)
	return s
}

// cut is the moment when the power goes.
func (p *powerDisk) cut() {
	p.t.Helper()
	f, err := os.Open(p.mount)
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	p.off.Store(true)
	if err := unix.IoctlSetPointerInt(int(f.Fd()), ioctlShutdown, shutdownNoFlush); err != nil {
		p.t.Fatalf("shutting down %s: %v", p.kind, err)
	}
	p.row.times++
}

// cutAtStart lets the power go while imgd starts on the empty disk.
func (p *powerDisk) cutAtStart() {
	p.t.Helper()
	s := p.start(false)
	<-time.After(rand.N(100 * time.Millisecond)) // any moment
	p.cut()
	p.restore(s)
}

// cutUnderLoad lets the power go while clients hand in, fetch and remove jobs.
func (p *powerDisk) cutUnderLoad(nosync bool) {
	p.t.Helper()
	s := p.startReady(nosync)
	p.cutWithClients(s)
	p.restore(s)
}

// cutWithClients lets clients work, and ends imgd a moment after the cut.
func (p *powerDisk) cutWithClients(s *server) {
	p.t.Helper()
	var acked, refused atomic.Int64
	over := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if p.client(s) {
					acked.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	defer clients.Wait()
	defer close(over)
	enough := 1 + rand.Int64N(40)
	eventually.True(p.t, "jobs are acknowledged", func() bool { return acked.Load() >= enough })
	<-time.After(rand.N(20 * time.Millisecond)) // any moment
	p.cut()
	// What is acknowledged now must be on the disk as well.
	before := refused.Load()
	eventually.True(p.t, "imgd notices that it can't write", func() bool { return refused.Load() > before })
	s.kill()
}

// client hands in a job and reports whether it was acknowledged. Some results it
// waits for, and some jobs it removes.
func (p *powerDisk) client(s *server) bool {
	id, job := jobid.New(), &powerJob{picture: rand.IntN(len(p.pictures))}
	picture := p.pictures[job.picture]
	resp, _, err := s.do("PUT", "/jobs/"+id+"?"+picture.query, bytes.NewReader(picture.body))
	if err != nil || resp.StatusCode != 202 {
		return false
	}
	p.mu.Lock()
	p.jobs[id] = job
	job.late = p.off.Load()
	p.row.served++
	job.removing = rand.IntN(3) == 0
	p.mu.Unlock()
	if rand.IntN(2) == 0 {
		resp, b, err := s.do("GET", "/jobs/"+id+"/image?wait=1", nil)
		if err == nil && resp.StatusCode == 200 && !bytes.Equal(b, picture.want) {
			p.t.Errorf("job %s: a wrong result of %d bytes", id, len(b))
		}
	}
	if job.removing {
		resp, _, err := s.do("DELETE", "/jobs/"+id, nil)
		p.mu.Lock()
		job.gone = err == nil && resp.StatusCode == 204
		p.mu.Unlock()
	}
	return true
}

// restore ends an imgd without power, mounts the disk again, starts another imgd, and
// checks all jobs.
func (p *powerDisk) restore(s *server) {
	p.t.Helper()
	s.kill()
	p.off.Store(false)
	p.unmount()
	begin := time.Now()
	must(p.t, "", "mount -o loop "+p.image+" "+p.mount)
	s = p.startReady(false)
	p.row.recovery = max(p.row.recovery, time.Since(begin))
	ids := slices.Sorted(maps.Keys(p.jobs))
	each(len(ids), 4, func(i int) { p.check(s, ids[i]) })
	maps.DeleteFunc(p.jobs, func(id string, j *powerJob) bool { return j.removing || p.lost[id] != "" })
	for id := range p.jobs {
		if len(p.jobs) <= keptOfDisk {
			break
		}
		delete(p.jobs, id)
	}
	s.stop(p.t)
}

// check looks at an acknowledged job: it has its result, or is still removed.
func (p *powerDisk) check(s *server, id string) {
	job := p.jobs[id]
	resp, b, err := s.do("GET", "/jobs/"+id+"/image?wait=30", nil)
	switch {
	case err != nil:
		p.t.Errorf("job %s: %v", id, err)
	case job.removing && resp.StatusCode == 410:
	case !job.gone && resp.StatusCode == 200 && bytes.Equal(b, p.pictures[job.picture].want):
	default:
		p.mu.Lock()
		p.lost[id] = fmt.Sprintf("removed %v, acknowledged after the cut %v: %s %.100q", job.gone, job.late, resp.Status, b)
		p.mu.Unlock()
	}
}

// powerPictures returns two pictures and what the filters make of them.
func powerPictures(t *testing.T) []powerPicture {
	t.Helper()
	dir := t.TempDir()
	a, b := save(t, dir, "a.png", photo(60, 40, 1)), save(t, dir, "b.jpg", photo(80, 60, 2))
	return []powerPicture{
		{"gray", read(t, a), must(t, dir, "gray < a.png")},
		{"scale=1/3", read(t, b), must(t, dir, "scale 1/3 < b.jpg")},
	}
}

// On ext4 and xfs the power goes while imgd starts for the first time, and again and
// again under load. After each cut every job that was acknowledged is there, with the
// right result, and no removed job is back.
func TestFaultPowerCut(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root can mount: TestEveryCrashStateKeepsEveryPromise of pkg/front/spool alone has power cuts")
		return
	}
	d, pictures := startDaemons(t), powerPictures(t)
	for _, kind := range []string{"ext4", "xfs"} {
		t.Run(kind, func(t *testing.T) {
			row := faultRow{fault: "power cut, " + kind, lostDaemon: -1}
			for cuts := few(3, 50); row.times < cuts; {
				p := newPowerDisk(t, kind, d, pictures)
				p.cutAtStart()
				for p.row.times < cutsOfDisk && row.times+p.row.times < cuts {
					p.cutUnderLoad(false)
				}
				p.unmount()
				for id, answer := range p.lost {
					t.Errorf("lost: job %s: %s", id, answer)
				}
				row.times += p.row.times
				row.served += p.row.served
				row.lostImgd += len(p.lost)
				row.recovery = max(row.recovery, p.row.recovery)
			}
			reportFault(t, row)
		})
	}
}

// The power cut is a real one: with an imgd whose fsyncs do nothing, jobs are lost.
func TestFaultPowerCutLosesWhatIsNotSynced(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root can mount")
		return
	}
	if err := buildInject(); err != nil {
		t.Fatal(err)
	}
	d, pictures := startDaemons(t), powerPictures(t)
	for _, kind := range []string{"ext4", "xfs"} {
		t.Run(kind, func(t *testing.T) {
			p := newPowerDisk(t, kind, d, pictures)
			p.startReady(false).stop(t)
			must(t, "", "sync -f "+p.mount)
			for range few(1, 5) {
				p.cutUnderLoad(true)
			}
			p.unmount()
			if len(p.lost) == 0 {
				t.Errorf("of %d jobs none was lost", p.row.served)
			}
			t.Logf("%d jobs lost of %d", len(p.lost), p.row.served)
		})
	}
}
