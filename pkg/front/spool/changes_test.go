package spool

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

// What one imgd changes, another sees in its next round, without looking at the jobs
// that nobody has changed.
func TestRoundSeesWhatOthersChanged(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, Config{Dir: dir}), open(t, Config{Dir: dir})
	round := func(s *Spool) {
		t.Helper()
		if err := s.round(); err != nil {
			t.Fatal(err)
		}
	}
	usage := func(what string, want Usage) {
		t.Helper()
		got := b.Usage()
		got.Bytes, got.Quota, got.Reserved = 0, 0, 0
		if got != want {
			t.Errorf("after %s: %+v, want %+v", what, got, want)
		}
	}
	done, failed := submit(t, a, "", "1", gray), submit(t, a, "", "2", gray)
	round(b)
	usage("two jobs", Usage{Pending: 2})
	finish(t, a, a.Next(), "out")
	round(b)
	usage("a result", Usage{Pending: 1, Done: 1})
	a.Next().Fail(fault.New(fault.Format, "no"))
	round(b)
	usage("a failure", Usage{Done: 1, Failed: 1})
	a.Sent(done, 1, 0, 3)
	round(b)
	if b.removable == 0 {
		t.Error("the delivery was not seen")
	}
	if err := a.Remove(failed); err != nil {
		t.Fatal(err)
	}
	round(b)
	usage("a removal", Usage{Done: 1})

	// Behind everybody's back: only the full scan looks.
	if err := os.Rename(b.job(done), b.path("trash", "x")); err != nil {
		t.Fatal(err)
	}
	round(b)
	usage("nothing that was said", Usage{Done: 1})
	b.Rescan()
	usage("a full scan", Usage{})
}

func TestFullScanIsDueAtTimes(t *testing.T) {
	c := newClock()
	s := open(t, Config{Dir: t.TempDir(), Now: c.now})
	id := submit(t, s, "", "1", gray)
	os.Rename(s.job(id), s.path("trash", "x"))
	c.add(fullScanEvery / 2)
	s.round()
	if s.Waiting() != 1 {
		t.Error("scanned too early")
	}
	c.add(fullScanEvery)
	s.round()
	if s.Waiting() != 0 {
		t.Error("not scanned")
	}
}

func TestHintsOfSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, Config{Dir: dir}), open(t, Config{Dir: dir})
	for range 3 { // each fills a file
		a.tell(jobid.New())
		a.changes.size = changesMost
		id := submit(t, a, "", "x", gray)
		if err := b.round(); err != nil {
			t.Fatal(err)
		}
		b.mu.Lock()
		seen := b.jobs[id] != nil
		b.mu.Unlock()
		if !seen {
			t.Error("a job of a new file was not seen")
		}
	}
	names, _ := readNames(a.path("changes"))
	if len(names) != 2 {
		t.Errorf("files %q, want the last two", names)
	}
	b.sweepChanges(time.Now().Add(2 * staleAfter))
	if left, _ := readNames(a.path("changes")); len(left) != 2 {
		t.Errorf("files of a living process were swept: %q of %q", left, names)
	}
	a.changes.own.Close()
	a.changes.before.Close()
	b.sweepChanges(time.Now().Add(2 * staleAfter))
	if left, _ := readNames(a.path("changes")); len(left) != 0 {
		t.Errorf("files of a dead process stay: %q", left)
	}
}

func TestDamagedHints(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	id := jobid.New()
	for _, text := range []string{"", "nonsense\n", id[:9], id[9:] + "\n", strings.Repeat("x", 3*changesMost) + "\n", "\x00\xff\n\n"} {
		f, err := os.OpenFile(s.path("changes", "other"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString(text)
		f.Close()
		if err := s.round(); err != nil {
			t.Fatal(err)
		}
	}
	os.Remove(s.path("changes", "other"))
	os.RemoveAll(s.path("changes"))
	if err := s.round(); err != nil {
		t.Errorf("without the folder: %v", err)
	}
	submit(t, s, "", "x", gray) // and no hint can be given
}

// Until the jobs are read, requests for an id are answered from its folder.
func TestSpoolThatIsBeingRead(t *testing.T) {
	first := open(t, Config{Dir: t.TempDir()})
	done := submit(t, first, "", "1", gray)
	finish(t, first, first.Next(), "out")
	waiting := submit(t, first, "", "2", gray)

	s := open(t, Config{Dir: first.dir, Background: true})
	kind(t, "trouble", s.Trouble(), fault.Busy)
	if s.Next() != nil {
		t.Error("a job was given out before all are known")
	}
	if got, err := result(s, done); got != "out" {
		t.Errorf("%q, %v", got, err)
	}
	s.Sent(done, 1, 0, 3)
	if st, err := s.Status(waiting); err != nil || st.State != Pending {
		t.Errorf("%+v, %v", st, err)
	}
	if err := s.Remove(waiting); err != nil {
		t.Error(err)
	}
	later := submit(t, s, "", "3", gray)
	if err := s.Load(); err != nil || s.Trouble() != nil {
		t.Fatal(err, s.Trouble())
	}
	if j := s.Next(); j == nil || j.ID != later {
		t.Errorf("%+v", j)
	}
	if u := s.Usage(); u.Done != 1 || s.removable == 0 || u.Running != 1 || u.Pending != 0 {
		t.Errorf("%+v, removable %d", u, s.removable)
	}
}

// cpu returns the CPU time that this process has used.
func cpu() time.Duration {
	var u unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkOpen reads 100,000 finished jobs, and then measures a round in which
// nothing has changed, which imgd makes every RescanEvery.
func BenchmarkOpen(b *testing.B) {
	dir := os.Getenv("SPOOL_BENCH")
	if dir == "" {
		b.Skip("SPOOL_BENCH names a folder on the file system to measure")
	}
	config := Config{Dir: dir, TTL: 1e5 * time.Hour, Quota: 1 << 50, Background: true}
	s, err := Open(config)
	if err != nil {
		b.Fatal(err)
	}
	names, _ := readNames(s.path("jobs"))
	at := time.Now().UTC()
	m := Meta{Ops: gray, SHA256: strings.Repeat("0", 64), Bytes: 1, Received: at}
	r := Result{Output: Output{Type: "image/png", Size: 1, Width: 1, Height: 1, SHA256: m.SHA256}, Started: at, Finished: at}
	for range 100_000 - len(names) {
		id := jobid.New()
		os.Mkdir(s.job(id), 0o700)
		for name, text := range map[string]string{"out": "x", "lock": "", "job": string(m.marshal()), "end": string(r.marshal())} {
			if err := os.WriteFile(s.job(id, name), []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
		}
		os.Link(s.job(id, "end"), s.job(id, "result"))
	}
	b.Run("load", func(b *testing.B) {
		before := cpu()
		for b.Loop() {
			s, err := Open(config)
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Load(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric((cpu()-before).Seconds()/float64(b.N), "cpu-s/op")
	})
	if err := s.Load(); err != nil {
		b.Fatal(err)
	}
	b.Run("idle round", func(b *testing.B) {
		before := cpu()
		for b.Loop() {
			if err := s.round(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(100*(cpu()-before).Seconds()/float64(b.N)/RescanEvery.Seconds(), "idle-cpu-%")
	})
}
