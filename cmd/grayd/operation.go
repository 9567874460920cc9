package main

import (
	"fmt"

	"imgtools/cmd/internal/filterd"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/gray"
	"imgtools/pkg/picture/raster"
)

// operation returns what a worker does with a request: gray.Run within limits.
var operation = filterd.Operation(options, gray.Run, reply)

// options reads the words of a gray request: those of an operation, for=GEOMETRY,
// with which the words of scaling may come, and maxpixels=, which only lowers lim.
func options(req wire.Request, lim raster.Limits) (gray.Options, error) {
	o := gray.Options{Limits: lim}
	words := []ops.Word{}
	luma := false
	for _, w := range req.Words {
		switch w.Key {
		case "for":
			if _, err := geometry.Parse(w.Value); err != nil {
				return o, fault.New(fault.Usage, "for: %w", err)
			}
			o.For = w.Value
			words = append(words, ops.Word{Key: "scale", Value: w.Value})
		case "maxpixels":
			var err error
			if o.Limits, err = filterd.LowerPixels(lim, w.Value); err != nil {
				return o, err
			}
		case "scale":
			return o, fault.New(fault.Usage, "unknown word %q", w.Key)
		default:
			luma = luma || w.Key == "gray"
			words = append(words, w)
		}
	}
	if !luma {
		words = append(words, ops.Word{Key: "gray"})
	}
	op, err := ops.Parse(words)
	if err != nil {
		return o, err
	}
	if op.Gray == "" {
		return o, fault.New(fault.Usage, "gray=0: nothing to do")
	}
	o.Luma, o.Format, o.Quality = op.Gray, op.Format, op.Quality
	o.Kernel, o.Fine, o.Linear = op.Kernel, op.Fine, op.Linear
	return o, nil
}

// reply says what was written and, where it is to be scaled, what it is a part of.
func reply(r gray.Result, o gray.Options) wire.Reply {
	var more []ops.Word
	if o.For != "" {
		more = []ops.Word{
			{Key: "full", Value: fmt.Sprintf("%dx%d", r.FullW, r.FullH)},
			{Key: "reduced", Value: fmt.Sprintf("%d/8", r.Reduced)},
			{Key: "goal", Value: fmt.Sprintf("%dx%d", r.GoalW, r.GoalH)},
			{Key: "from", Value: r.From},
			{Key: "as", Value: r.As},
		}
	}
	return filterd.Reply(r.Type, r.W, r.H, r.Note, more...)
}
