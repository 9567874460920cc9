package front

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/front/docroot"
	"imgtools/pkg/front/spool"
	"imgtools/pkg/ops"
	"imgtools/pkg/urlsign"
)

// file is GET and HEAD /files/PATH: a picture of the folder of -root, with the
// operations of the query done to it. It is worked on only when nothing else answers
// the request: not If-None-Match, not HEAD, and not the same work for somebody else.
func (s *Server) file(w http.ResponseWriter, r *http.Request, path string) {
	if s.root == nil {
		s.refuse(w, r, notFound(r.URL.Path))
		return
	}
	o, until, err := s.fileOps(r.URL.Path, r.URL.RawQuery)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	o = decided(w, r, o)
	f, err := s.root.Open(path)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	tag := s.fileTag(f.Info, o)
	modified := time.Unix(f.Info.Mtime.Unix())
	h := w.Header()
	good := func() { // an error that fail writes keeps no-store
		h.Set("ETag", tag)
		h.Set("Last-Modified", modified.UTC().Format(http.TimeFormat))
		h.Set("Cache-Control", s.cacheControl(until))
	}
	if status := precondition(r, tag, modified); status != http.StatusOK || r.Method == http.MethodHead {
		f.Close()
		good()
		w.WriteHeader(status)
		return
	}
	if f.Info.Size > s.c.MaxBytes {
		f.Close()
		s.refuse(w, r, s.tooLarge(f.Info.Size))
		return
	}
	flight, first, leave := s.flights.join(path+"\n"+tag, s.clientOf(r), func(ctx context.Context, places *places) *worked {
		defer f.Close()
		work := s.workFor(ctx, func(context.Context) place { return <-places.first }, o, f, f.Info.Size)
		if f.Changed() && !work.refused { // half of what was read may be of before
			if work.err == nil {
				work.result.Close()
			}
			work.err = fault.New(fault.Busy, "the picture has changed while it was read")
		}
		if !work.refused {
			s.metrics.worked("files", *work)
		}
		return work
	})
	defer leave()
	if !first {
		f.Close()
	}
	select {
	case <-flight.done:
	case <-r.Context().Done():
		s.metrics.left.Add(1)
		s.fail(w, r, fault.New(fault.RequestTimeout, "client left")) // for the log
		return
	}
	if first && !flight.worked.refused {
		infoOf(r).worked = flight.worked
	}
	if flight.worked.err != nil {
		s.fail(w, r, flight.worked.err)
		return
	}
	result := flight.worked.result
	b, err := result.File.Reader()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer b.Close()
	good()
	h.Set("Server-Timing", flight.worked.timing())
	describeResult(h, result.Type, result.Width, result.Height, result.Note, o.Get("name"))
	knownRange(r.Header)
	http.ServeContent(w, r, "", modified, b)
	s.metrics.sent.Add(w.(*answer).bytes)
}

// errNotSigned does not say what is wrong with a URL: that would help to guess one.
var errNotSigned = fault.New(fault.Forbidden, "not a URL that is served: it needs a signature that is valid for it")

// fileOps returns the operations of a query, if this client may ask for them, and until
// when it may; zero is for ever. A preset is free. With -sign all else is signed; with
// presets alone there is nothing else; with neither, which only loopback has, all is
// free.
func (s *Server) fileOps(path, query string) (o ops.Ops, until time.Time, err error) {
	words, err := ops.ParseQuery(query)
	if err != nil {
		return nil, until, err
	}
	keys, presets := s.signKeys.Load(), s.presets.Load()
	if names, _ := take(words, "preset"); len(names) == 0 {
		switch {
		case keys != nil && len(*keys) > 0:
			var ok bool
			if words, until, ok = urlsign.Verify(*keys, path, words, time.Now()); !ok {
				return nil, until, errNotSigned
			}
		case presets != nil:
			return nil, until, fault.New(fault.Forbidden, "only presets are served here: preset=NAME")
		}
	}
	o, err = s.parseSingle(words)
	return o, until, err
}

// SetSignKeys replaces the keys whose signatures are valid. With none, nothing need be
// signed.
func (s *Server) SetSignKeys(keys []string) { s.signKeys.Store(&keys) }

// fileTag returns the entity tag of a result: it changes when the file, the operations
// or the program does.
func (s *Server) fileTag(i docroot.Info, o ops.Ops) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d %d.%09d\n%s", s.c.Version, i.Size, i.Mtime.Sec, i.Mtime.Nsec, spool.OpsText(o)))
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// cacheControl lets caches keep a result for -maxage, but not longer than its URL is
// valid.
func (s *Server) cacheControl(until time.Time) string {
	age := s.c.MaxAge
	if !until.IsZero() {
		age = max(0, min(age, time.Until(until)))
	}
	return "public, max-age=" + strconv.Itoa(int(age.Seconds()))
}

// precondition returns the status that the conditions of a request for a picture call
// for, before any work (RFC 9110, 13.2.2): 200, 304 when the client has this result, or
// 412 when it wants another one only.
func precondition(r *http.Request, tag string, modified time.Time) int {
	later := func(header string) (later, given bool) {
		since, err := http.ParseTime(r.Header.Get(header))
		return modified.Truncate(time.Second).After(since), err == nil
	}
	if list := r.Header.Values("If-Match"); len(list) > 0 {
		if !names(list, tag, false) {
			return http.StatusPreconditionFailed
		}
	} else if later, given := later("If-Unmodified-Since"); given && later {
		return http.StatusPreconditionFailed
	}
	if list := r.Header.Values("If-None-Match"); len(list) > 0 {
		if names(list, tag, true) {
			return http.StatusNotModified
		}
	} else if later, given := later("If-Modified-Since"); given && !later {
		return http.StatusNotModified
	}
	return http.StatusOK
}

// names reports whether a list of entity tags is * or has tag; weak says whether W/ in
// front of it makes no difference.
func names(list []string, tag string, weak bool) bool {
	for t := range strings.SplitSeq(strings.Join(list, ","), ",") {
		t = strings.TrimSpace(t)
		if weak {
			t = strings.TrimPrefix(t, "W/")
		}
		if t == "*" || t == tag {
			return true
		}
	}
	return false
}
