package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// composition measures what the service costs: gray and scale 1/4 through imgd,
// over HTTP, beside the two filters by hand. All have one core.
func composition(bin, cache string, pictures []picture, runs int) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d := exec.Command("taskset", "-c", "0", filepath.Join(bin, "imgd"), "-n", "1", "-p", "0", "-spool", filepath.Join(dir, "spool"))
	d.Env = append(os.Environ(), "IMGTOOLS_RUN="+dir)
	d.Stderr = io.Discard
	if err := d.Start(); err != nil {
		return err
	}
	defer func() {
		d.Process.Signal(syscall.SIGTERM)
		d.Wait()
	}()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "imgd.sock"))
	}}}
	if err := waitReady(client); err != nil {
		return err
	}
	fmt.Println("composition: gray and scale 1/4 through imgd, and by hand")
	fmt.Printf("  %-16s %16s %16s %8s %18s %18s\n", "", "imgd CPU ms", "filters CPU ms", "ratio", "imgd wall ms", "filters wall ms")
	for _, p := range pictures {
		picture, err := os.ReadFile(p.path)
		if err != nil {
			return err
		}
		out := filepath.Join(dir, "out"+filepath.Ext(p.name))
		hand := commands(p, job{gray: true, num: 1, den: 4})[0]
		var rows []row
		var walls []time.Duration
		var cpu time.Duration
		// Each turn: the filters once, imgd ten times, as its CPU time is told in
		// hundredths of a second.
		const requests = 10
		for range runs {
			r, err := once(hand, p.path, out)
			if err != nil {
				return err
			}
			rows = append(rows, r)
			before := treeCPU(d.Process.Pid)
			for range requests {
				start := time.Now()
				resp, err := client.Post("http://localhost/image?gray&scale=1/4", "", bytes.NewReader(picture))
				if err != nil {
					return err
				}
				n, err := io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 || n == 0 {
					return fmt.Errorf("%s through imgd: %s, %d bytes, %v", p.name, resp.Status, n, err)
				}
				walls = append(walls, time.Since(start))
			}
			cpu += treeCPU(d.Process.Pid) - before
		}
		slices.Sort(walls)
		cpu /= time.Duration(runs * requests)
		byHand := median(rows, func(r row) time.Duration { return r.cpu })
		fmt.Printf("  %-16s %16.1f %16.1f %8.2f %18.1f %18.1f\n", p.name, ms(cpu), ms(byHand), float64(cpu)/float64(byHand),
			ms(walls[len(walls)/2]), ms(median(rows, func(r row) time.Duration { return r.wall })))
	}
	return nil
}

func waitReady(client *http.Client) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(15 * time.Second); ; <-tick.C {
		resp, err := client.Get("http://localhost/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == 200 {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("imgd is not ready: %v", err)
		}
	}
}

// treeCPU returns the CPU time of a process and all below it, from /proc.
func treeCPU(pid int) time.Duration {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// After the name in brackets: state, and utime stime as the 12th and 13th.
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var sum time.Duration
	for _, s := range f[11:13] {
		n, _ := strconv.Atoi(s)
		sum += time.Duration(n) * tick
	}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, t := range tasks {
		kids, _ := os.ReadFile(t)
		for _, k := range strings.Fields(string(kids)) {
			n, _ := strconv.Atoi(k)
			sum += treeCPU(n)
		}
	}
	return sum
}
