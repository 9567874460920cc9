package front

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/geometry"
	"imgtools/pkg/jobid"
	"imgtools/pkg/ops"
)

func TestPage(t *testing.T) {
	s := start(t, nil)
	text := s.do("GET", "/", "", "Accept: */*")
	if text.header.Get("Content-Type") != typeText || !strings.Contains(text.body, "PUT  /jobs/ID") {
		t.Errorf("%+v", text)
	}
	html := s.do("GET", "/", "", "Accept: text/html,application/xhtml+xml,*/*;q=0.8")
	for _, want := range []string{`enctype="multipart/form-data"`, `action="/jobs"`, `type="file"`, "multiple", `<label for="image">`, `<meta name="referrer" content="same-origin">`} {
		if !strings.Contains(html.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Index(html.body, `name="scale"`) > strings.Index(html.body, `type="file"`) {
		t.Error("the page has a field after its files")
	}
	// All that is linked is there, and is ours: nothing stands in the page itself.
	links := regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(html.body, -1)
	if len(links) != 3 || strings.Contains(html.body, "<style") || strings.Contains(html.body, " style=") || strings.Contains(html.body, " on") && regexp.MustCompile(` on\w+=`).MatchString(html.body) {
		t.Errorf("links %q in\n%s", links, html.body)
	}
	for _, l := range links {
		a := s.do("GET", l[1], "")
		if a.status != 200 || a.body == "" || a.header.Get("ETag") == "" || a.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %+v", l[1], a.header)
		}
		if again := s.do("GET", l[1], "", "If-None-Match: "+a.header.Get("ETag")); again.status != 304 || again.body != "" {
			t.Errorf("%s again: %+v", l[1], again)
		}
	}
	if p := html.header.Get("Content-Security-Policy"); !strings.HasPrefix(p, "default-src 'none'; script-src 'self'; ") || strings.Contains(p, "unsafe") {
		t.Errorf("policy %s", p)
	}
	for _, p := range []string{"/page/page.html", "/page/", "/page/../front.go"} {
		if a := s.do("GET", p, ""); a.status != 404 {
			t.Errorf("%s: %d", p, a.status)
		}
	}
	for accept, want := range map[string]string{"": "en", "es": "es", "es-MX,es;q=0.9,en;q=0.8": "es", "en;q=0.5, es-AR;q=0.7": "es", "de, en": "en", "de": "en", "es;q=0": "en", "*": "en"} {
		a := s.do("GET", "/", "", "Accept: text/html", "Accept-Language: "+accept)
		if a.header.Get("Content-Language") != want || !strings.Contains(a.body, `<html lang="`+want+`">`) || !slices.Contains(a.header.Values("Vary"), "Accept-Language") ||
			strings.Contains(a.body, "Imágenes") != (want == "es") {
			t.Errorf("Accept-Language %q: %v", accept, a.header)
		}
	}
	for _, q := range []string{"/?x=1", "/?j=short"} {
		if a := s.do("GET", q, ""); a.status != 400 {
			t.Errorf("%s: %+v", q, a)
		}
	}
	gone := jobid.New()
	if a := s.do("GET", "/?j="+gone, ""); a.status != 200 || !strings.Contains(a.body, "state: unknown") {
		t.Errorf("%+v", a)
	}
}

// TestPageOffersAddedFormat: the form, the file picker and the text of GET / know a
// format and an option that are added to the tables, and its results are shown.
func TestPageOffersAddedFormat(t *testing.T) {
	defer format.Set(append(slices.Clone(format.All()), format.Format{Name: "fake", Title: "Fake", Exts: []string{"fak"},
		Media: "image/x-fake", Read: true, Write: true, Quality: 40}, format.Format{Name: "shown", Media: "image/x-shown", Browser: true}))()
	defer ops.Set(append(slices.Clone(ops.All()), ops.Option{Key: "blur", Help: "blur it", Of: "scale"}))()
	s := start(t, nil)
	html := s.do("GET", "/", "", "Accept: text/html").body
	for _, want := range []string{"JPEG 81, WebP 80, Fake 40", "default (keep)<", "<option>fake</option>", ".fak", `name="blur" type="checkbox" value="1" data-of="scale"`} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	text := s.do("GET", "/", "", "Accept: */*").body
	for _, want := range []string{" fake\n", " blur", "40 is the default of fake"} {
		if !strings.Contains(text, want) {
			t.Errorf("GET / lacks %q:\n%s", want, text)
		}
	}
	if v := (jobView{Out: &viewOut{Type: "image/x-shown"}}); !v.Shown() {
		t.Error("a format that browsers show is not shown")
	}
}

// No word is missing in a language, and none is left over.
func TestPageWords(t *testing.T) {
	html, err := pageFiles.ReadFile("page/page.html")
	if err != nil {
		t.Fatal(err)
	}
	goCode, err := os.ReadFile("page_form.go")
	if err != nil {
		t.Fatal(err)
	}
	// Words of a kind are asked for by a prefix.
	for prefix, names := range map[string][]string{"fit ": geometry.Fits(), "gravity ": geometry.Grid()} {
		goCode = bytes.ReplaceAll(goCode, []byte(strconv.Quote(prefix)+" +"), nil)
		for _, name := range names {
			goCode = fmt.Appendf(goCode, "p.T(%q)", prefix+name)
		}
	}
	goCode = bytes.ReplaceAll(goCode, []byte(`"option " +`), nil)
	for _, f := range (&page{}).Fields() {
		goCode = fmt.Appendf(goCode, "p.T(%q)", "option "+f.Key)
	}
	var script []byte
	files, err := fs.Glob(pageFiles, "page/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		code, err := pageFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?m)^import .*\bwords\b.* from "./dom.js"`).Match(code) {
			script = append(script, code...)
		}
	}
	for _, c := range []struct {
		in    string
		re    string
		words map[string][2]string
		also  []string
	}{
		{string(html) + string(goCode), `\.T\(? ?"([\w ]+)"`, words, []string{"luminance", "title", "results", "job", "queued", "running", "done", "failed", "gone", "unknown", "picture"}},
		{string(script), `words\.(\w+)`, scriptWords, []string{}},
	} {
		used := map[string]bool{"kinds": true, "know": true}
		for _, k := range c.also {
			used[k] = true
		}
		for _, m := range regexp.MustCompile(c.re).FindAllStringSubmatch(c.in, -1) {
			used[m[1]] = true
			if m[1] != "kinds" && m[1] != "know" && c.words[m[1]][0] == "" && !slices.Contains(bothWords, m[1]) {
				t.Errorf("no word for %s", m[1])
			}
		}
		for k, w := range c.words {
			if !used[k] || w[0] == "" || w[1] == "" {
				t.Errorf("%s: %q, used: %v", k, w, used[k])
			}
		}
	}
	for k := fault.Internal; k.String() != fault.Internal.String() || k == fault.Internal; k++ {
		if w := kindWords[k]; k != fault.Undecoded && (w[0] == "" || w[1] == "") {
			t.Errorf("no words for %s", k)
		}
	}
}

