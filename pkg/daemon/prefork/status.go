package prefork

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// serveStatus gives the status to whoever connects to a listener. It never waits
// for a client: the text fits the socket's buffer, and what doesn't is lost.
func (s *supervisor) serveStatus(fd int) {
	f := os.NewFile(uintptr(fd), "status")
	rc, err := f.SyscallConn()
	if err != nil {
		s.Warn("status: %v", err)
		return
	}
	for {
		var conn int
		var aerr error
		err := rc.Read(func(lfd uintptr) bool {
			conn, _, aerr = unix.Accept4(int(lfd), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			return aerr != unix.EAGAIN
		})
		switch {
		case err != nil:
			return
		case aerr == unix.EINTR, aerr == unix.ECONNABORTED:
		case aerr != nil:
			<-time.After(pauses.First) // out of descriptors: nobody tells when there are some
		default:
			ask := make(chan string, 1)
			s.asks <- ask
			unix.SendmsgN(conn, []byte(<-ask), nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
			unix.Close(conn)
		}
	}
}
