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
		res int
		n   uint64
	}{
		{unix.RLIMIT_DATA, l.Data},
		{unix.RLIMIT_FSIZE, l.File},
		{unix.RLIMIT_NOFILE, l.Files},
		{unix.RLIMIT_CORE, NoCore},
	} {
		if err := SetLimit(r.res, r.n); err != nil {
			return err
		}
	}
	return nil
}

// NoCore is the RLIMIT_CORE that forbids core dumps: no file is that small, and where
// core_pattern is a pipe, 1 means that its program is not started, as 0 does not.
const NoCore = 1

var limitNames = map[int]string{
	unix.RLIMIT_AS: "RLIMIT_AS", unix.RLIMIT_CORE: "RLIMIT_CORE", unix.RLIMIT_CPU: "RLIMIT_CPU", unix.RLIMIT_DATA: "RLIMIT_DATA",
	unix.RLIMIT_FSIZE: "RLIMIT_FSIZE", unix.RLIMIT_NOFILE: "RLIMIT_NOFILE", unix.RLIMIT_NPROC: "RLIMIT_NPROC",
}

// SetLimit sets the soft and the hard limit of a resource to n. A lower hard limit
// stays.
func SetLimit(resource int, n uint64) error {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(resource, &old); err != nil {
		return fmt.Errorf("%s: %w", limitNames[resource], err)
	}
	n = min(n, old.Max)
	if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
		return fmt.Errorf("%s to %d: %w", limitNames[resource], n, err)
	}
	return nil
}
