// Package container tests the images imgtools and imgtools-heif under podman: make
// test-container, which builds them. The container has a read-only root, no capabilities, and a user that the
// image does not know.
package container

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

const (
	token = "sesame"
	user  = "12345:23456" // anyone

	small = "localhost/imgtools"
	heif  = "localhost/imgtools-heif"
)

// podman is how containers run on this machine.
type podman struct {
	image   string
	global  []string // options of podman
	options []string // options of podman run
}

// command runs a command of this machine and returns what it prints on standard output.
func command(stdin []byte, name string, args ...string) ([]byte, error) {
	c := exec.Command(name, args...)
	var said bytes.Buffer
	c.Stdin, c.Stderr = bytes.NewReader(stdin), &said
	out, err := c.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, &said)
	}
	return out, err
}

func (p *podman) try(args ...string) (string, error) {
	out, err := command(nil, "podman", slices.Concat(p.global, args)...)
	return strings.TrimSpace(string(out)), err
}

func (p *podman) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.try(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// setUp finds out how podman runs a container here, with a secret as the recipe has it.
// Where podman may not raise limits, they are lower; where crun does not know the
// control groups, runc runs the container. Under a read-only root runc of Debian 12
// cannot mount a secret, and a file takes its place.
func setUp(t *testing.T, image string) *podman {
	t.Helper()
	if os.Getenv("CONTAINER") == "" {
		t.Skip("make test-container")
	}
	p := &podman{image: image}
	secret, file := "imgtools-test-"+rand.Text(), filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.run(t, "secret", "create", secret, file)
	t.Cleanup(func() { p.run(t, "secret", "rm", secret) })

	confined := []string{"--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges", "--user", user}
	asSecret := append(confined, "--secret", secret+",target=imgd,uid=12345,mode=0400")
	asFile := append(confined, "-v", file+":/run/secrets/imgd:ro")
	limits := []string{"--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"}
	runc := []string{"--runtime", "runc"}
	var errs []error
	for _, way := range []podman{
		{options: asSecret},
		{options: slices.Concat(asSecret, limits)},
		{options: slices.Concat(asSecret, limits), global: runc},
		{options: slices.Concat(asFile, limits), global: runc},
	} {
		p.options, p.global = way.options, way.global
		_, err := p.try(slices.Concat([]string{"run", "--rm"}, p.options, []string{p.image, "-C", "-spool", "/tmp/spool"})...)
		if err == nil {
			t.Logf("podman %s run %s", strings.Join(p.global, " "), strings.Join(p.options, " "))
			return p
		}
		errs = append(errs, err)
	}
	t.Fatalf("podman runs no container here: %v", errors.Join(errs...))
	return nil
}

// box is a container that serves.
type box struct {
	*podman
	name, url string
}

// start runs the image with options of podman run, and arguments of imgd in place of
// those of the image, if there are any. It waits until imgd is ready.
func (p *podman) start(t *testing.T, options, args []string) *box {
	t.Helper()
	b := &box{podman: p, name: "imgtools-test-" + rand.Text()}
	p.run(t, slices.Concat([]string{"run", "-d", "--name", b.name, "-p", "127.0.0.1::8080"}, p.options, options, []string{p.image}, args)...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the container:\n%s", b.log(t))
		}
		p.run(t, "rm", "-f", "-t", "0", b.name)
	})
	b.ready(t)
	return b
}

// ready waits until imgd answers /readyz with 200.
func (b *box) ready(t *testing.T) {
	t.Helper()
	b.url = "http://" + b.run(t, "port", b.name, "8080/tcp")
	last := ""
	if !eventually.Is(30*time.Second, func() bool {
		status, body, err := b.ask("GET", "/readyz", "", nil)
		last = fmt.Sprint(status, " ", string(body), err)
		return status == http.StatusOK
	}) {
		t.Fatalf("/readyz: %s", last)
	}
}

// log returns what imgd and the daemons have printed.
func (b *box) log(t *testing.T) string {
	out, err := exec.Command("podman", "logs", b.name).CombinedOutput()
	if err != nil {
		t.Errorf("podman logs: %v", err)
	}
	return string(out)
}

