package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
)

// The model test: two imgd work on one spool. Requests, work, deaths, crashes, lost
// locks, clocks that jump and full disks come in an order that a seed decides. After
// each step every job is compared with the reference below, which is a map in memory.
//
//	go test ./pkg/front/spool -run Model                a few seeds
//	SEEDS=10000 go test ./pkg/front/spool -run Model    many (make model)
//	SEED=17 go test ./pkg/front/spool -run Model -v     one, with its steps

// reference is what the clients were promised of one job.
type reference struct {
	picture  string
	state    State
	text     string // of the result, or of the failure
	gone     bool
	sent     bool // the result was delivered, so the job may go
	deaths   int
	owner    *Job         // who holds its lock; nil: nobody
	finished time.Time    // on the clock of the imgd that has ended it
	since    [2]time.Time // the earliest that each imgd's clock has shown since
	tried    []State      // outcomes that may have been made, or not: their process died at it, or two raced
}

// end gives the job its outcome. Later ones count for nothing.
func (r *reference) end(state State, text string, finished time.Time, now [2]time.Time) {
	if !r.gone && r.state == Pending {
		r.state, r.text, r.finished, r.since = state, text, finished, now
	}
}

// mayGo reports whether the job may be removed without being asked for: its result was
// delivered, or has been there for the time to live by one of the clocks.
func (r *reference) mayGo(now [2]time.Time, ttl time.Duration) bool {
	if r.state == Pending {
		return false
	}
	for i := range now {
		from := r.since[i]
		if r.finished.Before(from) {
			from = r.finished
		}
		if now[i].Sub(from) > ttl {
			return true
		}
	}
	return r.sent
}

// check compares the job with what an imgd says.
func (r *reference) check(st *Status, err error, result string, now [2]time.Time, ttl time.Duration) error {
	if err == nil && st.State != Pending && r.state == Pending {
		switch {
		case slices.Contains(r.tried, st.State):
			r.end(st.State, resultOf(r.picture), st.Finished(), now)
		case st.State == Failed && r.deaths >= limits.Deaths:
			r.end(Failed, st.Failure.Detail, st.Finished(), now)
		}
	}
	if err != nil && len(r.tried) > 0 { // it may have ended, and expired by the other's clock
		earliest := now[0]
		if now[1].Before(earliest) {
			earliest = now[1]
		}
		r.end(r.tried[0], "", earliest, now)
	}
	switch {
	case r.gone && fault.Of(err) == fault.Gone && err != nil:
		return nil
	case err != nil && fault.Of(err) == fault.Gone && r.mayGo(now, ttl):
		r.gone, r.owner = true, nil
		return nil
	case err != nil || r.gone:
		return fmt.Errorf("%v, gone: %v", err, r.gone)
	case st.State != r.state:
		return fmt.Errorf("state %d, want %d: %s", st.State, r.state, st.Failure.Detail)
	case st.State == Done && result != resultOf(r.picture):
		return fmt.Errorf("result %q, want %q", result, resultOf(r.picture))
	case st.State == Pending && st.Running != (r.owner != nil):
		return fmt.Errorf("running: %v, want %v", st.Running, r.owner != nil)
	}
	return nil
}

func resultOf(picture string) string { return "gray of " + picture }

// model is one run.
type model struct {
	t     *testing.T
	rnd   *rand.Rand
	dir   string
	quota int64
	time  time.Time
	ahead [2]time.Duration // of the clocks of the imgd
	imgd  [2]*Spool
	held  [2][]*Job // what each works on
	full  bool      // the disk
	jobs  map[string]*reference
	armed int    // changes until cut is called; 0: never
	raced bool   // the other imgd did something in between
	cut   func() // crashes, or has the other imgd do something in between
	log   bytes.Buffer
}

const modelTTL = time.Hour

var errCrash = errors.New("crash")

func (m *model) now(i int) time.Time {
	m.time = m.time.Add(time.Microsecond)
	return m.time.Add(m.ahead[i])
}

func (m *model) clocks() [2]time.Time { return [2]time.Time{m.now(0), m.now(1)} }

// start starts an imgd.
func (m *model) start(i int) {
	s, err := Open(Config{Dir: m.dir, TTL: modelTTL, Quota: m.quota, Now: func() time.Time { return m.now(i) }, trace: m.count})
	if err != nil {
		m.fail("start: %v", err)
	}
	s.statfs = func(path string, st *unix.Statfs_t) error {
		err := unix.Statfs(path, st)
		if m.full {
			st.Bavail = 0
		}
		return err
	}
	m.imgd[i], m.held[i] = s, nil
}

func (m *model) count(string, ...string) {
	if m.armed > 0 {
		if m.armed--; m.armed == 0 {
			m.cut()
		}
	}
}

