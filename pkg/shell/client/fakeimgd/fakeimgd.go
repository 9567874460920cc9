// Package fakeimgd is a small imgd for tests of its clients. It answers as the real
// one does and keeps its jobs in memory. A result is not a picture but the text
// "gray " and the original; of a list of sizes the n-th begins with "size n: ". Fault lets a test make the server fail.
package fakeimgd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Modified is the Last-Modified of every result.
var Modified = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

// Job is a picture on the server.
type Job struct {
	ID, Query string
	In        []byte
	delivered bool
}

// State is the state of a job as the server reports it.
type State struct {
	State, Detail string
	Place         int
	More          map[string]any // further members of the status
}

// Server is a fake imgd. Its fields may be set before the first request; those
// below mu are read through methods.
type Server struct {
	// Fault, if not nil, gets each request first, with the number of earlier
	// requests of that method and path. It reports whether it answered.
	Fault func(w http.ResponseWriter, r *http.Request, before int) bool
	// Room is the number of undelivered jobs that fit into the spool; 0: no limit.
	Room int
	// Type is the media type of results; "" is image/png.
	Type string
	// State has the jobs that are reported in another state than done.
	State map[string]State
	// Notes has the note on the original, by job.
	Notes map[string]string
	// Result makes a result; nil: "gray " and the original.
	Result func(in []byte) []byte

	mu       sync.Mutex
	jobs     map[string]*Job
	gone     map[string]bool
	order    []string // ids, in the order of their acceptance
	requests []string // "METHOD path" each
	seen     map[string]int
	held     chan struct{} // not nil: jobs are pending until it is closed
	busy     int           // requests being answered now
	most     int           // largest value of busy
}

// Start serves s on TCP and returns its URL.
func (s *Server) Start(t *testing.T) string {
	ts := httptest.NewServer(s)
	t.Cleanup(func() { ts.CloseClientConnections(); ts.Close() })
	return ts.URL
}

// StartUnix serves s on a Unix socket and returns its path.
func (s *Server) StartUnix(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "imgd.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewUnstartedServer(s)
	ts.Listener.Close()
	ts.Listener = l
	ts.Start()
	t.Cleanup(func() { ts.CloseClientConnections(); ts.Close() })
	return path
}

// Hold leaves all jobs pending until release is called.
func (s *Server) Hold() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.held = held
	return sync.OnceFunc(func() { close(held) })
}

// Jobs returns the accepted jobs that are not deleted, in order.
func (s *Server) Jobs() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Job
	for _, id := range s.order {
		if j := s.jobs[id]; j != nil {
			all = append(all, *j)
		}
	}
	return all
}

// Add makes a job and returns its id.
func (s *Server) Add(id, name, in string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(&Job{ID: id, Query: url.Values{"name": {name}}.Encode(), In: []byte(in)})
	return id
}

// AddSizes makes a job with several sizes.
func (s *Server) AddSizes(id, name, in, scale string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(&Job{ID: id, Query: url.Values{"name": {name}, "scale": {scale}}.Encode(), In: []byte(in)})
}

func (s *Server) add(j *Job) {
	if s.jobs == nil {
		s.jobs, s.gone = map[string]*Job{}, map[string]bool{}
	}
	s.jobs[j.ID] = j
	s.order = append(s.order, j.ID)
}

// Requests returns "METHOD path" of all requests so far.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// MostAtOnce returns how many requests were being answered at the same time.
func (s *Server) MostAtOnce() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	key := r.Method + " " + r.URL.Path
	if s.seen == nil {
		s.seen = map[string]int{}
	}
	before := s.seen[key]
	s.seen[key]++
	s.requests = append(s.requests, key)
	s.busy++
	s.most = max(s.most, s.busy)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.busy--
		s.mu.Unlock()
	}()
	if s.Fault != nil && s.Fault(w, r, before) {
		return
	}
	s.answer(w, r)
}

// answer handles a request that no fault was planned for.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	path, job := strings.CutPrefix(r.URL.Path, "/jobs/")
	path, image := strings.CutSuffix(path, "/image")
	id, number, numbered := strings.Cut(path, "/")
	n := 1
	if numbered {
		n, _ = strconv.Atoi(number)
	}
	switch {
	case job && numbered && !image:
		Fail(w, 404, "nothing there")
	case r.Method == "PUT" && !image:
		s.put(w, r, id)
	case r.Method == "GET" && image:
		s.image(w, r, id, n)
	case r.URL.Path == "/healthz":
		fmt.Fprintln(w, "ok")
	case r.Method == "GET":
		s.status(w, id)
	case r.Method == "DELETE":
		s.delete(w, id)
	default:
		Fail(w, 405, "no such method")
	}
}

// Fail answers as imgd does: a status and one line. To 503 and 507 it adds a
// Retry-After of 0 seconds.
func Fail(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if status == 503 || status == 507 {
		w.Header().Set("Retry-After", "0")
	}
	w.WriteHeader(status)
	fmt.Fprintln(w, line)
}

