package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

// Query returns words as the query of a URL, escaped.
func Query(words []ops.Word) string {
	q := ""
	for _, w := range words {
		q += "&" + w.Key + "=" + url.QueryEscape(w.Value)
	}
	if q == "" {
		return ""
	}
	return "?" + q[1:]
}

// Put sends a picture as job id, once. When it returns no error the server has the job
// safe on disk, and results names each of its results: the id and, of several sizes, ID/2
// and so on. After a Repeatable error the same call may be made again: with the
// same id, query and picture it makes no second job. A silent server is given up
// after a while, or when -w, counted from since, ends.
func (c *Client) Put(ctx context.Context, since time.Time, id, query string, picture *io.SectionReader) (results []string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := time.AfterFunc(c.patience(since), cancel)
	defer watch.Stop()
	body := func() *upload {
		return &upload{r: io.NewSectionReader(picture, 0, picture.Size()), left: picture.Size(),
			kept: func() { watch.Reset(c.patience(since)) }}
	}
	first := body()
	req, err := http.NewRequestWithContext(ctx, "PUT", c.base()+"/jobs/"+id+query, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	if req.ContentLength = picture.Size(); req.ContentLength == 0 {
		req.Body = http.NoBody
	} else {
		req.Body = first
		req.GetBody = func() (io.ReadCloser, error) { return body(), nil }
		req.Header.Set("Expect", "100-continue") // don't send what will be refused
	}
	resp, err := c.do(req)
	if err != nil {
		if p := first.failed.Load(); p != nil {
			return nil, *p // the file failed, not the connection
		}
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		return nil, fault.New(fault.Internal, "not an imgd: HTTP %d for a job", resp.StatusCode)
	}
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // all of it lets the transport reuse the connection
	return resultsOf(id, string(answer)), nil
}

// resultsOf returns the results of a job that an answer lists, one a line: at least its
// id.
func resultsOf(id, answer string) []string {
	results := []string{id}
	for line := range strings.Lines(answer) {
		if line := strings.TrimSpace(line); line == id+"/"+strconv.Itoa(len(results)+1) {
			results = append(results, line)
		}
	}
	return results
}

// upload is the body of a request with a picture.
type upload struct {
	r      io.Reader
	left   int64                 // bytes still to be read
	kept   func()                // called when the server has taken some bytes
	failed atomic.Pointer[error] // of reading the file
}

func (u *upload) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.left -= int64(n)
	u.kept()
	if err == io.EOF && u.left > 0 {
		err = fault.New(fault.Internal, "the file became shorter while it was sent")
	}
	if err != nil && err != io.EOF {
		u.failed.Store(&err)
	}
	return n, err
}

func (u *upload) Close() error { return nil }
