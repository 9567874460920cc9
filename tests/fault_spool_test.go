package tests

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/eventually"
	"imgtools/pkg/jobid"
)

// One imgd stands still in the middle of an upload, the folder in incoming made
// and two hours old by its date. Another that starts on the spool leaves it alone,
// since its lock is held; the first goes on and its job is done by whichever.
func TestFaultUploadsOfAnotherAreNotSwept(t *testing.T) {
	if err := buildInject(); err != nil {
		t.Fatal(err)
	}
	d := startDaemons(t)
	spool := filepath.Join(t.TempDir(), "spool")
	id := jobid.New()
	run := runDir(t)
	a := spawn(t, run, "inject", append([]string{"-dir", spool, "-hold", filepath.Join(spool, "jobs", id),
		filepath.Join(binDir, "imgd"), "-p", "0", "-n", "1", "-spool", spool}, d.flags()...)...)
	if err := a.attach(t); err != nil {
		t.Fatal(err)
	}
	a.ready(t)
	picture := read(t, save(t, t.TempDir(), "p.png", photo(60, 40, 1)))
	answer := make(chan error, 1)
	go func() {
		resp, b, err := a.do("PUT", "/jobs/"+id+"?gray", bytes.NewReader(picture))
		if err == nil && resp.StatusCode != 202 {
			err = fmt.Errorf("%s %s", resp.Status, b)
		}
		answer <- err
	}()
	entry := filepath.Join(spool, "incoming", id)
	eventually.Within(t, 20*time.Second, "the upload is whole", func() bool {
		_, err := os.Stat(filepath.Join(entry, "job"))
		return err == nil
	})
	// What a dead one left beside it does go.
	dead := filepath.Join(spool, "incoming", jobid.New())
	if err := os.Mkdir(dead, 0o700); err != nil {
		t.Fatal(err)
	}
	age(t, filepath.Join(spool, "incoming"))
	b := restartImgd(t, runDir(t), spool, append([]string{"-n", "1"}, d.flags()...)...)
	if left := names(t, filepath.Join(spool, "incoming")); !slices.Equal(left, []string{id}) {
		t.Errorf("incoming has %v, want the living one's %s", left, id)
	}
	a.cmd.Process.Signal(syscall.SIGUSR1)
	if err := <-answer; err != nil {
		t.Errorf("the upload: %v", err)
	}
	eventually.Within(t, 20*time.Second, "the other imgd has the job, too", func() bool {
		resp, _, err := b.do("GET", "/jobs/"+id+"/image?wait=5", nil)
		return err == nil && resp.StatusCode == 200
	})
}

// jobsOf returns what /metrics counts of jobs in all states.
func (s *server) jobsOf(t *testing.T) map[string]int {
	t.Helper()
	_, b := s.want(t, 200, "GET", "/metrics", nil)
	m := map[string]int{}
	for _, g := range regexp.MustCompile(`(?m)^imgtools_jobs\{state="(\w+)"\} (\d+)$`).FindAllStringSubmatch(string(b), -1) {
		m[g[1]], _ = strconv.Atoi(g[2])
	}
	return m
}

