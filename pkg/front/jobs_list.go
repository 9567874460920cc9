package front

import (
	"net/http"
	"slices"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
	"imgtools/pkg/ops"
)

// maxListed is how many jobs one request may ask about.
const maxListed = 1000

// jobList is the JSON of several jobs.
type jobList struct {
	Jobs []jobView `json:"jobs"`
}

// showJobs is GET /jobs?j=ID&j=ID: the status of each of these jobs, as JSON, and of no
// others. With wait= it answers as soon as one of them has ended; a client that asks
// again leaves out those that have. A job that isn't there has the state gone.
func (s *Server) showJobs(w http.ResponseWriter, r *http.Request, _ string) {
	words, err := ops.ParseQuery(r.URL.RawQuery)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	ids, rest := take(words, "j")
	d, err := waitOf(rest)
	switch {
	case err != nil:
	case len(ids) == 0:
		err = fault.New(fault.Usage, "no job: GET /jobs?j=ID&j=ID")
	case slices.Contains(ids, ""):
		err = fault.New(fault.Usage, "an empty id: GET /jobs?j=ID&j=ID")
	case len(ids) > maxListed:
		err = fault.New(fault.Usage, "%d jobs: at most %d in one request", len(ids), maxListed)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.awaitAny(r, d, ids...)
	views := s.statuses(ids)
	for i, v := range views {
		switch {
		case v.State == stateUnknown:
			views[i].State = stateGone
		case v.Pending():
			if w.Header().Get("Retry-After") == "" {
				w.Header().Set("Retry-After", s.pause(v.Place))
			}
		}
		if !jobid.Valid(v.ID) {
			views[i].ID = fault.Clip(v.ID)
		}
	}
	writeJSON(w, typeJSON, http.StatusOK, jobList{views})
}
