package system

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	getTermios = unix.TCGETS
	largeFile  = unix.O_LARGEFILE
)

// Reopen opens the file of f again, as another open file description with a lock and
// flags of its own (open(2)). A terminal does not become the controlling one.
func Reopen(f *os.File, flags int) (*os.File, error) {
	path := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	fd, err := unix.Open(path, flags|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// RenameNew renames a file to a name that is free. If the system or the file system
// has no such rename (NFS and some FUSE lack it), the error is neither fs.ErrExist nor
// fs.ErrNotExist.
func RenameNew(old, path string) error {
	return unix.Renameat2(unix.AT_FDCWD, old, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
}

// tagAttr is the extended attribute of SetTag (xattr(7)). It tells results of the same
// name, size and second apart.
const tagAttr = "user.imgtools.etag"

// SetTag stores an entity tag with a file, if its file system can.
func SetTag(f *os.File, tag string) { unix.Fsetxattr(int(f.Fd()), tagAttr, []byte(tag), 0) }

// Tag returns what SetTag stored; ok is false if there is none.
func Tag(path string) (tag string, ok bool) {
	var buf [256]byte
	n, err := unix.Getxattr(path, tagAttr, buf[:])
	if err != nil {
		return "", false
	}
	return string(buf[:n]), true
}

// Batch makes the process's threads ones that do not interrupt others when they wake
// (SCHED_BATCH, sched(7)), nor so each other: at first a thread of Go's runtime wakes
// every 20 µs to look around, at which the picture's work would be switched away from
// if it has one core. Who runs us with another policy than the normal one keeps it.
func Batch() {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range threads {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if a, err := unix.SchedGetAttr(tid, 0); err == nil && a.Policy == unix.SCHED_NORMAL {
			a.Policy = unix.SCHED_BATCH
			unix.SchedSetAttr(tid, a, 0) // with any error all is as it was
		}
	}
}
