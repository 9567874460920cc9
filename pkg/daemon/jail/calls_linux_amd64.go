package jail

import "golang.org/x/sys/unix"

// otherCalls are the older forms of calls in keptCalls; musl makes them.
var otherCalls = []uint32{
	unix.SYS_ARCH_PRCTL, unix.SYS_STAT, unix.SYS_LSTAT, unix.SYS_ACCESS, unix.SYS_READLINK, unix.SYS_DUP2,
	unix.SYS_POLL, unix.SYS_EPOLL_CREATE, unix.SYS_EPOLL_WAIT, unix.SYS_TIME, unix.SYS_GETRLIMIT,
}

const openCall = unix.SYS_OPEN
