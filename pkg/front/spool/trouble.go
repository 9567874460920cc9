package spool

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"imgtools/pkg/fault"
)

// away are the errors of a file system that is not usable now and may be later:
// read-only, disconnected, a server that was restarted, a disk that fails.
var away = []error{
	unix.EROFS, unix.ENOTCONN, unix.ESTALE, unix.EIO, unix.ENODEV, unix.ENXIO, unix.EHOSTDOWN, unix.EHOSTUNREACH,
	unix.ETIMEDOUT, unix.ESHUTDOWN, unix.ECONNABORTED, unix.ECONNRESET, unix.EREMOTEIO,
}

// diskError gives an error of the disk its kind: Full when there is no room, Busy
// when the file system is away or this process has too many files open, else
// Internal. Its text has no path, which may hold an id.
func diskError(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fault.New(fault.Full, "spool: %w", unix.ENOSPC)
	}
	kind := fault.Internal
	for _, e := range append(away, unix.EMFILE, unix.ENFILE) {
		if errors.Is(err, e) {
			kind = fault.Busy
		}
	}
	op := ""
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		op, err = pe.Op+": ", pe.Err
	} else if le, ok := errors.AsType[*os.LinkError](err); ok {
		op, err = le.Op+": ", le.Err
	}
	return fault.New(kind, "spool: %s%w", op, err)
}

// check returns an error of kind Busy when the spool can't be used: its version
// can't be read, or no file can be made in it. A folder whose file system is not
// mounted has no version, so jobs that are not seen then are not taken for gone.
func (s *Spool) check() error {
	if _, err := readSmall(s.path("version")); err != nil {
		return fault.As(fault.Busy, diskError(err))
	}
	if err := unix.Access(s.path("incoming"), unix.W_OK|unix.X_OK); err != nil {
		return fault.New(fault.Busy, "spool: incoming: %w", err)
	}
	return nil
}

// diskError gives an error its kind. Where a folder of the spool is not there, the spool
// is away.
func (s *Spool) diskError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.check(); err != nil {
			return err
		}
	}
	return diskError(err)
}

// watchTrouble checks the spool and remembers the outcome for Trouble.
func (s *Spool) watchTrouble() error {
	err := s.check()
	s.mu.Lock()
	was := s.trouble
	s.trouble = err
	s.mu.Unlock()
	switch {
	case err != nil && was == nil:
		s.log.Error("spool can't be used", "err", err)
	case err == nil && was != nil:
		s.log.Warn("spool can be used again", "was", was)
	}
	return err
}

// Trouble returns an error of kind Busy while the spool can't be used, as of the
// last look at it.
func (s *Spool) Trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble == nil && !s.loaded {
		return errLoading
	}
	return s.trouble
}

var errLoading = fault.New(fault.Busy, "spool: the jobs are being read")
