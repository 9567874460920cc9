package tests

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"imgtools/pkg/eventually"
)

// sized calls f for a wide window and a phone's, each light and dark.
func sized(t *testing.T, b *browser, f func(t *testing.T, b *browser, name string)) {
	for _, width := range []int{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			name := fmt.Sprintf("%d-%s", width, scheme)
			t.Run(name, func(t *testing.T) {
				b := &browser{t, b.session}
				b.devtools("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false})
				b.devtools("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}})
				f(t, b, name)
				var bad []string
				b.run(contrastScript, &bad)
				if len(bad) > 0 {
					t.Error(strings.Join(bad, "\n"))
				}
				var wide int
				if b.run("return document.documentElement.scrollWidth", &wide); wide > width {
					t.Errorf("the page is %d wide", wide)
				}
			})
		}
	}
}

// form opens the form as it is at first.
func (b *browser) form(s *server) {
	b.t.Helper()
	b.open(s.url + "/")
	b.run("localStorage.clear()", nil)
	b.open(s.url + "/")
	b.until("the script has begun", "!document.getElementById('percent').hidden")
}

// push clicks on an element where the page may move while it scrolls there.
func (b *browser) push(css string) {
	b.t.Helper()
	b.run("document.querySelector(arguments[0]).click()", nil, css)
}

// cardsIn is a condition in the page: how many cards there are in a state.
func cardsIn(name string, n int) string {
	return fmt.Sprintf("document.querySelectorAll('.job[data-state=%s]').length == %d", name, n)
}

// TestPageRetry: a picture that was refused, or whose job failed, is sent again with
// corrected settings, without choosing its file once more, or removed.
func TestPageRetry(t *testing.T) {
	s := startImgd(t, "-maxbytes", "200K", "-maxpixels", "1M")
	dir := t.TempDir()
	files := save(t, dir, "a.png", photo(64, 48, 3)) + "\n" + save(t, dir, "b.png", photo(48, 64, 4))
	large := save(t, dir, "large.png", photo(500, 400, 5))
	b := startBrowser(t, "en-US,en", true)
	sized(t, b, func(t *testing.T, b *browser, name string) {
		b.form(s)
		b.keys("#scale", "0,5")
		b.keys("#image", files)
		b.click("#go")
		b.until("both are refused", cardsIn("refused", 2))
		if got := b.text(".job .error"); !strings.HasPrefix(got, "Invalid request.") {
			t.Errorf("the card says %q", got)
		}
		b.run("document.querySelector('.job').scrollIntoView({block: 'center'})", nil)
		b.look("refused-" + name)
		b.run("document.getElementById('scale').value = ''", nil)
		b.keys("#scale", "1/2")
		b.until("the sizes that will come out", "document.querySelector('.job .size').textContent == '64 × 48 → 32 × 24'")

		// One is sent alone, by its own button, the other by the form's.
		b.push(".job .actions button[aria-label='Retry: a.png']")
		b.until("the first is done", cardsIn("done", 1)+" && "+cardsIn("refused", 1))
		b.click("#go")
		b.until("both are done", cardsIn("done", 2))
		if got := b.text(".job .size"); !strings.HasPrefix(got, "32 × 24, image/png") {
			t.Errorf("the first became %s", got)
		}

		// Retry without a change is refused again; Remove leaves the others.
		b.keys("#image", large)
		b.click("#go")
		b.until("the third is refused", cardsIn("refused", 1))
		b.push("button[aria-label='Retry: large.png']")
		b.until("it is refused again", cardsIn("refused", 1)+" && document.querySelector('.job[data-state=refused] .error').textContent.startsWith('Too large.')")
		b.push("button[aria-label='Remove: large.png']")
		b.until("the third is gone", "document.querySelectorAll('.job').length == 2")

		// A job that failed at work is sent again as well.
		b.run("document.getElementById('scale').value = ''", nil)
		b.keys("#scale", "2000x2000!")
		b.keys("#image", filepath.Join(dir, "a.png"))
		b.click("#go")
		b.until("the job fails", cardsIn("failed", 1))
		b.run("document.getElementById('scale').value = ''", nil)
		b.keys("#scale", "20x")
		b.push(".job[data-state=failed] button[aria-label='Retry: a.png']")
		b.until("three are done", cardsIn("done", 3)+" && document.querySelectorAll('.job').length == 3")
		if got := b.text(".job:last-child .size"); !strings.HasPrefix(got, "20 × 15, image/png") {
			t.Errorf("the failed one became %s", got)
		}
		b.look("retried-" + name)
	})
	for _, c := range b.complaints() {
		if !strings.Contains(c, "413") && !strings.Contains(c, "400") {
			t.Errorf("the browser complains: %s", c)
		}
	}
}

// TestPageSettings: what was sent is filled in at the next visit, until the button for the
// default settings is pressed; what concerns one picture is not. Typed sizes move the
// slider.
func TestPageSettings(t *testing.T) {
	s := startImgd(t)
	dir := t.TempDir()
	save(t, dir, "p.png", photo(64, 48, 3))
	b := startBrowser(t, "es", true)
	values := func(b *browser) (v struct {
		Scale, Format, Crop, Gravity string
		Linear, Open                 bool
	}) {
		b.run(`const e = (id) => document.getElementById(id);
			return {scale: e('scale').value, format: e('format').value, crop: e('crop').value, linear: e('linear').checked,
				gravity: document.querySelector('[name=gravity]:checked').value, open: e('format').closest('details').open}`, &v)
		return v
	}
	sized(t, b, func(t *testing.T, b *browser, name string) {
		b.form(s)
		untouched := values(b)
		b.keys("#image", filepath.Join(dir, "p.png"))
		b.until("its size", "document.querySelector('.job .size').textContent.includes('×')")
		for _, c := range []struct{ typed, percent string }{{"1/4", "25"}, {"50%", "50"}, {"0.1", "10"}, {"32x", "50"}, {"x12", "25"}, {"200%", "100"}, {"", "100"}, {"16x,48x", "25"}} {
			b.run("document.getElementById('scale').value = ''; document.getElementById('scale').dispatchEvent(new Event('input', {bubbles: true}))", nil)
			b.keys("#scale", c.typed)
			var percent string
			if b.run("return document.getElementById('percent').value", &percent); percent != c.percent {
				t.Errorf("%q moves the slider to %s, want %s", c.typed, percent, c.percent)
			}
		}
		b.run("document.querySelectorAll('details').forEach(e => { e.open = true }); document.getElementById('scale').value = ''", nil)
		b.keys("#scale", "30x20")
		b.keys("#crop", "40x40+1+1")
		b.click("[value=southwest]")
		b.click("#linear")
		b.keys("#format", "jpeg")
		b.look("settings-" + name)
		b.click("#go")
		b.until("it is refused or done", "document.querySelector('.job[data-state=done], .job[data-state=refused]')")
		b.open(s.url + "/")
		b.until("the script has begun", "!document.getElementById('percent').hidden")
		if got := values(b); got.Scale != "30x20" || got.Format != "jpeg" || !got.Linear || got.Crop != "" || got.Gravity != "southwest" || !got.Open {
			t.Errorf("remembered: %+v", got)
		}
		b.click("#reset")
		b.open(s.url + "/")
		b.until("the script has begun", "!document.getElementById('percent').hidden")
		if got := values(b); got != untouched {
			t.Errorf("after the default settings: %+v, at first %+v", got, untouched)
		}
	})
	t.Run("without storage", func(t *testing.T) {
		b := &browser{t, b.session}
		b.devtools("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }})"})
		b.open(s.url + "/")
		b.until("the script has begun", "!document.getElementById('percent').hidden")
		b.keys("#scale", "50%")
		b.keys("#image", filepath.Join(dir, "p.png"))
		b.click("#go")
		b.until("it is done", cardsIn("done", 1))
		b.click("#reset")
	})
	for _, c := range b.complaints() {
		if !strings.Contains(c, "400") {
			t.Errorf("the browser complains: %s", c)
		}
	}
}

