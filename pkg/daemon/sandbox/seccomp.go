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

// Offsets in struct seccomp_data, whose numbers are in the machine's order; the
// machines of auditArch are all little-endian.
const (
	offNr   = 0
	offArch = 4
	offArgs = 16
)

type program []unix.SockFilter

func (p *program) add(code uint16, jt, jf uint8, k uint32) {
	*p = append(*p, unix.SockFilter{Code: code, Jt: jt, Jf: jf, K: k})
}

func (p *program) load(off uint32)   { p.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, off) }
func (p *program) arg(i uint32)      { p.load(offArgs + 8*i) } // its low half
func (p *program) ret(action uint32) { p.add(unix.BPF_RET|unix.BPF_K, 0, 0, action) }

// on appends body, which must end in a ret, for when what was loaded is k.
func (p *program) on(k uint32, body func(*program)) {
	var b program
	body(&b)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, uint8(len(b)), k)
	*p = append(*p, b...)
}

// filter returns the program. A call that nothing allows ends the process, which
// the kernel's log then names.
func filter(arch uint32, pid int) program {
	allow := func(p *program) { p.ret(unix.SECCOMP_RET_ALLOW) }
	kill := func(p *program) { p.ret(unix.SECCOMP_RET_KILL_PROCESS) }
	// only allows a call when the low half of an argument is one of values. The
	// kernel ignores the upper half of these.
	only := func(arg uint32, values ...uint32) func(*program) {
		return func(p *program) {
			p.arg(arg)
			for _, v := range values {
				p.on(v, allow)
			}
			kill(p)
		}
	}
	// bit allows a call when an argument has, or has not, a bit.
	bit := func(arg, mask uint32, set bool) func(*program) {
		return func(p *program) {
			p.arg(arg)
			p.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, 0, 1, mask)
			if set {
				allow(p)
				kill(p)
			} else {
				kill(p)
				allow(p)
			}
		}
	}

	var p program
	p.load(offArch)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 1, 0, arch) // 32-bit calls have other numbers
	kill(&p)
	p.load(offNr) // those of x32 have bit 30 and are in no list
	for _, nr := range allowed {
		p.on(nr, allow)
	}
	for _, nr := range absent {
		p.on(nr, func(p *program) { p.ret(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)) })
	}
	p.on(unix.SYS_MMAP, bit(2, unix.PROT_EXEC, false))
	p.on(unix.SYS_MPROTECT, bit(2, unix.PROT_EXEC, false))
	p.on(unix.SYS_CLONE, bit(0, unix.CLONE_THREAD, true))
	p.on(unix.SYS_TGKILL, only(0, uint32(pid))) // preemption
	p.on(unix.SYS_PRCTL, only(0, prSetVMA))
	p.on(unix.SYS_FCNTL, only(1, unix.F_GETFD, unix.F_GETFL, unix.F_SETFL))
	kill(&p)
	return p
}

// seccompKnown returns an error when the kernel, or this package for this kind of
// machine, has no seccomp filters that can end a process.
func seccompKnown() error {
	if auditArch == 0 {
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
	p := filter(auditArch, os.Getpid())
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	other, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return "", fmt.Errorf("seccomp: %w", e)
	}
	if other != 0 {
		return "", fmt.Errorf("seccomp: thread %d has another filter", other)
	}
	return "seccomp", nil
}
