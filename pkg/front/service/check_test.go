package service

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
)

// config returns a Config that would serve with daemons that run elsewhere, and
// the folder of its spool, which is not there.
func config(t *testing.T) Config {
	t.Helper()
	run := t.TempDir()
	t.Setenv("IMGTOOLS_RUN", run)
	return Config{
		IPs: []string{"127.0.0.1"}, Port: limits.Port, Workers: 1, Queue: 1, Conns: 1, Timeout: limits.Time, TTL: limits.TTL,
		Spool: filepath.Join(t.TempDir(), "spool"), MaxBytes: limits.Bytes, MaxPixels: limits.Pixels, MaxMem: limits.Memory,
		Gray: []string{"/g.sock"}, Scale: []string{"tcp:scaled:80"}, Sandbox: "best", Stderr: io.Discard,
	}
}

func TestCheckPrintsWhatWouldBeServed(t *testing.T) {
	c := config(t)
	c.Token = filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(c.Token, []byte("a\nb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := Check(c, &out); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"address: http://127.0.0.1:8080/\n",
		"address: unix:" + os.Getenv("IMGTOOLS_RUN") + "/imgd.sock\n",
		"grayd: unix:/g.sock\n", "scaled: tcp:scaled:80\n",
		"spool: " + c.Spool + " (new)\n",
		"tokens: 2 in " + c.Token + "\n",
		"warning: -token " + c.Token + ": all users can read it; chmod 640 it\n",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no line %q in\n%s", line, &out)
		}
	}
	if _, err := os.Stat(c.Spool); err == nil {
		t.Error("the spool was made")
	}
	if left, _ := os.ReadDir(os.Getenv("IMGTOOLS_RUN")); len(left) != 0 {
		t.Errorf("in RUN: %v", left)
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Config)
		part   string
	}{
		"port":        {func(c *Config) { c.Port = 70000 }, "not a port"},
		"address":     {func(c *Config) { c.Addresses = []string{"x"} }, "neither unix:/path"},
		"folder":      {func(c *Config) { c.Addresses = []string{dir + "/none/x.sock"} }, "no such file"},
		"zone":        {func(c *Config) { c.IPs = []string{"fe80::1%none0"} }, "none0"},
		"grayd":       {func(c *Config) { c.Gray = []string{"http://x"} }, "-grayd"},
		"heifd":       {func(c *Config) { c.HEIF = []string{"http://x"} }, "-heifd"},
		"spool":       {func(c *Config) { c.Spool = empty }, "is not a folder (-spool DIR names another folder)"},
		"token":       {func(c *Config) { c.Token = empty }, "no token in it"},
		"no token":    {func(c *Config) { c.Token = empty + "x" }, "no such file"},
		"certificate": {func(c *Config) { c.Cert, c.Key = empty, empty }, "-cert"},
		"max bytes":   {func(c *Config) { c.MaxBytes = 1<<63 - 1 }, "-maxbytes"},
	} {
		t.Run(name, func(t *testing.T) {
			conf := config(t)
			c.change(&conf)
			if err := Check(conf, io.Discard); err == nil || fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), c.part) {
				t.Errorf("%v; want %q", err, c.part)
			}
		})
	}
}

// TestStartNamesTheFlag: a port that is in use and a folder that can't be the spool are
// refused with the flag that helps.
func TestStartNamesTheFlag(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := config(t)
	c.Port = l.Addr().(*net.TCPAddr).Port
	if err := Run(c); err == nil || !strings.Contains(err.Error(), "address already in use (-p PORT names another port, -p 0 any free one)") {
		t.Error(err)
	}
	c = config(t)
	c.Port, c.Spool = 0, "/proc/none/spool"
	if err := Run(c); err == nil || !strings.HasSuffix(err.Error(), "(-spool DIR names another folder)") {
		t.Error(err)
	}
}

func TestReady(t *testing.T) {
	run := t.TempDir()
	t.Setenv("IMGTOOLS_RUN", run)
	t.Setenv("XDG_RUNTIME_DIR", "")
	path := filepath.Join(run, "imgd.sock")
	status := http.StatusOK
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || r.Host != "localhost" {
			http.Error(w, "asked for "+r.Host+r.URL.Path, http.StatusTeapot)
			return
		}
		http.Error(w, "no worker of scaled", status)
	})}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(l)
	defer srv.Close()
	for _, addr := range []string{"", path} {
		if err := Ready(context.Background(), addr); err != nil {
			t.Errorf("%q: %v", addr, err)
		}
	}
	status = http.StatusServiceUnavailable
	if err := Ready(context.Background(), ""); err == nil || fault.Of(err).Exit() != fault.ExitFail || !strings.Contains(err.Error(), "503: no worker of scaled") {
		t.Errorf("not ready: %v", err)
	}
	srv.Close()
	if err := Ready(context.Background(), path); err == nil || fault.Of(err).Exit() != fault.ExitFail {
		t.Errorf("nobody listens: %v", err)
	}
	if err := Ready(context.Background(), "imgd"); fault.Of(err) != fault.Usage {
		t.Errorf("not an address: %v", err)
	}
}
