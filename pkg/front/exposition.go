package front

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// exposition is the text format of Prometheus, version 0.0.4.
type exposition struct{ strings.Builder }

func (e *exposition) head(name, kind, help string) {
	fmt.Fprintf(e, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (e *exposition) one(name, kind, help string, v any) {
	e.head(name, kind, help)
	fmt.Fprintf(e, "%s %v\n", name, v)
}

func (e *exposition) labelled(name, kind, help, label string, values map[string]int64) {
	e.head(name, kind, help)
	for _, k := range sorted(values, cmp.Compare) {
		fmt.Fprintf(e, "%s{%s=%q} %d\n", name, label, k, values[k])
	}
}

func (e *exposition) histogram(name, help string, h *histogram) {
	e.head(name, "histogram", help)
	for _, labels := range sorted(h.series, cmp.Compare) {
		s, n := h.series[labels], int64(0)
		for i, c := range s.count {
			n += c
			le := "+Inf"
			if i < len(h.bounds) {
				le = fmt.Sprint(h.bounds[i])
			}
			fmt.Fprintf(e, "%s_bucket{%s,le=%q} %d\n", name, labels, le, n)
		}
		fmt.Fprintf(e, "%s_sum{%s} %v\n%s_count{%s} %d\n", name, labels, s.sum, name, labels, n)
	}
}

// process writes the figures of a process that every exporter has, by the names that
// dashboards know. dir is its folder in /proc (proc(5)). What can't be read is left out.
func (e *exposition) process(dir string) {
	const hertz = 100 // USER_HZ: the unit of times in stat, the same on all machines that Go knows
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return
	}
	// The second field, the command in parentheses, may itself have spaces.
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	field := func(n int) float64 { // numbered from 1, as in proc(5)
		if n-3 >= len(f) {
			return 0
		}
		v, _ := strconv.ParseFloat(f[n-3], 64)
		return v
	}
	e.one("process_cpu_seconds_total", "counter", "CPU time of imgd itself, user and system.", (field(14)+field(15))/hertz)
	e.one("process_virtual_memory_bytes", "gauge", "Virtual memory.", int64(field(23)))
	e.one("process_resident_memory_bytes", "gauge", "Resident memory.", int64(field(24))*int64(os.Getpagesize()))
	if boot, ok := bootTime(); ok {
		e.one("process_start_time_seconds", "gauge", "When the process started, in seconds since 1970.", boot+field(22)/hertz)
	}
	if open, err := os.ReadDir(filepath.Join(dir, "fd")); err == nil {
		e.one("process_open_fds", "gauge", "Open file descriptors.", len(open))
	}
	var most unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &most) == nil {
		e.one("process_max_fds", "gauge", "Most file descriptors that may be open.", most.Cur)
	}
}

// bootTime returns when the machine started, in seconds since 1970.
func bootTime() (seconds float64, ok bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if v, found := strings.CutPrefix(line, "btime "); found {
			seconds, err = strconv.ParseFloat(strings.TrimSpace(v), 64)
			return seconds, err == nil
		}
	}
	return 0, false
}
