package dispatch

import (
	"context"
	"slices"
	"strconv"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

// Run does o to the picture in. Errors have the kind that a daemon answered; Busy
// when no daemon can be reached or all are busy; Internal when the picture has
// killed limits.Deaths workers; or are ctx's error when that has ended. The end of ctx
// stops the worker.
func (c *Dispatcher) Run(ctx context.Context, o ops.Ops, in Input, deaths Deaths) (Result, error) {
	if o.Gray == "" {
		return c.result(c.call(ctx, c.scale, c.scaleRequest(o, o.Scale), in, deaths))
	}
	gray := wire.Request{Verb: "gray", Len: -1}
	if o.Gray != ops.Lumas[0] {
		gray.Words = append(gray.Words, ops.Word{Key: "luma", Value: o.Gray})
	}
	if o.Scale == "" {
		gray.Words = append(gray.Words, pick(o, "format", "quality")...)
		gray.Words = append(gray.Words, c.limits()...)
		return c.result(c.call(ctx, c.gray, gray, in, deaths))
	}
	gray.Words = append(gray.Words, ops.Word{Key: "for", Value: o.Scale})
	gray.Words = append(gray.Words, pick(o, "kernel", "fine", "linear", "format")...)
	gray.Words = append(gray.Words, c.limits()...)
	reply, mid, err := c.call(ctx, c.gray, gray, in, deaths)
	if err != nil {
		return Result{}, err
	}
	defer mid.Close()
	goal := reply.Get("goal")
	if goal == "" || reply.Get("as") == "" {
		return Result{}, fault.New(fault.Internal, "grayd did not say goal= and as=")
	}
	o.Format = reply.Get("as")
	scale := c.scaleRequest(o, goal+"!")
	for _, w := range [][2]string{{"full", "of"}, {"reduced", "reduced"}} {
		if v := reply.Get(w[0]); v != "" {
			scale.Words = append(scale.Words, ops.Word{Key: w[1], Value: v})
		}
	}
	r, err := c.result(c.call(ctx, c.scale, scale, mid, deaths))
	if r.Note == "" {
		r.Note = reply.Get("note")
	}
	return r, err
}

func (c *Dispatcher) scaleRequest(o ops.Ops, geometry string) wire.Request {
	words := pick(o, "kernel", "fine", "linear", "format", "quality")
	return wire.Request{Verb: "scale", Geometry: geometry, Words: append(words, c.limits()...), Len: -1}
}

// limits are the words that only lower what the daemon itself allows.
func (c *Dispatcher) limits() []ops.Word {
	return []ops.Word{
		{Key: "maxpixels", Value: strconv.FormatInt(c.c.MaxPixels, 10)},
		{Key: "timeout", Value: c.c.Timeout.String()},
	}
}

// pick returns those words of o that are among keys.
func pick(o ops.Ops, keys ...string) []ops.Word {
	return slices.DeleteFunc(o.Words(), func(w ops.Word) bool { return !slices.Contains(keys, w.Key) })
}
