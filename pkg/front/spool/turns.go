package spool

import (
	"cmp"
	"slices"
	"time"

	"imgtools/pkg/front/turn"
)

// waiting has the jobs that wait for a worker, by client. Clients are served in turn,
// as package turn says, and the jobs of each oldest first.
type waiting struct {
	clients map[string]*client
	turns   []*client // those with a job that waits; in the order of nextTurn
	order   turn.Order
}

// client is one that has a job that waits or runs here.
type client struct {
	name string
	jobs []*entry // that wait; in the order of older
	turn turn.Client
}

func nextTurn(a, b *client) int {
	return cmp.Or(turn.Compare(&a.turn, &b.turn), older(a.jobs[0], b.jobs[0]))
}

// of returns the client of a job, which it makes if need be.
func (w *waiting) of(e *entry) *client {
	c := w.clients[e.client]
	if c == nil {
		c = &client{name: e.client, turn: w.order.Join()}
		if w.clients == nil {
			w.clients = map[string]*client{}
		}
		w.clients[c.name] = c
	}
	e.client = c.name // one copy of the string for all jobs
	return c
}

// alter changes the jobs or the turn of a client and gives it its new place among the
// turns. A client with nothing here is forgotten.
func (w *waiting) alter(c *client, change func()) {
	if len(c.jobs) > 0 {
		w.turns = without(w.turns, c, nextTurn)
	}
	change()
	switch {
	case len(c.jobs) > 0:
		w.turns = insert(w.turns, c, nextTurn)
	case c.turn.Idle():
		delete(w.clients, c.name)
	}
}

// wait adds a job.
func (w *waiting) wait(e *entry) {
	c := w.of(e)
	w.alter(c, func() { c.jobs = insert(c.jobs, e, older) })
}

// waitAll adds many jobs.
func (w *waiting) waitAll(jobs []*entry) {
	w.turns = nil
	for _, e := range jobs {
		c := w.of(e)
		c.jobs = append(c.jobs, e)
	}
	for _, c := range w.clients {
		if len(c.jobs) > 0 {
			slices.SortFunc(c.jobs, older)
			w.turns = append(w.turns, c)
		}
	}
	slices.SortFunc(w.turns, nextTurn)
}

// unwait takes a job out, if it is there.
func (w *waiting) unwait(e *entry) {
	if c := w.clients[e.client]; c != nil && len(c.jobs) > 0 {
		w.alter(c, func() { c.jobs = without(c.jobs, e, older) })
	}
}

// next returns the job that is next and may be tried at a time, or nil.
func (w *waiting) next(now time.Time) *entry {
	for _, c := range w.turns {
		for _, e := range c.jobs {
			if !e.after.After(now) {
				return e
			}
		}
	}
	return nil
}

// begin records that work on a job of a client was begun.
func (w *waiting) begin(e *entry) *client {
	c := w.of(e)
	w.alter(c, func() { w.order.Begin(&c.turn) })
	return c
}

// ended records that work on a job of c has ended.
func (w *waiting) ended(c *client) { w.alter(c, c.turn.End) }

// place returns the place of e among the jobs that wait, from 1, if all may be tried
// and no other comes; 0 if it does not wait.
//
// Example: the job is its client's third. Of a client whose turn is before, three jobs
// go first, if it has so many; of one whose turn is later, two.
func (w *waiting) place(e *entry) int {
	c := w.clients[e.client]
	if c == nil {
		return 0
	}
	mine, found := slices.BinarySearchFunc(c.jobs, e, older)
	if !found {
		return 0
	}
	place, share := mine+1, mine+1
	for _, other := range w.turns {
		if other == c {
			share = mine
			continue
		}
		place += min(len(other.jobs), share)
	}
	return place
}
