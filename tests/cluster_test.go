package tests

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/eventually"
	"imgtools/tests/await"
)

// cluster is what tests/cluster/cluster.sh starts: a balancer on 127.0.0.1, imgd
// on .2 and .3, scaled on .4, .5 and .6.
type cluster struct {
	dir string // the folder that the hosts share
	url string // of the balancer
	env []string
}

// startCluster starts all of it on ports of its own and waits until the balancer
// finds everybody there.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	dir := runDir(t)
	port, wire := freePort(t), freePort(t)
	c := &cluster{dir: dir, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	c.env = append(os.Environ(), "CLUSTER="+dir, fmt.Sprintf("HTTP_PORT=%d", port), fmt.Sprintf("WIRE_PORT=%d", wire))
	c.script(t)
	c.wait(t, "all servers are up", func(s map[string]stat) bool {
		up := 0
		for _, st := range s {
			if st.up {
				up++
			}
		}
		return up == 5
	})
	return c
}

// script runs cluster.sh, and ends what it started when the test ends.
func (c *cluster) script(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(root, "tests/cluster/cluster.sh"), args...)
	cmd.Env = c.env
	startGroup(t, "cluster.sh", cmd)
}

// stat is what the balancer says of one server.
type stat struct {
	up       bool
	sessions int   // now
	bytes    int64 // sent to it so far
}

// haproxy gives a command to the balancer's socket.
func (c *cluster) haproxy(command string) (string, error) {
	conn, err := net.Dial("unix", filepath.Join(c.dir, "haproxy.sock"))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	fmt.Fprintln(conn, command)
	b, err := io.ReadAll(conn)
	return string(b), err
}

// stats returns the balancer's figures by the server's name.
func (c *cluster) stats() map[string]stat {
	text, err := c.haproxy("show stat")
	if err != nil {
		return nil
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "# "))).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	all := map[string]stat{}
	for _, r := range rows[1:] {
		if name := r[column["svname"]]; name != "FRONTEND" && name != "BACKEND" {
			sessions, _ := strconv.Atoi(r[column["scur"]])
			n, _ := strconv.ParseInt(r[column["bin"]], 10, 64)
			// up only after a check: before the first they count as up.
			all[name] = stat{r[column["status"]] == "UP" && strings.HasSuffix(r[column["check_status"]], "OK"), sessions, n}
		}
	}
	return all
}

func (c *cluster) wait(t *testing.T, what string, cond func(map[string]stat) bool) {
	t.Helper()
	eventually.Within(t, 20*time.Second, what, func() bool { return cond(c.stats()) })
}

// shares returns how many bytes each server got since before.
func (c *cluster) shares(before map[string]stat) map[string]int64 {
	got := map[string]int64{}
	for name, s := range c.stats() {
		got[name] = s.bytes - before[name].bytes
	}
	return got
}

// host returns the server processes on one address, without their workers.
func (c *cluster) host(t *testing.T, name, ip string) process {
	t.Helper()
	for _, p := range processes(filepath.Join(binDir, name)) {
		if env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid)); p.exe == filepath.Join(binDir, name) &&
			bytes.Contains(env, []byte("CLUSTER="+c.dir+"\x00")) && strings.Contains(p.cmdline, ip) && !strings.Contains(p.cmdline, "-worker") {
			return p
		}
	}
	t.Fatalf("no %s on %s", name, ip)
	return process{}
}

// cut kills a host's server and its workers. The server goes first, and is gone
// before a worker dies: while it listens, the balancer could send a picture to this
// host again, where it would die a second time.
func (c *cluster) cut(t *testing.T, name, ip string) {
	t.Helper()
	p := c.host(t, name, ip)
	workers := children(p.pid)
	syscall.Kill(p.pid, syscall.SIGKILL)
	eventually.True(t, name+" on "+ip+" is gone", func() bool {
		return !slices.ContainsFunc(processes(binDir), func(q process) bool { return q.pid == p.pid })
	})
	for _, q := range workers {
		syscall.Kill(q.pid, syscall.SIGKILL)
	}
}

