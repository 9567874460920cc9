// Package input opens the pictures that a command was given: files or standard
// input. Formats are read at random offsets, so a pipe is first copied to an unnamed
// temporary file.
package input

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Input is an open picture.
type Input struct {
	io.ReaderAt
	Size int64  // bytes
	Name string // in messages
	Base string // the file's base name; "" for standard input
	file *os.File
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

// Open opens the file named by an operand; "-" is standard input, from its current
// offset. Errors say the cause and not the name. The caller closes the input;
// standard input itself then stays open.
func Open(operand string) (*Input, error) {
	in := &Input{Name: Name(operand)}
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
	tmp, err := os.CreateTemp("", "imgtools-*")
	if err != nil {
		return err
	}
	if err := os.Remove(tmp.Name()); err != nil {
		tmp.Close()
		return err
	}
	if in.file != nil {
		defer f.Close()
	}
	in.file = tmp
	in.ReaderAt = tmp
	if in.Size, err = io.Copy(tmp, f); err != nil {
		return fmt.Errorf("reading: %w", err)
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
