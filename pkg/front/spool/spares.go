package spool

import (
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"imgtools/pkg/lease"
)

// maxSpares is how many empty files are kept, each a descriptor.
const maxSpares = 64

// spares are unnamed files that were used and emptied, kept to be used again. Creating
// and freeing two files a request takes up to half of imgd's time for a small picture:
// ext4 does not reuse an inode for a while, and each creation walks over all those.
type spares struct {
	mu    sync.Mutex
	least int              // count since thin
	free  map[bool][]*Temp // by Temp.writes
}

// count returns how many there are. s.mu is held.
func (s *spares) count() int { return len(s.free[false]) + len(s.free[true]) }

// take returns an empty file that nobody else has open, or nil.
func (s *spares) take(writes bool) *Temp {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range []bool{writes, !writes} {
		if n := len(s.free[w]); n > 0 {
			t := s.free[w][n-1]
			s.free[w] = s.free[w][:n-1]
			s.least = min(s.least, s.count())
			return t
		}
	}
	return nil
}

// thin closes as many as were not needed at any time since it was called last.
func (s *spares) thin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w, free := range s.free {
		n := min(len(free), s.least)
		for _, t := range free[:n] {
			t.f.Close()
		}
		s.free[w] = slices.Delete(free, 0, n)
		s.least -= n
	}
	s.least = s.count()
}

// keep empties the file of t and keeps it for another Temp. It reports false if there
// are enough, or if somebody else has it open: a worker that was taken over would see
// the next picture in it.
func (s *spares) keep(t *Temp) bool {
	s.mu.Lock()
	enough := s.count() >= maxSpares
	s.mu.Unlock()
	if enough || !lease.Alone(t.f) || unix.Truncate(t.path(), 0) != nil {
		return false
	}
	t.s.did("write", t.path())
	// File systems write a file that was emptied to disk when it is closed next, lest
	// a crash lose old and new (auto_da_alloc, ext4(5)). So that is now.
	if t.reopen(t.writes) != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == nil {
		s.free = map[bool][]*Temp{}
	}
	s.free[t.writes] = append(s.free[t.writes], &Temp{s: t.s, f: t.f, writes: t.writes})
	return true
}
