// Package spool keeps jobs on disk. A job is a folder; its state is which files
// lie in it; each change of state is one rename with an fsync before and after
// it. Nothing else is a database. man/imgspool.5 has the format, version 1.
//
// Guarantees:
//
//   - An id is returned by Upload.Submit only when its job would survive a crash.
//   - After a crash at any instant Open finds every such job: done, failed with a
//     reason, or pending.
//   - A job is worked on by one holder of its lock at a time, in whatever process
//     or host that shares the folder; the kernel drops the lock of a dead one.
//   - A result gets its name only when it is whole and on disk.
//   - What has not been delivered is kept for the time to live, counted from
//     finishing; what is removed never comes back.
//
// The folder may change under us at any time by the hand of another imgd: what is
// held in memory is an index of it, brought up to date every RescanEvery.
package spool

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// Version is the version of the format that is written and read.
const Version = 1

// newVersion is what the name of a version file begins with before it is renamed.
const newVersion = ".version."

const (
	RescanEvery = 2 * time.Second // how soon the jobs of a dead imgd are taken up
	goneKept    = 24 * time.Hour
	goneMost    = 100_000
	staleAfter  = time.Hour // of entries of incoming that nobody holds
	overhead    = 16 << 10  // bytes that a job counts with beside in and out
	floor       = 20        // a 20th of blocks and inodes stays free
)

// Config says where the spool is and what may be kept in it.
type Config struct {
	Dir   string
	TTL   time.Duration // how long a finished job is kept
	Quota int64         // bytes; 0: 20 % of the file system
	Log   *slog.Logger  // nil: silent
	Now   func() time.Time
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
	spares      spares

	mu       sync.Mutex
	jobs     map[string]*entry
	pending  []*entry // not running here; oldest first
	used     int64    // bytes of all entries
	finished int64    // of these, bytes of finished ones
	reserved int64    // bytes promised to uploads
	swept    time.Time
	wake     chan struct{}
}

// Open opens the spool in c.Dir, making it if there is none, and reads all jobs.
// It refuses a spool of a newer version, of another owner, and a folder that is
// not a spool.
func Open(c Config) (*Spool, error) {
	s := &Spool{
		dir: c.Dir, ttl: c.TTL, quota: c.Quota, log: c.Log, now: c.Now,
		jobs: map[string]*entry{}, wake: make(chan struct{}, 1), openUnnamed: openUnnamed,
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
	if err := s.Rescan(); err != nil {
		return nil, err
	}
	return s, nil
}

// claim makes the folders and checks owner and version.
func (s *Spool) claim() error {
	fail := func(err error) error { return fault.New(fault.Internal, "spool %s: %w", s.dir, err) }
	if err := os.MkdirAll(filepath.Dir(s.dir), 0o755); err != nil {
		return fail(err)
	}
	err := os.Mkdir(s.dir, 0o700)
	if err == nil {
		err = syncDir(filepath.Dir(s.dir))
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fail(err)
	}
	fi, err := os.Stat(s.dir)
	if err != nil {
		return fail(err)
	}
	if uid := fi.Sys().(*syscall.Stat_t).Uid; int(uid) != os.Geteuid() {
		return fault.New(fault.Internal, "spool %s: belongs to user %d, not to %d", s.dir, uid, os.Geteuid())
	}
	if err := s.checkVersion(); err != nil {
		return err
	}
	if fi.Mode().Perm() != 0o700 {
		if err := os.Chmod(s.dir, 0o700); err != nil {
			return fail(err)
		}
	}
	for _, d := range []string{"incoming", "jobs", "gone", "trash"} {
		if err := os.Mkdir(s.path(d), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fail(err)
		}
	}
	return syncDir(s.dir)
}

// checkVersion reads the version file; in an empty folder it writes one, before
// anything else, so that two that start at once agree.
func (s *Spool) checkVersion() error {
	for range 2 {
		b, err := readSmall(s.path("version"))
		if err == nil {
			v, err := strconv.Atoi(strings.TrimSpace(string(b)))
			switch {
			case err != nil || v < 1:
				return fault.New(fault.Internal, "spool %s: version %s: not a number", s.dir, fault.Quote(string(b)))
			case v > Version:
				return fault.New(fault.Internal, "spool %s: version %d is newer than %d; it is left as it is", s.dir, v, Version)
			}
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.Internal, "spool %s: %w", s.dir, err)
		}
		names, err := readNames(s.dir)
		if err != nil {
			return fault.New(fault.Internal, "spool %s: %w", s.dir, err)
		}
		foreign := ""
		for _, n := range names {
			if n != "lost+found" && !strings.HasPrefix(n, newVersion) {
				foreign = n
			}
		}
		if foreign == "version" { // the other one has just made it
			continue
		}
		if foreign != "" {
			return fault.New(fault.Internal, "spool %s: is not empty (%s) and no spool: it has no version file", s.dir, fault.Clip(foreign))
		}
		tmp := s.path(newVersion + s.tag())
		if err := writeSynced(tmp, []byte(strconv.Itoa(Version)+"\n")); err != nil {
			return fault.New(fault.Internal, "spool %s: %w", s.dir, err)
		}
		if err := os.Rename(tmp, s.path("version")); err != nil {
			return fault.New(fault.Internal, "spool %s: %w", s.dir, err)
		}
	}
	return nil
}

// Watch brings the index up to date and sweeps, every RescanEvery, until ctx ends.
func (s *Spool) Watch(ctx context.Context) {
	t := time.NewTicker(RescanEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.spares.thin()
			if err := s.Rescan(); err != nil {
				s.log.Error("rescan", "err", err)
			}
		}
	}
}

// Wake receives when Next may have something new to give.
func (s *Spool) Wake() <-chan struct{} { return s.wake }

func (s *Spool) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Spool) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

// job returns the path of a job's folder, or of a file in it.
func (s *Spool) job(id string, elem ...string) string {
	return filepath.Join(append([]string{s.dir, "jobs", id}, elem...)...)
}
