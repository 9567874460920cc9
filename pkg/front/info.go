package front

import (
	"net/http"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

// describe is POST and PUT /info: what a picture is, as text or JSON. A worker reads its
// header; the picture waits for its turn as one for /image does.
func (s *Server) describe(w http.ResponseWriter, r *http.Request, _ string) {
	if err := s.queue.check(s.clientOf(r)); err != nil {
		s.refuse(w, r, err)
		return
	}
	src, err := s.source(w, r, false, s.parseOps)
	if err == nil {
		err = onlyName(src.words)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	up, _, err := s.only(src, false)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer up.Close()
	if err := onlyName(src.words); err != nil { // with those of a form
		s.refuse(w, r, err)
		return
	}
	ctx, cancel := s.untilStopped(r.Context())
	defer cancel()
	who := s.clientOf(r)
	if err := s.queue.wait(ctx, who); err != nil {
		s.fail(w, r, s.cutOff(err))
		return
	}
	described, err := s.dispatcher.Info(ctx, up, deathsNow())
	s.queue.imageDone(who, 0)
	if err != nil {
		s.fail(w, r, s.cutOff(err))
		return
	}
	varies(w.Header())
	if wants(r) == asJSON {
		writeJSON(w, typeJSON, http.StatusOK, described)
		return
	}
	writeText(w, http.StatusOK, described.String()+"\n")
}

// onlyName refuses words other than the picture's name.
func onlyName(words []ops.Word) error {
	for _, w := range words {
		if w.Key != "name" {
			return fault.New(fault.Usage, "/info takes no word %s", quote(w.Key))
		}
	}
	return nil
}
