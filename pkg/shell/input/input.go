// Package input opens the pictures that a command was given: files or standard
// input. Formats are read at random offsets, so a pipe is first copied to an unnamed
// temporary file: of what doesn't begin as a picture only the beginning, and at most
// maxCopied bytes.
package input

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
	"imgtools/pkg/shell/system"
)

// Input is an open picture.
type Input struct {
	io.ReaderAt
	Size int64  // bytes
	Name string // in messages
	Base string // the file's base name; "" for standard input
	Cut  bool   // it is no picture, and only its beginning was read
	file *os.File

	isPicture func(head io.ReaderAt, size int64) bool
	most      int64 // bytes that are copied
}

// ErrFolder is the error of Open for a folder.
var ErrFolder = errors.New("is a folder")

// Name returns the name of an operand in messages: "standard input" for "-".
func Name(operand string) string {
	if operand == "-" {
		return "standard input"
	}
	return operand
}

// maxCopied is the most bytes that are copied of a pipe or a device.
const maxCopied = 4 << 30

// headSize is how many bytes of a pipe are looked at before the rest is copied. Package
// codec needs fewer to tell a picture.
const headSize = 64 << 10

// Open opens the file named by an operand; "-" is standard input, from its current
// offset. Errors say the cause and not the name. The caller closes the input;
// standard input itself then stays open.
//
// isPicture, which may be nil, reports whether the size bytes of a file's beginning are
// those of a picture. If those of a pipe are not, they are all that is read of it: so
// the caller finds out what they are, and /dev/zero doesn't fill the disk.
func Open(operand string, isPicture func(head io.ReaderAt, size int64) bool) (*Input, error) {
	in := &Input{Name: Name(operand), isPicture: isPicture, most: maxCopied}
	f := os.Stdin
	if operand != "-" {
		in.Base = filepath.Base(operand)
		var err error
		if f, err = os.Open(operand); err != nil {
			return nil, Cause(err)
		}
		in.file = f
	}
	if err := in.take(f); err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// take makes in the bytes of f from its current offset to the end.
func (in *Input) take(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return Cause(err)
	}
	if st.IsDir() {
		return ErrFolder
	}
	if st.Mode().IsRegular() {
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return Cause(err)
		}
		in.Size = max(st.Size()-at, 0)
		in.ReaderAt = io.NewSectionReader(f, at, in.Size)
		return nil
	}
	return in.spool(f)
}

// spool copies f to an unnamed temporary file, and closes f unless it is standard
// input.
func (in *Input) spool(f *os.File) error {
	tmp, err := system.Unnamed()
	if err != nil {
		return err
	}
	if in.file != nil {
		defer f.Close()
	}
	in.file = tmp
	in.ReaderAt = tmp
	in.Size, err = io.CopyN(tmp, f, headSize)
	in.Cut = err == nil && in.isPicture != nil && !in.isPicture(tmp, in.Size)
	if err == nil && !in.Cut {
		var n int64
		n, err = io.CopyN(tmp, f, in.most-in.Size+1)
		in.Size += n
	}
	if err != nil && err != io.EOF {
		return fmt.Errorf("reading: %w", err)
	}
	if in.Size > in.most {
		return fault.New(fault.TooLarge, "more than %s from a pipe or device; a file may have more", limits.Binary.Format(in.most))
	}
	return nil
}

// Reader returns all bytes of the picture, from the first.
func (in *Input) Reader() *io.SectionReader { return io.NewSectionReader(in, 0, in.Size) }

// Close closes the file.
func (in *Input) Close() error {
	if in.file == nil {
		return nil
	}
	return in.file.Close()
}

// Cause returns an error without the operation and the file's name, which messages have
// in front.
func Cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
