// Package systemd tests the Debian package under a real systemd as PID 1, in a
// container: make test-systemd. It needs root, systemd-nspawn, mmdebstrap and, for
// the first run, Debian's archive.
package systemd

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

const socket = "/run/imgtools/imgd.sock"

// service is the package in a container.
type service struct {
	*container
	client  *http.Client
	picture []byte
	half    [sha256.Size]byte // of the picture at scale=1/2
}

// ask makes a request, with the picture unless it is a GET, and returns the answer.
func (s *service) ask(method, path string) (status int, body []byte, err error) {
	var picture io.Reader
	if method != "GET" {
		picture = bytes.NewReader(s.picture)
	}
	req, err := http.NewRequest(method, "http://localhost"+path, picture)
	if err != nil {
		return 0, nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// scaled asks for the picture at half its size.
func (s *service) scaled() error {
	status, body, err := s.ask("PUT", "/image?scale=1/2")
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return fmt.Errorf("status %d: %s", status, body)
	case sha256.Sum256(body) != s.half:
		return fmt.Errorf("another picture of %d bytes", len(body))
	}
	return nil
}

// under does something while requests are made one after another, and returns
// how many failed.
func (s *service) under(t *testing.T, do func()) (failed int64) {
	t.Helper()
	var served, lost atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.scaled(); err != nil {
				lost.Add(1)
				t.Logf("a request: %v", err)
			} else {
				served.Add(1)
			}
		}
	}()
	more := func(n int64) {
		before := served.Load()
		eventually.Within(t, time.Minute, "requests served", func() bool { return served.Load() >= before+n })
	}
	more(5)
	do()
	more(20)
	close(stop)
	<-stopped
	return lost.Load()
}

// killed sends SIGKILL to all processes of a service, and waits until systemd has
// started another.
func (s *service) killed(unit string) {
	s.t.Helper()
	old := s.show(unit, "MainPID")
	s.run("systemctl", "kill", "-s", "KILL", unit)
	eventually.True(s.t, unit+" started again", func() bool {
		pid := s.show(unit, "MainPID")
		return pid != "0" && pid != old && s.show(unit, "ActiveState") == "active"
	})
}

func TestPackageUnderSystemd(t *testing.T) {
	if os.Getenv("SYSTEMD") == "" {
		t.Skip("make test-systemd")
	}
	if os.Geteuid() != 0 {
		t.Fatal("only root can start a container")
	}
	out := t.TempDir()
	command(t, "make", "-s", "-C", "../..", "deb", "DEBDIR="+out, "DEBVERSION=1", "DEBFLAGS=-Znone")
	debs, _ := filepath.Glob(filepath.Join(out, "imgtools_1_*.deb"))
	if len(debs) != 1 {
		t.Fatalf("make deb made %v", debs)
	}
	s := &service{container: boot(t)}
	s.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", s.path(socket))
		},
	}}
	s.picture = append([]byte("P5\n640 480\n255\n"), make([]byte, 640*480)...)
	rand.Read(s.picture[len("P5\n640 480\n255\n"):])
	half := exec.Command("../../bin/scale", "1/2")
	half.Stdin = bytes.NewReader(s.picture)
	want, err := half.Output()
	if err != nil {
		t.Fatal(err)
	}
	s.half = sha256.Sum256(want)
	command(t, "cp", debs[0], filepath.Join(s.root, "root", "imgtools.deb"))

	for _, step := range []struct {
		name string
		do   func(t *testing.T, s *service)
	}{
		{"sockets listen once the package is installed", install},
		{"the first request starts all three", firstRequest},
		{"heifd decodes in its jail", decode},
		{"a reload loses nothing", reload},
		{"a restart loses nothing", restart},
		{"killed daemons lose nothing", killDaemons},
		{"a killed imgd loses the requests in hand only", killImgd},
		{"acknowledged jobs are done after kills", killWithJobs},
		{"crash loops are never given up", crashLoop},
		{"the watchdog replaces a stopped imgd", watchdog},
		{"an upgrade loses nothing", upgrade},
		{"nothing is left after a purge", purge},
	} {
		if !t.Run(step.name, func(t *testing.T) {
			all := s.container.t
			s.container.t = t
			defer func() { s.container.t = all }()
			step.do(t, s)
			if t.Failed() {
				log, _ := s.try("journalctl", "-n", "60", "--no-pager")
				t.Logf("journal:\n%s", log)
			}
		}) {
			return
		}
	}
}

