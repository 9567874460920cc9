package sandbox

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// allowed are the system calls of a worker, whatever their arguments. They were
// found by taking each away in turn, under SECCOMP_RET_KILL_PROCESS.
var allowed = []uint32{
	// The runtime: memory, threads, time, signals, the poller.
	unix.SYS_MUNMAP, unix.SYS_MADVISE, unix.SYS_FUTEX, unix.SYS_NANOSLEEP, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY,
	unix.SYS_CLOCK_GETTIME, unix.SYS_GETRANDOM, unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK,
	unix.SYS_RESTART_SYSCALL, // after SIGSTOP and SIGCONT
	unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_CREATE1, unix.SYS_EVENTFD2,
	unix.SYS_UNAME, // package os, before it copies between files
	// Requests.
	unix.SYS_ACCEPT4, unix.SYS_RECVMSG, unix.SYS_SENDMSG, unix.SYS_SHUTDOWN, unix.SYS_GETSOCKOPT,
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_PREAD64, unix.SYS_PWRITE64, unix.SYS_LSEEK, unix.SYS_FSTAT, unix.SYS_FTRUNCATE, unix.SYS_CLOSE,
}

// absent fail as if the kernel did not have them, and Go goes on without.
var absent = []uint32{unix.SYS_CLONE3, unix.SYS_COPY_FILE_RANGE, unix.SYS_SENDFILE, unix.SYS_SPLICE}

const prSetVMA = 0x53564d41 // names memory for /proc/PID/maps

// filter returns the worker's program. A call that nothing allows ends the process,
// which the kernel's log then names.
func filter(pid int) Program {
	p := NewProgram()
	for _, nr := range allowed {
		p.On(nr, Allow)
	}
	for _, nr := range absent {
		p.On(nr, Errno(unix.ENOSYS))
	}
	p.On(unix.SYS_MMAP, Bit(2, unix.PROT_EXEC, Kill, Allow))
	p.On(unix.SYS_MPROTECT, Bit(2, unix.PROT_EXEC, Kill, Allow))
	p.On(unix.SYS_CLONE, Bit(0, unix.CLONE_THREAD, Allow, Kill))
	p.On(unix.SYS_TGKILL, Only(0, Kill, uint32(pid))) // preemption
	p.On(unix.SYS_PRCTL, Only(0, Kill, prSetVMA))
	p.On(unix.SYS_FCNTL, Only(1, Kill, unix.F_GETFD, unix.F_GETFL, unix.F_SETFL))
	Kill(&p)
	return p
}

// seccompKnown returns an error when the kernel, or this package for this kind of
// machine, has no seccomp filters that can end a process.
func seccompKnown() error {
	if AuditArch == 0 {
		return fmt.Errorf("seccomp: no list of calls for this kind of machine")
	}
	action := uint32(unix.SECCOMP_RET_KILL_PROCESS)
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action))); e != 0 {
		return fmt.Errorf("seccomp: %w", e)
	}
	return nil
}

// seccomp confines all threads to the filter's calls.
func seccomp() (string, error) {
	if err := seccompKnown(); err != nil {
		return "", err
	}
	if err := filter(os.Getpid()).install(unix.SECCOMP_FILTER_FLAG_TSYNC); err != nil {
		return "", err
	}
	return "seccomp", nil
}
