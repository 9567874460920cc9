package front

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"imgtools/pkg/fault"
)

// metrics counts. Labels take few values: no id, no name, no address.
type metrics struct {
	accepted atomic.Int64 // jobs
	received atomic.Int64 // bytes of pictures
	current  atomic.Int64 // requests being answered
	left     atomic.Int64 // clients of /image that did not wait

	mu       sync.Mutex
	requests map[request]int64
	results  map[string]int64 // kind of error, or ok
	deaths   map[string]int64 // by daemon
	work     histogram
}

type request struct {
	path, method string
	status       int
}

// histogram counts durations up to bounds; count has one more, for the rest.
type histogram struct {
	bounds []float64 // seconds
	count  []int64
	sum    float64
}

func (m *metrics) init() {
	m.requests, m.results, m.deaths = map[request]int64{}, map[string]int64{}, map[string]int64{"grayd": 0, "scaled": 0}
	m.work.bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
	m.work.count = make([]int64, len(m.work.bounds)+1)
}

// answered counts a request. Methods that we don't know are one.
func (m *metrics) answered(path, method string, status int) {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "DELETE":
	default:
		method = "other"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[request{path, method, status}]++
}

// worked counts the work on one picture.
func (m *metrics) worked(d time.Duration, err error) {
	word := "ok"
	if err != nil {
		word = fault.Of(err).String()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.results[word]++
	i, _ := slices.BinarySearch(m.work.bounds, d.Seconds())
	m.work.count[i]++
	m.work.sum += d.Seconds()
}

func (m *metrics) died(daemon string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deaths[daemon]++
}

// exposition is the text format of Prometheus, version 0.0.4.
type exposition struct{ strings.Builder }

func (e *exposition) head(name, kind, help string) {
	fmt.Fprintf(e, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (e *exposition) one(name, kind, help string, v any) {
	e.head(name, kind, help)
	fmt.Fprintf(e, "%s %v\n", name, v)
}

func (e *exposition) labelled(name, kind, help, label string, values map[string]int64) {
	e.head(name, kind, help)
	for _, k := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(e, "%s{%s=%q} %d\n", name, label, k, values[k])
	}
}

// showMetrics is GET /metrics.
func (s *Server) showMetrics(w http.ResponseWriter, r *http.Request, _ string) {
	var e exposition
	u, f := s.c.Spool.Usage(), s.queue.figures()
	e.labelled("imgd_jobs", "gauge", "Jobs in the spool.", "state", map[string]int64{
		"queued": int64(u.Pending), "running": int64(u.Running), "done": int64(u.Done), "failed": int64(u.Failed),
	})
	e.one("imgd_images_waiting", "gauge", "Requests to /image that wait for a worker.", f.images)
	e.one("imgd_slots", "gauge", "Pictures that may be worked on at once.", f.slots)
	e.one("imgd_slots_busy", "gauge", "Pictures being worked on.", f.busy)
	e.one("imgd_queue_limit", "gauge", "Pictures that may wait (-queue).", s.c.Queue)
	e.one("imgd_spool_bytes", "gauge", "Bytes of the jobs in the spool.", u.Bytes)
	e.one("imgd_spool_reserved_bytes", "gauge", "Bytes promised to uploads.", u.Reserved)
	e.one("imgd_spool_quota_bytes", "gauge", "Most bytes (-quota).", u.Quota)
	e.one("imgd_requests_current", "gauge", "Requests being answered, this one among them.", s.metrics.current.Load())
	e.one("imgd_jobs_accepted_total", "counter", "Jobs whose id was told.", s.metrics.accepted.Load())
	e.one("imgd_received_bytes_total", "counter", "Bytes of pictures received.", s.metrics.received.Load())
	e.one("imgd_clients_left_total", "counter", "Clients of /image that left before the answer.", s.metrics.left.Load())
	s.metrics.write(&e)
	s.health.write(&e)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(e.Len()))
	w.WriteHeader(http.StatusOK)
	w.Write([]byte(e.String()))
}

func (m *metrics) write(e *exposition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e.labelled("imgd_pictures_total", "counter", "Pictures worked on, by result: ok, or the kind of error.", "result", m.results)
	e.labelled("imgd_worker_deaths_total", "counter", "Workers that died of a picture, lied or ran out of time.", "daemon", m.deaths)
	e.head("imgd_work_seconds", "histogram", "Time of the work on one picture, without waiting.")
	n := int64(0)
	for i, b := range m.work.bounds {
		n += m.work.count[i]
		fmt.Fprintf(e, "imgd_work_seconds_bucket{le=\"%v\"} %d\n", b, n)
	}
	n += m.work.count[len(m.work.bounds)]
	fmt.Fprintf(e, "imgd_work_seconds_bucket{le=\"+Inf\"} %d\nimgd_work_seconds_sum %v\nimgd_work_seconds_count %d\n", n, m.work.sum, n)
	e.head("imgd_requests_total", "counter", "Requests answered.")
	keys := slices.SortedFunc(maps.Keys(m.requests), func(a, b request) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method), cmp.Compare(a.status, b.status))
	})
	for _, k := range keys {
		fmt.Fprintf(e, "imgd_requests_total{path=%q,method=%q,status=\"%d\"} %d\n", k.path, k.method, k.status, m.requests[k])
	}
}

func (h *health) write(e *exposition) {
	h.mu.Lock()
	defer h.mu.Unlock()
	type column struct {
		name, kind, help string
		of               func(i int) int64
	}
	d := h.daemons
	for _, c := range []column{
		{"imgd_daemon_reachable", "gauge", "1 when a worker of the daemon can be reached.", func(i int) int64 {
			if d[i].Reachable {
				return 1
			}
			return 0
		}},
		{"imgd_daemon_workers", "gauge", "Workers that the daemon is to have.", func(i int) int64 { return int64(d[i].Workers) }},
		{"imgd_daemon_workers_ready", "gauge", "Workers that are ready.", func(i int) int64 { return int64(d[i].Ready) }},
		{"imgd_daemon_workers_busy", "gauge", "Workers that are working.", func(i int) int64 { return int64(d[i].Busy) }},
		{"imgd_daemon_served_total", "counter", "Requests that the daemon has served.", func(i int) int64 { return d[i].Served }},
		{"imgd_daemon_failed_total", "counter", "Requests that failed.", func(i int) int64 { return d[i].Failed }},
		{"imgd_daemon_respawned_total", "counter", "Workers started in place of dead ones.", func(i int) int64 { return d[i].Respawned }},
	} {
		values := map[string]int64{}
		for i := range d {
			values[d[i].Name] = c.of(i)
		}
		e.labelled(c.name, c.kind, c.help, "daemon", values)
	}
}