// Ten thousand jobs of a dead imgd are found when another starts, and again when
// that one is killed among them, and all are done.
func TestFaultTenThousandJobs(t *testing.T) {
	total := few(2000, 10000)
	d := startDaemons(t)
	run, spool := runDir(t), filepath.Join(t.TempDir(), "spool")
	picture := read(t, save(t, t.TempDir(), "p.png", photo(8, 8, 1)))
	s := restartImgd(t, run, spool, append([]string{"-n", "1"}, d.flags()...)...)
	_, b := s.want(t, 202, "POST", "/jobs?gray", bytes.NewReader(picture))
	first := strings.TrimSpace(string(b))
	_, want := s.want(t, 200, "GET", "/jobs/"+first+"/image?wait=60", nil)
	s.kill()
	// The others are copies of the first, as it was when it was accepted.
	job := read(t, filepath.Join(spool, "jobs", first, "job"))
	ids := []string{first}
	for range total - 1 {
		id := jobid.New()
		dir := filepath.Join(spool, "jobs", id)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string][]byte{"job": job, "lock": nil, "in": picture} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		ids = append(ids, id)
	}
	count := func() (all, pending int) {
		m := s.jobsOf(t)
		return m["queued"] + m["running"] + m["done"] + m["failed"], m["queued"] + m["running"]
	}
	row := faultRow{fault: fmt.Sprintf("imgd killed with %d jobs", total), lostDaemon: -1}
	for range 2 {
		begin := time.Now()
		s = restartImgd(t, run, spool, append([]string{"-n", "2", "-queue", "20000"}, d.flags()...)...)
		row.times++
		row.recovery = max(row.recovery, time.Since(begin))
		all, pending := count()
		if all != total {
			t.Fatalf("%d jobs of %d were found", all, total)
		}
		eventually.Within(t, time.Minute, "a hundred more are done", func() bool { _, p := count(); return p <= max(pending-100, 0) })
		if row.times == 1 {
			s.kill()
		}
	}
	if limit := time.Duration(few(20, 4)) * time.Second; row.recovery > limit {
		t.Errorf("ready after %v with %d jobs, over %v", row.recovery, total, limit)
	}
	check := ids
	if allFaults {
		eventually.Within(t, 10*time.Minute, "all are done", func() bool { _, p := count(); return p == 0 })
	} else {
		slices.Sort(check) // of equal age, so that their ids decide which go first
		check = check[:100]
	}
	each(len(check), 8, func(i int) {
		resp, b, err := s.do("GET", "/jobs/"+check[i]+"/image?wait=60", nil)
		if err != nil || resp.StatusCode != 200 || !bytes.Equal(b, want) {
			t.Errorf("job %d: %v %.100q", i, err, b)
		}
	})
	row.served = s.jobsOf(t)["done"]
	if all, _ := count(); all != total {
		t.Errorf("%d jobs of %d are left", all, total)
	}
	reportFault(t, row)
}

// A spool of a newer version is refused in one line, and nothing in it is touched.
func TestFaultNewerSpoolIsLeftAlone(t *testing.T) {
	spool := filepath.Join(t.TempDir(), "spool")
	for name, content := range map[string]string{"version": "3\n", "jobs/abc/in": "x", "incoming/old/lock": "", "trash/x/y": "", "gone/z": ""} {
		path := filepath.Join(spool, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	age(t, filepath.Join(spool, "incoming"))
	snapshot := func() (all []string) {
		filepath.WalkDir(spool, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				t.Fatal(err)
			}
			fi, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprint(path, fi.Mode(), fi.Size(), fi.ModTime(), fi.Sys().(*syscall.Stat_t).Ctim))
			return nil
		})
		return all
	}
	before := snapshot()
	t.Setenv("IMGTOOLS_RUN", runDir(t))
	r := run(t, nil, "imgd", "-p", "0", "-spool", spool)
	if r.status != 1 || !strings.Contains(r.err, "version 3 is newer than 2") || strings.Count(strings.TrimSpace(r.err), "\n") != 0 {
		t.Errorf("exit %d, %q", r.status, r.err)
	}
	if after := snapshot(); !slices.Equal(before, after) {
		t.Errorf("it was changed:\n%s\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

// A finished job is kept for -ttl and then gone for good, also over a restart.
func TestFaultExpiredStaysGone(t *testing.T) {
	d := startDaemons(t)
	run, spool := runDir(t), filepath.Join(t.TempDir(), "spool")
	flags := append([]string{"-n", "1", "-ttl", "1s"}, d.flags()...)
	s := restartImgd(t, run, spool, flags...)
	picture := read(t, save(t, t.TempDir(), "p.png", photo(60, 40, 1)))
	_, b := s.want(t, 202, "POST", "/jobs?gray", bytes.NewReader(picture))
	path := "/jobs/" + strings.TrimSpace(string(b))
	s.want(t, 200, "GET", path+"/image?wait=60", nil)
	eventually.Within(t, 15*time.Second, "the job has expired", func() bool {
		resp, _, err := s.do("GET", path+"/image", nil)
		return err == nil && resp.StatusCode == 410
	})
	// It is known to be gone a moment before its folder is away.
	eventually.Within(t, 10*time.Second, "its folder is away", func() bool { return len(names(t, filepath.Join(spool, "jobs"))) == 0 })
	s.kill()
	s = restartImgd(t, run, spool, flags...)
	s.want(t, 410, "GET", path, nil)
	s.want(t, 410, "PUT", path+"?gray", bytes.NewReader(picture))
}
