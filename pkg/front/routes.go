package front

import (
	"fmt"
	"net/http"
	"strings"

	about "imgtools/pkg/info"
	"imgtools/pkg/urlsign"
)

// route is a path with its methods and their handlers. In a path ID stands for the
// id of a job, N behind it for the number of a result, NAME for a file name, and PATH, at
// the end, for names with slashes.
type route struct {
	path    string
	methods []method
	open    bool // answered without a token and whatever the Host
	free    bool // answered without a token
}

// method is a method of a route. id is the ID, ID/N, NAME or PATH of the path.
type method struct {
	name   string
	handle func(s *Server, w http.ResponseWriter, r *http.Request, id string)
	doc    doc
}

// doc is what GET / and GET /openapi.json say of a method.
type doc struct {
	id      string   // operationId: the name of the function in generated clients
	about   string   // one line
	brief   bool     // GET / has the line
	ops     bool     // the query takes OPS
	query   []string // other words of the query, keys of queryWords
	takes   body
	answers []reply // errors are added to them
}

// body says which body the handler of a method reads. Each handler that reads a picture
// takes both a bare one and a form. The document offers a form for POST and a bare picture
// for PUT, since generated clients know one kind of body for each method.
type body uint8

const (
	noBody body = iota
	barePicture
	formPicture  // a form with one picture
	formPictures // a form with one or more
)

// reply is an answer of a method. A type in data is the schema of its JSON.
type reply struct {
	status int
	about  string
	media  []string // "image": those of the formats that are written
	data   any
	header []string // keys of replyHeaders
}

var (
	resultHeaders = []string{"Image-Width", "Image-Height", "Image-Note", "Content-Disposition"}
	picture200    = reply{status: 200, about: "the result", media: []string{"image"}, header: append(resultHeaders, "Server-Timing")}
	stored200     = reply{status: 200, about: "the result", media: []string{"image"}, header: append(resultHeaders, "ETag", "Last-Modified")}
	unchanged304  = reply{status: 304, about: "the client has this result"}
	pending202    = reply{status: 202, about: "the job is not done yet", header: []string{"Retry-After"}}
	made202       = reply{status: 202, about: "the jobs are safe on disk: one ID, or ID/N of a list of sizes, a line", media: []string{typeText, typeJSON},
		data: jobRefs{}, header: []string{"Location"}}
	toPage303 = reply{status: 303, about: "to a browser: its next page", header: []string{"Location"}}
)

func text200(about string) reply { return reply{status: 200, about: about, media: []string{typeText}} }

// get is a GET and the HEAD that goes with it.
func get(handle func(*Server, http.ResponseWriter, *http.Request, string), d doc) []method {
	head := d
	head.id, head.brief = "head"+strings.ToUpper(d.id[:1])+d.id[1:], false
	head.about = "the header of that"
	return []method{{"GET", handle, d}, {"HEAD", handle, head}}
}

func one(name string, handle func(*Server, http.ResponseWriter, *http.Request, string), d doc) method {
	return method{name, handle, d}
}

// routes are all paths that there are.
var routes []route

