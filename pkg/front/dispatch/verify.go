package dispatch

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/wire"
)

// isPicture reports whether a daemon may answer with that media type. A worker
// that was taken over must not make a web page of a picture.
func isPicture(mediaType string) bool {
	switch mediaType {
	case "image/jpeg", "image/png", "image/gif", "image/bmp", "image/tiff", "image/webp",
		"image/x-portable-bitmap", "image/x-portable-graymap", "image/x-portable-pixmap",
		"image/x-portable-anymap", "image/x-portable-arbitrarymap":
		return true
	}
	return false
}

// check compares what a worker said with the file it was given.
func check(reply wire.Reply, out File) error {
	if t := reply.Get("type"); !isPicture(t) {
		return &death{err: fmt.Errorf("a worker answered with type %.40q", t)}
	}
	n, err := out.Size()
	if err != nil {
		return err
	}
	if n != reply.Len {
		return &death{err: fmt.Errorf("a worker said %d bytes and wrote %d", reply.Len, n)}
	}
	w, _ := strconv.Atoi(reply.Get("width"))
	h, _ := strconv.Atoi(reply.Get("height"))
	if w < 1 || h < 1 || n < 1 {
		return &death{err: fmt.Errorf("a worker answered with a picture of %d × %d pixels and %d bytes", w, h, n)}
	}
	if writer, err := hasWriter(out.Own()); err != nil {
		return err
	} else if writer {
		return &death{err: errors.New("a worker kept the result open for writing")}
	}
	return nil
}

// hasWriter reports whether any process has the file of f, which was opened for
// reading, open for writing: then the kernel refuses a read lease (fcntl(2),
// F_SETLEASE). Where the file system has no leases it says no.
func hasWriter(f *os.File) (bool, error) {
	// A child of ours between fork and exec has all our descriptors. Where Go
	// forks it holds this lock until the child has done its exec.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	switch {
	case err == nil:
		unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
		return false, nil
	case errors.Is(err, unix.EAGAIN):
		return true, nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOLCK),
		errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return false, nil
	}
	return false, os.NewSyscallError("fcntl F_SETLEASE", err)
}
