// Package turn has the order in which workers serve clients, for pictures of /image
// and for jobs alike: the client with the least at work is next; of several, the one
// that was served longest ago.
//
// Example, with one worker. Client a has 1,000 pictures waiting, and its third is
// begun. Now b comes with one picture. When the worker is free, b is next: it comes
// before the client that was served last, and after all others that wait.
package turn

import "cmp"

// Order counts the pieces of work that were begun. Its zero value is ready to use.
type Order struct{ begun int64 }

// Client is the place of one client in an Order. It is made by Join.
type Client struct {
	working int   // pieces of work begun and not ended
	served  int64 // 2n: it was served n-th; 2n-1: it came when n had been begun
}

// Join returns the place of a client that comes when it has nothing waiting or at
// work. It comes before the client that was served last, and after all others: a
// client that comes again and again can't keep others waiting.
func (o *Order) Join() Client { return Client{served: 2*o.begun - 1} }

// Begin records that a piece of work of c was begun: c goes to the end.
func (o *Order) Begin(c *Client) {
	o.begun++
	c.working++
	c.served = 2 * o.begun
}

// End records that a piece of work of c has ended.
func (c *Client) End() { c.working-- }

// Working returns how many pieces of work of c were begun and have not ended.
func (c *Client) Working() int { return c.working }

// Idle reports whether c has nothing at work.
func (c *Client) Idle() bool { return c.working == 0 }

// Compare is negative when it is the turn of a rather than of b, and 0 when neither
// has a claim before the other.
func Compare(a, b *Client) int {
	return cmp.Or(cmp.Compare(a.working, b.working), cmp.Compare(a.served, b.served))
}
