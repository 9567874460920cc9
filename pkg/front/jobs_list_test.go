package front

import (
	"encoding/json"
	"strings"
	"testing"

	"imgtools/pkg/jobid"
)

// states asks for jobs and returns their states.
func (s *site) states(query string) string {
	s.t.Helper()
	a := s.do("GET", "/jobs?"+query, "")
	var v struct{ Jobs []jobView }
	if err := json.Unmarshal([]byte(a.body), &v); err != nil || a.status != 200 {
		s.t.Fatalf("%d %s", a.status, a.body)
	}
	var states []string
	for _, j := range v.Jobs {
		states = append(states, j.State)
	}
	return strings.Join(states, " ")
}

func TestSeveralJobsInOneRequest(t *testing.T) {
	s := start(t, nil)
	done, bad := s.job("A"), s.job("bad")
	s.do("GET", "/jobs/"+done+"?wait", "")
	s.do("GET", "/jobs/"+bad+"?wait", "")
	held := s.job("hold")
	h := <-s.fake.held
	never := jobid.New()
	if got := s.states("j=" + done + "&j=" + bad + "&j=" + held + "&j=" + never + "&j=../../etc&j=" + done); got != "done failed running gone gone done" {
		t.Error(got)
	}
	if got := s.states("wait&j=" + held + "&j=../../etc"); got != "running gone" {
		t.Error(got)
	}
	waiting := s.job("hold on")
	answered := make(chan string)
	go func() { answered <- s.states("wait=1m&j=" + waiting + "&j=" + held) }()
	close(h.free)
	if got := <-answered; !strings.HasSuffix(got, " done") && !strings.HasPrefix(got, "done") {
		t.Errorf("when one of them has ended: %s", got)
	}
	for query, want := range map[string]string{
		"": "GET /jobs?j=ID", "wait": "GET /jobs?j=ID", "j=" + done + "&k=1": `unknown word "k"`,
		"j=": "an empty id", "j=" + done + "&j=": "an empty id", "j=" + done + "&wait=x": "wait", strings.Repeat("j=a&", 1001): "1001 jobs: at most 1000",
	} {
		if a := s.do("GET", "/jobs?"+query, ""); a.status != 400 || !strings.Contains(a.body, want) {
			t.Errorf("%.30s: %d %s", query, a.status, a.body)
		}
	}
	if got := s.states(strings.Repeat("j="+done+"&", 1000)); strings.Count(got, "done") != 1000 {
		t.Errorf("a thousand: %d", strings.Count(got, "done"))
	}
}

// A field between two files is refused, and leaves no job, whichever files it is between.
func TestFieldsBetweenFilesMakeNoJob(t *testing.T) {
	s := start(t, nil)
	for _, parts := range [][]part{
		{{"image", "a.png", "A"}, {"gray", "-", "1"}, {"image", "b.png", "B"}},
		{{"image", "a.png", "A"}, {"image", "b.png", "B"}, {"gray", "-", "1"}},
		{{"image", "a.png", "A"}, {"image", "b.png", "B"}, {"gray", "-", "1"}, {"image", "c.png", "C"}},
	} {
		body, kind := form(parts...)
		if a := s.do("POST", "/jobs", body, kind); a.status != 400 {
			t.Errorf("%d %s", a.status, a.body)
		}
		u := s.c.Spool.Usage()
		if n := u.Pending + u.Running + u.Done + u.Failed; n != 0 {
			t.Errorf("%v: %d jobs are left", parts, n)
		}
	}
	body, kind := form(part{"image", "a.png", "A"}, part{"scale", "-", "1/2"})
	a := s.do("POST", "/jobs", body, kind)
	if a = s.do("GET", "/jobs/"+strings.TrimSpace(a.body)+"/image?wait", ""); a.body != "small A" {
		t.Errorf("a field after the only file: %d %s", a.status, a.body)
	}
	// A form that is cut off behind its first file makes no job of it: its fields may
	// have been to come.
	cut := body[:strings.LastIndex(body, "Content-Disposition")+10]
	if a := s.do("POST", "/jobs", cut, kind); a.status != 400 || !strings.Contains(a.body, "without its last boundary") {
		t.Errorf("cut off: %d %s", a.status, a.body)
	}
	// Also where it is cut behind a line of the boundary, with what may stand behind one.
	line := strings.LastIndex(body, "--")
	whole := body[:line] + "\r\n"
	for _, cut := range []string{whole, whole[:len(whole)-1], whole[:len(whole)-2], whole[:len(whole)-2] + " \t\r\n", whole + "\r"} {
		if a := s.do("POST", "/jobs", cut, kind); a.status != 400 || !strings.Contains(a.body, "without its last boundary") {
			t.Errorf("cut off behind a boundary, %q: %d %s", cut[line-20:], a.status, a.body)
		}
		if a := s.do("PUT", "/image", cut, kind); a.status != 400 {
			t.Errorf("/image: %d %s", a.status, a.body)
		}
	}
	for _, end := range []string{"--", "--\r\n", "-- \r\n", "--\r\nepilogue"} {
		if a := s.do("PUT", "/image", body[:line]+end, kind); a.status != 200 {
			t.Errorf("a whole form that ends %q: %d %s", end, a.status, a.body)
		}
	}
}
