package jail

import (
	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/sandbox"
)

// keptCalls are the system calls that a program may make, whatever their arguments.
// They are what glibc's and musl's start, threads, memory and files need, and what
// glib asks for: found with strace, and for musl in its source. Landlock decides which
// files open, and opened files are all that the others work on. otherCalls has those
// that only some architectures have.
var keptCalls = []uint32{
	// Memory.
	unix.SYS_BRK, unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MREMAP, unix.SYS_MPROTECT, unix.SYS_MADVISE,
	// Threads. clone is below.
	unix.SYS_FUTEX, unix.SYS_SET_ROBUST_LIST, unix.SYS_SET_TID_ADDRESS, unix.SYS_RSEQ, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_SCHED_GETPARAM, unix.SYS_SCHED_GETSCHEDULER, unix.SYS_GETCPU, unix.SYS_MEMBARRIER,
	// Its own numbers and limits, the kernel's name, random bytes.
	unix.SYS_GETPID, unix.SYS_GETPPID, unix.SYS_GETTID, unix.SYS_GETUID, unix.SYS_GETEUID, unix.SYS_GETGID, unix.SYS_GETEGID,
	unix.SYS_UNAME, unix.SYS_SYSINFO, unix.SYS_GETRUSAGE, unix.SYS_GETRANDOM,
	// Time.
	unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_GETRES, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_NANOSLEEP, unix.SYS_GETTIMEOFDAY, unix.SYS_TIMES,
	// Signals of its own.
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
	// Files.
	unix.SYS_CLOSE, unix.SYS_READ, unix.SYS_WRITE, unix.SYS_READV, unix.SYS_WRITEV, unix.SYS_PREAD64, unix.SYS_PWRITE64,
	unix.SYS_LSEEK, unix.SYS_FSTAT, unix.SYS_NEWFSTATAT, unix.SYS_STATX, unix.SYS_STATFS, unix.SYS_FSTATFS, unix.SYS_FACCESSAT, unix.SYS_FACCESSAT2,
	unix.SYS_READLINKAT, unix.SYS_GETDENTS64, unix.SYS_GETCWD, unix.SYS_DUP, unix.SYS_DUP3, unix.SYS_FTRUNCATE, unix.SYS_FADVISE64, unix.SYS_FSYNC,
	// Pollers, which Go and glib make.
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2, unix.SYS_PPOLL,
	// Landlock permits the program and its loader, and the same jail holds after it.
	unix.SYS_EXECVE,
}

// absentCalls fail as if the kernel did not have them, so that libraries take others.
var absentCalls = []uint32{unix.SYS_CLONE3, unix.SYS_OPENAT2, unix.SYS_COPY_FILE_RANGE, unix.SYS_SENDFILE, unix.SYS_SPLICE,
	unix.SYS_GET_MEMPOLICY, unix.SYS_SET_MEMPOLICY, unix.SYS_MBIND} // libnuma, for x265

// attackCalls end the program, since no decoder makes them by mistake. All calls that
// are in no list fail with EPERM: libraries try some that they can do without, such as
// connections to name services.
var attackCalls = []uint32{
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
	unix.SYS_BPF, unix.SYS_USERFAULTFD, unix.SYS_PERF_EVENT_OPEN, unix.SYS_IO_URING_SETUP,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_UNSHARE, unix.SYS_SETNS,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
}

const prSetVMA = 0x53564d41 // names memory for /proc/PID/maps

// programFilter returns the seccomp filter of a program with that process number.
func programFilter(pid int) sandbox.Program {
	refuse := sandbox.Errno(unix.EPERM)
	p := sandbox.NewProgram()
	for _, nr := range append(keptCalls, otherCalls...) {
		p.On(nr, sandbox.Allow)
	}
	for _, nr := range absentCalls {
		p.On(nr, sandbox.Errno(unix.ENOSYS))
	}
	for _, nr := range attackCalls {
		p.On(nr, sandbox.Kill)
	}
	p.On(unix.SYS_CLONE, sandbox.Bit(0, unix.CLONE_THREAD, sandbox.Allow, refuse))
	p.On(unix.SYS_OPENAT, opens(2, refuse))
	if openCall != 0 {
		p.On(openCall, opens(1, refuse))
	}
	p.On(unix.SYS_TGKILL, sandbox.Only(0, refuse, uint32(pid))) // abort(3)
	p.On(unix.SYS_PRCTL, sandbox.Only(0, refuse, unix.PR_SET_NAME, prSetVMA))
	p.On(unix.SYS_PRLIMIT64, sandbox.Null(2, refuse)) // only to read limits
	p.On(unix.SYS_FCNTL, sandbox.Only(1, refuse, unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL))
	p.On(unix.SYS_IOCTL, sandbox.Errno(unix.ENOTTY)) // whether it is a terminal
	refuse(&p)
	return p
}

// opens permits opening files whose flags are argument arg. Before version 3
// Landlock did not count truncation as writing: it would let a program empty a file
// that it may read, or with access mode 3, for ioctls only, any file.
func opens(arg uint32, refuse sandbox.Part) sandbox.Part {
	return sandbox.Masked(arg, unix.O_ACCMODE|unix.O_TRUNC, refuse, unix.O_TRUNC|unix.O_RDONLY, unix.O_TRUNC|unix.O_ACCMODE, unix.O_ACCMODE)
}
