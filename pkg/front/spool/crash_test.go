package spool

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
	"imgtools/pkg/ops"
)

// The crash-state replay. A recorder notes each change that the spool makes to its
// files. POSIX promises of an unfinished or finished change nothing until an fsync:
// a write is durable when its file was fsynced after it, a change of a name when its
// folder was. So a power cut after change k may leave any combination of the changes
// up to k that were not forced, and half of a write. Many of these states are built
// and opened, and each job that was acknowledged by then is looked for.

// step is a recorded change, or a promise that was made to a client.
type step struct {
	what string // create mkdir remove write fsync, ack, gone, deaths
	dir  int    // of create, mkdir, remove: the folder's node
	name string // likewise
	node int    // what it is about
	data []byte // write: the file's new content
	id   string // of a promise
}

// recorder knows which node each name stands for, as the process sees it. Node 1 is
// the folder root, which was there before and has the spool some folders below it.
type recorder struct {
	t     *testing.T
	root  string
	steps []step
	kids  map[int]map[string]int // of a folder
	inode map[uint64]int
	last  int
}

func newRecorder(t *testing.T, root string) *recorder {
	r := &recorder{t: t, root: root, kids: map[int]map[string]int{}, inode: map[uint64]int{}}
	r.add(true)
	return r
}

func (r *recorder) add(folder bool) int {
	r.last++
	if folder {
		r.kids[r.last] = map[string]int{}
	}
	return r.last
}

func inodeOf(path string) uint64 {
	fi, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return fi.Sys().(*syscall.Stat_t).Ino
}

// at returns the node of a path.
func (r *recorder) at(path string) int {
	if filepath.Dir(path) == procFD {
		return r.inode[inodeOf(path)]
	}
	rel, err := filepath.Rel(r.root, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return 0
	}
	node := 1
	if rel == "." {
		return node
	}
	for name := range strings.SplitSeq(rel, "/") {
		node = r.kids[node][name]
	}
	return node
}

func (r *recorder) parent(path string) (int, string) {
	return r.at(filepath.Dir(path)), filepath.Base(path)
}

func (r *recorder) name(what, path string, node int) {
	dir, name := r.parent(path)
	r.kids[dir][name] = node
	r.steps = append(r.steps, step{what: what, dir: dir, name: name, node: node})
}

func (r *recorder) unname(path string) {
	dir, name := r.parent(path)
	if node, ok := r.kids[dir][name]; ok {
		delete(r.kids[dir], name)
		r.steps = append(r.steps, step{what: "remove", dir: dir, name: name, node: node})
	}
}

// record is the trace of a Spool.
func (r *recorder) record(change string, paths ...string) {
	path := paths[0]
	switch change {
	case "mkdir":
		r.name("mkdir", path, r.add(true))
	case "unnamed":
		r.inode[inodeOf(path)] = r.add(false)
	case "create":
		node := r.add(false)
		r.inode[inodeOf(path)] = node
		r.name("create", path, node)
	case "write":
		b, err := os.ReadFile(path)
		if err != nil {
			r.t.Fatal(err)
		}
		r.steps = append(r.steps, step{what: "write", node: r.at(path), data: b})
	case "link":
		node := r.at(paths[0])
		r.name("create", paths[1], node)
	case "rename":
		dir, name := r.parent(paths[0])
		node := r.kids[dir][name]
		r.name("create", paths[1], node)
		r.unname(paths[0])
	case "remove":
		r.unname(path)
	case "removeall":
		if node := r.at(path); node != 0 {
			for _, name := range slices.Sorted(maps.Keys(r.kids[node])) {
				r.record("removeall", filepath.Join(path, name))
			}
			r.unname(path)
		}
	case "fsync":
		if node := r.at(path); node != 0 {
			r.steps = append(r.steps, step{what: "fsync", node: node})
		}
	default:
		r.t.Fatalf("unknown change %q", change)
	}
}

func (r *recorder) promise(what, id string) { r.steps = append(r.steps, step{what: what, id: id}) }

