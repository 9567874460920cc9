package front

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/front/dispatch"
	"imgtools/pkg/ops"
)

// metrics counts. Labels take few values: no id, no name, no address.
type metrics struct {
	accepted atomic.Int64 // jobs
	received atomic.Int64 // bytes of pictures
	sent     atomic.Int64 // bytes of pictures
	current  atomic.Int64 // requests being answered
	left     atomic.Int64 // clients of /image that did not wait

	history history // of the last hour, for /status

	mu       sync.Mutex
	requests map[request]int64
	pictures map[outcome]int64
	deaths   map[string]int64 // by daemon
	wait     histogram
	work     histogram
	answer   histogram
}

type request struct {
	route, method string
	status        int
}

// outcome is how the work on a picture ended: ok, cancelled, or the kind of error.
type outcome struct{ operation, result string }

// worked is a record of the work on one picture.
type worked struct {
	ops          ops.Ops
	in           int64 // bytes
	queued, took time.Duration
	result       dispatch.Result // none after an error
	err          error
	refused      bool // it was not begun: there was no room, or it was cancelled first
}

// useful is the time of work that gave a result, else 0. Retry-After is estimated
// from it: work that was cancelled or refused says nothing about the next picture.
func (w worked) useful() time.Duration {
	if w.err != nil {
		return 0
	}
	return w.took
}

// timing is the header Server-Timing (W3C, Server Timing): how long the picture waited for
// a worker, and how long each operation took, in milliseconds.
func (w worked) timing() string {
	text := fmt.Sprintf("queue;dur=%d", w.queued.Milliseconds())
	for _, stage := range w.result.Stages {
		text += fmt.Sprintf(", %s;dur=%d", stage.Operation, stage.Took.Milliseconds())
	}
	return text
}

// attrs are its attributes in the log. Bytes and pixels are those of all results; the front
// knows no other pixels.
func (w worked) attrs() []any {
	var bytes, pixels int64
	for _, p := range w.result.All() {
		bytes += p.Size
		pixels += int64(p.Width) * int64(p.Height)
	}
	return []any{
		"bytes_in", w.in, "bytes_out", bytes, "pixels", pixels,
		"ms_queued", w.queued.Milliseconds(), "ms_worked", w.took.Milliseconds(),
	}
}

// format is that of the result; none when there is none.
func (w worked) format() string {
	if w.err != nil {
		return "none"
	}
	return strings.TrimPrefix(strings.TrimPrefix(w.result.Type, "image/"), "x-")
}

// histogram counts values up to bounds, for each set of labels.
type histogram struct {
	bounds []float64
	series map[string]*series // by labels as they are written
}

type series struct {
	count []int64 // one more than bounds, for the rest
	sum   float64
}

func (h *histogram) observe(labels string, v float64) {
	s := h.series[labels]
	if s == nil {
		s = &series{count: make([]int64, len(h.bounds)+1)}
		h.series[labels] = s
	}
	i, _ := slices.BinarySearch(h.bounds, v)
	s.count[i]++
	s.sum += v
}

// init sets all counters to zero; heifd says whether there is one.
func (m *metrics) init(heifd bool) {
	m.requests, m.pictures = map[request]int64{}, map[outcome]int64{}
	m.deaths = map[string]int64{}
	for _, daemon := range ops.Daemons() {
		m.deaths[daemon] = 0
	}
	if heifd {
		m.deaths[dispatch.Heifd] = 0
	}
	m.wait = histogram{[]float64{0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800}, map[string]*series{}}
	m.answer = histogram{[]float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}, map[string]*series{}}
	m.work = histogram{[]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}, map[string]*series{}}
}

// answered counts a request that took so long. All unknown methods count as one.
func (m *metrics) answered(route, method string, status int, took time.Duration) {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "DELETE":
	default:
		method = "other"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[request{route, method, status}]++
	m.answer.observe(fmt.Sprintf("route=%q", route), took.Seconds())
}

// worked counts the work on one picture of a kind: image, or job.
func (m *metrics) worked(kind string, w worked) {
	result := "ok"
	if errors.Is(w.err, context.Canceled) { // the client of /image left
		result = "cancelled"
	} else if w.err != nil {
		result = fault.Of(w.err).String()
	}
	m.history.worked(w)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pictures[outcome{w.ops.Label(), result}]++
	m.wait.observe(fmt.Sprintf("kind=%q", kind), w.queued.Seconds())
	m.work.observe(fmt.Sprintf("operation=%q,format=%q", w.ops.Label(), w.format()), w.took.Seconds())
}

func (m *metrics) died(daemon string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deaths[daemon]++
}

