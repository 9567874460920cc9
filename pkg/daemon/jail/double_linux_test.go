package jail

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// acts are what doubles do. A double whose act returns an error writes it to standard
// error and exits with status 1.
var acts = map[string]func(args []string) error{
	"copy": func([]string) error {
		in, err := os.Open("in.heic")
		if err != nil {
			return err
		}
		out, err := create()
		if err != nil {
			return err
		}
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
		return out.Close()
	},
	"nothing": func([]string) error { return nil },
	"wait": func([]string) error { // says that it is up, then never ends
		if err := say("up"); err != nil {
			return err
		}
		return forever()
	},
	"environment": func([]string) error { return say(strings.Join(os.Environ(), " ")) },
	"user":        func([]string) error { return say(fmt.Sprint(os.Getuid(), os.Geteuid(), os.Getgid(), os.Getegid())) },
	"try":         try,
	"attack":      func(args []string) error { return attacks[args[0]]() },

	"map": func([]string) error { // memory until there is no more
		for {
			if _, err := unix.Mmap(-1, 0, 16<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON); err != nil {
				return err
			}
		}
	},
	"allocate": func([]string) error {
		for {
			heap = append(heap, make([]byte, 16<<20))
		}
	},
	"write": func([]string) error { // until it is stopped
		defaultAction(unix.SIGXFSZ)
		defaultAction(unix.SIGPIPE)
		out, err := create()
		for err == nil {
			_, err = out.Write(make([]byte, 64<<10))
		}
		return err
	},
	"truncate": func([]string) error { // makes its output large without writing
		defaultAction(unix.SIGXFSZ)
		out, err := create()
		if err != nil {
			return err
		}
		return out.Truncate(1 << 40)
	},
	"spin": func([]string) error {
		for n := 0; ; n++ {
			spins = n
		}
	},
	"threads": func([]string) error { // until there are no more
		up := make(chan bool)
		for {
			go func() {
				runtime.LockOSThread()
				up <- true
				forever()
			}()
			<-up
		}
	},
	"stop": func([]string) error {
		err := unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGSTOP)
		return errors.Join(err, errors.New("went on"))
	},
	"reexec": func([]string) error { return unix.Exec(self, os.Args, nil) },
	"shout": func([]string) error { // messages without end
		for {
			if _, err := os.Stderr.WriteString("no line end \x1b[2J\x00\xff"); err != nil {
				return err
			}
		}
	},
	"rubbish": func([]string) error {
		os.Stderr.WriteString("\n \r\n10%\r\x1b[31mbad\x00 \u202epixel\t\xff\xfe" + strings.Repeat("!", 5000) + "\nnext line\n")
		os.Exit(7)
		return nil
	},
	"signal": func(args []string) error {
		for _, s := range []unix.Signal{unix.SIGSEGV, unix.SIGABRT, unix.SIGTERM, unix.SIGKILL, unix.SIGXCPU} {
			if unix.SignalName(s) == args[0] {
				defaultAction(s)
				unix.Tgkill(os.Getpid(), unix.Gettid(), s)
			}
		}
		return forever()
	},
}

var (
	heap  [][]byte
	spins int
)

