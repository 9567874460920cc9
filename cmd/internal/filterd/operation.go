package filterd

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/daemon/worker"
	"imgtools/pkg/fault"
	"imgtools/pkg/filename"
	"imgtools/pkg/info"
	"imgtools/pkg/limits"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/describe"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/raster"
)

// Operation returns what a worker does with a request of a verb, within limits: it
// reads the words, has package plan make the picture, or several from one decoding, and
// answers with what was written.
func Operation(verb string) func(raster.Limits) worker.Operation {
	return func(lim raster.Limits) worker.Operation {
		return func(req wire.Request, in *os.File, outs []io.Writer) (wire.Reply, error) {
			if req.Verb == wire.Info {
				return describeTo(outs[0], req, in, lim)
			}
			r, err := request(verb, req, lim)
			if err != nil {
				return wire.Reply{}, err
			}
			fi, err := in.Stat()
			if err != nil {
				return wire.Reply{}, err
			}
			r.HEIF = codec.Elsewhere{}
			sizes, err := plan.PrepareSizes(in, fi.Size(), r)
			if err != nil {
				return wire.Reply{}, err
			}
			results, err := sizes.Write(outs)
			if err != nil {
				return wire.Reply{}, err
			}
			return reply(results, handedOver(results[0], r.HandOver)), nil
		}
	}
}

// describeTo writes the JSON that describes the picture in in.
func describeTo(out io.Writer, req wire.Request, in *os.File, lim raster.Limits) (reply wire.Reply, err error) {
	for _, w := range req.Words {
		if w.Key != "maxpixels" {
			return reply, fault.New(fault.Usage, "unknown word %q", w.Key)
		}
		if lim, err = lowerPixels(lim, w.Value); err != nil {
			return reply, err
		}
	}
	fi, err := in.Stat()
	if err != nil {
		return reply, err
	}
	i, err := describe.Read(in, fi.Size(), lim)
	if err != nil {
		return reply, err
	}
	_, err = out.Write(i.JSON(""))
	return wire.Reply{Words: []ops.Word{{Key: "type", Value: info.Media}}, Len: -1}, err
}

// request reads a request line. Beside the words of an operation (package ops) there
// are these, which only daemons have:
//
//	for=GEOMETRY   with gray: the picture will be scaled by scaled afterwards, also to a list
//	of=WxH         with scale: the picture is a reduced one of W × H pixels
//	reduced=N/8    with of: how it was reduced
//	origin=XxY     with of: where it begins, in eighths of a sample from 0 to 7
//	maxpixels=N    lowers the limit
func request(verb string, req wire.Request, lim raster.Limits) (plan.Request, error) {
	r := plan.Request{Limits: lim}
	operation, _ := ops.Lookup(verb)
	words := []ops.Word{{Key: verb, Value: req.Geometry}}
	for _, w := range req.Words {
		var err error
		opt, known := ops.Lookup(w.Key)
		switch {
		case w.Key == "maxpixels":
			r.Limits, err = lowerPixels(lim, w.Value)
		case w.Key == "for" && verb == "gray":
			r.HandOver = true
			words = append(words, ops.Word{Key: "scale", Value: w.Value})
		case w.Key == "of" && verb == "scale":
			r.OfW, r.OfH, err = parseOf(w.Value)
		case w.Key == "reduced" && verb == "scale":
			r.Reduced, err = parseReduced(w.Value)
		case w.Key == "origin" && verb == "scale":
			r.OriginX, r.OriginY, err = parseOrigin(w.Value)
		case w.Key == verb && operation.Switch(): // gray=709
			words[0] = w
		case known && opt.Daemon != "" || !known:
			err = fault.New(fault.Usage, "unknown word %q", w.Key)
		default:
			words = append(words, w)
		}
		if err != nil {
			return r, err
		}
	}
	if (r.Reduced != 0 || r.OriginX != 0 || r.OriginY != 0) && r.OfW == 0 {
		return r, fault.New(fault.Usage, "reduced or origin without of")
	}
	var err error
	if r.Ops, err = ops.ParsePublic(words); err != nil {
		return r, err
	}
	if !r.Ops.Has(verb) {
		return r, fault.New(fault.Usage, "%s=0: nothing to do", verb)
	}
	return r, nil
}

