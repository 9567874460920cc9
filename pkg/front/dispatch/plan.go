package dispatch

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/filename"
	"imgtools/pkg/ops"
)

// plan returns the operations that a request needs, one call of a daemon each, in the
// order of the registry. A conversion is a scale by 1.
func plan(o ops.Ops) (ops.Ops, []ops.Option) {
	if len(o.Operations()) == 0 {
		o = o.With("scale", "1")
	}
	return o, o.Operations()
}

// requestFor returns the request for operation i of a chain. Each word goes where its row
// in the registry says. A daemon that is not the last is also told what follows (for=,
// with the words of the next operation and of the result), so that it can prepare the
// picture for that.
func requestFor(o ops.Ops, chain []ops.Option, i int) wire.Request {
	operation, last := chain[i], i == len(chain)-1
	req := wire.Request{Verb: operation.Key, Len: -1}
	switch value := o.Get(operation.Key); {
	case !operation.Switch():
		req.Geometry = value
	case value != operation.Usual():
		req.Words = append(req.Words, ops.Word{Key: ops.Setter(operation.Key).Key, Value: value})
	}
	if !last {
		req.Words = append(req.Words, ops.Word{Key: "for", Value: o.Get(chain[i+1].Key)})
	}
	if i > 0 {
		o = o.AfterFirst()
	}
	for _, w := range o {
		opt, _ := ops.Lookup(w.Key)
		mine := opt.Of == "" || opt.Alone || opt.Of == operation.Key || !last && opt.Of == chain[i+1].Key
		if opt.Daemon != "" || opt.Stage == ops.Nobody || !mine {
			continue
		}
		req.Words = append(req.Words, w)
	}
	return req
}

// Run does o to the picture in. Errors have the kind that a daemon answered; Busy
// when no daemon can be reached or all are busy; Internal when the picture has
// killed limits.Deaths workers; or are ctx's error when that has ended. The end of ctx
// stops the worker.
//
// The answer of a daemon goes into the request to the next one: the size to reach, the
// format to write, by how much the picture between them is reduced and where it begins,
// and what became of gravity and background. Nothing is computed here.
func (c *Dispatcher) Run(ctx context.Context, o ops.Ops, in Input, deaths Deaths) (Result, error) {
	r, err := c.run(ctx, o, in, deaths, begun{left: c.c.Timeout})
	if fault.Of(err) != fault.Undecoded {
		return r, err
	}
	o, decoded, b, err := c.decode(ctx, o, in, deaths, err)
	if err != nil {
		return Result{}, err
	}
	defer decoded.Close()
	r, err = c.run(ctx, o, decoded, deaths, b)
	return r, known(err)
}

// run does the operations.
func (c *Dispatcher) run(ctx context.Context, o ops.Ops, in Input, deaths Deaths, b begun) (Result, error) {
	o, chain := plan(o)
	var before wire.Reply // of the daemon before
	notes, stages, left := b.notes, b.stages, b.left
	for i, operation := range chain {
		if left <= 0 {
			in.(File).Close()
			return Result{}, fault.New(fault.Timeout, "%s left no time for %s (-t %v)", chain[i-1].Key, operation.Key, c.c.Timeout)
		}
		req := requestFor(o, chain, i)
		req.Words = append(req.Words, c.limits(left)...)
		if i > 0 {
			if !o.Has("fit") { // which may cut or pad: then the next one works out the same
				req.Geometry = goals(before, req.Results())
			}
			for _, w := range [][2]string{{"full", "of"}, {"reduced", "reduced"}, {"origin", "origin"}} {
				if v := before.Get(w[0]); v != "" {
					req.Words = append(req.Words, ops.Word{Key: w[1], Value: v})
				}
			}
		}
		begun := time.Now()
		reply, outs, err := c.call(ctx, c.pools[operation.Daemon], req, in, deaths)
		if between, ok := in.(File); ok && i > 0 {
			between.Close()
		}
		if i > 0 {
			err = known(err)
		}
		if err != nil {
			return Result{}, err
		}
		took := worked(reply, time.Since(begun))
		left -= took
		stages = append(stages, Stage{operation.Key, took})
		notes = append(notes, reply.Get("note"))
		if i == len(chain)-1 {
			r := result(reply, outs)
			r.Note, r.Stages = joinNotes(notes), stages
			return r, nil
		}
		if next := requestFor(o, chain, i+1); goals(reply, next.Results()) == "" || reply.Get("as") == "" {
			outs.close()
			return Result{}, fault.New(fault.Internal, "%s did not answer goal= and as=", operation.Daemon)
		}
		o, in, before = o.With("format", reply.Get("as")), outs[0], reply
		if v := reply.Get("quality"); v != "" { // the kind of WebP that came in
			o = o.With("quality", v)
		}
		for _, key := range []string{"gravity", "background"} {
			if v := reply.Get(key); v != "" && o.Has(key) {
				o = o.With(key, v)
			}
		}
	}
	return Result{}, fault.New(fault.Internal, "a plan without a call")
}

// goals returns the geometry, or the list of n of them, that a daemon says is to be
// reached; "" if one is missing.
func goals(reply wire.Reply, n int) string {
	var list []string
	for i := range n {
		goal := reply.Get(wire.Numbered("goal", i+1))
		if goal == "" {
			return ""
		}
		list = append(list, goal+"!")
	}
	return strings.Join(list, ",")
}

// limits are the words that only lower what the daemon itself allows. left is the
// time for the work.
func (c *Dispatcher) limits(left time.Duration) []ops.Word {
	return []ops.Word{
		{Key: "maxpixels", Value: strconv.FormatInt(c.c.MaxPixels, 10)},
		{Key: "timeout", Value: left.String()},
	}
}

// worked returns how long a worker says that it has worked, which is no longer than
// the whole call took. The time in the daemon's queue does not count. A daemon that
// does not say counts as 0.
func worked(reply wire.Reply, took time.Duration) time.Duration {
	ms, err := strconv.ParseInt(reply.Get("ms"), 10, 64)
	if err != nil || ms < 0 {
		return 0
	}
	return time.Duration(min(ms, took.Milliseconds())) * time.Millisecond
}

// Bounds of the notes on a picture.
const (
	maxNotes = 3
	maxNote  = 100 // bytes of one
)

// joinNotes joins what the daemons of a plan say of a picture. A note that several
// say is given once.
func joinNotes(notes []string) string {
	var all []string
	for _, joined := range notes {
		for note := range strings.SplitSeq(joined, "; ") {
			note = filename.Cut(strings.TrimSpace(fault.Line(note)), maxNote)
			if note != "" && len(all) < maxNotes && !slices.Contains(all, note) {
				all = append(all, note)
			}
		}
	}
	return strings.Join(all, "; ")
}
