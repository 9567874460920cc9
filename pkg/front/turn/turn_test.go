package turn

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// next returns the client whose turn it is; of several that are equal, the first.
func next(clients []*Client) int {
	best := 0
	for i, c := range clients {
		if Compare(c, clients[best]) < 0 {
			best = i
		}
	}
	return best
}

func TestClientsAreServedInTurn(t *testing.T) {
	var o Order
	var clients []*Client
	join := func() { c := o.Join(); clients = append(clients, &c) }
	serve := func() int {
		i := next(clients)
		o.Begin(clients[i])
		clients[i].End()
		return i
	}
	join()
	for range 3 {
		serve()
	}
	join()
	join()
	got := ""
	for range 7 {
		got += fmt.Sprint(serve())
	}
	if got != "1201201" {
		t.Errorf("served %s; the client that was served last goes last", got)
	}
}

func TestClientWithLessAtWorkIsNext(t *testing.T) {
	var o Order
	a, b := o.Join(), o.Join()
	o.Begin(&a)
	o.Begin(&b)
	o.Begin(&b)
	if Compare(&a, &b) >= 0 || a.Idle() {
		t.Error("b has two at work, a one")
	}
	b.End()
	b.End()
	if Compare(&b, &a) >= 0 || !b.Idle() {
		t.Error("a has one at work, b none")
	}
}

// Clients that leave and come again whenever they were served do not keep one that
// stays from its turns: of n clients it gets at least every n-th.
func TestClientThatComesAgainDoesNotGoFirst(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		var o Order
		n := 2 + rnd.IntN(5)
		clients := make([]*Client, n)
		for i := range clients {
			c := o.Join()
			clients[i] = &c
		}
		waited := 0
		for range 200 {
			i := next(clients)
			o.Begin(clients[i])
			clients[i].End()
			if waited++; i == 0 {
				waited = 0
				continue
			}
			if waited >= n {
				t.Fatalf("of %d clients the one that stays has waited for %d pictures", n, waited)
			}
			if rnd.IntN(3) > 0 {
				c := o.Join()
				clients[i] = &c
			}
		}
	}
}