// Drop breaks the connection without an answer.
func Drop(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

// Lose carries a request out and breaks the connection without an answer. Fault
// calls it.
func (s *Server) Lose(w http.ResponseWriter, r *http.Request) {
	s.answer(httptest.NewRecorder(), r)
	Drop(w)
}

// DropAfter answers with only the first n bytes of a picture of the given length
// and breaks the connection.
func DropAfter(w http.ResponseWriter, name, etag string, picture []byte, n int) {
	conn, buf, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	fmt.Fprintf(buf, "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n", len(picture))
	if name != "" {
		fmt.Fprintf(buf, "Content-Disposition: inline; filename=%q\r\n", name)
	}
	if etag != "" {
		fmt.Fprintf(buf, "ETag: %s\r\n", etag)
	}
	buf.WriteString("\r\n")
	buf.Write(picture[:n])
	buf.Flush()
	conn.Close()
}

func (s *Server) put(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	undelivered := 0
	for _, j := range s.jobs {
		if !j.delivered {
			undelivered++
		}
	}
	full := s.Room > 0 && undelivered >= s.Room && s.jobs[id] == nil
	s.mu.Unlock()
	if full {
		Fail(w, 507, "spool full")
		return
	}
	in, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch old := s.jobs[id]; {
	case s.gone[id]:
		Fail(w, 410, "gone")
		return
	case old != nil && (!bytes.Equal(old.In, in) || old.Query != r.URL.RawQuery):
		Fail(w, 409, "another job has this id")
		return
	case old == nil:
		s.add(&Job{ID: id, Query: r.URL.RawQuery, In: in})
	}
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(202)
	fmt.Fprintln(w, id)
	for n := 2; n <= len(sizes(r.URL.RawQuery)); n++ {
		fmt.Fprintf(w, "%s/%d\n", id, n)
	}
}

// sizes returns the geometries of a query, of which there is one or a list.
func sizes(query string) []string {
	q, _ := url.ParseQuery(query)
	return strings.Split(q.Get("scale"), ",")
}

func (s *Server) find(w http.ResponseWriter, id string) (*Job, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[id]
	if j == nil {
		if s.gone[id] {
			Fail(w, 410, "gone")
		} else {
			Fail(w, 404, "no such job")
		}
		return nil, ""
	}
	q, _ := url.ParseQuery(j.Query)
	return j, q.Get("name")
}

func (s *Server) image(w http.ResponseWriter, r *http.Request, id string, n int) {
	j, name := s.find(w, id)
	if j == nil {
		return
	}
	list := sizes(j.Query)
	if n > len(list) {
		Fail(w, 404, fmt.Sprintf("job has no result %d of %d", n, len(list)))
		return
	}
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held != nil {
		n, _ := strconv.Atoi(r.URL.Query().Get("wait"))
		t := time.NewTimer(time.Duration(n) * time.Second)
		defer t.Stop()
		select {
		case <-held:
		case <-t.C:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(202)
			return
		case <-r.Context().Done():
			return
		}
	}
	if bytes.HasPrefix(j.In, []byte("bad")) {
		Fail(w, 415, "not a picture: "+string(j.In))
		return
	}
	out := s.Out(j.In)
	if len(list) > 1 {
		out = sized(n, out)
		ext := filepath.Ext(name)
		name = strings.TrimSuffix(name, ext) + "-" + strings.Trim(list[n-1], "x") + ext
	}
	h := w.Header()
	h.Set("ETag", ETag(out))
	if note := s.Notes[id]; note != "" {
		h.Set("Image-Note", note)
	}
	h.Set("Content-Type", "image/png")
	if s.Type != "" {
		h.Set("Content-Type", s.Type)
	}
	if name != "" {
		h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": name}))
	}
	http.ServeContent(w, r, "", Modified, bytes.NewReader(out))
	s.mu.Lock()
	j.delivered = true
	s.mu.Unlock()
}

// sized returns result n of a list of sizes.
func sized(n int, out []byte) []byte { return fmt.Appendf(nil, "size %d: %s", n, out) }

// Out returns the result for an original.
func (s *Server) Out(in []byte) []byte {
	if s.Result != nil {
		return s.Result(in)
	}
	return append([]byte("gray "), in...)
}

// ETag returns the entity tag of a result.
func ETag(out []byte) string { return fmt.Sprintf(`"%x"`, out[:min(len(out), 32)]) }

func (s *Server) status(w http.ResponseWriter, id string) {
	j, name := s.find(w, id)
	if j == nil {
		return
	}
	status := map[string]any{"id": id, "name": name, "state": "done"}
	if list := sizes(j.Query); len(list) > 1 {
		outs := []map[string]any{}
		for n := range list {
			outs = append(outs, map[string]any{"bytes": len(sized(n+1, s.Out(j.In))), "width": 100 * (n + 1), "height": n + 1})
		}
		status["out"], status["outs"] = outs[0], outs
	}
	if st, ok := s.State[id]; ok {
		status["state"] = st.State
		if st.Place > 0 {
			status["place"] = st.Place
		}
		if st.Detail != "" {
			status["error"] = map[string]any{"kind": "format", "detail": st.Detail, "status": 415}
		}
		maps.Copy(status, st.More)
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(status)
}

func (s *Server) delete(w http.ResponseWriter, id string) {
	if j, _ := s.find(w, id); j == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.jobs, id)
	s.gone[id] = true
	w.WriteHeader(204)
}
