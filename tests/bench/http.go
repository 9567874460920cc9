package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// What the front and the wire may cost for /image on top of the filter's work, in
// CPU milliseconds: so much a request, and so much a MB in and out.
const (
	perRequest = 0.4
	perMB      = 0.5
)

var clientCounts = []int{1, 8, 64}

// traffic is what a number of clients got in one go.
type traffic struct {
	requests int
	wall     time.Duration
	median   time.Duration
	out      int64 // bytes of one answer
	used           // of one request
}

// http prints the second table, for the JPEG files given or for cuts of a
// photograph: gray through imgd. Its columns imgd and worker are the CPU time of
// imgd itself and of grayd's worker, a request. The worker's own work is that of
// a worker that is asked without imgd, through the wire; what the wire costs in
// it is in turn what a request costs there that it refuses by its first bytes. So
// cost = imgd + (worker − work) + wire.
func (b *bench) http(seconds float64, files, urls []string) (err error) {
	var pictures []picture
	if len(files) > 0 {
		pictures, err = given(b.cache, files)
	} else {
		pictures, err = b.fitted()
	}
	if err != nil {
		return err
	}
	if b.servers, err = startOurs(); err != nil {
		return err
	}
	defer b.servers.stop()
	long := time.Duration(seconds * float64(time.Second))
	wire, err := b.servers.refusal(long / 4)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.w, "%s; imgd and one worker on one core, clients on others; a refused request costs the worker %.3f ms of CPU\n\n", machine(), ms(wire))
	fmt.Fprintf(b.w, "%-10s %9s %9s %7s %10s %9s | CPU ms: %7s %7s %7s %7s %8s\n", "gray", "bytes in", "bytes out", "clients", "requests/s", "median ms", "imgd", "worker", "work", "cost", "at most")
	var lines []string
	for _, p := range pictures {
		if !b.match.MatchString(p.name) {
			continue
		}
		for _, clients := range clientCounts {
			work, err := b.servers.direct(p, long/4)
			if err != nil {
				return err
			}
			l, err := b.servers.imgd.load(p, clients, long)
			if err != nil {
				return fmt.Errorf("%s, %d clients: %w", p.name, clients, err)
			}
			extra := ms(l.front) + max(0, ms(l.cpu)-ms(work)) + ms(wire)
			most := perRequest + perMB*float64(p.bytes+l.out)/1e6
			mark := "PASS"
			if extra > most {
				mark = "over"
			}
			rate := float64(l.requests) / l.wall.Seconds()
			fmt.Fprintf(b.w, "%-10s %9d %9d %7d %10.1f %9.1f | %15.2f %7.2f %7.2f %7.2f %8.2f %s\n",
				p.name, p.bytes, l.out, clients, rate, ms(l.median), ms(l.front), ms(l.cpu), ms(work), extra, most, mark)
			lines = append(lines, fmt.Sprintf("| %s | %d | %.0f | %.1f | %.2f | %.2f | %.2f | %.2f | %s |", size(p.bytes), clients, rate, ms(l.median), ms(l.front), ms(l.cpu), extra, most, mark))
		}
	}
	for _, u := range urls {
		name, url, _ := strings.Cut(u, "=")
		for _, clients := range clientCounts {
			l, err := fetch(clients, long, func(i int) (int64, error) { return get(http.DefaultClient, nil, 200, url) })
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			rate := float64(l.requests) / l.wall.Seconds()
			fmt.Fprintf(b.w, "%-10s %9s %9d %7d %10.1f %9.1f |\n", name, "", l.out, clients, rate, ms(l.median))
			lines = append(lines, fmt.Sprintf("| %s | %d | %.0f | %.1f | | | | | |", name, clients, rate, ms(l.median)))
		}
	}
	if b.markdown {
		fmt.Fprintf(b.w, "\n| gray over HTTP | clients | requests/s | median ms | imgd CPU ms | worker CPU ms | HTTP and wire | at most | |\n|---|---|---|---|---|---|---|---|---|\n%s\n", strings.Join(lines, "\n"))
	}
	return nil
}

