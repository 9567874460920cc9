package tests

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"imgtools/pkg/eventually"
	"imgtools/pkg/jobid"
)

// daemons are a grayd and a scaled that several imgd of a test use.
type daemons struct{ gray, scale string }

func startDaemons(t testing.TB) daemons {
	t.Helper()
	_, gray := startDaemon(t, "grayd", "-n", "1")
	_, scale := startDaemon(t, "scaled", "-n", "1")
	return daemons{gray, scale}
}

// flags are those with which imgd uses them.
func (d daemons) flags() []string { return []string{"-grayd", d.gray, "-scaled", d.scale} }

// buildInject builds tests/inject beside the commands, once.
var buildInject = sync.OnceValue(func() error {
	c := exec.Command("go", "build", "-o", binDir+"/", "./tests/inject")
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go build ./tests/inject: %v\n%s", err, out)
	}
	return nil
})

// hit says which change of the spool is hit, and how.
type hit struct {
	at    int    // 0: none, all are only counted
	errno string // "": imgd is killed
	times int
}

func (h hit) name() string {
	if h.errno == "" {
		return "SIGKILL"
	}
	return h.errno
}

// points is what every run of the sweep has in common.
type points struct {
	t       *testing.T
	d       daemons
	picture []byte
	gray    []byte // what comes of picture by gray
	scaled  []byte // and by scale=1/2,1/4
	quarter []byte // of that the second result
}

// told is what a client was told in a run.
type told struct {
	ids     []string // in the order of the requests, acknowledged or not
	acked   map[string]bool
	deleted map[string]bool // true: 204; false: asked for
}

// start starts imgd under inject. Its error is that it ended before it served.
func (p *points) start(run, spool, log string, h hit) (*server, error) {
	args := []string{"-dir", spool, "-log", log}
	if h.at > 0 {
		args = append(args, "-at", fmt.Sprint(h.at))
	}
	if h.errno != "" {
		args = append(args, "-errno", h.errno, "-times", fmt.Sprint(h.times))
	}
	args = append(args, filepath.Join(binDir, "imgd"), "-p", "0", "-n", "1", "-spool", spool)
	s := spawn(p.t, run, "inject", append(args, p.d.flags()...)...)
	s.spool = spool
	return s, s.attach(p.t)
}

// put hands in the picture, or what is none.
func (p *points) put(s *server, k *told, query string, body []byte) (id string, alive bool) {
	id = jobid.New()
	k.ids = append(k.ids, id)
	resp, b, err := s.do("PUT", "/jobs/"+id+"?"+query, bytes.NewReader(body))
	if err != nil {
		return id, false
	}
	switch {
	case resp.StatusCode == 202:
		k.acked[id] = true
	case !slices.Contains([]int{500, 503, 507}, resp.StatusCode) || bytes.Count(b, []byte("\n")) != 1:
		p.t.Errorf("PUT /jobs/ID: %s %.200q", resp.Status, b)
	}
	return id, true
}

// get fetches a result, which is never another than want.
func (p *points) get(s *server, id string, want []byte) (*http.Response, bool) {
	resp, b, err := s.do("GET", "/jobs/"+id+"/image?wait=3", nil)
	if err != nil {
		return nil, false
	}
	if resp.StatusCode == 200 && !bytes.Equal(b, want) {
		p.t.Errorf("a torn result was served: %d bytes", len(b))
	}
	return resp, true
}

// work is what the client does in each run, until imgd answers no more: four jobs
// of which one is no picture, three results, and two jobs removed, the one done and
// the other perhaps not yet.
func (p *points) work(s *server) *told {
	k := &told{acked: map[string]bool{}, deleted: map[string]bool{}}
	remove := func(id string) bool {
		k.deleted[id] = false
		resp, _, err := s.do("DELETE", "/jobs/"+id, nil)
		if err == nil && resp.StatusCode == 204 {
			k.deleted[id] = true
		}
		return err == nil
	}
	a, alive := p.put(s, k, "gray", p.picture)
	if !alive {
		return k
	}
	if _, alive = p.get(s, a, p.gray); !alive {
		return k
	}
	b, alive := p.put(s, k, "scale=1/2,1/4", p.picture)
	if !alive {
		return k
	}
	if _, alive = p.get(s, b, p.scaled); !alive {
		return k
	}
	if _, alive = p.get(s, b+"/2", p.quarter); !alive {
		return k
	}
	bad, alive := p.put(s, k, "gray", []byte("no picture at all"))
	if !alive {
		return k
	}
	if resp, alive := p.get(s, bad, nil); !alive {
		return k
	} else if resp.StatusCode == 200 {
		p.t.Errorf("what is no picture came out as one")
	}
	if !remove(a) {
		return k
	}
	last, alive := p.put(s, k, "gray", p.picture)
	if !alive || !remove(last) {
		return k
	}
	return k
}

