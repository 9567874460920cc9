package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// TestMain runs the test binary as a command when it is told to.
func TestMain(m *testing.M) {
	switch os.Getenv("CLI_TEST") {
	case "usage":
		Main("cmd", func([]string) error { return fault.New(fault.Usage, "bad\nflag") })
	case "signal":
		Main("cmd", func([]string) error {
			AtExit(func() { os.Stdout.WriteString("cleaned\n") })
			forget := AtExit(func() { os.Stdout.WriteString("forgotten\n") })
			forget()
			os.Stdout.WriteString("ready\n")
			select {}
		})
	case "input":
		Main("cmd", func(args []string) error {
			f := New("cmd", "", "[file]...")
			operands, err := f.Parse(args, os.Stdout)
			if err == nil {
				err = f.NeedInput(operands)
			}
			return err
		})
	case "pipe":
		Main("cmd", func([]string) error {
			for {
				if _, err := os.Stdout.WriteString("line\n"); err != nil {
					return fmt.Errorf("writing: %w", err)
				}
			}
		})
	}
	os.Exit(m.Run())
}

func command(mode string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CLI_TEST="+mode)
	return cmd
}

type config struct {
	ips     []string
	port    int
	bytes   int64
	pixels  int64
	wait    time.Duration
	fine    bool
	output  string
	dir     string
	cert    string
	key     string
	sandbox string
}

func testFlags() (*Flags, *config) {
	c := &config{ips: []string{"localhost"}, port: 8080, bytes: 100 << 20, pixels: 250e6, wait: time.Hour}
	f := New("imgd", "serves gray and scale over HTTP", "[file]...")
	f.Strings(&c.ips, "i", "ip", "ip", "listening address")
	f.Int(&c.port, "p", "port", "port", "listening port; 0 is any")
	f.Bytes(&c.bytes, "", "maxbytes", "n", "bytes of a picture")
	f.Pixels(&c.pixels, "", "maxpixels", "n", "pixels of a picture")
	f.Duration(&c.wait, "w", "wait", "time", "how long to wait")
	f.Bool(&c.fine, "", "fine", "better quality")
	f.String(&c.output, "o", "output", "file", "the result")
	f.String(&c.dir, "d", "", "dir", "the folder")
	f.Either("o", "d")
	f.String(&c.cert, "", "cert", "file", "a certificate")
	f.String(&c.key, "", "key", "file", "its key")
	f.Both("cert", "key")
	f.Choice(&c.sandbox, "", "sandbox", "mode", []string{"strict", "best", "off"}, "walls")
	return f, c
}

const help = `usage: imgd [-h] [-i IP]... [-p PORT] [-maxbytes N] [-maxpixels N] [-w TIME] [-fine] [-o FILE | -d DIR] [-cert FILE -key FILE] [-sandbox strict|best|off] [file]...
serves gray and scale over HTTP
  -h, --help               this help
  -i IP, --ip IP           listening address (default localhost)
  -p PORT, --port PORT     listening port; 0 is any (default 8080)
  -maxbytes N              bytes of a picture (default 100M)
  -maxpixels N             pixels of a picture (default 250M)
  -w TIME, --wait TIME     how long to wait (default 1h)
  -fine                    better quality
  -o FILE, --output FILE   the result
  -d DIR                   the folder
  -cert FILE               a certificate
  -key FILE                its key
  -sandbox MODE            walls, one of strict best off
  -version                 the version
`