// showMetrics is GET /metrics.
func (s *Server) showMetrics(w http.ResponseWriter, r *http.Request, _ string) {
	var e exposition
	u, f := s.c.Spool.Usage(), s.queue.figures()
	e.labelled("imgtools_jobs", "gauge", "Jobs in the spool.", "state", map[string]int64{
		"queued": int64(u.Pending), "running": int64(u.Running), "done": int64(u.Done), "failed": int64(u.Failed),
	})
	e.labelled("imgtools_queue_length", "gauge", "Pictures that wait for a worker: requests to /image, and jobs.", "kind", map[string]int64{
		"image": int64(f.images), "job": int64(u.Pending),
	})
	e.one("imgtools_queue_limit", "gauge", "Requests to /image that may wait (-queue).", s.c.Queue)
	e.one("imgtools_slots", "gauge", "Pictures that may be worked on at once.", f.slots)
	e.one("imgtools_slots_busy", "gauge", "Pictures being worked on.", f.busy)
	e.one("imgtools_spool_bytes", "gauge", "Bytes of the jobs in the spool.", u.Bytes)
	e.one("imgtools_spool_reserved_bytes", "gauge", "Bytes promised to uploads.", u.Reserved)
	e.one("imgtools_spool_limit_bytes", "gauge", "Most bytes in the spool (-quota).", u.Quota)
	e.one("imgtools_requests_current", "gauge", "Requests being answered, this one among them.", s.metrics.current.Load())
	e.one("imgtools_connections", "gauge", "Connections of clients.", s.conns.count())
	e.one("imgtools_connections_limit", "gauge", "Most connections (-conns).", s.conns.most)
	e.one("imgtools_connections_refused_total", "counter", "Connections refused because there were too many.", s.conns.refused.Load())
	e.one("imgtools_jobs_accepted_total", "counter", "Jobs that were acknowledged.", s.metrics.accepted.Load())
	e.one("imgtools_received_bytes_total", "counter", "Bytes of pictures received.", s.metrics.received.Load())
	e.one("imgtools_sent_bytes_total", "counter", "Bytes of pictures sent.", s.metrics.sent.Load())
	e.one("imgtools_clients_left_total", "counter", "Clients of /image that left before the answer.", s.metrics.left.Load())
	s.metrics.write(&e)
	s.health.write(&e)
	e.head("imgtools_build_info", "gauge", "1; the labels say which program this is.")
	fmt.Fprintf(&e, "imgtools_build_info{version=%q,goversion=%q} 1\n", s.c.Version, runtime.Version())
	e.process("/proc/self")
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(e.Len()))
	w.WriteHeader(http.StatusOK)
	w.Write([]byte(e.String()))
}

func (m *metrics) write(e *exposition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e.labelled("imgtools_worker_deaths_total", "counter", "Workers that died of a picture, gave a false answer or ran out of time.", "daemon", m.deaths)
	e.histogram("imgtools_queue_wait_seconds", "Time that pictures waited for a worker.", &m.wait)
	e.histogram("imgtools_work_seconds", "Time of the work on one picture; format is that of the result.", &m.work)
	e.histogram("imgtools_request_seconds", "Time from a request's header to the end of its answer.", &m.answer)
	e.head("imgtools_pictures_total", "counter", "Pictures worked on, by result: ok, cancelled, or the kind of error.")
	for _, k := range sorted(m.pictures, func(a, b outcome) int {
		return cmp.Or(cmp.Compare(a.operation, b.operation), cmp.Compare(a.result, b.result))
	}) {
		fmt.Fprintf(e, "imgtools_pictures_total{operation=%q,result=%q} %d\n", k.operation, k.result, m.pictures[k])
	}
	e.head("imgtools_requests_total", "counter", "Requests answered.")
	for _, k := range sorted(m.requests, func(a, b request) int {
		return cmp.Or(cmp.Compare(a.route, b.route), cmp.Compare(a.method, b.method), cmp.Compare(a.status, b.status))
	}) {
		fmt.Fprintf(e, "imgtools_requests_total{route=%q,method=%q,status=\"%d\"} %d\n", k.route, k.method, k.status, m.requests[k])
	}
}

func (h *health) write(e *exposition) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range []struct {
		name, kind, help string
		of               func(dispatch.Health) int64
	}{
		{"imgtools_daemon_reachable", "gauge", "1 when a worker of the daemon can be reached.", func(h dispatch.Health) int64 {
			if h.Reachable {
				return 1
			}
			return 0
		}},
		{"imgtools_workers", "gauge", "Workers that the daemon is configured to have.", func(h dispatch.Health) int64 { return int64(h.Workers) }},
		{"imgtools_workers_ready", "gauge", "Workers that are ready.", func(h dispatch.Health) int64 { return int64(h.Ready) }},
		{"imgtools_workers_busy", "gauge", "Workers that are working.", func(h dispatch.Health) int64 { return int64(h.Busy) }},
		{"imgtools_workers_respawned_total", "counter", "Workers started in place of dead ones.", func(h dispatch.Health) int64 { return h.Respawned }},
		{"imgtools_daemon_served_total", "counter", "Requests that the daemon has served.", func(h dispatch.Health) int64 { return h.Served }},
		{"imgtools_daemon_failed_total", "counter", "Requests to the daemon that failed.", func(h dispatch.Health) int64 { return h.Failed }},
	} {
		values := map[string]int64{}
		for _, d := range h.daemons {
			values[d.Name] = c.of(d)
		}
		e.labelled(c.name, c.kind, c.help, "daemon", values)
	}
	decoded := map[string]int64{}
	for _, f := range format.All() {
		if f.Programs != nil {
			decoded[f.Name] = 0
			if h.decodes(f.Name) {
				decoded[f.Name] = 1
			}
		}
	}
	e.labelled("imgtools_decoder", "gauge", "1 when heifd has a program that decodes the format.", "format", decoded)
}

func sorted[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(m), compare)
}
