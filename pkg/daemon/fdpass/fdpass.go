// Package fdpass sends and receives open files over a Unix stream socket
// (SCM_RIGHTS, unix(7)). It works on a syscall.RawConn, so on an *os.File and
// on a *net.UnixConn alike, and does not need package net.
//
// The kernel's rules, which both sides must keep:
//
//   - A plain read of bytes that carry descriptors closes them silently. Nothing
//     may read from the socket, buffered or not, before Recv has taken them.
//   - Bytes sent before the message with descriptors may arrive in the same
//     recvmsg, bytes sent after it never do.
//   - A passed descriptor shares its file offset and flags with the sender's. The
//     sender opens the file again for each request.
package fdpass

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// Send sends p, which must not be empty, and with its first byte the descriptors
// fds, which it does not close. It waits until all of p is in the socket. Errors
// are *os.SyscallError, or c's error for a passed deadline.
func Send(c syscall.RawConn, p []byte, fds ...int) error {
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	for len(p) > 0 {
		n, serr := 0, error(nil)
		err := c.Write(func(fd uintptr) bool {
			for {
				n, serr = unix.SendmsgN(int(fd), p, oob, nil, unix.MSG_NOSIGNAL)
				if serr != unix.EINTR {
					return serr != unix.EAGAIN
				}
			}
		})
		if err == nil {
			err = os.NewSyscallError("sendmsg", serr)
		}
		if err != nil {
			return err
		}
		p, oob = p[n:], nil // the descriptors went with the first byte
	}
	return nil
}

// Recv receives up to len(p) bytes and at most most descriptors. They are
// close-on-exec, and the caller closes them. Its errors:
//
//   - io.EOF when the peer has shut down;
//   - a fault of kind Usage when more descriptors arrived;
//   - a fault of kind Busy when this process has no room for them (MSG_CTRUNC);
//   - else *os.SyscallError, or c's error for a passed deadline.
//
// With an error it has closed the descriptors that arrived. After a fault n is
// still right, so that the caller can read the line and answer it.
func Recv(c syscall.RawConn, p []byte, most int) (n int, fds []int, err error) {
	// With room for two more than that, too many descriptors can be told from
	// a full descriptor table, which sets MSG_CTRUNC.
	oob := make([]byte, unix.CmsgSpace(4*(most+2)))
	var oobn, flags int
	var serr error
	err = c.Read(func(fd uintptr) bool {
		for {
			n, oobn, flags, _, serr = unix.Recvmsg(int(fd), p, oob, unix.MSG_CMSG_CLOEXEC)
			if serr != unix.EINTR {
				return serr != unix.EAGAIN
			}
		}
	})
	if err == nil {
		err = os.NewSyscallError("recvmsg", serr)
	}
	if err != nil {
		return 0, nil, err
	}
	fds, err = rights(oob[:oobn])
	switch {
	case err != nil:
	case len(fds) > most:
		err = fault.New(fault.Usage, "%d or more descriptors > %d", len(fds), most)
	case flags&unix.MSG_CTRUNC != 0:
		err = fault.New(fault.Busy, "no room for descriptors")
	case n == 0:
		err = io.EOF
	}
	if err != nil {
		for _, fd := range fds {
			unix.Close(fd)
		}
		fds = nil
	}
	return n, fds, err
}

// rights returns all descriptors in the control messages of oob; on an error
// those found so far.
func rights(oob []byte) (fds []int, err error) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, os.NewSyscallError("recvmsg", err)
	}
	for i := range msgs {
		got, err := unix.ParseUnixRights(&msgs[i])
		if errors.Is(err, unix.EINVAL) {
			continue // another kind of control message
		}
		fds = append(fds, got...)
	}
	return fds, nil
}
