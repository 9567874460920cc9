package dispatch

import (
	"errors"
	"fmt"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/format"
	"imgtools/pkg/info"
	"imgtools/pkg/lease"
)

// isPicture reports whether a worker may answer with a media type. A worker that a
// picture has taken over must not answer with a web page.
func isPicture(mediaType string) bool {
	f, ok := format.ByMedia(mediaType)
	return ok && f.Programs == nil
}

// checkResults returns an error if a reply has not one length for each result.
func checkResults(lens []int64, outs files) error {
	if len(lens) != len(outs) {
		return &failure{event: lied, err: fmt.Errorf("a worker answered with %d results, not %d", len(lens), len(outs))}
	}
	return nil
}

// verify compares a worker's reply to a request with the files that it was given. limit
// bounds the bytes of each.
func verify(req wire.Request, reply wire.Reply, outs files, limit int64) error {
	if err := checkResults(reply.Lens(), outs); err != nil {
		return err
	}
	for i, out := range outs {
		if err := verifyOne(req, pictureOf(reply, i+1), out, limit); err != nil {
			return err
		}
	}
	return nil
}

// verifyOne compares what a worker says of one result with its file.
func verifyOne(req wire.Request, said Picture, out File, limit int64) error {
	described := req.Verb == wire.Info
	if t := said.Type; described != (t == info.Media) || !described && !isPicture(t) {
		return &failure{event: lied, err: fmt.Errorf("a worker answered with type %.40q", t)}
	}
	n, err := out.Size()
	if err != nil {
		return err
	}
	if n != said.Size {
		return &failure{event: lied, err: fmt.Errorf("a worker said %d bytes and wrote %d", said.Size, n)}
	}
	if n > limit {
		return &failure{event: lied, err: fmt.Errorf("a worker wrote %d bytes > %d", n, limit)}
	}
	w, h := said.Width, said.Height
	if described && n < 1 {
		return &failure{event: lied, err: errors.New("a worker answered with no description")}
	}
	if !described && (w < 1 || h < 1 || n < 1) {
		return &failure{event: lied, err: fmt.Errorf("a worker answered with a picture of %d × %d pixels and %d bytes", w, h, n)}
	}
	if writer, err := lease.HasWriter(out.Own()); err != nil {
		return err
	} else if writer {
		return &failure{event: lied, err: errors.New("a worker kept the result open for writing")}
	}
	return nil
}
