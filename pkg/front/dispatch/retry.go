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

// call has one daemon of a pool do req to in, and returns its reply and the files
// it filled, one for each result, which the caller closes. It makes attempts as the policy
// says, each with new files. The work it does ends with ctx.
func (c *Dispatcher) call(ctx context.Context, p *pool, req wire.Request, in Input, deaths Deaths) (wire.Reply, files, error) {
	wait := patience{limit: c.c.Patience}
	for {
		begun := time.Now()
		reply, outs, err := c.attempt(ctx, p, req, in)
		if err == nil {
			return reply, outs, nil
		}
		if ctx.Err() != nil {
			return wire.Reply{}, nil, ctx.Err()
		}
		switch v, timedOut := classify(err, time.Since(begun), c.c.Timeout); v {
		case death:
			if timedOut && fault.Of(err) != fault.Timeout {
				err = fmt.Errorf("%s took longer than %v (-t)", req.Verb, c.c.Timeout)
			}
			if err := c.died(p, err, timedOut, deaths); err != nil {
				return wire.Reply{}, nil, err
			}
			wait.reset()
		case again:
			if wait.refuse(time.Now()) {
				return wire.Reply{}, nil, fault.New(fault.Busy, "no %s: %w", p.name, err)
			}
			if err := wait.sleep(ctx); err != nil {
				return wire.Reply{}, nil, err
			}
		default:
			return wire.Reply{}, nil, err
		}
	}
}

// died counts a death. It returns the error that ends the call, or nil when there
// may be another attempt.
func (c *Dispatcher) died(p *pool, why error, timedOut bool, deaths Deaths) error {
	c.c.Died(p.name, why.Error())
	n, err := deaths(timedOut)
	switch {
	case err != nil:
		return err
	case n < limits.Deaths:
		return nil
	case timedOut:
		return fault.As(fault.Timeout, why)
	}
	return fault.New(fault.Internal, "%d workers died of this picture; the last: %w", n, why)
}

// attempt calls one daemon once.
func (c *Dispatcher) attempt(ctx context.Context, p *pool, req wire.Request, in Input) (reply wire.Reply, outs files, err error) {
	conn, stream, err := p.dial(ctx)
	if err != nil {
		return wire.Reply{}, nil, &failure{event: unreachable, err: err}
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // cancels the work
	defer stop()
	conn.SetDeadline(time.Now().Add(hangTimeouts*c.c.Timeout + hangExtra))

	defer func() {
		if err != nil {
			outs.close()
			outs = nil
		}
	}()
	for range req.Results() {
		out, err := c.c.Temp()
		if err != nil {
			return wire.Reply{}, outs, err
		}
		outs = append(outs, out)
	}
	begun, limit := time.Now(), c.limit(req)
	if stream {
		reply, err = callStream(conn, req, in, outs, limit)
	} else {
		reply, err = callFiles(conn, req, in, outs)
	}
	if f, ok := errors.AsType[*failure](err); ok && stream && f.event == silent && time.Since(begun) < c.c.Timeout &&
		emptyBalancer(ctx, conn.(*net.TCPConn).RemoteAddr()) {
		err = &failure{event: unreachable, err: errors.New("the balancer has no daemon")}
	}
	if err == nil {
		err = verify(req, reply, outs, limit)
	}
	return reply, outs, err
}
