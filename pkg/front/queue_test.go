package front

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"imgtools/pkg/fault"
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

func TestRetryAfterGrowsWithTheQueue(t *testing.T) {
	waiting := 0
	q := newQueue(10, 2)
	q.jobs = func() int { return waiting }
	q.mean = 3 * time.Second
	if got := q.retryAfter(); got != 1 {
		t.Errorf("empty: %d", got)
	}
	waiting = 10
	if got := q.retryAfter(); got != 15 {
		t.Errorf("10 of 3 s by 2 workers: %d", got)
	}
	waiting = 1e6
	if got := q.retryAfter(); got != 3600 {
		t.Errorf("bounded: %d", got)
	}
	if err := q.check(); fault.Of(err) != fault.Busy || err == nil {
		t.Errorf("%v", err)
	}
	waiting = 11 // two slots are free: two more than 10 may come
	if err := q.check(); err != nil {
		t.Error(err)
	}
	if err := q.arrive(); err != nil {
		t.Error(err)
	}
	if err := q.arrive(); err == nil {
		t.Error("one too many was let in")
	}
	q.arrived()
	if err := q.arrive(); err != nil {
		t.Error(err)
	}
}

// Who is refused later is told to come later, so that a crowd does not come again
// all at once; but not ever later.
func TestRefusedComeAgainInTurn(t *testing.T) {
	q := newQueue(10, 2)
	q.jobs = func() int { return 12 }
	q.mean = 100 * time.Second // nothing passes while this runs
	told := make([]int, 100)
	for i := range told {
		if q.check() == nil {
			t.Fatal("let in")
		}
		told[i] = q.retryAfter()
	}
	if told[0] != 650 || told[10] != 1150 || told[47] != 3000 || told[99] != 3000 {
		t.Errorf("told to come again after %v s", told)
	}
	q.promisedAt = q.promisedAt.Add(-1000 * time.Second) // twenty pictures later
	if got := q.retryAfter(); got != 2000 {
		t.Errorf("1000 s later: %d", got)
	}
}
