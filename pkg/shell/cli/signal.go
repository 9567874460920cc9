package cli

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// cleanups are what is still to be undone when the process ends.
var cleanups struct {
	sync.Mutex
	once sync.Once
	next int
	f    map[int]func()
}

// AtExit has f called when Main ends the process, or SIGINT, SIGTERM or SIGHUP
// does, of which it then dies. forget withdraws f: the caller undid what it did
// itself, or keeps it. f must not call AtExit or forget.
//
// Only commands that leave temporary files call it; daemons have their own ways
// with signals and never do. A signal that was ignored at start (nohup) stays
// ignored.
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

// watch waits for a signal for as long as the process lives.
func watch() {
	ch := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(ch, s)
		}
	}
	go func() {
		s := (<-ch).(syscall.Signal)
		cleanUp()
		signal.Reset(s)
		syscall.Kill(syscall.Getpid(), s)
		select {}
	}()
}

// cleanUp calls what AtExit was given. Nothing new is begun after it: whoever
// calls AtExit waits for the end.
func cleanUp() {
	cleanups.Lock()
	for _, f := range cleanups.f {
		f()
	}
}
