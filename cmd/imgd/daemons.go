package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/backoff"
	"imgtools/pkg/daemon/listen"
)

const (
	settled   = 10 * time.Second // a daemon that lived so long has started well
	killAfter = 5 * time.Second  // a daemon told to stop, beyond the time for one picture
)

// pauses are those between the end of a daemon and its next start.
var pauses = backoff.Pauses{First: 100 * time.Millisecond, Max: 30 * time.Second}

// daemons are the grayd and scaled of our own.
//
// They end with us, whatever we die of: the kernel sends them SIGTERM when the
// thread that started them ends (PR_SET_PDEATHSIG), so one thread starts them all
// and lasts as long as the process. Each has a process group of its own, so that
// an interrupt from the terminal reaches us alone, who then drain.
type daemons struct {
	dir     string   // of their sockets
	owner   *os.File // locked while we live
	starter chan func()
	quit    chan struct{}
	running sync.WaitGroup
	timeout time.Duration

	mu   sync.Mutex
	live map[string]*os.Process
}

// startDaemons starts those daemons for which c names no address, and puts their
// addresses into c. They are looked for beside our own binary, then on PATH.
func startDaemons(c *config) (*daemons, error) {
	d := &daemons{starter: make(chan func()), quit: make(chan struct{}), live: map[string]*os.Process{}, timeout: c.timeout}
	type wanted struct {
		name string
		addr *[]string
	}
	paths := map[string]string{}
	var want []wanted
	for _, w := range []wanted{{"grayd", &c.gray}, {"scaled", &c.scale}} {
		if len(*w.addr) > 0 {
			continue
		}
		path, err := findBinary(w.name)
		if err != nil {
			return nil, err
		}
		paths[w.name] = path
		want = append(want, w)
	}
	if len(want) == 0 {
		return d, nil
	}
	if err := d.makeFolder(); err != nil {
		return nil, err
	}
	go func() {
		runtime.LockOSThread() // never unlocked: see above
		for {
			select {
			case f := <-d.starter:
				f()
			case <-d.quit:
				// The thread must not end while daemons drain.
				select {}
			}
		}
	}()
	for _, w := range want {
		addr := "unix:" + filepath.Join(d.dir, w.name+".sock")
		args := []string{
			"-a", addr, "-n", strconv.Itoa(c.workers), "-t", c.timeout.String(),
			"-maxpixels", strconv.FormatInt(c.maxPixels, 10), "-maxmem", strconv.FormatInt(c.maxMem, 10),
			"-sandbox", c.sandbox,
		}
		*w.addr = []string{addr}
		d.running.Go(func() { d.keep(w.name, paths[w.name], args) })
	}
	return d, nil
}

// findBinary returns the path of a command beside our own binary or on PATH.
func findBinary(name string) (string, error) {
	self, err := os.Executable()
	if err == nil {
		path := filepath.Join(filepath.Dir(self), name)
		if unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("no %s beside %s nor on PATH; name one that runs with -%s", name, self, name)
	}
	return filepath.Abs(path)
}

// keep runs a daemon, and starts it again when it ends, later each time, until
// stop.
func (d *daemons) keep(name, path string, args []string) {
	for failures := 1; ; failures++ {
		start := time.Now()
		err := d.runOnce(name, path, args)
		select {
		case <-d.quit:
			return
		default:
		}
		if time.Since(start) > settled {
			failures = 1
		}
		wait := pauses.After(failures)
		warn("%s ended (%v); starting it again in %v", name, err, wait)
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-d.quit:
			t.Stop()
			return
		}
	}
}

// runOnce starts a daemon and waits for its end.
func (d *daemons) runOnce(name, path string, args []string) error {
	cmd := exec.Command(path, args...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error, 1)
	select {
	case d.starter <- func() { started <- cmd.Start() }:
	case <-d.quit:
		return nil
	}
	if err := <-started; err != nil {
		return err
	}
	d.mu.Lock()
	d.live[name] = cmd.Process
	d.mu.Unlock()
	select {
	case <-d.quit: // stop may have looked before it was there
		cmd.Process.Signal(syscall.SIGTERM)
	default:
	}
	err := cmd.Wait()
	d.mu.Lock()
	delete(d.live, name)
	d.mu.Unlock()
	if err == nil {
		return fmt.Errorf("exit status 0")
	}
	return err
}

// signal sends a signal to the daemons.
func (d *daemons) signal(sig os.Signal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.live {
		p.Signal(sig)
	}
}

// stop ends the daemons, with force if they take too long, and removes their
// folder.
func (d *daemons) stop() {
	close(d.quit)
	d.signal(syscall.SIGTERM)
	ended := make(chan struct{})
	go func() { d.running.Wait(); close(ended) }()
	t := time.NewTimer(d.timeout + killAfter)
	defer t.Stop()
	select {
	case <-ended:
	case <-t.C:
		d.signal(syscall.SIGKILL)
		<-ended
	}
	if d.dir != "" {
		os.RemoveAll(d.dir)
		d.owner.Close()
	}
}

const folderPrefix = "imgd-"

// makeFolder makes a folder of our own in RUN, so that several imgd of one user
// don't meet, and removes those of dead ones.
func (d *daemons) makeFolder() error {
	a, err := listen.Default("imgd")
	if err != nil {
		return err
	}
	run := filepath.Dir(a.Path)
	if entries, err := os.ReadDir(run); err == nil {
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), folderPrefix) && e.IsDir() {
				removeDead(filepath.Join(run, e.Name()))
			}
		}
	}
	if d.dir, err = os.MkdirTemp(run, folderPrefix); err != nil {
		return err
	}
	d.owner, err = os.OpenFile(filepath.Join(d.dir, "owner"), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = unix.Flock(int(d.owner.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	return err
}

// removeDead removes the folder of an imgd that no longer lives. A young one may
// not yet have its lock.
func removeDead(dir string) {
	fi, err := os.Stat(dir)
	if err != nil || time.Since(fi.ModTime()) < time.Minute {
		return
	}
	f, err := os.OpenFile(filepath.Join(dir, "owner"), os.O_RDWR, 0)
	if err == nil {
		defer f.Close()
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
			return
		}
	}
	os.RemoveAll(dir)
}
