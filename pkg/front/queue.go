package front

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/front/spool"
	"imgtools/pkg/front/turn"
)

// imagesInARow is how many pictures of /image may be begun, while jobs wait,
// before a job is: one start in four is a job's.
const imagesInARow = 3

// busyPause is how long a job waits that no daemon has taken, after the patience of
// package dispatch.
const busyPause = time.Second

// queue decides what is worked on next, and which pictures of /image may wait.
// There are as many slots as workers.
//
//	         wait                     slot                  done
//	/image --------> a client's list -------> work by the -------> slot free
//	                                          handler
//	spool.Next -----------------------------> work by do  -------> slot free
//
// Pictures of /image, for which somebody waits, go before jobs. Clients take turns, as
// package turn says, at the pictures of /image and at the jobs; of the jobs the spool
// keeps count.
//
// Jobs wait on disk, where the quota bounds them. Pictures of /image wait here, at
// most as many as most. When that many wait, the client with the most waiting loses
// its newest to a client that has fewer than half as many.
type queue struct {
	most int               // pictures of /image that may wait
	next func() *spool.Job // the job whose turn it is, taken; nil if there is none
	jobs func() int        // how many jobs wait
	do   func(*spool.Job)  // works on a job; called in its own goroutine
	wake chan struct{}     // something changed

	mu      sync.Mutex
	slots   int
	busy    int
	row     int                // pictures of /image begun since the last job
	clients map[string]*client // those with a picture that waits or is at work
	images  int                // pictures of /image that wait
	order   turn.Order         // of the clients
	tickets uint64             // those given so far
	mean    time.Duration      // of the work on one picture, the newer ones counting more
	stopped bool
	running sync.WaitGroup

	// promised is how many of those refused have yet to come again, if they do when
	// they were told to: one more with each, fewer as time passes.
	promised   float64
	promisedAt time.Time
}

// client is one that has a picture of /image here.
type client struct {
	waiting []*ticket // oldest first
	turn    turn.Client
}

// ticket is the place of one picture of /image.
type ticket struct {
	number  uint64        // tickets are numbered as they come
	decided chan struct{} // closed when it has a slot, or has lost its place
	lost    bool          // valid when decided is closed
}

func newQueue(most, slots int) *queue {
	return &queue{most: most, slots: slots, mean: 500 * time.Millisecond, wake: make(chan struct{}, 1), clients: map[string]*client{}}
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
	jobFirst := q.images == 0 || q.row >= imagesInARow
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
	if c := q.nextClient(); c != nil {
		t := c.waiting[0]
		c.waiting = slices.Delete(c.waiting, 0, 1)
		q.images--
		q.begin(c)
		close(t.decided)
		return true
	}
	q.busy--
	return !jobFirst // the picture that was to go first has left
}

// begin counts a picture of a client as begun. q.mu is held.
func (q *queue) begin(c *client) {
	q.row++
	q.order.Begin(&c.turn)
}

// nextClient returns the client whose picture is next, or nil. q.mu is held.
func (q *queue) nextClient() *client {
	var best *client
	for _, c := range q.clients {
		if len(c.waiting) > 0 && (best == nil || before(c, best)) {
			best = c
		}
	}
	return best
}

// before reports whether it is the turn of a rather than of b. Both have a picture
// that waits.
func before(a, b *client) bool {
	return cmp.Or(turn.Compare(&a.turn, &b.turn), cmp.Compare(a.waiting[0].number, b.waiting[0].number)) < 0
}

// largest returns the client with the most waiting pictures, or nil. q.mu is held.
func (q *queue) largest() *client {
	var most *client
	for _, c := range q.clients {
		if most == nil || len(c.waiting) > len(most.waiting) {
			most = c
		}
	}
	return most
}

// client returns the entry of a client, which it makes if need be. q.mu is held.
func (q *queue) client(who string) *client {
	c := q.clients[who]
	if c == nil {
		c = &client{turn: q.order.Join()}
		q.clients[who] = c
	}
	return c
}

// forget drops the entry of a client that has nothing here. q.mu is held.
func (q *queue) forget(who string) {
	if c := q.clients[who]; c != nil && len(c.waiting) == 0 && c.turn.Idle() {
		delete(q.clients, who)
	}
}

// done gives the slot of a job back, after work that took d (0: it gave no result).
func (q *queue) done(d time.Duration) {
	q.mu.Lock()
	q.free(d)
	q.mu.Unlock()
	q.poke()
}

// imageDone gives the slot of a client's picture back, likewise.
func (q *queue) imageDone(who string, d time.Duration) {
	q.mu.Lock()
	q.client(who).turn.End()
	q.forget(who)
	q.free(d)
	q.mu.Unlock()
	q.poke()
}

