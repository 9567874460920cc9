// Double is a hostile program in place of heif-convert, for the tests: it is called with
// the names of a file to read and one to write, and does what the end of the first one
// says. What it tries and succeeds in, it reports on standard error as "got away".
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() { // arguments: the file to read, the file to write
	in, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, act, _ := strings.Cut(string(in), "double:")
	out, err := os.OpenFile(os.Args[len(os.Args)-1], os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	switch act {
	case "good":
		fmt.Fprint(out, "YUV4MPEG2 W64 H48 F1:1 Ip C420jpeg\nFRAME\n"+strings.Repeat("\x50", 64*48)+strings.Repeat("\x80", 64*48/2))
		return
	case "fork":
		for range 3 {
			if exec.Command("/bin/sleep", "1000").Start() == nil {
				fmt.Fprintln(os.Stderr, "got away")
			}
		}
	case "open":
		for _, name := range []string{"/etc/passwd", "/proc/1/cmdline", "../../etc/shadow"} {
			if _, err := os.ReadFile(name); err == nil {
				fmt.Fprintln(os.Stderr, "got away:", name)
			}
		}
		for _, dir := range []string{".", "/tmp", "/dev/shm", filepath.Dir(os.Args[0])} {
			if os.WriteFile(filepath.Join(dir, "got-away"), nil, 0o666) == nil {
				fmt.Fprintln(os.Stderr, "got away:", dir)
			}
		}
	case "connect":
		for _, a := range [][2]string{{"tcp", "127.0.0.1:1"}, {"udp", "127.0.0.1:1"}, {"unix", "@x"}} {
			if c, err := net.Dial(a[0], a[1]); err == nil || strings.Contains(err.Error(), "refused") {
				fmt.Fprintln(os.Stderr, "got away:", c, err)
			}
		}
	case "memory":
		var all [][]byte
		for {
			all = append(all, make([]byte, 64<<20))
			for i := 0; i < 64<<20; i += 4096 {
				all[len(all)-1][i] = 1
			}
		}
	case "endless":
		for {
			if _, err := out.Write(make([]byte, 1<<20)); err != nil {
				break
			}
		}
	case "stop":
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		c := make(chan os.Signal, 1)
		signal.Notify(c, os.Interrupt) // so that the runtime does not call it a deadlock
		<-c
	case "spin":
		for {
		}
	case "rubbish":
		fmt.Fprint(out, strings.Repeat("\xff\x00rubbish", 1000))
		return
	case "lie":
		fmt.Fprint(out, "YUV4MPEG2 W640 H480 F1:1 Ip C420jpeg\nFRAME\n"+strings.Repeat("\x50", 640*480*3/2))
		return
	case "huge":
		fmt.Fprint(out, "YUV4MPEG2 W60000 H60000 F1:1 Ip C420jpeg\nFRAME\n")
		return
	case "short":
		fmt.Fprint(out, "YUV4MPEG2 W64 H48 F1:1 Ip C420jpeg\nFRAME\nshort")
		return
	case "crash":
		*(*int)(nil) = 1
	case "silent":
		return
	case "chatter":
		fmt.Fprint(os.Stderr, strings.Repeat("line\x1b[31m\n", 10000))
	}
	os.Exit(1)
}
