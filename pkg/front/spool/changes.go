package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/jobid"
)

// Each imgd appends the ids of jobs that it has changed, one a line, to a file of its
// own in changes, and reads what others have appended. So a round of Watch costs
// nothing for jobs that nobody has changed. The files are hints: they are not fsynced,
// and a full scan every fullScanEvery sees what a lost hint would have said.

const (
	fullScanEvery = 10 * time.Minute
	// changesMost is the size in bytes from which a new file is begun. The file before
	// is kept until then, for those who have not read it yet.
	changesMost = 1 << 20
)

// changes is what this process says to others, and how much of theirs it has read.
type changes struct {
	mu     sync.Mutex
	own    *os.File // locked while this process lives; nil before the first hint
	before *os.File // the one before, likewise
	size   int64
	read   map[string]int64 // by name of another's file: bytes
}

// tell hints to others that a job has changed.
func (s *Spool) tell(id string) {
	c := &s.changes
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil || c.size >= changesMost {
		if err := c.begin(s); err != nil {
			s.log.Debug("changes", "err", diskError(err))
			return
		}
	}
	n, _ := c.own.WriteString(id + "\n")
	c.size += int64(n)
}

// begin begins a new file. c.mu is held.
func (c *changes) begin(s *Spool) error {
	f, held, err := s.lock(s.path("changes", s.tag()), true)
	if err == nil && held {
		err = fs.ErrExist
	}
	if err != nil {
		return err
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETFL, unix.O_APPEND); err != nil {
		f.Close()
		return err
	}
	if c.before != nil {
		s.remove(c.before.Name())
		c.before.Close()
	}
	c.before, c.own, c.size = c.own, f, 0
	return nil
}

// mine reports whether a file is this process's. c.mu is held.
func (c *changes) mine(name string) bool {
	for _, f := range []*os.File{c.own, c.before} {
		if f != nil && filepath.Base(f.Name()) == name {
			return true
		}
	}
	return false
}

// heard returns the ids that others have said to have changed since the last call.
// The first call returns none.
func (s *Spool) heard() (ids map[string]bool, err error) {
	names, err := readNames(s.path("changes"))
	if errors.Is(err, fs.ErrNotExist) { // an imgd of version 1 has made the spool
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := &s.changes
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.read == nil
	read := map[string]int64{}
	ids = map[string]bool{}
	for _, n := range names {
		if c.mine(n) {
			continue
		}
		from := c.read[n]
		size, ok, err := size(s.path("changes", n))
		if err != nil || !ok {
			continue
		}
		if first || size <= from {
			read[n] = max(size, from)
			continue
		}
		b := make([]byte, min(size-from, 2*changesMost))
		f, err := openFile(s.path("changes", n), os.O_RDONLY, 0)
		if err != nil {
			continue
		}
		k, _ := f.ReadAt(b, from)
		f.Close()
		end := strings.LastIndexByte(string(b[:k]), '\n') + 1 // the last line may be half written
		for id := range strings.Lines(string(b[:end])) {
			if id = strings.TrimSuffix(id, "\n"); jobid.Valid(id) {
				ids[id] = true
			}
		}
		read[n] = from + int64(end)
	}
	c.read = read // files that are gone are forgotten
	return ids, nil
}

// sweepChanges removes the files of dead processes: old, and not locked.
func (s *Spool) sweepChanges(now time.Time) {
	names, _ := readNames(s.path("changes"))
	for _, n := range names {
		path := s.path("changes", n)
		fi, err := os.Lstat(path)
		if err != nil || now.Sub(fi.ModTime()) < staleAfter {
			continue
		}
		held, taken, err := s.lock(path, false)
		if err != nil || taken {
			continue
		}
		s.remove(path)
		held.Close()
	}
}

// round brings the index up to date with what others have changed.
func (s *Spool) round() error {
	now := s.now()
	s.mu.Lock()
	due := now.Sub(s.scanned) >= fullScanEvery || now.Before(s.scanned)
	s.mu.Unlock()
	if due {
		return s.Rescan()
	}
	ids, err := s.heard()
	if err != nil {
		return diskError(err)
	}
	for id := range ids {
		s.refresh(id)
	}
	s.sweep()
	s.poke()
	return nil
}
