package spool

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
	"imgtools/pkg/jobid"
	"imgtools/pkg/ops"
)

// Upload receives the bytes of a picture. While it is open it holds room in the spool.
type Upload struct {
	*Temp
	s        *Spool
	n        int64 // bytes written
	job      bool  // it is to be a job
	reserved int64 // bytes of room held
}

// Upload begins an upload of length bytes (-1: not known), of a job or for /image. Its
// error is of kind Full when there is no room, TooLarge when there never will be. The
// caller closes it, also after Submit.
func (s *Spool) Upload(length int64, job bool) (*Upload, error) {
	u := &Upload{s: s, job: job}
	if err := u.reserve(plus(max(length, 0), overhead)); err != nil {
		return nil, err
	}
	var err error
	if u.Temp, err = s.temp(true); err == nil && !u.writes {
		err = u.reopen(true)
	}
	if err != nil {
		u.Close()
		return nil, err
	}
	return u, nil
}

func (u *Upload) reserve(n int64) error {
	if err := u.s.fits(plus(u.reserved, n), u.job); err != nil {
		return err
	}
	if err := u.s.reserve(n, u.job); err != nil {
		return err
	}
	u.reserved += n
	return nil
}

// Write appends p. Its error is of kind Full when there is no room, TooLarge when
// there never will be.
func (u *Upload) Write(p []byte) (int, error) {
	if need := u.n + int64(len(p)) + overhead - u.reserved; need > 0 {
		if err := u.reserve(need); err != nil {
			return 0, err
		}
	}
	n, err := u.f.Write(p)
	u.n += int64(n)
	return n, diskError(err)
}

// Len returns how many bytes were written.
func (u *Upload) Len() int64 { return u.n }

// Close frees the room, and the bytes unless Submit made a job of them.
func (u *Upload) Close() {
	if u.Temp != nil {
		u.Temp.Close()
	}
	u.s.unreserve(u.reserved, u.job)
	u.reserved = 0
}

// Submit makes a job of the bytes, handed in by a client, and returns its id once it
// would survive a crash. With id "" it makes one. A job that is there already under id is
// the same one, if bytes and operation are the same; else the error is of kind
// Conflict. The id of a removed job gives kind Gone.
func (u *Upload) Submit(id string, o ops.Ops, client string) (string, error) {
	s := u.s
	if id == "" {
		id = jobid.New()
	} else if !jobid.Valid(id) {
		return "", fault.New(fault.Usage, "id %s: not 26 of a-z2-7", jobid.Short(id))
	}
	if s.isGone(id) {
		return "", errGone(id)
	}
	sum, err := sum(u.Temp)
	if err != nil {
		return "", err
	}
	m := Meta{Ops: o, Bytes: u.n, SHA256: sum, Received: s.now(), Client: client}
	if exists(s.job(id)) {
		return id, s.Same(id, o, sum)
	}
	if err := u.sync(); err != nil {
		return "", err
	}
	dir, held, err := u.fill(id, m)
	if err != nil {
		if dir != "" {
			s.removeAll(dir)
		}
		return "", diskError(err)
	}
	again, err := s.accept(id, dir)
	held.Close() // before others are told: they must be able to take it
	switch {
	case again:
		return id, s.Same(id, o, sum)
	case err != nil:
		return "", err
	}
	s.tell(id)
	s.add(&entry{id: id, client: client, received: m.Received, state: Pending, size: m.Bytes + overhead})
	return id, nil
}

// accept renames a complete folder to jobs/ID, durably. again is true when there
// is a job of that id already; then, and with an error, the folder is removed.
func (s *Spool) accept(id, dir string) (again bool, err error) {
	switch err := s.rename(dir, s.job(id)); {
	case errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST):
		s.removeAll(dir)
		return true, nil
	case err != nil:
		s.removeAll(dir)
		return false, diskError(err)
	}
	if err := s.syncDir(s.path("jobs")); err != nil {
		// It may or may not survive. It is removed, so that a refused job is not done.
		s.discard(id)
		return false, diskError(err)
	}
	if s.isGone(id) { // removed between the first look and the rename
		s.discard(id)
		return false, errGone(id)
	}
	return false, nil
}

// fill makes the job's folder in incoming, whole and fsynced, and returns its
// path (also with an error, once it is made) and its lock.
func (u *Upload) fill(id string, m Meta) (dir string, held *os.File, err error) {
	s := u.s
	dir = s.path("incoming", id)
	err = s.mkdir(dir)
	if errors.Is(err, fs.ErrExist) { // another upload of this id, or what is left of one
		dir = s.path("incoming", id+"."+jobid.Random(8))
		err = s.mkdir(dir)
	}
	if err != nil {
		return "", nil, err
	}
	held, taken, err := s.lock(dir+"/lock", true)
	if err == nil && taken {
		err = fs.ErrExist
	}
	if err != nil {
		return dir, nil, err
	}
	if err = u.link(dir + "/in"); err == nil {
		u.kept()
		err = s.create(dir+"/job", m.marshal())
	}
	if err == nil {
		err = s.syncDir(dir)
	}
	if err != nil {
		held.Close()
		return dir, nil, err
	}
	return dir, held, nil
}

// Same returns nil when the job under id has the operation o and the picture with
// the given SHA-256, and survives a crash. Otherwise its error is of kind Conflict,
// or Gone when the job was removed.
func (s *Spool) Same(id string, o ops.Ops, sha256 string) error {
	b, err := readSmall(s.job(id, "job"))
	if errors.Is(err, fs.ErrNotExist) && !exists(s.job(id)) {
		return s.absent(id)
	}
	if err != nil {
		return diskError(err)
	}
	was, err := parseMeta(b)
	if err != nil {
		return fault.New(fault.Internal, "job %s: file job: %w", jobid.Short(id), err)
	}
	// The process that made the job may have been killed before this fsync.
	if err := s.syncDir(s.path("jobs")); err != nil {
		return diskError(err)
	}
	switch {
	case was.SHA256 != sha256:
		return fault.New(fault.Conflict, "job %s is there already, with another picture", jobid.Short(id))
	case !was.Ops.Without("usual").Equal(o):
		return fault.New(fault.Conflict, "job %s is there already, with other words: %s", jobid.Short(id), OpsText(was.Ops))
	}
	return nil
}

func errGone(id string) error {
	return fault.New(fault.Gone, "job %s is gone: fetched and expired, or deleted", jobid.Short(id))
}
