package front

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/front/dispatch"
	"imgtools/pkg/front/spool"
	"imgtools/pkg/limits"
	"imgtools/pkg/ops"
)

// image is POST and PUT /image. It answers with the result when it is ready. When the
// client leaves, the work is cancelled.
func (s *Server) image(w http.ResponseWriter, r *http.Request, _ string) {
	up, o, err := s.onePicture(w, r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer up.Close()
	result, err := s.workNow(r, o, up)
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		s.metrics.left.Add(1)
		err = fault.New(fault.RequestTimeout, "client left") // for the log
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer result.Close()
	h := w.Header()
	h.Set("Server-Timing", infoOf(r).worked.timing())
	describeResult(h, result.Type, result.Width, result.Height, result.Note, o.Get("name"))
	h.Set("Content-Length", strconv.FormatInt(result.Size, 10))
	n, _ := io.CopyN(w, result.File.Own(), result.Size)
	s.metrics.sent.Add(n)
}

// describeResult sets the headers that say what a result is. name is that of its file; ""
// is none.
func describeResult(h http.Header, media string, width, height int, note, name string) {
	h.Set("Content-Type", media)
	h.Set("Image-Width", strconv.Itoa(width))
	h.Set("Image-Height", strconv.Itoa(height))
	if note != "" {
		h.Set("Image-Note", fault.ASCII(note))
	}
	if name != "" {
		h.Set("Content-Disposition", disposition(name, media))
	}
	h.Set("Content-Security-Policy", imagePolicy)
}

// imagePolicy keeps a browser from running a result that it takes for a page.
const imagePolicy = "default-src 'none'; sandbox"

// onePicture receives the only picture of a request. The caller closes the upload.
func (s *Server) onePicture(w http.ResponseWriter, r *http.Request) (*spool.Upload, ops.Ops, error) {
	var none ops.Ops
	if err := s.queue.check(s.clientOf(r)); err != nil {
		return nil, none, err
	}
	src, err := s.source(w, r, false, s.parseSingle)
	if err != nil {
		return nil, none, err
	}
	return s.only(src, false)
}

// only receives the picture of a source that may have no other.
func (s *Server) only(src *source, job bool) (*spool.Upload, ops.Ops, error) {
	var none ops.Ops
	p, err := src.next()
	if err != nil {
		return nil, none, err
	}
	up, err := s.receive(p, job)
	if err != nil {
		return nil, none, err
	}
	o, err := ops.Ops(nil), src.end()
	if err == nil {
		o, err = src.ops(p)
	}
	if err != nil {
		up.Close()
		return nil, none, err
	}
	return up, o, nil
}

// workNow has an uploaded picture processed as soon as a worker is free. The caller
// closes the result.
func (s *Server) workNow(r *http.Request, o ops.Ops, up *spool.Upload) (dispatch.Result, error) {
	who := s.clientOf(r)
	slot := func(ctx context.Context) place { return place{who, s.queue.wait(ctx, who)} }
	w := s.workFor(r.Context(), slot, o, up, up.Len())
	if !w.refused {
		s.metrics.worked("image", *w)
		infoOf(r).worked = w
	}
	return w.result, w.err
}

// workFor has a picture of so many bytes processed when slot returns a place with a slot.
// The caller closes the result's file.
func (s *Server) workFor(ctx context.Context, slot func(context.Context) place, o ops.Ops, in dispatch.Input, size int64) *worked {
	ctx, cancel := s.untilStopped(ctx)
	defer cancel()
	arrived := time.Now()
	w := &worked{ops: o, in: size}
	got := slot(ctx)
	if got.err != nil {
		w.err, w.refused = s.cutOff(got.err), true
		return w
	}
	start := time.Now()
	result, err := s.dispatcher.Run(ctx, o, in, deathsNow())
	w.queued, w.took, w.result, w.err = start.Sub(arrived), time.Since(start), result, s.cutOff(err)
	s.queue.imageDone(got.who, w.useful())
	return w
}

// untilStopped returns a context that also ends when the server cuts off its work. The
// caller calls cancel.
func (s *Server) untilStopped(parent context.Context) (ctx context.Context, cancel func()) {
	ctx, end := context.WithCancel(parent)
	forget := context.AfterFunc(s.stopping, end)
	return ctx, func() { forget(); end() }
}

// deathsNow counts the deaths of workers of a picture that a client waits for.
func deathsNow() dispatch.Deaths {
	died := 0
	return func(timeout bool) (int, error) {
		died++
		if timeout { // a client waits, and a second attempt would be as slow
			died = limits.Deaths
		}
		return died, nil
	}
}

// cutOff gives an error of work that was cancelled by the stop of the server its kind.
func (s *Server) cutOff(err error) error {
	if errors.Is(err, context.Canceled) && s.stopping.Err() != nil {
		return fault.New(fault.Busy, "stopping")
	}
	return err
}