// forced divides the changes among the first k steps into those that an fsync has
// made durable, and the others.
func (r *recorder) forced(k int) (durable, open []int) {
	synced := map[int]int{} // node: its last fsync
	for i, s := range r.steps[:k] {
		if s.what == "fsync" {
			synced[s.node] = i
		}
	}
	for i, s := range r.steps[:k] {
		node := s.dir
		switch s.what {
		case "write":
			node = s.node
		case "create", "mkdir", "remove":
		default:
			continue
		}
		if last, ok := synced[node]; ok && last > i {
			durable = append(durable, i)
		} else {
			open = append(open, i)
		}
	}
	return durable, open
}

// disk is what a power cut leaves.
type crashed struct {
	kids  map[int]map[string]int
	files map[int][]byte
}

// build makes the state in which the kept changes, in order, have reached the disk;
// of the halved writes only half has.
func (r *recorder) build(keep, half map[int]bool) crashed {
	d := crashed{map[int]map[string]int{1: {}}, map[int][]byte{}}
	for i, s := range r.steps {
		if !keep[i] {
			continue
		}
		switch s.what {
		case "create", "mkdir":
			if d.kids[s.dir] == nil {
				d.kids[s.dir] = map[string]int{}
			}
			d.kids[s.dir][s.name] = s.node
		case "remove":
			if d.kids[s.dir][s.name] == s.node {
				delete(d.kids[s.dir], s.name)
			}
		case "write":
			d.files[s.node] = s.data
			if half[i] {
				d.files[s.node] = s.data[:len(s.data)/2]
			}
		}
	}
	return d
}

// write puts the state into a folder, and returns a text that is different for each state.
func (r *recorder) write(d crashed, node int, path string, b *strings.Builder) {
	for _, name := range slices.Sorted(maps.Keys(d.kids[node])) {
		child := d.kids[node][name]
		if _, folder := r.kids[child]; folder {
			fmt.Fprintf(b, "%s/(", name)
			if path != "" {
				os.Mkdir(filepath.Join(path, name), 0o700)
				r.write(d, child, filepath.Join(path, name), b)
			} else {
				r.write(d, child, "", b)
			}
			b.WriteString(")")
			continue
		}
		fmt.Fprintf(b, "%s=%x ", name, sha256.Sum256(d.files[child]))
		if path != "" {
			os.WriteFile(filepath.Join(path, name), d.files[child], 0o600)
		}
	}
}

// spoolIn is where the spool of the session is in the root of a recorder.
func spoolIn(root string) string { return filepath.Join(root, "state", "imgtools", "spool") }

// sized asks for two sizes.
var sized = ops.Must("scale=3x,2x")

// crashSmall is the second result of a job with two sizes.
func crashSmall(picture string) string { return "small " + crashResult(picture) }

// crashPicture is what the session hands in, and crashResult what comes of it.
func crashPicture(n int) string { return strings.Repeat(fmt.Sprintf("picture %d ", n), 50) }
func crashResult(picture string) string {
	return "result of " + hex.EncodeToString([]byte(picture[:9]))
}

