// Package spool keeps jobs on disk. A job is a folder, and its state is which files
// lie in it. The file system is the database; there is no other. imgspool(5) has the
// format.
//
//	Upload ---> Submit            Next           Done
//	 (unnamed)    +---> pending ----> running ------> done ----+
//	                       ^             | \\                    | time to live, DELETE,
//	                       +-------------+  +-------> failed --+ or room is needed
//	                     Release, crash        Fail            v
//	                                                          gone
//
// A job is running exactly while a process holds its lock; that it has ended, and
// how, is decided by one link(2).
//
// Guarantees:
//
//   - Upload.Submit returns an id only when its job would survive a crash.
//   - After a crash at any instant Open finds every such job: done, failed with a
//     reason, or pending.
//   - A job is worked on by one holder of its lock at a time, in whatever process
//     or host that shares the folder; the kernel drops the lock of a dead process.
//     Where a file server forgets locks, a job has one outcome all the same.
//   - A result gets its name only when it is complete and on disk.
//   - A result that was not delivered is kept for the time to live, counted from
//     finishing. A job that was removed never comes back.
//
// Another imgd may change the folder at any time. What is held in memory is an
// index of it (index.go), brought up to date by scan.go.
package spool

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// Version is the version of the format that is written. Version 1 is read, too.
const Version = 2

// newVersion is what the name of a version file begins with before it is renamed.
const newVersion = ".version."

const (
	goneKept   = 24 * time.Hour
	goneMost   = 100_000
	staleAfter = time.Hour // of entries of incoming that nobody holds
	overhead   = 16 << 10  // bytes that a job counts with beside in and out
	floor      = 20        // a 20th of blocks and inodes stays free
)

// Config says where the spool is and what may be kept in it.
type Config struct {
	Dir   string
	TTL   time.Duration // how long a finished job is kept
	Quota int64         // bytes; 0: 20 % of the file system
	Log   *slog.Logger  // nil: silent
	Now   func() time.Time

	// Background has Open return before the jobs were read; Watch reads them. Until
	// then Trouble returns an error and Next no job. Requests for an id are answered
	// from the job's folder.
	Background bool

	trace func(change string, paths ...string)
}

// Spool is an open spool. All methods may be called by several goroutines.
type Spool struct {
	dir   string
	ttl   time.Duration
	quota int64
	log   *slog.Logger
	now   func() time.Time
	host  string
	serial

	// openUnnamed is a field so that a test can be a file system without O_TMPFILE.
	openUnnamed func(dir string) (*os.File, error)
	statfs      func(path string, st *unix.Statfs_t) error // likewise, a full one
	spares      spares

	// trace, if not nil, is called after each change of a file; see disk.go.
	trace func(change string, paths ...string)

	mu       sync.Mutex
	index          // of the jobs
	reserved int64 // bytes promised to uploads
	images   int64 // of these, bytes for /image
	trouble  error // the spool can't be used
	loaded   bool  // the first scan is over
	scanned  time.Time
	swept    time.Time

	// Until nextExpiry no job can be over its time, unless the clock has been set back:
	// it has shown latest.
	latest, nextExpiry time.Time

	changes changes
	wake    chan struct{}
}

// Open opens the spool in c.Dir, making it if there is none, and reads all jobs unless
// c.Background is set.
// It refuses a spool of a newer version, of another owner, and a folder that is
// not a spool.
func Open(c Config) (*Spool, error) {
	s := &Spool{
		dir: filepath.Clean(c.Dir), ttl: c.TTL, quota: c.Quota, log: c.Log, now: c.Now,
		index: index{jobs: map[string]*entry{}}, trace: c.trace, wake: make(chan struct{}, 1), openUnnamed: openUnnamed, statfs: unix.Statfs,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.host, _ = os.Hostname()
	s.host = strings.Map(func(r rune) rune {
		if r == '/' || r <= ' ' {
			return '_'
		}
		return r
	}, s.host)
	if err := s.claim(); err != nil {
		return nil, err
	}
	if s.quota <= 0 {
		var st unix.Statfs_t
		if err := unix.Statfs(s.dir, &st); err != nil {
			return nil, fault.New(fault.Internal, "spool %s: statfs: %w", s.dir, err)
		}
		s.quota = int64(st.Blocks) * int64(st.Bsize) / 5
	}
	if !c.Background {
		if err := s.Load(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Load reads all jobs, for the first time.
func (s *Spool) Load() error {
	if err := s.Rescan(); err != nil {
		return err
	}
	if err := s.Full(); err != nil {
		s.log.Warn("no jobs are taken; /image works while there is room for its picture", "err", err)
	}
	return nil
}

// Watch brings the index up to date and sweeps, every RescanEvery, until ctx ends.
func (s *Spool) Watch(ctx context.Context) {
	s.mu.Lock()
	loaded := s.loaded
	s.mu.Unlock()
	if !loaded {
		if err := s.Load(); err != nil {
			s.log.Error("reading the jobs", "err", err)
		}
	}
	t := time.NewTicker(RescanEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		s.spares.thin()
		was := s.Trouble()
		if s.watchTrouble() != nil {
			continue
		}
		update := s.round
		if was != nil { // it is back, or was not read yet
			update = s.Rescan
		}
		if err := update(); err != nil {
			s.log.Error("rescan", "err", err)
		}
	}
}

// Wake receives when Next may have something new to return.
func (s *Spool) Wake() <-chan struct{} { return s.wake }

func (s *Spool) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
