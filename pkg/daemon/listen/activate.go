package listen

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// firstInherited is the number of the first inherited socket, maxInherited the
// largest number of them.
const (
	firstInherited = 3 // SD_LISTEN_FDS_START
	maxInherited   = 64
)

// FromSystemd returns the sockets that systemd passed to this process
// (sd_listen_fds(3)), in order, each with its name from LISTEN_FDNAMES or "", and
// unsets the variables. All other descriptors from 3 up, which an ancestor leaked,
// become close-on-exec.
//
// It fails if the variables are meant for another process, or a socket does not
// listen on Unix or TCP streams. Single connections (Accept=yes) are not supported.
func FromSystemd() ([]*Socket, error) {
	n, names, err := activation(os.Getenv, os.Getpid())
	for _, k := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"} {
		os.Unsetenv(k)
	}
	if err != nil {
		return nil, err
	}
	if err := unix.CloseRange(uint(firstInherited+n), ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		closeOnExec(firstInherited + n)
	}
	var sockets []*Socket
	for i := range n {
		s, err := inherit(firstInherited+i, names[i])
		if err != nil {
			return nil, fmt.Errorf("inherited socket %d %s: %w", i+1, strconv.Quote(names[i]), err)
		}
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// activation reads the variables: the number of sockets and their names.
func activation(getenv func(string) string, pid int) (n int, names []string, err error) {
	fds, who := getenv("LISTEN_FDS"), getenv("LISTEN_PID")
	if fds == "" && who == "" {
		return 0, nil, nil
	}
	if p, err := strconv.Atoi(who); err != nil || p != pid {
		return 0, nil, fault.New(fault.Usage, "LISTEN_PID is %s and this process %d: start it without a process in between (exec), or unset LISTEN_PID and LISTEN_FDS",
			strconv.Quote(who), pid)
	}
	n, err = strconv.Atoi(fds)
	if err != nil || n < 0 || n > maxInherited {
		return 0, nil, fault.New(fault.Usage, "LISTEN_FDS is %s: not a number from 0 to %d", strconv.Quote(fds), maxInherited)
	}
	names = make([]string, n)
	if s := getenv("LISTEN_FDNAMES"); s != "" && n > 0 {
		names = strings.Split(s, ":")
		if len(names) != n {
			return 0, nil, fault.New(fault.Usage, "LISTEN_FDNAMES has %d names for %d sockets", len(names), n)
		}
	}
	return n, names, nil
}

// inherit checks a socket and makes it non-blocking and close-on-exec; O_NONBLOCK
// is a flag of the open file, not an option of the socket.
func inherit(fd int, name string) (*Socket, error) {
	get := func(opt int) (int, error) { return unix.GetsockoptInt(fd, unix.SOL_SOCKET, opt) }
	domain, err := get(unix.SO_DOMAIN)
	if err != nil {
		return nil, err
	}
	kind, err := get(unix.SO_TYPE)
	if err != nil {
		return nil, err
	}
	accepts, err := get(unix.SO_ACCEPTCONN)
	switch {
	case err != nil:
		return nil, err
	case kind != unix.SOCK_STREAM:
		return nil, fmt.Errorf("not a stream socket (ListenStream=)")
	case accepts == 0:
		return nil, fmt.Errorf("does not listen; one process per connection (Accept=yes) is not supported")
	case domain != unix.AF_UNIX && domain != unix.AF_INET && domain != unix.AF_INET6:
		return nil, fmt.Errorf("neither Unix nor TCP")
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	unix.CloseOnExec(fd)
	return &Socket{FD: fd, Kind: Inherited, Name: name, lock: -1}, nil
}

// closeOnExec is close_range(2) for kernels older than 5.11.
func closeOnExec(from int) {
	es, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range es {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd >= from {
			unix.CloseOnExec(fd)
		}
	}
}
