// Package daemontest runs a daemon as a process in tests: the test binary itself,
// whose operation writes its input in capitals, or misbehaves as it is asked to.
// Only tests import it.
//
//	Main     is the TestMain that makes the test binary the daemon
//	Process  is a running daemon: its log, status, workers, signals
//	Request  is a request on its way
//
// It does not link package net, as a daemon does not: with cgo, its resolver would
// bring threads that the sandbox can't confine.
package daemontest

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/daemon"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

// Main is a TestMain: it runs the tests, or is the daemon when the test binary was
// started as that.
func Main(m *testing.M) {
	if os.Getenv("DAEMON_TEST") == "" && os.Getenv("IMGTOOLS_WORKER") == "" {
		os.Exit(m.Run())
	}
	cfg := daemon.Config{
		Name: "testd", Verb: "gray", MaxPixels: 1 << 20, Operation: operation,
		Args: os.Args[1:], Stderr: os.Stderr,
	}
	boot := ""
	flag.Func("a", "", func(s string) error { cfg.Addresses = append(cfg.Addresses, s); return nil })
	flag.IntVar(&cfg.Workers, "n", 2, "")
	flag.DurationVar(&cfg.Timeout, "t", 10*time.Second, "")
	flag.Int64Var(&cfg.MaxMem, "maxmem", 256<<20, "")
	flag.StringVar(&cfg.Sandbox, "sandbox", "best", "")
	flag.StringVar(&boot, "boot", "", "how a worker starts: exit, hang")
	flag.Parse()
	if _, isWorker := os.LookupEnv("IMGTOOLS_WORKER"); isWorker {
		switch boot {
		case "exit":
			os.Exit(1)
		case "hang":
			select {}
		}
	}
	if err := daemon.Run(cfg); err != nil {
		fmt.Fprintln(os.Stderr, "testd:", err)
		os.Exit(fault.Of(err).Exit())
	}
	os.Exit(0)
}

// operation writes its input in capitals to each result, after doing what the word do
// says. Its answer says which process it was.
func operation(req wire.Request, in *os.File, outs []io.Writer) (wire.Reply, error) {
	out := io.MultiWriter(outs...)
	do, _ := req.Get("do")
	switch do {
	case "":
	case "hold": // until the input no longer ends in an exclamation mark
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for held := true; held; <-tick.C {
			text, err := io.ReadAll(io.NewSectionReader(in, 0, 1<<20))
			held = err == nil && strings.HasSuffix(string(text), "!")
		}
	case "spin":
		for {
		}
	case "stop": // the kind of loop that nothing inside can end
		unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGSTOP)
		for {
			runtime.Gosched()
		}
	case "panic":
		panic("as asked")
	case "nil":
		var p *int
		*p = 1
	case "memory":
		b := make([]byte, 1<<30)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
	case "fill": // much memory, and well within the limit
		b := make([]byte, 60<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
	case "large":
		for {
			if _, err := out.Write(make([]byte, 1<<20)); err != nil {
				return wire.Reply{}, err
			}
		}
	case "orphan": // closes its lifeline
		unix.Close(3)
		for {
			runtime.Gosched()
		}
	case "format":
		return wire.Reply{}, fault.New(fault.Format, "no picture in\n%s", "this")
	default:
		return wire.Reply{}, fault.New(fault.Usage, "unknown do")
	}
	text, err := io.ReadAll(io.NewSectionReader(in, 0, 1<<40))
	if err == nil {
		_, err = out.Write(bytes.ToUpper(text))
	}
	return wire.Reply{Words: []ops.Word{{Key: "pid", Value: strconv.Itoa(os.Getpid())}}}, err
}