func size(n int64) string {
	if n < 1e5 {
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// direct returns the worker's CPU time of a request that comes without imgd.
func (s *servers) direct(p picture, long time.Duration) (time.Duration, error) {
	return s.asked(long, func() error {
		_, err := s.gray.request("gray", p.path, filepath.Join(s.dir, "out"))
		return err
	})
}

// refusal returns the worker's CPU time of a request without any work in it.
func (s *servers) refusal(long time.Duration) (time.Duration, error) {
	none := filepath.Join(s.dir, "none")
	if err := os.WriteFile(none, []byte("?"), 0o666); err != nil {
		return 0, err
	}
	return s.asked(long, func() error {
		_, err := s.gray.request("gray", none, filepath.Join(s.dir, "out"))
		if err == nil || !strings.Contains(err.Error(), "err format") {
			return fmt.Errorf("a file that is no picture: %v", err)
		}
		return nil
	})
}

// asked calls f again and again, and returns the CPU time that grayd's worker
// needed for one.
func (s *servers) asked(long time.Duration, f func() error) (time.Duration, error) {
	if err := f(); err != nil { // the first is not warm
		return 0, err
	}
	before, err := workersCPU(s.gray)
	if err != nil {
		return 0, err
	}
	n := 0
	for end := time.Now().Add(long); n < 3 || time.Now().Before(end); n++ {
		if err := f(); err != nil {
			return 0, err
		}
	}
	after, err := workersCPU(s.gray)
	return (after - before) / time.Duration(n), err
}

// load has clients send a picture to imgd, each its next when it has the answer.
func (d *imgd) load(p picture, clients int, long time.Duration) (l traffic, err error) {
	b, err := os.ReadFile(p.path)
	if err != nil {
		return l, err
	}
	one := func(int) (int64, error) { return d.image("gray", b, io.Discard) }
	if l, err = fetch(clients, 0, one); err != nil { // connections, and what is warm
		return l, err
	}
	before, err := d.cpu()
	if err != nil {
		return l, err
	}
	if l, err = fetch(clients, long, one); err != nil {
		return l, err
	}
	after, err := d.cpu()
	n := time.Duration(l.requests)
	l.used = used{(after.cpu - before.cpu) / n, (after.front - before.front) / n}
	return l, err
}

// fetch calls one from clients at once for so long, and at least once each; one
// returns the bytes of an answer.
func fetch(clients int, long time.Duration, one func(client int) (int64, error)) (l traffic, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var times []time.Duration
	start := time.Now()
	for i := range clients {
		wg.Go(func() {
			for again := true; again; again = time.Since(start) < long {
				sent := time.Now()
				n, e := one(i)
				mu.Lock()
				times = append(times, time.Since(sent))
				l.out = n
				if e != nil {
					err = e
				}
				stop := err != nil
				mu.Unlock()
				if stop {
					return
				}
			}
		})
	}
	wg.Wait()
	l.wall, l.requests = time.Since(start), len(times)
	slices.Sort(times)
	l.median = times[len(times)/2]
	return l, err
}

// get fetches a URL, whose answer must have that status, and returns the answer's length.
func get(client *http.Client, header http.Header, status int, url string) (int64, error) {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return 0, err
	}
	req.Header = header
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != status {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return n, err
}

// fitted returns JPEGs of about 8 kB, 1 MB and 3 MB, cut from a photograph, each
// at the quality that comes nearest.
func (b *bench) fitted() (ps []picture, err error) {
	for _, f := range []struct {
		name, line string
		w, h       int
		goal       float64
	}{
		{"http8k.jpg", "pamscale -quiet -width=240 -height=180 photo12.ppm", 240, 180, 8e3},
		{"http1M.jpg", "pamcut -left 300 -top 300 -width 2600 -height 1950 photo12.ppm", 2600, 1950, 1e6},
		{"http3M.jpg", "cat photo12.ppm", 4032, 3024, 3e6},
	} {
		p := picture{name: f.name, path: filepath.Join(b.cache, f.name), w: f.w, h: f.h}
		if _, err := os.Stat(p.path); err != nil {
			if _, err := prepare(b.cache); err != nil {
				return nil, err
			}
			if err := shell(b.cache, f.line+" > http.ppm"); err != nil {
				return nil, err
			}
			best := math.Inf(1)
			var nearest []byte
			for lo, hi := 20, 99; lo <= hi; {
				q := (lo + hi) / 2
				if err := shell(b.cache, fmt.Sprintf("cjpeg -quality %d http.ppm > http.jpg", q)); err != nil {
					return nil, err
				}
				j, err := os.ReadFile(filepath.Join(b.cache, "http.jpg"))
				if err != nil {
					return nil, err
				}
				if off := math.Abs(float64(len(j)) - f.goal); off < best {
					best, nearest = off, bytes.Clone(j)
				}
				if float64(len(j)) > f.goal {
					hi = q - 1
				} else {
					lo = q + 1
				}
			}
			os.Remove(filepath.Join(b.cache, "http.ppm"))
			os.Remove(filepath.Join(b.cache, "http.jpg"))
			if err := os.WriteFile(p.path, nearest, 0o666); err != nil {
				return nil, err
			}
		}
		if p.bytes, err = fileSize(p.path); err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	return ps, nil
}
