package front

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/filename"
	"imgtools/pkg/front/spool"
	"imgtools/pkg/jobid"
)

// await reads wait= and waits for the job to end. It returns earlier when that time is
// over, the client leaves or the server stops.
func (s *Server) await(r *http.Request, id string) error {
	d, err := parseWait(r.URL.RawQuery)
	if err == nil {
		s.awaitAny(r, d, id)
	}
	return err
}

// awaitAny waits as await does, for one of several jobs.
func (s *Server) awaitAny(r *http.Request, d time.Duration, ids ...string) {
	if d == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), d)
	defer cancel()
	defer context.AfterFunc(s.draining, cancel)()
	s.c.Spool.Wait(ctx, ids...)
}

// status returns the status of a job, after waiting as wait= asks.
func (s *Server) status(r *http.Request, id string) (*spool.Status, error) {
	st, err := s.c.Spool.Status(id)
	if err == nil && st.Pending() {
		if err = s.await(r, id); err == nil {
			st, err = s.c.Spool.Status(id)
		}
	} else if err == nil {
		_, err = parseWait(r.URL.RawQuery)
	}
	return st, err
}

// showJob is GET /jobs/ID.
func (s *Server) showJob(w http.ResponseWriter, r *http.Request, id string) {
	st, err := s.status(r, id)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	varies(w.Header())
	if st.Pending() {
		w.Header().Set("Retry-After", s.pause(st.Place))
	}
	switch wants(r) {
	case asHTML:
		s.writePage(w, r, http.StatusOK, &page{Title: "job", Jobs: []jobView{view(st)}, Refresh: st.Pending()})
	case asJSON:
		writeJSON(w, typeJSON, http.StatusOK, view(st))
	default:
		writeText(w, http.StatusOK, view(st).text())
	}
}

// pause returns how many seconds a client should wait before it asks again for a pending
// job at that place in the queue; 0 is one that runs.
func (s *Server) pause(place int) string {
	if place <= 1 {
		return "1"
	}
	return strconv.Itoa(min(s.queue.jobAfter(place), 60))
}

// jobImage is GET and HEAD /jobs/ID/image and, for one of several sizes, /jobs/ID/N/image.
func (s *Server) jobImage(w http.ResponseWriter, r *http.Request, ref string) {
	id, number, _ := strings.Cut(ref, "/")
	n := 1
	if number != "" {
		n, _ = strconv.Atoi(number) // route has checked it
	}
	st, err := s.status(r, id)
	if err == nil {
		all := resultsOf(st.Meta.Ops)
		if st.State == spool.Done {
			all = len(st.Result.Outputs())
		}
		if n > all {
			err = fault.New(fault.NotFound, "job %s has no result %d of %d", jobid.Short(id), n, all)
		}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	switch st.State {
	case spool.Pending:
		w.Header().Set("Retry-After", s.pause(st.Place))
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusAccepted)
		return
	case spool.Failed:
		s.fail(w, r, fault.New(st.Failure.Kind, "%s", st.Failure.Detail))
		if r.Method == "GET" {
			s.c.Spool.Sent(id, 1, 0, 0)
		}
		return
	}
	f, err := s.c.Spool.Result(st, n)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer f.Close()
	finished := st.Result.Finished
	out := st.Result.Outputs()[n-1]
	h := w.Header()
	describeResult(h, out.Type, out.Width, out.Height, st.Result.Note, resultNames(st)[n-1])
	h.Set("ETag", etag(out, finished))
	h.Set("Cache-Control", "private, no-cache") // kept, and asked about each time: it may be deleted
	knownRange(r.Header)
	http.ServeContent(w, r, "", finished, f)
	a := w.(*answer)
	s.metrics.sent.Add(a.bytes)
	if r.Method == "GET" {
		from, ok := sentFrom(a.status, h.Get("Content-Range"))
		if ok {
			s.c.Spool.Sent(id, n, from, from+a.bytes)
		}
	}
}

// etag returns the strong validator of a result: its SHA-256, so that work done twice
// can't be told from work done once.
func etag(o spool.Output, finished time.Time) string {
	if o.SHA256 == "" { // done by version 1
		return fmt.Sprintf(`"%x-%x"`, finished.UnixNano(), o.Size)
	}
	return `"` + o.SHA256 + `"`
}

// resultNames returns the file name of each result of a job that is done: that of the
// picture, else its id, with the extension of its format. One of several sizes has the
// name of its size behind it, as the filters have it.
func resultNames(st *spool.Status) (names []string) {
	sizes := st.Meta.Ops.Sizes()
	for i, o := range st.Result.Outputs() {
		name := fileName(cmp.Or(st.Meta.Ops.Get("name"), st.ID), o.Type)
		if i < len(sizes) {
			name = filename.Suffixed(name, "-"+sizes[i].Name)
		}
		names = append(names, name)
	}
	return names
}

// knownRange removes a Range of a unit that is not known, which is to be ignored
// (RFC 9110 section 14.2), and writes "bytes" as ServeContent reads it.
func knownRange(h http.Header) {
	unit, ranges, _ := strings.Cut(h.Get("Range"), "=")
	if strings.EqualFold(unit, "bytes") {
		h.Set("Range", "bytes="+ranges)
	} else {
		h.Del("Range")
	}
}

// sentFrom returns where in the result the body of an answer began.
func sentFrom(status int, contentRange string) (from int64, ok bool) {
	switch status {
	case http.StatusOK:
		return 0, true
	case http.StatusPartialContent:
		text, _, _ := strings.Cut(strings.TrimPrefix(contentRange, "bytes "), "-")
		from, err := strconv.ParseInt(text, 10, 64)
		return from, err == nil // several ranges at once have no Content-Range
	}
	return 0, false
}
