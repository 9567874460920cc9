package listen

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Notifier tells the service manager about this process (sd_notify(3)). Its zero
// value tells nobody.
type Notifier struct {
	addr string // of a datagram socket; an abstract one begins with @
	// Watchdog is how often Watchdog must be told, at half the time after
	// which the manager acts; 0 is never.
	Watchdog time.Duration
}

// NewNotifier reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and unsets them.
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

// Notify sends the lines, such as "READY=1", in one datagram. It waits at most a
// second for room; nobody listening is no error worth stopping for.
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

// Reloading returns the lines that say that a reload begins. Their time must go
// in the same datagram, or systemctl reload waits for ever.
func Reloading() []string {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return []string{"RELOADING=1", "MONOTONIC_USEC=" + strconv.FormatInt(t.Nano()/1000, 10)}
}