// crash ends an imgd. The kernel drops its locks.
func (m *model) crash(i int) {
	m.armed = 0
	live := map[int]bool{}
	for _, f := range []*os.File{m.imgd[1-i].changes.own, m.imgd[1-i].changes.before} {
		if f != nil {
			live[int(f.Fd())] = true
		}
	}
	for _, j := range m.held[1-i] {
		live[int(j.held.Fd())] = true
	}
	names, _ := readNames(procFD)
	for _, n := range names {
		fd, _ := strconv.Atoi(n)
		if path, err := os.Readlink(filepath.Join(procFD, n)); err == nil && strings.HasPrefix(path, m.dir+"/") && !live[fd] {
			unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK})
		}
	}
	for _, r := range m.jobs {
		if r.owner != nil && r.owner.s == m.imgd[i] {
			r.owner = nil
		}
	}
	m.start(i)
}

func (m *model) fail(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("%s\n%s", m.log.String(), fmt.Sprintf(format, args...))
}

func (m *model) say(format string, args ...any) { fmt.Fprintf(&m.log, format+"\n", args...) }

// any returns one of the jobs.
func (m *model) any() (string, *reference) {
	ids := slices.Sorted(maps.Keys(m.jobs))
	if len(ids) == 0 {
		return "", nil
	}
	id := ids[m.rnd.IntN(len(ids))]
	return id, m.jobs[id]
}

// put hands in a picture. r is nil when the job is new.
func (m *model) put(i int, id, picture string, r *reference) {
	if r == nil {
		r = &reference{picture: picture}
		defer func() {
			if exists(m.imgd[i].job(id)) { // it may be there, though nothing was said
				m.jobs[id] = r
			}
		}()
	}
	_, err := submitAs(m.imgd[i], fmt.Sprint("client ", m.rnd.IntN(3)), id, picture, opsOf(id))
	m.say("put %s: %v", id[:2], err)
	kind := fault.Of(err)
	switch {
	case err != nil && (kind == fault.Full || kind == fault.TooLarge) && (m.full || m.quota < 1<<30):
	case err != nil && kind == fault.Gone && (r.gone || r.mayGo(m.clocks(), modelTTL)):
	case r.gone:
		m.fail("a job that is gone: %v", err)
	case picture != r.picture:
		if kind != fault.Conflict || err == nil {
			m.fail("another picture: %v", err)
		}
	case err != nil:
		m.fail("%v", err)
	}
}

// take has an imgd begin a job.
func (m *model) take(i int) {
	j := m.imgd[i].Next()
	if j == nil {
		return
	}
	r := m.jobs[j.ID]
	m.say("take %s", j.ID[:2])
	f, err := j.Reader()
	if err != nil {
		m.fail("%v", err)
	}
	b, _ := io.ReadAll(f)
	f.Close()
	if r == nil || r.gone || r.state != Pending || r.owner != nil || string(b) != r.picture || j.Deaths() != r.deaths {
		m.fail("was given a job of %d bytes that %d workers died of: known %v", len(b), j.Deaths(), r != nil)
	}
	r.owner = j
	m.held[i] = append(m.held[i], j)
}

// work ends the work on one job; dies has its worker die at times.
func (m *model) work(i int, dies bool) {
	if len(m.held[i]) == 0 {
		return
	}
	j := m.held[i][m.rnd.IntN(len(m.held[i]))]
	r := m.jobs[j.ID]
	what := m.rnd.IntN(8)
	if what == 0 && dies { // a worker dies
		n, err := j.Died()
		m.say("died %s: %d %v", j.ID[:2], n, err)
		r.deaths = n
		return
	}
	mine := !r.gone && r.state == Pending && (r.owner == j || r.owner == nil)
	ends := func(state State, end func()) {
		if mine {
			r.tried = append(r.tried, state)
		}
		end()
		if mine && !m.raced { // else check finds out who was first
			r.end(state, resultOf(r.picture), m.now(i), m.clocks())
		}
	}
	switch what {
	case 1, 2:
		m.say("fail %s", j.ID[:2])
		ends(Failed, func() { j.Fail(fault.New(fault.Format, "not a picture")) })
	case 3:
		m.say("release %s", j.ID[:2])
		j.Release(time.Duration(m.rnd.IntN(5)) * time.Second)
	default:
		m.say("done %s", j.ID[:2])
		out := resultOf(r.picture)
		ends(Done, func() {
			result := Result{Output: Output{Type: "image/png", Size: int64(len(out))}}
			var more []*Temp
			if hasTwo(j.ID) {
				small := smallOf(r.picture)
				result.More = []Output{{Type: "image/png", Size: int64(len(small))}}
				more = append(more, filled(m.t, m.imgd[i], small))
			}
			if err := j.Done(filled(m.t, m.imgd[i], out), result, more...); err != nil {
				m.fail("done: %v", err)
			}
		})
	}
	m.held[i] = slices.DeleteFunc(m.held[i], func(h *Job) bool { return h == j })
	if r.owner == j {
		r.owner = nil
	}
}

