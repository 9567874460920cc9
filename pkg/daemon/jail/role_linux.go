package jail

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"imgtools/pkg/daemon/sandbox"
)

// The names (argument 0) by which this binary becomes another role.
const (
	launcherName = "imgtools: launcher"
	jailName     = "imgtools: jail"
)

// self is this process's binary, even if another has taken its place on the disk.
const self = "/proc/self/exe"

// exitRole is the exit status of a launcher or a jail that could not do its work.
const exitRole = 125

// Main must be the first call of every program that uses a Runner: a process that was
// started as a launcher or a jail does not return from it.
func Main() {
	if len(os.Args) < 2 {
		return
	}
	mode := sandbox.Mode(os.Args[1])
	var err error
	switch os.Args[0] {
	case launcherName:
		runtime.LockOSThread() // programs die when the thread that started them ends
		err = launch(mode, os.Args[2:])
	case jailName:
		runtime.LockOSThread() // Landlock and seccomp are for this thread, which executes the program
		err = becomeProgram(mode, os.Args[2:])
	default:
		return
	}
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
	os.Exit(exitRole)
}

// roleEnv is the environment of the roles: the runtime opens no files for itself.
func roleEnv() []string {
	env := []string{"GOMAXPROCS=1", "GODEBUG=containermaxprocs=0,updatemaxprocs=0"}
	for _, e := range os.Environ() {
		if strings.HasPrefix(e, "TMPDIR=") {
			env = append(env, e)
		}
	}
	return env
}

// start starts this binary in a role, in a process group of its own. Its files are
// descriptors 0 and up. With die it dies with the calling thread.
func start(role string, args []string, die bool, files ...uintptr) (*os.Process, error) {
	// Not os.StartProcess, which would take each file out of non-blocking mode.
	attr := &syscall.ProcAttr{Env: roleEnv(), Files: files, Sys: &syscall.SysProcAttr{Setpgid: true}}
	if die {
		attr.Sys.Pdeathsig = syscall.SIGKILL
	}
	pid, _, err := syscall.StartProcess(self, append([]string{role}, args...), attr)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	return os.FindProcess(pid) // a child that was not waited for keeps its pid
}
