package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// Check reports what would keep Open from opening the spool in dir, without
// writing anything. It returns the version of the spool that is there, 0 when
// there is none yet.
func Check(dir string) (version int, err error) {
	fail := func(format string, args ...any) (int, error) {
		return 0, fault.New(fault.Usage, "spool %s: "+format, append([]any{dir}, args...)...)
	}
	fi, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		// It will be made, with the folders above it that are missing.
		above := filepath.Dir(dir)
		for {
			if _, err := os.Stat(above); !errors.Is(err, fs.ErrNotExist) || above == filepath.Dir(above) {
				break
			}
			above = filepath.Dir(above)
		}
		if err := unix.Faccessat(unix.AT_FDCWD, above, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
			return fail("can't be made in %s: %w", above, err)
		}
		return 0, nil
	}
	if err != nil {
		return fail("%w", err)
	}
	if !fi.IsDir() {
		return fail("is not a folder")
	}
	if uid := fi.Sys().(*syscall.Stat_t).Uid; int(uid) != os.Geteuid() {
		return fail("belongs to user %d, not to %d", uid, os.Geteuid())
	}
	if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return fail("%w", err)
	}
	b, err := readSmall(filepath.Join(dir, "version"))
	if errors.Is(err, fs.ErrNotExist) {
		switch name, err := foreign(dir); {
		case err != nil:
			return fail("%w", err)
		case name != "":
			return fail("is not empty (%s) and no spool: it has no version file", fault.Clip(name))
		}
		return 0, nil
	}
	if err != nil {
		return fail("%w", err)
	}
	version, err = strconv.Atoi(strings.TrimSpace(string(b)))
	switch {
	case err != nil || version < 1:
		return fail("version %s: not a number", fault.Quote(string(b)))
	case version > Version:
		return fail("version %d is newer than %d", version, Version)
	}
	return version, nil
}
