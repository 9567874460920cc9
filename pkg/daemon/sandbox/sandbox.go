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
	Best   Mode = "best"   // the parts that this kernel supports
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

// Check returns an error if mode is Strict and this kernel lacks a part of the
// sandbox, so that the supervisor can report it before it starts a worker.
func Check(mode Mode) error {
	if mode != Strict {
		return nil
	}
	if err := Available(); err != nil {
		return fmt.Errorf("sandbox strict: %w", err)
	}
	return nil
}

// Available returns an error that names a part of the sandbox that this kernel lacks.
func Available() error {
	if _, err := landlockVersion(); err != nil {
		return err
	}
	return seccompKnown()
}

// Enter takes away, from all threads of this process and for good, the rights that
// a worker does not need: to gain privileges by executing a program (no_new_privs),
// the file system, TCP and signals (Landlock), and all system calls but those in
// seccomp.go.
//
// It returns the parts that hold and those that this kernel lacks, as words. In
// mode Strict a part that is lacking is an error.
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
