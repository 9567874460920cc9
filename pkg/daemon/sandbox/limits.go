// Package sandbox is what a worker gives up before it sees its first request.
package sandbox

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Limits are what the kernel allows this process from now on.
type Limits struct {
	// Data is bytes of heap and other private memory. Linux does not
	// count a mapping that takes the place of a reserved one, as the heap's do, when it is
	// made, but refuses the next after it.
	Data  uint64
	File  uint64 // bytes in any file; a write beyond is EFBIG
	Files uint64 // open descriptors
}

// Limit sets limits, which cannot be raised again without privilege, and forbids
// core dumps: they would hold pictures. RLIMIT_AS is left alone, since a Go
// program reserves far more addresses than it uses.
func Limit(l Limits) error {
	for _, r := range []struct {
		name string
		res  int
		n    uint64
	}{
		{"RLIMIT_DATA", unix.RLIMIT_DATA, l.Data},
		{"RLIMIT_FSIZE", unix.RLIMIT_FSIZE, l.File},
		{"RLIMIT_NOFILE", unix.RLIMIT_NOFILE, l.Files},
		{"RLIMIT_CORE", unix.RLIMIT_CORE, 0},
	} {
		var old syscall.Rlimit
		if err := syscall.Getrlimit(r.res, &old); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		n := min(r.n, old.Max) // a lower one that holds already stays
		if err := syscall.Setrlimit(r.res, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
			return fmt.Errorf("%s to %d: %w", r.name, n, err)
		}
	}
	return nil
}
