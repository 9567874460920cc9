package tests

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Started by systemd's own socket activation, imgd serves the sockets it is
// given, each family and the Unix one, and opens none of its own.
func TestSocketActivationOfImgd(t *testing.T) {
	port := freePort(t)
	run := runDir(t)
	sock := filepath.Join(run, "activated.sock")
	spool := filepath.Join(t.TempDir(), "spool")
	c := exec.Command("systemd-socket-activate", "-l", sock, "-l", fmt.Sprintf("127.0.0.1:%d", port), "-l", fmt.Sprintf("[::1]:%d", port),
		"-E", "IMGTOOLS_RUN="+run, "-E", "PATH", "-E", "HOME", filepath.Join(binDir, "imgd"), "-n", "1", "-spool", spool)
	c.Env = append(os.Environ(), "IMGTOOLS_RUN="+run)
	activated := start(t, "imgd", c) // TERM reaches imgd: activation is an exec
	if _, err := activated.log.Wait(10*time.Second, activated.gone, func(s string) string {
		if strings.Count(s, "Listening on") == 3 {
			return "yes"
		}
		return ""
	}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	picture := read(t, save(t, dir, "foo.jpg", photo(200, 150, 3)))
	want := must(t, dir, "gray < foo.jpg")
	for _, u := range []string{fmt.Sprintf("http://[::1]:%d", port), fmt.Sprintf("http://127.0.0.1:%d", port)} {
		s := &server{url: u, http: &http.Client{}}
		if _, b := s.want(t, 200, "PUT", "/image?gray", bytes.NewReader(picture)); !bytes.Equal(b, want) {
			t.Errorf("%s: not what gray gives", u)
		}
		s.http.CloseIdleConnections()
	}
	if b := must(t, dir, "curl -sf --unix-socket "+sock+" -T foo.jpg http://localhost/image?gray"); !bytes.Equal(b, want) {
		t.Error("the Unix socket: not what gray gives")
	}
	if b := must(t, dir, "imgput -a unix:"+sock+" foo.jpg | imgget -a unix:"+sock); !bytes.Equal(b, want) {
		t.Error("imgput | imgget on the Unix socket: not what gray gives")
	}
	if _, err := os.Stat(filepath.Join(run, "imgd.sock")); err == nil {
		t.Error("imgd opened a socket of its own beside those it was given")
	}
}
