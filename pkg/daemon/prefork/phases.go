package prefork

import "time"

// reload begins to replace all workers. During a reload it asks for another one.
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

// stepReload lets an old worker leave for each ready worker beyond Config.Workers
// (fill has started one more than that). It ends the reload when no old ones are
// left.
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

// endReload ends a reload, successful or not, and begins the next one if it was
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

// drain removes the addresses and tells the workers to empty the queues.
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

// stepDrain ends a drain that has lasted long enough: new connections can keep a
// queue full, as a TCP address can't be removed.
func (s *supervisor) stepDrain(now time.Time) {
	if s.stopBy.IsZero() || now.Before(s.stopBy) {
		return
	}
	s.stopBy, s.emptied = time.Time{}, true
	for _, c := range s.children {
		s.retire(c)
	}
}
