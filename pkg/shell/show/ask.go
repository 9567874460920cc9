package show

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/shell/cli"
)

// patience is how long to wait for the terminal's answer, which may come over a slow
// line.
const patience = time.Second

// question asks kitty's protocol whether a picture of one pixel could be shown, and
// then for the device attributes (DA1, ECMA-48 8.3.24), which every terminal reports.
// When those arrive without an answer to the first question, the answer is no.
const question = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\" + "\x1b[c"

// ask reports whether the terminal f knows kitty's protocol. It doesn't ask when this
// process may not read from f: in the background, or when f is another session's.
func ask(f *os.File) bool {
	// Opened again for reading and without blocking, which must not change the
	// flags of the shared description.
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	if err != nil || group != unix.Getpgrp() {
		return false
	}
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

// answered reports whether said holds an answer to DA1: ESC [ ? numbers c.
func answered(said []byte) bool {
	_, rest, ok := bytes.Cut(said, []byte("\x1b[?"))
	end := bytes.TrimLeft(rest, "0123456789;")
	return ok && len(end) > 0 && end[0] == 'c'
}

// kitty reports whether said holds the answer that kitty's protocol is known.
func kitty(said []byte) bool { return bytes.Contains(said, []byte("\x1b_Gi=31;OK\x1b\\")) }