// work says how much the page has worked since it was opened.
func (b *browser) work() string {
	b.t.Helper()
	b.devtools("Performance.enable", map[string]any{})
	var got struct {
		Metrics []struct {
			Name  string
			Value float64
		}
	}
	b.call("POST", "/goog/cdp/execute", map[string]any{"cmd": "Performance.getMetrics", "params": map[string]any{}}, &got)
	var said []string
	for _, m := range got.Metrics {
		switch m.Name {
		case "LayoutCount", "LayoutDuration", "ScriptDuration", "TaskDuration":
			said = append(said, fmt.Sprintf("%s %.4g", m.Name, m.Value))
		}
	}
	return strings.Join(said, ", ")
}

// counting stands between a browser and imgd and counts.
type counting struct {
	*httptest.Server
	mu                 sync.Mutex
	uploads, most, all int // at once now, at once at most, ever
	several            chan struct{}
	statuses, asking   int // questions for the status of jobs; at once at most
	asked              int
	drawn              map[string]int // how often the item of a job was fetched
	other              []string       // requests for a single job
	hold               func()         // called before a question is passed on
}

const uploadsAtOnce = 4

func startCounting(t *testing.T, s *server) *counting {
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	c := &counting{several: make(chan struct{}), drawn: map[string]int{}}
	proxy := httputil.NewSingleHostReverseProxy(to)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer c.begin(r)()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

// begin counts a request and returns what ends it. The first uploads wait until there are
// several at once.
func (c *counting) begin(r *http.Request) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case r.Method == "PUT":
		c.all++
		if c.uploads++; c.uploads > c.most {
			if c.most = c.uploads; c.most == uploadsAtOnce {
				close(c.several)
			}
		}
		c.mu.Unlock()
		select {
		case <-c.several:
		case <-r.Context().Done():
		}
		c.mu.Lock()
		return func() { c.mu.Lock(); c.uploads--; c.mu.Unlock() }
	case r.URL.Path == "/jobs":
		c.statuses++
		c.asking++
		c.asked = max(c.asked, c.asking)
		if c.hold != nil {
			c.mu.Unlock()
			c.hold()
			c.mu.Lock()
		}
		return func() { c.mu.Lock(); c.asking--; c.mu.Unlock() }
	case r.URL.Path == "/" && r.URL.RawQuery != "":
		for _, id := range r.URL.Query()["j"] {
			c.drawn[id]++
		}
	case strings.HasPrefix(r.URL.Path, "/jobs/") && !strings.HasSuffix(r.URL.Path, "/image"):
		c.other = append(c.other, r.Method+" "+r.URL.Path)
	}
	return func() {}
}

