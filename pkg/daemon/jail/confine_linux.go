package jail

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/sandbox"
	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
)

const (
	programFiles   = 64  // descriptors
	programThreads = 256 // more than there are on the system at its start
)

// programEnv is the whole environment of a program.
var programEnv = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "MALLOC_ARENA_MAX=1", "VIPS_CONCURRENCY=1"}

// loaders are the programs that start programs with shared libraries: glibc's and
// musl's, for the architectures of sandbox.AuditArch.
var loaders = []string{
	"/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1",
	"/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-aarch64.so.1",
}

// readable is what programs may read to start: their libraries and tables, where
// libraries are, and how many processors there are.
var readable = []string{
	"/usr", "/lib", "/lib64", "/etc/ld.so.cache",
	"/etc/ld-musl-x86_64.path", "/etc/ld-musl-aarch64.path", "/sys/devices/system/cpu",
}

// Check returns an error of kind Unsupported that says why this system can't confine
// programs; strict and best mean the same, since a program is confined entirely or
// not run.
func Check(mode sandbox.Mode) error {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		return fault.New(fault.Unsupported, "jail: %w", err)
	}
	if mode == sandbox.Off {
		return nil
	}
	if err := sandbox.Available(); err != nil {
		return fault.New(fault.Unsupported, "jail: %w", err)
	}
	return nil
}

// prepare returns a child that gives up all rights that a program must not have, and then
// executes the program of a command. In its descriptors 0 and 1 are null, 2 is said.
func prepare(mode sandbox.Mode, folder string, c Command, null, said *os.File) (_ *child, err error) {
	p := &child{}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	in, err := copyIn(c.In, c.Memory)
	if err != nil {
		return nil, err
	}
	p.files = append(p.files, in)
	if err := checkOut(int(c.Out.Fd())); err != nil {
		return nil, err
	}
	threads, err := systemThreads()
	if err != nil {
		return nil, err
	}
	program, err := unix.Open(c.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fault.New(fault.Unsupported, "can't be executed: %w", err)
	}
	p.files = append(p.files, program)
	path, err := p.file(uintptr(program))
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("/proc/self/fd/%d", path) // its folder may be closed to nobody

	for sig := range uintptr(64) { // as execve does, but before signals arrive again
		p.add("rt_sigaction", unix.SYS_RT_SIGACTION, sig+1, at(p, &[4]uint64{}), 0, 8).any = true
	}
	p.add("setpgid", unix.SYS_SETPGID, 0, 0)
	for i, fd := range []uintptr{null.Fd(), null.Fd(), said.Fd(), uintptr(in), c.Out.Fd()} {
		high, err := p.file(fd)
		if err != nil {
			return nil, err
		}
		p.add("dup3", unix.SYS_DUP3, high, uintptr(i), 0)
	}
	// What a parent leaked. Linux before 5.11 can't, and has no Landlock.
	p.add("close_range", unix.SYS_CLOSE_RANGE, outFD+1, 1<<32-1, unix.CLOSE_RANGE_CLOEXEC).any = mode == sandbox.Off
	p.add("the folder of its files", unix.SYS_CHDIR, p.text(folder))
	// The system's last resort when memory is short should be this process. Without
	// the right to say so it is chosen by its size.
	here := unix.AT_FDCWD
	p.add("oom_score_adj", unix.SYS_OPENAT, uintptr(here), p.text("/proc/self/oom_score_adj"), unix.O_WRONLY|unix.O_CLOEXEC, 0).any = true
	s := p.add("oom_score_adj", unix.SYS_WRITE, 0, p.text("1000"), 4)
	s.last, s.any = true, true

	p.leaveRoot()
	p.dropCapabilities()
	p.add("PR_SET_PDEATHSIG", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL))
	s = p.add("the launcher has ended", unix.SYS_GETPPID)
	s.expect, s.want = true, uintptr(os.Getpid())
	for _, l := range []struct {
		name     string
		resource int
		n        uint64
	}{
		{"RLIMIT_CPU", unix.RLIMIT_CPU, uint64(c.Time/time.Second) + 2}, // whole seconds, and not before the clock's limit for one thread
		{"RLIMIT_FSIZE", unix.RLIMIT_FSIZE, c.Output},
		{"RLIMIT_NOFILE", unix.RLIMIT_NOFILE, programFiles},
		{"RLIMIT_NPROC", unix.RLIMIT_NPROC, threads + programThreads},
		{"RLIMIT_CORE", unix.RLIMIT_CORE, sandbox.NoCore},
		{"RLIMIT_AS", unix.RLIMIT_AS, c.Memory},
	} {
		if err := p.limit(l.name, l.resource, l.n); err != nil {
			return nil, err
		}
	}
	p.add("no_new_privs", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	p.add("rt_sigprocmask", unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, at(p, new(uint64)), 0, 8)
	if mode != sandbox.Off {
		if err := p.confine(mode, name); err != nil {
			return nil, err
		}
	}
	p.add("can't be executed", unix.SYS_EXECVE, p.text(name), p.texts(append([]string{c.Path}, c.Args...)), p.texts(programEnv)).kind = fault.Unsupported
	return p, nil
}

