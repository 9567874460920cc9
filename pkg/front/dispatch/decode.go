package dispatch

import (
	"context"
	"strings"
	"time"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

// A worker that meets a HEIC or AVIF answers undecoded. Then heifd is asked to decode it,
// and the worker once more, with what heifd made of it:
//
//	grayd   err undecoded …
//	heifd   ok type=image/tiff … from=heic as=jpeg
//	grayd   ok type=image/jpeg …
//
// What heifd writes is upright and has one frame. Its answer says which format the result
// has if none is asked for. When only a smaller copy in the file was decoded, it also says
// the size that is to be reached.

// Heifd is the name of the daemon that decodes HEIC and AVIF.
const Heifd = "heifd"

// begun is what has been done before the first operation.
type begun struct {
	stages []Stage
	notes  []string
	left   time.Duration // of the time for the work
}

// decode has heifd decode in. why is the error of the worker that could not. It returns
// what is left to do with the file, which the caller closes.
func (c *Dispatcher) decode(ctx context.Context, o ops.Ops, in Input, deaths Deaths, why error) (ops.Ops, File, begun, error) {
	p := c.pools[Heifd]
	if p == nil {
		return nil, nil, begun{}, fault.As(fault.Unsupported, why)
	}
	req := wire.Request{Verb: wire.Decode, Words: decodeWords(o), Len: -1}
	req.Words = append(req.Words, c.limits(c.c.Timeout)...)
	start := time.Now()
	reply, outs, err := c.call(ctx, p, req, in, deaths)
	if err != nil {
		return nil, nil, begun{}, known(err)
	}
	took := worked(reply, time.Since(start))
	b := begun{[]Stage{{wire.Decode, took}}, []string{reply.Get("note")}, c.c.Timeout - took}
	if b.left <= 0 {
		outs.close()
		return nil, nil, b, fault.New(fault.Timeout, "decode left no time for %s (-t %v)", o.Label(), c.c.Timeout)
	}
	o = o.Without("frame")
	if as := reply.Get("as"); as != "" && !o.Has("format") {
		o = o.With("format", as)
	}
	if goal := reply.Get("goal"); goal != "" && o.Has("scale") {
		o = o.With("scale", goal+"!")
	}
	return o, outs[0], b, nil
}

// known returns an error that a user may see: undecoded is a kind of the wire.
func known(err error) error {
	if fault.Of(err) == fault.Undecoded {
		return fault.As(fault.Unsupported, err)
	}
	return err
}

// decodeWords returns the words of the request to heifd. The size that the picture will be
// scaled to (for=) is among them where a thumbnail of the file may be enough, and gray where
// luma may be.
func decodeWords(o ops.Ops) (words []ops.Word) {
	for _, w := range o {
		if w.Key == "frame" || w.Key == "gray" && w.Value == "601" {
			words = append(words, w)
		}
	}
	scale := o.Get("scale")
	whole := !o.Has("crop") && !o.Has("fit") && !o.Has("gravity") && !o.Has("enlarge")
	if scale != "" && whole && !strings.Contains(scale, ",") {
		words = append(words, ops.Word{Key: "for", Value: scale})
	}
	return words
}
