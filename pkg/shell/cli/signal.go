package cli

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"imgtools/pkg/fault"
	"imgtools/pkg/shell/system"
)

// cleanups are the functions to call when the process ends.
var cleanups struct {
	sync.Mutex
	once sync.Once
	next int
	f    map[int]func()
}

// AtExit has f called when the process ends: by Main, or by SIGINT, SIGTERM or
// SIGHUP, of which the process then dies. forget withdraws f, when there is nothing
// to clean up any more. f must not call AtExit or forget.
//
// Daemons handle signals themselves and never call AtExit. A signal that was ignored
// when the process started (nohup) stays ignored.
func AtExit(f func()) (forget func()) {
	c := &cleanups
	c.once.Do(watch)
	c.Lock()
	defer c.Unlock()
	if c.f == nil {
		c.f = map[int]func(){}
	}
	id := c.next
	c.next++
	c.f[id] = f
	return func() {
		c.Lock()
		defer c.Unlock()
		delete(c.f, id)
	}
}

// watch starts a goroutine that waits for a signal.
func watch() {
	ch := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(ch, s)
		}
	}
	go func() {
		s := <-ch
		cleanUp()
		signal.Reset(s)
		system.Die(s)
		os.Exit(int(fault.ExitFail))
	}()
}

// cleanUp calls the functions of AtExit. It keeps the lock: a goroutine that calls
// AtExit afterwards blocks until the process ends, so nothing new needs cleaning up.
func cleanUp() {
	cleanups.Lock()
	for _, f := range cleanups.f {
		f()
	}
}