func TestShellLines(t *testing.T) {
	v := jobView{ID: "abc", Name: "it's -a.jpg", Out: &viewOut{Type: "image/png", Name: "it's -a.png"}, ops: ops.Must("gray=709 scale=50% linear kernel=box quality=7 format=png")}
	if got, want := v.Curl(&page{Origin: "http://[::1]:80"}), `curl -T 'it'\''s -a.jpg' 'http://[::1]:80/image?gray=709&scale=50%25&kernel=box&linear&format=png&quality=7' > 'new-it'\''s -a.png'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := v.Imgput(&page{Origin: "http://h:80"}), `imgput -a http://h:80 -g -l 709 -s 50% -k box -linear -f png -q 7 'it'\''s -a.jpg' | imgget -a http://h:80 -d .`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	v = jobView{Name: "a b.jpg", ops: ops.Must("scale=320x,640x")}
	if got, want := v.Curl(&page{Origin: "http://h"}), `curl -X POST -T 'a b.jpg' 'http://h/jobs?scale=320x%2C640x&name=a+b.jpg'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	v = jobView{Name: "-x", ops: ops.Must("gray=601 scale=10x10>")}
	if got, want := v.Curl(&page{Origin: "http://h"}), `curl -T ./-x 'http://h/image?gray&scale=10x10%3E' > new--x`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := v.Curl(&page{Origin: "http://h", Token: true}), `curl -H "Authorization: Bearer $TOKEN" -T ./-x 'http://h/image?gray&scale=10x10%3E' > new--x`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := v.Imgput(&page{Origin: "http://h", Token: true}), `imgput -a http://h -token "$IMGD_TOKEN_FILE" -g -s '10x10>' ./-x | imgget -a http://h -token "$IMGD_TOKEN_FILE" -d .`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
