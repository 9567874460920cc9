//go:build linux

// Imgd serves gray and scale over HTTP: it takes uploads, keeps jobs, and has grayd and
// scaled work on them. See imgd(8).
package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"imgtools/pkg/daemon/cgroup"
	"imgtools/pkg/daemon/sandbox"
	"imgtools/pkg/fault"
	"imgtools/pkg/front/service"
	"imgtools/pkg/limits"
	"imgtools/pkg/shell/cli"
)

func main() { cli.Main("imgd", run) }

func run(args []string) error {
	o, err := parse(args)
	switch {
	case err != nil:
		return err
	case o.ready:
		return o.askReady()
	case o.check:
		return service.Check(o.Config, os.Stdout)
	}
	return service.Run(o.Config)
}

// options are what the flags say.
type options struct {
	service.Config
	check, ready bool
}

// parse reads the flags.
func parse(args []string) (options, error) {
	o := options{Config: service.Config{
		IPs: []string{"localhost"}, Port: limits.Port, Workers: runtime.GOMAXPROCS(0), Queue: limits.Queue, Conns: limits.Conns,
		Timeout: limits.Time, TTL: limits.TTL, Spool: defaultSpool(os.Getenv, os.Geteuid()),
		MaxBytes: limits.Bytes, MaxPixels: limits.Pixels, MaxMem: limits.Memory, Sandbox: "best", Stderr: os.Stderr,
		MaxAge: limits.MaxAge, Version: cli.Version(),
	}}
	log := "text"
	f := cli.New("imgd", "serves gray and scale over HTTP: it takes uploads, keeps jobs, and has grayd and scaled work on them", "")
	f.Strings(&o.IPs, "i", "ip", "ip", "listen on this address or name")
	f.Int(&o.Port, "p", "port", "port", "TCP port; 0 is any, printed on stderr")
	f.Strings(&o.Addresses, "a", "address", "address", "listen on unix:/path or tcp:IP:port as well (default RUN/imgd.sock)")
	f.Strings(&o.Gray, "", "grayd", "address", "address of a running grayd (default: start one)")
	f.Strings(&o.Scale, "", "scaled", "address", "address of a running scaled (default: start one)")
	f.Strings(&o.HEIF, "", "heifd", "address", "address of a running heifd (default: start one if a program decodes HEIC or AVIF)")
	f.Int(&o.Workers, "n", "workers", "workers", "worker processes of each daemon that imgd starts")
	f.Duration(&o.Timeout, "t", "timeout", "time", "limit of the work on one picture")
	f.Duration(&o.Drain, "", "drain", "time", "after SIGTERM, take requests for this long while /readyz answers 503")
	f.Int(&o.Queue, "", "queue", "n", "requests to /image that may wait for a worker")
	f.Int(&o.Conns, "", "conns", "n", "connections at once, at most a quarter of the open files allowed")
	f.String(&o.Spool, "", "spool", "dir", "folder that keeps the jobs")
	f.Duration(&o.TTL, "", "ttl", "time", "how long to keep a finished job")
	f.Bytes(&o.Quota, "", "quota", "n", "bytes of jobs (default 20 % of the file system)")
	f.Bytes(&o.MaxBytes, "", "maxbytes", "n", "largest picture, in bytes")
	f.Pixels(&o.MaxPixels, "", "maxpixels", "n", "largest picture, in pixels of all frames")
	f.Bytes(&o.MaxMem, "", "maxmem", "n", "memory of one worker that imgd starts")
	f.Choice(&o.Sandbox, "", "sandbox", "mode", sandbox.Modes, "what workers that imgd starts give up (strict: all, or fail; best: what this kernel has)")
	f.Path(&o.Root, "", "root", "dir", "serve the pictures of this folder at /files/PATH?OPS")
	f.Path(&o.Preset, "", "preset", "file", "operations by name, lines NAME OPS: preset=NAME")
	f.Path(&o.Sign, "", "sign", "file", "keys, one a line: without a preset, /files needs a URL signed by one of them; see imgsign(1)")
	f.Duration(&o.MaxAge, "", "maxage", "time", "how long caches may keep a picture of /files")
	f.String(&o.Token, "", "token", "file", "tokens, one a line; TCP clients must send one of them")
	f.String(&o.Cert, "", "cert", "file", "certificates for TLS on TCP, PEM")
	f.String(&o.Key, "", "key", "file", "key of the certificate, PEM")
	f.Both("cert", "key")
	f.Strings(&o.Hosts, "", "host", "name", "name by which TCP clients may call this server: NAME, *.SUFFIX or *")
	f.Bool(&o.Public, "", "public", "let -host '*' be without -token beyond this machine")
	f.Strings(&o.Proxies, "", "proxy", "cidr", "addresses of proxies whose X-Forwarded headers are believed")
	f.Choice(&log, "", "log", "form", []string{"text", "json"}, "form of the log on stderr")
	f.Bool(&o.check, "C", "check", "check flags, files and addresses, print what would be served, and exit")
	f.Bool(&o.ready, "", "ready", "ask the imgd that runs at -a whether it is ready, and exit")
	f.Either("C", "ready")
	operands, err := f.Parse(args, os.Stdout)
	if err == nil {
		err = f.NoOperands(operands)
	}
	if err != nil {
		return o, err
	}
	if o.check && o.ready {
		return o, fault.New(fault.Usage, "-C and -ready exclude each other")
	}
	o.Fitted = cgroup.Fit(&o.Workers, &o.MaxMem, 2, f.Given("n"), f.Given("maxmem"))
	o.TCP, o.JSON = f.Given("i") || f.Given("p"), log == "json"
	return o, nil
}

// askReady asks a running imgd whether it is ready.
func (o options) askReady() error {
	if len(o.Addresses) > 1 {
		return fault.New(fault.Usage, "-ready: one -a at most")
	}
	return service.Ready(context.Background(), strings.Join(o.Addresses, ""))
}

// defaultSpool returns the folder for jobs when none is named: the state folder
// that systemd made, else /var/lib for root, else the user's state folder.
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
