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
// is therefore not larger. It keeps Coding and Density of the header, but not the ICC
// profile, and it has no other metadata and no bytes after the end of the compressed
// stream. What is damaged gives the errors and notes of Rows; a damaged stream is
// compressed again. Other colour types, an orientation other than 1 and a selected
// frame are errors of kind Internal.
func RewritePalette(w io.Writer, r *Reader, f func(color.NRGBA) color.NRGBA) error {
	if r.color != colorIndexed {
		return fault.New(fault.Internal, "rewrite PNG palette: colour type %d has no palette", r.color)
	}
	h := *r.out
	h.ICC = nil
	h.Palette = make([]color.NRGBA, len(r.out.Palette))
	for i, c := range r.out.Palette {
		h.Palette[i] = f(c)
	}
	return r.rewrite(w, &h, f)
}

// CopyGray copies the PNG r, gray without alpha, to w with the ICC profile icc, or none.
// It is RewritePalette for pictures without a palette.
func CopyGray(w io.Writer, r *Reader, icc []byte) error {
	if r.base.Layout != raster.Gray {
		return fault.New(fault.Internal, "copy gray PNG: layout %v", r.base.Layout)
	}
	h := *r.out
	h.ICC = icc
	return r.rewrite(w, &h, nil)
}

// rewrite copies the picture with the header h. Palettes come from f, too: see
// RewritePalette.
func (r *Reader) rewrite(w io.Writer, h *raster.Header, f func(color.NRGBA) color.NRGBA) error {
	if r.selected != 0 {
		return fault.New(fault.Internal, "copy PNG: frame %d", r.selected)
	}
	if r.out.Orientation != 1 {
		return fault.New(fault.Internal, "copy PNG: orientation %d", r.out.Orientation)
	}
	n, exact, err := r.walk()
	if err != nil {
		return err
	}
	if !exact {
		return r.recode(w, h)
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
	if err := writeMeta(b, h); err != nil {
		return err
	}
	if r.color == colorIndexed {
		h.Palette = h.Palette[:r.colours]
		for r.stray && len(h.Palette) < 1<<r.depth {
			h.Palette = append(h.Palette, f(color.NRGBA{A: 255}))
		}
		if err := writePalette(b, h.Palette); err != nil {
			return err
		}
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
// and whether the stream may be copied, as it is undamaged and has nothing but the rows.
// Of gray rows only the filter types are looked at; indexes may be out of range.
func (r *Reader) walk() (n int64, exact bool, err error) {
	var s *stream
	if r.color == colorGray && !r.interlaced {
		im := r.defaultImage()
		s = newStream(im)
		row, _ := r.bytesPerRow(im.h.W())
		for y := range im.h.H() {
			if _, err := s.row(1+row, y); err != nil {
				return 0, false, err
			}
		}
		if err := s.finish(); err != io.EOF {
			return 0, false, err
		}
		return s.length, s.exact, nil
	}
	src, err := r.defaultImage().rows()
	if err != nil {
		return 0, false, err
	}
	for err == nil {
		_, err = src.Next()
	}
	if err != io.EOF {
		return 0, false, err
	}
	switch src := src.(type) {
	case *rows:
		s = src.s
	case *held:
		s = src.s
	}
	return s.length, s.exact, nil
}

// copyData writes the first n bytes of the zlib stream as one IDAT chunk, or as
// several if it is longer than a chunk may be.
func (r *Reader) copyData(w io.Writer, n int64) error {
	const most = 1<<31 - 1
	d := newData(r.defaultImage())
	var piece []byte
	for n > 0 {
		size := min(n, most)
		n -= size
		head := append(binary.BigEndian.AppendUint32(nil, uint32(size)), "IDAT"...)
		if _, err := w.Write(head); err != nil {
			return err
		}
		sum := crc32.ChecksumIEEE(head[4:])
		for size > 0 {
			if len(piece) == 0 {
				var err error
				if piece, err = d.Piece(); err != nil {
					return r.defaultImage().inflateError(err, 0)
				}
			}
			part := piece[:min(size, int64(len(piece)))]
			piece = piece[len(part):]
			sum = crc32.Update(sum, crc32.IEEETable, part)
			if _, err := w.Write(part); err != nil {
				return err
			}
			size -= int64(len(part))
		}
		if _, err := w.Write(binary.BigEndian.AppendUint32(nil, sum)); err != nil {
			return err
		}
	}
	return nil
}

// recode decodes the picture and encodes it with the header h.
func (r *Reader) recode(w io.Writer, h *raster.Header) error {
	src, err := r.defaultImage().rows()
	if err != nil {
		return err
	}
	return Encode(w, raster.WithHeader(src, h), EncodeOptions{Depth: int(r.depth)})
}
