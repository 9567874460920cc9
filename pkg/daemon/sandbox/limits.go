// Package sandbox takes rights away from a worker before it reads its first
// request, since pictures come from anybody and decoders have bugs:
//
//	limits.go    resource limits: memory, size of a file, descriptors, no core dumps
//	landlock.go  Landlock: no file can be opened, no TCP port bound or connected to
//	seccomp.go   seccomp: only the system calls that a worker needs
//
// Files and sockets that are open stay usable. A process cannot lift these limits again.
package sandbox

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Limits are resource limits of this process (setrlimit(2)).
type Limits struct {
	// Data is bytes of heap and other private memory. Go's heap makes reserved
	// addresses usable; Linux counts such a mapping only afterwards, and refuses the
	// one after the limit was reached.
	Data  uint64
	File  uint64 // bytes in any file; a write beyond is EFBIG
	Files uint64 // open descriptors
}

// Limit sets limits, which can't be raised again without privileges, and forbids
// core dumps, which would contain pictures. It does not set RLIMIT_AS: a Go program
// reserves far more addresses than it uses.
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