// init fills routes: the handler of /openapi.json reads them itself.
func init() {
	routes = []route{
		{path: "/", methods: get((*Server).home, doc{id: "home", about: "the page, or to a client that asks for no HTML this table", query: []string{"j"},
			answers: []reply{{status: 200, about: "the page, or text; JSON of the jobs that j names", media: []string{typeHTML, typeText, typeJSON}, data: jobList{}}}})},
		{path: "/page/NAME", methods: get((*Server).asset, doc{id: "pageFile", about: "what the page links",
			answers: []reply{{status: 200, about: "the file", media: []string{"text/css", "text/javascript", "image/svg+xml"}, header: []string{"ETag"}}, unchanged304}})},
		{path: "/files/PATH", free: true, methods: get((*Server).file, doc{id: "file", brief: true, ops: true, query: []string{urlsign.ExpWord, urlsign.SigWord},
			about:   "a picture of the folder of -root, for <img src> and caches",
			answers: []reply{{status: 200, about: "the result", media: []string{"image"}, header: append(stored200.header, "Server-Timing", "Cache-Control")}, unchanged304}})},
		{path: "/image", methods: []method{
			one("POST", (*Server).image, doc{id: "postImage", brief: true, about: "a picture in, the result out", ops: true, takes: formPicture, answers: []reply{picture200}}),
			one("PUT", (*Server).image, doc{id: "putImage", brief: true, about: "the same: curl -T foo.jpg 'http://HOST/image?gray&scale=1/4'", ops: true, takes: barePicture, answers: []reply{picture200}}),
		}},
		{path: "/info", methods: []method{
			one("POST", (*Server).describe, doc{id: "postInfo", brief: true, about: "what the picture is: format, size, colours; PUT likewise", query: []string{"name"}, takes: formPicture, answers: []reply{infoReply}}),
			one("PUT", (*Server).describe, doc{id: "putInfo", about: "the same", query: []string{"name"}, takes: barePicture, answers: []reply{infoReply}}),
		}},
		{path: "/jobs", methods: append(
			get((*Server).showJobs, doc{id: "listJobs", brief: true, about: "the status of several as JSON; wait=N: until one has ended", query: []string{"j", "wait"},
				answers: []reply{{status: 200, about: "their status, in the order of the query", media: []string{typeJSON}, data: jobList{}, header: []string{"Retry-After"}}}}),
			one("POST", (*Server).postJobs, doc{id: "postJobs", brief: true, about: "202 and a job's id a line; several pictures in one form", ops: true, takes: formPictures, answers: []reply{made202, toPage303}}),
		)},
		{path: "/jobs/ID", methods: append(
			get((*Server).showJob, doc{id: "job", brief: true, about: "its status; wait=N waits up to N seconds", query: []string{"wait"},
				answers: []reply{{status: 200, about: "its status", media: []string{typeText, typeJSON, typeHTML}, data: jobView{}, header: []string{"Retry-After"}}}}),
			one("PUT", (*Server).putJob, doc{id: "putJob", brief: true, about: "a job with an id of yours, 26 of a-z2-7; harmless to repeat", ops: true, takes: barePicture, answers: []reply{made202, toPage303}}),
			one("DELETE", (*Server).deleteJob, doc{id: "deleteJob", brief: true, about: "forgets it (also POST /jobs/ID/delete)", answers: []reply{deleted204, toPage303}}),
		)},
		{path: "/jobs/ID/image", methods: get((*Server).jobImage, doc{id: "jobImage", brief: true, about: "its picture; wait=N likewise", query: []string{"wait"}, answers: []reply{stored200, pending202, unchanged304}})},
		{path: "/jobs/ID/N/image", methods: get((*Server).jobImage, doc{id: "jobImageN", brief: true, about: "of several sizes (scale=320x,640x; jobs only) number N", query: []string{"wait"}, answers: []reply{stored200, pending202, unchanged304}})},
		{path: "/jobs/ID/delete", methods: []method{
			one("POST", (*Server).deleteJob, doc{id: "postDelete", about: "what DELETE does, for forms", answers: []reply{deleted204, toPage303}}),
		}},
		{path: "/healthz", open: true, methods: get((*Server).healthz, doc{id: "healthz", brief: true, about: "200 while the process answers", answers: []reply{text200("it does")}})},
		{path: "/readyz", open: true, methods: get((*Server).readyz, doc{id: "readyz", brief: true, about: "200 when pictures can be worked on, else 503 with the reason", answers: []reply{text200("ready")}})},
		{path: "/metrics", methods: get((*Server).showMetrics, doc{id: "metrics", brief: true, about: "figures for Prometheus", answers: []reply{{status: 200, about: "the figures", media: []string{"text/plain; version=0.0.4"}}}})},
		{path: "/status", methods: get((*Server).showStatus, doc{id: "status", brief: true, about: "a page for operators: workers, queue, the last hour, the last errors",
			answers: []reply{{status: 200, about: "the page", media: []string{typeHTML}}}})},
		{path: "/openapi.json", methods: get((*Server).showOpenAPI, doc{id: "document", brief: true, about: "all of this for programs that generate clients (OpenAPI 3.1)",
			answers: []reply{{status: 200, about: "this document", media: []string{typeJSON}}}})},
	}
}

var (
	infoReply  = reply{status: 200, about: "what the picture is", media: []string{typeText, typeJSON}, data: about.Info{}}
	deleted204 = reply{status: 204, about: "it is gone"}
)

// requestLines is the table of requests for GET / as text:
//
//	PUT    /image?OPS   the same
func requestLines() string {
	var b strings.Builder
	for _, rt := range routes {
		for _, m := range rt.methods {
			if !m.doc.brief {
				continue
			}
			line := fmt.Sprintf("%-4s %s", m.name, rt.path)
			if m.doc.ops {
				line += "?OPS"
			} else if len(m.doc.query) > 0 && m.doc.query[0] == "j" {
				line += "?j=ID&j=ID"
			}
			b.WriteString(line + strings.Repeat(" ", max(26-len(line), 1)) + m.doc.about + "\n")
		}
	}
	return b.String()
}
