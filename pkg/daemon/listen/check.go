package listen

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"imgtools/pkg/address"
)

// Check reports what is wrong with an address, without binding it: a Unix socket
// needs a folder that this process may write to and must not replace a file, a
// zone must be a network interface. It does not see whether a port is free.
func Check(a Address) error {
	if a.Path == "" {
		for _, b := range a.Binds {
			if _, err := zoneIndex(b.Addr().Zone()); err != nil {
				return fmt.Errorf("listen tcp:%s: %w", b, err)
			}
		}
		return nil
	}
	if err := checkFolder(filepath.Dir(a.Path)); err != nil {
		return fmt.Errorf("listen unix:%s: %w", a.Path, err)
	}
	var st unix.Stat_t
	if unix.Lstat(a.Path, &st) == nil && st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return fmt.Errorf("listen unix:%s: %w", a.Path, notSocket(a.Path))
	}
	return nil
}

// checkFolder reports why a socket can't be made in a folder.
func checkFolder(dir string) error {
	if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return &os.PathError{Op: "access", Path: dir, Err: err}
	}
	return nil
}

// CheckDefault returns what Default returns and reports what is wrong with it,
// without making the folder RUN.
func CheckDefault(name string) (Address, error) {
	dir := address.Run(os.Getenv, os.Geteuid())
	a, err := Parse("unix:" + dir.Socket(name))
	if err != nil {
		return a, err
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir.Path, &st); err == unix.ENOENT {
		if err := checkFolder(filepath.Dir(dir.Path)); err != nil {
			return a, fmt.Errorf("make %s: %w", dir.Path, err)
		}
		return a, nil
	}
	if err := checkRun(dir.Path, dir.Shared, os.Geteuid()); err != nil {
		return a, err
	}
	return a, Check(a)
}