// double is what the test binary does as a program in a jail. It does not return.
func double(act string, args []string) {
	if err := acts[act](args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// create opens the output as fopen(3) does with "w".
func create() (*os.File, error) {
	return os.OpenFile("out.y4m", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
}

// say makes text the output.
func say(text string) error {
	out, err := create()
	if err != nil {
		return err
	}
	_, err = out.WriteString(text)
	return err
}

// forever does not return.
func forever() error {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	for {
		<-c
	}
}

// defaultAction undoes Go's handler of a signal, as in a program in C.
func defaultAction(s unix.Signal) {
	var action [4]uint64 // struct sigaction of the kernel: SIG_DFL, no flags
	unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
}

// try tries everything in refused, and reports, each in a line, what happened.
func try(args []string) error {
	var lines []string
	for name, f := range refused(args[0]) {
		lines = append(lines, fmt.Sprintf("%s: %v", name, f.try()))
	}
	return say(strings.Join(lines, "\n"))
}

// An attempt must fail with one of the errors.
type attempt struct {
	try  func() error
	want []error
}

func call(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, e := unix.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]); e != 0 {
		return e
	}
	return nil
}

var zeros [4096]byte

func zero() uintptr { return uintptr(unsafe.Pointer(&zeros)) }

func str(s string) uintptr {
	p, _ := unix.BytePtrFromString(s)
	return uintptr(unsafe.Pointer(p))
}

var cwd = unix.AT_FDCWD

// refused are calls that fail, and after which the program goes on. original is the
// name of the file that was given as its input.
func refused(original string) map[string]attempt {
	parent := fmt.Sprintf("/proc/%d/", os.Getppid())
	open := func(name string, flags int) func() error {
		return func() error {
			f, err := os.OpenFile(name, flags, 0o600)
			if err == nil {
				f.Close()
				return nil
			}
			return errors.Unwrap(err)
		}
	}
	socket := func(domain, typ int) func() error {
		return func() error { _, err := unix.Socket(domain, typ, 0); return err }
	}
	fcntl := func(fd uintptr, cmd, arg int) func() error {
		return func() error { _, err := unix.FcntlInt(fd, cmd, arg); return err }
	}
	m := map[string]attempt{}
	add := func(name string, want error, try func() error) { m[name] = attempt{try, []error{want}} }

	for name, flags := range map[string]int{
		"/etc/passwd": os.O_RDONLY, "/etc/hostname": os.O_RDONLY, "/root": os.O_RDONLY, "/tmp": os.O_RDONLY, ".": os.O_RDONLY, "/": os.O_RDONLY,
		"/dev/null": os.O_RDWR, "/dev/tty": os.O_RDWR, original: os.O_RDONLY,
		"/proc/self/environ": os.O_RDONLY, "/proc/self/mem": os.O_RDWR, "/proc/self/maps": os.O_RDONLY, "/proc/self/oom_score_adj": os.O_WRONLY,
		parent + "environ": os.O_RDONLY, parent + "mem": os.O_RDWR, parent + "fd/3": os.O_RDWR, parent + "fd": os.O_RDONLY, parent + "cwd/x": os.O_RDONLY,
		"/tmp/imgtools-jail-was-here": os.O_WRONLY | os.O_CREATE, "x": os.O_WRONLY | os.O_CREATE, "/usr/x": os.O_WRONLY | os.O_CREATE,
		"/usr/bin/env": os.O_WRONLY,
	} {
		add("open "+name, unix.EACCES, open(name, flags))
	}
	add("open-truncate", unix.EPERM, open("/usr/bin/env", os.O_RDONLY|os.O_TRUNC))
	add("open-truncate-3", unix.EPERM, open("/usr/bin/env", 3|os.O_TRUNC))
	add("open-3", unix.EPERM, open("/usr/bin/env", 3))
	add("openat2", unix.ENOSYS, func() error { return call(unix.SYS_OPENAT2, uintptr(cwd), str("/etc/passwd"), zero(), 24) })
	add("change-input", unix.EPERM, func() error {
		f, err := os.OpenFile("in.heic", os.O_RDWR, 0)
		if err == nil {
			_, err = f.WriteAt([]byte("x"), 0)
		}
		return errors.Unwrap(err)
	})
	add("write-input", unix.EPERM, func() error { _, err := unix.Write(inFD, []byte("x")); return err })
	add("cut-input", unix.EPERM, func() error { return unix.Ftruncate(inFD, 0) })
	add("truncate", unix.EPERM, func() error { return unix.Truncate(original, 0) })
	add("chmod", unix.EPERM, func() error { return unix.Fchmod(outFD, 0o777) })
	add("unlink", unix.EPERM, func() error { return unix.Unlink("in.heic") })
	add("rename", unix.EPERM, func() error { return unix.Rename("in.heic", "y") })
	add("symlink", unix.EPERM, func() error { return unix.Symlink("/etc/passwd", "y") })
	add("mkdir", unix.EPERM, func() error { return unix.Mkdir("y", 0o700) })
	add("chdir", unix.EPERM, func() error { return unix.Chdir("/") })
	add("mknod", unix.EPERM, func() error { return unix.Mknod("y", unix.S_IFIFO, 0) })

	add("tcp", unix.EPERM, socket(unix.AF_INET, unix.SOCK_STREAM))
	add("tcp6", unix.EPERM, socket(unix.AF_INET6, unix.SOCK_STREAM))
	add("udp", unix.EPERM, socket(unix.AF_INET, unix.SOCK_DGRAM))
	add("unix", unix.EPERM, socket(unix.AF_UNIX, unix.SOCK_STREAM)) // path or abstract
	add("unix-datagram", unix.EPERM, socket(unix.AF_UNIX, unix.SOCK_DGRAM))
	add("netlink", unix.EPERM, socket(unix.AF_NETLINK, unix.SOCK_RAW))
	add("vsock", unix.EPERM, socket(unix.AF_VSOCK, unix.SOCK_STREAM))
	add("raw", unix.EPERM, socket(unix.AF_PACKET, unix.SOCK_RAW))
	add("socketpair", unix.EPERM, func() error { _, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err })

	add("fork", unix.EPERM, func() error { return call(unix.SYS_CLONE, uintptr(unix.SIGCHLD)) })
	add("vfork", unix.EPERM, func() error { return call(unix.SYS_CLONE, unix.CLONE_VFORK|unix.CLONE_VM|uintptr(unix.SIGCHLD)) })
	add("clone3", unix.ENOSYS, func() error { return call(unix.SYS_CLONE3, zero(), 88) })
	add("exec", unix.EACCES, func() error { return unix.Exec("/usr/bin/env", []string{"env"}, nil) })
	add("exec-input", unix.EACCES, func() error { return unix.Exec("/proc/self/fd/3", []string{"x"}, nil) })
	add("execveat", unix.EPERM, func() error { return call(unix.SYS_EXECVEAT, inFD, str(""), zero(), zero(), unix.AT_EMPTY_PATH) })

	add("kill-parent", unix.EPERM, func() error { return unix.Kill(os.Getppid(), unix.SIGKILL) })
	add("kill-all", unix.EPERM, func() error { return unix.Kill(-1, 0) })
	add("tkill-parent", unix.EPERM, func() error { return call(unix.SYS_TKILL, uintptr(os.Getppid()), uintptr(unix.SIGKILL)) })
	add("tgkill-parent", unix.EPERM, func() error { return unix.Tgkill(os.Getppid(), os.Getppid(), unix.SIGKILL) })
	add("sigqueue", unix.EPERM, func() error {
		return call(unix.SYS_RT_SIGQUEUEINFO, uintptr(os.Getppid()), uintptr(unix.SIGKILL), zero())
	})
	add("pidfd", unix.EPERM, func() error { _, err := unix.PidfdOpen(os.Getppid(), 0); return err })
	add("pidfd-signal", unix.EPERM, func() error { return unix.PidfdSendSignal(inFD, unix.SIGKILL, nil, 0) })
	add("outlive", unix.EPERM, func() error { return unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0) })
	add("setsid", unix.EPERM, func() error { _, err := unix.Setsid(); return err })
	add("setpgid", unix.EPERM, func() error { return unix.Setpgid(0, os.Getppid()) })
	add("renice", unix.EPERM, func() error { return unix.Setpriority(unix.PRIO_PROCESS, os.Getppid(), 19) })

	add("limits", unix.EPERM, func() error {
		return unix.Prlimit(0, unix.RLIMIT_AS, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}, nil)
	})
	add("parents-limits", unix.EPERM, func() error { return unix.Prlimit(os.Getppid(), unix.RLIMIT_CPU, &unix.Rlimit{}, nil) })
	add("setuid", unix.EPERM, func() error { return call(unix.SYS_SETUID, 0) })
	add("capset", unix.EPERM, func() error { return call(unix.SYS_CAPSET, zero(), zero()) })
	add("seccomp", unix.EPERM, func() error { return call(unix.SYS_SECCOMP, 0, 0, 0) })
	add("dumpable", unix.EPERM, func() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) })

	add("memfd", unix.EPERM, func() error { _, err := unix.MemfdCreate("x", 0); return err })
	add("pipe", unix.EPERM, func() error { return unix.Pipe2(make([]int, 2), 0) })
	add("shm", unix.EPERM, func() error { return call(unix.SYS_SHMGET, 0, 1<<30, unix.IPC_CREAT|0o600) })
	add("semaphores", unix.EPERM, func() error { return call(unix.SYS_SEMGET, 0, 100, unix.IPC_CREAT|0o600) })
	add("messages", unix.EPERM, func() error { return call(unix.SYS_MQ_OPEN, str("x"), unix.O_CREAT, 0o600, 0) })
	add("mlock", unix.EPERM, func() error { return call(unix.SYS_MLOCK, zero(), 4096) })
	add("inotify", unix.EPERM, func() error { return call(unix.SYS_INOTIFY_INIT1, 0) })
	add("timer", unix.EPERM, func() error { return call(unix.SYS_TIMER_CREATE, 0, zero(), zero()) })

	add("lease", unix.EPERM, fcntl(inFD, unix.F_SETLEASE, unix.F_RDLCK))
	add("owner", unix.EPERM, fcntl(outFD, unix.F_SETOWN, os.Getppid()))
	add("pipe-size", unix.EPERM, fcntl(outFD, unix.F_SETPIPE_SZ, 1<<20))
	add("seal", unix.EPERM, fcntl(outFD, unix.F_ADD_SEALS, unix.F_SEAL_WRITE))
	add("terminal", unix.ENOTTY, func() error { return call(unix.SYS_IOCTL, 2, unix.TIOCSTI, zero()) })
	add("absent", unix.EPERM, func() error { return call(1000) })
	return m
}

