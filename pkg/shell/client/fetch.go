package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"mime"
	"net/http"
	"strings"
	"time"

	"imgtools/pkg/backoff"
	"imgtools/pkg/fault"
)

// Result describes a picture that is ready to be fetched.
type Result struct {
	Name     string    // the original's, or ""
	Type     string    // media type
	Size     int64     // bytes; -1: the server doesn't say
	Modified time.Time // zero: the server doesn't say
	ETag     string
	Note     string // what is odd about the original; "" is nothing
}

// ErrSkip is what the open function of Fetch returns to leave a result alone.
var ErrSkip = errors.New("skipped")

// ErrPending is the error of a job that was not ready when -w ran out.
var ErrPending = fault.New(fault.Busy, "still pending")

// longPoll is the wait= of a request, in seconds: how long the server holds it while
// the job is not ready.
const longPoll = 30

// Fetch waits until a job is done, at most for -w from ref.Since. Then it calls open
// once and writes the whole picture to the writer that open returns. If the connection
// breaks, the download continues where it broke (Range and If-Range, RFC 9110 14.2 and
// 13.1.5), or the bytes that are there already are skipped. An error of kind Busy
// means that the picture may be fetched later.
func (c *Client) Fetch(ctx context.Context, ref Ref, open func(Result) (io.Writer, error)) error {
	var d download
	for tries := 0; ; tries++ {
		before := d.done
		err := c.fetchOnce(ctx, ref, &d, open)
		if err == nil {
			return nil
		}
		if d.done > before {
			tries = 0
		}
		if err := c.Pause(ctx, ref.Since, tries, err); err != nil {
			return err
		}
	}
}

// download is the state of a download.
type download struct {
	Result
	w    io.Writer // nil: open was not called yet
	done int64     // bytes written to w
}

// fetchOnce is one attempt of Fetch.
func (c *Client) fetchOnce(ctx context.Context, ref Ref, d *download, open func(Result) (io.Writer, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := time.AfterFunc(time.Hour, cancel)
	defer watch.Stop()
	resp, err := c.ready(ctx, ref, d, watch)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	watch.Reset(c.idle)
	skip, err := d.accept(resp)
	if err != nil {
		return err
	}
	if d.w == nil {
		if d.w, err = open(d.Result); err != nil {
			return err
		}
	}
	body := &idleReader{resp.Body, watch, c.idle}
	if _, err := io.CopyN(io.Discard, body, skip); err != nil {
		return breakage(err)
	}
	if d.Size >= 0 && d.done == d.Size {
		return nil // all bytes came before the connection broke
	}
	buf := make([]byte, 256<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			m, werr := d.w.Write(buf[:n])
			d.done += int64(m)
			if werr != nil {
				return werr
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return breakage(err)
		}
	}
	if d.Size >= 0 && d.done != d.Size {
		return breakage(fmt.Errorf("%d of %d bytes: %w", d.done, d.Size, io.ErrUnexpectedEOF))
	}
	return nil
}

// ready asks for a job's picture until the job is done, and returns the answer with
// the picture.
func (c *Client) ready(ctx context.Context, ref Ref, d *download, watch *time.Timer) (*http.Response, error) {
	for {
		wait := longPoll
		if !c.cfg.Forever {
			wait = int(math.Ceil(min(c.remaining(ref.Since).Seconds(), longPoll)))
		}
		req, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("%s/image?wait=%d", ref.numbered(c.url(ref), "/"), wait), nil)
		if err != nil {
			return nil, err
		}
		if d.done > 0 && d.ETag != "" && !strings.HasPrefix(d.ETag, "W/") {
			req.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.done))
			req.Header.Set("If-Range", d.ETag)
		}
		watch.Reset(c.patience(ref.Since))
		asked := time.Now()
		resp, err := c.do(req)
		if err != nil || resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusPartialContent {
			return resp, err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusAccepted {
			return nil, fault.New(fault.Internal, "not an imgd: HTTP %d for a picture", resp.StatusCode)
		}
		if !c.cfg.Forever && c.remaining(ref.Since) == 0 {
			return nil, ErrPending
		}
		// A server that held the request for the whole wait is asked again at
		// once. One that answered early gets a pause.
		if time.Since(asked) < time.Duration(wait)*time.Second {
			after := max(retryAfter(resp), 200*time.Millisecond)
			after = after/2 + rand.N(after/2+1)
			if !c.cfg.Forever {
				after = min(after, c.remaining(ref.Since))
			}
			watch.Stop()
			if err := backoff.Sleep(ctx, after); err != nil {
				return nil, err
			}
		}
	}
}

// accept reads the headers of an answer with a picture. skip is the number of bytes
// at the beginning of its body that were written before.
func (d *download) accept(resp *http.Response) (skip int64, err error) {
	h := resp.Header
	etag := h.Get("ETag")
	if resp.StatusCode == http.StatusPartialContent {
		var from, to, size int64
		if _, err := fmt.Sscanf(h.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &size); err != nil ||
			d.w == nil || from != d.done || size != d.Size || etag != d.ETag {
			return 0, fault.New(fault.Internal, "not the part that was asked for: %q", h.Get("Content-Range"))
		}
		return 0, nil
	}
	if resp.ContentLength < 0 && resp.ProtoMajor == 1 && len(resp.TransferEncoding) == 0 {
		return 0, fault.New(fault.Internal, "no length of the picture: it could end early unseen")
	}
	if d.w != nil {
		if resp.ContentLength != d.Size || etag != d.ETag {
			return 0, fault.New(fault.Internal, "the result changed while it was fetched")
		}
		return d.done, nil
	}
	d.Size, d.ETag = resp.ContentLength, etag
	d.Type, _, _ = mime.ParseMediaType(h.Get("Content-Type"))
	if _, params, err := mime.ParseMediaType(h.Get("Content-Disposition")); err == nil {
		d.Name = params["filename"]
	}
	d.Modified, _ = http.ParseTime(h.Get("Last-Modified"))
	d.Note = h.Get("Image-Note")
	return 0, nil
}

// idleReader resets a timer whenever bytes come.
type idleReader struct {
	r     io.Reader
	watch *time.Timer
	idle  time.Duration
}

func (r *idleReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.watch.Reset(r.idle)
	return n, err
}
