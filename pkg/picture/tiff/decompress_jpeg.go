package tiff

import (
	"bytes"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/jpeg"
)

// A JPEG segment (TIFF Technical Note 2) is an abbreviated JPEG stream: its tables
// may be in the field JPEGTables, which is a stream of tables alone. Both together
// are an ordinary JPEG:
//
//	JPEGTables   SOI DQT DHT EOI
//	segment      SOI SOF SOS … EOI
//	as one       SOI DQT DHT SOF SOS … EOI

const (
	// maxTables is the most bytes of JPEGTables, which are decoded for each segment. All
	// tables that T.81 allows at a time have 3,000.
	maxTables = 4 << 10
)

// spliced reads head, then n bytes of body.
type spliced struct {
	head []byte
	body io.ReaderAt
}

func (s *spliced) ReadAt(p []byte, off int64) (n int, err error) {
	if off < int64(len(s.head)) {
		n = copy(p, s.head[off:])
		if n == len(p) {
			return n, nil
		}
	}
	m, err := s.body.ReadAt(p[n:], off+int64(n)-int64(len(s.head)))
	return n + m, err
}

// jpegTables reads the JPEGTables field and returns what goes before the frame of
// each segment: SOI and the tables.
func (t *Reader) jpegTables(d directory) error {
	t.jpegHead = []byte("\xff\xd8")
	e, ok := d[tagJPEGTables]
	if !ok {
		return nil
	}
	if e.kind != typeUndefined && e.kind != typeByte || e.count > maxTables {
		return fault.New(fault.Format, "JPEGTables of type %d, %d values", e.kind, e.count)
	}
	b, err := t.file.bytes(e, int64(e.count), 1)
	if err != nil {
		return err
	}
	end := bytes.LastIndex(b, []byte("\xff\xd9"))
	if !bytes.HasPrefix(b, t.jpegHead) || end < 0 {
		return fault.New(fault.Format, "JPEGTables are no JPEG stream")
	}
	t.jpegHead = b[:end]
	return nil
}

// openJPEG starts on a segment of n bytes at off that is a JPEG, of which part is wanted.
func (t *Reader) openJPEG(off, n int64, part geometry.Rect) (io.Reader, error) {
	var soi [2]byte
	if k, err := t.file.r.ReadAt(soi[:], off); k < 2 || n < 2 {
		return nil, readFault("JPEG stream", err)
	} else if string(soi[:]) != "\xff\xd8" {
		return nil, fault.New(fault.Format, "no JPEG stream")
	}
	body := io.NewSectionReader(t.file.r, off+2, n-2)
	return t.jpegRows(&spliced{t.jpegHead, body}, int64(len(t.jpegHead))+n-2, part)
}

// jpegRows decodes the size bytes of a JPEG to rows of a segment.
func (t *Reader) jpegRows(r io.ReaderAt, size int64, part geometry.Rect) (io.Reader, error) {
	lim := t.lim
	lim.Lenient = false // what is missing is dealt with where all segments are
	j, err := jpeg.OpenEmbedded(r, size, t.jpegYCbCr, lim)
	if err != nil {
		return nil, err
	}
	return t.embedded("JPEG", j, part)
}
