package front

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/front/dispatch"
)

const (
	probeEvery = time.Second
	probeSoon  = 100 * time.Millisecond // while there is no worker
	unready    = 5 * time.Second        // without a worker of a kind
)

// health is the last known state of the daemons.
type health struct {
	mu      sync.Mutex
	daemons []dispatch.Health
	seen    map[string]time.Time // kind: when a worker was last reachable
}

// watchDaemons asks the daemons for their status until ctx ends. The number of slots
// follows their number of workers. The history gets the size of the spool as often.
func (s *Server) watchDaemons(ctx context.Context) {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		s.probe(ctx)
		s.metrics.history.spool(s.c.Spool.Usage().Bytes)
		if s.ready() == nil {
			t.Reset(probeEvery)
		} else {
			t.Reset(probeSoon)
		}
	}
}

func (s *Server) probe(ctx context.Context) {
	found := s.dispatcher.Probe(ctx)
	now := time.Now()
	slots := 0
	s.health.mu.Lock()
	if s.health.seen == nil {
		s.health.seen = map[string]time.Time{}
	}
	s.health.daemons = found
	for _, h := range found {
		if h.Reachable {
			s.health.seen[h.Name] = now
		}
		if h.Spare {
			continue // few pictures need it
		}
		n := s.c.Workers
		if h.Known && h.Workers > 0 {
			n = h.Workers
		}
		if slots == 0 || n < slots {
			slots = n // a picture may need either kind
		}
	}
	s.health.mu.Unlock()
	s.queue.setSlots(slots)
}

// decodes reports whether heifd can be reached and decodes a format. h.mu is held.
func (h *health) decodes(name string) bool {
	return slices.ContainsFunc(h.daemons, func(d dispatch.Health) bool {
		return d.Reachable && slices.Contains(strings.Fields(d.Decodes), name)
	})
}

// decoded returns the formats that heifd decodes now.
func (h *health) decoded() (formats []format.Format) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range format.All() {
		if f.Programs != nil && h.decodes(f.Name) {
			formats = append(formats, f)
		}
	}
	return formats
}

// ready returns nil when pictures can be worked on, else an error of kind Busy with the
// reason.
func (s *Server) ready() error {
	if s.draining.Err() != nil || s.leaving.Load() {
		return fault.New(fault.Busy, "stopping")
	}
	if err := s.c.Spool.Trouble(); err != nil {
		return err
	}
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	if s.health.daemons == nil {
		return fault.New(fault.Busy, "starting")
	}
	for _, h := range s.health.daemons {
		if h.Spare {
			continue
		}
		at, ever := s.health.seen[h.Name]
		if !ever {
			return fault.New(fault.Busy, "no worker of %s is reachable yet", h.Name)
		}
		if d := time.Since(at); d > unready {
			return fault.New(fault.Busy, "no worker of %s is reachable for %v", h.Name, d.Round(time.Second))
		}
	}
	return nil
}

// healthz is GET /healthz: the process answers.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request, _ string) {
	writeText(w, http.StatusOK, "ok\n")
}

// readyz is GET /readyz: requests may be sent here. A full queue or spool is no
// reason not to, but a full spool is reported.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request, _ string) {
	if err := s.ready(); err != nil {
		s.fail(w, r, err)
		return
	}
	text := "ready\n"
	if err := s.c.Spool.Full(); err != nil {
		text += fault.Line(err.Error()) + "\n"
	}
	writeText(w, http.StatusOK, text)
}
