package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
)

// checked is a Config that would serve.
func checked(t *testing.T) Config {
	t.Helper()
	t.Setenv("IMGTOOLS_RUN", filepath.Join(t.TempDir(), "run"))
	return Config{
		Name: "grayd", Verb: "gray", Workers: 3, Timeout: 90 * time.Second, MaxPixels: 250e6, MaxMem: 1 << 30, Sandbox: "off",
		Stderr: os.Stderr,
	}
}

// Check prints what would be served, in all its lines, and leaves nothing behind.
func TestCheckPrintsWhatWouldBeServed(t *testing.T) {
	c := checked(t)
	run := os.Getenv("IMGTOOLS_RUN")
	const rest = "verb: gray\nworkers: 3\ntimeout: 1m30s\nmaxpixels: 250M\nmaxmem: 1G\nsandbox: off\n"
	for name, address := range map[string]struct {
		given []string
		lines string
	}{
		"default address": {nil, "address: unix:" + run + "/grayd.sock\n"},
		"two addresses": {
			[]string{"tcp:127.0.0.1:8001", filepath.Dir(run) + "/x.sock"},
			"address: tcp:127.0.0.1:8001\naddress: unix:" + filepath.Dir(run) + "/x.sock\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.Addresses = address.given
			var out strings.Builder
			if err := Check(c, &out); err != nil || out.String() != address.lines+rest {
				t.Errorf("%v\n%s\nwant:\n%s", err, &out, address.lines+rest)
			}
		})
	}
	if left, _ := os.ReadDir(filepath.Dir(run)); len(left) != 0 {
		t.Errorf("Check has made %v", left)
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Config)
		part   string
	}{
		"workers":         {func(c *Config) { c.Workers = 0 }, "0 workers"},
		"time":            {func(c *Config) { c.Timeout = 0 }, "time limit"},
		"pixels":          {func(c *Config) { c.MaxPixels = 0 }, "pixels"},
		"memory":          {func(c *Config) { c.MaxMem = 1 }, "a worker needs"},
		"sandbox":         {func(c *Config) { c.Sandbox = "loose" }, "loose"},
		"address":         {func(c *Config) { c.Addresses = []string{"nonsense"} }, "nonsense"},
		"file":            {func(c *Config) { c.Addresses = []string{"unix:" + file} }, "is not a socket"},
		"no folder":       {func(c *Config) { c.Addresses = []string{file + "s/x.sock"} }, "no such file"},
		"default address": {func(c *Config) { os.WriteFile(os.Getenv("IMGTOOLS_RUN"), nil, 0o600) }, "not a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			conf := checked(t)
			c.change(&conf)
			var out strings.Builder
			err := Check(conf, &out)
			if err == nil || fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), c.part) {
				t.Errorf("%v (%v); want %q", err, fault.Of(err), c.part)
			}
			if out.Len() > 0 {
				t.Errorf("beside the error it prints %q", &out)
			}
		})
	}
}

// An output that can't be written is an error.
func TestCheckWithoutAnOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	if err := Check(checked(t), full); err == nil {
		t.Error("nothing was printed, and nothing is said")
	}
}
