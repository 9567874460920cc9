package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"imgtools/pkg/fault"
)

// claim makes the folders and checks owner and version.
func (s *Spool) claim() error {
	fail := func(err error) error { return fault.New(fault.Internal, "spool %s: %w", s.dir, err) }
	if err := s.makeAll(filepath.Dir(s.dir)); err != nil {
		return fail(err)
	}
	err := s.mkdir(s.dir)
	if err == nil {
		err = s.syncDir(filepath.Dir(s.dir))
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
	for _, d := range folders {
		if err := s.mkdir(s.path(d)); err != nil && !errors.Is(err, fs.ErrExist) {
			return fail(err)
		}
	}
	return s.syncDir(s.dir)
}

// makeAll makes a folder and those above it that are missing, durably.
func (s *Spool) makeAll(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	above := filepath.Dir(dir)
	if err := s.makeAll(above); err != nil {
		return err
	}
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) { // another has just made it, or a link leads nowhere
		_, err = os.Stat(dir)
		return err
	}
	if err == nil {
		s.did("mkdir", dir)
		err = s.syncDir(above)
	}
	return err
}

// folders are those of a spool.
var folders = []string{"incoming", "jobs", "gone", "trash", "changes"}

// checkVersion reads the version file, and raises a lower version. In an empty folder
// it writes one, before anything else, so that two that start at once agree.
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
			case v < Version:
				s.log.Info("spool is carried over", "from", v, "to", Version)
				return s.writeVersion()
			}
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.Internal, "spool %s: %w", s.dir, err)
		}
		switch foreign, err := foreign(s.dir); {
		case err != nil:
			return fault.New(fault.Internal, "spool %s: %w", s.dir, err)
		case foreign == "version": // another imgd has just made it
			continue
		case foreign != "":
			return fault.New(fault.Internal, "spool %s: is not empty (%s) and no spool: it has no version file", s.dir, fault.Clip(foreign))
		}
		if err := s.writeVersion(); err != nil {
			return err
		}
	}
	return nil
}

// foreign returns the name of something in a spool's folder that a first start has not
// made, or "".
func foreign(dir string) (string, error) {
	names, err := readNames(dir)
	if err != nil {
		return "", err
	}
	for _, n := range names {
		if n == "lost+found" || strings.HasPrefix(n, newVersion) {
			continue
		}
		if slices.Contains(folders, n) { // empty: a power cut took version
			if inside, err := readNames(filepath.Join(dir, n)); err == nil && len(inside) == 0 {
				continue
			}
		}
		return n, nil
	}
	return "", nil
}

// writeVersion makes the version file. Its name is durable when claim ends. After a
// crash before that there may be folders without it, but empty ones, which foreign
// passes over.
func (s *Spool) writeVersion() error {
	tmp := s.path(newVersion + s.tag())
	err := s.create(tmp, []byte(strconv.Itoa(Version)+"\n"))
	if err == nil {
		err = s.rename(tmp, s.path("version"))
	}
	if err != nil {
		return fault.New(fault.Internal, "spool %s: %w", s.dir, err)
	}
	return nil
}
