package tests

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// postJob hands in a picture and returns the answer.
func (s *server) postJob(t *testing.T, query string, picture []byte) (*http.Response, string) {
	t.Helper()
	resp, b, err := s.do("POST", "/jobs?"+query, bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	return resp, strings.TrimSpace(string(b))
}

// isFull checks that an answer is 507 with a Retry-After and one line.
func isFull(t *testing.T, resp *http.Response, body string) {
	t.Helper()
	n, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if resp.StatusCode != 507 || err != nil || n < 1 || strings.Contains(body, "\n") {
		t.Errorf("%s, Retry-After %q, %q; want 507", resp.Status, resp.Header.Get("Retry-After"), body)
	}
}

// A full spool takes no more, until finished jobs were fetched: these go first, the
// one that finished first before the others; none goes that was not fetched.
func TestFaultFullQuota(t *testing.T) {
	d := startDaemons(t)
	dir := t.TempDir()
	picture := read(t, save(t, dir, "p.png", photo(400, 300, 1)))
	s := restartImgd(t, runDir(t), filepath.Join(dir, "spool"),
		append([]string{"-n", "1", "-quota", fmt.Sprint(6 * len(picture))}, d.flags()...)...)
	var ids []string
	for {
		resp, b := s.postJob(t, "gray&format=png", picture)
		if resp.StatusCode != 202 {
			isFull(t, resp, b)
			break
		}
		ids = append(ids, b)
		s.want(t, 200, "GET", "/jobs/"+b+"?wait=60", nil)
		if len(ids) > 30 {
			t.Fatal("it never gets full")
		}
	}
	if len(ids) < 3 {
		t.Fatalf("full after %d jobs", len(ids))
	}
	s.want(t, 200, "GET", "/healthz", nil)
	s.want(t, 200, "GET", "/readyz", nil)
	for _, id := range []string{ids[1], ids[0]} {
		s.want(t, 200, "GET", "/jobs/"+id+"/image", nil)
	}
	var last *http.Response
	var more []string
	eventually.Within(t, 10*time.Second, "there is room again", func() bool { // delivery is noted after the last byte
		var b string
		if last, b = s.postJob(t, "gray&format=png", picture); last.StatusCode == 202 {
			more = append(more, b)
		}
		return len(more) > 0
	})
	if resp, _ := s.want(t, 410, "GET", "/jobs/"+ids[0], nil); resp.StatusCode != 410 {
		t.Error("what was finished first and fetched is still there")
	}
	for _, id := range append(ids[2:], more...) {
		s.want(t, 200, "GET", "/jobs/"+id+"?wait=60", nil)
	}
}

// On a small file system of its own jobs leave a twentieth free, of bytes and of
// inodes: 507 until there is room. Meanwhile /image goes on working while there is room
// for its picture. What was accepted before survives even a disk that is wholly full,
// and is done when it is no longer.
func TestFaultFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root can mount: a full disk is injected by TestFaultEveryChangeOfTheSpool alone")
		return
	}
	d := startDaemons(t)
	dir := t.TempDir()
	picture := read(t, save(t, dir, "p.png", photo(400, 300, 1)))
	disks := []struct {
		what, options string
		fill          func(t *testing.T, mount string) (some, all func())
	}{
		{"bytes", "size=12m", fillBytes},
		{"inodes", "size=64m,nr_inodes=400", fillInodes}, // half a minute until the next try
	}
	for _, c := range disks[:few(1, 2)] {
		t.Run(c.what, func(t *testing.T) {
			mount := t.TempDir()
			if err := syscall.Mount("none", mount, "tmpfs", 0, c.options); err != nil {
				t.Fatalf("mount tmpfs: %v", err)
			}
			t.Cleanup(func() {
				if err := syscall.Unmount(mount, syscall.MNT_DETACH); err != nil {
					t.Error(err)
				}
			})
			run, spool := runDir(t), filepath.Join(mount, "spool")
			flags := append([]string{"-n", "1", "-quota", "1G"}, d.flags()...)
			s := restartImgd(t, run, spool, flags...)
			resp, b := s.postJob(t, "gray", picture)
			if resp.StatusCode != 202 {
				t.Fatalf("%s %s", resp.Status, b)
			}
			before := b
			s.want(t, 200, "GET", "/jobs/"+before+"?wait=60", nil)

			// Daemons away, so that a job is accepted and waits; then the disk is filled.
			s.kill()
			s = restartImgdUnready(t, run, spool, "-n", "1", "-quota", "1G", "-grayd", filepath.Join(dir, "no"), "-scaled", filepath.Join(dir, "no"))
			resp, waiting := s.postJob(t, "gray&format=png", picture)
			if resp.StatusCode != 202 {
				t.Fatalf("%s %s", resp.Status, waiting)
			}
			s.kill()
			some, all := c.fill(t, mount)
			s = restartImgd(t, run, spool, flags...)
			resp, b = s.postJob(t, "gray", picture)
			isFull(t, resp, b)
			if c.what == "bytes" { // unnamed files may be spares, which need no inode
				resp, image, err := s.do("PUT", "/image?gray", bytes.NewReader(picture))
				if err != nil {
					t.Fatal(err)
				}
				isFull(t, resp, strings.TrimSpace(string(image)))
			}
			some()
			resp, b = s.postJob(t, "gray", picture)
			isFull(t, resp, b)
			s.want(t, 200, "PUT", "/image?gray", bytes.NewReader(picture))
			if _, b := s.want(t, 200, "GET", "/readyz", nil); !strings.Contains(string(b), "\nspool: full: ") {
				t.Errorf("/readyz says %q", b)
			}
			if !strings.Contains(s.log.String(), "no jobs are taken; /image works") {
				t.Error("a start with a full disk says nothing")
			}
			s.want(t, 200, "GET", "/healthz", nil)
			s.want(t, 200, "GET", "/jobs/"+before+"/image", nil)
			all()
			begin := time.Now()
			s.want(t, 200, "GET", "/jobs/"+waiting+"/image?wait=60", nil)
			if resp, b := s.postJob(t, "gray", picture); resp.StatusCode != 202 {
				t.Errorf("with room again: %s %s", resp.Status, b)
			}
			reportFault(t, faultRow{fault: "disk full of " + c.what, times: 1, served: 3, lostDaemon: -1, recovery: time.Since(begin)})
		})
	}
}