// confine adds Landlock and seccomp, of which the filter must come last.
func (p *child) confine(mode sandbox.Mode, path string) error {
	if err := Check(mode); err != nil {
		return err
	}
	set, err := sandbox.Ruleset(rules(path)...)
	if err != nil {
		return fault.As(fault.Unsupported, err)
	}
	p.files = append(p.files, set)
	p.add("landlock_restrict_self", unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(set), 0).kind = fault.Unsupported
	filter := programFilter(unknownPID)
	for i := range filter {
		if filter[i].K == unknownPID { // the program keeps this process's number
			p.add("getpid", unix.SYS_GETPID).keep = &filter[i].K
		}
	}
	prog := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	s := p.add("seccomp", unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, at(p, prog))
	s.kind, s.expect = fault.Unsupported, true
	return nil
}

// unknownPID stands in a filter for the number of the process that it is for. It is above
// all that Linux gives.
const unknownPID = 1<<31 - 1

// limit adds a limit of a resource. A lower hard limit stays.
func (p *child) limit(name string, resource int, n uint64) error {
	var old unix.Rlimit
	if err := unix.Getrlimit(resource, &old); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	n = min(n, old.Max)
	p.add(name, unix.SYS_PRLIMIT64, 0, uintptr(resource), at(p, &unix.Rlimit{Cur: n, Max: n}), 0)
	return nil
}

// rules are what Landlock permits a program.
func rules(path string) []sandbox.Rule {
	rs := []sandbox.Rule{{Path: path, Rights: sandbox.Execute | sandbox.Read}}
	for _, l := range loaders {
		rs = append(rs, sandbox.Rule{Path: l, Rights: sandbox.Execute | sandbox.Read})
	}
	for _, r := range readable {
		rs = append(rs, sandbox.Rule{Path: r, Rights: sandbox.Read})
	}
	return rs
}

// copyIn returns a copy of the input, in memory that nobody can change. The program then
// can't change the original, whatever this kernel's Landlock lacks, and can open its copy
// even if another user owns the original.
func copyIn(in *os.File, memoryLimit uint64) (fd int, err error) {
	st, err := in.Stat()
	if err != nil {
		return -1, err
	}
	if uint64(st.Size()) > memoryLimit {
		return -1, fault.New(fault.TooLarge, "its file has %d bytes > %s of memory", st.Size(), limits.Binary.Format(int64(memoryLimit)))
	}
	fd, err = memory("in")
	if err != nil {
		return -1, err
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	buf := make([]byte, min(st.Size(), 1<<20))
	for at := int64(0); at < st.Size(); {
		n, err := in.ReadAt(buf[:min(int64(len(buf)), st.Size()-at)], at)
		for done := 0; done < n; {
			k, werr := unix.Pwrite(fd, buf[done:n], at+int64(done))
			if werr != nil {
				return -1, fmt.Errorf("copy the file: %w", werr)
			}
			done += k
		}
		if at += int64(n); err == io.EOF {
			break // it has become shorter
		}
		if err != nil {
			return -1, fmt.Errorf("copy the file: %w", err)
		}
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE); err != nil {
		return -1, fmt.Errorf("seal the copy: %w", err)
	}
	return fd, nil
}

// checkOut refuses an output that the program could not open: Landlock does not look at
// pipes and files in memory, which are in no folder. It makes a pipe one that can be
// opened for writing alone: avifdec 0.11 first reads the file that it is to write, and
// would wait for bytes for ever.
func checkOut(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFIFO {
		return os.NewSyscallError("fchmod", unix.Fchmod(fd, 0o222))
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0); err != nil {
		return errors.New("the output is neither a pipe nor a file in memory")
	}
	return nil
}

// systemThreads returns the number of threads on the system, which is at least that
// of this user's, which RLIMIT_NPROC bounds.
func systemThreads() (uint64, error) {
	if text, err := os.ReadFile("/proc/loadavg"); err == nil { // 0.20 0.18 0.12 1/80 11206
		if f := strings.Fields(string(text)); len(f) > 3 {
			_, all, _ := strings.Cut(f[3], "/")
			if n, err := strconv.ParseUint(all, 10, 64); err == nil {
				return n, nil
			}
		}
	}
	// ProcSubset=pid of systemd hides that file. This has the same number in 16 bits.
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0, os.NewSyscallError("sysinfo", err)
	}
	return uint64(info.Procs), nil
}

const nobody = 65534 // user and group

// leaveRoot makes the program, if it would be root's, nobody's. Root has no limit of threads,
// and most files are its own. Where root may not do that it stays root, without
// capabilities: without CAP_SETUID, or in a user namespace without nobody.
func (p *child) leaveRoot() {
	if os.Geteuid() != 0 {
		return
	}
	p.add("setgroups", unix.SYS_SETGROUPS, 0, 0).may = [2]syscall.Errno{unix.EPERM, unix.EINVAL}
	p.add("setresgid", unix.SYS_SETRESGID, nobody, nobody, nobody).may = [2]syscall.Errno{unix.EPERM, unix.EINVAL}
	p.add("setresuid", unix.SYS_SETRESUID, nobody, nobody, nobody).may = [2]syscall.Errno{unix.EPERM, unix.EINVAL}
}

// dropCapabilities gives up the privileges of root, also those that a program of root
// would get by being executed.
func (p *child) dropCapabilities() {
	for c := range uintptr(64) { // of which the kernel has some 40; who has no right to is not root's
		p.add("PR_CAPBSET_DROP", unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c).may = [2]syscall.Errno{unix.EINVAL, unix.EPERM}
	}
	header := &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	p.add("capset", unix.SYS_CAPSET, at(p, header), at(p, &[2]unix.CapUserData{}))
}