// what returns the query and body of the i-th job of work, and its right result
// (nil: it is to fail).
func (p *points) what(i int) (query string, body, want []byte) {
	switch i {
	case 1:
		return "scale=1/2,1/4", p.picture, p.scaled
	case 2:
		return "gray", []byte("no picture at all"), nil
	}
	return "gray", p.picture, p.gray
}

// once runs imgd on a new spool with one change hit, starts it again, and checks
// all that was told. It returns how many jobs were acknowledged, and how long the
// restart took until it was ready.
func (p *points) once(h hit) (acked int, restart time.Duration, changes []string) {
	t := p.t
	run := runDir(t)
	dir, err := os.MkdirTemp("", "points-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	spool, log := filepath.Join(dir, "spool"), filepath.Join(dir, "log")
	s, err := p.start(run, spool, log, h)
	k := &told{}
	if err == nil {
		k = p.work(s)
	}
	s.stop(t)
	<-s.gone
	changes = lines(t, log)
	last := "start"
	if h.at > 0 && h.at <= len(changes) {
		last = strings.ReplaceAll(changes[h.at-1], spool, "SPOOL")
	}
	before := t.Failed()
	defer func() {
		if t.Failed() && !before {
			t.Errorf("… with %s at %s", h.name(), last)
		}
	}()

	age(t, spool)
	age(t, filepath.Join(spool, "incoming"))
	begin := time.Now()
	s = restartImgd(t, run, spool, append([]string{"-n", "1"}, p.d.flags()...)...)
	restart = time.Since(begin)
	for i, id := range k.ids {
		p.settle(s, k, h, i, id)
	}
	p.tidy(spool, h)
	s.stop(t)
	return len(k.acked), restart, changes
}

// settle checks one job after the restart: what was acknowledged is there, what
// was removed is gone, and what was not acknowledged can be handed in again.
func (p *points) settle(s *server, k *told, h hit, i int, id string) {
	t := p.t
	query, body, want := p.what(i)
	resp, b, err := s.do("GET", "/jobs/"+id+"/image?wait=30", nil)
	if err != nil {
		t.Errorf("job %d after the restart: %v", i, err)
		return
	}
	done, asked := k.deleted[id]
	if done || asked && resp.StatusCode == 410 {
		if resp.StatusCode != 410 {
			t.Errorf("job %d was removed and is back: %s", i, resp.Status)
		}
		return
	}
	if !k.acked[id] {
		if resp.StatusCode == 404 && bytes.Contains(b, []byte(id)) {
			t.Errorf("job %d: the whole id in %q", i, b)
		}
		if h.errno != "" && asked {
			return // refused, and its removal refused
		}
		if r, b, err := s.do("PUT", "/jobs/"+id+"?"+query, bytes.NewReader(body)); err != nil || r.StatusCode != 202 {
			t.Errorf("job %d was not acknowledged, and can't be handed in again: %v %.200q", i, err, b)
			return
		}
		if resp, b, err = s.do("GET", "/jobs/"+id+"/image?wait=30", nil); err != nil {
			t.Errorf("job %d: %v", i, err)
			return
		}
	}
	failed := resp.StatusCode >= 400 && resp.StatusCode != 404 && resp.StatusCode != 410 && bytes.Count(b, []byte("\n")) == 1 && len(b) > 10
	switch {
	case resp.StatusCode == 200 && want != nil && bytes.Equal(b, want):
		if i == 1 { // a job is done when all its results are there
			if resp, b, err := s.do("GET", "/jobs/"+id+"/2/image", nil); err != nil || resp.StatusCode != 200 || !bytes.Equal(b, p.quarter) {
				t.Errorf("job %d has a second result of %d bytes, not %d: %v", i, len(b), len(p.quarter), err)
			}
		}
	case want == nil && resp.StatusCode == 415 && failed:
	case h.errno != "" && failed: // the disk failed, and that is said
	default:
		t.Errorf("job %d (acknowledged: %v): %s %.200q", i, k.acked[id], resp.Status, b)
	}
}

// tidy checks that nothing lies in the spool that does not belong there.
func (p *points) tidy(spool string, h hit) {
	t := p.t
	if h.errno == "" {
		for _, n := range names(t, spool) {
			if !slices.Contains([]string{"version", "incoming", "jobs", "gone", "trash", "changes"}, n) {
				t.Errorf("left over in the spool: %s", n)
			}
		}
	}
	for _, d := range []string{"incoming", "trash"} { // swept while the jobs are read
		eventually.Within(t, 10*time.Second, d+" to be empty", func() bool { return len(names(t, filepath.Join(spool, d))) == 0 })
	}
	for _, id := range names(t, filepath.Join(spool, "jobs")) {
		dir := filepath.Join(spool, "jobs", id)
		// A job is done once out has its name; in goes a moment later.
		eventually.Within(t, 10*time.Second, "in to go", func() bool { return !slices.Contains(names(t, dir), "in") })
		has := names(t, dir)
		for _, n := range has {
			if base, tag, _ := strings.Cut(n, "."); h.errno != "" && tag != "" && slices.Contains(has, base) {
				continue // its second name could not be removed
			}
			if !slices.Contains([]string{"job", "lock", "end", "out", "out2", "result", "error", "deaths", "delivered"}, n) {
				t.Errorf("left over in a finished job: %s of %v", n, has)
			}
		}
	}
}

func names(t testing.TB, dir string) []string {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var ns []string
	for _, e := range es {
		ns = append(ns, e.Name())
	}
	return ns
}

func lines(t testing.TB, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var ls []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		ls = append(ls, sc.Text())
	}
	return ls
}

