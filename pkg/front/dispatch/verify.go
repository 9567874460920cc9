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

// isPicture reports whether a worker may answer with a media type. A worker that a
// picture has taken over must not answer with a web page.
func isPicture(mediaType string) bool {
	switch mediaType {
	case "image/jpeg", "image/png", "image/gif", "image/bmp", "image/tiff", "image/webp",
		"image/x-portable-bitmap", "image/x-portable-graymap", "image/x-portable-pixmap",
		"image/x-portable-anymap", "image/x-portable-arbitrarymap":
		return true
	}
	return false
}

// verify compares a worker's reply with the file that it was given. limit bounds
// the file's bytes.
func verify(reply wire.Reply, out File, limit int64) error {
	if t := reply.Get("type"); !isPicture(t) {
		return &failure{event: lied, err: fmt.Errorf("a worker answered with type %.40q", t)}
	}
	n, err := out.Size()
	if err != nil {
		return err
	}
	if n != reply.Len {
		return &failure{event: lied, err: fmt.Errorf("a worker said %d bytes and wrote %d", reply.Len, n)}
	}
	if n > limit {
		return &failure{event: lied, err: fmt.Errorf("a worker wrote %d bytes > %d", n, limit)}
	}
	w, _ := strconv.Atoi(reply.Get("width"))
	h, _ := strconv.Atoi(reply.Get("height"))
	if w < 1 || h < 1 || n < 1 {
		return &failure{event: lied, err: fmt.Errorf("a worker answered with a picture of %d × %d pixels and %d bytes", w, h, n)}
	}
	if writer, err := hasWriter(out.Own()); err != nil {
		return err
	} else if writer {
		return &failure{event: lied, err: errors.New("a worker kept the result open for writing")}
	}
	return nil
}

// hasWriter reports whether any process has the file of f, which was opened for
// reading, open for writing: then the kernel refuses a read lease (fcntl(2),
// F_SETLEASE). Where the file system has no leases it says no.
func hasWriter(f *os.File) (bool, error) {
	// Between fork and exec a child of this process has all its descriptors. Go
	// holds ForkLock for that time.
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
