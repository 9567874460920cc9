package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// Mode says how much of the sandbox must hold.
type Mode string

const (
	Strict Mode = "strict" // all of it, or no request is served
	Best   Mode = "best"   // what this kernel has
	Off    Mode = "off"
)

// Modes are the words for the modes.
var Modes = []string{string(Strict), string(Best), string(Off)}

// ParseMode reads a mode. Errors are of kind Usage.
func ParseMode(s string) (Mode, error) {
	if slices.Contains(Modes, s) {
		return Mode(s), nil
	}
	return "", fault.New(fault.Usage, "sandbox %q: not strict, best or off", s)
}

// Check returns an error when mode is Strict and this kernel lacks something that
// Enter would need, so that it can be told before any worker is started.
func Check(mode Mode) error {
	if mode != Strict {
		return nil
	}
	if _, err := landlockVersion(); err != nil {
		return fmt.Errorf("sandbox strict: %w", err)
	}
	if err := seccompKnown(); err != nil {
		return fmt.Errorf("sandbox strict: %w", err)
	}
	return nil
}

// Enter gives up, for all threads of this process and for good, whatever a worker
// does not need: privileges of programs that it might execute (no_new_privs), the
// file system, TCP and signals (Landlock), and all system calls but those in
// seccomp.go. What is open stays usable.
//
// It returns what holds and what is lacking, in a few words; in mode Strict what is
// lacking is an error.
func Enter(mode Mode) (held string, err error) {
	if mode == Off {
		return "off", nil
	}
	var words []string
	for _, part := range []struct {
		name  string
		enter func() (string, error)
	}{
		{"no_new_privs", noNewPrivs},
		{"landlock", landlock},
		{"seccomp", seccomp},
	} {
		word, err := part.enter()
		switch {
		case err == nil:
			words = append(words, word)
		case mode == Strict:
			return "", fmt.Errorf("sandbox strict: %w", err)
		case len(words) == 0: // without no_new_privs there is nothing else
			return "none: " + err.Error(), nil
		default:
			words = append(words, "no-"+part.name)
		}
	}
	return strings.Join(words, " "), nil
}

// noNewPrivs sets no_new_privs (prctl(2)) on all threads; the other two need it.
func noNewPrivs() (string, error) {
	_, _, e := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	if e != 0 {
		return "", os.NewSyscallError("no_new_privs", e)
	}
	return "no_new_privs", nil
}
