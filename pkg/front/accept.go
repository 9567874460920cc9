package front

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/ops"
)

// format is the form of an answer.
type answerFormat uint8

const (
	asText answerFormat = iota
	asJSON
	asHTML
)

// wants returns the form that the client's Accept asks for: JSON or HTML only if
// it names them, of several the one with the highest q, then the first
// (RFC 9110 §12.5.1).
func wants(r *http.Request) answerFormat {
	forms := map[string]answerFormat{
		"application/json": asJSON, "application/problem+json": asJSON,
		"text/html": asHTML, "application/xhtml+xml": asHTML, "text/plain": asText,
	}
	v, _ := preferred(r.Header.Values("Accept"), func(v string) bool { _, ok := forms[v]; return ok })
	return forms[v]
}

// varies says that an answer depends on the request's Accept.
func varies(h http.Header) {
	if !slices.Contains(h.Values("Vary"), "Accept") {
		h.Add("Vary", "Accept")
	}
}

// decided returns operations in which format=auto is WebP if the client's Accept names
// that; else a worker decides, who sees whether there is alpha. Caches are told that the
// answer depends on Accept.
func decided(w http.ResponseWriter, r *http.Request, o ops.Ops) ops.Ops {
	if o.Get("format") != ops.Auto {
		return o
	}
	varies(w.Header())
	webp, _ := format.Lookup(format.WebP)
	if _, ok := preferred(r.Header.Values("Accept"), func(v string) bool { return v == webp.Media }); ok {
		return o.With("format", webp.Name)
	}
	return o
}

const (
	typeText    = "text/plain; charset=utf-8"
	typeJSON    = "application/json"
	typeProblem = "application/problem+json"
	typeHTML    = "text/html; charset=utf-8"
)

// problem is an error as RFC 9457 has it.
type problem struct {
	Type   string   `json:"type"`
	Title  string   `json:"title"`
	Status int      `json:"status"`
	Kind   string   `json:"kind" schema:"kind"`
	Detail string   `json:"detail"`
	Jobs   []string `json:"jobs,omitempty"` // made before the error
}

// fail answers with an error: the status of its kind, and its text in the form that
// the client asks for. jobs are ids of jobs that the request made before it failed.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error, jobs ...string) {
	kind := fault.Of(err)
	h := w.Header()
	varies(h)
	switch kind {
	case fault.Busy:
		h.Set("Retry-After", strconv.Itoa(s.queue.retryAfter()))
	case fault.Full:
		h.Set("Retry-After", strconv.Itoa(s.queue.jobAfter(s.c.Spool.Waiting())))
	case fault.Unauthorized:
		h.Set("WWW-Authenticate", `Basic realm="imgd", charset="UTF-8"`)
		h.Add("WWW-Authenticate", `Bearer realm="imgd"`)
	}
	if i := infoOf(r); i != nil {
		i.err = err
	}
	detail := fault.Line(err.Error())
	switch wants(r) {
	case asJSON:
		writeJSON(w, typeProblem, kind.HTTP(), problem{
			"about:blank", http.StatusText(kind.HTTP()), kind.HTTP(), kind.String(), detail, jobs,
		})
	case asHTML:
		s.writePage(w, r, kind.HTTP(), &page{Title: http.StatusText(kind.HTTP()), Error: &viewError{kind.String(), detail, kind.HTTP()}, Jobs: s.statuses(jobs)})
	default:
		text := detail + "\n"
		for i := len(jobs) - 1; i >= 0; i-- {
			text = jobs[i] + "\n" + text
		}
		writeText(w, kind.HTTP(), text)
	}
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", typeText)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	w.Write([]byte(text))
}

func writeJSON(w http.ResponseWriter, contentType string, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil { // v has only types of this package
		panic(err)
	}
	b = append(b, '\n')
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	w.Write(b)
}
