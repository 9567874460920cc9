// Package ico reads icons (.ico) and cursors (.cur) of Windows. A file is a directory and
// the pictures that it lists, which show the same thing in several sizes:
//
//	 2 bytes  0
//	 2 bytes  1: icon, 2: cursor
//	 2 bytes  number of pictures
//	16 bytes  for each: width, height (0: 256), colours, 0, planes, bits a pixel (of a
//	          cursor: its hot spot), size in bytes, offset
//
// All numbers are little-endian. A picture is a whole PNG, or a bitmap without its file
// header, which package bmp reads. Source: Microsoft, "Icons" (1995), and "The evolution of
// the ICO file format" by R. Chen (2010) for PNG.
//
// Open takes the largest picture, of equal ones that with the most bits a pixel. It
// looks at the pictures themselves, since many directories are wrong.
package ico

import (
	"cmp"
	"encoding/binary"
	"io"
	"slices"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/bmp"
	"imgtools/pkg/picture/png"
	"imgtools/pkg/picture/raster"
)

// maxEntries is the number of pictures that are looked at. Icons have less than 30.
const maxEntries = 256

const (
	headerSize = 6
	entrySize  = 16
	peekSize   = 26 // of a picture: up to the colour type of a PNG
	signature  = "\x89PNG\r\n\x1a\n"
)

// Reader is the largest picture of an icon. It implements raster.Reader.
type Reader struct {
	raster.NoteList
	raster.Reader // the picture
}

// entry is a picture that the directory lists.
type entry struct {
	offset int64
	png    bool
	whole  bool  // the height of a bitmap is not doubled
	area   int64 // pixels
	bits   int   // bits a pixel
}

// Open reads the directory of the icon in the first size bytes of r, and the header of
// the picture it takes.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Reader, error) {
	f := &Reader{}
	entries, err := f.directory(r, size)
	if err != nil {
		return nil, err
	}
	var first error
	for _, e := range entries {
		if f.Reader, err = e.open(r, size, lim); err == nil {
			if first != nil {
				f.Note("a larger picture is damaged: %v", first)
			}
			return f, nil
		}
		if fault.Of(err) == fault.TooLarge || fault.Of(err) == fault.Internal {
			return nil, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// directory returns the pictures, the one to take first.
func (f *Reader) directory(r io.ReaderAt, size int64) ([]entry, error) {
	var head [headerSize]byte
	if err := readAt(r, head[:], 0); err != nil {
		return nil, err
	}
	kind, count := binary.LittleEndian.Uint16(head[2:]), int64(binary.LittleEndian.Uint16(head[4:]))
	if head[0] != 0 || head[1] != 0 || kind != 1 && kind != 2 {
		return nil, fault.New(fault.Format, "ICO: no signature")
	}
	if there := (size - headerSize) / entrySize; there < count {
		f.Note("directory cut after %d of %d pictures", max(0, there), count)
		count = there
	}
	if count > maxEntries {
		f.Note("only %d of %d pictures looked at", maxEntries, count)
		count = maxEntries
	}
	var entries []entry
	for i := range count {
		var b [entrySize]byte
		if err := readAt(r, b[:], headerSize+i*entrySize); err != nil {
			return nil, err
		}
		e, err := look(r, size, b[:])
		if err != nil {
			return nil, err
		}
		if e.area > 0 {
			entries = append(entries, e)
		}
	}
	if len(entries) == 0 {
		return nil, fault.New(fault.Format, "ICO: none of %d pictures is within the file of %d bytes", count, size)
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.area, a.area), cmp.Compare(b.bits, a.bits))
	})
	return entries, nil
}

// look reads the size and depth of the picture of a directory entry from the picture
// itself. The area is 0 if it has none or lies outside the file.
func look(r io.ReaderAt, size int64, b []byte) (entry, error) {
	e := entry{offset: int64(binary.LittleEndian.Uint32(b[12:]))}
	if e.offset < headerSize || e.offset >= size {
		return e, nil
	}
	p := make([]byte, min(peekSize, size-e.offset))
	if err := readAt(r, p, e.offset); err != nil {
		return e, err
	}
	if e.png = len(p) == peekSize && string(p[:len(signature)]) == signature; e.png {
		w, h := int64(binary.BigEndian.Uint32(p[16:])), int64(binary.BigEndian.Uint32(p[20:]))
		e.bits = int(p[24]) * map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[p[25]]
		e.setArea(w, h)
		return e, nil
	}
	w, h, bits := bmp.IconSize(p)
	// Some programs write the height of one picture. The entry, whose sides are up to
	// 255 here, shows it.
	if e.whole = w == int64(b[0]) && h == int64(b[1]); !e.whole {
		h /= 2
	}
	e.bits = bits
	e.setArea(w, h)
	return e, nil
}

// setArea sets the area from sides that a file may claim.
func (e *entry) setArea(w, h int64) {
	if w > 0 && h > 0 && w <= raster.MaxSide && h <= raster.MaxSide {
		e.area = w * h
	}
}

// open opens the picture. Both kinds say where they end, so that the size in the
// directory, which is often wrong, is not used.
func (e entry) open(r io.ReaderAt, size int64, lim raster.Limits) (raster.Reader, error) {
	n := size - e.offset
	if e.png {
		return png.Open(io.NewSectionReader(r, e.offset, n), n, lim)
	}
	return bmp.OpenIcon(io.NewSectionReader(r, e.offset, n), n, e.whole, lim)
}

// Notes returns the notes on the directory and then those on the picture.
func (f *Reader) Notes() []string {
	return append(slices.Clone(f.NoteList.Notes()), f.Reader.Notes()...)
}

// readAt reads all of b.
func readAt(r io.ReaderAt, b []byte, pos int64) error {
	n, err := r.ReadAt(b, pos)
	switch {
	case n == len(b):
		return nil
	case err == io.EOF:
		return fault.New(fault.Format, "ICO: truncated within the directory")
	}
	return fault.New(fault.Internal, "read: %w", err)
}
