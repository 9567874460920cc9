//go:build unix && !linux

package system

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

const (
	getTermios = unix.TIOCGETA
	largeFile  = 0
)

// Reopen fails: there is no path to an open file.
func Reopen(f *os.File, flags int) (*os.File, error) { return nil, errors.ErrUnsupported }

// RenameNew fails with errors.ErrUnsupported.
func RenameNew(old, path string) error { return errors.ErrUnsupported }

// SetTag does nothing.
func SetTag(f *os.File, tag string) {}

// Tag returns no tag.
func Tag(path string) (tag string, ok bool) { return "", false }

// Batch does nothing.
func Batch() {}
