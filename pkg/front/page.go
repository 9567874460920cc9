package front

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/jobid"
	"imgtools/pkg/ops"
)

// page is what the one template shows.
type page struct {
	Title   string
	Form    bool // the upload form
	Refresh bool // something shown is still pending
	Error   *viewError
	Jobs    []jobView

	// The rest is filled in by writePage.
	Lang   language
	Origin string // scheme and host by which the client came
	Token  bool   // one is needed
	Script map[string]any

	Decoded []format.Format // that heifd decodes now
}

// T returns the word for a key.
func (p *page) T(key string) string { return words[key][p.Lang] }

// Say puts an error into words for people.
func (p *page) Say(e *viewError) template.HTML {
	kind, _ := fault.Parse(e.Kind)
	return template.HTML(template.HTMLEscapeString(kindWords[kind][p.Lang]) + ` <span lang="en">` + template.HTMLEscapeString(fault.Line(e.Detail)) + `</span>`)
}

// Bytes returns a number of bytes as a person reads it.
func (p *page) Bytes(n int64) string {
	unit, f := "bytes", float64(n)
	for _, u := range []string{"KB", "MB", "GB"} {
		if f < 1000 {
			break
		}
		unit, f = u, f/1000
	}
	text := strconv.FormatFloat(f, 'f', 1, 64)
	if unit == "bytes" {
		text = strconv.FormatInt(n, 10)
	}
	if p.Lang == spanish {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text + " " + unit
}

// The page's files: the template, which is not served as it is, and what it links.
//
//go:embed page
var pageFiles embed.FS

// asset is a file that the page links.
type asset struct {
	contentType string
	etag        string
	body        string
}

// pages has the parsed template and the assets by name.
type pages struct {
	template *template.Template
	assets   map[string]asset
}

// pagePolicy lets in what is ours alone; blob: is a picture that the page's reader
// has chosen, and no style or script stands in the page itself.
//
// The header's no-referrer is for everything but the page. For a page with forms it
// would make browsers send "Origin: null" with them, which over plain HTTP, where there
// is no Sec-Fetch-Site, can't be told from another site's (Fetch, "append a request
// Origin header"). Its meta element says same-origin, which keeps ids from other sites
// just as well.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func newPages() *pages {
	p := &pages{template: template.Must(template.ParseFS(pageFiles, "page/page.html", "page/status.html")), assets: map[string]asset{}}
	files, err := pageFiles.ReadDir("page")
	if err != nil { // it is in the binary
		panic(err)
	}
	for _, f := range files {
		kind, ok := map[string]string{
			".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
		}[path.Ext(f.Name())]
		if !ok {
			continue
		}
		b, err := pageFiles.ReadFile("page/" + f.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(b)
		p.assets[f.Name()] = asset{kind, `"` + hex.EncodeToString(sum[:8]) + `"`, string(b)}
	}
	return p
}

// asset is GET /page/NAME: what the page links.
func (s *Server) asset(w http.ResponseWriter, r *http.Request, name string) {
	a, ok := s.pages.assets[name]
	if !ok {
		s.fail(w, r, notFound(r.URL.Path))
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("ETag", a.etag)
	h.Set("Cache-Control", "no-cache") // kept, and asked about each time
	h.Set("Content-Security-Policy", imagePolicy)
	if r.Header.Get("If-None-Match") == a.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(http.StatusOK)
	io.WriteString(w, a.body)
}

func (s *Server) writePage(w http.ResponseWriter, r *http.Request, status int, p *page) {
	p.Lang = languageOf(r)
	p.Script = p.Lang.script()
	p.Origin = origin(r)
	p.Decoded = s.health.decoded()
	tokens := s.tokens.Load()
	p.Token = tokens != nil && len(*tokens) > 0
	p.Script["know"] = p.known()
	if title, ok := words[p.Title]; ok {
		p.Title = title[p.Lang]
	}
	var b strings.Builder
	if err := s.pages.template.ExecuteTemplate(&b, "page.html", p); err != nil {
		s.c.Log.Error("page", "err", err)
		writeText(w, http.StatusInternalServerError, "page: an error; see the log\n")
		return
	}
	h := w.Header()
	h.Add("Vary", "Accept-Language")
	h.Set("Content-Language", p.Lang.String())
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Content-Type", typeHTML)
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	io.WriteString(w, b.String())
}

// requests is GET / for clients that did not ask for HTML.
func requests() string {
	return "imgtools resizes, crops, converts and grays pictures\n\n" + requestLines() + "\n" + opsLines() + requestNotes
}

const requestNotes = `GEOMETRY: 1/4 0.25 25% 640x480 640x x480 640x480! and > only smaller, < only larger
A body is the picture itself, or a form: curl -F scale=50% -F image=@foo.jpg http://HOST/image
An answer is text, or what Accept names: application/json, text/html
`

// maxShown bounds how many jobs one page shows.
const maxShown = 1000

// home is GET /: the form, with the jobs that ?j=ID&j=ID names.
func (s *Server) home(w http.ResponseWriter, r *http.Request, _ string) {
	words, err := ops.ParseQuery(r.URL.RawQuery)
	ids, rest := take(words, "j")
	switch {
	case err != nil:
	case len(rest) > 0:
		err = fault.New(fault.Usage, "unknown word %s", quote(rest[0].Key))
	case len(ids) > maxShown:
		err = fault.New(fault.Usage, "more than %d jobs", maxShown)
	}
	for _, id := range ids {
		if err == nil && !jobid.Valid(id) {
			err = fault.New(fault.Usage, "no id: %s", quote(jobid.Short(id)))
		}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	varies(w.Header())
	p := &page{Title: "title", Form: len(ids) == 0, Jobs: s.statuses(ids)}
	if !p.Form {
		p.Title = "results"
	}
	for _, j := range p.Jobs {
		p.Refresh = p.Refresh || j.Pending()
	}
	form := wants(r)
	switch {
	case form == asHTML:
		s.writePage(w, r, http.StatusOK, p)
	case form == asJSON && len(ids) > 0:
		writeJSON(w, typeJSON, http.StatusOK, jobList{p.Jobs})
	case len(ids) > 0:
		var b strings.Builder
		for i, j := range p.Jobs {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(j.text())
		}
		writeText(w, http.StatusOK, b.String())
	default:
		writeText(w, http.StatusOK, requests())
	}
}
