package front

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"imgtools/pkg/front/spool"
	"imgtools/pkg/jobid"
)

func TestImage(t *testing.T) {
	s := start(t, nil)
	twoFiles, twoType := form(part{"image", "a.png", "A"}, part{"image", "b.png", "B"})
	after, afterType := form(part{"image", "a.png", "A"}, part{"scale", "-", "1/2"})
	lateBad, lateBadType := form(part{"image", "a.png", "A"}, part{"scale", "-", "0"})
	around, aroundType := form(part{"fit", "-", "cover"}, part{"image", "a.png", "A"}, part{"scale", "-", "4x4"})
	between, betweenType := form(part{"image", "a.png", "A"}, part{"scale", "-", "1/2"}, part{"image", "b.png", "B"})
	last, lastType := form(part{"image", "a.png", "A"}, part{"image", "b.png", "B"}, part{"scale", "-", "1/2"})
	fields, fieldsType := form(part{"scale", "-", "50%"}, part{"kernel", "-", ""}, part{"image", `C:\x\a b.jpg`, "A"})
	none, noneType := form(part{"gray", "-", "1"})
	unchosen, unchosenType := form(part{"gray", "-", "1"}, part{"image", "", ""})
	empty, emptyType := form(part{"image", "a.png", ""})
	for _, c := range []struct {
		method, path, body, header string
		status                     int
		want                       string
	}{
		{"PUT", "/image", "A", "", 200, "gray of A"},
		{"POST", "/image?gray", "A", "Content-Type: application/x-www-form-urlencoded", 200, "gray of A"},
		{"POST", "/image?scale=50%", "A", "", 200, "small A"},
		{"POST", "/image?gray&scale=1/4", "A", "Content-Type: nonsense;;", 200, "small gray of A"},
		{"POST", "/image", fields, fieldsType, 200, "small A"},
		{"PUT", "/image", fields, fieldsType, 200, "small A"},
		{"POST", "/image?format=jpeg", fields, fieldsType, 200, "small A"},
		{"POST", "/image?scale=1/2", fields, fieldsType, 400, "scale is given twice"},
		{"POST", "/image", twoFiles, twoType, 400, "more than one picture"},
		{"POST", "/image", after, afterType, 200, "small A"},
		{"PUT", "/image?scale=1/2", after, afterType, 400, "scale is given twice"},
		{"POST", "/image", lateBad, lateBadType, 400, "over 0"},
		{"POST", "/image", around, aroundType, 200, "small A"},
		{"POST", "/jobs", between, betweenType, 400, "form field \"scale\" after a file, and there are several: fields go before the first file"},
		{"POST", "/jobs", last, lastType, 400, "form field \"scale\" after a file, and there are several"},
		{"POST", "/image", none, noneType, 400, "no picture in the form"},
		{"POST", "/image", unchosen, unchosenType, 400, "no picture in the form"},
		{"POST", "/image", empty, emptyType, 415, "0 bytes"},
		{"POST", "/image", "--x", "Content-Type: multipart/form-data", 400, "boundary"},
		{"POST", "/image", "--x", "Content-Type: multipart/form-data; boundary=x", 400, "form:"},
		{"PUT", "/image", "", "", 415, "no picture: 0 bytes"},
		{"PUT", "/image?rotate=90", "A", "", 400, `unknown word "rotate"`},
		{"PUT", "/image?scale=0", "A", "", 400, "over 0"},
		{"PUT", "/image?quality=3", "A", "", 200, "small A"},
		{"PUT", "/image?gray=0", "A", "", 400, "no operation: gray or scale, or a format"},
		{"PUT", "/image", "bad", "", 415, "not a picture"},
		{"PUT", "/image", "kill", "", 500, "2 workers died of this picture"},
		{"PUT", "/image", strings.Repeat("x", 1<<20+1), "", 413, "1048577 bytes > 1048576 bytes (-maxbytes)"},
		{"GET", "/image", "", "", 405, "/image does not take GET: use POST, PUT, OPTIONS"},
		{"GET", "/nothing", "", "", 404, "nothing at"},
	} {
		a := s.do(c.method, c.path, c.body, c.header)
		if a.status != c.status || !strings.Contains(a.body, c.want) || c.status < 400 && a.body != c.want {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, a.status, a.body, c.status, c.want)
		}
		if c.status >= 400 && (strings.Count(a.body, "\n") != 1 || a.header.Get("Vary") != "Accept") {
			t.Errorf("%s %s: %q, %v", c.method, c.path, a.body, a.header)
		}
		if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s %s: headers %v", c.method, c.path, a.header)
		}
	}
	a := s.do("POST", "/image", fields, fieldsType)
	h := a.header
	if h.Get("Content-Type") != "image/png" || h.Get("Image-Width") != "4" || h.Get("Image-Height") != "2" || h.Get("Content-Length") != "7" ||
		h.Get("Content-Disposition") != `inline; filename="a b.png"` {
		t.Errorf("headers %v", h)
	}
	if a := s.do("PATCH", "/jobs", ""); a.header.Get("Allow") != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("Allow %q", a.header.Get("Allow"))
	}
	if u := s.c.Spool.Usage(); u.Reserved != 0 || u.Bytes != 0 {
		t.Errorf("left in the spool: %+v", u)
	}
}

