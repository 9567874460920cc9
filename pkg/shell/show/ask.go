package show

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/shell/cli"
)

// patience is how long a terminal is waited for, the far end of a slow line.
const patience = time.Second

// question asks whether a picture of one pixel could be shown, and then for what
// every terminal answers, DA1 (ECMA-48 8.3.24): so the end of the answers is
// known, and no answer to the first is a no.
const question = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\" + "\x1b[c"

// ask puts the question to a terminal. It leaves alone one that is not ours to
// read: in the background, or that of somebody else.
func ask(f *os.File) bool {
	// For reading as well, and with flags of its own.
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
	// Registered first: interrupted, the terminal is as it was.
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

// read returns what a terminal says up to the end of its answer to DA1, or until
// patience ends.
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

// answered reports whether said has an answer to DA1: ESC [ ? numbers c.
func answered(said []byte) bool {
	_, rest, ok := bytes.Cut(said, []byte("\x1b[?"))
	end := bytes.TrimLeft(rest, "0123456789;")
	return ok && len(end) > 0 && end[0] == 'c'
}

// kitty reports whether said has the answer that the question was understood.
func kitty(said []byte) bool { return bytes.Contains(said, []byte("\x1b_Gi=31;OK\x1b\\")) }
