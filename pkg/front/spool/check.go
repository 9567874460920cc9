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
		above := existing(dir)
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

// existing returns the folder nearest above dir that exists.
func existing(dir string) string {
	for {
		dir = filepath.Dir(dir)
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return dir
		}
	}
}

// Fleeting returns the name of the file system that dir is on, or will be on, if its
// files do not outlive the machine or the container: "tmpfs", or "overlay", which is
// what a container has without a volume. Otherwise it returns "".
func Fleeting(dir string) string {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		dir = existing(dir)
	}
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return ""
	}
	return fleeting[uint32(st.Type)]
}

// fleeting has the file systems of Fleeting by the type that statfs(2) returns.
var fleeting = map[uint32]string{unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay"}
