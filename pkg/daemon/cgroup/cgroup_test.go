package cgroup

import (
	"testing"
	"testing/fstest"
)

func TestMemoryMaxIsTheLeastOfTheGroupsAbove(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"no cgroups", nil, 0},
		{"a container", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20},
		{"no limit", map[string]string{"proc/self/cgroup": "0::/a.slice/b.service\n", "sys/fs/cgroup/a.slice/b.service/memory.max": "max\n"}, 0},
		{"a slice", map[string]string{"proc/self/cgroup": "0::/a.slice/b.service\n", "sys/fs/cgroup/a.slice/b.service/memory.max": "max\n", "sys/fs/cgroup/a.slice/memory.max": "1000\n"}, 1000},
		{"the least", map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "3000\n", "sys/fs/cgroup/a/memory.max": "2000\n"}, 2000},
		{"version 1", map[string]string{"proc/self/cgroup": "4:memory:/x\n", "sys/fs/cgroup/memory.max": "1\n"}, 0},
		{"both", map[string]string{"proc/self/cgroup": "4:memory:/x\n0::/y\n", "sys/fs/cgroup/y/memory.max": "77\n"}, 77},
		{"rubbish", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "-5 apples\n"}, 0},
		{"outside", map[string]string{"proc/self/cgroup": "0::/../../etc\n", "sys/fs/cgroup/memory.max": "9\n"}, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range c.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := memoryMax(root); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

func TestFit(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name           string
		w              workers
		limit          int64
		keepN, keepMem bool
		n              int
		mem            int64
	}{
		{"no limit", workers{8, 1024 * mib, 2}, 0, false, false, 8, 1024 * mib},
		{"room enough", workers{2, 1024 * mib, 2}, 4096 * mib, false, false, 2, 1024 * mib},
		{"less each", workers{2, 1024 * mib, 2}, 512 * mib, false, false, 2, 160 * mib},
		{"fewer", workers{8, 1024 * mib, 2}, 512 * mib, false, false, 2, 160 * mib},
		{"one", workers{8, 1024 * mib, 2}, 200 * mib, false, false, 1, 118 * mib},
		{"a daemon alone", workers{4, 1024 * mib, 1}, 512 * mib, false, false, 2, 176 * mib},
		{"the least", workers{8, 1024 * mib, 2}, 30 * mib, false, false, 1, 16 * mib},
		{"-n given", workers{8, 1024 * mib, 2}, 512 * mib, true, false, 8, 16 * mib},
		{"-maxmem given", workers{8, 256 * mib, 2}, 1024 * mib, false, true, 2, 256 * mib},
		{"both given", workers{8, 1024 * mib, 2}, 512 * mib, true, true, 8, 1024 * mib},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.w.fit(c.limit, c.keepN, c.keepMem)
			if got.n != c.n || (got.mem-c.mem)/mib != 0 {
				t.Errorf("%d workers with %d MiB, want %d with %d", got.n, got.mem/mib, c.n, c.mem/mib)
			}
		})
	}
}