// age makes what lies in a folder two hours old, so that it is swept.
func age(t testing.TB, dir string) {
	t.Helper()
	old := time.Now().Add(-2 * time.Hour)
	es, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range es {
		if err := os.Chtimes(filepath.Join(dir, e.Name()), old, old); err != nil {
			t.Fatal(err)
		}
	}
}

// imgd is killed where it is about to do the N-th write, fsync, rename, link or
// the like in its spool, for every N; or that call fails, with EIO alone, with
// ENOSPC and the nine after it, too. After a restart every acknowledged job is
// done, or has failed with a reason, nothing removed is back, nothing torn is
// served, and nothing is left lying about.
func TestFaultEveryChangeOfTheSpool(t *testing.T) {
	if err := buildInject(); err != nil {
		t.Fatal(err)
	}
	p := &points{t: t, d: startDaemons(t)}
	dir := t.TempDir()
	save(t, dir, "p.jpg", photo(160, 120, 5))
	p.picture = read(t, filepath.Join(dir, "p.jpg"))
	must(t, dir, "scale -d sizes 1/2,1/4 p.jpg")
	p.gray, p.scaled = must(t, dir, "gray < p.jpg"), read(t, filepath.Join(dir, "sizes", "p-1_2.jpg"))
	p.quarter = read(t, filepath.Join(dir, "sizes", "p-1_4.jpg"))

	acked, _, changes := p.once(hit{})
	if acked != 4 || len(changes) < 60 {
		t.Fatalf("%d jobs of 4 were acknowledged, with %d changes of the spool:\n%s", acked, len(changes), strings.Join(changes, "\n"))
	}
	// A run may have a few more.
	last := len(changes) + few(0, 5)
	for i, kind := range []hit{{errno: ""}, {errno: "EIO", times: 1}, {errno: "ENOSPC", times: 10}} {
		row := faultRow{fault: "imgd killed before a change of its spool", lostDaemon: -1}
		if kind.errno != "" {
			row.fault = fmt.Sprintf("a change of the spool fails with %s", kind.errno)
		}
		for n := 1; n <= last; n++ {
			if !allFaults && n%10 != 3*i {
				continue
			}
			kind.at = n
			t.Run(fmt.Sprint(kind.name(), n), func(t *testing.T) {
				q := *p
				q.t = t
				acked, restart, _ := q.once(kind)
				row.times++
				row.served += acked
				row.recovery = max(row.recovery, restart)
			})
		}
		reportFault(t, row)
	}
	t.Logf("%d changes of the spool", len(changes))
}
