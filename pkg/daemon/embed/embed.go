// Package embed runs daemons as children of another program, as imgd runs grayd and
// scaled when it is given no addresses of them: it starts each, starts it again
// when it ends, and ends all with the program.
//
// A daemon passes these states:
//
//	            exec                 ends
//	starting ---------> running -------------> waiting (back-off)
//	    ^                  |                      |
//	    |                  | Stop: SIGTERM,       | the pause is over
//	    |                  | SIGKILL when late    |
//	    |                  v                      |
//	    |               stopped <--- Stop --------|
//	    +-----------------------------------------+
//
// Their sockets are in a folder of the program's own in RUN, so that several
// programs of one user don't meet. The folder is locked while the program lives;
// the next one that starts removes the folders of dead ones.
//
// However the program dies, its daemons end: the kernel sends them SIGTERM when
// the thread that started them ends (prctl(2), PR_SET_PDEATHSIG). So one thread
// starts them all and lasts as long as the process. Each daemon has a process
// group of its own, so that an interrupt from the terminal reaches the program
// alone, which then stops them in order.
package embed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/backoff"
	"imgtools/pkg/daemon/listen"
)

// settled is how long a daemon must live to have started well: its next start
// after that is not delayed by the failures before.
const settled = 10 * time.Second

// pauses are those between the end of a daemon and its next start.
var pauses = backoff.Pauses{First: 100 * time.Millisecond, Max: 30 * time.Second}

// Config says which daemons to run.
type Config struct {
	Program string                           // whose folder in RUN it is, such as imgd
	Daemons []string                         // their names, which are their commands' names
	Args    func(daemon string) []string     // its flags, besides -a; nil: none
	Stop    time.Duration                    // how long they may take to end
	Warn    func(format string, args ...any) // called when one ends
}

// Group is the daemons of one program.
type Group struct {
	c       Config
	paths   map[string]string // of their commands
	folder  *folder
	starter chan func()
	quit    chan struct{}
	running sync.WaitGroup

	mu   sync.Mutex
	live map[string]*os.Process
}

// Start starts the daemons. Their commands are looked for beside the program's own,
// then on PATH.
func Start(c Config) (*Group, error) {
	g := &Group{c: c, paths: map[string]string{}, starter: make(chan func()), quit: make(chan struct{}), live: map[string]*os.Process{}}
	for _, name := range c.Daemons {
		path, err := Find(name)
		if err != nil {
			return nil, err
		}
		g.paths[name] = path
	}
	if len(c.Daemons) == 0 {
		return g, nil
	}
	a, err := listen.Default(c.Program)
	if err != nil {
		return nil, err
	}
	if g.folder, err = newFolder(filepath.Dir(a.Path), c.Program); err != nil {
		return nil, err
	}
	go func() {
		runtime.LockOSThread() // never unlocked: it must last as long as the process
		for {
			select {
			case f := <-g.starter:
				f()
			case <-g.quit:
				select {}
			}
		}
	}()
	for _, name := range c.Daemons {
		g.running.Go(func() { g.keep(name) })
	}
	return g, nil
}

// Find returns the path of a daemon's command: beside this program's own, or on
// PATH.
func Find(name string) (string, error) {
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

// Address returns where a daemon of the group listens.
func (g *Group) Address(name string) string {
	return "unix:" + filepath.Join(g.folder.path, name+".sock")
}

// keep runs a daemon, and starts it again when it ends, until Stop.
func (g *Group) keep(name string) {
	for failures := 1; ; failures++ {
		start := time.Now()
		err := g.run(name)
		select {
		case <-g.quit:
			return
		default:
		}
		if time.Since(start) > settled {
			failures = 1
		}
		pause := pauses.After(failures)
		g.c.Warn("%s ended (%v); starting it again in %v", name, err, pause)
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-g.quit:
			t.Stop()
			return
		}
	}
}

// run starts a daemon once and waits for its end, which is always an error.
func (g *Group) run(name string) error {
	args := []string{"-a", g.Address(name)}
	if g.c.Args != nil {
		args = append(args, g.c.Args(name)...)
	}
	cmd := exec.Command(g.paths[name], args...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error, 1)
	select {
	case g.starter <- func() { started <- cmd.Start() }:
	case <-g.quit:
		return nil
	}
	if err := <-started; err != nil {
		return err
	}
	g.mu.Lock()
	g.live[name] = cmd.Process
	g.mu.Unlock()
	select {
	case <-g.quit: // Stop may have sent its signal before the daemon was in live
		cmd.Process.Signal(syscall.SIGTERM)
	default:
	}
	err := cmd.Wait()
	g.mu.Lock()
	delete(g.live, name)
	g.mu.Unlock()
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// Signal sends a signal to the daemons.
func (g *Group) Signal(sig os.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.live {
		p.Signal(sig)
	}
}

// Stop ends the daemons, by force when they take too long, and removes their
// folder.
func (g *Group) Stop() {
	close(g.quit)
	g.Signal(syscall.SIGTERM)
	ended := make(chan struct{})
	go func() { g.running.Wait(); close(ended) }()
	t := time.NewTimer(g.c.Stop)
	defer t.Stop()
	select {
	case <-ended:
	case <-t.C:
		g.Signal(syscall.SIGKILL)
		<-ended
	}
	if g.folder != nil {
		g.folder.remove()
	}
}

// folder is a folder of one program's in RUN.
type folder struct {
	path string
	lock *os.File // locked while the program lives
}

// newFolder makes a folder in run, and removes those of dead programs of the same
// name. It holds a lock on run meanwhile: no other program then sees a new folder
// that is not locked yet and takes it for one of a dead program.
func newFolder(run, program string) (*folder, error) {
	all, err := os.Open(run)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	if err := unix.Flock(int(all.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock %s: %w", run, err)
	}
	prefix := program + "-"
	if entries, err := all.ReadDir(-1); err == nil {
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), prefix) && e.IsDir() {
				removeDead(filepath.Join(run, e.Name()))
			}
		}
	}
	path, err := os.MkdirTemp(run, prefix)
	if err != nil {
		return nil, err
	}
	lock, err := lockOwner(path)
	if err != nil {
		os.RemoveAll(path)
		return nil, err
	}
	return &folder{path, lock}, nil
}

// lockOwner locks the file owner in a folder, making it if it is not there.
func lockOwner(path string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(path, "owner"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return f, nil
}

// removeDead removes a folder whose program is dead: its lock can be taken.
func removeDead(path string) {
	if lock, err := lockOwner(path); err == nil {
		os.RemoveAll(path)
		lock.Close()
	}
}

func (f *folder) remove() {
	os.RemoveAll(f.path)
	f.lock.Close()
}
