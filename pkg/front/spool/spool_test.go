package spool

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/eventually"
	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
	"imgtools/pkg/ops"
)

var gray = ops.Must("gray=601")

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Now().UTC().Truncate(time.Microsecond)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Microsecond) // no two moments are the same
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func open(t *testing.T, c Config) *Spool {
	t.Helper()
	if c.TTL == 0 {
		c.TTL = time.Hour
	}
	if c.Quota == 0 {
		c.Quota = 1 << 30
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// submit makes a job of body and returns its id.
func submit(t *testing.T, s *Spool, id, body string, o ops.Ops) string {
	t.Helper()
	got, err := trySubmit(s, id, body, o)
	if err != nil {
		t.Fatalf("submit: %v", err)
	}
	return got
}

func trySubmit(s *Spool, id, body string, o ops.Ops) (string, error) {
	return submitAs(s, "", id, body, o)
}

// submitAs makes a job of a client.
func submitAs(s *Spool, client, id, body string, o ops.Ops) (string, error) {
	u, err := s.Upload(-1, true)
	if err != nil {
		return "", err
	}
	defer u.Close()
	if _, err := io.WriteString(u, body); err != nil {
		return "", err
	}
	return u.Submit(id, o, client)
}

// filled returns a file with the text of a result.
func filled(t *testing.T, s *Spool, out string) *Temp {
	t.Helper()
	tmp, err := s.Temp()
	if err != nil {
		t.Fatal(err)
	}
	w, err := tmp.Writer()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, out)
	w.Close()
	return tmp
}

// finish gives a job the result out, and of several sizes those of more.
func finish(t *testing.T, s *Spool, j *Job, out string, more ...string) {
	t.Helper()
	r := Result{Output: Output{Type: "image/png", Size: int64(len(out)), Width: 3, Height: 2}}
	var files []*Temp
	for _, m := range more {
		r.More = append(r.More, Output{Type: "image/png", Size: int64(len(m)), Width: 2, Height: 1})
		files = append(files, filled(t, s, m))
	}
	if err := j.Done(filled(t, s, out), r, files...); err != nil {
		t.Fatal(err)
	}
}

func kind(t *testing.T, what string, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.Of(err) != want {
		t.Errorf("%s: %v (%v), want kind %v", what, err, fault.Of(err), want)
	}
}

func TestJobFromUploadToResult(t *testing.T) {
	for _, named := range []bool{false, true} {
		s := open(t, Config{Dir: filepath.Join(t.TempDir(), "a", "spool")})
		if named { // as on a file system without O_TMPFILE
			s.openUnnamed = func(string) (*os.File, error) { return nil, unix.EOPNOTSUPP }
		}
		o := ops.Must("gray=709 scale=50%").With("name", "a b.png")
		id := submit(t, s, "", "picture", o)
		if !jobid.Valid(id) {
			t.Fatalf("id %q", id)
		}
		st, err := s.Status(id)
		if err != nil || st.State != Pending || st.Running || st.Place != 1 || !st.Meta.Ops.Equal(o) || st.Meta.Bytes != 7 {
			t.Fatalf("status %+v, %v", st, err)
		}
		j := s.Next()
		if j == nil || j.ID != id || !j.Ops.Equal(o) {
			t.Fatalf("next %+v", j)
		}
		if st, _ := s.Status(id); !st.Running || st.Started.IsZero() || st.Place != 0 {
			t.Errorf("running: %+v", st)
		}
		if s.Next() != nil {
			t.Error("a running job was given twice")
		}
		in, err := j.Reader()
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(in); string(b) != "picture" {
			t.Errorf("in: %q", b)
		}
		in.Close()
		finish(t, s, j, "gray")
		st, err = s.Status(id)
		if err != nil || st.State != Done || st.Running || st.Result.Type != "image/png" || st.Result.Size != 4 ||
			st.Result.Width != 3 || st.Started.IsZero() || !st.Expires.Equal(st.Result.Finished.Add(time.Hour)) {
			t.Errorf("done: %+v, %v", st, err)
		}
		f, err := s.Result(st, 1)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(f); string(b) != "gray" {
			t.Errorf("out: %q", b)
		}
		f.Close()
		want := map[string]bool{"job": true, "lock": true, "out": true, "result": true, "end": true}
		names, _ := readNames(s.job(id))
		for _, n := range names {
			if !want[n] {
				t.Errorf("%s is left in the job's folder", n)
			}
		}
		if left, _ := readNames(s.path("incoming")); len(left) != 0 {
			t.Errorf("left in incoming: %q", left)
		}
		if u := s.Usage(); u.Bytes != 4+overhead || u.Reserved != 0 || u.Done != 1 || u.Pending != 0 || u.Running != 0 {
			t.Errorf("usage %+v", u)
		}
		err = filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
			fi, err := d.Info()
			want := os.FileMode(0o600)
			if d.IsDir() {
				want = 0o700
			}
			if err == nil && fi.Mode().Perm() != want {
				t.Errorf("%s has mode %o", path, fi.Mode().Perm())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestSameIDAgain(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	id := jobid.New()
	o := ops.Must("scale=1/2").With("name", "x.png")
	submit(t, s, id, "one", o)
	if got := submit(t, s, id, "one", o); got != id {
		t.Errorf("again: %q", got)
	}
	_, err := trySubmit(s, id, "two", o)
	kind(t, "other bytes", err, fault.Conflict)
	_, err = trySubmit(s, id, "one", ops.Must("scale=1/3").With("name", "x.png"))
	kind(t, "other words", err, fault.Conflict)
	j := s.Next()
	finish(t, s, j, "out")
	submit(t, s, id, "one", o) // done: still the same answer
	if s.Next() != nil {
		t.Error("a repeated upload was queued again")
	}
	if err := s.Remove(id); err != nil {
		t.Fatal(err)
	}
	_, err = trySubmit(s, id, "one", o)
	kind(t, "gone", err, fault.Gone)
	_, err = trySubmit(s, "short", "one", o)
	kind(t, "no id", err, fault.Usage)
	_, err = s.Status(jobid.New())
	kind(t, "never heard of", err, fault.NotFound)
	_, err = s.Status(id)
	kind(t, "status of a removed job", err, fault.Gone)
	kind(t, "removed again", s.Remove(id), fault.Gone)
	kind(t, "remove of nothing", s.Remove(jobid.New()), fault.NotFound)
	if strings.Contains(errGone(id).Error(), id) {
		t.Error("an error line shows a whole id")
	}
}

// Of many uploads of one id at once all get the same answer and one job is made.
func TestSameIDAtOnce(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, Config{Dir: dir}), open(t, Config{Dir: dir})
	id := jobid.New()
	var wg sync.WaitGroup
	for i := range 16 {
		s := a
		if i%2 == 1 {
			s = b
		}
		wg.Go(func() {
			if _, err := trySubmit(s, id, "same", gray); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if names, _ := readNames(a.path("jobs")); len(names) != 1 || names[0] != id {
		t.Errorf("jobs: %q", names)
	}
	if left, _ := readNames(a.path("incoming")); len(left) != 0 {
		t.Errorf("left in incoming: %q", left)
	}
}

func TestLeftoverInIncomingDoesNotBlock(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	id := jobid.New()
	if err := os.Mkdir(s.path("incoming", id), 0o700); err != nil {
		t.Fatal(err)
	}
	submit(t, s, id, "x", gray)
}

func TestRestartFindsEveryJob(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	done, failed := submit(t, s, "", "1", gray), submit(t, s, "", "2", gray)
	finish(t, s, s.Next(), "out")
	s.Next().Fail(fault.New(fault.Format, "not a picture\nsecond line"))
	running, pending := submit(t, s, "", "3", gray), submit(t, s, "", "4", gray)
	j := s.Next()
	j.held.Close() // as when the process dies

	s = open(t, Config{Dir: dir})
	if st, err := s.Status(done); err != nil || st.State != Done {
		t.Errorf("done: %+v %v", st, err)
	}
	st, err := s.Status(failed)
	if err != nil || st.State != Failed || st.Failure.Kind != fault.Format || st.Failure.Detail != "not a picture second line" {
		t.Errorf("failed: %+v %v", st, err)
	}
	if j := s.Next(); j == nil || j.ID != running {
		t.Errorf("first: %+v, want the one that was running", j)
	}
	if j := s.Next(); j == nil || j.ID != pending {
		t.Errorf("second: %+v", j)
	}
	if s.Next() != nil {
		t.Error("a third job")
	}
}

// What a kill can leave between two steps of finishing is put right.
func TestHalfFinishedJobs(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	a, b, c, d := submit(t, s, "", "1", gray), submit(t, s, "", "2", gray), submit(t, s, "", "3", gray), submit(t, s, "", "4", gray)
	result := Result{Output: Output{Type: "image/png", Size: 3, Width: 1, Height: 1}, Finished: s.now()}.marshal()
	put := func(id, name, text string) {
		t.Helper()
		if err := os.WriteFile(s.job(id, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(a, "result", string(result)) // killed before out was renamed
	put(a, "out.h.1.1", "half")
	put(b, "result", string(result)) // killed before in was removed
	put(b, "out", "out")
	os.Remove(s.job(c, "in")) // a disk that forgot
	put(d, "job", "version: 1\nops")

	s = open(t, Config{Dir: dir})
	if st, err := s.Status(b); err != nil || st.State != Done || exists(s.job(b, "in")) {
		t.Errorf("b: %+v %v", st, err)
	}
	var got []string
	for j := s.Next(); j != nil; j = s.Next() {
		got = append(got, j.ID)
		if exists(s.job(j.ID, "out.h.1.1")) {
			t.Error("a half result is left")
		}
	}
	if len(got) != 1 || got[0] != a {
		t.Errorf("to be done again: %q, want %s", got, a)
	}
	for _, id := range []string{c, d} {
		if st, err := s.Status(id); err != nil || st.State != Failed || st.Failure.Kind != fault.Internal {
			t.Errorf("damaged job: %+v %v", st, err)
		}
	}
}

func TestDeathsOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	id := submit(t, s, "", "x", gray)
	j := s.Next()
	if n, err := j.Died(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	j.held.Close()
	s = open(t, Config{Dir: dir})
	j = s.Next()
	if j == nil || j.Deaths() != 1 {
		t.Fatalf("%+v", j)
	}
	if n, _ := j.Died(); n != 2 {
		t.Fatal(n)
	}
	j.held.Close() // killed before error was written
	s = open(t, Config{Dir: dir})
	if s.Next() != nil {
		t.Error("a third try")
	}
	if st, err := s.Status(id); err != nil || st.State != Failed || st.Failure.Kind != fault.Internal {
		t.Errorf("%+v %v", st, err)
	}
}

func TestReleasedJobIsTriedLater(t *testing.T) {
	c := newClock()
	s := open(t, Config{Dir: t.TempDir(), Now: c.now})
	first, second := submit(t, s, "", "1", gray), submit(t, s, "", "2", gray)
	s.Next().Release(time.Minute)
	if j := s.Next(); j == nil || j.ID != second {
		t.Fatalf("%+v", j)
	}
	if s.Next() != nil {
		t.Error("tried too early")
	}
	c.add(time.Minute)
	if j := s.Next(); j == nil || j.ID != first || j.Deaths() != 0 {
		t.Errorf("%+v", j)
	}
}

func TestTwoSpoolsOnOneFolder(t *testing.T) {
	dir := t.TempDir()
	ca, cb := newClock(), newClock()
	a, b := open(t, Config{Dir: dir, Now: ca.now}), open(t, Config{Dir: dir, Now: cb.now})
	id := submit(t, a, "", "x", gray)
	ja := a.Next()
	if err := b.Rescan(); err != nil {
		t.Fatal(err)
	}
	if j := b.Next(); j != nil {
		t.Fatal("both hold the job")
	}
	if st, err := b.Status(id); err != nil || !st.Running {
		t.Errorf("b's status: %+v %v", st, err)
	}
	// a is killed: the kernel drops its lock.
	ja.held.Close()
	cb.add(RescanEvery)
	jb := b.Next()
	if jb == nil || jb.ID != id {
		t.Fatal("b did not take the job over")
	}
	// Who waits at a hears of it by a's rescan.
	done := make(chan struct{})
	a.mu.Lock()
	a.jobs[id].running = false
	a.mu.Unlock()
	go func() {
		a.Wait(context.Background(), id)
		close(done)
	}()
	finish(t, b, jb, "by b")
	eventually.True(t, "a's waiting request to end", func() bool {
		a.Rescan()
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	if st, err := a.Status(id); err != nil || st.State != Done {
		t.Errorf("a's status: %+v %v", st, err)
	}
	// a, if it lives after all, must not overwrite it: the job has ended.
	if err := b.Remove(id); err != nil {
		t.Fatal(err)
	}
	a.Rescan()
	if u := a.Usage(); u.Bytes != 0 {
		t.Errorf("a still counts %d bytes", u.Bytes)
	}
	if _, err := a.Status(id); fault.Of(err) != fault.Gone {
		t.Errorf("a: %v", err)
	}
	// Neither sweeps what the other holds in incoming.
	u, _ := a.Upload(-1, true)
	defer u.Close()
	dirUp, held, err := u.fill(jobid.New(), Meta{Ops: gray, SHA256: strings.Repeat("0", 64)})
	if err != nil {
		t.Fatal(err)
	}
	b.sweepIncoming(time.Now().Add(2 * staleAfter))
	if !exists(dirUp) {
		t.Error("b swept a's upload")
	}
	held.Close()
	b.sweepIncoming(time.Now().Add(2 * staleAfter))
	if exists(dirUp) {
		t.Error("a dead upload is left")
	}
}

func TestRemovedWhileRunning(t *testing.T) {
	dir := t.TempDir()
	s, other := open(t, Config{Dir: dir}), open(t, Config{Dir: dir})
	for i, remover := range []*Spool{s, other} {
		id := submit(t, s, "", "x", gray)
		j := s.Next()
		if err := remover.Remove(id); err != nil {
			t.Fatal(err)
		}
		if i == 0 && j.Context.Err() == nil {
			t.Error("the work was not told")
		}
		finish(t, s, j, "too late")
		if _, err := s.Status(id); fault.Of(err) != fault.Gone {
			t.Errorf("%d: %v", i, err)
		}
		if u := s.Usage(); u.Bytes != 0 || u.Running != 0 {
			t.Errorf("%d: usage %+v", i, u)
		}
		if n, _ := readNames(s.path("trash")); len(n) != 0 {
			t.Errorf("%d: trash %q", i, n)
		}
	}
}

func TestWaitEndsWithTheJob(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	for _, end := range []func(*Job){
		func(j *Job) { finish(t, s, j, "out") },
		func(j *Job) { j.Fail(errors.New("no")) },
		func(j *Job) { s.Remove(j.ID); j.Release(0) },
	} {
		id := submit(t, s, "", "x", gray)
		j := s.Next()
		done := make(chan struct{})
		go func() { s.Wait(context.Background(), id); close(done) }()
		end(j)
		<-done
	}
	id := submit(t, s, "", "x", gray)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Wait(ctx, id)                         // returns though pending
	s.Wait(context.Background(), "unknown") // returns
}

func TestRefusedSpools(t *testing.T) {
	refused := func(dir, part string) {
		t.Helper()
		before, _ := readNames(dir)
		_, err := Open(Config{Dir: dir, TTL: time.Hour})
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v, want %q", dir, err, part)
		}
		if after, _ := readNames(dir); len(after) != len(before) {
			t.Errorf("%s: was changed: %q", dir, after)
		}
	}
	newer := t.TempDir()
	os.WriteFile(filepath.Join(newer, "version"), []byte("3\n"), 0o600)
	refused(newer, "version 3 is newer than 2")
	photos := t.TempDir()
	os.WriteFile(filepath.Join(photos, "a.jpg"), nil, 0o600)
	refused(photos, "no spool")
	odd := t.TempDir()
	os.WriteFile(filepath.Join(odd, "version"), []byte("one\n"), 0o600)
	refused(odd, "not a number")
	if os.Geteuid() == 0 {
		others := t.TempDir()
		if err := os.Chown(others, 65534, -1); err != nil {
			t.Fatal(err)
		}
		refused(others, "belongs to user 65534")
	}
}

func TestRecordsRoundTrip(t *testing.T) {
	at := time.Date(2026, 11, 23, 15, 4, 5, 6, time.UTC)
	m := Meta{Ops: ops.Must("gray=709 scale=640x480> kernel=box fast format=png quality=7").With("name", "a: b=c %41.png"),
		Bytes: 9, SHA256: strings.Repeat("0a", 32), Received: at}
	if got, err := parseMeta(m.marshal()); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("%+v %v", got, err)
	}
	r := Result{Output: Output{Type: "image/gif", Size: 1, Width: 2, Height: 3}, Note: "first of 12 frames", Started: at, Finished: at.Add(1)}
	if got, err := parseResult(r.marshal()); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%+v %v", got, err)
	}
	f := Failure{Kind: fault.TooLarge, Detail: "4290 > 250", Started: at, Finished: at}
	if got, err := parseFailure(f.marshal()); err != nil || got != f {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := parseMeta(bytes.Replace(m.marshal(), []byte("version: 2"), []byte("version: 4"), 1)); err == nil {
		t.Error("a newer job was read")
	}
	for words, want := range map[string]string{"gray": "1", "scale=1/2": "2", "gray format=webp": "2", "scale=320x,640x": "3"} {
		if got := string(Meta{Ops: ops.Must(words), SHA256: m.SHA256, Received: at}.marshal()); !strings.HasPrefix(got, "version: "+want+"\n") {
			t.Errorf("%s: the record begins %.12q, want version %s", words, got, want)
		}
	}
	if _, err := parseMeta(append(m.marshal(), "colour: mauve\n"...)); err != nil {
		t.Errorf("an unknown key: %v", err)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte("version: 1\nops: gray=601 scale=1/4\nname: a b.png\nbytes: 1\nsha256: " + strings.Repeat("0f", 32) + "\nreceived: 2026-11-23T15:04:05Z\n"))
	f.Add([]byte("type: image/png\nsize: 1\nwidth: 2\nheight: 3\nfinished: 2026-11-23T15:04:05Z\n"))
	f.Add([]byte("type: image/png\nsize: 1\nwidth: 2\nheight: 3\nout2.type: image/png\nout2.size: 4\nout2.width: 1\nout2.height: 1\nfinished: 2026-11-23T15:04:05Z\n"))
	f.Add([]byte("kind: format\ndetail: x\nfinished: 2026-11-23T15:04:05Z\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := parseMeta(b); err == nil {
			again, err := parseMeta(m.marshal())
			m.Ops = m.Ops.With("name", strings.TrimSpace(fault.Line(m.Ops.Get("name"))))
			if err != nil || !reflect.DeepEqual(again, m) {
				t.Errorf("job %q: %+v, then %+v %v", b, m, again, err)
			}
		}
		if r, err := parseResult(b); err == nil {
			again, err := parseResult(r.marshal())
			typed := true
			line := func(s *string) { *s = strings.TrimSpace(fault.Line(*s)); typed = typed && *s != "" }
			line(&r.Type)
			for i := range r.More {
				line(&r.More[i].Type)
			}
			r.Note = strings.TrimSpace(fault.Line(r.Note))
			if typed && (err != nil || !reflect.DeepEqual(again, r)) {
				t.Errorf("result %q: %+v, then %+v %v", b, r, again, err)
			}
		}
		if v, err := parseFailure(b); err == nil {
			if again, err := parseFailure(v.marshal()); err != nil || again.Kind != v.Kind {
				t.Errorf("error %q: %+v, then %+v %v", b, v, again, err)
			}
		}
	})
}