func TestHelpOnStdout(t *testing.T) {
	for _, arg := range []string{"-h", "--help", "-help", "--h"} {
		t.Run(arg, func(t *testing.T) {
			f, _ := testFlags()
			var out bytes.Buffer
			if _, err := f.Parse([]string{"-p", "1", arg, "x"}, &out); err != ErrDone {
				t.Errorf("%s: %v", arg, err)
			}
			if out.String() != help {
				t.Errorf("%s printed\n%s\nwant\n%s", arg, out.String(), help)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	f, _ := testFlags()
	var out bytes.Buffer
	if _, err := f.Parse([]string{"--version"}, &out); err != ErrDone || !strings.HasPrefix(out.String(), "imgd (imgtools) ") ||
		strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestParse(t *testing.T) {
	def := config{ips: []string{"localhost"}, port: 8080, bytes: 100 << 20, pixels: 250e6, wait: time.Hour}
	with := func(change func(*config)) config { c := def; change(&c); return c }
	tests := []struct {
		args     string
		want     config
		operands string
		err      string
	}{
		{args: "", want: def},
		{args: "a b", want: def, operands: "a b"},
		{args: "-i ::1 --ip 127.0.0.1 a", want: with(func(c *config) { c.ips = []string{"::1", "127.0.0.1"} }), operands: "a"},
		{args: "-port=0 -fine --fine", want: with(func(c *config) { c.port, c.fine = 0, true })},
		{args: "-maxbytes 64K -maxpixels 3M", want: with(func(c *config) { c.bytes, c.pixels = 65536, 3e6 })},
		{args: "-maxbytes 2g -maxpixels 12", want: with(func(c *config) { c.bytes, c.pixels = 2<<30, 12 })},
		{args: "-w 90", want: with(func(c *config) { c.wait = 90 * time.Second })},
		{args: "-wait 1.5", want: with(func(c *config) { c.wait = 1500 * time.Millisecond })},
		{args: "--wait=2m", want: with(func(c *config) { c.wait = 2 * time.Minute })},
		{args: "-w 0", want: with(func(c *config) { c.wait = 0 })},
		{args: "-", want: def, operands: "-"},
		{args: "a - b", want: def, operands: "a - b"},
		{args: "-- -s -t", want: def, operands: "-s -t"},
		{args: "-- a -s -- b", want: def, operands: "a -s -- b"},
		{args: "a -- -s", want: def, operands: "a -s"},
		{args: "-o -- a -- -s", want: with(func(c *config) { c.output = "--" }), operands: "a -s"},
		{args: "-o -o -- a -s", want: with(func(c *config) { c.output = "-o" }), operands: "a -s"},
		{args: "-fine -- a -s", want: with(func(c *config) { c.fine = true }), operands: "a -s"},
		{args: "-o=-- a", want: with(func(c *config) { c.output = "--" }), operands: "a"},
		{args: "a -s", err: "-s after a file: flags go first (a file: ./-s)"},
		{args: "-o -- a -s", err: "-s after a file: flags go first (a file: ./-s)"},
		{args: "- -p", err: "-p after a file: flags go first (a file: ./-p)"},
		{args: "-x", err: "unknown flag -x"},
		{args: "-p", err: "-p needs a value"},
		{args: "-p -1", err: `invalid value "-1" for flag -p: not a whole number from 0 to 2147483647`},
		{args: "-p 99999999999", err: `invalid value "99999999999" for flag -p: not a whole number from 0 to 2147483647`},
		{args: "-maxbytes 5T", err: `invalid value "5T" for flag -maxbytes: not a number such as 500000, 64K, 100M, 2G`},
		{args: "-maxbytes M", err: `invalid value "M" for flag -maxbytes: not a number such as 500000, 64K, 100M, 2G`},
		{args: "-maxbytes -1", err: `invalid value "-1" for flag -maxbytes: not a number such as 500000, 64K, 100M, 2G`},
		{args: "-maxbytes 99999999999G", err: `invalid value "99999999999G" for flag -maxbytes: too large`},
		{args: "-w -5", err: `invalid value "-5" for flag -w: not a time such as 90, 30s, 5m, 1h30m`},
		{args: "-w NaN", err: `invalid value "NaN" for flag -w: not a time such as 90, 30s, 5m, 1h30m`},
		{args: "-w 1e9", err: `invalid value "1e9" for flag -w: not a time such as 90, 30s, 5m, 1h30m`},
		{args: "-w 99999999999999", err: `invalid value "99999999999999" for flag -w: not a time such as 90, 30s, 5m, 1h30m`},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			f, c := testFlags()
			ops, err := f.Parse(strings.Fields(tt.args), nil)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err || fault.Of(err) != fault.Usage {
					t.Errorf("%q: error %v (%v), want %s", tt.args, err, fault.Of(err), tt.err)
				}
				return
			}
			if err != nil || strings.Join(ops, " ") != tt.operands || !reflect.DeepEqual(*c, tt.want) {
				t.Errorf("%q: %q %+v %v, want %q %+v", tt.args, ops, *c, err, tt.operands, tt.want)
			}
		})
	}
}

func TestEmptyValues(t *testing.T) {
	for _, args := range [][]string{{"-w", ""}, {"-p", ""}, {"-maxbytes", ""}, {"-w", "."}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			f, _ := testFlags()
			if _, err := f.Parse(args, nil); fault.Of(err) != fault.Usage {
				t.Errorf("%q: %v", args, err)
			}
		})
	}
}

func TestGiven(t *testing.T) {
	f, _ := testFlags()
	if _, err := f.Parse([]string{"--port", "8080", "-fine"}, nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"p": true, "port": true, "fine": true, "w": false, "wait": false} {
		t.Run(name, func(t *testing.T) {
			if f.Given(name) != want {
				t.Errorf("Given(%s) is not %v", name, want)
			}
		})
	}
}

func TestOperandName(t *testing.T) {
	f, _ := testFlags()
	f.Operand = "an id"
	if _, err := f.Parse([]string{"a", "-x"}, nil); err == nil || err.Error() != "-x after an id: flags go first" {
		t.Error(err)
	}
}

