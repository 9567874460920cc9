package front

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/front/spool"
)

// /image goes before jobs, jobs go oldest first, and one start in four is a job's.
func TestOrder(t *testing.T) {
	s := start(t, func(c *Config) { c.Queue = 100 })
	s.job("hold first")
	first := <-s.fake.held
	for i := range 4 {
		s.job(fmt.Sprintf("hold job %d", i))
	}
	var wg sync.WaitGroup
	for i := range 7 {
		wg.Go(func() {
			if a := s.do("PUT", "/image", fmt.Sprintf("hold image %d", i)); a.status != 200 {
				t.Errorf("%+v", a)
			}
		})
	}
	s.until("the pictures to wait", func() bool { return s.queue.figures().images == 7 })
	var kinds []string
	var jobs []string
	for h := first; len(kinds) < 11; {
		close(h.free)
		h = <-s.fake.held
		kinds = append(kinds, strings.Fields(h.body)[1])
		if strings.HasPrefix(h.body, "hold job") {
			jobs = append(jobs, h.body)
		}
		if len(kinds) == 11 {
			close(h.free)
		}
	}
	wg.Wait()
	if got, want := strings.Join(kinds, " "), "image image image job image image image job image job job"; got != want {
		t.Errorf("order: %s\nwant:  %s", got, want)
	}
	if !slices.IsSorted(jobs) {
		t.Errorf("jobs: %q", jobs)
	}
}

func TestClientThatLeavesCancelsItsPicture(t *testing.T) {
	s := start(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := s.try(ctx, "PUT", "/image", "hold on")
		done <- err
	}()
	h := <-s.fake.held
	// One that waits leaves, too.
	ctx2, cancel2 := context.WithCancel(context.Background())
	go func() {
		_, err := s.try(ctx2, "PUT", "/image", "waiting")
		done <- err
	}()
	s.until("the second", func() bool { return s.queue.figures().images == 1 })
	cancel2()
	<-done
	s.until("the second to leave", func() bool { return s.queue.figures().images == 0 })
	cancel()
	<-h.gone // its worker was told
	<-done
	s.until("the slot", func() bool { return s.queue.figures().busy == 0 })
	if a := s.do("PUT", "/image", "A"); a.body != "gray of A" {
		t.Errorf("%+v", a)
	}
	if slices.Contains(s.fake.came(), "waiting") {
		t.Error("work was done for nobody")
	}
}

func TestDeletedJobIsCancelled(t *testing.T) {
	s := start(t, nil)
	id := s.job("hold on")
	h := <-s.fake.held
	if a := s.do("POST", "/jobs/"+id+"/delete", "", "Accept: text/html"); a.status != 303 || a.header.Get("Location") != "/" {
		t.Errorf("%+v", a)
	}
	<-h.gone
	s.until("the slot", func() bool { return s.queue.figures().busy == 0 })
}

// hold fills the queue with waiting pictures of a client.
func (q *queue) hold(ctx context.Context, wg *sync.WaitGroup, who string, n int) (errs chan error) {
	errs = make(chan error, n)
	for range n {
		wg.Go(func() { errs <- q.wait(ctx, who) })
	}
	return errs
}

// Time stands still but where a test moves it.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(10, 2)
		q.jobs = func() int { return 0 }
		q.mean = 3 * time.Second
		if got := q.retryAfter(); got != 1 {
			t.Errorf("empty: %d", got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		q.busy = 2
		q.hold(ctx, &wg, "a", 10)
		synctest.Wait()
		if got := q.retryAfter(); got != 15 {
			t.Errorf("10 of 3 s by 2 workers: %d", got)
		}
		if err := q.check("a"); fault.Of(err) != fault.Busy || err == nil {
			t.Errorf("an eleventh: %v", err)
		}
		q.busy = 0 // two slots are free: two more than 10 may come
		if err := q.check("a"); err != nil {
			t.Error(err)
		}
		if got := q.jobAfter(10); got != 15 {
			t.Errorf("10 jobs: %d", got)
		}
		if got := q.jobAfter(1e6); got != maxRetryAfter {
			t.Errorf("bounded: %d", got)
		}
		cancel()
		wg.Wait()
	})
}

