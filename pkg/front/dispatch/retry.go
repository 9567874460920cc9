package dispatch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
)

// away says that a daemon was not there, or had no room, or went away before it
// could have begun: nothing that the picture is to blame for.
type away struct{ err error }

func (a *away) Error() string { return a.err.Error() }
func (a *away) Unwrap() error { return a.err }

// death says that a worker died of the picture, lied, or ran out of time.
type death struct {
	err     error
	timeout bool
}

func (d *death) Error() string { return d.err.Error() }
func (d *death) Unwrap() error { return d.err }

// call has one daemon of a pool do req to in, and returns its answer and the
// file it filled, which the caller closes. After a death it tries once
// more, with a new file; while all are away it goes on for c.Patience.
func (c *Dispatcher) call(ctx context.Context, p *pool, req wire.Request, in Input, deaths Deaths) (wire.Reply, File, error) {
	start := time.Now()
	var wait backoff
	for {
		reply, out, err := c.try(ctx, p, req, in)
		if err == nil {
			return reply, out, nil
		}
		if ctx.Err() != nil {
			return wire.Reply{}, nil, ctx.Err()
		}
		if d, ok := errors.AsType[*death](err); ok {
			c.c.Died(p.name, d.Error())
			n, err := deaths(d.timeout)
			switch {
			case err != nil:
				return wire.Reply{}, nil, err
			case n >= limits.Deaths && d.timeout:
				return wire.Reply{}, nil, fault.As(fault.Timeout, d.err)
			case n >= limits.Deaths:
				return wire.Reply{}, nil, fault.New(fault.Internal, "%d workers died of this picture; the last: %w", n, d.err)
			}
			continue
		}
		if _, ok := errors.AsType[*away](err); !ok {
			return wire.Reply{}, nil, err
		}
		if time.Since(start) > c.c.Patience {
			return wire.Reply{}, nil, fault.New(fault.Busy, "no %s: %w", p.name, err)
		}
		if err := wait.sleep(ctx); err != nil {
			return wire.Reply{}, nil, err
		}
	}
}

// try calls one daemon once.
func (c *Dispatcher) try(ctx context.Context, p *pool, req wire.Request, in Input) (reply wire.Reply, out File, err error) {
	conn, stream, err := p.dial(ctx)
	if err != nil {
		return wire.Reply{}, nil, &away{err}
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // cancels the work
	defer stop()
	// The daemon itself keeps the time of the work. This ends only what hangs:
	// queued behind other fronts' pictures, or a daemon that was stopped.
	conn.SetDeadline(time.Now().Add(4*c.c.Timeout + 10*time.Second))

	out, err = c.c.Temp()
	if err != nil {
		return wire.Reply{}, nil, err
	}
	defer func() {
		if err != nil {
			out.Close()
			out = nil
		}
	}()
	begun := time.Now()
	if stream {
		reply, err = callStream(conn, req, in, out)
	} else {
		reply, err = callFiles(conn, req, in, out)
	}
	if d, ok := errors.AsType[*death](err); ok && !d.timeout && time.Since(begun) >= c.c.Timeout {
		// Killed by its supervisor, most likely, and that is why.
		d.timeout, d.err = true, fmt.Errorf("%s took longer than %v (-t)", req.Verb, c.c.Timeout)
	}
	if d, ok := errors.AsType[*death](err); ok && stream && !d.timeout && emptyBalancer(ctx, conn.(*net.TCPConn).RemoteAddr()) {
		err = &away{errors.New("the balancer has nobody to give it to")}
	}
	if err == nil {
		err = check(reply, out)
	}
	return reply, out, err
}
