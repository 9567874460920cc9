package cli

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// cleanups are what is still to be undone when a signal ends the process.
var cleanups struct {
	sync.Mutex
	once sync.Once
	next int
	f    map[int]func()
}

// AtSignal has f called when SIGINT, SIGTERM or SIGHUP ends the process, which
// then dies of that signal. forget withdraws f; the caller undoes what it did
// itself, or keeps it. f must not call AtSignal or forget.
//
// Only commands that leave temporary files call it; daemons have their own ways
// with signals and never do. A signal that was ignored at start (nohup) stays
// ignored.
func AtSignal(f func()) (forget func()) {
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
		cleanups.Lock() // kept: nothing new is begun
		for _, f := range cleanups.f {
			f()
		}
		signal.Reset(s)
		syscall.Kill(syscall.Getpid(), s)
		select {}
	}()
}
