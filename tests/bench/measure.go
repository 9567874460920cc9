package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"imgtools/tests/cost"
)

// row is one line of a table.
type row struct {
	tool  string
	cpu   time.Duration // user and system, of all processes of the line
	wall  time.Duration
	peak  int64 // bytes; of its largest process
	bytes int64
	db    string
	err   error
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// pillow reports whether Debian's python3 has Pillow.
var pillow = sync.OnceValue(func() bool {
	return exec.Command("/usr/bin/python3", "-c", "import PIL").Run() == nil
})

// oneCore is what tools need to be told so that they use no more threads than
// the core they are bound to.
var oneCore = []string{"VIPS_CONCURRENCY=1", "OMP_NUM_THREADS=1", "MAGICK_THREAD_LIMIT=1"}

// once runs a command and returns what it cost.
func once(c command, in, out string) (r row, err error) {
	line := strings.NewReplacer("$in", in, "$out", out).Replace(c.line)
	os.Remove(out)
	var said strings.Builder
	used, err := cost.Run(cost.Command{
		Args: []string{"taskset", "-c", "0", "bash", "-c", "set -o pipefail; " + line},
		Env:  append(os.Environ(), oneCore...),
		Err:  &said,
	})
	if err != nil {
		return r, err
	}
	if used.Exit != 0 {
		return r, fmt.Errorf("%s: %s %s", c.tool, used.Ended, strings.TrimSpace(said.String()))
	}
	r.cpu, r.wall, r.peak = used.CPU, used.Wall, used.Peak
	fi, err := os.Stat(out)
	if err != nil {
		return r, err
	}
	r.bytes = fi.Size()
	return r, nil
}

// compare runs every tool on one job, interleaved, and returns the medians.
func compare(p picture, j job, cache string, runs int) ([]row, error) {
	cs := commands(p, j)
	all := make([][]row, len(cs))
	rows := make([]row, len(cs))
	ext := filepath.Ext(p.name)
	for range runs {
		for i, c := range cs {
			if rows[i].err != nil {
				continue
			}
			r, err := once(c, p.path, filepath.Join(cache, fmt.Sprintf("out%d%s", i, ext)))
			rows[i].err = err
			all[i] = append(all[i], r)
		}
	}
	ref, err := reference(p, j)
	if err != nil {
		return nil, err
	}
	for i, c := range cs {
		rows[i].tool = c.tool
		if rows[i].err != nil {
			continue
		}
		rows[i].cpu = median(all[i], func(r row) time.Duration { return r.cpu })
		rows[i].wall = median(all[i], func(r row) time.Duration { return r.wall })
		rows[i].peak = int64(median(all[i], func(r row) time.Duration { return time.Duration(r.peak) }))
		rows[i].bytes = all[i][0].bytes
		out := filepath.Join(cache, fmt.Sprintf("out%d%s", i, ext))
		rows[i].db = "-"
		if c.luma {
			db, err := psnr(out, ref)
			if err != nil {
				rows[i].err = fmt.Errorf("%s: %w", c.tool, err)
				continue
			}
			rows[i].db = fmt.Sprintf("%.2f", db)
		}
		os.Remove(out)
	}
	if rows[0].err != nil {
		return nil, rows[0].err
	}
	return rows, nil
}

func median(rs []row, of func(row) time.Duration) time.Duration {
	var v []time.Duration
	for _, r := range rs {
		v = append(v, of(r))
	}
	slices.Sort(v)
	return v[len(v)/2]
}