// change is a step that a crash may interrupt.
func (m *model) change(i int) {
	id, r := m.any()
	switch what := m.rnd.IntN(12); {
	case what < 3 || r == nil:
		b := make([]byte, 26)
		for k := range b {
			b[k] = "abcdefghijklmnopqrstuvwxyz234567"[m.rnd.IntN(32)]
		}
		m.put(i, string(b), strings.Repeat(string(b), 1+m.rnd.IntN(1000)), nil)
	case what == 3:
		picture := r.picture
		if m.rnd.IntN(2) == 0 {
			picture += "x"
		}
		m.put(i, id, picture, r)
	case what < 6:
		m.take(i)
	case what < 10:
		m.work(i, true)
	case what == 10:
		m.say("sweep")
		m.imgd[i].sweep()
	case m.rnd.IntN(3) == 0:
		m.say("delete %s", id[:2])
		defer func() { r.gone = r.gone || !exists(m.imgd[i].job(id)) || m.imgd[i].isGone(id) }()
		if err := m.imgd[i].Remove(id); err != nil && fault.Of(err) != fault.Gone {
			m.fail("%v", err)
		}
		r.owner = nil
	}
}

// crashing makes a change and crashes in the middle of it.
func (m *model) crashing(i int) {
	defer func() {
		if v := recover(); v != nil && v != errCrash {
			panic(v)
		}
		if m.t.Failed() {
			return
		}
		m.crash(i)
		for id, r := range m.jobs { // the death may have been noted, or not
			n, _, _ := size(m.imgd[i].job(id, "deaths"))
			r.deaths = max(r.deaths, int(n))
		}
	}()
	m.armed, m.cut = 1+m.rnd.IntN(12), func() { panic(errCrash) }
	m.say("imgd %d crashes after %d changes", i, m.armed)
	m.change(i)
}

// racing has a holder lose its lock in the middle of ending a job, and the other imgd
// take the job up and perhaps end it in between.
func (m *model) racing(i int) {
	if len(m.held[i]) == 0 {
		return
	}
	m.armed, m.cut = 1+m.rnd.IntN(8), func() {
		for _, j := range m.held[i] {
			m.lose(j)
		}
		m.say("imgd %d takes them up meanwhile", 1-i)
		m.raced = true
		if err := m.imgd[1-i].Rescan(); err != nil {
			m.fail("%v", err)
		}
		m.time = m.time.Add(heldPause)
		for range 3 {
			m.take(1 - i)
		}
		m.armed, m.cut = m.rnd.IntN(6), func() {
			m.say("imgd %d ends its work meanwhile", 1-i)
			for range 3 {
				m.work(1-i, false)
			}
		}
	}
	m.say("imgd %d loses its locks after %d changes", i, m.armed)
	m.work(i, false)
	m.armed, m.raced = 0, false
}

// lose has the file server forget a lock.
func (m *model) lose(j *Job) {
	unix.FcntlFlock(j.held.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK})
	m.say("lock of %s lost", j.ID[:2])
	if r := m.jobs[j.ID]; r.owner == j {
		r.owner = nil
	}
}

// step is one step of an imgd or of the world around it.
func (m *model) step(i int) {
	s := m.imgd[i]
	m.full = m.full && m.rnd.IntN(5) > 0
	switch what := m.rnd.IntN(100); {
	case what < 55:
		m.change(i)
	case what < 70:
		m.racing(i)
	case what < 78:
		m.crashing(i)
	case what < 86: // what every imgd does all the time
		m.time = m.time.Add(RescanEvery)
		if m.rnd.IntN(3) > 0 {
			if err := s.round(); err != nil {
				m.fail("%v", err)
			}
			break
		}
		if err := s.Rescan(); err != nil {
			m.fail("%v", err)
		}
		m.checkKnown(i)
	case what < 90:
		if n := len(m.held[i]); n > 0 {
			m.lose(m.held[i][m.rnd.IntN(n)])
		}
	case what < 94:
		if id, r := m.any(); r != nil && !r.gone && r.state != Pending {
			n := int64(0)
			if r.state == Done {
				n = int64(len(r.text))
			}
			m.say("sent %s", id[:2])
			s.Sent(id, 1, 0, n)
			if r.state == Done && hasTwo(id) {
				if m.rnd.IntN(2) == 0 {
					break // only the first of two was delivered
				}
				s.Sent(id, 2, 0, int64(len(smallOf(r.picture))))
			}
			r.sent = true
		}
	case what < 97: // a clock is set
		m.ahead[i] = time.Duration(m.rnd.IntN(240)-120) * time.Minute
		m.say("clock %d is %v ahead", i, m.ahead[i])
	default:
		m.full = true
		m.say("the disk is full for a while")
	}
}

