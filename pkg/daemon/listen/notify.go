package listen

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Notifier notifies the service manager of the state of this process (sd_notify(3)).
// The zero Notifier does nothing.
type Notifier struct {
	addr string // of a datagram socket; an abstract one begins with @
	// Watchdog is the interval of WATCHDOG=1 notifications, half the time after
	// which the manager acts; 0 is never.
	Watchdog time.Duration
}

// NewNotifier returns the notifier that NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID
// describe. It unsets them, so that child processes do not notify as well.
func NewNotifier() Notifier {
	n := notifier(os.Getenv, os.Getpid())
	for _, k := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		os.Unsetenv(k)
	}
	return n
}

func notifier(getenv func(string) string, pid int) Notifier {
	var n Notifier
	if a := getenv("NOTIFY_SOCKET"); len(a) > 1 && (a[0] == '/' || a[0] == '@') {
		n.addr = a
	}
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	who := getenv("WATCHDOG_PID")
	if n.addr != "" && err == nil && usec > 0 && usec <= int64(time.Hour*24*365/time.Microsecond) &&
		(who == "" || who == strconv.Itoa(pid)) {
		n.Watchdog = time.Duration(usec) * time.Microsecond / 2
	}
	return n
}

// Notify sends the lines, such as "READY=1", in one datagram. It waits up to a
// second for room in the manager's socket.
func (n Notifier) Notify(lines ...string) error {
	if n.addr == "" {
		return nil
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{Sec: 1}); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	for {
		err = unix.Sendto(fd, []byte(strings.Join(lines, "\n")), unix.MSG_NOSIGNAL, &unix.SockaddrUnix{Name: n.addr})
		if err != unix.EINTR {
			return os.NewSyscallError("sendto "+n.addr, err)
		}
	}
}

// Reloading returns the lines of the notification that a reload begins. Without
// the time in the same datagram systemctl reload would wait for ever.
func Reloading() []string {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return []string{"RELOADING=1", "MONOTONIC_USEC=" + strconv.FormatInt(t.Nano()/1000, 10)}
}
