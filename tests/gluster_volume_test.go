package tests

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// glusterHost is the address of the file server, for documentation by RFC 5737.
// glusterd takes none of 127.0.0.0/8.
const glusterHost = "192.0.2.1"

// gluster is a GlusterFS volume on this machine, with one brick or with three that
// have the same files. All of its processes are in a network namespace of their own, so
// that no port and no address is taken. The mounts are seen by everybody.
type gluster struct {
	t      *testing.T
	dir    string
	daemon *server // glusterd
}

// newGluster starts glusterd and a volume.
func newGluster(t *testing.T, bricks int) *gluster {
	t.Helper()
	g := &gluster{t: t, dir: runDir(t)}
	for _, d := range []string{"state", "run"} {
		if err := os.Mkdir(filepath.Join(g.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config := `volume management
    type mgmt/glusterd
    option working-directory ` + g.dir + `/state
    option run-directory ` + g.dir + `/run
    option glusterd-sockfile ` + g.dir + `/cli.sock
    option transport-type socket
    option transport.address-family inet
end-volume
`
	write(t, g.dir, "glusterd.vol", []byte(config))
	g.daemon = start(t, "glusterd", exec.Command("unshare", "--net", "sh", "-ec", `
		ip link set lo up
		ip address add `+glusterHost+`/32 dev lo
		exec glusterd --no-daemon -f "$0"/glusterd.vol -p "$0"/glusterd.pid -l "$0"/glusterd.log`, g.dir))
	eventually.Within(t, time.Minute, "glusterd answers", func() bool {
		_, err := g.command("volume", "info")
		return err == nil
	})
	t.Cleanup(func() {
		files, err := filepath.Glob(filepath.Join(g.dir, "run/*/*/*.pid"))
		for _, f := range files { // glusterd leaves them running
			err = errors.Join(err, killByFile(f))
		}
		if err != nil || len(files) < bricks {
			t.Errorf("ending what serves the volume: %q, %v", files, err)
		}
	})
	create := []string{"volume", "create", "v"}
	if bricks > 1 {
		create = append(create, "replica", fmt.Sprint(bricks))
	}
	for i := range bricks {
		create = append(create, fmt.Sprintf("%s:%s/brick%d", glusterHost, g.dir, i))
	}
	g.must(append(create, "force")...)
	g.must("volume", "start", "v")
	return g
}

// inside returns a command that runs in the network namespace.
func (g *gluster) inside(name string, args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{fmt.Sprintf("--net=/proc/%d/ns/net", g.daemon.cmd.Process.Pid), name}, args...)...)
}

// command gives a command to glusterd.
func (g *gluster) command(args ...string) (string, error) {
	out, err := g.inside("gluster", append([]string{"--mode=script", "--glusterd-sock=" + g.dir + "/cli.sock"}, args...)...).CombinedOutput()
	return string(out), err
}

func (g *gluster) must(args ...string) {
	g.t.Helper()
	if out, err := g.command(args...); err != nil {
		g.t.Fatalf("gluster %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// killBrick kills the process that serves a brick. glusterd would take a killed process
// that nobody has reaped for running, so its pid file goes, too.
func (g *gluster) killBrick(i int) error {
	files, _ := filepath.Glob(filepath.Join(g.dir, fmt.Sprintf("run/vols/v/*brick%d.pid", i)))
	if len(files) != 1 {
		return fmt.Errorf("its pid files: %q", files)
	}
	return killByFile(files[0])
}

// killByFile kills the process whose id is in a file, and removes the file.
func killByFile(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("%s: %w", path, err)
	}
	if !eventually.Is(eventually.Patience, func() bool {
		_, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		return err != nil
	}) {
		return fmt.Errorf("%s: process %d is still there", path, pid)
	}
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// startBrick starts the brick that is not running, and returns when the mounts see it. A
// brick that was started again knows no locks.
func (g *gluster) startBrick(mounts ...*glusterMount) {
	g.t.Helper()
	g.must("volume", "start", "v", "force")
	for _, m := range mounts {
		m.wait()
	}
}

// glusterMount is one mount of the volume.
type glusterMount struct {
	g   *gluster
	dir string
	fs  *server // glusterfs
}

func (g *gluster) mount(name string) *glusterMount {
	g.t.Helper()
	m := &glusterMount{g: g, dir: filepath.Join(g.dir, name)}
	if err := os.Mkdir(m.dir, 0o755); err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { exec.Command("umount", "-l", m.dir).Run() }) // fails if it was unmounted
	m.again()
	return m
}

// again mounts the volume on the same folder.
func (m *glusterMount) again() {
	m.g.t.Helper()
	m.fs = start(m.g.t, "glusterfs", m.g.inside("glusterfs", "--no-daemon", "--volfile-server="+glusterHost, "--volfile-id=v",
		"-l", m.dir+".log", m.dir))
	m.wait()
}

// wait waits until the volume is seen on the folder.
func (m *glusterMount) wait() {
	m.g.t.Helper()
	const fuse = 0x65735546
	eventually.Within(m.g.t, time.Minute, m.dir+" is there", func() bool {
		var st syscall.Statfs_t
		_, err := os.ReadDir(m.dir)
		return err == nil && syscall.Statfs(m.dir, &st) == nil && st.Type == fuse
	})
}

// kill kills the process behind the mount: from then on every call for a file on it
// fails with ENOTCONN, until it is mounted again.
func (m *glusterMount) kill() {
	m.g.t.Helper()
	m.fs.kill()
	must(m.g.t, "", "umount -l "+m.dir)
}
