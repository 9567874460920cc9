package front

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/front/spool"
)

// imagesInARow is how many pictures of /image may be begun, while jobs wait,
// before a job is: one start in four is a job's.
const imagesInARow = 3

// queue decides what is worked on next, and what is let in. There are as many
// slots as workers. Pictures of /image, which somebody waits for, go before jobs;
// jobs go oldest first.
type queue struct {
	most int               // that may wait
	next func() *spool.Job // the oldest job, taken; nil if there is none
	jobs func() int        // how many jobs wait
	do   func(*spool.Job)  // works on a job; called in its own goroutine
	wake chan struct{}     // something changed

	mu       sync.Mutex
	slots    int
	busy     int
	arriving int // jobs let in and not yet counted by jobs()
	row      int // pictures of /image begun since the last job
	images   []*ticket
	mean     time.Duration // of the work on one picture, the newer ones counting more
	stopped  bool
	running  sync.WaitGroup

	// promised is how many of those refused have yet to come again, if they do when
	// they were told to: one more with each, fewer as time passes.
	promised   float64
	promisedAt time.Time
}

// ticket is the place of one picture of /image.
type ticket struct{ granted chan struct{} }

func newQueue(most, slots int) *queue {
	return &queue{most: most, slots: slots, mean: 500 * time.Millisecond, wake: make(chan struct{}, 1)}
}

func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// run gives slots away until ctx ends. more receives when there may be new jobs.
func (q *queue) run(ctx context.Context, more <-chan struct{}) {
	for {
		for q.start() {
		}
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		case <-more:
		}
	}
}

// start begins one piece of work, if there is a slot for it.
func (q *queue) start() bool {
	q.mu.Lock()
	if q.busy >= q.slots {
		q.mu.Unlock()
		return false
	}
	q.busy++
	jobFirst := len(q.images) == 0 || q.row >= imagesInARow
	stopped := q.stopped
	q.mu.Unlock()

	// Taking a job works on the disk: the lock is not held meanwhile.
	if jobFirst && !stopped {
		if j := q.next(); j != nil {
			q.mu.Lock()
			q.row = 0
			q.mu.Unlock()
			q.running.Go(func() { q.do(j) })
			return true
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.images) > 0 {
		t := q.images[0]
		q.images = slices.Delete(q.images, 0, 1)
		q.row++
		close(t.granted)
		return true
	}
	q.busy--
	return !jobFirst // the picture that was to go first has left
}

// done gives a slot back, after work that took d (0: none was done).
func (q *queue) done(d time.Duration) {
	q.mu.Lock()
	q.busy--
	if d > 0 {
		q.mean += (d - q.mean) / 16
	}
	q.mu.Unlock()
	q.poke()
}

// waiting returns how many wait for a worker. q.mu is held.
func (q *queue) waiting() int { return len(q.images) + q.arriving + q.jobs() }

// full returns an error of kind Busy when no more may wait. q.mu is held.
func (q *queue) full() error {
	n := q.waiting()
	if n >= q.most+max(q.slots-q.busy, 0) {
		q.promised = min(q.stillPromised()+1, float64(mostPromised*(q.most+q.slots)))
		return fault.New(fault.Busy, "%d pictures wait already (-queue)", n)
	}
	return nil
}

// check reports with an error of kind Busy that no more may wait.
func (q *queue) check() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.full()
}

// arrive lets a job in, which is counted until arrived is called.
func (q *queue) arrive() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.full(); err != nil {
		return err
	}
	q.arriving++
	return nil
}

func (q *queue) arrived() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.arriving--
}

// wait queues a picture of /image and returns when it has a slot, which is given
// back with done, or with an error: no more may wait, or ctx has ended.
func (q *queue) wait(ctx context.Context) error {
	t := &ticket{granted: make(chan struct{})}
	q.mu.Lock()
	if err := q.full(); err != nil {
		q.mu.Unlock()
		return err
	}
	if q.busy < q.slots && q.waiting() == 0 { // nobody is before it
		q.busy++
		q.mu.Unlock()
		return nil
	}
	q.images = append(q.images, t)
	q.mu.Unlock()
	q.poke()
	select {
	case <-t.granted:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	i := slices.Index(q.images, t)
	if i >= 0 {
		q.images = slices.Delete(q.images, i, i+1)
	}
	q.mu.Unlock()
	if i < 0 { // granted at the same moment
		q.done(0)
	}
	return ctx.Err()
}

// setSlots follows the number of workers.
func (q *queue) setSlots(n int) {
	q.mu.Lock()
	q.slots = max(n, 1)
	q.mu.Unlock()
	q.poke()
}

// stop begins no more jobs. Pictures of connections that were accepted before the
// stop still get their turn: under socket activation a restart loses no request.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped = true
}

// mostPromised is how many times what may wait is promised a time at most. A crowd
// that never comes again must not put off for ever one who does.
const mostPromised = 4

// stillPromised returns promised as of now: all workers take on one in the mean
// time. q.mu is held.
func (q *queue) stillPromised() float64 {
	now := time.Now()
	q.promised = max(q.promised-now.Sub(q.promisedAt).Seconds()*float64(q.slots)/q.mean.Seconds(), 0)
	q.promisedAt = now
	return q.promised
}

// retryAfter estimates, in seconds, when there will be room: all that wait and all
// that were told to come again, at the mean time, by all workers. So of a crowd that
// is refused at once not all come again at once.
func (q *queue) retryAfter() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := (float64(q.waiting()) + q.stillPromised()) * q.mean.Seconds() / float64(q.slots)
	return int(min(max(math.Ceil(s), 1), 3600))
}

// figures is what metrics tell of a queue.
type figures struct {
	images, slots, busy int
	mean                time.Duration
}

func (q *queue) figures() figures {
	q.mu.Lock()
	defer q.mu.Unlock()
	return figures{len(q.images), q.slots, q.busy, q.mean}
}
