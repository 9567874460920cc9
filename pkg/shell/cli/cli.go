// Package cli is what every command has in common. A command's main function is
//
//	func main() { cli.Main("gray", run) }
//
// Its run reads the flags (Flags, New, Parse), does the work and returns an error.
// Main turns the error into one line on standard error and an exit status. A
// command that works on several files reports each failure with a Report. A command
// that makes temporary files has them removed by AtExit, also when a signal ends it.
//
// cli is the only package that imports flag, and it imports neither net nor
// os/user, so that grayd and scaled don't link them.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"imgtools/pkg/fault"
	"imgtools/pkg/shell/system"
)

// ErrDone is returned by Parse after -h or -version: the command has nothing more
// to do, and its exit status is 0.
var ErrDone = errors.New("done")

// Status is an exit status whose reason is already on standard error: Main prints
// nothing more.
type Status int

func (s Status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is a usage error whose message is the synopsis.
type usageError string

func (u usageError) Error() string { return string(u) }

// ofOne is the error of one file or job.
type ofOne struct{ error }

func (e ofOne) Unwrap() error { return e.error }

// OfOne marks err as that of one file or job. Its exit status is that of its kind, but
// there is no hint at -h: of kind usage it says what this file hasn't (a frame, a part to
// crop), and the command line may be right for another.
func OfOne(err error) error { return ofOne{err} }

// Main runs a command and ends the process: with 0 when run returns nil or
// ErrDone, else with the exit status of the error's kind, after one line
//
//	name: error
//
// on stderr and, after a usage error, `see name -h`. A closed pipe on standard
// output is not reported.
func Main(name string, run func(args []string) error) {
	code := exit(name, run(os.Args[1:]), os.Stderr)
	cleanUp()
	os.Exit(code)
}

// exit writes err to stderr and returns the exit status.
func exit(name string, err error, stderr io.Writer) int {
	var status Status
	var usage usageError
	switch {
	case err == nil || errors.Is(err, ErrDone):
		return fault.ExitOK
	case errors.As(err, &status):
		return int(status)
	case closedPipe(err):
		return fault.ExitFail
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "%s\nsee %s -h\n", usage, name)
		return fault.ExitUsage
	}
	fmt.Fprintf(stderr, "%s: %s\n", name, Line(err.Error()))
	code := fault.Of(err).Exit()
	if code == fault.ExitUsage {
		if _, one := errors.AsType[ofOne](err); !one {
			fmt.Fprintf(stderr, "see %s -h\n", name)
		}
	}
	return code
}

// closedPipe reports whether err says that the reader of standard output is gone.
// Usually SIGPIPE has ended the process by then, unless it is ignored.
func closedPipe(err error) bool {
	pe, ok := errors.AsType[*fs.PathError](err)
	return ok && pe.Path == os.Stdout.Name() && errors.Is(pe.Err, syscall.EPIPE)
}

