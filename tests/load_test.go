package tests

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// Two hundred clients on two workers: all served, none starved, and /healthz
// answers throughout.
func TestTwoHundredClients(t *testing.T) {
	s := startImgd(t, "-queue", "400")
	picture := read(t, clouds(t))
	_, want := s.want(t, 200, "PUT", "/image?scale=1/8", bytes.NewReader(picture))

	stop := make(chan struct{})
	var wg sync.WaitGroup
	var probes int
	var slowest time.Duration
	wg.Go(func() {
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
				start := time.Now()
				resp, b, err := s.do("GET", path, nil)
				if err != nil || resp.StatusCode != 200 {
					t.Errorf("GET %s under load: %v %.200q", path, err, b)
				}
				slowest = max(slowest, time.Since(start))
				probes++
			}
		}
	})
	const clients, rounds = 200, 3
	took := make([]time.Duration, clients*rounds)
	each(clients, clients, func(i int) {
		for r := range rounds {
			start := time.Now()
			resp, b, err := s.do("PUT", "/image?scale=1/8", bytes.NewReader(picture))
			if err != nil || resp.StatusCode != 200 || !bytes.Equal(b, want) {
				t.Errorf("client %d: %v, %d bytes", i, err, len(b))
			}
			took[i*rounds+r] = time.Since(start)
		}
	})
	close(stop)
	wg.Wait()
	slices.Sort(took)
	median, most := took[len(took)/2], took[len(took)-1]
	t.Logf("%d requests, median %v, longest %v; %d probes, slowest %v", len(took), median, most, probes, slowest)
	if most > 6*median+time.Second {
		t.Errorf("the longest request took %v with a median of %v", most, median)
	}
	if probes < 6 || slowest > 2*time.Second {
		t.Errorf("%d probes, the slowest %v", probes, slowest)
	}
}

// form is a body with n times the same picture in it.
func form(t *testing.T, n int, picture []byte) (*bytes.Buffer, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := range n {
		p, err := w.CreateFormFile("image", fmt.Sprintf("p%d.jpg", i))
		if err != nil {
			t.Fatal(err)
		}
		p.Write(picture)
	}
	w.Close()
	return &b, w.FormDataContentType()
}

// /image is answered while a thousand jobs are waiting, and the jobs go on.
func TestImageBeforeQueuedJobs(t *testing.T) {
	s := startImgd(t, "-n", "1")
	picture := read(t, save(t, t.TempDir(), "small.jpg", photo(200, 150, 9)))
	var ids []string
	for range 20 {
		body, ctype := form(t, 50, picture)
		// Small to send, and much to do.
		_, b := s.want(t, 202, "POST", "/jobs?scale=1200%", body, "Content-Type", ctype)
		ids = append(ids, strings.Fields(string(b))...)
	}
	if len(ids) != 1000 {
		t.Fatalf("%d ids for 1000 pictures", len(ids))
	}
	state := func(id string) string {
		_, b := s.want(t, 200, "GET", "/jobs/"+id, nil)
		_, after, _ := strings.Cut("\n"+string(b), "\nstate: ")
		return strings.SplitN(after, "\n", 2)[0]
	}
	if got := state(ids[999]); got != "queued" {
		t.Fatalf("the last of 1000 jobs is %s as soon as all are accepted: too fast a machine for this test", got)
	}
	done := func() (n int) {
		for _, id := range ids {
			if state(id) == "queued" {
				break // jobs go oldest first
			}
			n++
		}
		return n
	}
	before := done()
	for i := range 12 {
		start := time.Now()
		s.want(t, 200, "PUT", "/image?scale=1/8", bytes.NewReader(picture))
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("/image %d took %v before waiting jobs", i, took)
		}
	}
	if got := state(ids[999]); got != "queued" {
		t.Errorf("the last job is %s, so nothing was overtaken", got)
	}
	eventually.Within(t, 20*time.Second, "jobs go on", func() bool { return done() > before })
}

// A full queue is said at once, with Retry-After, and the rest is served.
func TestFullQueue(t *testing.T) {
	s := startImgd(t, "-n", "1", "-queue", "4")
	picture := read(t, save(t, t.TempDir(), "big.jpg", photo(1600, 1200, 9)))
	var mu sync.Mutex
	count := map[int]int{}
	each(40, 40, func(int) {
		resp, b, err := s.do("PUT", "/image?scale=3/4&fine", bytes.NewReader(picture))
		if err != nil {
			t.Errorf("%v", err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		count[resp.StatusCode]++
		if resp.StatusCode == http.StatusServiceUnavailable {
			if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || n < 1 {
				t.Errorf("503 with Retry-After %q", resp.Header.Get("Retry-After"))
			}
			if bytes.Count(b, []byte("\n")) != 1 {
				t.Errorf("503 says %q, want one line", b)
			}
		}
	})
	if count[200] < 5 || count[503] < 1 || count[200]+count[503] != 40 {
		t.Errorf("40 requests on a queue of 4 were answered %v", count)
	}
	// imgput waits its turn instead of failing.
	t.Setenv("IMGD", s.url)
	dir := t.TempDir()
	for i := range 12 {
		save(t, dir, fmt.Sprintf("p%02d.png", i), photo(320, 240, uint64(i)))
	}
	must(t, dir, "imgput -s 1/2 p*.png | imgget -d out")
	if n := len(sums(t, dir+"/out")); n != 12 {
		t.Errorf("%d results of 12", n)
	}
}