func TestErrorForms(t *testing.T) {
	s := start(t, nil)
	a := s.do("PUT", "/image", "bad", "Accept: application/problem+json")
	var p problem
	fromJSON(t, a.body, &p)
	if a.status != 415 || a.header.Get("Content-Type") != typeProblem || p.Type != "about:blank" || p.Title != "Unsupported Media Type" ||
		p.Status != 415 || p.Kind != "format" || p.Detail != "not a picture" {
		t.Errorf("%+v %+v", a, p)
	}
	a = s.do("GET", "/<script>", "", "Accept: text/html")
	if a.status != 404 || !strings.Contains(a.body, "&lt;script&gt;") || strings.Contains(a.body, "<script>") ||
		!strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%+v", a)
	}
}

func TestJob(t *testing.T) {
	s := start(t, nil)
	id := jobid.New()
	a := s.do("PUT", "/jobs/"+id+"?gray&name=../x%0ay.jpg", "hold it")
	if a.status != 202 || a.body != id+"\n" || a.header.Get("Location") != "/jobs/"+id {
		t.Fatalf("%+v", a)
	}
	h := <-s.fake.held
	if a := s.do("PUT", "/jobs/"+id+"?gray&name=../x%0ay.jpg", "hold it"); a.status != 202 || a.body != id+"\n" {
		t.Errorf("again: %+v", a)
	}
	if a := s.do("PUT", "/jobs/"+id+"?gray&name=../x%0ay.jpg", "hold that"); a.status != 409 {
		t.Errorf("other bytes: %+v", a)
	}
	if a := s.do("PUT", "/jobs/"+id+"?scale=1/2", "hold it"); a.status != 409 {
		t.Errorf("other words: %+v", a)
	}
	a = s.do("GET", "/jobs/"+id+"/image?wait=0", "")
	if a.status != 202 || a.body != "" || a.header.Get("Retry-After") == "" {
		t.Errorf("pending: %+v", a)
	}
	var v jobView
	fromJSON(t, s.do("GET", "/jobs/"+id, "", "Accept: application/json").body, &v)
	if v.ID != id || v.State != "running" || v.Name != "xy.jpg" || v.Ops != "gray=601" || v.In.Bytes != 7 || v.Started == nil || v.Finished != nil || v.Out != nil {
		t.Errorf("running: %+v", v)
	}
	if page := s.do("GET", "/jobs/"+id, "", "Accept: text/html"); !strings.Contains(page.body, `http-equiv="refresh"`) {
		t.Errorf("a pending job's page does not refresh itself: %s", page.body)
	}
	waited := make(chan answered)
	go func() { waited <- s.do("GET", "/jobs/"+id+"/image?wait", "") }()
	close(h.free)
	if a := <-waited; a.status != 200 || a.body != "gray of hold it" {
		t.Errorf("waited: %+v", a)
	}
	for _, c := range []struct {
		method, header string
		status         int
		body           string
	}{
		{"GET", "", 200, "gray of hold it"},
		{"HEAD", "", 200, ""},
		{"GET", "Range: bytes=8-", 206, "hold it"},
		{"GET", "Range: bytes=99-", 416, ""},
	} {
		a := s.do(c.method, "/jobs/"+id+"/image", "", c.header)
		if a.status != c.status || c.status < 400 && a.body != c.body {
			t.Errorf("%s %s: %+v", c.method, c.header, a)
		}
		if c.status == 200 && (a.header.Get("Content-Length") != "15" || a.header.Get("Content-Type") != "image/png" ||
			a.header.Get("Last-Modified") == "" || a.header.Get("Content-Disposition") != "inline; filename=xy.png" ||
			a.header.Get("Image-Width") != "4") {
			t.Errorf("%s: %v", c.method, a.header)
		}
	}
	etag := s.do("HEAD", "/jobs/"+id+"/image", "").header.Get("ETag")
	if a := s.do("GET", "/jobs/"+id+"/image", "", "If-None-Match: "+etag); a.status != 304 {
		t.Errorf("If-None-Match: %+v", a)
	}
	v = jobView{}
	fromJSON(t, s.do("GET", "/jobs/"+id, "", "Accept: application/json").body, &v)
	if v.State != "done" || v.Out.Bytes != 15 || v.Out.Type != "image/png" || v.Out.Width != 4 || v.Out.Height != 2 ||
		v.Finished == nil || v.Expires == nil || v.Expires.Sub(*v.Finished) != time.Hour || v.Image != "/jobs/"+id+"/image" {
		t.Errorf("done: %+v", v)
	}
	if page := s.do("GET", "/jobs/"+id, "", "Accept: text/html"); strings.Contains(page.body, "refresh") || !strings.Contains(page.body, `<img src="/jobs/`+id+`/image"`) {
		t.Errorf("a finished job's page: %s", page.body)
	}
	if a := s.do("DELETE", "/jobs/"+id, ""); a.status != 204 {
		t.Errorf("delete: %+v", a)
	}
	for _, p := range []string{"/jobs/" + id, "/jobs/" + id + "/image"} {
		if a := s.do("GET", p, ""); a.status != 410 || strings.Contains(a.body, id) {
			t.Errorf("%s: %+v", p, a)
		}
	}
	if a := s.do("DELETE", "/jobs/"+id, ""); a.status != 410 {
		t.Errorf("delete again: %+v", a)
	}
	if a := s.do("PUT", "/jobs/"+id, "A"); a.status != 410 {
		t.Errorf("put of a gone id: %+v", a)
	}
	if a := s.do("GET", "/jobs/"+jobid.New(), ""); a.status != 404 {
		t.Errorf("never heard of: %+v", a)
	}
	if a := s.do("GET", "/jobs/UPPER", ""); a.status != 404 {
		t.Errorf("no id: %+v", a)
	}
}

