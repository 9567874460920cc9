package show

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/system"
)

// ask reports whether the terminal f knows kitty's protocol. It doesn't ask when this
// process may not read from f: in the background, or when f is another session's.
func ask(f *os.File) bool {
	if front, _ := system.Foreground(f); !front {
		return false
	}
	// Opened again for reading and without blocking, which must not change the
	// flags of the shared description.
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	was, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return false
	}
	raw := *was
	raw.Lflag &^= unix.ICANON | unix.ECHO
	restore := func() { unix.IoctlSetTermios(fd, unix.TCSETS, was) }
	// Registered before the change, so that a signal can't leave the terminal raw.
	forget := cli.AtExit(restore)
	defer forget()
	if unix.IoctlSetTermios(fd, unix.TCSETS, &raw) != nil {
		return false
	}
	defer restore()
	if _, err := unix.Write(fd, []byte(question)); err != nil {
		return false
	}
	return kitty(read(fd))
}

// read returns the terminal's answers up to that to DA1, or until patience ends.
func read(fd int) []byte {
	var said []byte
	buf := make([]byte, 256)
	for end := time.Now().Add(patience); !answered(said); {
		left := time.Until(end).Milliseconds()
		if left <= 0 {
			break
		}
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left)); err != nil && err != unix.EINTR {
			break
		}
		n, err := unix.Read(fd, buf)
		if err == unix.EAGAIN || err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			break
		}
		said = append(said, buf[:n]...)
	}
	return said
}
