package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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
	peak  int64 // bytes; of its largest process; 0: not measured
	bytes int64
	psnr  float64 // dB; 0: not comparable
	ssim  float64 // 0: not comparable
	err   error

	turns []time.Duration // CPU time of each turn, in order
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }
func mib(n int64) float64        { return float64(n) / (1 << 20) }

func (r *row) db() string {
	if r.psnr == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", r.psnr)
}

func (r *row) similarity() string {
	if r.ssim == 0 {
		return "-"
	}
	return fmt.Sprintf("%.4f", r.ssim)
}

// ratio returns our CPU time over the peer's: the median of the turns, which were
// interleaved, so that a slow moment of the machine is in both.
func ratio(ours, peer *row) float64 {
	var rs []float64
	for i := range min(len(ours.turns), len(peer.turns)) {
		rs = append(rs, float64(ours.turns[i])/float64(peer.turns[i]))
	}
	if len(rs) == 0 {
		return float64(ours.cpu) / float64(peer.cpu)
	}
	slices.Sort(rs)
	return middle(rs)
}

// pillow reports whether Debian's python3 has Pillow.
var pillow = sync.OnceValue(func() bool {
	return exec.Command("/usr/bin/python3", "-c", "import PIL").Run() == nil
})

// oneCore is what tools need to be told so that they use no more threads than
// the core they are bound to.
var oneCore = []string{"VIPS_CONCURRENCY=1", "OMP_NUM_THREADS=1", "MAGICK_THREAD_LIMIT=1"}

// A running program is asked several times in one turn, unless that takes long.
const (
	warmRequests = 8
	warmTurn     = 300 * time.Millisecond
)

// once runs a command and returns what it cost.
func once(c command, in, out string) (r row, err error) {
	os.Remove(out)
	if c.warm != nil {
		start, n := time.Now(), time.Duration(0)
		for n < warmRequests && time.Since(start) < warmTurn {
			u, err := c.warm(in, out)
			if err != nil {
				return r, fmt.Errorf("%s: %w", c.tool, err)
			}
			r.cpu += u.cpu
			n++
		}
		r.cpu, r.wall = r.cpu/n, time.Since(start)/n
	} else {
		used, err := runLine(c.line, in, out)
		if err != nil {
			return r, fmt.Errorf("%s: %w", c.tool, err)
		}
		r.cpu, r.wall, r.peak = used.CPU, used.Wall, used.Peak
	}
	r.bytes, err = fileSize(out)
	return r, err
}

// plainLine makes a line of shell, if it has nothing but commands, pipes and
// redirections, a command that needs no shell: a shell costs as much as a tenth of what
// is measured, and who composes filters has one running already.
func plainLine(line string) (c cost.Command, ok bool) {
	if strings.ContainsAny(line, ";&'\"()") {
		return c, false
	}
	for stage := range strings.SplitSeq(line, "|") {
		var args []string
		words := strings.Fields(stage)
		for i := 0; i < len(words); i++ {
			switch w := words[i]; {
			case w == "<" && i+1 < len(words):
				i++
				c.From = words[i]
			case w == ">" && i+1 < len(words):
				i++
				c.To = words[i]
			default:
				args = append(args, w)
			}
		}
		c.Pipe = append(c.Pipe, args)
	}
	return c, true
}

// runLine runs a line of shell on the core of all.
func runLine(line, in, out string) (cost.Result, error) {
	var said strings.Builder
	line = strings.NewReplacer("$in", in, "$out", out).Replace(line)
	c, ok := plainLine(line)
	if !ok {
		c.Args = []string{"bash", "-c", "set -o pipefail; " + line}
	}
	c.Core, _ = strconv.Atoi(core)
	c.Core++
	c.Env, c.Err = append(os.Environ(), oneCore...), &said
	r, err := cost.Run(c)
	if err == nil && r.Exit != 0 {
		err = fmt.Errorf("%s %s", r.Ended, strings.TrimSpace(said.String()))
	}
	return r, err
}

// compare runs every tool on one job, interleaved, and returns the medians. A
// peer that fails has an error in its row; ours may not fail.
func (b *bench) compare(p picture, j job) ([]row, error) {
	cs := slices.DeleteFunc(b.commands(p, j), func(c command) bool { return !b.tools.MatchString(c.tool) })
	if len(cs) == 0 {
		return nil, errors.New("no tool of that name")
	}
	all := make([][]row, len(cs))
	rows := make([]row, len(cs))
	out := func(i int) string { return filepath.Join(b.out, fmt.Sprintf("%d%s", i, filepath.Ext(p.name))) }
	for i, c := range cs {
		rows[i].tool = c.tool
		if c.warm != nil {
			_, rows[i].err = c.warm(p.path, out(i)) // the first is not warm
		}
	}
	for range b.runs {
		for i, c := range cs {
			if rows[i].err != nil {
				continue
			}
			r, err := once(c, p.path, out(i))
			rows[i].err = err
			all[i] = append(all[i], r)
		}
	}
	ref, err := b.reference(p, j)
	if err != nil {
		return nil, err
	}
	for i, c := range cs {
		defer os.Remove(out(i))
		if rows[i].err == nil {
			var cpus, walls []time.Duration
			var peaks []int64
			for _, r := range all[i] {
				cpus, walls, peaks = append(cpus, r.cpu), append(walls, r.wall), append(peaks, r.peak)
			}
			rows[i].cpu, rows[i].wall, rows[i].peak = median(cpus), median(walls), median(peaks)
			rows[i].turns, rows[i].bytes = cpus, all[i][0].bytes
			if c.luma && ref.p != nil {
				rows[i].psnr, rows[i].ssim, rows[i].err = likeness(out(i), ref)
			}
		}
		if rows[i].err != nil && (strings.HasPrefix(c.tool, process) || isCold(c.tool)) {
			return nil, rows[i].err
		}
	}
	return rows, nil
}

// median leaves its argument as it is.
func median[T cmp.Ordered](v []T) T { return slices.Sorted(slices.Values(v))[len(v)/2] }
