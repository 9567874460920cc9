package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"imgtools/pkg/jobid"
)

// Temp is a regular file without a name, on the spool's file system: an upload,
// a picture between two daemons, a result not yet committed. It vanishes with
// Close, and with its process.
type Temp struct {
	s      *Spool
	f      *os.File // to write if writes, else to read
	writes bool
	name   string // only where the file system has no unnamed files
	spent  bool   // on its way into a job: not for another picture
}

// Temp returns a new empty file. The caller closes it.
func (s *Spool) Temp() (*Temp, error) { return s.temp(false) }

// temp is Temp; writes says how the file had best be open.
func (s *Spool) temp(writes bool) (*Temp, error) {
	if t := s.spares.take(writes); t != nil {
		return t, nil
	}
	f, err := s.openUnnamed(s.path("incoming"))
	if err == nil {
		t := &Temp{s: s, f: f, writes: true}
		s.did("unnamed", t.path())
		return t, nil
	}
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EINVAL) {
		return nil, s.diskError(err)
	}
	// A network file system, most likely: a named file, held by its lock.
	name := s.path("incoming", "tmp."+s.tag()+"."+jobid.Random(8))
	f, held, err := s.lock(name, true)
	if err == nil && held {
		err = fs.ErrExist
	}
	if err != nil {
		return nil, s.diskError(err)
	}
	return &Temp{s: s, f: f, writes: true, name: name}, nil
}

// openUnnamed makes a file without a name in dir.
func openUnnamed(dir string) (*os.File, error) {
	return openRegular(dir, unix.O_TMPFILE|unix.O_WRONLY, 0o600)
}

// path names the file to open(2) and linkat(2).
func (t *Temp) path() string {
	if t.name != "" {
		return t.name
	}
	return fmt.Sprintf("%s/%d", procFD, t.f.Fd())
}

// Reader returns a new open file description of the file, for reading from its
// start. The caller closes it.
func (t *Temp) Reader() (*os.File, error) { return reopen(t.path(), os.O_RDONLY) }

// Writer returns the only open file description that can write the file, which is
// still empty. So a later check for writers finds only the process that was given it.
// The caller closes it.
func (t *Temp) Writer() (*os.File, error) {
	if !t.writes {
		return reopen(t.path(), os.O_WRONLY)
	}
	r, err := t.Reader()
	if err != nil {
		return nil, err
	}
	w := t.f
	if t.name != "" { // and its lock stays here
		if w, err = t.handOver(r); err != nil {
			r.Close()
			return nil, err
		}
	}
	t.f, t.writes = r, false
	return w, nil
}

// reopen gives t a new description, at the file's start.
func (t *Temp) reopen(writes bool) error {
	flag := os.O_RDONLY
	if writes {
		flag = os.O_WRONLY
	}
	f, err := reopen(t.path(), flag)
	if err != nil {
		return err
	}
	t.f.Close()
	t.f, t.writes = f, writes
	return nil
}

// handOver puts the lock of a named file, shared for a moment and from then on,
// from t.f to r, and returns another description for writing in its place.
func (t *Temp) handOver(r *os.File) (*os.File, error) {
	for _, f := range []*os.File{t.f, r} {
		shared := unix.Flock_t{Type: unix.F_RDLCK}
		if err := fcntlFlock(f, unix.F_OFD_SETLK, &shared); err != nil {
			return nil, diskError(err)
		}
	}
	w, err := reopen(t.path(), os.O_WRONLY)
	if err == nil {
		t.f.Close()
	}
	return w, err
}

// Own returns the file's own open file description, which after Writer is for reading
// only. It must not be closed.
func (t *Temp) Own() *os.File { return t.f }

func reopen(path string, flag int) (*os.File, error) {
	f, err := openFile(path, flag, 0)
	return f, diskError(err)
}

// Size returns the length of the file in bytes.
func (t *Temp) Size() (int64, error) {
	fi, err := t.f.Stat()
	if err != nil {
		return 0, diskError(err)
	}
	return fi.Size(), nil
}

// sync fsyncs the file. After an error its content is not to be trusted again.
func (t *Temp) sync() error {
	t.spent = true
	t.s.did("write", t.path())
	return diskError(t.s.syncFile(t.f, t.path()))
}

// link gives the file a name.
func (t *Temp) link(path string) error {
	t.spent = true
	if t.name != "" {
		if err := t.s.rename(t.name, path); err != nil {
			return err
		}
		t.name = path
		return nil
	}
	return t.s.link(t.path(), path)
}

// Close frees the file, unless it was given a name in a job. It may be called
// again.
func (t *Temp) Close() {
	if t == nil || t.f == nil {
		return
	}
	if t.name != "" {
		t.s.remove(t.name)
	}
	if t.name != "" || t.spent || !t.s.spares.keep(t) {
		t.f.Close()
	}
	t.f = nil
}

// kept is called when the file lies in a job: Close leaves it there.
func (t *Temp) kept() { t.name = "" }
