package jpeg

import "io"

// Copy writes a JPEG again with every coefficient as it was, upright, and without
// metadata but for the profile of a colour picture: what is left of a picture when
// its factor is 1 and nothing else is asked. The scans are copied bit for bit after
// walking them, unless the picture must be turned: then it is written as baseline.
//
// done is false, and r as it was, where it would have to be turned and a mirrored
// side is not of whole MCUs, or there is no memory for it: the caller then decodes.
// After an error part of the output may have been written.
func Copy(w io.Writer, r *Reader) (done bool, err error) {
	if r.first == nil {
		return false, nil
	}
	if r.hdr.Orientation > 1 {
		return writeUpright(w, r, len(r.frame.comps))
	}
	t, first := newTranscoder(w, r)
	r.describe(&t.header)
	if err := t.holdMasks(len(r.frame.comps)); err != nil {
		return true, err
	}
	return true, t.run(first, func(s *scan) error {
		t.begin(s, t.f.comps)
		return t.copyScan(s)
	})
}

// describe writes the segments that say what the components mean.
func (r *Reader) describe(h *headerWriter) {
	switch r.model {
	case gray:
		h.jfif()
	case ycc:
		h.jfif()
		h.icc(r.icc.profile("RGB "))
	case rgb:
		h.adobe(0)
		h.icc(r.icc.profile("RGB "))
	default:
		if r.adobe {
			h.adobe(r.transform)
		}
		h.icc(r.icc.profile("CMYK"))
	}
}