// restartImgdUnready is restartImgd that does not wait for daemons.
func restartImgdUnready(t *testing.T, run, spool string, args ...string) *server {
	t.Helper()
	s := spawn(t, run, "imgd", append([]string{"-p", "0", "-spool", spool}, args...)...)
	s.spool = spool
	if err := s.attach(t); err != nil {
		t.Fatal(err)
	}
	return s
}

// fillBytes leaves no byte free. After some 400 KiB are free, less than a twentieth;
// after all the disk is free again.
func fillBytes(t *testing.T, mount string) (some, all func()) {
	t.Helper()
	name := filepath.Join(mount, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 1<<16); err == nil; {
		_, err = f.Write(chunk)
	}
	some = func() {
		fi, err := os.Stat(name)
		if err == nil {
			err = os.Truncate(name, fi.Size()-400<<10)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return some, func() { os.Remove(name) }
}

// fillInodes leaves no inode free. After some a few are.
func fillInodes(t *testing.T, mount string) (some, all func()) {
	t.Helper()
	dir := filepath.Join(mount, "ballast")
	err := os.Mkdir(dir, 0o700)
	for i := 0; err == nil && i < 10000; i++ {
		err = os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o600)
	}
	if err == nil {
		t.Fatal("inodes have no end here")
	}
	some = func() {
		for i := range 8 {
			if err := os.Remove(filepath.Join(dir, strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	return some, func() { os.RemoveAll(dir) }
}