// Two imgd on one spool behind HAProxy, and three scaled behind it: the load is
// shared; of each kind one is cut off in the middle and no job is lost; one is
// drained without anybody noticing, and both come back.
func TestCluster(t *testing.T) {
	c := startCluster(t)
	dir := t.TempDir()
	const pictures = 48
	var names []string
	byPicture := map[string][]byte{}
	for i := range 4 {
		name := save(t, dir, fmt.Sprintf("p%d.jpg", i), photo(800+i, 600, uint64(i)))
		names = append(names, name)
		byPicture[name] = must(t, dir, "scale 1/3 "+name)
	}
	want := map[string][]byte{}
	for i := range pictures { // links: many names, four pictures
		src := names[i%len(names)]
		name := fmt.Sprintf("n%02d.jpg", i)
		if err := os.Symlink(src, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		want[name] = byPicture[src]
	}
	t.Setenv("IMGD", c.url)

	// batch hands all pictures in, calls during when the first are acknowledged,
	// and fetches all: every one must come, and be right.
	batch := func(what string, during func()) {
		t.Helper()
		out, ids := t.TempDir(), await.NewLog()
		put := exec.Command("bash", "-c", "imgput -s 1/3 n*.jpg")
		put.Dir = dir
		var said bytes.Buffer
		put.Stdout, put.Stderr = ids, &said
		if err := put.Start(); err != nil {
			t.Fatal(err)
		}
		gone := make(chan struct{})
		var failed error
		go func() { failed = put.Wait(); close(gone) }()
		if during != nil {
			if _, err := ids.Wait(30*time.Second, nil, func(s string) string {
				if strings.Count(s, "\n") >= pictures/6 {
					return s
				}
				return ""
			}); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			during()
		}
		<-gone
		if n := strings.Count(ids.String(), "\n"); failed != nil || n != pictures {
			t.Fatalf("%s: imgput: %v, %d ids of %d\n%s", what, failed, n, pictures, &said)
		}
		if r := runIn(t, dir, strings.NewReader(ids.String()), "imgget", "-d", out); r.status != 0 {
			t.Fatalf("%s: imgget: exit %d\n%s", what, r.status, r.err)
		}
		for i := range pictures {
			name := fmt.Sprintf("n%02d.jpg", i)
			if got, err := os.ReadFile(filepath.Join(out, name)); err != nil || !bytes.Equal(got, want[name]) {
				t.Errorf("%s: %s: %d bytes, not what the filter gives (%v)", what, name, len(got), err)
			}
		}
	}

	before := c.stats()
	batch("all there", nil)
	got := c.shares(before)
	t.Logf("bytes sent to each: %v", got)
	for _, kind := range [][]string{{"imgd2", "imgd3"}, {"scaled4", "scaled5", "scaled6"}} {
		var sum int64
		for _, name := range kind {
			sum += got[name]
		}
		for _, name := range kind {
			if fair := sum / int64(len(kind)); got[name] < fair/2 {
				t.Errorf("%s got %d bytes of %d", name, got[name], sum)
			}
		}
	}

	// One of each kind is cut off: killed at once, with all that is on it. They go in turn,
	// since a picture that is on both would lose two workers, and be given up.
	batch("a front cut off", func() { c.cut(t, "imgd", "127.0.0.3") })
	batch("a daemon cut off, too", func() { c.cut(t, "scaled", "127.0.0.5") })
	c.wait(t, "both are known to be away", func(s map[string]stat) bool { return !s["imgd3"].up && !s["scaled5"].up && s["imgd2"].up })
	c.script(t, "imgd", "127.0.0.3")
	c.script(t, "scaled", "127.0.0.5")
	c.wait(t, "both are back", func(s map[string]stat) bool { return s["imgd3"].up && s["scaled5"].up })

	// One is drained: it gets nothing new, ends what it has, and is stopped.
	command := func(words string) { // as imgtools(7) has it
		t.Helper()
		for _, line := range strings.Split(block(t, "imgtools.7", "EXAMPLES", "imgput -s 1/4 photos/"), "\n") {
			if strings.Contains(line, words) {
				if out := must(t, dir, strings.NewReplacer("$CLUSTER", c.dir, "nc ", "nc.openbsd ").Replace(line)); len(bytes.TrimSpace(out)) > 0 {
					t.Fatalf("%s: %s", line, out)
				}
				return
			}
		}
		t.Fatalf("imgtools.7 has no %s", words)
	}
	batch("one drained", func() {
		command("imgd2 state drain")
		c.wait(t, "imgd2 has nothing to do", func(s map[string]stat) bool { return s["imgd2"].sessions == 0 })
		p := c.host(t, "imgd", "127.0.0.2")
		syscall.Kill(p.pid, syscall.SIGTERM)
		eventually.Within(t, 20*time.Second, "imgd on 127.0.0.2 ends", func() bool {
			return !slices.ContainsFunc(processes(binDir), func(q process) bool { return q.pid == p.pid })
		})
	})
	c.script(t, "imgd", "127.0.0.2")
	command("imgd2 state ready")
	c.wait(t, "imgd2 is back", func(s map[string]stat) bool { return s["imgd2"].up })
	before = c.stats()
	batch("all back", nil)
	if got := c.shares(before); got["imgd2"] < got["imgd3"]/2 || got["imgd3"] < got["imgd2"]/2 {
		t.Errorf("after all are back: %v", got)
	}

	// Without any scaled the balancer still takes connections. The job waits.
	for _, ip := range []string{"127.0.0.4", "127.0.0.5", "127.0.0.6"} {
		c.cut(t, "scaled", ip)
	}
	id := strings.TrimSpace(string(must(t, dir, "imgput -s 1/3 n00.jpg")))
	eventually.Within(t, 20*time.Second, "an imgd tries", func() bool {
		return strings.Contains(string(must(t, dir, "curl -sf $IMGD/jobs/"+id)), "state: running")
	})
	c.wait(t, "no scaled is up", func(s map[string]stat) bool { return !s["scaled4"].up && !s["scaled5"].up && !s["scaled6"].up })
	c.script(t, "scaled", "127.0.0.6")
	if got := must(t, dir, "imgget "+id); !bytes.Equal(got, want["n00.jpg"]) {
		t.Errorf("the job that waited for a scaled: %d bytes, not what the filter gives", len(got))
	}
}

// Of several addresses the first that can be reached is used, beginning with
// another one each time.
func TestSeveralAddressesOfDaemons(t *testing.T) {
	tcp := fmt.Sprintf("127.0.0.2:%d", freePort(t))
	a, sock := startDaemon(t, "scaled", "-n", "1")
	b := spawn(t, runDir(t), "scaled", "-n", "1", "-a", "tcp:"+tcp)
	b.waitFor(t, tcp)
	_, gsock := startDaemon(t, "grayd", "-n", "1")
	s := startImgd(t, "-scaled", "unix:"+sock, "-scaled", "tcp:"+tcp, "-grayd", "unix:/nonexistent/grayd.sock", "-grayd", "unix:"+gsock)
	dir := t.TempDir()
	picture := read(t, save(t, dir, "foo.jpg", photo(300, 200, 1)))
	gray, small := must(t, dir, "gray < foo.jpg"), must(t, dir, "scale 1/2 < foo.jpg")
	ask := func(what string) {
		t.Helper()
		for range 6 {
			if _, got := s.want(t, 200, "POST", "/image?scale=1/2", bytes.NewReader(picture)); !bytes.Equal(got, small) {
				t.Errorf("%s: not what scale gives", what)
			}
		}
	}
	if _, got := s.want(t, 200, "POST", "/image?gray", bytes.NewReader(picture)); !bytes.Equal(got, gray) {
		t.Error("-grayd: the second address: not what gray gives")
	}
	ask("both there")
	if out := string(must(t, dir, "nc.openbsd -U "+sock+".status")); !strings.Contains(out, "served: 3\n") {
		t.Errorf("the first of two scaled, of 6 pictures:\n%s", out)
	}
	a.kill()
	ask("the first killed")
	b.kill()
	again := spawn(t, a.run, "scaled", "-n", "1")
	again.waitFor(t, sock)
	ask("the second killed")
}