var services = []string{"imgd.service", "grayd.service", "scaled.service", "heifd.service"}

func install(t *testing.T, s *service) {
	s.run("dpkg", "-i", "/root/imgtools.deb")
	for _, u := range []string{"imgd.socket", "grayd.socket", "scaled.socket"} {
		if state := s.show(u, "ActiveState"); state != "active" {
			t.Errorf("%s is %s", u, state)
		}
	}
	for _, u := range services {
		if state := s.show(u, "ActiveState"); state != "inactive" {
			t.Errorf("%s is %s before the first request", u, state)
		}
	}
}

// decode has HEIC and AVIF decoded by programs in the jail, which sets itself up within the
// unit's own sandbox.
func decode(t *testing.T, s *service) {
	eventually.Within(t, time.Minute, "heifd has found programs", func() bool {
		status := s.run("curl", "-s", "http://127.0.0.1:8080/metrics")
		return strings.Contains(status, `imgtools_decoder{format="heic"} 1`) && strings.Contains(status, `imgtools_decoder{format="avif"} 1`)
	})
	for _, name := range []string{"exif.heic", "alpha.heic", "exif.avif", "alpha.avif"} {
		data, err := os.ReadFile("../../pkg/picture/heif/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest("PUT", "http://localhost/image?scale=20x", bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "image/") {
			t.Errorf("%s: %d, %v: %.300s", name, resp.StatusCode, err, body)
		}
	}
	if text := s.show("heifd.service", "StatusText"); !strings.Contains(text, "sandbox no_new_privs landlock-") || !strings.Contains(text, " seccomp") {
		t.Errorf("status of heifd: %s", text)
	}
	if left, _ := s.try("pgrep", "-f", "^imgtools: jail|^/usr/bin/(heif-convert|avifdec) "); left != "" {
		t.Errorf("left running: %s", left)
	}
}

func firstRequest(t *testing.T, s *service) {
	if err := os.WriteFile(filepath.Join(s.root, "root", "p.pgm"), s.picture, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		s.run("curl", "-sf", "-o", "/root/half", "--data-binary", "@/root/p.pgm", "http://"+host+":8080/image?scale=1/2")
		b, err := os.ReadFile(filepath.Join(s.root, "root", "half"))
		if err != nil || sha256.Sum256(b) != s.half {
			t.Errorf("by %s: another picture of %d bytes, %v", host, len(b), err)
		}
	}
	if status, body, err := s.ask("PUT", "/image?gray"); err != nil || status != http.StatusOK {
		t.Errorf("gray: %d %s, %v", status, body, err)
	}
	for _, u := range services { // heifd, which no request has waited for, tests itself first
		eventually.True(t, u+" is active", func() bool { return s.show(u, "ActiveState") == "active" })
	}
	if text := s.show("scaled.service", "StatusText"); !strings.Contains(text, "sandbox no_new_privs landlock-") || !strings.Contains(text, " seccomp") {
		t.Errorf("status of scaled: %s", text)
	}
	if user := s.show("imgd.service", "User"); user != "imgtools" {
		t.Errorf("imgd runs as %s", user)
	}
}

// none fails the test if requests failed.
func none(t *testing.T, what string, failed int64) {
	t.Helper()
	if failed != 0 {
		t.Errorf("%s: %d requests failed", what, failed)
	}
}

func reload(t *testing.T, s *service) {
	none(t, "3 reloads", s.under(t, func() {
		for range 3 {
			s.run(append([]string{"systemctl", "reload"}, services...)...)
		}
	}))
}

func restart(t *testing.T, s *service) {
	for _, u := range services {
		none(t, u, s.under(t, func() {
			for range 3 {
				s.run("systemctl", "restart", u)
			}
		}))
	}
}

