package spool

import (
	"errors"
	"imgtools/pkg/ops"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

// result returns the bytes of a job's result.
func result(s *Spool, id string) (string, error) {
	st, err := s.Status(id)
	if err != nil {
		return "", err
	}
	if st.State != Done {
		return "", errors.New("not done")
	}
	f, err := s.Result(st, 1)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	return string(b), err
}

// temp returns a file with a result.
func resultFile(t *testing.T, s *Spool, text string) *Temp {
	t.Helper()
	tmp, err := s.Temp()
	if err != nil {
		t.Fatal(err)
	}
	w, err := tmp.Writer()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	return tmp
}

func pngOf(text string) Result {
	return Result{Output: Output{Type: "image/png", Size: int64(len(text)), Width: 1, Height: 1}}
}

// One imgd has lost its lock without knowing (the file server was restarted), and
// another takes the job. Whatever the first does, what the other has done stays.
func TestHolderThatHasLostItsLockHarmsNobody(t *testing.T) {
	for _, first := range []string{"done", "another result", "failed", "can't be written"} {
		for _, second := range []string{"done", "failed", "still at work"} {
			t.Run("first "+first+", second "+second, func(t *testing.T) {
				dir := t.TempDir()
				a, b := open(t, Config{Dir: dir}), open(t, Config{Dir: dir})
				id := submit(t, a, "", "x", gray)
				ja := a.Next()
				lk := ja.held
				ja.held, _, _ = a.lock(filepath.Join(t.TempDir(), "forgotten"), true)
				lk.Close()
				b.Rescan()
				jb := b.Next()
				if ja == nil || jb == nil {
					t.Fatal("not taken over")
				}
				// The lock of a is taken again where b holds it.
				ja.held.Close()
				ja.held, _ = openFile(a.job(id, "lock"), os.O_RDWR, 0)
				switch second {
				case "done":
					finish(t, b, jb, "good")
				case "failed":
					jb.Fail(fault.New(fault.Format, "no picture"))
				}
				before, err := b.Status(id)
				if err != nil {
					t.Fatal(err)
				}
				switch first {
				case "done":
					err = ja.Done(resultFile(t, a, "good"), pngOf("good"))
				case "another result":
					err = ja.Done(resultFile(t, a, "other!"), pngOf("other!"))
				case "failed":
					ja.Fail(fault.New(fault.Timeout, "slow"))
				case "can't be written":
					tmp := resultFile(t, a, "good")
					tmp.f.Close()
					err = ja.Done(tmp, pngOf("good"))
				}
				if err != nil {
					t.Errorf("the first reports %v", err)
				}
				after, err := b.Status(id)
				if err != nil || after.State != before.State || !reflect.DeepEqual(after.Result, before.Result) || after.Failure != before.Failure {
					t.Errorf("before: %+v\nafter:  %+v, %v", before, after, err)
				}
				if second == "still at work" {
					finish(t, b, jb, "good")
					if got, err := result(b, id); got != "good" {
						t.Errorf("result %q, %v", got, err)
					}
				}
				a.Rescan()
				if u := a.Usage(); u.Running != 0 || u.Pending != 0 {
					t.Errorf("the first still counts %+v", u)
				}
				names, _ := readNames(b.job(id))
				for _, n := range names {
					if strings.Contains(n, ".") {
						t.Errorf("%s is left", n)
					}
				}
			})
		}
	}
}

// The first was stopped between its last look and its link: the link decides.
func TestLinkDecidesBetweenTwoHolders(t *testing.T) {
	for _, written := range []string{"before the second holder cleans up", "after it has begun"} {
		t.Run("result written "+written, func(t *testing.T) {
			dir := t.TempDir()
			a, b := open(t, Config{Dir: dir}), open(t, Config{Dir: dir})
			id := submit(t, a, "", "x", gray)
			ja := a.Next()
			var jb *Job
			takeOver := func() {
				ja.held.Close() // the lock is lost here
				b.Rescan()
				if jb = b.Next(); jb == nil {
					t.Fatal("not taken over")
				}
			}
			err := ja.conclude(func(tag string) ([]string, error) {
				if written == "after it has begun" {
					takeOver()
				}
				r := pngOf("late")
				names, err := ja.writeResult([]*Temp{resultFile(t, a, "late")}, &r, tag)
				if jb == nil {
					takeOver()
				}
				finish(t, b, jb, "good")
				return names, err
			})
			if err == nil {
				t.Error("both have ended the job")
			}
			if got, err := result(b, id); got != "good" {
				t.Errorf("result %q, %v", got, err)
			}
			names, _ := readNames(b.job(id))
			if len(names) != 5 {
				t.Errorf("files: %q", names)
			}
		})
	}
}

// Killed after the link that decides, a job is tidied by the next start.
func TestHolderThatDiedBeforeItGaveTheNames(t *testing.T) {
	for _, record := range []string{"result", "error"} {
		t.Run(record, func(t *testing.T) {
			s := open(t, Config{Dir: t.TempDir()})
			id := submit(t, s, "", "picture", gray)
			j := s.Next()
			r := pngOf("good")
			r.Finished = s.now()
			var err error
			if record == "result" {
				_, err = j.writeResult([]*Temp{resultFile(t, s, "good")}, &r, "tag")
			} else {
				err = s.create(s.job(id, "error.tag"), Failure{Kind: fault.Format, Detail: "no", Finished: s.now(), tag: "tag"}.marshal())
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := s.link(s.job(id, record+".tag"), s.job(id, "end")); err != nil {
				t.Fatal(err)
			}
			j.held.Close()
			s = open(t, Config{Dir: s.dir})
			want := []string{"end", "job", "lock", record}
			if record == "result" {
				want = []string{"end", "job", "lock", "out", record}
				if got, err := result(s, id); got != "good" {
					t.Errorf("%q, %v", got, err)
				}
			}
			names, _ := readNames(s.job(id))
			slices.Sort(names)
			slices.Sort(want)
			if !slices.Equal(names, want) {
				t.Errorf("files %q, want %q", names, want)
			}
		})
	}
}

func TestDamagedResults(t *testing.T) {
	for name, c := range map[string]struct {
		damage  func(t *testing.T, s *Spool, id string)
		keepIn  bool
		pending bool // else failed
	}{
		"short, picture there":         {func(t *testing.T, s *Spool, id string) { os.Truncate(s.job(id, "out"), 3) }, true, true},
		"short, picture gone":          {func(t *testing.T, s *Spool, id string) { os.Truncate(s.job(id, "out"), 3) }, false, false},
		"missing, picture there":       {func(t *testing.T, s *Spool, id string) { os.Remove(s.job(id, "out")) }, true, true},
		"missing, picture gone":        {func(t *testing.T, s *Spool, id string) { os.Remove(s.job(id, "out")) }, false, false},
		"empty end, picture there":     {func(t *testing.T, s *Spool, id string) { os.Truncate(s.job(id, "end"), 0) }, true, true},
		"empty end, picture gone":      {func(t *testing.T, s *Spool, id string) { os.Truncate(s.job(id, "end"), 0) }, false, false},
		"version 1 without its record": {func(t *testing.T, s *Spool, id string) { os.Remove(s.job(id, "end")); os.Remove(s.job(id, "result")) }, true, true},
		"version 1 without its record or picture": {func(t *testing.T, s *Spool, id string) {
			os.Remove(s.job(id, "end"))
			os.Remove(s.job(id, "result"))
		}, false, false},
		"a link in its place": {func(t *testing.T, s *Spool, id string) {
			os.Rename(s.job(id, "out"), s.job(id, "elsewhere"))
			if err := os.Symlink("elsewhere", s.job(id, "out")); err != nil {
				t.Fatal(err)
			}
		}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Config{Dir: t.TempDir()})
			id := submit(t, s, "", "picture", gray)
			if c.keepIn {
				if err := os.Link(s.job(id, "in"), s.path("incoming", "kept")); err != nil {
					t.Fatal(err)
				}
			}
			finish(t, s, s.Next(), "a good result")
			if c.keepIn {
				os.Rename(s.path("incoming", "kept"), s.job(id, "in"))
			}
			c.damage(t, s, id)
			for _, s := range []*Spool{s, open(t, Config{Dir: s.dir})} {
				st, err := s.Status(id)
				if err != nil {
					t.Fatal(err)
				}
				if c.pending {
					if st.State != Pending {
						t.Fatalf("state %v", st.State)
					}
					continue
				}
				if st.State != Failed || st.Failure.Kind != fault.Internal || !strings.Contains(st.Failure.Detail, "damaged") {
					t.Errorf("%+v", st)
				}
				if u := s.Usage(); u.Failed != 1 || u.Done != 0 {
					t.Errorf("usage %+v", u)
				}
			}
			if c.pending {
				j := s.Next()
				if j == nil {
					t.Fatal("it is not done again")
				}
				finish(t, s, j, "a better result")
				if got, err := result(s, id); got != "a better result" {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
}

// A result whose usual name is taken is served by its own.
func TestResultWhoseNameIsTaken(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	id := submit(t, s, "", "x", gray)
	j := s.Next()
	if err := os.WriteFile(s.job(id, "out"), []byte("by version 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	finish(t, s, j, "result")
	if got, err := result(s, id); got != "result" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestResultHasItsHash(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	id := submit(t, s, "", "x", gray)
	finish(t, s, s.Next(), "abc")
	st, err := s.Status(id)
	if want := "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; err != nil || st.Result.SHA256 != want {
		t.Errorf("%q, %v; want %q", st.Result.SHA256, err, want)
	}
}

// The spool of a power cut in the first start: folders, and no version yet.
func TestFirstStartThatWasCutOff(t *testing.T) {
	dir := t.TempDir()
	for _, d := range folders[:3] {
		os.Mkdir(filepath.Join(dir, d), 0o700)
	}
	s := open(t, Config{Dir: dir})
	submit(t, s, "", "x", gray)
	os.Remove(s.path("version"))
	if _, err := Open(Config{Dir: dir, TTL: time.Hour}); err == nil {
		t.Error("a folder with a job and without a version was taken for an empty one")
	}
}

// testdata/version1 was written by version 1 and stays as it is.
func TestSpoolOfVersion1IsCarriedOver(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/version1")); err != nil {
		t.Fatal(err)
	}
	s := open(t, Config{Dir: dir, TTL: 1e6 * time.Hour})
	if b, err := os.ReadFile(s.path("version")); string(b) != "2\n" || err != nil {
		t.Errorf("version %q, %v", b, err)
	}
	done, failed := "aaaaaaaaaaaaaaaaaaaaaadone", "aaaaaaaaaaaaaaaaaaaafailed"
	gone, pending := "aaaaaaaaaaaaaaaaaaaaaagone", "aaaaaaaaaaaaaaaaaaapending"
	if got, err := result(s, done); got != "result one" {
		t.Errorf("done: %q, %v", got, err)
	}
	if st, err := s.Status(failed); err != nil || st.State != Failed || st.Failure.Kind != fault.Format || st.Failure.Detail != "not a picture" {
		t.Errorf("failed: %+v, %v", st, err)
	}
	if _, err := s.Status(gone); fault.Of(err) != fault.Gone {
		t.Errorf("gone: %v", err)
	}
	j := s.Next()
	if j == nil || j.ID != pending || j.Deaths() != 1 || j.Ops.Get("name") != "IMG 1.png" {
		t.Fatalf("pending: %+v", j)
	}
	finish(t, s, j, "result four")
	if got, err := result(s, pending); got != "result four" {
		t.Errorf("pending, done by us: %q, %v", got, err)
	}
	// What version 1 reads of it: out and result.
	for _, n := range []string{"out", "result"} {
		if !exists(s.job(pending, n)) {
			t.Errorf("no %s for version 1", n)
		}
	}
}

// A job with words of a later version is left to an imgd that knows them, and fails
// when none has come for its time to live.
func TestJobOfALaterVersionIsLeftToOthers(t *testing.T) {
	for name, change := range map[string][2]string{
		"version": {"version: 1", "version: 4"},
		"words":   {"gray=601", "gray=601 sharpen=2"},
		"default": {"defaults: ", "defaults: sharpen=0 "},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			s := open(t, Config{Dir: t.TempDir(), Now: c.now, TTL: time.Hour})
			id := submit(t, s, "", "x", gray)
			other := submit(t, s, "", "y", gray)
			b, _ := os.ReadFile(s.job(id, "job"))
			text := strings.Replace(string(b), change[0], change[1], 1)
			if err := os.WriteFile(s.job(id, "job"), []byte(text), 0o600); err != nil || text == string(b) {
				t.Fatal(err)
			}
			if j := s.Next(); j == nil || j.ID != other {
				t.Fatalf("next: %+v", j)
			} else {
				finish(t, s, j, "out")
			}
			if st, err := s.Status(id); err != nil || st.State != Pending {
				t.Fatalf("%+v, %v", st, err)
			}
			c.add(2 * time.Hour)
			if j := s.Next(); j != nil {
				t.Errorf("given out: %+v", j)
			}
			if st, err := s.Status(id); err != nil || st.State != Failed {
				t.Errorf("%+v, %v", st, err)
			}
		})
	}
}

// A job is coded with the quality that was the default when it was handed in.
func TestJobKeepsTheDefaultQualityOfItsTime(t *testing.T) {
	now := ops.Default("usual")
	for name, c := range map[string]struct{ ops, defaults, want string }{
		"today":                        {"gray=601 scale=1/2", "defaults: usual=" + now, ""},
		"another":                      {"gray=601 scale=1/2", "defaults: kernel=lanczos3 fast=0 linear=0 usual=jpeg:70", "jpeg:70"},
		"before records had it":        {"gray=601 scale=1/2", "defaults: kernel=lanczos3 fast=0 linear=0", "jpeg:85"},
		"before records had any":       {"gray=601", "", "jpeg:85"},
		"a quality asked for":          {"gray=601 quality=60", "defaults: ", ""},
		"a quality, before":            {"gray=601 quality=60", "", ""},
		"from a front of another time": {"gray=601 usual=jpeg:60", "", "jpeg:60"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Config{Dir: t.TempDir()})
			id := submit(t, s, "", "x", gray)
			b, _ := os.ReadFile(s.job(id, "job"))
			var lines []string
			for line := range strings.Lines(string(b)) {
				switch {
				case strings.HasPrefix(line, "ops: "):
					line = "ops: " + c.ops + "\n"
				case strings.HasPrefix(line, "defaults: ") && c.defaults == "":
					continue
				case strings.HasPrefix(line, "defaults: "):
					line = c.defaults + "\n"
				}
				lines = append(lines, line)
			}
			if err := os.WriteFile(s.job(id, "job"), []byte(strings.Join(lines, "")), 0o600); err != nil {
				t.Fatal(err)
			}
			j := s.Next()
			if j == nil || j.Ops.Get("usual") != c.want {
				t.Errorf("%+v, want usual %q", j, c.want)
			}
		})
	}
}

// Retention counts from finishing, whatever the clock does.
func TestClockThatJumps(t *testing.T) {
	c := newClock()
	s := open(t, Config{Dir: t.TempDir(), Now: c.now, TTL: time.Hour})
	c.add(1000 * time.Hour)
	id := submit(t, s, "", "x", gray)
	finish(t, s, s.Next(), "out")
	c.add(-1000 * time.Hour) // corrected
	for _, s := range []*Spool{s, open(t, Config{Dir: s.dir, Now: c.now, TTL: time.Hour})} {
		s.Rescan()
		if st, err := s.Status(id); err != nil || st.Expires.Sub(c.now()) > time.Hour {
			t.Errorf("%+v, %v", st, err)
		}
	}
	c.add(61 * time.Minute)
	s.Rescan()
	if _, err := s.Status(id); fault.Of(err) != fault.Gone {
		t.Errorf("an hour after the correction it is there: %v", err)
	}
}

// The file system of the spool goes and comes back.
func TestSpoolThatGoesAndComesBack(t *testing.T) {
	parent := t.TempDir()
	c := newClock()
	s := open(t, Config{Dir: filepath.Join(parent, "spool"), Now: c.now})
	done, waiting := submit(t, s, "", "1", gray), submit(t, s, "", "2", gray)
	finish(t, s, s.Next(), "out")
	running := submit(t, s, "", "3", gray)
	j := s.Next()
	for _, how := range []string{"gone", "not mounted"} {
		t.Run(how, func(t *testing.T) {
			if err := os.Rename(s.dir, s.dir+".away"); err != nil {
				t.Fatal(err)
			}
			if how == "not mounted" {
				os.Mkdir(s.dir, 0o700)
			}
			kind(t, "trouble", s.watchTrouble(), fault.Busy)
			kind(t, "trouble, asked", s.Trouble(), fault.Busy)
			for _, id := range []string{done, waiting, jobid.New()} {
				_, err := s.Status(id)
				kind(t, "status", err, fault.Busy)
				kind(t, "remove", s.Remove(id), fault.Busy)
			}
			_, err := s.Upload(1, true)
			kind(t, "upload", err, fault.Busy)
			if err := s.Rescan(); err == nil {
				t.Error("rescan saw nothing")
			}
			if s.Next() != nil {
				t.Error("a job was given out")
			}
			os.Remove(s.dir)
			if err := os.Rename(s.dir+".away", s.dir); err != nil {
				t.Fatal(err)
			}
			if err := s.watchTrouble(); err != nil {
				t.Error(err)
			}
			s.Rescan()
		})
	}
	if got, err := result(s, done); got != "out" {
		t.Errorf("%q, %v", got, err)
	}
	if j.ID != waiting {
		t.Fatal("not the oldest")
	}
	finish(t, s, j, "out")
	if j := s.Next(); j == nil || j.ID != running {
		t.Errorf("%+v", j)
	}
}

// A result that could not be written because the spool was away is tried again.
func TestResultForASpoolThatIsAway(t *testing.T) {
	c := newClock()
	s := open(t, Config{Dir: filepath.Join(t.TempDir(), "spool"), Now: c.now})
	id := submit(t, s, "", "1", gray)
	j := s.Next()
	tmp := resultFile(t, s, "out")
	os.Rename(s.dir, s.dir+".away")
	j.Done(tmp, pngOf("out"))
	os.Rename(s.dir+".away", s.dir)
	if st, err := s.Status(id); err != nil || st.State != Pending {
		t.Fatalf("%+v, %v", st, err)
	}
	c.add(fullPause)
	if j := s.Next(); j == nil {
		t.Error("it is not tried again")
	} else {
		finish(t, s, j, "out")
	}
}

func TestKindsOfDiskErrors(t *testing.T) {
	for _, e := range away {
		err := diskError(&fs.PathError{Op: "open", Path: "/spool/jobs/secret", Err: e})
		if fault.Of(err) != fault.Busy || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %v (%v)", e, err, fault.Of(err))
		}
	}
}

// A job whose files can't be read now is taken up again soon.
func TestJobThatCouldNotBeTakenIsTriedSoon(t *testing.T) {
	c := newClock()
	s := open(t, Config{Dir: t.TempDir(), Now: c.now})
	id := submit(t, s, "", "x", gray)
	if err := errors.Join(os.Remove(s.job(id, "lock")), os.Mkdir(s.job(id, "lock"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if s.Next() != nil {
		t.Fatal("taken without a lock")
	}
	if err := os.Remove(s.job(id, "lock")); err != nil {
		t.Fatal(err)
	}
	c.add(2 * time.Second)
	if j := s.Next(); j == nil || j.ID != id {
		t.Errorf("2 s later: %+v", j)
	}
}

// A file server forgets a lock while its holder writes the result. The next holder
// takes the job, removes what is half written, and has to leave it again. The job
// waits then: it has not failed.
func TestLockLostWhileTheResultIsWritten(t *testing.T) {
	a := open(t, Config{Dir: t.TempDir()})
	id := submit(t, a, "", "1", gray)
	b := open(t, Config{Dir: a.dir})
	j := a.Next()
	a.trace = func(change string, paths ...string) {
		if change != "create" || !strings.HasPrefix(filepath.Base(paths[0]), "result.") {
			return
		}
		if err := fcntlFlock(j.held, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK}); err != nil {
			t.Fatal(err)
		}
		other := b.Next()
		if other == nil {
			t.Fatal("the job can't be taken though its lock is lost")
		}
		other.Release(0)
	}
	finish(t, a, j, "out")
	if st, err := b.Status(id); err != nil || st.State != Pending {
		t.Fatalf("%+v, %v", st, err)
	}
	finish(t, b, b.Next(), "out")
	if st, err := a.Status(id); err != nil || st.State != Done {
		t.Errorf("%+v, %v", st, err)
	}
}