// Each refused client gets a later Retry-After than the one before, so that they don't
// all come back at once; but the delay is bounded.
func TestRefusedComeAgainInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(12, 2)
		q.mean = 100 * time.Second
		q.busy = 2
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		q.jobs = func() int { return 0 }
		q.hold(ctx, &wg, "a", 12)
		synctest.Wait()
		told := make([]int, 100)
		for i := range told {
			if q.check("a") == nil {
				t.Fatal("let in")
			}
			told[i] = q.retryAfter()
		}
		if told[0] != 650 || told[10] != 1150 || told[55] != 3400 || told[99] != 3400 {
			t.Errorf("told to come again after %v s", told)
		}
		<-time.After(1000 * time.Second) // twenty pictures later
		if got := q.retryAfter(); got != 2400 {
			t.Errorf("1000 s later: %d", got)
		}
		cancel()
		wg.Wait()
	})
}

// The client with the most waiting pictures makes room for one with fewer than half
// as many: its newest picture is refused.
func TestFullQueueMakesRoomForAnotherClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(8, 1)
		q.jobs = func() int { return 0 }
		q.busy = 1
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		greedy := q.hold(ctx, &wg, "greedy", 8)
		synctest.Wait()
		if err := q.check("greedy"); err == nil {
			t.Error("a ninth of the same client may wait")
		}
		for i := range 3 {
			if err := q.check("honest"); err != nil {
				t.Fatalf("picture %d of another client: %v", i, err)
			}
			q.hold(ctx, &wg, "honest", 1)
			synctest.Wait()
			if err := <-greedy; fault.Of(err) != fault.Busy || !strings.Contains(err.Error(), "yours") {
				t.Errorf("the newest of the many: %v", err)
			}
		}
		if err := q.check("honest"); err == nil {
			t.Error("3 of one and 5 of the other: no more room is made")
		}
		if q.images != 8 || len(q.clients) != 2 {
			t.Errorf("%d wait, of %d clients", q.images, len(q.clients))
		}
		cancel()
		wg.Wait()
		if q.images != 0 || len(q.clients) != 0 {
			t.Errorf("%d wait, of %d clients, after all have left", q.images, len(q.clients))
		}
	})
}

// However many pictures one client has waiting, another's is next or next but one.
func TestClientsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(100, 2)
		q.jobs = func() int { return 0 }
		q.next = func() *spool.Job { return nil }
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { q.run(ctx, nil) })
		var order []string
		var mu sync.Mutex
		work := func(who string) {
			wg.Go(func() {
				if q.wait(ctx, who) != nil {
					return
				}
				mu.Lock()
				order = append(order, who)
				mu.Unlock()
				<-time.After(time.Second)
				q.imageDone(who, time.Second)
			})
		}
		for range 10 {
			work("many")
			synctest.Wait()
		}
		work("one")
		synctest.Wait()
		work("two")
		work("two")
		<-time.After(20 * time.Second)
		for pair := range slices.Chunk(order[:8], 2) {
			slices.Sort(pair) // two workers are free in the same instant: which goroutine is first has no meaning
		}
		if got := strings.Join(order[:8], " "); got != "many many one two many two many many" {
			t.Errorf("order: %v", order)
		}
		if len(order) != 13 {
			t.Errorf("%d of 13 were served", len(order))
		}
		cancel()
		wg.Wait()
	})
}

func TestJobsThatWaitDoNotRefuseImages(t *testing.T) {
	s := start(t, func(c *Config) { c.Queue = 2 })
	s.job("hold")
	h := <-s.fake.held
	for range 10 {
		s.job("waits")
	}
	done := make(chan answered)
	go func() { done <- s.do("PUT", "/image", "A") }()
	s.until("the picture to wait", func() bool { return s.queue.figures().images == 1 })
	close(h.free)
	if a := <-done; a.status != 200 {
		t.Errorf("%+v", a)
	}
}
