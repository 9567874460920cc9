package raster

import "sync"

// Tee reads src once and gives its bands to several consumers, each in a goroutine
// of its own: one decode can feed a large and a small scaling. It returns when all
// consumers have returned, with the error of each.
//
// Memory is one band. The consumers walk in step: a call of Next waits until every
// consumer that is still running has asked for the next band, and then all of them
// get the same one. They must not write to it. An error of src, and io.EOF, reach
// every consumer. A consumer that returns early no longer holds up the others; when
// all have returned, the rest of src is not read.
func Tee(src Rows, consumers ...func(Rows) error) []error {
	t := &tee{src: src, running: len(consumers)}
	t.asked.L = &t.mu
	errs := make([]error, len(consumers))
	var wg sync.WaitGroup
	for i, consume := range consumers {
		wg.Go(func() {
			defer t.leave()
			errs[i] = consume(&teeRows{t})
		})
	}
	wg.Wait()
	return errs
}

// tee is the meeting point of the consumers. A turn is the time between two calls
// of src.Next.
type tee struct {
	src     Rows
	mu      sync.Mutex
	asked   sync.Cond // signalled when turn changes
	running int       // consumers that have not returned
	waiting int       // of those, how many have asked for the next band
	turn    int
	band    *Band
	err     error
}

type teeRows struct{ t *tee }

func (r *teeRows) Header() *Header { return r.t.src.Header() }

func (r *teeRows) Next() (*Band, error) {
	t := r.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return nil, t.err
	}
	t.waiting++
	turn := t.turn
	t.advance()
	for t.turn == turn {
		t.asked.Wait()
	}
	if t.err != nil {
		return nil, t.err
	}
	return t.band, nil
}

// advance reads the next band once every running consumer waits for it.
func (t *tee) advance() {
	if t.waiting == 0 || t.waiting < t.running {
		return
	}
	t.band, t.err = t.src.Next()
	t.waiting = 0
	t.turn++
	t.asked.Broadcast()
}

func (t *tee) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	t.advance()
}