func TestFailedJob(t *testing.T) {
	s := start(t, nil)
	id := s.job("bad picture")
	a := s.do("GET", "/jobs/"+id+"/image?wait=30", "")
	if a.status != 415 || a.body != "not a picture\n" {
		t.Errorf("%+v", a)
	}
	var v jobView
	fromJSON(t, s.do("GET", "/jobs/"+id, "", "Accept: application/json").body, &v)
	if v.State != "failed" || v.Error == nil || v.Error.Kind != "format" || v.Error.Detail != "not a picture" || v.Error.Status != 415 {
		t.Errorf("%+v", v)
	}
	id = s.job("kill the worker")
	if a := s.do("GET", "/jobs/"+id+"/image?wait=30", ""); a.status != 500 || !strings.Contains(a.body, "2 workers died") {
		t.Errorf("%+v", a)
	}
	n := 0
	for _, p := range s.fake.came() {
		if p == "kill the worker" {
			n++
		}
	}
	if n != 2 {
		t.Errorf("a deadly picture was tried %d times", n)
	}
}

func TestSeveralPicturesInOneForm(t *testing.T) {
	s := start(t, nil)
	body, kind := form(part{"scale", "-", "1/2"}, part{"image", "a.png", "A"}, part{"other", "b.png", "B"})
	a := s.do("POST", "/jobs?gray=0", body, kind)
	ids := strings.Fields(a.body)
	if a.status != 202 || len(ids) != 2 || a.header.Get("Location") != "" {
		t.Fatalf("%+v", a)
	}
	for i, want := range []string{"small A", "small B"} {
		if a := s.do("GET", "/jobs/"+ids[i]+"/image?wait", ""); a.body != want {
			t.Errorf("%d: %q", i, a.body)
		}
	}
	var made struct{ Jobs []string }
	fromJSON(t, s.do("POST", "/jobs", body, kind, "Accept: application/json").body, &made)
	if len(made.Jobs) != 2 {
		t.Errorf("%+v", made)
	}
	a = s.do("POST", "/jobs", body, kind, "Accept: text/html,*/*;q=0.8")
	if a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "/?j=") {
		t.Fatalf("%+v", a)
	}
	page := s.do("GET", a.header.Get("Location"), "", "Accept: text/html")
	if page.status != 200 || strings.Count(page.body, "<li ") != 2 {
		t.Errorf("%+v", page)
	}
	one, oneKind := form(part{"gray", "-", "601"}, part{"scale", "-", ""}, part{"image", "a.png", "A"})
	if a := s.do("POST", "/jobs", one, oneKind, "Accept: text/html"); a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "/jobs/") {
		t.Errorf("%+v", a)
	}
	// The first refused ends the request: the ids made so far, then its line.
	body, kind = form(part{"image", "a.png", "A"}, part{"image", "b.png", ""}, part{"image", "c.png", "C"})
	a = s.do("POST", "/jobs", body, kind)
	lines := strings.Split(a.body, "\n")
	if a.status != 415 || len(lines) != 3 || !jobid.Valid(lines[0]) || lines[1] != "no picture: 0 bytes" {
		t.Errorf("%+v", a)
	}
}

