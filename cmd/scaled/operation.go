package main

import (
	"strconv"
	"strings"

	"imgtools/cmd/internal/filterd"
	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/scale"
)

// operation returns what a worker does with a request: scale.Run within limits.
var operation = filterd.Operation(options, scale.Run, reply)

// options reads the geometry and words of a scale request: those of an operation,
// of=WxH and reduced=N/8, which say that the picture is already a reduced one, and
// maxpixels=, which only lowers lim.
func options(req wire.Request, lim raster.Limits) (scale.Options, error) {
	o := scale.Options{Geometry: req.Geometry, Limits: lim}
	words := []ops.Word{{Key: "scale", Value: req.Geometry}}
	for _, w := range req.Words {
		switch w.Key {
		case "of":
			a, b, _ := strings.Cut(w.Value, "x")
			var ok1, ok2 bool
			o.OfW, ok1 = number(a, raster.MaxSide)
			o.OfH, ok2 = number(b, raster.MaxSide)
			if !ok1 || !ok2 {
				return o, fault.New(fault.Usage, "of %q: not a size like 1001x750", w.Value)
			}
		case "reduced":
			n, eighths := strings.CutSuffix(w.Value, "/8")
			var ok bool
			if o.Reduced, ok = number(n, 8); !ok || !eighths {
				return o, fault.New(fault.Usage, "reduced %q: not 1/8 to 8/8", w.Value)
			}
		case "maxpixels":
			var err error
			if o.Limits, err = filterd.LowerPixels(lim, w.Value); err != nil {
				return o, err
			}
		case "gray", "luma", "scale":
			return o, fault.New(fault.Usage, "unknown word %q", w.Key)
		default:
			words = append(words, w)
		}
	}
	if o.Reduced != 0 && o.OfW == 0 {
		return o, fault.New(fault.Usage, "reduced without of")
	}
	op, err := ops.Parse(words)
	if err != nil {
		return o, err
	}
	o.Kernel, o.Fine, o.Linear = op.Kernel, op.Fine, op.Linear
	o.Format, o.Quality = op.Format, op.Quality
	return o, nil
}

// number reads a decimal number from 1 to most.
func number(s string, most int) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil && n >= 1 && int(n) <= most
}

func reply(r scale.Result, _ scale.Options) wire.Reply {
	return filterd.Reply(r.Type, r.W, r.H, r.Note)
}
