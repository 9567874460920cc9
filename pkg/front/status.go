package front

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/front/dispatch"
)

// statusPage is what page/status.html shows.
type statusPage struct {
	Version  string
	Now      time.Time
	NotReady string // why; "": it is ready
	Full     string // that the spool is full; "": it isn't
	Daemons  []dispatch.Health
	Slots    int
	Busy     int
	Queue    []queued
	QueueMax int
	Spool    string
	Conns    string
	Plots    []plot
	Errors   []failures
}

// queued is what the clients of one kind have waiting and at work.
type queued struct {
	Kind     string // token, user or address
	Clients  int
	Images   int // requests to /image that wait
	Working  int // requests to /image at work
	Jobs     int // that wait
	JobsFrom int // clients with jobs that wait or run
}

// clientKind returns the kind of a client that clientOf has named.
func clientKind(who string) string {
	kind, _, named := strings.Cut(who, " ")
	if named && (kind == kindToken || kind == kindUser) {
		return kind
	}
	return kindAddress
}

// The kinds of clients. The name of a token or user begins with its kind; see clientOf.
const (
	kindToken   = "token"
	kindUser    = "user"
	kindAddress = "address"
)

// queueByKind counts what waits, by the kind of client.
func (s *Server) queueByKind() []queued {
	list := []queued{{Kind: kindToken}, {Kind: kindUser}, {Kind: kindAddress}}
	of := func(who string) *queued {
		for i := range list {
			if list[i].Kind == clientKind(who) {
				return &list[i]
			}
		}
		return &list[0] // not reached
	}
	s.queue.each(func(who string, waiting, working int) {
		q := of(who)
		q.Clients++
		q.Images += waiting
		q.Working += working
	})
	s.c.Spool.EachClient(func(who string, waiting int) {
		q := of(who)
		q.JobsFrom++
		q.Jobs += waiting
	})
	return list
}

// showStatus is GET /status: the page for operators.
func (s *Server) showStatus(w http.ResponseWriter, r *http.Request, _ string) {
	f, u := s.queue.figures(), s.c.Spool.Usage()
	p := &page{} // for its way to write bytes
	status := &statusPage{
		Version: s.c.Version, Now: s.metrics.history.time().UTC(), Slots: f.slots, Busy: f.busy, Queue: s.queueByKind(), QueueMax: s.c.Queue,
		Spool:  fmt.Sprintf("%s of %s (-quota), and %s for uploads that go on", p.Bytes(u.Bytes), p.Bytes(u.Quota), p.Bytes(u.Reserved)),
		Conns:  fmt.Sprintf("%d of %d (-conns)", s.conns.count(), s.conns.most),
		Plots:  plotsOf(s.metrics.history.lastHour()),
		Errors: s.metrics.history.lastFailures(),
	}
	if err := s.ready(); err != nil {
		status.NotReady = fault.Line(err.Error())
	} else if err := s.c.Spool.Full(); err != nil {
		status.Full = fault.Line(err.Error())
	}
	s.health.mu.Lock()
	status.Daemons = s.health.daemons
	s.health.mu.Unlock()
	var b strings.Builder
	if err := s.pages.template.ExecuteTemplate(&b, "status.html", status); err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Content-Type", typeHTML)
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(http.StatusOK)
	io.WriteString(w, b.String())
}

// plot is one figure over the last hour: bars in a box of 0 0 plotWidth plotHeight.
type plot struct {
	Title string
	Most  string // the largest value, as people read it
	Last  string // that of the last whole minute
	Bars  []bar
}

type bar struct{ X, Y, Height float64 }

const (
	barWidth   = 5
	plotWidth  = barWidth * minutesKept
	plotHeight = 60
)

// plotsOf draws the last hour.
func plotsOf(hour [minutesKept]minute) []plot {
	p := &page{}
	count := func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
	seconds := func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) + " s" }
	bytes := func(v float64) string { return p.Bytes(int64(v)) }
	errors := func(m minute) (n float64) {
		for _, of := range m.failed {
			n += float64(of)
		}
		return n
	}
	return []plot{
		newPlot("Requests a minute", hour, count, func(m minute) float64 { return float64(m.requests) }),
		newPlot("Errors a minute", hour, count, errors),
		newPlot("Pictures worked on a minute", hour, count, func(m minute) float64 { return float64(m.pictures) }),
		newPlot("Work on a picture, mean", hour, seconds, func(m minute) float64 {
			if m.pictures == 0 {
				return 0
			}
			return m.work.Seconds() / float64(m.pictures)
		}),
		newPlot("Spool", hour, bytes, func(m minute) float64 { return float64(m.spool) }),
	}
}

// newPlot draws a value of each minute. The highest bar is as high as the box.
func newPlot(title string, hour [minutesKept]minute, text func(float64) string, of func(minute) float64) plot {
	most := 0.0
	for _, m := range hour {
		most = max(most, of(m))
	}
	p := plot{Title: title, Most: text(most), Last: text(of(hour[minutesKept-2]))}
	for i, m := range hour {
		if v := of(m); v > 0 {
			height := max(v/most*plotHeight, 1) // that it is seen at all
			p.Bars = append(p.Bars, bar{float64(i * barWidth), plotHeight - height, height})
		}
	}
	return p
}
