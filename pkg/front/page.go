package front

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/front/spool"
	"imgtools/pkg/ops"
)

// page is what the one template shows.
type page struct {
	Title   string
	Form    bool // the upload form
	Refresh bool // something shown is still pending
	Error   string
	Jobs    []jobView

	Kernels, Formats []string
	Style            template.CSS
}

// pages has the parsed template, and the policy that lets its style through.
type pages struct {
	template *template.Template
	policy   string
}

const style = `
body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222;background:#fff}
h1{font-size:1.4em} a{color:#05a} code{background:#eee;padding:0 .2em}
form.up{display:grid;grid-template-columns:max-content 1fr;gap:.6em 1em;align-items:center}
form.up button{grid-column:2;justify-self:start;padding:.4em 2em}
input,select,button{font:inherit} .error{color:#a00;font-weight:bold}
ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:1em}
li{border:1px solid #ccc;border-radius:4px;padding:.6em;max-width:20em;overflow-wrap:anywhere}
li img{display:block;max-width:100%;max-height:16em;margin-bottom:.4em} li form{display:inline}
`

// The header's no-referrer is for everything else. For a page with forms it would
// make browsers send "Origin: null" with them, which over plain HTTP, where there is
// no Sec-Fetch-Site, can't be told from another site's (Fetch, "append a request
// Origin header"). same-origin keeps ids from other sites just as well.
const pageText = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="same-origin">
{{if .Refresh}}<meta http-equiv="refresh" content="2">
{{end}}<title>{{.Title}} - imgtools</title>
<style>{{.Style}}</style>
</head>
<body>
<h1>{{if .Form}}{{.Title}}{{else}}<a href="/">imgtools</a>: {{.Title}}{{end}}</h1>
{{if .Error}}<p class="error" role="alert">{{.Error}}</p>
{{end}}{{if .Form}}<form class="up" action="/jobs" method="post" enctype="multipart/form-data">
<label for="gray">Colours</label>
<select id="gray" name="gray"><option value="601" selected>gray (Rec. 601)</option><option value="709">gray (Rec. 709)</option><option value="luminance">gray (luminance)</option><option value="0">as they are</option></select>
<label for="scale">Size</label>
<input id="scale" name="scale" placeholder="as it is; or 1/4, 50%, 640x480" autocomplete="off">
<label for="kernel">Kernel</label>
<select id="kernel" name="kernel"><option value="" selected>the usual</option>{{range .Kernels}}<option>{{.}}</option>{{end}}</select>
<label for="format">Format</label>
<select id="format" name="format"><option value="" selected>that of the picture</option>{{range .Formats}}<option>{{.}}</option>{{end}}</select>
<label for="quality">JPEG quality</label>
<input id="quality" name="quality" type="number" min="1" max="100" placeholder="85">
<label for="image">Pictures</label>
<input id="image" name="image" type="file" accept="image/*,.pnm,.pgm,.ppm,.pam,.pbm" multiple required>
<button>Send</button>
</form>
{{end}}{{if .Jobs}}<ul>
{{range .Jobs}}<li id="{{.ID}}">
{{if .Out}}<a href="{{.Image}}"><img src="{{.Image}}" alt="{{if .Name}}{{.Name}}{{else}}result{{end}}"></a>
{{end}}<a href="/jobs/{{.ID}}">{{if .Name}}{{.Name}}{{else}}picture{{end}}</a>: <b>{{.State}}</b>{{if .Place}}, place {{.Place}}{{end}}{{if .Ops}}<br><code>{{.Ops}}</code>{{end}}
{{with .Out}}<br>{{.Width}} × {{.Height}}, {{.Type}}, {{.Bytes}} bytes{{if .Note}}, {{.Note}}{{end}}
{{end}}{{with .Error}}<br><span class="error">{{.Detail}}</span>
{{end}}{{if .Image}}<br>{{if .Out}}<a href="{{.Image}}" download>download</a> {{end}}<form action="/jobs/{{.ID}}/delete" method="post"><button>delete</button></form>
{{end}}</li>
{{end}}</ul>
{{end}}</body>
</html>
`

func newPages() *pages {
	sum := sha256.Sum256([]byte(style))
	return &pages{
		template: template.Must(template.New("page").Parse(pageText)),
		policy: "default-src 'none'; img-src 'self'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	}
}

func (s *Server) writePage(w http.ResponseWriter, status int, p *page) {
	p.Kernels, p.Formats, p.Style = ops.Kernels, ops.Formats, style
	var b strings.Builder
	if err := s.pages.template.Execute(&b, p); err != nil {
		s.c.Log.Error("page", "err", err)
		writeText(w, http.StatusInternalServerError, "page: an error; see the log\n")
		return
	}
	w.Header().Set("Content-Security-Policy", s.pages.policy)
	w.Header().Set("Content-Type", typeHTML)
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	w.Write([]byte(b.String()))
}

// requests is GET / for those who did not ask for HTML.
const requests = `imgtools: pictures gray and smaller

POST /image?OPS           a picture in, the picture out
PUT  /image?OPS           the same: curl -T foo.jpg 'http://HOST/image?gray&scale=1/4'
POST /jobs?OPS            202 and a job's id a line; several pictures in one form
PUT  /jobs/ID?OPS         the same with an id of yours, 26 of a-z2-7; harmless to repeat
GET  /jobs/ID             its status; ?wait=N waits up to N seconds
GET  /jobs/ID/image       its picture; ?wait=N likewise
DELETE /jobs/ID           forgets it (also POST /jobs/ID/delete)
GET  /healthz /readyz /metrics

OPS: gray gray=709 gray=luminance scale=GEOMETRY kernel= fine linear format= quality= name=
GEOMETRY: 1/4 0.25 25% 640x480 640x x480 640x480! and > only smaller, < only larger
A body is the picture itself, or a form: curl -F scale=50% -F image=@foo.jpg http://HOST/image
An answer is text, or what Accept names: application/json, text/html
`

// maxShown bounds how many jobs one page shows.
const maxShown = 1000

// home is GET /: the form, with the jobs that ?j=ID&j=ID names.
func (s *Server) home(w http.ResponseWriter, r *http.Request, _ string) {
	words, err := parseQuery(r.URL.RawQuery)
	ids, rest := take(words, "j")
	switch {
	case err != nil:
	case len(rest) > 0:
		err = fault.New(fault.Usage, "unknown word %s", quote(rest[0].Key))
	case len(ids) > maxShown:
		err = fault.New(fault.Usage, "more than %d jobs", maxShown)
	}
	for _, id := range ids {
		if err == nil && !spool.ValidID(id) {
			err = fault.New(fault.Usage, "no id: %s", quote(spool.Short(id)))
		}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Add("Vary", "Accept")
	p := &page{Title: "imgtools: pictures gray and smaller", Form: len(ids) == 0, Jobs: s.statuses(ids)}
	if !p.Form {
		p.Title = "results"
	}
	for _, j := range p.Jobs {
		p.Refresh = p.Refresh || j.State == "queued" || j.State == "running"
	}
	form := wants(r)
	switch {
	case form == asHTML:
		s.writePage(w, http.StatusOK, p)
	case form == asJSON && len(ids) > 0:
		writeJSON(w, typeJSON, http.StatusOK, map[string][]jobView{"jobs": p.Jobs})
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
		writeText(w, http.StatusOK, requests)
	}
}
