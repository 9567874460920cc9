package systemd

import (
	"bytes"
	"fmt"
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

// poweroff is SIGRTMIN+4, on which systemd powers off (systemd(1)).
const poweroff = syscall.Signal(34 + 4)

// container is a Debian system that runs systemd as its PID 1 (systemd-nspawn(1)).
type container struct {
	t      *testing.T
	root   string
	leader int // its PID 1, as this system numbers it
}

// image returns an archive of a Debian system with systemd and decoders, which it makes once
// (mmdebstrap(1)) and keeps in bin.
func image(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/systemd-heif-root.tar")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	t.Log("making a Debian system, which takes some minutes")
	command(t, "mkdir", "-p", filepath.Dir(path))
	command(t, "mmdebstrap", "--quiet", "--variant=minbase", "--include=systemd,systemd-sysv,dbus,curl,procps,libheif-examples,libavif-bin", "bookworm", path+".new.tar")
	if err := os.Rename(path+".new.tar", path); err != nil {
		t.Fatal(err)
	}
	return path
}

// command runs a command on this system.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// boot starts a fresh container and waits until systemd is up. It ends with the
// test.
func boot(t *testing.T) *container {
	t.Helper()
	tar := image(t)
	c := &container{t: t, root: filepath.Join(t.TempDir(), "root")}
	command(t, "mkdir", c.root)
	command(t, "tar", "-C", c.root, "-xf", tar)
	var console bytes.Buffer
	// Its filter of system calls has no Landlock unless it is told; with a network
	// of its own, port 8080 is the container's.
	nspawn := exec.Command("systemd-nspawn", "-q", "--register=no", "--keep-unit", "--private-network",
		"--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self",
		"-D", c.root, "-b", "--console=pipe")
	nspawn.Stdout, nspawn.Stderr = &console, &console
	nspawn.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := nspawn.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { nspawn.Wait(); close(ended) }()
	t.Cleanup(func() {
		if c.leader != 0 {
			syscall.Kill(c.leader, poweroff)
		}
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			nspawn.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("console:\n%s", &console)
		}
	})
	eventually.True(t, "a PID 1", func() bool {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", nspawn.Process.Pid, nspawn.Process.Pid))
		for _, f := range strings.Fields(string(children)) {
			comm, _ := os.ReadFile("/proc/" + f + "/comm")
			if string(comm) == "systemd\n" {
				c.leader, _ = strconv.Atoi(f)
			}
		}
		return c.leader != 0
	})
	eventually.Within(t, time.Minute, "systemd up", func() bool {
		out, _ := c.try("systemctl", "is-system-running")
		return out == "running" || out == "degraded"
	})
	return c
}

// try runs a command in the container and returns what it prints, without the
// last line end.
func (c *container) try(args ...string) (string, error) {
	cmd := exec.Command("nsenter", append([]string{
		"-t", strconv.Itoa(c.leader), "-a", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}, args...)...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSuffix(string(out), "\n"), err
}

// run is try for a command that must go well.
func (c *container) run(args ...string) string {
	c.t.Helper()
	out, err := c.try(args...)
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// show returns a property of a unit.
func (c *container) show(unit, property string) string {
	c.t.Helper()
	return c.run("systemctl", "show", "-P", property, unit)
}

// path returns where this system finds a path of the container, also on file
// systems that are mounted in it.
func (c *container) path(inside string) string {
	return fmt.Sprintf("/proc/%d/root%s", c.leader, inside)
}
