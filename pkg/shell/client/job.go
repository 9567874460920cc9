package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"imgtools/pkg/fault"
)

// Status is the state of a job as the server reports it. What is not known yet is zero.
type Status struct {
	State string // queued, running, done, failed
	Name  string // the original's, or ""
	Place int    // in the queue, from 1; 0: it is not waiting, or the place is not known
	Ops   string // the operations, as in a query

	Received, Started, Finished time.Time

	In    struct{ Bytes int64 }
	Out   Out
	Outs  []Out // of several sizes: all, Out among them
	Error struct{ Detail string }

	JSON []byte `json:"-"` // all that the server said, on one line
}

// Out describes a result.
type Out struct{ Bytes, Width, Height int64 }

// States are the states that a job can be in.
var States = []string{"queued", "running", "done", "failed"}

// short is how long a request without a picture may take.
const short = 10 * time.Second

// maxStatus is the largest status that is read, in bytes.
const maxStatus = 64 << 10

// url returns the URL of a job.
func (c *Client) url(ref Ref) string {
	base := ref.base
	if base == "" {
		base = c.base()
	}
	return base + "/jobs/" + ref.ID
}

// Status asks once for the state of a job.
func (c *Client) Status(ctx context.Context, ref Ref) (Status, error) {
	var s Status
	resp, cancel, err := c.ask(ctx, "GET", ref)
	if err != nil {
		return s, err
	}
	defer cancel()
	defer resp.Body.Close()
	var raw json.RawMessage
	var line bytes.Buffer
	err = json.NewDecoder(io.LimitReader(resp.Body, maxStatus)).Decode(&raw)
	if err == nil {
		err = errors.Join(json.Unmarshal(raw, &s), json.Compact(&line, raw))
	}
	if err != nil || s.State == "" {
		return s, fault.New(fault.Internal, "not an imgd: no status of a job")
	}
	s.JSON = line.Bytes()
	return s, nil
}

// Name asks for the name of a job's original, for a message. It returns "" if there
// is none or the request fails.
func (c *Client) Name(ctx context.Context, ref Ref) string {
	s, err := c.Status(ctx, ref)
	if err != nil {
		return ""
	}
	return s.Name
}

// Delete asks once to delete a job, whatever its state. Nobody can fetch it any more.
func (c *Client) Delete(ctx context.Context, ref Ref) error {
	resp, cancel, err := c.ask(ctx, "DELETE", ref)
	if err != nil {
		return err
	}
	defer cancel()
	return resp.Body.Close()
}

// ask makes a request about a job. If there is no error, the caller closes the body
// and then calls cancel.
func (c *Client) ask(ctx context.Context, method string, ref Ref) (*http.Response, context.CancelFunc, error) {
	ctx, cancel := context.WithTimeout(ctx, short)
	req, err := http.NewRequestWithContext(ctx, method, c.url(ref), nil)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.do(req)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	return resp, cancel, nil
}

// Gone reports whether err says that there is no such job: it was deleted, it
// expired, or it never existed.
func Gone(err error) bool {
	kind := fault.Of(err)
	return kind == fault.Gone || kind == fault.NotFound
}

// Home returns the address of the client's own server in the form of -a. If the
// server is still to be found, Home makes a request to find it.
func (c *Client) Home(ctx context.Context) (string, error) {
	c.mu.Lock()
	known := len(c.places) == 1
	c.mu.Unlock()
	if !known {
		ctx, cancel := context.WithTimeout(ctx, short)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", c.base()+"/healthz", nil)
		if err != nil {
			return "", err
		}
		resp, err := c.do(req)
		if err != nil {
			return "", err
		}
		resp.Body.Close()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.places) != 1 {
		return "", fmt.Errorf("%w: no socket", ErrAway)
	}
	if e := c.places[0]; e.unix != "" {
		path, err := filepath.Abs(e.unix)
		return "unix:" + path, err
	}
	return c.places[0].base, nil
}
