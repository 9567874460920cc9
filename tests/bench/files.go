package main

import (
	_ "embed"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed sharpserver.js
var sharpServerJS string

const (
	// filesClients is how many ask at the same time. Each has a picture of its own, since
	// equal requests would share one work.
	filesClients = 8
	// filesTurns is how often the servers take turns, so that a slow moment of the machine
	// falls on all of them.
	filesTurns = 5
	// filesRatio is what a request to imgd may take of the time of one to sharp.
	filesRatio = 0.40
)

// filesRow is a server of the folder at one quality, and what was measured of it.
type filesRow struct {
	tool  string
	pid   int    // of the server; its children count, too
	url   string // with %d for the picture
	query string
	dB    float64 // of an answer

	traffic // requests and wall of all turns, median and out of the last
	cpu     time.Duration
}

func (r *filesRow) get(client *http.Client, picture int) (int64, error) {
	return get(client, nil, 200, fmt.Sprintf(r.url, picture)+r.query)
}

// each is the time of a request when all clients ask.
func (r *filesRow) each() time.Duration { return r.wall / time.Duration(r.requests) }

// cpuEach is the CPU time of a request in milliseconds.
func (r *filesRow) cpuEach() float64 { return ms(r.cpu) / float64(r.requests) }

// files prints the table of pictures by URL: a photograph of a folder at a quarter of its
// size, by imgd with one worker and by a server of sharp, each on one core, and what an
// answer "not modified" costs imgd. Sharp is measured at two qualities, imgd at the least
// whose PSNR is sharp's or better, with and without fast, and at its default. All
// connections are kept, and all files are in the page cache.
func (b *bench) files(long time.Duration) error {
	dir, err := os.MkdirTemp("", "bench-files-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := b.photograph()
	if err != nil {
		return err
	}
	for i := range filesClients {
		if err := copyFile(p.path, filepath.Join(dir, fmt.Sprintf("photo%d.jpg", i))); err != nil {
			return err
		}
	}
	d, err := startImgd(dir, "-root", dir)
	if err != nil {
		return err
	}
	defer d.stop()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: filesClients}}
	ours := func(tool, query string) *filesRow {
		return &filesRow{tool: tool, pid: d.cmd.Process.Pid, url: d.url + "/files/photo%d.jpg?scale=1/4", query: query}
	}
	rows := []*filesRow{ours("imgd", "")}
	var pairs [][2]*filesRow // of the same PSNR: imgd, sharp
	s, url, err := b.startSharp(client, dir)
	if err != nil {
		return err
	}
	if s == nil {
		fmt.Fprintln(b.w, "sharp: not installed (tests/bench/peers.sh)")
	} else {
		defer s.stop()
		for _, quality := range []int{80, 85} { // 80 is sharp's default
			theirs := &filesRow{tool: fmt.Sprintf("sharp, quality %d", quality), pid: s.cmd.Process.Pid, url: url, query: fmt.Sprintf("?quality=%d", quality)}
			if err := b.likenessOf(theirs, p, client, dir); err != nil {
				return err
			}
			rows = append(rows, theirs)
			for _, fast := range []string{"", " fast"} {
				same, err := b.leastQuality(ours, fast, theirs, quality, p, client, dir)
				if err != nil {
					return err
				}
				rows = append(rows, same)
				pairs = append(pairs, [2]*filesRow{same, theirs})
			}
		}
	}
	if err := b.likenessOf(rows[0], p, client, dir); err != nil {
		return err
	}
	for range filesTurns {
		for _, r := range rows {
			if err := r.turn(client, long/filesTurns); err != nil {
				return fmt.Errorf("%s: %w", r.tool, err)
			}
		}
	}
	fmt.Fprintf(b.w, "\n%s; pictures by URL: 12 Mpixel JPEG to 1/4, %d clients, all servers on one core\n\n", machine(), filesClients)
	fmt.Fprintf(b.w, "%-22s %10s %9s %9s %7s %7s\n", "files", "requests/s", "CPU ms", "bytes out", "dB", "median ms")
	for _, r := range rows {
		fmt.Fprintf(b.w, "%-22s %10.1f %9.1f %9d %7.2f %7.1f\n", r.tool, 1/r.each().Seconds(), r.cpuEach(), r.out, r.dB, ms(r.median))
	}
	for _, pair := range pairs {
		ours, theirs := pair[0], pair[1]
		time := float64(ours.each()) / float64(theirs.each())
		b.pass(verdict{"files", fmt.Sprintf("%s / %s, time a request", ours.tool, theirs.tool),
			fmt.Sprintf("%.2f, CPU time %.2f, bytes %.2f", time, ours.cpuEach()/theirs.cpuEach(), float64(ours.out)/float64(theirs.out)),
			fmt.Sprintf("≤ %.2f", filesRatio), time <= filesRatio})
	}
	return b.notModified(d, client, rows[0], long)
}

