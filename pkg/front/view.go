package front

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/front/spool"
	"imgtools/pkg/ops"
)

// The states of a job, as clients see them.
const (
	stateQueued  = "queued"
	stateRunning = "running"
	stateDone    = "done"
	stateFailed  = "failed"
	stateGone    = "gone"    // it was there
	stateUnknown = "unknown" // it never was, or it is gone for long
)

var states = []string{stateQueued, stateRunning, stateDone, stateFailed, stateGone, stateUnknown}

// statuses returns views of jobs. The view of a job that is not there has the reason.
func (s *Server) statuses(ids []string) []jobView {
	var views []jobView
	for _, id := range ids {
		st, err := s.c.Spool.Status(id)
		if err != nil {
			kind := fault.Of(err)
			state := stateGone
			if kind != fault.Gone {
				state = stateUnknown
			}
			views = append(views, jobView{ID: id, State: state, Error: &viewError{kind.String(), err.Error(), kind.HTTP()}})
			continue
		}
		views = append(views, view(st))
	}
	return views
}

// jobView is a job's status as clients see it: JSON from its members, plain text from
// the method text.
type jobView struct {
	ID       string     `json:"id"`
	State    string     `json:"state" schema:"state"`
	Name     string     `json:"name,omitempty"`
	Ops      string     `json:"ops,omitempty"`
	Place    int        `json:"place,omitempty"`
	Received *time.Time `json:"received,omitempty"`
	Started  *time.Time `json:"started,omitempty"`
	Finished *time.Time `json:"finished,omitempty"`
	Expires  *time.Time `json:"expires,omitempty"`
	In       *viewIn    `json:"in,omitempty"`
	Out      *viewOut   `json:"out,omitempty"`
	Outs     []viewOut  `json:"outs,omitempty"` // of several sizes: all, Out among them
	Error    *viewError `json:"error,omitempty"`
	Image    string     `json:"image,omitempty"`

	ops ops.Ops // zero of a job that is not there
}

// The methods are for the page.

// Pending reports whether there is still something to come.
func (v jobView) Pending() bool { return v.State == stateQueued || v.State == stateRunning }

// Shown reports whether there is a result that browsers show.
func (v jobView) Shown() bool {
	if v.Out == nil {
		return false
	}
	f, _ := format.ByMedia(v.Out.Type)
	return f.Browser
}

// Title is the picture's name, or a word for one without.
func (v jobView) Title(p *page) string { return cmp.Or(v.Name, p.T("picture")) }

// File is the name of the result.
func (v jobView) File() string {
	if v.Out == nil {
		return v.Name
	}
	return v.Out.Name
}

type viewIn struct {
	Bytes int64 `json:"bytes"`
}

type viewOut struct {
	Bytes  int64  `json:"bytes"`
	Type   string `json:"type"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Note   string `json:"note,omitempty"`
	Name   string `json:"name"`  // of its file
	Image  string `json:"image"` // where it is
}

type viewError struct {
	Kind   string `json:"kind" schema:"kind"`
	Detail string `json:"detail"`
	Status int    `json:"status"`
}

func view(st *spool.Status) jobView {
	known := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC().Truncate(time.Millisecond)
		return &t
	}
	v := jobView{
		ID: st.ID, Name: st.Meta.Ops.Get("name"), Ops: spool.OpsText(st.Meta.Ops), Place: st.Place, In: &viewIn{st.Meta.Bytes},
		Received: known(st.Meta.Received), Started: known(st.Started), Finished: known(st.Finished()), Expires: known(st.Expires),
		Image: "/jobs/" + st.ID + "/image", ops: st.Meta.Ops,
	}
	switch {
	case st.State == spool.Done:
		var outs []viewOut
		names := resultNames(st)
		for i, o := range st.Result.Outputs() {
			image := v.Image
			if i > 0 {
				image = fmt.Sprintf("/jobs/%s/%d/image", st.ID, i+1)
			}
			outs = append(outs, viewOut{o.Size, o.Type, o.Width, o.Height, st.Result.Note, names[i], image})
		}
		if v.State, v.Out = stateDone, &outs[0]; len(outs) > 1 {
			v.Outs = outs
		}
	case st.State == spool.Failed:
		f := st.Failure
		v.State, v.Error = stateFailed, &viewError{f.Kind.String(), f.Detail, f.Kind.HTTP()}
	case st.Running:
		v.State = stateRunning
	default:
		v.State = stateQueued
	}
	return v
}

// text returns the view as lines of key: value.
func (v jobView) text() string {
	var b strings.Builder
	line := func(key string, value any) { fmt.Fprintf(&b, "%s: %v\n", key, value) }
	when := func(key string, t *time.Time) {
		if t != nil {
			line(key, t.Format(time.RFC3339Nano))
		}
	}
	line("id", v.ID)
	line("state", v.State)
	if v.Name != "" {
		line("name", fault.Line(v.Name))
	}
	line("ops", v.Ops)
	if v.Place > 0 {
		line("place", v.Place)
	}
	when("received", v.Received)
	when("started", v.Started)
	when("finished", v.Finished)
	when("expires", v.Expires)
	if v.In != nil {
		line("in.bytes", v.In.Bytes)
	}
	out := func(prefix string, o viewOut) {
		line(prefix+".bytes", o.Bytes)
		line(prefix+".type", o.Type)
		line(prefix+".width", o.Width)
		line(prefix+".height", o.Height)
		if o.Note != "" {
			line(prefix+".note", fault.Line(o.Note))
		}
		line(prefix+".name", fault.Line(o.Name))
		line(prefix+".image", o.Image)
	}
	if v.Out != nil {
		out("out", *v.Out)
	}
	for i, o := range v.Outs {
		if i > 0 { // the first is Out
			out("out"+strconv.Itoa(i+1), o)
		}
	}
	if v.Error != nil {
		line("error.kind", v.Error.Kind)
		line("error.detail", fault.Line(v.Error.Detail))
		line("error.status", v.Error.Status)
	}
	line("image", v.Image)
	return b.String()
}
