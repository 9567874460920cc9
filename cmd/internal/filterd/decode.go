package filterd

import (
	"io"
	"os"
	"slices"
	"time"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/daemon/worker"
	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/raster"
)

// Decoding returns what a worker of heifd does with a request, within limits: it has a
// decoder decode the HEIC or AVIF, and writes it for the daemon that does the operations.
// within returns the decoder for a request that has so much time.
func Decoding(within func(time.Duration) codec.Decoder) func(raster.Limits) worker.Operation {
	return func(lim raster.Limits) worker.Operation {
		return func(req wire.Request, in *os.File, outs []io.Writer) (wire.Reply, error) {
			if req.Verb == wire.Info {
				return describeTo(outs[0], req, in, lim)
			}
			r, err := decodeRequest(req, lim)
			if err != nil {
				return wire.Reply{}, err
			}
			fi, err := in.Stat()
			if err != nil {
				return wire.Reply{}, err
			}
			r.HEIF = within(req.Limit)
			res, err := plan.Decode(outs[0], in, fi.Size(), r)
			if err != nil {
				return wire.Reply{}, err
			}
			return reply([]plan.Result{res}, left(res)), nil
		}
	}
}

// decodeRequest reads a request line of the verb decode, which has these words:
//
//	frame=N        the picture of a file with several
//	for=GEOMETRY   it will be scaled so: a thumbnail in the file may do
//	gray=601       it will be made gray: luma may do
//	maxpixels=N    lowers the limit
func decodeRequest(req wire.Request, lim raster.Limits) (plan.Request, error) {
	r := plan.Request{Limits: lim}
	var words []ops.Word
	var err error
	for _, w := range req.Words {
		switch w.Key {
		case "maxpixels":
			r.Limits, err = lowerPixels(lim, w.Value)
		case "for":
			words = append(words, ops.Word{Key: "scale", Value: w.Value})
		case "frame", "gray":
			words = append(words, w)
		default:
			err = fault.New(fault.Usage, "unknown word %q", w.Key)
		}
		if err != nil {
			return r, err
		}
	}
	if r.Ops, err = ops.ParsePublic(words); err == nil && len(r.Ops.Sizes()) > 0 {
		err = fault.New(fault.Usage, "for=%s: one size at most", r.Ops.Get("scale"))
	}
	if !slices.ContainsFunc(words, func(w ops.Word) bool { return w.Key == "gray" }) {
		r.Ops = r.Ops.Without("gray") // which stands for no operation at all
	}
	return r, err
}
