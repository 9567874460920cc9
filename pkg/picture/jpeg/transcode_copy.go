package jpeg

import (
	"io"

	"imgtools/pkg/geometry"
)

// Copy writes a JPEG again: CopyPart of the whole picture.
func Copy(w io.Writer, r *Reader) (done bool, err error) { return CopyPart(w, r, r.whole()) }

// CopyPart writes a part of the upright picture of a JPEG again with every coefficient as
// it was, upright, with its density, its profile and the metadata that the header has to
// keep: a picture whose factor is 1 and of which nothing else is asked. Scans are copied
// bit for bit, after walking them; where that cannot be (see mustRecode), coefficients are
// gathered and written again (see recode).
//
// done is false, and r as it was, if the part does not begin at whole MCUs, if the
// picture would have to be turned and a mirrored side does not consist of whole MCUs, or
// if there is not enough memory. The caller then decodes. After an error, part of the
// output may have been written.
func CopyPart(w io.Writer, r *Reader, part geometry.Rect) (done bool, err error) {
	if r.first == nil {
		return false, nil
	}
	r.grayICC = r.profile("GRAY")
	if n := len(r.frame.comps); part != r.whole() || r.mustRecode(n) {
		return recode(w, r, n, part)
	}
	if r.lim.CheckMem(r.frame.maskBytes()) != nil {
		return false, nil
	}
	t, first := newTranscoder(w, r)
	r.describe(&t.header, false)
	return true, t.run(first, func(s *scan) error {
		t.begin(s, t.f.comps)
		return t.copyScan(s)
	})
}

// whole returns all of the upright picture.
func (r *Reader) whole() geometry.Rect { return geometry.Whole(r.hdr.OrientedSize()) }

// describe writes the segments that say what the components mean. swap: the sides of
// the picture have been exchanged.
func (r *Reader) describe(h *headerWriter, swap bool) {
	d := r.storedDensity()
	if swap {
		d.X, d.Y = d.Y, d.X
	}
	space := "RGB "
	switch r.model {
	case gray:
		h.jfif(d)
		space = "GRAY"
	case ycc:
		h.jfif(d)
	case rgb:
		h.adobe(0)
	default:
		if r.adobe {
			h.adobe(r.transform)
		}
		space = "CMYK"
	}
	h.keep(r.hdr.Keep)
	h.icc(r.profile(space))
}

// describeGray is describe for a file of the first component only.
func (r *Reader) describeGray(h *headerWriter, swap bool) {
	d := r.storedDensity()
	if swap {
		d.X, d.Y = d.Y, d.X
	}
	h.jfif(d)
	h.keep(r.hdr.Keep)
	h.icc(r.grayICC)
}