func killDaemons(t *testing.T, s *service) {
	for _, u := range []string{"scaled.service", "grayd.service"} {
		none(t, u, s.under(t, func() {
			for range 3 {
				s.killed(u)
			}
		}))
	}
}

func killImgd(t *testing.T, s *service) {
	const kills = 3
	if failed := s.under(t, func() {
		for range kills {
			s.killed("imgd.service")
		}
	}); failed > kills { // one client has one request in hand
		t.Errorf("%d kills: %d requests failed", kills, failed)
	}
}

func killWithJobs(t *testing.T, s *service) {
	var ids []string
	for range 3 {
		for range 20 {
			if status, body, err := s.ask("POST", "/jobs?scale=1/2"); err == nil && status == http.StatusAccepted {
				ids = append(ids, strings.TrimSpace(string(body)))
			}
		}
		s.killed("imgd.service")
	}
	if len(ids) < 50 {
		t.Errorf("only %d of 60 jobs were acknowledged", len(ids))
	}
	for _, id := range ids {
		if status, body, err := s.ask("GET", "/jobs/"+id+"/image?wait=30"); err != nil || status != http.StatusOK || sha256.Sum256(body) != s.half {
			t.Errorf("job %.6s: %d, %d bytes, %v", id, status, len(body), err)
		}
	}
}

// Seven deaths follow each other as fast as systemd starts the service.
func crashLoop(t *testing.T, s *service) {
	for _, u := range services {
		for range 7 {
			s.killed(u)
		}
		if err := s.scaled(); err != nil {
			t.Errorf("after 7 kills of %s: %v", u, err)
		}
		if status, body, err := s.ask("PUT", "/image?gray"); err != nil || status != http.StatusOK {
			t.Errorf("after 7 kills of %s: %d %s, %v", u, status, body, err)
		}
	}
}

func watchdog(t *testing.T, s *service) {
	dir := s.path("/run/systemd/system/imgd.service.d")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "test.conf"), []byte("[Service]\nWatchdogSec=2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.run("systemctl", "daemon-reload")
	s.run("systemctl", "restart", "imgd.service")
	if err := s.scaled(); err != nil {
		t.Fatal(err)
	}
	old := s.show("imgd.service", "MainPID")
	s.run("kill", "-s", "STOP", old)
	eventually.Within(t, time.Minute, "another imgd", func() bool {
		pid := s.show("imgd.service", "MainPID")
		return pid != "0" && pid != old
	})
	if err := s.scaled(); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s.run("systemctl", "daemon-reload")
	s.run("systemctl", "restart", "imgd.service")
}

func upgrade(t *testing.T, s *service) {
	none(t, "dpkg -i again", s.under(t, func() { s.run("dpkg", "-i", "/root/imgtools.deb") }))
}

func purge(t *testing.T, s *service) {
	s.run("dpkg", "-r", "imgtools")
	for _, p := range []string{"imgd", "grayd", "scaled", "heifd"} {
		if out, err := s.try("pgrep", "-x", p); err == nil {
			t.Errorf("%s runs after its removal: %s", p, out)
		}
	}
	if _, err := os.Stat(s.path("/var/lib/imgtools")); err != nil {
		t.Errorf("the spool went with the package: %v", err)
	}
	s.run("dpkg", "-P", "imgtools")
	left := s.run("find", "/", "-xdev", "(", "-name", "*imgtools*", "-o", "-name", "imgd*", "-o", "-name", "grayd*", "-o", "-name", "scaled*", "-o", "-name", "heifd*", ")",
		"-not", "-path", "/proc/*", "-not", "-path", "/root/*", "-not", "-path", "/var/log/*", "-not", "-path", "/var/lib/dpkg/*")
	if left != "" {
		t.Errorf("left after the purge:\n%s", left)
	}
	for _, what := range []string{"list-unit-files", "list-units --failed"} {
		out, _ := s.try(append(append([]string{"systemctl", "--no-legend"}, strings.Fields(what)...), "imgd*", "grayd*", "scaled*", "heifd*")...)
		if out != "" {
			t.Errorf("%s after the purge:\n%s", what, out)
		}
	}
}
