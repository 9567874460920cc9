package front

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/jobid"
)

// find returns the route of a path, and the ID, ID/N, NAME or PATH in it. For a path that is
// not there the route has no methods. Paths are taken literally: "//jobs/ID" and
// "/jobs/ID/" are not there.
func find(path string) (rt route, id string) {
	parts := strings.Split(path, "/")
	for _, rt := range routes {
		if id, ok := rt.match(parts); ok {
			return rt, id
		}
	}
	return route{}, ""
}

func (rt route) match(parts []string) (id string, ok bool) {
	if before, ok := strings.CutSuffix(rt.path, "PATH"); ok {
		id, ok := strings.CutPrefix(strings.Join(parts, "/"), before)
		return id, ok && id != ""
	}
	want := strings.Split(rt.path, "/")
	if len(want) != len(parts) {
		return "", false
	}
	for i, w := range want {
		switch {
		case w == "ID" && jobid.Valid(parts[i]), w == "NAME" && parts[i] != "":
			id = parts[i]
		case w == "N" && len(parts[i]) == 1 && parts[i] >= "1" && parts[i] <= strconv.Itoa(geometry.MaxSizes):
			id += "/" + parts[i]
		case w != parts[i]:
			return "", false
		}
	}
	return id, true
}

// name is the path for logs and metrics, where all unknown paths are one.
func (rt route) name() string {
	if rt.path == "" {
		return "other"
	}
	return rt.path
}

// allow lists the methods.
func (rt route) allow() string {
	names := []string{}
	for _, m := range rt.methods {
		names = append(names, m.name)
	}
	return strings.Join(append(names, "OPTIONS"), ", ")
}

// handler is the chain that each request passes.
func (s *Server) handler() http.Handler {
	return s.observe(s.headers(s.forwarded(s.guarded(s.bounded(s.dispatch)))))
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.chain.ServeHTTP(w, r) }

// headers sets the headers that each answer has.
func (s *Server) headers(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if s.leaving.Load() {
			h.Set("Connection", "close")
		}
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next(w, r)
	}
}

// dispatch calls the handler of the request's route and method, and answers
// OPTIONS, unknown paths and unknown methods itself.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request) {
	i := infoOf(r)
	if len(i.route.methods) == 0 {
		s.refuse(w, r, notFound(r.URL.Path))
		return
	}
	if m, ok := i.route.method(r.Method); ok {
		m.handle(s, w, r, i.id)
		return
	}
	w.Header().Set("Allow", i.route.allow())
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.refuse(w, r, fault.New(fault.Method, "%s does not take %s: use %s", i.route.path, fault.Clip(r.Method), i.route.allow()))
}

func (rt route) method(name string) (method, bool) {
	i := slices.IndexFunc(rt.methods, func(m method) bool { return m.name == name })
	if i < 0 {
		return method{}, false
	}
	return rt.methods[i], true
}

// notFound is the error for a path that is not there. The path may hold an id,
// which is not shown whole.
func notFound(path string) error {
	id, ok := strings.CutPrefix(path, "/jobs/")
	if of, _, below := strings.Cut(id, "/"); ok && !(below && jobid.Valid(of)) {
		return fault.New(fault.NotFound, "no job %s", quote(jobid.Short(id)))
	}
	return fault.New(fault.NotFound, "nothing at %s; see /", quote(jobid.Redact(path)))
}

func quote(s string) string { return fault.Quote(s) }
