package prefork

import "time"

// reload begins to replace all workers by new ones, or asks for that once more
// when it is going on.
func (s *supervisor) reload() {
	if s.rolling {
		s.again = true
		return
	}
	s.rolling = true
	s.gen++
	s.Notify(s.Reloading()...)
	s.Info("reload: replacing %d workers", s.staying())
}

// stepReload lets an old worker go for each new one that is ready beyond the
// number wanted (fill has started one more than that), and ends a reload when
// there are no old ones.
func (s *supervisor) stepReload() {
	if !s.rolling {
		return
	}
	var old []*child
	for _, c := range s.children {
		if !c.leaving && c.gen < s.gen {
			old = append(old, c)
		}
	}
	for len(old) > 0 && s.ready() > s.Workers {
		s.retire(old[0])
		old = old[1:]
	}
	if len(old) > 0 {
		return
	}
	s.Info("reload: done")
	s.endReload()
}

// endReload ends a reload, whatever came of it, and begins the next if one was
// asked for.
func (s *supervisor) endReload() {
	for _, c := range s.children {
		c.gen = s.gen
	}
	s.rolling = false
	s.Notify("READY=1")
	if s.again {
		s.again = false
		s.reload()
	}
}

// drain takes the addresses away and lets the workers empty the queues.
func (s *supervisor) drain() {
	s.draining, s.rolling = true, false
	s.Notify("STOPPING=1")
	s.Info("draining %d workers", len(s.children))
	s.Unlink()
	s.stopBy = time.Now().Add(s.Timeout + time.Second)
	for _, c := range s.children {
		s.tellDrain(c)
	}
}

// stepDrain ends the emptying of queues that new connections keep full (TCP has
// no address to take away).
func (s *supervisor) stepDrain(now time.Time) {
	if s.stopBy.IsZero() || now.Before(s.stopBy) {
		return
	}
	s.stopBy, s.emptied = time.Time{}, true
	for _, c := range s.children {
		s.retire(c)
	}
}