// Line makes text from outside, such as a file's name or a server's answer, fit for
// one line on a terminal: line ends and tabs become spaces, other control characters
// and bytes that are not UTF-8 become escapes (\u001b, \xff).
func Line(s string) string {
	s = strings.TrimRight(s, "\r\n")
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteByte(' ')
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsControl(r) || !unicode.IsPrint(r) && !unicode.IsSpace(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// Terminal reports whether f is a terminal.
func Terminal(f *os.File) bool { return system.Terminal(f) }

// Flags are the flags of one command.
type Flags struct {
	// Operand names the kind of operand in the message about a flag that follows
	// one: "an id". The default is a file.
	Operand string

	name, about, operands string
	set                   *flag.FlagSet
	opts                  []option
	pairs                 []pair // flags that share brackets in the synopsis
}

// option is one flag as -h shows it.
type option struct {
	short, long, arg, help string
	def                    string // "" is not shown
	many                   bool   // may be given several times
	values                 string // a few values, for the synopsis in the place of arg
}

// New returns the flags of the command name. It has -h, --help and -version
// already. about is one line that says what the command does. operands ends its
// synopsis, "[file]..."; it begins with the flags in the order in which they are added.
// -h shows arguments that are plain words in capitals: [-p PORT].
func New(name, about, operands string) *Flags {
	f := &Flags{name: name, about: about, operands: operands, set: flag.NewFlagSet(name, flag.ContinueOnError)}
	f.set.SetOutput(io.Discard)
	f.set.Usage = func() {}
	return f
}

// Parse reads the flags in args and returns the operands. -h and -version print
// to stdout and return ErrDone. Other errors are of kind Usage.
//
// "--" ends the flags, and "-" is an operand. An operand that begins with "-" and
// follows another operand is an error, because it was probably meant as a flag.
func (f *Flags) Parse(args []string, stdout io.Writer) (operands []string, err error) {
	var version, help bool
	f.set.BoolVar(&version, "version", false, "")
	f.set.BoolVar(&help, "h", false, "")
	f.set.BoolVar(&help, "help", false, "")
	if err := f.set.Parse(args); err != nil {
		return nil, fault.New(fault.Usage, "%s", f.explain(err))
	}
	if help {
		return nil, f.done(io.WriteString(stdout, f.Help()))
	}
	if version {
		return nil, f.done(fmt.Fprintf(stdout, "%s (imgtools) %s %s\n", f.name, Version(), runtime.Version()))
	}
	operands = f.set.Args()
	if f.ended(args[:len(args)-len(operands)]) {
		return operands, nil
	}
	for i, o := range operands {
		if i == 0 || o == "-" || !strings.HasPrefix(o, "-") {
			continue
		}
		if o == "--" {
			return append(operands[:i:i], operands[i+1:]...), nil
		}
		if f.Operand != "" {
			return nil, fault.New(fault.Usage, "%s after %s: flags go first", o, f.Operand)
		}
		return nil, fault.New(fault.Usage, "%s after a file: flags go first (a file: ./%s)", o, o)
	}
	return operands, nil
}

func (f *Flags) done(_ int, err error) error {
	if err != nil {
		return err
	}
	return ErrDone
}

// ended reports whether "--" in args, the flags and their values, ended the flags.
// A "--" may also be the value of a flag.
func (f *Flags) ended(args []string) bool {
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return true
		}
		name := strings.TrimLeft(args[i], "-")
		if fl := f.set.Lookup(name); fl != nil { // else -name=value
			if b, ok := fl.Value.(interface{ IsBoolFlag() bool }); !ok || !b.IsBoolFlag() {
				i++
			}
		}
	}
	return false
}

// explain rewrites an error of package flag in the form of our messages.
func (f *Flags) explain(err error) string {
	s := err.Error()
	if name, ok := strings.CutPrefix(s, "flag provided but not defined: "); ok {
		return "unknown flag " + name
	}
	if name, ok := strings.CutPrefix(s, "flag needs an argument: "); ok {
		return name + " needs a value"
	}
	return s
}

// Given reports whether the flag with that short or long name was on the
// command line.
func (f *Flags) Given(name string) bool {
	given := false
	for _, o := range f.opts {
		if o.short == name || o.long == name {
			f.set.Visit(func(fl *flag.Flag) {
				given = given || fl.Name == o.short || fl.Name == o.long
			})
		}
	}
	return given
}

// NeedInput returns the synopsis as a usage error when there is no operand and
// standard input is a terminal, since nobody types a picture.
func (f *Flags) NeedInput(operands []string) error {
	if len(operands) == 0 && Terminal(os.Stdin) {
		return usageError(f.synopsis())
	}
	return nil
}

// NoOperands returns a usage error when there is any operand.
func (f *Flags) NoOperands(operands []string) error {
	if len(operands) > 0 {
		return fault.New(fault.Usage, "%q: takes no operands", operands[0])
	}
	return nil
}

// Version returns the version that the go command recorded in the binary, or
// "(devel)".
func Version() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "(devel)"
}

// OnlyLinux is the main of a daemon on another system: it says that the daemon is for
// Linux, and exits.
func OnlyLinux(name string) {
	Main(name, func([]string) error {
		return fault.New(fault.Unsupported, "runs on Linux only; the filters and the clients run here")
	})
}
