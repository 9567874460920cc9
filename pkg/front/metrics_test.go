package front

import (
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) lines(part string) (found []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.b.String()) {
		if strings.Contains(line, part) {
			found = append(found, line)
		}
	}
	return found
}

func jsonLog(b *syncBuffer) *slog.Logger { return slog.New(slog.NewJSONHandler(b, nil)) }

// One line a request and a job: how much, how long, and how it ended.
func TestLogLines(t *testing.T) {
	var b syncBuffer
	s := start(t, func(c *Config) { c.Log = jsonLog(&b) })
	s.do("PUT", "/image?gray&scale=1/2", "A")
	s.do("PUT", "/image?scale=1/2", "bad")
	s.do("PUT", "/image?scale=0", "A")
	ids := []string{s.job("B"), s.job("bad C")}
	for _, id := range ids {
		s.do("GET", "/jobs/"+id+"?wait", "")
	}
	s.until("the log", func() bool { return len(b.lines(`"msg":"job"`)) == 2 && len(b.lines(`"path":"/jobs/ID"`)) == 2 })
	images := b.lines(`"path":"/image"`)
	if len(images) != 3 {
		t.Fatalf("%q", images)
	}
	for i, want := range []string{
		`"ops":"gray=601 scale=1/2","bytes_in":1,"bytes_out":15,"pixels":8,"ms_queued":0,"ms_worked":`,
		`"ops":"scale=1/2","bytes_in":3,"bytes_out":0,"pixels":0,"ms_queued":0,"ms_worked":`,
		`"outcome":"usage","err":"scale`,
	} {
		if !strings.Contains(images[i], want) {
			t.Errorf("%s lacks %s", images[i], want)
		}
	}
	if !strings.Contains(images[0], `"outcome":"ok"}`) || !strings.Contains(images[1], `"outcome":"format","err":"not a picture"}`) {
		t.Errorf("%q", images)
	}
	jobs := b.lines(`"msg":"job"`)
	if strings.Contains(jobs[1], ids[0][:6]) { // both were worked on at once
		slices.Reverse(jobs)
	}
	if !strings.Contains(jobs[0], `"job":"`+ids[0][:6]+`","ops":"gray=601","bytes_in":1,"bytes_out":9,"pixels":8,"ms_queued":`) || !strings.Contains(jobs[0], `"outcome":"ok"}`) ||
		!strings.Contains(jobs[1], `"outcome":"format","err":"not a picture"}`) {
		t.Errorf("%q", jobs)
	}
	if all := b.lines(""); strings.Contains(strings.Join(all, ""), ids[0][:7]) {
		t.Errorf("more of an id than its first six letters in %q", all)
	}
}

func TestServerTiming(t *testing.T) {
	s := start(t, nil)
	for query, want := range map[string]string{
		"gray": `^queue;dur=\d+, gray;dur=\d+$`, "gray&scale=1/2": `^queue;dur=\d+, gray;dur=\d+, scale;dur=\d+$`, "scale=1/2": `^queue;dur=\d+, scale;dur=\d+$`,
	} {
		a := s.do("PUT", "/image?"+query, "A")
		if got := a.header.Get("Server-Timing"); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: %d, Server-Timing: %s", query, a.status, got)
		}
	}
	if a := s.do("PUT", "/image", "bad"); a.header.Get("Server-Timing") != "" {
		t.Errorf("an error: %v", a.header)
	}
}

func TestMetrics(t *testing.T) {
	s := start(t, nil)
	s.until("readiness", func() bool { return s.do("GET", "/readyz", "").status == 200 })
	s.do("PUT", "/image?gray&scale=1/2", "A")
	s.do("PUT", "/image", "bad")
	id := s.job("BB")
	s.do("GET", "/jobs/"+id+"/image?wait", "")
	var m string
	s.until("the job is counted", func() bool {
		m = s.do("GET", "/metrics", "").body
		return strings.Contains(m, `imgtools_jobs{state="done"} 1`)
	})
	for _, want := range []string{
		`imgtools_received_bytes_total 6`, `imgtools_sent_bytes_total 25`, `imgtools_jobs{state="done"} 1`, `imgtools_jobs_accepted_total 1`,
		`imgtools_pictures_total{operation="gray+scale",result="ok"} 1`, `imgtools_pictures_total{operation="gray",result="format"} 1`,
		`imgtools_work_seconds_count{operation="gray",format="png"} 1`, `imgtools_work_seconds_count{operation="gray+scale",format="png"} 1`,
		`imgtools_work_seconds_bucket{operation="gray",format="none",le="+Inf"} 1`,
		`imgtools_queue_wait_seconds_count{kind="job"} 1`, `imgtools_queue_wait_seconds_bucket{kind="image",le="10"} 2`,
		`imgtools_queue_length{kind="image"} 0`, `imgtools_workers_ready{daemon="scaled"} 1`, `imgtools_workers_respawned_total{daemon="grayd"} 0`,
		`imgtools_request_seconds_count{route="/image"} 2`, `imgtools_request_seconds_bucket{route="/image",le="60"} 2`,
		`imgtools_requests_total{route="/image",method="PUT",status="200"} 1`, `imgtools_requests_total{route="/jobs/ID/image",method="GET",status="200"} 1`,
	} {
		if !strings.Contains(m, want+"\n") {
			t.Errorf("no %s in\n%s", want, m)
		}
	}
	if !strings.Contains(m, "imgtools_build_info{version=\"\",goversion=\"go") {
		t.Errorf("no imgtools_build_info in\n%s", m)
	}
	value := func(name string) float64 {
		_, rest, _ := strings.Cut(m, "\n"+name+" ")
		text, _, _ := strings.Cut(rest, "\n")
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return v
	}
	now := float64(time.Now().Unix())
	if v := value("process_start_time_seconds"); v > now || v < now-3600 {
		t.Errorf("started at %v, and now is %v", v, now)
	}
	var used unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &used)
	if v, most := value("process_cpu_seconds_total"), time.Duration(used.Utime.Nano()+used.Stime.Nano()).Seconds()+0.1; v < 0 || v > most {
		t.Errorf("%v s of CPU time, and %v now", v, most)
	}
	if v := value("process_resident_memory_bytes"); v < 1<<20 || v > 4<<30 {
		t.Errorf("%v bytes resident", v)
	}
	if open, most := value("process_open_fds"), value("process_max_fds"); open < 3 || open > most {
		t.Errorf("%v of %v descriptors", open, most)
	}
	if strings.Contains(m, id[:6]) {
		t.Errorf("an id in\n%s", m)
	}
}
