package worker

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/fdpass"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
)

// sizesRig has a worker whose operation writes to result i, from 1, i copies of its input.
func sizesRig(t *testing.T, change func(*Config)) *rig {
	return newRigWith(t, func(c *Config) {
		c.Verb = "scale"
		c.Operation = func(req wire.Request, in *os.File, outs []io.Writer) (wire.Reply, error) {
			b, err := io.ReadAll(io.NewSectionReader(in, 0, 1<<30))
			for i := range outs {
				if err == nil { // the last first: the order of writing is not that of the results
					n := len(outs) - i
					_, err = outs[n-1].Write([]byte(strings.Repeat(string(b), n)))
				}
			}
			return wire.Reply{}, err
		}
		change(c)
	})
}

// passed sends a line with a file of the text "in" to be read, and the named files, which
// are made if need be, to be written.
func (r *rig) passed(line, dir string, outs ...string) (wire.Reply, error) {
	r.t.Helper()
	name := filepath.Join(r.t.TempDir(), "in")
	if err := os.WriteFile(name, []byte("in"), 0o600); err != nil {
		r.t.Fatal(err)
	}
	var fds []int
	for i, n := range append([]string{name}, outs...) {
		flags := unix.O_RDONLY
		if i > 0 {
			n, flags = filepath.Join(dir, n), unix.O_WRONLY|unix.O_CREAT
		}
		fd, err := unix.Open(n, flags, 0o600)
		if err != nil {
			r.t.Fatal(err)
		}
		defer unix.Close(fd)
		fds = append(fds, fd)
	}
	c := r.dial()
	rc, err := c.SyscallConn()
	if err == nil {
		err = fdpass.Send(rc, []byte(line+"\n"), fds...)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return r.line(c)
}

func TestResultsOfSeveralSizesInFiles(t *testing.T) {
	r, dir := sizesRig(t, func(*Config) {}), t.TempDir()
	reply, err := r.passed("img/1 scale 30x,20x,10x", dir, "a", "b", "c")
	if err != nil || !slices.Equal(reply.Lens(), []int64{2, 4, 6}) {
		t.Errorf("%v, %v", reply, err)
	}
	for name, want := range map[string]string{"a": "in", "b": "inin", "c": "ininin"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

func TestWrongFilesForSeveralSizes(t *testing.T) {
	r := sizesRig(t, func(*Config) {})
	for _, c := range []struct {
		name, line string
		outs       []string
		says       string
	}{
		{"too few", "img/1 scale 30x,20x,10x", []string{"a", "b"}, "3 descriptors, not 4"},
		{"too many", "img/1 scale 30x,20x", []string{"a", "b", "c"}, "4 descriptors, not 3"},
		{"several for one", "img/1 scale 30x", []string{"a", "b"}, "3 descriptors, not 2"},
		{"a file twice", "img/1 scale 30x,20x,10x", []string{"a", "b", "a"}, "the fourth file is that of another result"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := r.passed(c.line, t.TempDir(), c.outs...); fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want %q", err, c.says)
			}
		})
	}
}

func TestResultsOfSeveralSizesInTheStream(t *testing.T) {
	r := sizesRig(t, func(*Config) {})
	for range 2 * numStores { // each store more than once
		c := r.dial()
		r.say(c, "img/1 scale 30x,20x,10x len=2\nab")
		b, err := io.ReadAll(c)
		line, bodies, _ := strings.Cut(string(b), "\n")
		reply, perr := wire.ParseReply(line)
		if err != nil || perr != nil || !slices.Equal(reply.Lens(), []int64{2, 4, 6}) || bodies != "ab"+"abab"+"ababab" {
			t.Errorf("%q, %v, %v", b, err, perr)
		}
	}
	r.state("all files are empty", func(w *Worker) bool { return w.gathered == 0 && w.results == 0 && len(w.stores) == numStores })
}

// The results of one request have the memory of results together.
func TestSeveralResultsShareTheirMemory(t *testing.T) {
	const share = 1 << 20
	r := sizesRig(t, func(c *Config) { c.MaxMem = fileShare * share })
	for _, size := range []struct {
		bytes int
		fits  bool
	}{{share / 3, true}, {share/3 + 1, false}, {10, true}} { // two sizes: 1 and 2 copies
		c := r.dial()
		r.say(c, fmt.Sprintf("img/1 scale 20x,10x len=%d\n%s", size.bytes, strings.Repeat("x", size.bytes)))
		in := bufio.NewReader(c)
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		_, err = wire.ParseReply(strings.TrimSuffix(line, "\n"))
		if size.fits && err != nil || !size.fits && (fault.Of(err) != fault.TooLarge || !strings.Contains(err.Error(), "-maxmem")) {
			t.Errorf("%d bytes: %v", size.bytes, err)
		}
		if n, _ := io.Copy(io.Discard, in); size.fits && n != int64(3*size.bytes) {
			t.Errorf("%d bytes of bodies", n)
		}
	}
}