func parseOf(s string) (w, h int, err error) {
	a, b, _ := strings.Cut(s, "x")
	w, okW := number(a, raster.MaxSide)
	h, okH := number(b, raster.MaxSide)
	if !okW || !okH {
		return 0, 0, fault.New(fault.Usage, "of %q: not a size like 1001x750", s)
	}
	return w, h, nil
}

// parseOrigin reads eighths of a sample.
func parseOrigin(s string) (x, y int, err error) {
	if len(s) != 3 || s[0] < '0' || s[0] > '7' || s[1] != 'x' || s[2] < '0' || s[2] > '7' {
		return 0, 0, fault.New(fault.Usage, "origin %q: not 0x0 to 7x7", s)
	}
	return int(s[0] - '0'), int(s[2] - '0'), nil
}

func parseReduced(s string) (int, error) {
	eighths, ok := strings.CutSuffix(s, "/8")
	n, small := number(eighths, 8)
	if !ok || !small {
		return 0, fault.New(fault.Usage, "reduced %q: not 1/8 to 8/8", s)
	}
	return n, nil
}

// number reads a decimal number from 1 to most.
func number(s string, most int) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil && n >= 1 && int(n) <= most
}

// lowerPixels returns lim with the pixels of a word maxpixels=, which only lowers it.
func lowerPixels(lim raster.Limits, value string) (raster.Limits, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 {
		return lim, fault.New(fault.Usage, "maxpixels %q: not a number over 0", value)
	}
	if lim.Pixels == 0 {
		lim.Pixels = limits.Pixels
	}
	lim.Pixels = min(n, lim.Pixels)
	return lim, nil
}

// reply says what was written, and more words. The worker adds the lengths. A note that is
// too long for the line is cut off.
func reply(results []plan.Result, more []ops.Word) wire.Reply {
	r := results[0]
	var words []ops.Word
	for i, one := range results {
		if i == 0 || one.Type != r.Type {
			words = append(words, ops.Word{Key: wire.Numbered("type", i+1), Value: one.Type})
		}
		words = append(words,
			ops.Word{Key: wire.Numbered("width", i+1), Value: strconv.Itoa(one.W)},
			ops.Word{Key: wire.Numbered("height", i+1), Value: strconv.Itoa(one.H)})
	}
	words = append(words, more...)
	line := wire.Reply{Words: words, Len: -1}
	room := wire.MaxLine - workerRoom - lenRoom*len(results)
	for note := r.Note; note != ""; note = filename.Cut(note, len(note)-noteStep) {
		line.Words = append(words[:len(words):len(words)], ops.Word{Key: "note", Value: note})
		if len(line.String()) < room {
			return line
		}
	}
	line.Words = words
	return line
}

// handedOver says, after a hand-over, what the result is a part of.
func handedOver(r plan.Result, handOver bool) []ops.Word {
	if !handOver {
		return nil
	}
	words := []ops.Word{
		{Key: "full", Value: fmt.Sprintf("%dx%d", r.FullW, r.FullH)},
		{Key: "reduced", Value: fmt.Sprintf("%d/8", r.Reduced)},
	}
	if r.OriginX != 0 || r.OriginY != 0 {
		words = append(words, ops.Word{Key: "origin", Value: fmt.Sprintf("%dx%d", r.OriginX, r.OriginY)})
	}
	for _, w := range []ops.Word{{Key: "gravity", Value: r.Gravity}, {Key: "background", Value: r.Background}} {
		if w.Value != "" {
			words = append(words, w)
		}
	}
	words = append(words, left(r)...)
	if r.Lossless {
		words = append(words, ops.Word{Key: "quality", Value: ops.Lossless})
	}
	return words
}

// left says what is left to do: the sizes to reach, and the formats that the picture came
// in and is to be written in.
func left(r plan.Result) (words []ops.Word) {
	for i, goal := range r.Goals {
		words = append(words, ops.Word{Key: wire.Numbered("goal", i+1), Value: fmt.Sprintf("%dx%d", goal.W, goal.H)})
	}
	return append(words, ops.Word{Key: "from", Value: r.From}, ops.Word{Key: "as", Value: r.As})
}

// Room in bytes for what the worker adds to the line of an answer, and the step by which a
// note is shortened.
const (
	workerRoom = len(" ms=9223372036854775807\n")
	lenRoom    = len(" len8=9223372036854775807")
	noteStep   = 10
)