// attacks end the program.
var attacks = map[string]func() error{
	"ptrace":       func() error { return call(unix.SYS_PTRACE, unix.PTRACE_ATTACH, uintptr(os.Getppid()), 0, 0) },
	"traceme":      func() error { return call(unix.SYS_PTRACE, unix.PTRACE_TRACEME) },
	"read-memory":  func() error { return call(unix.SYS_PROCESS_VM_READV, uintptr(os.Getppid()), zero(), 1, zero(), 1, 0) },
	"write-memory": func() error { return call(unix.SYS_PROCESS_VM_WRITEV, uintptr(os.Getppid()), zero(), 1, zero(), 1, 0) },
	"pidfd_getfd":  func() error { return call(unix.SYS_PIDFD_GETFD, 3, 0, 0) },
	"bpf":          func() error { return call(unix.SYS_BPF, 0, zero(), 100) },
	"io_uring":     func() error { return call(unix.SYS_IO_URING_SETUP, 1, zero()) },
	"userfaultfd":  func() error { return call(unix.SYS_USERFAULTFD, 0) },
	"perf":         func() error { return call(unix.SYS_PERF_EVENT_OPEN, zero(), 0, 0, 0, 0) },
	"mount":        func() error { return unix.Mount("x", "/", "tmpfs", 0, "") },
	"chroot":       func() error { return unix.Chroot("/") },
	"unshare":      func() error { return unix.Unshare(unix.CLONE_NEWUSER) },
	"setns":        func() error { return unix.Setns(3, 0) },
	"handle":       func() error { return call(unix.SYS_OPEN_BY_HANDLE_AT, uintptr(cwd), zero(), 0) },
	"keyctl":       func() error { return call(unix.SYS_KEYCTL, 0, 0) },
	"reboot":       func() error { return call(unix.SYS_REBOOT, 0, 0, 0) },
	"modules":      func() error { return call(unix.SYS_INIT_MODULE, zero(), 0, zero()) },
}
