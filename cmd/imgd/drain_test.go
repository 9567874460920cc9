package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/front/service"
)

// After TERM, -drain serves as before, but says that it is leaving; a second signal
// ends it.
func TestDrain(t *testing.T) {
	i := start(t, t.TempDir(), t.TempDir(), "-drain", "10m").ready()
	for late := time.After(20 * time.Second); ; {
		if code, _ := i.ask("GET", "/readyz", ""); code == 200 {
			break
		}
		select {
		case <-late:
			t.Fatal("never ready")
		default:
		}
	}
	i.cmd.Process.Signal(syscall.SIGTERM)
	i.hear("draining for 10m")
	if code, body := i.ask("GET", "/readyz", ""); code != 503 || !strings.Contains(body, "stopping") {
		t.Errorf("/readyz: %d %q", code, body)
	}
	if err := service.Ready(t.Context(), i.url); err == nil || !strings.HasSuffix(err.Error(), ": 503: stopping") {
		t.Errorf("-ready: %q", err)
	}
	resp, err := http.Post(i.url+"/image", "image/png", strings.NewReader("A"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || !resp.Close {
		t.Errorf("a request while draining: %s, connection closes: %v", resp.Status, resp.Close)
	}
	if code, body := i.ask("POST", "/jobs", "A"); code != 202 {
		t.Errorf("a job while draining: %d %q", code, body)
	}
	i.cmd.Process.Signal(syscall.SIGTERM)
	i.ended()
	if err := i.cmd.Wait(); err != nil {
		t.Errorf("after the second signal: %v", err)
	}
}

// Any name without a token, for other machines, has to be asked for.
func TestAnyHostNeedsATokenOrPublic(t *testing.T) {
	for _, c := range []struct {
		args string
		good bool
	}{
		{"-i 0.0.0.0 -host *", false}, {"-i 0.0.0.0 -host * -public", true}, {"-i 127.0.0.1 -host *", true}, {"-i 0.0.0.0 -host *.lan", true},
	} {
		t.Run(c.args, func(t *testing.T) {
			i := start(t, t.TempDir(), t.TempDir(), strings.Fields(c.args)...)
			if c.good {
				i.ready()
				return
			}
			i.hear("give -token FILE, or -public")
			i.ended()
			i.cmd.Wait()
			if status := i.cmd.ProcessState.ExitCode(); status != 2 {
				t.Errorf("exit %d", status)
			}
		})
	}
}
