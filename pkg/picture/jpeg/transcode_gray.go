package jpeg

import (
	"io"

	"imgtools/pkg/geometry"
)

// The gray picture of a YCbCr JPEG is its Y component, which is Rec. 601 luma. The
// transcoder drops Cb and Cr and writes the quantized coefficients of Y as they are.
//
// In a sequential file, Y alone has its blocks in another order than interleaved with
// chroma: row by row instead of MCU by MCU. A block's AC coefficients do not depend on
// the order, so their bits are copied; DC is coded as a difference from the block
// before and is coded again. In a progressive file, Y's own scans are copied whole, and
// only the interleaved DC scans are written again.

// Gray writes the luma of a JPEG: GrayPart of the whole picture.
func Gray(w io.Writer, r *Reader, icc []byte) (done bool, err error) {
	return GrayPart(w, r, icc, r.whole())
}

// GrayPart writes the luma of a JPEG, or of a part of its upright picture, no coefficient
// changed, as an upright JPEG of one component, with the density, the given profile of
// gray, which may be nil, and the metadata that the header has to keep. It is progressive
// if WriteProgressive was called, or if r was and its scans could be copied. It reads and
// writes through buffers of fixed size; of a progressive file it also holds 8 bytes a
// block. Where coefficients must be written again (see mustRecode), it holds 136 bytes a
// block of luma, and as many for packed blocks if WriteProgressive was called.
//
// done is false, and r as it was, if luma has fewer samples than the picture or is no
// component by itself, if the part begins at no multiple of 8, if the picture would have
// to be turned and a mirrored side is no multiple of 8, or if there is not enough memory.
// The caller then decodes. After an error, part of the output may have been written.
func GrayPart(w io.Writer, r *Reader, icc []byte, part geometry.Rect) (done bool, err error) {
	r.grayICC = icc
	c := &r.frame.comps[0]
	if r.first == nil || r.model != gray && r.model != ycc || c.h != r.frame.hmax || c.v != r.frame.vmax {
		return false, nil
	}
	if part != r.whole() || r.mustRecode(1) {
		return recode(w, r, 1, part)
	}
	if r.lim.CheckMem(r.frame.maskBytes()) != nil {
		return false, nil
	}
	t, first := newTranscoder(w, r)
	r.describeGray(&t.header, false)
	return true, t.run(first, t.grayScan)
}

// grayScan handles a scan of the file. Scans without luma are walked, too, so that Gray
// refuses what decoding refuses.
func (t *transcoder) grayScan(s *scan) error {
	if s.comps[0] != 0 {
		return t.sc.walkScan(s)
	}
	single := len(s.comps) == 1
	one := *s
	one.comps, one.slots = s.comps[:1], []byte{0}
	if !single {
		one.ri = 0
		if s.dc[0] != nil {
			one.dc = []*huffman{annexDC}
		}
	}
	luma := component{id: 1, h: 1, v: 1, quant: t.f.comps[0].quant}
	t.begin(&one, []component{luma})
	if single {
		return t.copyScan(s)
	}
	var err error
	if t.f.progressive() {
		err = t.dcScan(s)
	} else {
		err = t.baseline(s)
	}
	t.w.finish()
	if err == nil {
		err = t.w.err
	}
	return err
}
