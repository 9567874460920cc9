package jpeg

import "io"

// The gray picture of a YCbCr JPEG is its Y component, which is Rec. 601 luma: the
// transcoder drops Cb and Cr and writes Y's quantized coefficients as they are.
// In a baseline scan the bits of each block's AC coefficients are copied, and only
// DC differences are coded anew, since blocks come in another order. In a progressive
// file Y's own scans are copied whole, and only DC scans that are interleaved
// are written anew.

// Gray writes the luma of a JPEG, no coefficient changed, as an upright JPEG of one
// component: no metadata, and progressive if it was and stood upright. It reads and
// writes through buffers of fixed size; of a progressive file it also holds 8 bytes a
// block of luma, and 136 of one that has to be turned.
//
// done is false, and r as it was, where that can't be: luma has fewer samples than
// the picture, is no component by itself, or is to be turned and a mirrored side is no
// multiple of 8, or there is no memory for it. The caller then decodes. After an error
// part of the output may have been written.
func Gray(w io.Writer, r *Reader) (done bool, err error) {
	c := &r.frame.comps[0]
	if r.first == nil || r.model != gray && r.model != ycc || c.h != r.frame.hmax || c.v != r.frame.vmax {
		return false, nil
	}
	if r.hdr.Orientation > 1 {
		return writeUpright(w, r, 1)
	}
	t, first := newTranscoder(w, r)
	t.header.jfif()
	if err := t.holdMasks(1); err != nil {
		return true, err
	}
	return true, t.run(first, t.grayScan)
}

// grayScan handles a scan of the file.
func (t *transcoder) grayScan(s *scan) error {
	if s.comps[0] != 0 {
		return t.sc.passScan()
	}
	single := len(s.comps) == 1
	one := *s
	one.comps, one.slots = s.comps[:1], []byte{0}
	if !single {
		one.ri = 0
		if s.ss == 0 && s.ah == 0 {
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
