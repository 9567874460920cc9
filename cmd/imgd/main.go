// Imgd serves gray and scale over HTTP: it takes uploads, keeps jobs, and has grayd and scaled work on them.
//
//	imgd [-h] [-i ip]... [-p port] [-a address]... [-grayd address]... [-scaled address]... [-n workers] [-t time] [-queue n] [-conns n] [-spool dir] [-ttl time] [-quota n] [-maxbytes n] [-maxpixels n] [-maxmem n] [-sandbox strict|best|off] [-token file] [-cert file -key file] [-host name]... [-log text|json]
package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
	"imgtools/pkg/shell/cli"
)

const usage = "[-h] [-i ip]... [-p port] [-a address]... [-grayd address]... [-scaled address]... " +
	"[-n workers] [-t time] [-queue n] [-conns n] [-spool dir] [-ttl time] [-quota n] [-maxbytes n] [-maxpixels n] [-maxmem n] [-sandbox strict|best|off] " +
	"[-token file] [-cert file -key file] [-host name]... [-log text|json]"

// config is what the flags say.
type config struct {
	ips, addresses      []string
	port                int
	tcp, unix           bool // given: -i or -p, -a
	gray, scale         []string
	workers, queue      int
	conns               int
	timeout, ttl        time.Duration
	spool               string
	quota               int64
	maxBytes, maxPixels int64
	maxMem              int64
	sandbox             string
	token, cert, key    string
	hosts               []string
	log                 *slog.Logger
}

func main() { cli.Main("imgd", run) }

func run(args []string) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	return serve(c)
}

func parse(args []string) (*config, error) {
	c := &config{
		ips: []string{"localhost"}, port: limits.Port, workers: runtime.NumCPU(), queue: limits.Queue, conns: limits.Conns,
		timeout: limits.Time, ttl: limits.TTL, spool: defaultSpool(os.Getenv, os.Geteuid()),
		maxBytes: limits.Bytes, maxPixels: limits.Pixels, maxMem: limits.Memory, sandbox: "best",
	}
	logs := "text"
	f := cli.New("imgd", "serves gray and scale over HTTP: it takes uploads, keeps jobs, and has grayd and scaled work on them", usage)
	f.Strings(&c.ips, "i", "ip", "ip", "listen on this address or name")
	f.Int(&c.port, "p", "port", "port", "TCP port; 0 is any, told on stderr")
	f.Strings(&c.addresses, "a", "address", "address", "listen on unix:/path or tcp:IP:port, too (default RUN/imgd.sock)")
	f.Strings(&c.gray, "", "grayd", "address", "use the grayd there; none: start one")
	f.Strings(&c.scale, "", "scaled", "address", "use the scaled there; none: start one")
	f.Int(&c.workers, "n", "workers", "workers", "processes of each daemon that is started")
	f.Duration(&c.timeout, "t", "timeout", "time", "for the work on one picture")
	f.Int(&c.queue, "", "queue", "n", "pictures that may wait for a worker")
	f.Int(&c.conns, "", "conns", "n", "connections at once, at most a quarter of the open files allowed")
	f.String(&c.spool, "", "spool", "dir", "where jobs are kept")
	f.Duration(&c.ttl, "", "ttl", "time", "how long a finished job is kept")
	f.Bytes(&c.quota, "", "quota", "n", "bytes of jobs (default 20 % of the file system)")
	f.Bytes(&c.maxBytes, "", "maxbytes", "n", "largest picture, in bytes")
	f.Pixels(&c.maxPixels, "", "maxpixels", "n", "largest picture, in pixels of all frames")
	f.Bytes(&c.maxMem, "", "maxmem", "n", "memory of one worker that is started")
	f.String(&c.sandbox, "", "sandbox", "mode", "what workers that are started give up: strict (all, or fail), best (what this kernel has), off")
	f.String(&c.token, "", "token", "file", "tokens, one a line, of which TCP clients must send one")
	f.String(&c.cert, "", "cert", "file", "certificates for TLS on TCP, PEM")
	f.String(&c.key, "", "key", "file", "key of the certificate, PEM")
	f.Strings(&c.hosts, "", "host", "name", "name by which TCP clients may call this server")
	f.String(&logs, "", "log", "text|json", "form of the log on stderr")
	operands, err := f.Parse(args, os.Stdout)
	if err == nil {
		err = f.NoOperands(operands)
	}
	if err != nil {
		return nil, err
	}
	c.tcp, c.unix = f.Given("i") || f.Given("p"), f.Given("a")
	if logs != "text" && logs != "json" {
		return nil, fault.New(fault.Usage, "-log %q: not text or json", logs)
	}
	c.log = newLog(os.Stderr, logs == "json", journal())
	return c, c.check()
}

// check refuses values that make no sense.
func (c *config) check() error {
	switch {
	case c.port < 0 || c.port > 65535:
		return fault.New(fault.Usage, "-p %d: not a port", c.port)
	case c.workers < 1 || c.workers > limits.Workers:
		return fault.New(fault.Usage, "-n %d: not 1 to %d workers", c.workers, limits.Workers)
	case c.queue < 0:
		return fault.New(fault.Usage, "-queue %d: less than 0", c.queue)
	case c.conns < 1:
		return fault.New(fault.Usage, "-conns %d: less than 1", c.conns)
	case c.timeout <= 0:
		return fault.New(fault.Usage, "-t %v: not over 0", c.timeout)
	case c.ttl <= 0:
		return fault.New(fault.Usage, "-ttl %v: not over 0", c.ttl)
	case c.quota < 0:
		return fault.New(fault.Usage, "-quota %d: less than 0", c.quota)
	case c.maxBytes < 1 || c.maxPixels < 1 || c.maxMem < 1:
		return fault.New(fault.Usage, "-maxbytes, -maxpixels, -maxmem: must be over 0")
	case c.maxBytes > limits.MaxBytes || c.maxPixels > limits.MaxPixels:
		return fault.New(fault.Usage, "-maxbytes, -maxpixels: at most %d", int64(limits.MaxBytes))
	case c.sandbox != "strict" && c.sandbox != "best" && c.sandbox != "off":
		return fault.New(fault.Usage, "-sandbox %q: not strict, best or off", c.sandbox)
	case (c.cert == "") != (c.key == ""):
		return fault.New(fault.Usage, "-cert and -key go together")
	case c.spool == "":
		return fault.New(fault.Usage, "no folder for the spool: neither -spool nor $HOME")
	}
	return nil
}

// defaultSpool returns the folder for jobs when none is named: what systemd made
// for the state, else /var/lib for root, else the user's state folder.
func defaultSpool(getenv func(string) string, uid int) string {
	if dir, _, _ := strings.Cut(getenv("STATE_DIRECTORY"), ":"); dir != "" {
		return dir
	}
	if uid == 0 {
		return "/var/lib/imgtools"
	}
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "imgtools")
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".local/state/imgtools")
	}
	return ""
}