// session uses a spool in every way and records it. pictures are those of the ids.
func session(t *testing.T, r *recorder) (pictures map[string]string) {
	s, err := Open(Config{Dir: spoolIn(r.root), TTL: 1e5 * time.Hour, Quota: 1 << 30, trace: r.record})
	if err != nil {
		t.Fatal(err)
	}
	pictures = map[string]string{}
	putAs := func(o ops.Ops) string {
		picture := crashPicture(len(pictures))
		id := jobid.New()
		pictures[id] = picture
		submit(t, s, id, picture, o)
		r.promise("ack", id)
		return id
	}
	put := func() string { return putAs(gray) }
	remove := func(id string) {
		t.Helper()
		r.promise("asked", id)
		if err := s.Remove(id); err != nil {
			t.Fatal(err)
		}
		r.promise("gone", id)
	}
	do := func() {
		j := s.Next()
		if len(j.Ops.Sizes()) > 0 {
			finish(t, s, j, crashResult(pictures[j.ID]), crashSmall(pictures[j.ID]))
		} else {
			finish(t, s, j, crashResult(pictures[j.ID]))
		}
	}
	a := put()
	do()
	put()
	do()
	put()
	s.Next().Fail(fault.New(fault.Format, "not a picture"))
	b := put()
	remove(b) // while it waits
	putAs(sized)
	do()
	two := putAs(sized)
	do()
	remove(two)
	remove(a) // when it is done
	c := put()
	j := s.Next()
	if n, err := j.Died(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	r.promise("deaths", c)
	submit(t, s, c, pictures[c], gray) // again
	r.promise("ack", c)
	finish(t, s, j, crashResult(pictures[c]))

	// Two uploads of one id at once: the second is acknowledged before the first has
	// fsynced jobs, and must not be lost.
	d := jobid.New()
	pictures[d] = crashPicture(len(pictures))
	u, err := s.Upload(-1, true)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(u, pictures[d])
	sha, _ := sum(u.Temp)
	u.sync()
	dir, held, err := u.fill(d, Meta{Ops: gray, Bytes: u.Len(), SHA256: sha, Received: s.now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.rename(dir, s.job(d)); err != nil {
		t.Fatal(err)
	}
	submit(t, s, d, pictures[d], gray)
	r.promise("ack", d)
	held.Close()
	u.Close()
	s.Rescan()
	do()

	// A process dies after it has made end, which it has not fsynced. The next one that
	// reads the job removes the picture.
	for _, o := range []ops.Ops{gray, sized} {
		e := putAs(o)
		j = s.Next()
		large, small := crashResult(pictures[e]), crashSmall(pictures[e])
		files := []*Temp{filled(t, s, large)}
		result := Result{Output: Output{Type: "image/png", Size: int64(len(large))}, Finished: s.now()}
		if len(o.Sizes()) > 0 {
			files = append(files, filled(t, s, small))
			result.More = []Output{{Type: "image/png", Size: int64(len(small))}}
		}
		tag := s.tag()
		if _, err := j.writeResult(files, &result, tag); err != nil {
			t.Fatal(err)
		}
		if err := s.link(s.job(e, "result."+tag), s.job(e, "end")); err != nil {
			t.Fatal(err)
		}
		j.held.Close()
		if _, err := s.load(e); err != nil || exists(s.job(e, "in")) {
			t.Fatalf("reading the job: %v; its picture must be gone", err)
		}
	}
	return pictures
}

func TestEveryCrashStateKeepsEveryPromise(t *testing.T) {
	r := newRecorder(t, t.TempDir())
	pictures := session(t, r)
	random := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	states, bad := 0, 0
	memory := memoryDir(t)
	set := func(lists ...[]int) map[int]bool {
		m := map[int]bool{}
		for _, l := range lists {
			for _, i := range l {
				m[i] = true
			}
		}
		return m
	}
	for k := 1; k <= len(r.steps); k++ {
		durable, open := r.forced(k)
		var writes, names []int
		for _, i := range open {
			if r.steps[i].what == "write" {
				writes = append(writes, i)
			} else {
				names = append(names, i)
			}
		}
		type variant struct{ keep, half map[int]bool }
		variants := []variant{
			{set(durable, open), nil}, {set(durable), nil}, {set(durable, names), nil}, {set(durable, writes), nil}, {set(durable, open), set(writes)},
		}
		for _, i := range open[max(0, len(open)-12):] {
			without := set(durable, open)
			delete(without, i)
			variants = append(variants, variant{without, nil}, variant{set(durable, []int{i}), nil})
		}
		for range 12 {
			keep, half := set(durable), map[int]bool{}
			for _, i := range open {
				keep[i] = random.IntN(2) == 0
				half[i] = random.IntN(3) == 0
			}
			variants = append(variants, variant{keep, half})
		}
		promised := map[string]string{}
		deaths := map[string]bool{}
		for _, s := range r.steps[:k] {
			switch s.what {
			case "ack", "asked", "gone":
				promised[s.id] = s.what
			case "deaths":
				deaths[s.id] = true
			}
		}
		for _, v := range variants {
			d := r.build(v.keep, v.half)
			var key strings.Builder
			r.write(d, 1, "", &key)
			fmt.Fprint(&key, promised, deaths)
			if seen[key.String()] {
				continue
			}
			seen[key.String()] = true
			states++
			dir, err := os.MkdirTemp(memory, "")
			if err != nil {
				t.Fatal(err)
			}
			var ignored strings.Builder
			r.write(d, 1, dir, &ignored)
			if err := checkCrash(dir, pictures, promised, deaths); err != nil {
				t.Errorf("a power cut after step %d of %d (%s %s): %v\n%s", k, len(r.steps), r.steps[k-1].what, r.steps[k-1].name, err, key.String())
				if bad++; bad > 5 {
					t.FailNow()
				}
			}
			os.RemoveAll(dir)
		}
	}
	t.Logf("%d steps, %d distinct states", len(r.steps), states)
	if states < 500 {
		t.Errorf("only %d states", states)
	}
}

// memoryDir returns a folder whose fsyncs cost nothing, where there is one.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// crashFile returns a file with the text of a result.
func crashFile(s *Spool, text string) (*Temp, error) {
	tmp, err := s.Temp()
	if err != nil {
		return nil, err
	}
	w, err := tmp.Writer()
	if err != nil {
		return nil, err
	}
	io.WriteString(w, text)
	return tmp, w.Close()
}

// checkCrash opens a spool after a crash and looks for what was promised.
func checkCrash(dir string, pictures, promised map[string]string, deaths map[string]bool) error {
	s, err := Open(Config{Dir: spoolIn(dir), TTL: 1e5 * time.Hour, Quota: 1 << 30})
	if err != nil {
		return err
	}
	for j := s.Next(); j != nil; j = s.Next() {
		f, err := j.Reader()
		if err != nil {
			return err
		}
		b, _ := io.ReadAll(f)
		f.Close()
		if string(b) != pictures[j.ID] {
			return fmt.Errorf("job %s was given out with %d of %d bytes", jobid.Short(j.ID), len(b), len(pictures[j.ID]))
		}
		if n := j.Deaths(); deaths[j.ID] && n < 1 {
			return fmt.Errorf("job %s has forgotten its death", jobid.Short(j.ID))
		}
		out, small := crashResult(pictures[j.ID]), crashSmall(pictures[j.ID])
		tmp, err := crashFile(s, out)
		if err != nil {
			return err
		}
		result := Result{Output: Output{Type: "image/png", Size: int64(len(out)), Width: 3, Height: 2}}
		var more []*Temp
		if len(j.Ops.Sizes()) > 0 {
			second, err := crashFile(s, small)
			if err != nil {
				return err
			}
			more, result.More = append(more, second), []Output{{Type: "image/png", Size: int64(len(small)), Width: 2, Height: 1}}
		}
		if err := j.Done(tmp, result, more...); err != nil {
			return err
		}
	}
	for id, picture := range pictures {
		st, err := s.Status(id)
		switch promised[id] {
		case "gone":
			if fault.Of(err) != fault.Gone {
				return fmt.Errorf("job %s was removed, and is back: %v", jobid.Short(id), err)
			}
			continue
		case "asked":
			if fault.Of(err) == fault.Gone {
				continue
			}
		case "":
			if kind := fault.Of(err); err != nil && kind != fault.NotFound && kind != fault.Gone {
				return fmt.Errorf("job %s, not acknowledged: %w", jobid.Short(id), err)
			}
			if err != nil {
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("job %s was acknowledged and is lost: %w", jobid.Short(id), err)
		}
		switch st.State {
		case Done:
			want := []string{crashResult(picture)}
			if len(st.Meta.Ops.Sizes()) > 0 {
				want = append(want, crashSmall(picture))
			}
			if n := len(st.Result.Outputs()); n != len(want) {
				return fmt.Errorf("job %s has %d results", jobid.Short(id), n)
			}
			for i := range want {
				f, err := s.Result(st, i+1)
				if err != nil {
					return err
				}
				b, _ := io.ReadAll(f)
				f.Close()
				if string(b) != want[i] {
					return fmt.Errorf("job %s has a result of %q", jobid.Short(id), b)
				}
			}
		case Failed:
			if st.Failure.Kind != fault.Format || !strings.HasPrefix(picture, "picture 2") {
				return fmt.Errorf("job %s failed: %s", jobid.Short(id), st.Failure.Detail)
			}
		default:
			return fmt.Errorf("job %s is pending and is not given out", jobid.Short(id))
		}
	}
	return nil
}