func TestExit(t *testing.T) {
	tests := []struct {
		err    error
		code   int
		stderr string
	}{
		{nil, 0, ""},
		{ErrDone, 0, ""},
		{Status(75), 75, ""},
		{fault.New(fault.Format, "truncated"), 1, "cmd: truncated\n"},
		{fault.New(fault.Busy, "queue full"), 75, "cmd: queue full\n"},
		{fault.New(fault.Usage, "unknown flag -x"), 2, "cmd: unknown flag -x\nsee cmd -h\n"},
		{usageError("usage: cmd [-h]"), 2, "usage: cmd [-h]\nsee cmd -h\n"},
		{errors.New("open a\nb\x1b[m: no"), 1, `cmd: open a b\u001b[m: no` + "\n"},
		{&fs.PathError{Op: "write", Path: os.Stdout.Name(), Err: syscall.EPIPE}, 1, ""},
		{&fs.PathError{Op: "write", Path: "fifo", Err: syscall.EPIPE}, 1, "cmd: write fifo: broken pipe\n"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.err), func(t *testing.T) {
			var b bytes.Buffer
			if code := exit("cmd", tt.err, &b); code != tt.code || b.String() != tt.stderr {
				t.Errorf("%v: %d %q, want %d %q", tt.err, code, b.String(), tt.code, tt.stderr)
			}
		})
	}
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"Grüße × 犬\n": "Grüße × 犬", "a\r\nb\tc": "a  b c", "\x00\x7f\u009b": `\u0000\u007f\u009b`,
		"\xff\xfe": `\xff\xfe`, "\u202egnp": `\u202egnp`,
	} {
		t.Run(fmt.Sprintf("%q", in), func(t *testing.T) {
			if got := Line(in); got != want {
				t.Errorf("%q: %q, want %q", in, got, want)
			}
		})
	}
}

func TestMainExits(t *testing.T) {
	cmd := command("usage")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Run()
	if cmd.ProcessState.ExitCode() != 2 || stderr.String() != "cmd: bad flag\nsee cmd -h\n" {
		t.Errorf("%v, %q", cmd.ProcessState, stderr.String())
	}
}

func TestTerminalIsNoInput(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	tests := []struct {
		stdin  *os.File
		args   []string
		code   int
		stderr string
	}{
		{terminal, nil, 2, "usage: cmd [-h] [file]...\nsee cmd -h\n"},
		{terminal, []string{"-"}, 0, ""},
		{terminal, []string{"a"}, 0, ""},
		{nil, nil, 0, ""}, // /dev/null
	}
	for _, tt := range tests {
		cmd := command("input")
		cmd.Args = append(cmd.Args, tt.args...)
		if tt.stdin != nil {
			cmd.Stdin = tt.stdin
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		cmd.Run()
		if cmd.ProcessState.ExitCode() != tt.code || stderr.String() != tt.stderr {
			t.Errorf("%q: %v, %q", tt.args, cmd.ProcessState, stderr.String())
		}
	}
}

func TestSignalCleansUpAndKills(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			// A signal that we catch is not ignored by our children, as it may be
			// when a shell runs the tests in the background.
			caught := make(chan os.Signal, 1)
			signal.Notify(caught, sig)
			defer signal.Stop(caught)
			cmd := command("signal")
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ready := make([]byte, 6)
			if _, err := io.ReadFull(out, ready); err != nil {
				t.Fatal(err)
			}
			cmd.Process.Signal(sig)
			var rest bytes.Buffer
			rest.ReadFrom(out)
			cmd.Wait()
			ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if !ws.Signaled() || ws.Signal() != sig || rest.String() != "cleaned\n" {
				t.Errorf("%v: %v, printed %q", sig, cmd.ProcessState, rest.String())
			}
		})
	}
}

func TestClosedPipeIsQuiet(t *testing.T) {
	for _, script := range []string{`"$0" | head -n1`, `trap '' PIPE; "$0" | head -n1`} {
		t.Run(script, func(t *testing.T) {
			cmd := exec.Command("sh", "-c", script, os.Args[0])
			cmd.Env = append(os.Environ(), "CLI_TEST=pipe")
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil || stdout.String() != "line\n" || stderr.Len() > 0 {
				t.Errorf("%s: %v, %q, %q", script, err, stdout.String(), stderr.String())
			}
		})
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\r\n\x1b[2J\xff\u202e犬")
	f.Fuzz(func(t *testing.T, s string) {
		line := Line(s)
		if !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("%q", line)
		}
		if Line(line) != line {
			t.Errorf("%q becomes %q", line, Line(line))
		}
	})
}
