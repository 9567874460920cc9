package prefork

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// serveStatus sends the status to every client that connects to a listener. It
// never waits for a client: the text fits in the socket's buffer.
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
			<-time.After(pauses.First) // out of descriptors; no event announces free ones
		default:
			ask := make(chan string, 1)
			s.asks <- ask
			unix.SendmsgN(conn, []byte(<-ask), nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
			unix.Close(conn)
		}
	}
}
