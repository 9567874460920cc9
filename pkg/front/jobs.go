package front

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"

	"imgtools/pkg/front/spool"
	"imgtools/pkg/ops"
)

// postJobs is POST /jobs: a job for each picture of the request.
func (s *Server) postJobs(w http.ResponseWriter, r *http.Request, _ string) {
	made, err := s.makeJobs(w, r)
	if len(made) > 0 {
		infoOf(r).job = made[0].id
	}
	if err != nil {
		s.refuse(w, r, err, refs(made)...)
		return
	}
	s.accepted(w, r, made)
}

// made is a job that is safe on disk, and how many results it will have.
type made struct {
	id      string
	results int
}

func madeOf(id string, o ops.Ops) made { return made{id, resultsOf(o)} }

// resultsOf returns how many results a job with these operations has.
func resultsOf(o ops.Ops) int { return max(1, len(o.Sizes())) }

// refs returns what names each result of the jobs: ID, and for the second and later sizes
// of a picture ID/2 and so on.
func refs(jobs []made) (all []string) {
	for _, j := range jobs {
		all = append(all, j.id)
		for n := 2; n <= j.results; n++ {
			all = append(all, j.id+"/"+strconv.Itoa(n))
		}
	}
	return all
}

// jobRefs is the JSON of what refs returns.
type jobRefs struct {
	Jobs []string `json:"jobs"`
}

// admit refuses jobs for which there is no room, before their bytes are sent. The
// lengths of a form's pictures are not known, so a form needs only some room.
func (s *Server) admit(src *source) error {
	if src.form != nil || src.length < 0 {
		return s.c.Spool.Room(0)
	}
	return s.c.Spool.Room(src.length)
}

// makeJobs makes the jobs of a request in order. The first picture that is refused ends
// the request; then jobs are those made before. The first picture becomes a job when the
// next one begins, or the form ends: then all that is to be done with it is known.
func (s *Server) makeJobs(w http.ResponseWriter, r *http.Request) (jobs []made, err error) {
	src, err := s.source(w, r, true, s.parseOps)
	if err == nil {
		err = s.admit(src)
	}
	if err != nil {
		return nil, err
	}
	submit := func(p *picture, up *spool.Upload) error {
		defer up.Close()
		o, err := src.ops(p)
		if err != nil {
			return err
		}
		id, err := s.submit(r, "", up, o)
		if err == nil {
			jobs = append(jobs, madeOf(id, o))
		}
		return err
	}
	p, err := src.next()
	for err == nil {
		var up *spool.Upload
		if up, err = s.receive(p, true); err != nil {
			break
		}
		next, end := src.next()
		if end != nil && end != io.EOF && len(jobs) == 0 {
			up.Close()
			return nil, end
		}
		if err = submit(p, up); err == nil {
			p, err = next, end
		}
	}
	if err == io.EOF {
		err = nil
	} else if src.late != "" { // the client takes none of them for made
		for _, j := range jobs {
			s.c.Spool.Remove(j.id)
		}
		jobs = nil
	}
	return jobs, err
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

// accepted answers with what names the results of jobs that are safe on disk.
func (s *Server) accepted(w http.ResponseWriter, r *http.Request, jobs []made) {
	h := w.Header()
	varies(h)
	if len(jobs) == 1 {
		h.Set("Location", "/jobs/"+jobs[0].id)
	}
	switch wants(r) {
	case asHTML:
		if len(jobs) != 1 {
			page := "/?"
			for i, j := range jobs {
				if i > 0 {
					page += "&"
				}
				page += "j=" + j.id
			}
			h.Set("Location", page)
		}
		w.WriteHeader(http.StatusSeeOther)
	case asJSON:
		writeJSON(w, typeJSON, http.StatusAccepted, jobRefs{refs(jobs)})
	default:
		writeText(w, http.StatusAccepted, strings.Join(refs(jobs), "\n")+"\n")
	}
}

// putJob is PUT /jobs/ID: it makes a job under the client's id. Repeating the
// request is harmless and takes no room.
func (s *Server) putJob(w http.ResponseWriter, r *http.Request, id string) {
	o, err := s.takeJob(w, r, id)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.accepted(w, r, []made{madeOf(id, o)})
}

// takeJob makes the job, or finds it made, and returns its operations.
func (s *Server) takeJob(w http.ResponseWriter, r *http.Request, id string) (ops.Ops, error) {
	if err := s.c.Spool.Check(id); err != nil {
		return nil, err
	}
	src, err := s.source(w, r, false, s.parseOps)
	if err != nil {
		return nil, err
	}
	if s.c.Spool.Has(id) {
		return s.sameJob(id, src)
	}
	if err := s.admit(src); err != nil {
		return nil, err
	}
	up, o, err := s.only(src, true)
	if err != nil {
		return nil, err
	}
	defer up.Close()
	_, err = s.submit(r, id, up, o)
	return o, err
}

// sameJob compares a request with the job that is there already. The picture is
// hashed and not stored, so that a full spool doesn't refuse it.
func (s *Server) sameJob(id string, src *source) (ops.Ops, error) {
	p, err := src.next()
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	if _, err := s.copyPicture(sum, p); err != nil {
		return nil, err
	}
	if err := src.end(); err != nil {
		return nil, err
	}
	o, err := src.ops(p)
	if err != nil {
		return nil, err
	}
	return o, s.c.Spool.Same(id, o, hex.EncodeToString(sum.Sum(nil)))
}

// deleteJob is DELETE /jobs/ID and POST /jobs/ID/delete.
func (s *Server) deleteJob(w http.ResponseWriter, r *http.Request, id string) {
	if err := s.c.Spool.Remove(id); err != nil {
		s.refuse(w, r, err)
		return
	}
	varies(w.Header())
	if wants(r) == asHTML {
		w.Header().Set("Location", "/")
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
