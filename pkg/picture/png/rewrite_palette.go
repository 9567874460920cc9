package png

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"image/color"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// RewritePalette copies the palette PNG r to w and replaces each colour c of its
// palette by f(c). The pixels are indexes and do not change, so their compressed
// stream is copied as it is, after one pass that decodes and checks it. The result
// is therefore never larger. It has the chunks IHDR, PLTE, tRNS and IDAT only: no
// metadata, and no bytes after the end of the compressed stream. Other colour types
// and an orientation other than 1 are errors of kind Internal.
func RewritePalette(w io.Writer, r *Reader, f func(color.NRGBA) color.NRGBA) error {
	if r.color != colorIndexed {
		return fault.New(fault.Internal, "rewrite PNG palette: colour type %d has no palette", r.color)
	}
	if r.out.Orientation != 1 {
		return fault.New(fault.Internal, "rewrite PNG palette: orientation %d", r.out.Orientation)
	}
	n, clean, err := r.walk()
	if err != nil {
		return err
	}
	palette := make([]color.NRGBA, len(r.out.Palette))
	for i, c := range r.out.Palette {
		palette[i] = f(c)
	}
	if !clean {
		return r.recode(w, palette)
	}
	b := bufio.NewWriterSize(w, 32<<10)
	ihdr := make([]byte, 13)
	if _, err := r.r.ReadAt(ihdr, int64(len(signature))+8); err != nil {
		return fault.New(fault.Internal, "read: %w", err)
	}
	if _, err := io.WriteString(b, signature); err != nil {
		return err
	}
	if err := writeChunk(b, "IHDR", ihdr); err != nil {
		return err
	}
	if err := writePalette(b, palette); err != nil {
		return err
	}
	if err := r.copyData(b, n); err != nil {
		return err
	}
	if err := writeChunk(b, "IEND", nil); err != nil {
		return err
	}
	return b.Flush()
}

// walk decodes the whole picture. It returns the length of its zlib stream in bytes
// and whether the stream may be copied: it has nothing but the rows, and no index is
// out of range.
func (r *Reader) walk() (n int64, clean bool, err error) {
	src, err := r.Rows(raster.Hint{})
	if err != nil {
		return 0, false, err
	}
	for {
		if _, err = src.Next(); err != nil {
			break
		}
	}
	if err != io.EOF {
		return 0, false, err
	}
	var s *stream
	switch src := src.(type) {
	case *rows:
		s = src.s
	case *held:
		s = src.s
	}
	return s.length, !s.over && !r.stray, nil
}

// copyData writes the first n bytes of the zlib stream as one IDAT chunk, or as
// several if it is longer than a chunk may be.
func (r *Reader) copyData(w io.Writer, n int64) error {
	const most = 1<<31 - 1
	d := newData(r)
	buf := make([]byte, 32<<10)
	for n > 0 {
		size := min(n, most)
		n -= size
		head := append(binary.BigEndian.AppendUint32(nil, uint32(size)), "IDAT"...)
		if _, err := w.Write(head); err != nil {
			return err
		}
		sum := crc32.ChecksumIEEE(head[4:])
		for size > 0 {
			m, err := d.Read(buf[:min(size, int64(len(buf)))])
			if err != nil {
				return r.inflateError(err, 0)
			}
			sum = crc32.Update(sum, crc32.IEEETable, buf[:m])
			if _, err := w.Write(buf[:m]); err != nil {
				return err
			}
			size -= int64(m)
		}
		if _, err := w.Write(binary.BigEndian.AppendUint32(nil, sum)); err != nil {
			return err
		}
	}
	return nil
}

// recode decodes the picture and encodes it with another palette.
func (r *Reader) recode(w io.Writer, palette []color.NRGBA) error {
	src, err := r.Rows(raster.Hint{})
	if err != nil {
		return err
	}
	h := *r.out
	h.Palette, h.ICC, h.Orientation = palette, nil, 1
	return Encode(w, repainted{src, &h}, EncodeOptions{})
}

// repainted is rows under another header.
type repainted struct {
	raster.Rows
	h *raster.Header
}

func (r repainted) Header() *raster.Header { return r.h }
