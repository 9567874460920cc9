package dispatch

import (
	"context"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/info"
)

// limit is the most bytes that the answer to a request may have.
func (c *Dispatcher) limit(req wire.Request) int64 {
	if req.Verb == wire.Info {
		return info.MaxBytes
	}
	return c.c.MaxResult
}

// Info has a worker of grayd describe the picture in, without decoding it. Errors are
// those of Run.
func (c *Dispatcher) Info(ctx context.Context, in Input, deaths Deaths) (info.Info, error) {
	req := wire.Request{Verb: wire.Info, Words: c.limits(c.c.Timeout), Len: -1}
	reply, outs, err := c.call(ctx, c.pools["grayd"], req, in, deaths)
	if err != nil {
		return info.Info{}, known(err)
	}
	defer outs.close()
	b := make([]byte, reply.Len) // verify has bounded it
	if _, err := outs[0].Own().ReadAt(b, 0); err != nil {
		return info.Info{}, err
	}
	return info.Parse(b)
}
