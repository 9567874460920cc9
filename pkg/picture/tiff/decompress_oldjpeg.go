package tiff

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/jpeg"
)

// Old-style JPEG (TIFF 6.0 section 22, withdrawn by Technical Note 2) comes in three
// kinds. Read are, in this order:
//
//	the field JPEGInterchangeFormat gives the offset of a whole JPEG: the page is one
//	strip of that
//	strips that are JPEGs each, as in the new style
//	strips of entropy-coded data alone: their JPEG header is made from the fields that
//	give the offset of each component's tables
//
// Lossless JPEG is not read.

// interchange takes a whole JPEG of the page's size for its only strip, and reports
// whether there is one.
func (t *Reader) interchange(d directory) bool {
	off, err := t.file.number(d, tagJPEGInterchangeFormat, 0)
	if err != nil || off == 0 || off >= uint64(t.file.size) {
		return false
	}
	// JPEGInterchangeFormatLength is often wrong, and a JPEG says itself where it ends.
	n := t.file.size - int64(off)
	j, err := jpeg.OpenEmbedded(io.NewSectionReader(t.file.r, int64(off), n), n, false, t.lim)
	if err != nil || j.Header().FullW != t.h.FullW || j.Header().FullH != t.h.FullH {
		return false
	}
	t.jpegHead = []byte("\xff\xd8")
	t.tiled, t.across, t.segW, t.segH, t.codedH = false, 1, t.h.FullW, t.h.FullH, t.h.FullH
	t.offsets, t.counts = []uint64{off}, []uint64{uint64(n)}
	return true
}

// oldTables prepares headers for strips that are no JPEGs.
func (t *Reader) oldTables(d directory) error {
	t.jpegHead = []byte("\xff\xd8")
	var soi [2]byte
	if _, err := t.file.r.ReadAt(soi[:], int64(min(t.offsets[0], uint64(t.file.size)))); err == nil && string(soi[:]) == "\xff\xd8" {
		return nil
	}
	if proc := t.file.small(d, tagJPEGProc, 1); proc != 1 {
		return fault.New(fault.Unsupported, "old-style JPEG of process %d in TIFF is not read", proc)
	}
	n := t.samples
	head := []byte("\xff\xd8")
	for i := range n {
		q, err := t.oldTable(d, tagJPEGQTables, i, 64)
		if err != nil {
			return err
		}
		head = append(append(head, 0xff, 0xdb, 0, 67, byte(i)), q...)
	}
	for class, tag := range []uint16{tagJPEGDCTables, tagJPEGACTables} {
		for i := range n {
			counts, err := t.oldTable(d, tag, i, 16)
			if err != nil {
				return err
			}
			symbols := 0
			for _, c := range counts {
				symbols += int(c)
			}
			if symbols > 256 {
				return fault.New(fault.Format, "JPEG table of %d symbols", symbols)
			}
			b, err := t.oldTable(d, tag, i, 16+symbols)
			if err != nil {
				return err
			}
			head = append(head, 0xff, 0xc4, byte((19+symbols)>>8), byte(19+symbols), byte(class<<4|i))
			head = append(head, b...)
		}
	}
	if r := t.file.small(d, tagJPEGRestartInterval, 0); r > 0 && r < 1<<16 {
		head = append(head, 0xff, 0xdd, 0, 4, byte(r>>8), byte(r))
	}
	sampling := byte(0x11)
	if n == 3 && t.jpegYCbCr {
		sub, err := t.file.numbers(d, tagYCbCrSubSampling, 2)
		if err != nil {
			return err
		}
		if len(sub) < 2 {
			sub = []uint64{2, 2}
		}
		if max(sub[0], sub[1]) > 4 {
			return fault.New(fault.Format, "YCbCr subsampling of %d×%d", sub[0], sub[1])
		}
		sampling = byte(sub[0]<<4 | sub[1])
	}
	if t.segW > 65535 || t.segH > 65535 {
		return fault.New(fault.Format, "old-style JPEG of %d×%d", t.segW, t.segH)
	}
	t.oldHead = func(rows int) []byte {
		b := append(head[:len(head):len(head)], 0xff, 0xc0, 0, byte(8+3*n), 8, byte(rows>>8), byte(rows), byte(t.segW>>8), byte(t.segW), byte(n))
		for i := range n {
			b = append(b, byte(i), 0x11, byte(i))
		}
		b[len(b)-3*n+1] = sampling
		b = append(b, 0xff, 0xda, 0, byte(6+2*n), byte(n))
		for i := range n {
			b = append(b, byte(i), byte(i<<4|i))
		}
		return append(b, 0, 63, 0)
	}
	return nil
}

// oldTable reads size bytes of the table of component i, whose offset a field gives.
func (t *Reader) oldTable(d directory, tag uint16, i, size int) ([]byte, error) {
	offsets, err := t.file.numbers(d, tag, int64(t.samples))
	if err != nil {
		return nil, err
	}
	if len(offsets) <= i {
		return nil, fault.New(fault.Unsupported, "old-style JPEG in TIFF without tables is not read")
	}
	b := make([]byte, size)
	if offsets[i] > uint64(t.file.size-int64(size)) {
		return nil, readFault("JPEG table", nil)
	}
	if n, err := t.file.r.ReadAt(b, int64(offsets[i])); n < size {
		return nil, readFault("JPEG table", err)
	}
	return b, nil
}

// oldJPEG starts on a strip of n bytes of entropy-coded data at off, of which part is
// wanted.
func (t *Reader) oldJPEG(off, n int64, rows int, part geometry.Rect) (io.Reader, error) {
	head := t.oldHead(rows)
	return t.jpegRows(&spliced{head, io.NewSectionReader(t.file.r, off, n)}, int64(len(head))+n, part)
}
