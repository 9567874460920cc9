package front

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"

	"imgtools/pkg/front/spool"
	"imgtools/pkg/ops"
)

// postJobs is POST /jobs: a job for each picture of the request.
func (s *Server) postJobs(w http.ResponseWriter, r *http.Request, _ string) {
	ids, err := s.makeJobs(w, r)
	if len(ids) > 0 {
		infoOf(r).job = ids[0]
	}
	if err != nil {
		s.refuse(w, r, err, ids...)
		return
	}
	s.accepted(w, r, ids)
}

// admit refuses jobs for which there is no room, before their bytes are sent. The
// lengths of a form's pictures are not known, so a form needs only some room.
func (s *Server) admit(src *source) error {
	if src.form != nil || src.length < 0 {
		return s.c.Spool.Room(0)
	}
	return s.c.Spool.Room(src.length)
}

// makeJobs makes the jobs of a request in order and returns their ids. The first
// picture that is refused ends the request; ids are of the jobs made before.
func (s *Server) makeJobs(w http.ResponseWriter, r *http.Request) (ids []string, err error) {
	src, err := s.source(w, r, true)
	if err == nil {
		err = s.admit(src)
	}
	if err != nil {
		return nil, err
	}
	for {
		p, err := src.next()
		if err == io.EOF {
			return ids, nil
		}
		if err != nil {
			return ids, err
		}
		up, err := s.receive(p, true)
		if err != nil {
			return ids, err
		}
		id, err := s.submit(r, "", up, p.ops)
		up.Close()
		if err != nil {
			return ids, err
		}
		ids = append(ids, id)
	}
}

// submit makes a job of the upload of a request.
func (s *Server) submit(r *http.Request, id string, up *spool.Upload, o ops.Ops) (string, error) {
	id, err := up.Submit(id, o, s.clientOf(r))
	if err != nil {
		return "", err
	}
	s.metrics.accepted.Add(1)
	return id, nil
}

// accepted answers with the ids of jobs that are safe on disk.
func (s *Server) accepted(w http.ResponseWriter, r *http.Request, ids []string) {
	h := w.Header()
	h.Add("Vary", "Accept")
	if len(ids) == 1 {
		h.Set("Location", "/jobs/"+ids[0])
	}
	switch wants(r) {
	case asHTML:
		if len(ids) != 1 {
			h.Set("Location", "/?j="+strings.Join(ids, "&j="))
		}
		w.WriteHeader(http.StatusSeeOther)
	case asJSON:
		writeJSON(w, typeJSON, http.StatusAccepted, map[string][]string{"jobs": ids})
	default:
		writeText(w, http.StatusAccepted, strings.Join(ids, "\n")+"\n")
	}
}

// putJob is PUT /jobs/ID: it makes a job under the client's id. Repeating the
// request is harmless and takes no room.
func (s *Server) putJob(w http.ResponseWriter, r *http.Request, id string) {
	if err := s.takeJob(w, r, id); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.accepted(w, r, []string{id})
}

func (s *Server) takeJob(w http.ResponseWriter, r *http.Request, id string) error {
	if err := s.c.Spool.Check(id); err != nil {
		return err
	}
	src, err := s.source(w, r, false)
	if err != nil {
		return err
	}
	if s.c.Spool.Has(id) {
		return s.sameJob(id, src)
	}
	if err := s.admit(src); err != nil {
		return err
	}
	up, o, err := s.only(src, true)
	if err != nil {
		return err
	}
	defer up.Close()
	_, err = s.submit(r, id, up, o)
	return err
}

// sameJob compares a request with the job that is there already. The picture is
// hashed and not stored, so that a full spool doesn't refuse it.
func (s *Server) sameJob(id string, src *source) error {
	p, err := src.next()
	if err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := s.copyPicture(sum, p); err != nil {
		return err
	}
	if err := src.end(); err != nil {
		return err
	}
	return s.c.Spool.Same(id, p.ops, hex.EncodeToString(sum.Sum(nil)))
}

// deleteJob is DELETE /jobs/ID and POST /jobs/ID/delete.
func (s *Server) deleteJob(w http.ResponseWriter, r *http.Request, id string) {
	if err := s.c.Spool.Remove(id); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Add("Vary", "Accept")
	if wants(r) == asHTML {
		w.Header().Set("Location", "/")
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