// free gives a slot back. q.mu is held.
func (q *queue) free(d time.Duration) {
	q.busy--
	if d > 0 {
		q.mean += (d - q.mean) / 16
	}
}

// room returns nil when a further picture of a client may wait, and whose newest
// picture must make room for it (nil: nobody's). q.mu is held.
func (q *queue) room(who string) (victim *client, err error) {
	if q.images < q.most+max(q.slots-q.busy, 0) {
		return nil, nil
	}
	mine := 0
	if c := q.clients[who]; c != nil {
		mine = len(c.waiting)
	}
	if c := q.largest(); c != nil && 2*mine < len(c.waiting) {
		return c, nil
	}
	return nil, q.refused("%d pictures wait already (-queue)", q.images)
}

// refused returns the error, with its Retry-After, for a picture that finds no place.
// q.mu is held.
func (q *queue) refused(format string, args ...any) error {
	q.promised = min(q.stillPromised()+1, float64(mostPromised*(q.most+q.slots)))
	return fault.New(fault.Busy, format, args...)
}

// check reports with an error of kind Busy that a picture of a client may not wait.
func (q *queue) check(who string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, err := q.room(who)
	return err
}

// wait queues a picture of /image and returns when it has a slot, which is given
// back with imageDone, or with an error: it may not wait, or ctx has ended.
func (q *queue) wait(ctx context.Context, who string) error {
	q.mu.Lock()
	victim, err := q.room(who)
	if err != nil {
		q.mu.Unlock()
		return err
	}
	c := q.client(who)
	if q.busy < q.slots && q.images == 0 && q.jobs() == 0 { // nobody is before it
		q.busy++
		q.begin(c)
		q.mu.Unlock()
		return nil
	}
	if victim != nil {
		last := len(victim.waiting) - 1
		t := victim.waiting[last]
		victim.waiting = victim.waiting[:last]
		q.images--
		t.lost = true
		close(t.decided)
	}
	q.tickets++
	t := &ticket{number: q.tickets, decided: make(chan struct{})}
	c.waiting = append(c.waiting, t)
	q.images++
	q.mu.Unlock()
	q.poke()
	select {
	case <-t.decided:
	case <-ctx.Done():
	}
	return q.leave(ctx, who, t)
}

// leave returns what has become of a ticket.
func (q *queue) leave(ctx context.Context, who string, t *ticket) error {
	q.mu.Lock()
	c := q.client(who)
	if i := slices.Index(c.waiting, t); i >= 0 { // ctx has ended
		c.waiting = slices.Delete(c.waiting, i, i+1)
		q.images--
		q.forget(who)
		q.mu.Unlock()
		return ctx.Err()
	}
	if t.lost {
		err := q.refused("%d pictures wait already, most of them yours (-queue)", q.images)
		q.forget(who)
		q.mu.Unlock()
		return err
	}
	q.mu.Unlock()
	if ctx.Err() != nil { // it got its slot at the same moment
		q.imageDone(who, 0)
		return ctx.Err()
	}
	return nil
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

// mostPromised bounds promised: at most so many times what may wait. Clients that
// never come again must not put off for ever one that does.
const mostPromised = 4

// stillPromised returns promised as of now: all workers take on one in the mean
// time. q.mu is held.
func (q *queue) stillPromised() float64 {
	now := time.Now()
	q.promised = max(q.promised-now.Sub(q.promisedAt).Seconds()*float64(q.slots)/q.mean.Seconds(), 0)
	q.promisedAt = now
	return q.promised
}

// retryAfter estimates, in seconds, when there will be room for a picture of /image:
// all that wait and all that were told to come again, at the mean time, by all
// workers. So clients that are refused together do not come again together.
func (q *queue) retryAfter() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.seconds(float64(q.images) + q.stillPromised())
}

// jobAfter estimates, in seconds, when n jobs will have been worked on.
func (q *queue) jobAfter(n int) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.seconds(float64(n))
}

// maxRetryAfter bounds what clients are told, in seconds.
const maxRetryAfter = 3600

// seconds is the time for the work on n pictures. q.mu is held.
func (q *queue) seconds(n float64) int {
	return int(min(max(math.Ceil(n*q.mean.Seconds()/float64(q.slots)), 1), maxRetryAfter))
}

// each calls f for each client with how many of its pictures wait and are at work.
func (q *queue) each(f func(who string, waiting, working int)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for who, c := range q.clients {
		f(who, len(c.waiting), c.turn.Working())
	}
}

// figures are the numbers of a queue that metrics report.
type figures struct {
	images, slots, busy, clients int
	mean                         time.Duration
}

func (q *queue) figures() figures {
	q.mu.Lock()
	defer q.mu.Unlock()
	return figures{q.images, q.slots, q.busy, len(q.clients), q.mean}
}
