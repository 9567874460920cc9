package sandbox

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data, whose numbers are in the machine's order; the
// machines of AuditArch are all little-endian.
const (
	offNr   = 0
	offArch = 4
	offArgs = 16
)

// A Program is a seccomp filter (seccomp(2)): instructions of the classic BPF machine,
// which look at the number and the arguments of a system call and end in an action.
type Program []unix.SockFilter

// A Part appends instructions to a program, of which the last executed is an action.
type Part func(*Program)

// NewProgram returns a program that ends the process for calls of another
// architecture, such as 32-bit ones, which have other numbers, and has loaded the
// number of the call. Those of x32 have bit 30 set.
func NewProgram() Program {
	var p Program
	p.load(offArch)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 1, 0, AuditArch)
	Kill(&p)
	p.load(offNr)
	return p
}

func (p *Program) add(code uint16, jt, jf uint8, k uint32) {
	*p = append(*p, unix.SockFilter{Code: code, Jt: jt, Jf: jf, K: k})
}

func (p *Program) load(off uint32)   { p.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, off) }
func (p *Program) ret(action uint32) { p.add(unix.BPF_RET|unix.BPF_K, 0, 0, action) }

// On appends body for when what was loaded is k.
func (p *Program) On(k uint32, body Part) {
	var b Program
	body(&b)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, uint8(len(b)), k)
	*p = append(*p, b...)
}

// Allow permits the call.
func Allow(p *Program) { p.ret(unix.SECCOMP_RET_ALLOW) }

// Kill ends the process by SIGSYS.
func Kill(p *Program) { p.ret(unix.SECCOMP_RET_KILL_PROCESS) }

// Errno fails the call with an error.
func Errno(e unix.Errno) Part {
	return func(p *Program) { p.ret(unix.SECCOMP_RET_ERRNO | uint32(e)) }
}

// Only permits the call when the low half of argument arg is one of values, for
// arguments whose upper half the kernel ignores.
func Only(arg uint32, otherwise Part, values ...uint32) Part {
	return func(p *Program) {
		p.load(offArgs + 8*arg)
		for _, v := range values {
			p.On(v, Allow)
		}
		otherwise(p)
	}
}

// Bit continues with set or clear by a bit of argument arg.
func Bit(arg, mask uint32, set, clear Part) Part {
	return func(p *Program) {
		var b Program
		set(&b)
		p.load(offArgs + 8*arg)
		p.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, 0, uint8(len(b)), mask)
		*p = append(*p, b...)
		clear(p)
	}
}

// Masked permits the call unless the bits mask of argument arg are one of values.
func Masked(arg, mask uint32, refuse Part, values ...uint32) Part {
	return func(p *Program) {
		p.load(offArgs + 8*arg)
		p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, 0, 0, mask)
		for _, v := range values {
			p.On(v, refuse)
		}
		Allow(p)
	}
}

// Null permits the call when argument arg, with both halves, is 0.
func Null(arg uint32, otherwise Part) Part {
	return func(p *Program) {
		p.load(offArgs + 8*arg + 4)
		p.On(0, func(p *Program) {
			p.load(offArgs + 8*arg)
			p.On(0, Allow)
			otherwise(p)
		})
		otherwise(p)
	}
}

// InstallThread confines the calling thread, and a program that it executes, to the
// program. The thread must have no_new_privs.
func (p Program) InstallThread() error { return p.install(0) }

func (p Program) install(flags uintptr) error {
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	other, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return fmt.Errorf("seccomp: %w", e)
	}
	if other != 0 {
		return fmt.Errorf("seccomp: thread %d has another filter", other)
	}
	return nil
}
