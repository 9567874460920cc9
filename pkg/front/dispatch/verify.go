package dispatch

import (
	"errors"
	"fmt"
	"strconv"

	"imgtools/pkg/daemon/wire"
	"imgtools/pkg/format"
	"imgtools/pkg/info"
	"imgtools/pkg/lease"
)

// isPicture reports whether a worker may answer with a media type. A worker that a
// picture has taken over must not answer with a web page.
func isPicture(mediaType string) bool {
	_, ok := format.ByMedia(mediaType)
	return ok
}

// verify compares a worker's reply to a request with the file that it was given. limit
// bounds the file's bytes.
func verify(req wire.Request, reply wire.Reply, out File, limit int64) error {
	described := req.Verb == wire.Info
	if t := reply.Get("type"); described != (t == info.Media) || !described && !isPicture(t) {
		return &failure{event: lied, err: fmt.Errorf("a worker answered with type %.40q", t)}
	}
	n, err := out.Size()
	if err != nil {
		return err
	}
	if n != reply.Len {
		return &failure{event: lied, err: fmt.Errorf("a worker said %d bytes and wrote %d", reply.Len, n)}
	}
	if n > limit {
		return &failure{event: lied, err: fmt.Errorf("a worker wrote %d bytes > %d", n, limit)}
	}
	w, _ := strconv.Atoi(reply.Get("width"))
	h, _ := strconv.Atoi(reply.Get("height"))
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