// ask makes a request, with a token if there is one, and returns the answer.
func (b *box) ask(method, path, token string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequest(method, b.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// get is ask with the token, for a request that must go well.
func (b *box) get(t *testing.T, method, path string, body []byte) []byte {
	t.Helper()
	status, answer, err := b.ask(method, path, token, body)
	if err != nil || status/100 != 2 {
		t.Fatalf("%s %s: %d %s %v", method, path, status, answer, err)
	}
	return answer
}

// photograph returns a picture, and what the filter makes of it at half its size.
func photograph(t *testing.T) (in, half []byte) {
	t.Helper()
	in, err := os.ReadFile("../testdata/clouds.jpg")
	if err != nil {
		t.Fatal(err)
	}
	half, err = command(in, "../../bin/scale", "1/2")
	if err != nil {
		t.Fatal(err)
	}
	return in, half
}

// gray is what jobs are asked for: work for both daemons.
const gray = "?gray&scale=1/2"

// Without a volume the service works at once and says that its jobs do not last.
func TestWithoutAVolume(t *testing.T) {
	b := setUp(t, small).start(t, nil, nil)
	in, half := photograph(t)
	id := strings.TrimSpace(string(b.get(t, "POST", "/jobs"+gray, in)))

	t.Run("jobs end with the container", func(t *testing.T) {
		if !strings.Contains(b.log(t), "spool /tmp/spool is on tmpfs: its jobs end with this container") {
			t.Error("imgd does not say so")
		}
	})
	t.Run("a token is needed", func(t *testing.T) {
		if status, _, err := b.ask("POST", "/image?scale=1/2", "", in); status != http.StatusUnauthorized {
			t.Errorf("without one: %d %v", status, err)
		}
	})
	t.Run("an upload", func(t *testing.T) {
		if got := b.get(t, "POST", "/image?scale=1/2", in); !bytes.Equal(got, half) {
			t.Errorf("%d bytes, not the %d that scale gives", len(got), len(half))
		}
	})
	t.Run("a job", func(t *testing.T) {
		got, image := b.get(t, "GET", "/jobs/"+id+"/image?wait", nil), b.get(t, "POST", "/image"+gray, in)
		if !bytes.Equal(got, image) {
			t.Errorf("%d bytes, not the %d of /image", len(got), len(image))
		}
	})
	t.Run("the health check", func(t *testing.T) {
		b.run(t, "healthcheck", "run", b.name)
	})
	t.Run("clients inside, over IPv6", func(t *testing.T) {
		if list := b.run(t, "exec", b.name, "imgls", "-a", "http://[::1]:8080", "-token", "/run/secrets/imgd", id); !strings.Contains(list, "done") {
			t.Errorf("imgls: %s", list)
		}
	})
	t.Run("the root is read-only", func(t *testing.T) {
		if out, err := b.try("exec", b.name, "imgd", "-C", "-spool", "/spool/jobs"); err == nil || !strings.Contains(err.Error(), "read-only file system") {
			t.Errorf("a spool at /spool without a volume: %s %v", out, err)
		}
	})
}

// On a volume a job's result outlives a restart. The workers have the whole sandbox.
func TestJobsOutliveARestart(t *testing.T) {
	p := setUp(t, small)
	volume := "imgtools-test-" + rand.Text()
	t.Cleanup(func() { p.run(t, "volume", "rm", "-f", volume) })
	b := p.start(t, []string{"-v", volume + ":/spool"}, []string{"-spool", "/spool/jobs", "-quota", "1G", "-sandbox", "strict"})
	if strings.Contains(b.log(t), "jobs end with") {
		t.Error("imgd says that jobs end with the container")
	}
	in, _ := photograph(t)
	id := strings.TrimSpace(string(b.get(t, "POST", "/jobs"+gray, in)))
	want := b.get(t, "GET", "/jobs/"+id+"/image?wait", nil)
	b.run(t, "stop", "-t", "40", b.name)
	if code := b.run(t, "inspect", "--format", "{{.State.ExitCode}}", b.name); code != "0" {
		t.Errorf("it stops with exit code %s", code)
	}
	b.run(t, "start", b.name)
	b.ready(t)
	if got := b.get(t, "GET", "/jobs/"+id+"/image", nil); !bytes.Equal(got, want) {
		t.Errorf("after a restart: %d bytes, want %d", len(got), len(want))
	}
}

// HEIC and AVIF are decoded where the image has decoders, and otherwise refused.
func TestHEIC(t *testing.T) {
	files := map[string]string{"HEIC": "p3.heic", "AVIF": "gray.avif"}
	for _, c := range []struct {
		image  string
		status int
	}{{heif, http.StatusOK}, {small, http.StatusUnsupportedMediaType}} {
		t.Run(c.image, func(t *testing.T) {
			b := setUp(t, c.image).start(t, nil, nil)
			for format, file := range files {
				in, err := os.ReadFile("../../pkg/picture/heif/testdata/" + file)
				if err != nil {
					t.Fatal(err)
				}
				// heifd may not be ready when imgd is: then the answer is 503.
				if !eventually.Is(30*time.Second, func() bool {
					status, answer, err := b.ask("POST", "/image?scale=1/2", token, in)
					if err == nil && status == http.StatusServiceUnavailable {
						return false
					}
					if err != nil || status != c.status {
						t.Errorf("%s: %d %.100q %v, want %d", format, status, answer, err, c.status)
					}
					return true
				}) {
					t.Errorf("%s: busy for 30 s", format)
				}
			}
		})
	}
}
