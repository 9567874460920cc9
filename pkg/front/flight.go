package front

import (
	"context"
	"sync"
)

// flights are the works on pictures that are served by URL. Requests for the same
// picture and operations share one.
//
//	join, the first ──► waits for a slot ──► work runs ──► done ──► each of those who
//	join, others ──────────┴────────────────────┘                   joined sends the
//	                                                                result, and leaves
//
// When all have left before it is done, the work is cancelled. When all have left
// afterwards, the result is freed: nothing is cached.
type flights struct {
	ctx   context.Context // ends all works
	queue *queue          // where they wait for a slot

	mu  sync.Mutex
	now map[string]*flight
}

// flight is one work.
type flight struct {
	done   chan struct{} // closed when worked is set
	worked *worked

	cancel context.CancelFunc
	places *places
	joined int // those who have not left
	ended  bool
}

// join returns the work under a key, which it starts if there is none, for a client. work
// is called at once, with a context that ends when all have left; its slot comes from
// first of the places. first reports whether this call started it. The caller calls leave
// when it needs the result no more.
func (fs *flights) join(key, who string, work func(context.Context, *places) *worked) (f *flight, first bool, leave func()) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f = fs.now[key]
	if first = f == nil; first {
		ctx, cancel := context.WithCancel(fs.ctx)
		f = &flight{done: make(chan struct{}), cancel: cancel, places: newPlaces(ctx, fs.queue)}
		if fs.now == nil {
			fs.now = map[string]*flight{}
		}
		fs.now[key] = f
		go func() {
			w := work(ctx, f.places)
			fs.mu.Lock()
			defer fs.mu.Unlock()
			f.worked, f.ended = w, true
			if fs.now[key] == f {
				delete(fs.now, key)
			}
			if f.joined == 0 {
				f.free()
			}
			close(f.done)
			cancel()
		}()
	}
	f.places.add(who)
	f.joined++
	return f, first, func() {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		if f.joined--; f.joined > 0 {
			return
		}
		if f.ended {
			f.free()
			return
		}
		f.cancel()
		if fs.now[key] == f { // a request that comes now needs a work that goes on
			delete(fs.now, key)
		}
	}
}

// free closes the result.
func (f *flight) free() {
	if f.worked.err == nil {
		f.worked.result.Close()
	}
}
