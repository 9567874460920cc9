package front

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"imgtools/pkg/eventually"
	"imgtools/pkg/front/spool"
)

// busyQueue returns a queue of one slot, which is taken.
func busyQueue(t *testing.T) *queue {
	t.Helper()
	q := newQueue(100, 1)
	q.next = func() *spool.Job { return nil }
	q.jobs = func() int { return 0 }
	go q.run(t.Context(), nil)
	if err := q.wait(t.Context(), "before"); err != nil {
		t.Fatal(err)
	}
	return q
}

func waits(t *testing.T, q *queue, n int) {
	t.Helper()
	eventually.True(t, fmt.Sprintf("%d wait", n), func() bool { return q.figures().images == n })
}

// A picture that everybody asks for takes a few places, and gives them up when the first
// has a slot.
func TestPlacesAreFewAndGivenUp(t *testing.T) {
	q := busyQueue(t)
	p := newPlaces(t.Context(), q)
	for i := range 5 * mostPlaces {
		p.add(fmt.Sprint("client ", i))
		p.add("client 0")
	}
	waits(t, q, mostPlaces)
	q.imageDone("before", 0)
	got := <-p.first
	if got.err != nil {
		t.Fatal(got.err)
	}
	waits(t, q, 0)
	p.add("late")
	q.imageDone(got.who, 0)
	eventually.True(t, "all slots are free", func() bool { f := q.figures(); return f.busy == 0 && f.clients == 0 })
}

func TestPlacesEndWithTheirWork(t *testing.T) {
	q := busyQueue(t)
	ctx, cancel := context.WithCancel(t.Context())
	p := newPlaces(ctx, q)
	p.add("a")
	p.add("b")
	waits(t, q, 2)
	cancel()
	if got := <-p.first; !errors.Is(got.err, context.Canceled) {
		t.Errorf("%v", got)
	}
	waits(t, q, 0)
}