// turn measures once more.
func (r *filesRow) turn(client *http.Client, long time.Duration) error {
	before, err := familyCPU(r.pid)
	if err != nil {
		return err
	}
	l, err := fetch(filesClients, long, func(i int) (int64, error) { return r.get(client, i) })
	if err != nil {
		return err
	}
	after, err := familyCPU(r.pid)
	r.cpu += after - before
	r.requests, r.wall, r.median, r.out = r.requests+l.requests, r.wall+l.wall, l.median, l.out
	return err
}

// leastQuality returns a row of imgd, with fast or "": at the least quality, not below from,
// at which its PSNR is at least that of sharp's row.
func (b *bench) leastQuality(ours func(tool, query string) *filesRow, fast string, sharp *filesRow, from int, p picture, client *http.Client, dir string) (*filesRow, error) {
	for quality := from; quality <= 100; quality++ {
		r := ours(fmt.Sprintf("imgd%s, quality %d", fast, quality), fmt.Sprintf("%s&quality=%d", strings.Replace(fast, " ", "&", 1), quality))
		if err := b.likenessOf(r, p, client, dir); err != nil || r.dB >= sharp.dB {
			return r, err
		}
	}
	return nil, fmt.Errorf("imgd%s: no quality has %.2f dB", fast, sharp.dB)
}

// likenessOf fetches a picture from a server and sets its dB.
func (b *bench) likenessOf(r *filesRow, p picture, client *http.Client, dir string) error {
	ref, err := b.reference(p, job{kind: "scale", num: 1, den: 4})
	if err != nil {
		return err
	}
	resp, err := client.Get(fmt.Sprintf(r.url, 0) + r.query)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "answer.jpg")
	if err := os.WriteFile(path, body, 0o666); err != nil {
		return err
	}
	if r.dB, _, err = likeness(path, ref); err != nil {
		return fmt.Errorf("%s: %s: %w", r.tool, resp.Status, err)
	}
	return nil
}

// notModified prints what imgd needs for an answer 304.
func (b *bench) notModified(d *imgd, client *http.Client, r *filesRow, long time.Duration) error {
	url := fmt.Sprintf(r.url, 0)
	resp, err := client.Head(url)
	if err != nil {
		return err
	}
	resp.Body.Close()
	known := http.Header{"If-None-Match": {resp.Header.Get("ETag")}}
	before, err := d.cpu()
	if err != nil {
		return err
	}
	l, err := fetch(filesClients, long, func(int) (int64, error) { return get(client, known, 304, url) })
	if err != nil {
		return err
	}
	after, err := d.cpu()
	if err != nil {
		return err
	}
	each := float64((after.front - before.front).Microseconds()) / float64(l.requests)
	b.pass(verdict{"files", "imgd, not modified, CPU", fmt.Sprintf("%.1f µs", each), "≤ 60 µs", each <= 60})
	return nil
}

// photograph returns the one of 12 Mpixel.
func (b *bench) photograph() (picture, error) {
	ps, err := prepare(b.cache)
	if err != nil {
		return picture{}, err
	}
	return ps[slices.IndexFunc(ps, func(p picture) bool { return p.name == "photo12.jpg" })], nil
}

// startSharp runs a server of sharp for a folder, and returns its URLs, with %d for the
// picture. It has one thread for pictures, as imgd has one worker: on one core more of them
// only take turns, and eight cost it a tenth of its CPU time. The server is nil if sharp is
// not installed.
func (b *bench) startSharp(client *http.Client, dir string) (s *service, url string, err error) {
	modules := sharpDir(b.cache)
	if modules == "" {
		return nil, "", nil
	}
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	s, err = start([]string{"NODE_PATH=" + filepath.Join(modules, "node_modules"), "UV_THREADPOOL_SIZE=1"}, "node", "-e", sharpServerJS, dir, strconv.Itoa(port))
	if err != nil {
		return nil, "", err
	}
	url = fmt.Sprintf("http://127.0.0.1:%d/photo%%d.jpg", port)
	if err := within(15*time.Second, func() error { _, err := get(client, nil, 200, fmt.Sprintf(url, 0)); return err }); err != nil {
		s.stop()
		return nil, "", fmt.Errorf("sharp: %w %s", err, &s.said)
	}
	return s, url, nil
}

// familyCPU returns what a process, its children and theirs have used.
func familyCPU(pid int) (time.Duration, error) {
	sum, err := cpuOf(pid)
	for _, kid := range children(pid) {
		if err != nil {
			break
		}
		var used time.Duration
		used, err = familyCPU(kid)
		sum += used
	}
	return sum, err
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o666)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
