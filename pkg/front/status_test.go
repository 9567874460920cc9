package front

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
)

func TestStatusPage(t *testing.T) {
	s := start(t, func(c *Config) { c.Version = "v9" })
	s.until("readiness", func() bool { return s.do("GET", "/readyz", "").status == 200 })
	s.do("PUT", "/image?gray", "A")
	s.do("PUT", "/image?gray", "bad")
	id := s.job("bad B")
	s.do("GET", "/jobs/"+id+"?wait", "")
	s.do("PUT", "/image?"+strings.Repeat("x", 2000)+"=1", "A")
	s.until("the failed job", func() bool { return strings.Contains(s.do("GET", "/status", "").body, "<code>job</code>") })
	a := s.do("GET", "/status", "")
	if a.status != 200 || a.header.Get("Content-Type") != typeHTML || a.header.Get("Content-Security-Policy") != pagePolicy || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d, %v", a.status, a.header)
	}
	for _, want := range []string{
		"<p>Ready.</p>", "imgd v9", `<th scope="row">grayd</th><td>reachable</td><td>1 of 1</td>`, `<th scope="row">address</th>`,
		"not a picture", "Requests a minute</b>: at most", "<rect ", "unknown word", fault.Format.Advice().Do, fault.Format.Advice().Means,
		"status 415; 2 in the last hour",
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(a.body, id) || strings.Contains(a.body, " style=") || strings.Contains(a.body, "<script") {
		t.Errorf("an id, a style or a script in\n%s", a.body)
	}
	s.SetTokens([]string{"secret"})
	if a := s.do("GET", "/status", ""); a.status != 401 || strings.Contains(a.body, "Workers") {
		t.Errorf("without a token: %d", a.status)
	}
	if a := s.do("GET", "/status", "", "Authorization: Bearer secret"); a.status != 200 {
		t.Errorf("with a token: %d", a.status)
	}
}

// What a client puts into an error is text on the page, and never markup.
func TestStatusPageEscapesErrors(t *testing.T) {
	s := start(t, nil)
	hostile := `<script>alert(1)</script><img src=x onerror="x">`
	s.metrics.history.fail(`"><b>`, errors.New(hostile+"\n"+jobid.New()))
	s.do("GET", "/image%3Cscript%3E", "")
	s.do("PUT", "/image?%3Cscript%3E=1", "A")
	a := s.do("GET", "/status", "")
	for _, never := range []string{"<script", "<img", `"><b>`, "%3Cscript"} {
		if strings.Contains(a.body, never) {
			t.Errorf("%s in\n%s", never, a.body)
		}
	}
	if !strings.Contains(a.body, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Errorf("the text is not shown:\n%s", a.body)
	}
}

// What waits is counted by the kind of its client.
func TestStatusCountsTheQueueByKindOfClient(t *testing.T) {
	s := start(t, nil)
	s.SetTokens([]string{"secret"})
	const bearer = "Authorization: Bearer secret"
	s.do("POST", "/jobs", "hold", bearer)
	h := <-s.fake.held
	defer close(h.free)
	for range 2 {
		s.do("POST", "/jobs", "B", bearer)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go s.try(ctx, "PUT", "/image", "C", bearer)
	s.until("the request to wait", func() bool { return s.queue.figures().images == 1 })
	byKind := map[string]queued{}
	for _, q := range s.queueByKind() {
		byKind[q.Kind] = q
	}
	if got, want := byKind[kindToken], (queued{kindToken, 1, 1, 0, 2, 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if byKind[kindAddress] != (queued{Kind: kindAddress}) || byKind[kindUser] != (queued{Kind: kindUser}) {
		t.Errorf("%+v", byKind)
	}
	for who, want := range map[string]string{"token 12ab": kindToken, "user 1000": kindUser, "10.1.2.3": kindAddress, "2001:db8::/64": kindAddress, "": kindAddress} {
		if got := clientKind(who); got != want {
			t.Errorf("%q is of the kind %s", who, got)
		}
	}
}

// The last hour is kept and no more: an older minute makes room, and of each kind of error
// only the last few are there.
func TestHistoryIsBounded(t *testing.T) {
	now := time.Unix(1e9, 0)
	h := &history{now: func() time.Time { return now }}
	h.request(route{}, nil)
	h.spool(77)
	for i := range 3 * minutesKept {
		now = now.Add(time.Minute)
		h.request(route{path: "/b"}, fault.New(fault.Usage, "%d %s", i, strings.Repeat("é", 1000)))
		h.worked(worked{took: time.Second})
	}
	hour := h.lastHour()
	for i, m := range hour {
		if m.requests != 1 || m.pictures != 1 || m.work != time.Second || m.failed[fault.Usage] != 1 || m.spool != 0 {
			t.Fatalf("minute %d: %+v", i, m)
		}
	}
	list := h.lastFailures()
	if len(list) != 1 || list[0].Hour != minutesKept || len(list[0].Last) != errorsKept {
		t.Fatalf("%+v", list)
	}
	for i, f := range list[0].Last {
		if !strings.HasPrefix(f.Text, fmt.Sprintf("%d é", 3*minutesKept-1-i)) || len(f.Text) > maxErrorBytes+len("…")+1 {
			t.Errorf("error %d: %d bytes, %s", i, len(f.Text), f.Text)
		}
	}
	now = now.Add(2 * time.Hour)
	if list := h.lastFailures(); h.lastHour()[minutesKept-1].requests != 0 || list[0].Hour != 0 {
		t.Errorf("after two idle hours: %+v", list)
	}
}

func TestPlots(t *testing.T) {
	var hour [minutesKept]minute
	hour[0].requests, hour[minutesKept-2].requests, hour[minutesKept-1].requests = 10, 5, 1000
	p := plotsOf(hour)[0]
	if p.Most != "1000" || p.Last != "5" || len(p.Bars) != 3 {
		t.Fatalf("%+v", p)
	}
	if first, last := p.Bars[0], p.Bars[2]; first != (bar{0, plotHeight - 1, 1}) || last != (bar{plotWidth - barWidth, 0, plotHeight}) {
		t.Errorf("bars %+v and %+v", first, last)
	}
	if p := plotsOf([minutesKept]minute{})[3]; len(p.Bars) != 0 || p.Most != "0 s" {
		t.Errorf("an idle hour: %+v", p)
	}
}
