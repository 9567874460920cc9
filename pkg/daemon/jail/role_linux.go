package jail

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"imgtools/pkg/daemon/sandbox"
)

// launcherName is the name (argument 0) by which this binary becomes a launcher.
const launcherName = "imgtools: launcher"

// self is this process's binary, even if another has taken its place on the disk.
const self = "/proc/self/exe"

// exitRole is the exit status of a launcher, or of a child before it executes a program, that
// could not do its work.
const exitRole = 125

// Main must be the first call of every program that uses a Runner: a process that was
// started as a launcher does not return from it.
func Main() {
	if len(os.Args) < 2 || os.Args[0] != launcherName {
		return
	}
	runtime.LockOSThread() // programs die when the thread that started them ends
	err := launch(sandbox.Mode(os.Args[1]), os.Args[2:])
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
	os.Exit(exitRole)
}

// launcherEnv is the environment of a launcher: the runtime opens no files for itself.
func launcherEnv() []string {
	env := []string{"GOMAXPROCS=1", "GODEBUG=containermaxprocs=0,updatemaxprocs=0"}
	for _, e := range os.Environ() {
		if strings.HasPrefix(e, "TMPDIR=") {
			env = append(env, e)
		}
	}
	return env
}

// start starts this binary as a launcher, in a process group of its own. Its files are
// descriptors 0 and up.
func start(args []string, files ...uintptr) (*os.Process, error) {
	// Not os.StartProcess, which would take each file out of non-blocking mode.
	attr := &syscall.ProcAttr{Env: launcherEnv(), Files: files, Sys: &syscall.SysProcAttr{Setpgid: true}}
	pid, _, err := syscall.StartProcess(self, append([]string{launcherName}, args...), attr)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", launcherName, err)
	}
	return os.FindProcess(pid) // a child that was not waited for keeps its pid
}