// Jobs survive the server: what was pending or being worked on is done by the next.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, func(c *Config) { c.Spool = openSpool(t, dir) })
	running := s.job("hold on")
	h := <-s.fake.held
	pending := s.job("later")
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // at once
	s.Shutdown(ctx)
	<-h.gone // the worker was told
	s = start(t, func(c *Config) { c.Spool = openSpool(t, dir) })
	h = <-s.fake.held
	close(h.free)
	for id, want := range map[string]string{running: "gray of hold on", pending: "gray of later"} {
		if a := s.do("GET", "/jobs/"+id+"/image?wait", ""); a.body != want {
			t.Errorf("%+v, want %q", a, want)
		}
	}
}

// A stop waits for what is in hand, ends wait=, and lets nothing new in.
func TestDrain(t *testing.T) {
	s := start(t, nil)
	running := s.job("hold on")
	h := <-s.fake.held
	pending := s.job("later")
	waited := make(chan answered, 1)
	go func() {
		a, err := s.try(context.Background(), "GET", "/jobs/"+pending+"/image?wait=60", "")
		if err != nil {
			t.Error(err)
		}
		waited <- a
	}()
	s.until("the waiting request", func() bool { return s.metrics.current.Load() == 1 })
	down := make(chan error)
	go func() { down <- s.Shutdown(context.Background()) }()
	if a := <-waited; a.status != 202 && a.status != 0 {
		t.Errorf("%+v", a)
	}
	select {
	case <-down:
		t.Error("did not wait for the job in hand")
	default:
	}
	close(h.free)
	if err := <-down; err != nil {
		t.Error(err)
	}
	if st, err := s.c.Spool.Status(running); err != nil || st.State != spool.Done {
		t.Errorf("in hand: %+v %v", st, err)
	}
	if st, err := s.c.Spool.Status(pending); err != nil || st.State != spool.Pending {
		t.Errorf("pending: %+v %v", st, err)
	}
}

// A request whose connection was accepted before a stop is served, as far as it has
// come by then.
func TestStopServesAcceptedConnections(t *testing.T) {
	s := start(t, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "PUT /image HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	s.until("the request", func() bool { return s.metrics.current.Load() == 1 })
	down := make(chan error)
	go func() { down <- s.Shutdown(context.Background()) }()
	s.until("the stop", func() bool { return s.draining.Err() != nil })
	if _, err := io.WriteString(conn, "A"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%+v, %v", resp, err)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
}

func TestHealthWhileAllIsBusyAndFull(t *testing.T) {
	s := start(t, func(c *Config) { c.Queue = 2 })
	s.until("readiness", func() bool { return s.do("GET", "/readyz", "").status == 200 })
	s.job("hold")
	h := <-s.fake.held
	first := s.job("1")
	s.job("2")
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if a := s.do("PUT", "/image", "A"); a.status != 200 {
				t.Errorf("%+v", a)
			}
		})
	}
	s.until("two pictures to wait", func() bool { return s.queue.figures().images == 2 })
	if a := s.do("PUT", "/image", "3"); a.status != 503 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "-queue") {
		t.Errorf("full queue: %+v", a)
	}
	if a := s.do("GET", "/jobs/"+first, ""); !strings.Contains(a.body, "state: queued\n") || !strings.Contains(a.body, "place: 1\n") {
		t.Errorf("%+v", a)
	}
	for _, p := range []string{"/healthz", "/readyz", "/metrics", "/"} {
		if a := s.do("GET", p, ""); a.status != 200 {
			t.Errorf("%s: %+v", p, a)
		}
	}
	m := s.do("GET", "/metrics", "").body
	for _, want := range []string{`imgtools_jobs{state="queued"} 2`, "imgtools_slots_busy 1", `imgtools_workers{daemon="grayd"} 1`,
		`imgtools_requests_total{route="/image",method="PUT",status="503"} 1`} {
		if !strings.Contains(m, want+"\n") {
			t.Errorf("metrics lack %s:\n%s", want, m)
		}
	}
	close(h.free)
	wg.Wait()
}

// A note may have characters that clients read differently in a header; in the status
// of a job it has them all.
func TestNoteIsASCIIInTheHeader(t *testing.T) {
	s := start(t, nil)
	const want = "10x10 at ?"
	if a := s.do("PUT", "/image?gray", "odd"); a.status != 200 || a.header.Get("Image-Note") != want {
		t.Errorf("/image: %d, note %q", a.status, a.header.Get("Image-Note"))
	}
	id := s.job("odd")
	if a := s.do("GET", "/jobs/"+id+"/image?wait=10", ""); a.header.Get("Image-Note") != want {
		t.Errorf("of the job: %d, note %q", a.status, a.header.Get("Image-Note"))
	}
	if a := s.do("GET", "/jobs/"+id, "", "Accept: application/json"); !strings.Contains(a.body, "10×10 at é") {
		t.Errorf("status: %s", a.body)
	}
}