// checkKnown compares what the index of an imgd has, after a look at the folder.
func (m *model) checkKnown(i int) {
	m.check(i)
	s := m.imgd[i]
	for id, r := range m.jobs {
		e := s.jobs[id]
		if (e == nil) != r.gone || e != nil && !e.running && e.state != r.state {
			m.fail("imgd %d: job %s: the index has %+v", i, id[:2], e)
		}
	}
}

// check compares all jobs with the reference, as the given imgd see them, and the
// indexes with themselves. To look at a job tells an imgd about it.
func (m *model) check(looking ...int) {
	now := m.clocks()
	for id, r := range m.jobs {
		for i := range now {
			if r.state != Pending && now[i].Before(r.since[i]) {
				r.since[i] = now[i]
			}
		}
		for _, i := range looking {
			s := m.imgd[i]
			st, err := s.Status(id)
			result := ""
			if err == nil && st.State == Done {
				f, err := s.Result(st, 1)
				if err != nil {
					m.fail("result of %s: %v", id[:2], err)
				}
				b, _ := io.ReadAll(f)
				f.Close()
				result = string(b)
				if hasTwo(id) {
					f, err := s.Result(st, 2)
					if err != nil {
						m.fail("second result of %s: %v", id[:2], err)
					}
					b, _ := io.ReadAll(f)
					f.Close()
					if string(b) != smallOf(r.picture) {
						m.fail("second result of %s: %q", id[:2], b)
					}
				}
			}
			if err := r.check(st, err, result, now, modelTTL); err != nil {
				m.fail("imgd %d: job %s: %v", i, id[:2], err)
			}
		}
		r.tried = nil
	}
	for i, s := range m.imgd {
		if err := s.checkIndex(); err != nil {
			m.fail("imgd %d: %v", i, err)
		}
	}
}

// finish ends all work and has every job that waits done.
func (m *model) finish() {
	m.full = false
	m.say("finish")
	for i := range m.imgd {
		m.crash(i)
	}
	m.time = m.time.Add(time.Minute)
	for m.take(0); len(m.held[0]) > 0; m.take(0) {
		m.work(0, true)
		m.time = m.time.Add(time.Minute)
	}
	for id, r := range m.jobs {
		if !r.gone && r.state == Pending && r.deaths < limits.Deaths {
			if len(m.imgd[0].clients) == 0 || m.quota == 1<<30 {
				m.fail("job %s is never done", id[:2])
			}
		}
	}
	m.check(0, 1)
	for id, r := range m.jobs { // of two outcomes that raced one has left nothing
		other := map[State]string{Done: "error", Failed: "result"}[r.state]
		if other != "" && exists(m.imgd[0].job(id, other)) {
			m.fail("job %s has state %d and a file %s", id[:2], r.state, other)
		}
	}
}

// checkIndex compares the sums of an index with its entries.
func (s *Spool) checkIndex() error {
	if err := s.checkTurns(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum index
	for _, e := range s.jobs {
		sum.account(e, 1)
	}
	if sum.count != s.count || sum.running != s.running || sum.used != s.used || sum.finished != s.finished || sum.removable != s.removable {
		return fmt.Errorf("the sums of the index are wrong: %+v", s.count)
	}
	if s.reserved != 0 || s.images != 0 {
		return fmt.Errorf("%d bytes are reserved, %d for /image", s.reserved, s.images)
	}
	return nil
}

func runModel(t *testing.T, top string, seed uint64, steps int, verbose bool) {
	m := &model{
		t: t, rnd: rand.New(rand.NewPCG(seed, 1)), dir: filepath.Join(top, fmt.Sprint(seed)),
		quota: 1 << 30, time: time.Now().Round(0), jobs: map[string]*reference{},
	}
	if m.rnd.IntN(3) == 0 {
		m.quota = quotaFor(200 << 10)
	}
	m.say("failed: SEED=%d go test ./pkg/front/spool -run Model", seed)
	m.start(0)
	m.start(1)
	for range steps {
		i := m.rnd.IntN(2)
		m.step(i)
		m.check([][]int{{0}, {1}, {0, 1}}[m.rnd.IntN(3)]...)
	}
	m.finish()
	if verbose {
		t.Log(m.log.String())
	}
	os.RemoveAll(m.dir)
}

func TestModel(t *testing.T) {
	top := memoryDir(t)
	number := func(name string, usual uint64) uint64 {
		n, err := strconv.ParseUint(os.Getenv(name), 10, 64)
		if err != nil {
			return usual
		}
		return n
	}
	const steps = 150
	if seed := number("SEED", 0); seed > 0 {
		runModel(t, top, seed, steps, true)
		return
	}
	for seed := range number("SEEDS", 12) {
		runModel(t, top, seed+1, steps, false)
	}
}
