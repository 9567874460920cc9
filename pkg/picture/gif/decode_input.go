package gif

import (
	"io"

	"imgtools/pkg/fault"
)

// input reads a file sequentially from any position, through a buffer.
type input struct {
	r    io.ReaderAt
	size int64
	pos  int64 // position of buf[i] in the file
	buf  []byte
	i    int
	mem  [16 << 10]byte
}

// seek continues at a position of the file.
func (in *input) seek(pos int64) { in.pos, in.buf, in.i = pos, nil, 0 }

// fill reads the next buffer, all of the last one having been used. It returns
// io.EOF at the end of the file.
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

// ReadByte implements io.ByteReader.
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

// full fills p and returns the number of bytes read. If the file ends first, the
// error is io.EOF.
func (in *input) full(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		if in.i == len(in.buf) {
			if err := in.fill(); err != nil {
				return done, err
			}
		}
		n := copy(p[done:], in.buf[in.i:])
		in.i += n
		in.pos += int64(n)
		done += n
	}
	return done, nil
}

// skip skips n bytes. If the file ends first, the error is io.EOF.
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

// skipBlocks skips sub-blocks and their terminator (GIF89a section 15).
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

// blocks reads the data in sub-blocks, from the input's position up to the
// terminator or the end of the file.
type blocks struct {
	in    *input
	block []byte // of the current sub-block, what has not been read
	past  int64  // bytes of data in sub-blocks so far, the current one included
	ended bool
	mem   [255]byte
}

// more reads the next sub-block into b.block, the last one having been used. It
// returns io.EOF after the last one. The end of the file ends a sub-block early.
func (b *blocks) more() error {
	if b.ended {
		return io.EOF
	}
	n, err := b.in.ReadByte()
	if err == nil && n == 0 {
		err = io.EOF
	}
	k := 0
	if err == nil {
		k, err = b.in.full(b.mem[:n])
	}
	b.block = b.mem[:k]
	b.past += int64(k)
	if err != nil {
		b.ended = true
		if k == 0 || err != io.EOF {
			return err
		}
	}
	return nil
}

// ReadByte implements io.ByteReader.
func (b *blocks) ReadByte() (byte, error) {
	if len(b.block) == 0 {
		if err := b.more(); err != nil {
			return 0, err
		}
	}
	c := b.block[0]
	b.block = b.block[1:]
	return c, nil
}

// used returns the number of data bytes read.
func (b *blocks) used() int64 { return b.past - int64(len(b.block)) }
