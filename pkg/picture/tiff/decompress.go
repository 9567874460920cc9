package tiff

import (
	"bufio"
	"compress/lzw"
	"io"
	"math/bits"

	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/flate"
)

// decompressor gives the bytes of segments, one after another.
type decompressor struct {
	t       *Reader
	section *bufio.Reader
	inflate *flate.Reader
	lzw     *lzwReader
	plain   *plainReader  // data, if that is what the file has
	part    geometry.Rect // of the open segment: what is wanted of it
	skipped bool          // the segment is not read at all
	data    io.Reader     // decompressed bytes of the open segment
	fax     *fax          // data, of fax compression
	failed  error         // why the rest of the open segment can't be read
}

// open starts on segment i, whose rows have need bytes.
func (s *decompressor) open(i int, need int64) error {
	t := s.t
	off, n := t.extent(i, need)
	section := io.NewSectionReader(t.file.r, off, n)
	var src io.Reader = section
	if t.isJPEG() {
		var err error
		if t.oldHead != nil {
			s.data, err = t.oldJPEG(off, n, int(need/t.rowBytes()), s.part)
		} else {
			s.data, err = t.openJPEG(off, n, s.part)
		}
		return err
	}
	if t.compression == compWebP {
		var err error
		s.data, err = t.openWebP(off, n, s.part)
		return err
	}
	if t.reversed {
		src = &reverser{src}
	}
	if s.section == nil {
		s.section = bufio.NewReaderSize(src, 32<<10)
	} else {
		s.section.Reset(src)
	}
	switch t.compression {
	case compNone:
		s.plain = &plainReader{section: section, src: src, Reader: s.section}
		s.data = s.plain
	case compPackBits:
		s.data = &packBits{r: s.section}
	case compLZW:
		// LZW of before TIFF 5.0 packs its codes from the least significant bit, so its
		// first code, Clear (256), begins with these bits.
		if b, err := s.section.Peek(2); err == nil && b[0] == 0 && b[1]&1 == 1 {
			// It also widens its codes one code later, as GIF does.
			s.data = lzw.NewReader(s.section, lzw.LSB, 8)
			return nil
		}
		if s.lzw == nil {
			s.lzw = newLZW()
		}
		s.lzw.reset(s.section)
		s.data = s.lzw
	case compDeflate, compDeflateOld:
		if s.inflate == nil {
			s.inflate = flate.NewReader(flate.Buffered(s.section))
		} else {
			s.inflate.Reset(flate.Buffered(s.section))
		}
		s.data = s.inflate
	case compZstd:
		z, err := newZstd(s.section, need, t.lim)
		s.data = z
		return err
	default:
		s.fax = newFax(s.section, t.faxKind(), t.segW)
		s.data = s.fax
	}
	return nil
}

// plainReader reads samples that are not compressed, and can pass over some.
type plainReader struct {
	*bufio.Reader // of src
	section       *io.SectionReader
	src           io.Reader // section, with its bits reversed or not
}

// skip passes over n bytes, which are not read. They must be there.
func (p *plainReader) skip(n int) error {
	if n <= p.Buffered() {
		_, err := p.Discard(n)
		return err
	}
	at, err := p.section.Seek(int64(n-p.Buffered()), io.SeekCurrent)
	if err == nil && at > p.section.Size() {
		err = io.ErrUnexpectedEOF
	}
	p.Reset(p.src)
	return err
}

// faxKind returns which of the fax codings the segments have.
func (t *page) faxKind() faxKind {
	switch {
	case t.compression == compRLE:
		return faxRLE
	case t.compression == compRLEW:
		return faxRLEW
	case t.compression == compG4:
		return faxG4
	case t.fax2D:
		return fax2D
	}
	return fax1D
}

// reverser reverses the bits of each byte: fill order 2.
type reverser struct{ r io.Reader }

func (v *reverser) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	for i, b := range p[:n] {
		p[i] = bits.Reverse8(b)
	}
	return n, err
}

// packBits decodes PackBits (TIFF 6.0 section 9).
type packBits struct {
	r    *bufio.Reader
	left int  // bytes of the run still to come
	same bool // the run repeats b, else its bytes follow
	b    byte
}

func (p *packBits) Read(dst []byte) (n int, err error) {
	for n < len(dst) {
		if p.left == 0 {
			c, err := p.r.ReadByte()
			if err != nil {
				return n, err
			}
			switch v := int(int8(c)); {
			case v >= 0:
				p.left, p.same = v+1, false
			case v > -128:
				if p.b, err = p.r.ReadByte(); err != nil {
					return n, err
				}
				p.left, p.same = 1-v, true
			}
			continue
		}
		part := dst[n:min(n+p.left, len(dst))]
		if p.same {
			for i := range part {
				part[i] = p.b
			}
		} else if _, err := io.ReadFull(p.r, part); err != nil {
			return n, err
		}
		n += len(part)
		p.left -= len(part)
	}
	return n, nil
}
