package front

import (
	"context"
	"sync"
)

// mostPlaces bounds the places of one work: a picture that everybody asks for must not
// fill the queue.
const mostPlaces = 8

// places are those in the queue of one work that several requests share: one place for
// each client that has asked. The first that gets a slot begins the work, and the others
// are given up. So a client waits no longer than it would alone, even if the one that
// asked first has a thousand other pictures waiting.
type places struct {
	queue  *queue
	ctx    context.Context // ends when the work begins, or when nobody wants it
	giveUp context.CancelFunc
	first  chan place // gets the one that decides, once

	mu      sync.Mutex
	clients map[string]bool // that have or had a place
	open    int             // places that are waiting
	decided bool            // first has got its place
}

// place is what has become of one: it has a slot, which is given back with
// queue.imageDone, or an error.
type place struct {
	who string
	err error
}

// newPlaces returns places that all end with ctx.
func newPlaces(ctx context.Context, q *queue) *places {
	p := &places{queue: q, first: make(chan place, 1), clients: map[string]bool{}}
	p.ctx, p.giveUp = context.WithCancel(ctx)
	return p
}

// add takes a place for a client, unless it has had one, there are enough, or the work has
// begun.
func (p *places) add(who string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.decided || p.clients[who] || p.open == mostPlaces {
		return
	}
	p.clients[who] = true
	p.open++
	go func() {
		err := p.queue.wait(p.ctx, who)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.open--
		switch {
		case p.decided && err == nil: // another got its slot at the same moment
			p.queue.imageDone(who, 0)
		case !p.decided && (err == nil || p.open == 0):
			p.decided = true
			p.first <- place{who, err}
			p.giveUp()
		}
	}()
}