// TestPageMany: of 200 small pictures that are pasted at once several are uploaded at
// once, and one request asks for all of them, however many have ended meanwhile.
func TestPageMany(t *testing.T) {
	const n = 200
	s := startImgd(t)
	b := startBrowser(t, "en-US,en", true)
	small := ints(read(t, save(t, t.TempDir(), "s.jpg", photo(64, 48, 3))))
	for _, held := range []bool{true, false} {
		t.Run(map[bool]string{true: "asked when all have ended", false: "asked as they end"}[held], func(t *testing.T) {
			b := &browser{t, b.session}
			c := startCounting(t, s)
			if held {
				all := fmt.Sprintf(`imgtools_jobs{state="done"} %d`, n)
				c.hold = func() {
					eventually.Within(t, 5*time.Minute, "all jobs are done", func() bool {
						_, body := s.want(t, 200, "GET", "/metrics", nil)
						return strings.Contains(string(body), all)
					})
				}
			}
			b.open(c.URL + "/")
			b.until("the script has begun", "!document.getElementById('percent').hidden")
			b.run(`const d = new DataTransfer();
				for (let i = 0; i < arguments[1]; i++) d.items.add(new File([Uint8Array.from(arguments[0])], "s" + i + ".jpg", {type: "image/jpeg"}));
				document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData: d, bubbles: true, cancelable: true}));`, nil, small, n)
			b.until("all cards", cardsIn("ready", n))
			t.Logf("chosen; %s", b.work())
			began := time.Now()
			b.click("#go")
			eventually.Within(t, 5*time.Minute, "all are done", func() (ok bool) {
				b.run("return "+cardsIn("done", n), &ok)
				return ok
			})
			t.Logf("%d pictures in %v; %s", n, time.Since(began).Round(time.Millisecond), b.work())
			c.mu.Lock()
			defer c.mu.Unlock()
			t.Logf("%d questions for the status, items fetched in %d", c.statuses, len(c.drawn))
			if c.all != n || c.most != uploadsAtOnce || len(c.other) > 0 {
				t.Errorf("%d uploads, at most %d at once; and %q", c.all, c.most, c.other)
			}
			if c.asked != 1 || held && c.statuses > 2 {
				t.Errorf("%d questions for the status, %d at once", c.statuses, c.asked)
			}
			for id, times := range c.drawn {
				if times != 1 {
					t.Errorf("the item of %.6s was fetched %d times", id, times)
				}
			}
			if len(c.drawn) != n {
				t.Errorf("%d items were fetched", len(c.drawn))
			}
		})
	}
	if c := b.complaints(); len(c) > 0 {
		t.Errorf("the browser complains: %q", c)
	}
}
