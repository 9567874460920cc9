// Package cgroup fits workers into the memory that systemd or a container manager
// allows this process. Without that, the kernel would kill workers at -maxmem times
// -n long before each had reached its own limit.
//
//	Fit  lowers the number of workers and the memory of each to the limit,
//	     memory.max of cgroup v2
package cgroup

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"imgtools/pkg/limits"
)

const (
	// idle is what a worker holds that does nothing, in bytes.
	idle = 16 << 20
	// comfortable is the memory in bytes below which a worker refuses pictures that
	// people have, such as a progressive JPEG of 40 Mpixel. Rather than go below it
	// there are fewer workers.
	comfortable = 128 << 20
)

// share is the part of the limit, in percent, that workers get. The rest is for the
// supervisors, the HTTP side and the kernel's cache of the spool.
const share = 75

// Fit lowers the number of workers of each of so many daemons, and the memory of each
// worker, to what the control groups of this process allow. keepN and keepMem say what
// may not be changed. It returns the line that tells an operator what it did; "" is
// nothing.
func Fit(n *int, mem *int64, daemons int, keepN, keepMem bool) (said string) {
	limit := memoryMax(os.DirFS("/"))
	want := workers{*n, *mem, daemons}
	got := want.fit(limit, keepN, keepMem)
	if got == want {
		return ""
	}
	*n, *mem = got.n, got.mem
	return fmt.Sprintf("memory.max %s: -n %d -maxmem %s", limits.Binary.Format(limit), got.n, limits.Binary.Format(got.mem))
}

// memoryMax returns the memory in bytes that the control groups of this process allow
// it: the least memory.max of its group and the groups above it. 0 is no limit, or none
// that can be read. In a container the group is the root of what can be seen.
func memoryMax(root fs.FS) int64 {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	var least int64
	for line := range strings.Lines(string(groups)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::/")
		if !ok { // of cgroup v1
			continue
		}
		for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
			text, err := fs.ReadFile(root, path.Join("sys/fs/cgroup", dir, "memory.max"))
			n, perr := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // "max" is no number
			if err == nil && perr == nil && n > 0 && (least == 0 || n < least) {
				least = n
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}

// workers are the processes of one or more daemons that work on at most n pictures at
// once.
type workers struct {
	n       int   // of each daemon
	mem     int64 // bytes of memory of each
	daemons int   // that have n workers each; a picture is with one of them at a time
}

// fit returns workers that together stay within limit bytes of memory, or w if that
// is 0 or they do anyway. keepN and keepMem say what may not be changed. First each
// worker gets less memory, but no less than 128 MiB; then there are fewer workers;
// then the last one gets what there is.
//
// For example, 2 workers with 1 GiB each, of 2 daemons, under 512 MiB: the workers'
// share is 384 MiB, an idle worker of each daemon takes 32 of each pair's 192 MiB,
// and 160 MiB are left for the one that works: 2 workers with 160 MiB.
func (w workers) fit(limit int64, keepN, keepMem bool) workers {
	room := limit / 100 * share
	each := func(n int) int64 { return room/int64(n) - int64(w.daemons)*idle }
	if limit <= 0 || w.mem <= each(w.n) {
		return w
	}
	least := int64(comfortable)
	if keepMem {
		least = w.mem
	}
	for !keepN && w.n > 1 && each(w.n) < least {
		w.n--
	}
	if !keepMem {
		w.mem = max(min(w.mem, each(w.n)), limits.MinMemory)
	}
	return w
}
