package jail

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon/sandbox"
	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
)

// Descriptors of a program. 0 and 1 are /dev/null, 2 is read by the launcher.
const (
	inFD  = 3
	outFD = 4
)

const (
	maxSaid   = 1 << 20 // bytes that a program may write to standard error
	keptSaid  = 4 << 10 // bytes of them that are kept
	maxQuote  = 160     // bytes of its first line that errors quote
	drainTime = time.Second
)

var errCancelled = fault.New(fault.Internal, "cancelled")

// A program is a process that runs, or will soon run, a Command's program.
type program struct {
	c     Command
	proc  *os.Process
	clock *time.Timer
	said  *os.File // what it writes to standard error
	setup *os.File // why its jail failed; closed when the program is executed
	child *child

	mu     sync.Mutex
	why    error // why it was ended, or nil
	reaped bool
}

// startProgram starts the jail of a command. The calling goroutine must be locked to its
// thread, which must live as long as the program may.
func startProgram(mode sandbox.Mode, folder string, c Command, null *os.File) (*program, error) {
	said, saidW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer saidW.Close()
	setup, setupW, err := os.Pipe()
	if err != nil {
		said.Close()
		return nil, err
	}
	defer setupW.Close()
	p := &program{c: c, said: said, setup: setup}
	if p.child, err = prepare(mode, folder, c, null, saidW); err == nil {
		p.proc, err = p.child.start(setupW)
		p.child.close()
	}
	if err != nil {
		said.Close()
		setup.Close()
		return nil, err
	}
	p.clock = time.AfterFunc(c.Time, func() { p.end(p.tooSlow()) })
	return p, nil
}

func (p *program) tooSlow() error {
	return fault.New(fault.Timeout, "took longer than %s", limits.FormatTime(p.c.Time))
}

// end ends the program. The first reason counts.
func (p *program) end(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.why == nil {
		p.why = why
	}
	if !p.reaped { // its number is still its own
		unix.Kill(-p.proc.Pid, unix.SIGKILL)
	}
}

// wait waits until the program has ended, and returns what that means.
func (p *program) wait() error {
	kept := make(chan []byte, 1)
	go func() { kept <- p.listen() }()
	for {
		err := unix.Waitid(unix.P_PID, p.proc.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			break
		}
	}
	p.clock.Stop()
	p.mu.Lock()
	unix.Kill(-p.proc.Pid, unix.SIGKILL) // outside a sandbox it may have started others
	p.reaped = true
	why := p.why
	p.mu.Unlock()
	state, err := p.proc.Wait()
	p.said.SetReadDeadline(time.Now().Add(drainTime))
	said := <-kept
	p.said.Close()
	setup, _ := io.ReadAll(io.LimitReader(p.setup, maxMessage))
	p.setup.Close()
	if err != nil {
		return err
	}
	return p.verdict(state.Sys().(syscall.WaitStatus), why, setup, said)
}

// listen reads what the program writes to standard error to its end, and returns the
// beginning. A program that writes without end is ended.
func (p *program) listen() []byte {
	kept := make([]byte, 0, keptSaid)
	buf := make([]byte, 16<<10)
	for total := 0; ; {
		n, err := p.said.Read(buf)
		kept = append(kept, buf[:min(n, cap(kept)-len(kept))]...)
		if total += n; total > maxSaid {
			p.end(fault.New(fault.Format, "wrote over %s of messages", limits.Binary.Format(maxSaid)))
		}
		if err != nil {
			return kept
		}
	}
}

// verdict returns the error of a program that ended with ws. why is the reason for
// which it was ended, setup why its jail failed, said what it wrote.
func (p *program) verdict(ws syscall.WaitStatus, why error, setup, said []byte) error {
	switch {
	case len(setup) > 0:
		return p.child.failure(setup)
	case ws.Exited() && ws.ExitStatus() == 0:
		return nil
	case why != nil:
		return why
	}
	ended, kind := "", fault.Format
	switch {
	case ws.Exited():
		ended = "exit status " + strconv.Itoa(ws.ExitStatus())
	case ws.Signal() == unix.SIGXCPU:
		return p.tooSlow()
	case ws.Signal() == unix.SIGXFSZ:
		return fault.New(fault.TooLarge, "wrote over %s", limits.Binary.Format(int64(p.c.Output)))
	case ws.Signal() == unix.SIGKILL:
		// The kernel, out of memory, or its administrator.
		return fault.New(fault.TooLarge, "killed by the system; out of memory?")
	case ws.Signal() == unix.SIGSYS:
		ended = "killed for a system call that it may not make"
	default:
		ended = "signal: " + ws.Signal().String()
	}
	if outOfMemory(said) {
		ended, kind = "out of memory at "+limits.Binary.Format(int64(p.c.Memory))+": "+ended, fault.TooLarge
	}
	if quote := firstLine(said); quote != "" {
		ended += ": " + quote
	}
	return fault.As(kind, errors.New(ended))
}

// outOfMemory reports whether messages of a program say so. No other sign is left:
// allocations beyond RLIMIT_AS fail, and what a program does then is its own affair.
func outOfMemory(said []byte) bool {
	text := strings.ToLower(string(said))
	for _, sign := range []string{"out of memory", "bad_alloc", "cannot allocate", "can't allocate", "memory allocation", "failed to allocate", "failed to map segment"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// firstLine returns the first line of said that is not blank, fit for an error: cut,
// and without bytes that a terminal or a log would not show as text.
func firstLine(said []byte) string {
	for line := range bytes.SplitSeq(said, []byte{'\n'}) {
		if i := bytes.LastIndexByte(bytes.TrimRight(line, "\r"), '\r'); i >= 0 {
			line = line[i+1:] // what a terminal would show last
		}
		text := strings.Map(func(r rune) rune {
			if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
				return ' '
			}
			return r
		}, string(line[:min(len(line), maxQuote)]))
		if text = strings.Join(strings.Fields(text), " "); text != "" {
			if len(line) > maxQuote {
				text += "..."
			}
			return text
		}
	}
	return ""
}
