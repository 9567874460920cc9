package worker

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"imgtools/pkg/fault"
)

// inFiles returns the bytes that all memory files of a worker really have.
func (r *rig) inFiles() (total int64) {
	r.t.Helper()
	for _, f := range r.memFiles {
		n, err := size(f)
		if err != nil {
			r.t.Fatal(err)
		}
		total += n
	}
	return total
}

// Clients that take their results slowly hold no more than -maxmem allows.
func TestSlowReadersShareTheMemoryForResults(t *testing.T) {
	const share = 4 << 20
	r := newRigWith(t, func(c *Config) { c.MaxMem = fileShare * share })
	body := strings.Repeat("x", 3<<20) // two results don't fit
	var cs []net.Conn
	for i := range numStores {
		c := r.dial()
		r.say(c, fmt.Sprintf("img/1 gray len=%d\n%s", len(body), body))
		cs = append(cs, c)
		r.state("worked on", func(w *Worker) bool { return w.pending == 0 && len(w.gathering) > 0 && len(r.begun) == i+1 })
		if n := r.inFiles(); n > 2*share {
			t.Errorf("%d slow readers: %d bytes in memory files", i+1, n)
		}
	}
	// The last one gets its result whole, the others were dropped in the middle.
	for i, c := range cs {
		b, err := io.ReadAll(c)
		if whole := err == nil && len(b) > len(body); whole != (i == len(cs)-1) {
			t.Errorf("reader %d: %d bytes, %v", i+1, len(b), err)
		}
	}
	r.state("all files are empty", func(w *Worker) bool { return w.gathered == 0 && w.results == 0 && len(w.stores) == numStores })
}

func TestPicturesShareTheMemoryForPictures(t *testing.T) {
	const share = 1 << 20
	r := newRigWith(t, func(c *Config) { c.MaxMem = fileShare * share })
	first := r.dial()
	r.say(first, fmt.Sprintf("img/1 gray len=%d\n%s", share-10, strings.Repeat("x", share-20)))
	r.state("almost all is gathered", func(w *Worker) bool { return w.gathered == share-20 })
	second := r.dial()
	r.say(second, "img/1 gray len=100\n"+strings.Repeat("x", 100))
	if _, err := r.line(second); fault.Of(err) != fault.Busy || !strings.Contains(err.Error(), "1M") {
		t.Errorf("no room: %v", err)
	}
	r.say(first, strings.Repeat("x", 10))
	if reply, err := r.line(first); err != nil || reply.Len != share-10 {
		t.Errorf("%v, %v", reply, err)
	}
	large := r.dial()
	r.say(large, fmt.Sprintf("img/1 gray len=%d\n", share+1))
	if _, err := r.line(large); fault.Of(err) != fault.TooLarge || !strings.Contains(err.Error(), "a quarter of -maxmem") {
		t.Errorf("larger than all the room: %v", err)
	}
}

func TestResultLargerThanItsMemoryIsRefused(t *testing.T) {
	const share = 1 << 20
	r := newRigWith(t, func(c *Config) { c.MaxMem = fileShare * share })
	c := r.dial()
	r.say(c, fmt.Sprintf("img/1 gray twice len=%d\n%s", share-1, strings.Repeat("x", share-1)))
	if _, err := r.line(c); fault.Of(err) != fault.TooLarge || !strings.Contains(err.Error(), "-maxmem") {
		t.Errorf("%v", err)
	}
	next := r.dial()
	r.say(next, "img/1 gray len=4\nabcd")
	if reply, err := r.line(next); err != nil || reply.Len != 4 {
		t.Errorf("the next: %v, %v", reply, err)
	}
}
