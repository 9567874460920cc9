package gif

import (
	"io"

	"imgtools/pkg/fault"
)

// input reads a file from a place on, a buffer at a time.
type input struct {
	r    io.ReaderAt
	size int64
	pos  int64 // in the file, of buf[i]
	buf  []byte
	i    int
	mem  [16 << 10]byte
}

// seek goes to a place of the file.
func (in *input) seek(pos int64) { in.pos, in.buf, in.i = pos, nil, 0 }

// fill refills the empty buffer; io.EOF at the end of the file.
func (in *input) fill() error {
	if in.pos >= in.size {
		return io.EOF
	}
	n, err := in.r.ReadAt(in.mem[:min(int64(len(in.mem)), in.size-in.pos)], in.pos)
	if n == 0 {
		if err == io.EOF {
			return err
		}
		return fault.New(fault.Internal, "read: %w", err)
	}
	in.buf, in.i = in.mem[:n], 0
	return nil
}

// ReadByte is as in package io.
func (in *input) ReadByte() (byte, error) {
	if in.i == len(in.buf) {
		if err := in.fill(); err != nil {
			return 0, err
		}
	}
	c := in.buf[in.i]
	in.i++
	in.pos++
	return c, nil
}

// full fills p; io.EOF where the file ends before.
func (in *input) full(p []byte) error {
	for len(p) > 0 {
		if in.i == len(in.buf) {
			if err := in.fill(); err != nil {
				return err
			}
		}
		n := copy(p, in.buf[in.i:])
		in.i += n
		in.pos += int64(n)
		p = p[n:]
	}
	return nil
}

// skip passes over n bytes; io.EOF where the file ends before.
func (in *input) skip(n int) error {
	if in.pos+int64(n) > in.size {
		return io.EOF
	}
	if n <= len(in.buf)-in.i {
		in.i += n
		in.pos += int64(n)
	} else {
		in.seek(in.pos + int64(n))
	}
	return nil
}

// skipBlocks passes over sub-blocks and their terminator (section 15).
func (in *input) skipBlocks() error {
	for {
		n, err := in.ReadByte()
		if err != nil || n == 0 {
			return err
		}
		if err := in.skip(int(n)); err != nil {
			return err
		}
	}
}

// blocks is the data in the sub-blocks at an input's place, up to the terminator.
type blocks struct {
	in   *input
	left int
	used int64 // bytes of data read
	end  bool
}

// ReadByte gives the LZW reader one byte after another, so that it takes none
// beyond the end code.
func (b *blocks) ReadByte() (byte, error) {
	if b.left == 0 {
		if b.end {
			return 0, io.EOF
		}
		n, err := b.in.ReadByte()
		if err != nil {
			return 0, err
		}
		if b.left = int(n); n == 0 {
			b.end = true
			return 0, io.EOF
		}
	}
	b.left--
	b.used++
	return b.in.ReadByte()
}

// Read is as in package io.
func (b *blocks) Read(p []byte) (int, error) {
	for i := range p {
		c, err := b.ReadByte()
		if err != nil {
			return i, err
		}
		p[i] = c
	}
	return len(p), nil
}
