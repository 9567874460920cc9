package jail

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

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

// becomeProgram gives up all rights that a program must not have and executes it. If
// it fails it reports the error to the launcher and returns it. Its thread must be
// locked: Landlock, seccomp and no_new_privs are set for it, and the program inherits
// them from it alone.
func becomeProgram(mode sandbox.Mode, args []string) error {
	unix.CloseOnExec(setupFD)
	unix.CloseRange(setupFD, ^uint(0), unix.CLOSE_RANGE_CLOEXEC) // what a parent leaked
	debug.SetGCPercent(-1)                                       // the address space is limited before the program is executed
	err := execProgram(mode, args)
	fmt.Fprintf(os.NewFile(setupFD, "setup"), "%s\x00%s", fault.Of(err), err)
	return err
}

func execProgram(mode sandbox.Mode, args []string) error {
	if len(args) < 6 {
		return errMessage
	}
	folder, argv := args[0], args[5:]
	var n [4]uint64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseUint(args[1+i], 10, 64); err != nil {
			return err
		}
	}
	launcher, took, memory, output := int(n[0]), time.Duration(n[1]), n[2], n[3]
	if err := copyIn(memory); err != nil {
		return err
	}
	if err := checkOut(); err != nil {
		return err
	}
	if err := os.Chdir(folder); err != nil {
		return err
	}
	threads, err := systemThreads()
	if err != nil {
		return err
	}
	// The system's last resort when memory is short should be this process. Without
	// the right to say so it is chosen by its size.
	os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)

	program, err := unix.Open(argv[0], unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fault.New(fault.Unsupported, "can't be executed: %w", err)
	}
	path := fmt.Sprintf("/proc/self/fd/%d", program) // its folder may be closed to nobody
	if err := leaveRoot(); err != nil {
		return err
	}
	if err := dropCapabilities(); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("PR_SET_PDEATHSIG: %w", err)
	}
	if os.Getppid() != launcher {
		return errors.New("the launcher has ended")
	}
	for _, l := range []struct {
		resource int
		n        uint64
	}{
		{unix.RLIMIT_CPU, uint64(took/time.Second) + 2}, // whole seconds, and not before the clock's limit for one thread
		{unix.RLIMIT_FSIZE, output},
		{unix.RLIMIT_NOFILE, programFiles},
		{unix.RLIMIT_NPROC, threads + programThreads},
		{unix.RLIMIT_CORE, sandbox.NoCore},
	} {
		if err := sandbox.SetLimit(l.resource, l.n); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	filter := programFilter(os.Getpid()) // the program keeps this process's number
	if mode != sandbox.Off {
		if err := Check(mode); err != nil {
			return err
		}
		if err := sandbox.RestrictThread(rules(path)...); err != nil {
			return fault.As(fault.Unsupported, err)
		}
	}
	return limitAndExec(memory, mode != sandbox.Off, filter, path, argv)
}

// limitAndExec limits the address space, installs the filter if confined, and executes
// the program. This process has more address space than most programs may have: once it is
// limited, the runtime can neither allocate nor start a thread, and would end the process
// if it had to. So all that the calls need is made before, and they are raw: the
// runtime does not notice them, and starts no thread meanwhile.
func limitAndExec(memory uint64, confined bool, filter sandbox.Program, path string, argv []string) error {
	file, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	args, err := syscall.SlicePtrFromStrings(argv)
	if err != nil {
		return err
	}
	env, err := syscall.SlicePtrFromStrings(programEnv)
	if err != nil {
		return err
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_AS, &limit); err != nil {
		return fmt.Errorf("RLIMIT_AS: %w", err)
	}
	limit.Cur, limit.Max = min(memory, limit.Max), min(memory, limit.Max)
	if _, _, e := unix.RawSyscall6(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_AS, uintptr(unsafe.Pointer(&limit)), 0, 0, 0); e != 0 {
		return fmt.Errorf("RLIMIT_AS to %d: %w", memory, e)
	}
	if confined {
		if err := filter.InstallThread(); err != nil {
			return fault.As(fault.Unsupported, err)
		}
	}
	_, _, e := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(file)), uintptr(unsafe.Pointer(&args[0])), uintptr(unsafe.Pointer(&env[0])))
	return fault.New(fault.Unsupported, "can't be executed: %w", e)
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

// copyIn puts a copy of the input in its place, in memory that nobody can change. The
// program then can't change the original, whatever this kernel's Landlock lacks, and
// can open its copy even if another user owns the original.
func copyIn(memoryLimit uint64) error {
	var st unix.Stat_t
	if err := unix.Fstat(inFD, &st); err != nil {
		return err
	}
	if uint64(st.Size) > memoryLimit {
		return fault.New(fault.TooLarge, "its file has %d bytes > %s of memory", st.Size, limits.Binary.Format(int64(memoryLimit)))
	}
	fd, err := memory("in")
	if err != nil {
		return err
	}
	in, out := os.NewFile(inFD, "in"), os.NewFile(uintptr(fd), "copy of in")
	if _, err := io.Copy(out, io.NewSectionReader(in, 0, st.Size)); err != nil {
		return fmt.Errorf("copy the file: %w", err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE); err != nil {
		return fmt.Errorf("seal the copy: %w", err)
	}
	if _, err := unix.Seek(fd, 0, io.SeekStart); err != nil {
		return err
	}
	return os.NewSyscallError("dup3", unix.Dup3(fd, inFD, 0))
}

// checkOut refuses an output that the program could not open: Landlock does not look at
// pipes and files in memory, which are in no folder. It makes a pipe one that can be
// opened for writing alone: avifdec 0.11 first reads the file that it is to write, and
// would wait for bytes for ever.
func checkOut() error {
	var st unix.Stat_t
	if err := unix.Fstat(outFD, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFIFO {
		return os.NewSyscallError("fchmod", unix.Fchmod(outFD, 0o222))
	}
	if _, err := unix.FcntlInt(outFD, unix.F_GET_SEALS, 0); err != nil {
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

// leaveRoot makes this thread, if it is root's, nobody's. Root has no limit of threads,
// and most files are its own. Where root may not do that it stays root, without
// capabilities.
func leaveRoot() error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, c := range []struct {
		name string
		nr   uintptr
		args [3]uintptr
	}{
		{"setgroups", unix.SYS_SETGROUPS, [3]uintptr{}},
		{"setresgid", unix.SYS_SETRESGID, [3]uintptr{nobody, nobody, nobody}},
		{"setresuid", unix.SYS_SETRESUID, [3]uintptr{nobody, nobody, nobody}},
	} {
		switch _, _, e := unix.RawSyscall(c.nr, c.args[0], c.args[1], c.args[2]); e {
		case 0:
		case unix.EPERM, unix.EINVAL: // no CAP_SETUID; a user namespace without nobody
			return nil
		default:
			return os.NewSyscallError(c.name, e)
		}
	}
	return nil
}

// dropCapabilities gives up the privileges of root, also those that a program of root
// would get by being executed.
func dropCapabilities() error {
	for c := range uintptr(64) {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if err == unix.EINVAL { // the kernel has no more
			break
		}
		if err == unix.EPERM { // no right to, thus not root's
			break
		}
		if err != nil {
			return fmt.Errorf("PR_CAPBSET_DROP: %w", err)
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return os.NewSyscallError("capset", unix.Capset(&header, &none[0]))
}
