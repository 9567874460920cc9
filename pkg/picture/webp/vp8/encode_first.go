package vp8

import "imgtools/pkg/fault"

// firstPartition codes the header (RFC 6386 sections 9.2 to 9.11) and the modes.
func (e *encoder) firstPartition() (*stream, error) {
	out := &stream{pool: &e.pool}
	w := newBoolCoder(out)
	w.flag(false) // colour space: YCbCr as in Rec. 601
	w.flag(false) // pixels must be clamped
	segmentProbs := e.codeSegments(w)
	w.flag(false) // the normal loop filter, not the simple one
	w.bits(uint32(e.segments[0].filter), 6)
	w.bits(0, 3)  // sharpness
	w.flag(false) // the strength does not depend on modes
	for n := range 4 {
		if 1<<n == len(e.tokens.coders) {
			w.bits(uint32(n), 2)
		}
	}
	w.bits(uint32(e.segments[0].index), 7)
	for range 5 {
		w.flag(false) // no other index for one kind of coefficients
	}
	w.flag(false) // the probabilities are for this frame
	e.codeProbs(w)
	skips := e.modes.flags > 0
	w.flag(skips)
	tokens := uint8(0)
	if skips {
		all := e.mbw * e.mbh
		tokens = uint8(min(max((all-e.skipped)*256/all, 1), 255))
		w.bits(uint32(tokens), 8)
	}
	above := make([]mode, 4*e.mbw)
	for range e.mbh {
		var left [4]mode
		for x := range e.mbw {
			var m modeInfo
			m.read(&e.info)
			if segmentProbs != nil {
				w.leaf(segmentPaths[m.segment], segmentProbs)
			}
			if skips {
				w.bit(m.skip, tokens)
			}
			m.code(w, above[4*x:4*x+4], &left)
		}
	}
	w.end()
	if out.size > maxFirst {
		return nil, fault.New(fault.Internal, "first partition of %d bytes > %d", out.size, maxFirst)
	}
	return out, nil
}

// code codes the modes of a macroblock. above and left are those of the blocks around it.
func (m *modeInfo) code(w *boolCoder, above []mode, left *[4]mode) {
	w.leaf(lumaModePaths[m.luma], lumaModeProbs[:])
	if m.luma == mode4x4 {
		for b, v := range m.blocks {
			a, l := &above[b&3], &left[b>>2]
			w.leaf(blockModePaths[v], blockModeProbs[*a][*l][:])
			*a, *l = v, v
		}
	} else {
		for i := range 4 {
			above[i], left[i] = m.luma, m.luma
		}
	}
	w.leaf(chromaModePaths[m.chroma], chromaModeProbs[:])
}

// codeSegments codes the quantizers and filters of the segments, and returns the
// probabilities of segmentTree; nil if only the first segment is in use.
func (e *encoder) codeSegments(w *boolCoder) []uint8 {
	n := &e.inSegment
	used := n[1]+n[2]+n[3] > 0
	w.flag(used)
	if !used {
		return nil
	}
	w.flag(true) // each macroblock has a segment
	w.flag(true) // what segments mean follows
	w.flag(true) // as values, not differences
	for i := range e.segments {
		w.flag(true)
		w.bits(uint32(e.segments[i].index), 7)
		w.flag(false) // positive
	}
	for i := range e.segments {
		w.flag(true)
		w.bits(uint32(e.segments[i].filter), 6)
		w.flag(false)
	}
	prob := func(zeros, ones int) uint8 {
		if zeros+ones == 0 {
			return 255
		}
		return uint8(min(max(zeros*256/(zeros+ones), 1), 255))
	}
	probs := []uint8{prob(n[0]+n[1], n[2]+n[3]), prob(n[0], n[1]), prob(n[2], n[3])}
	for _, p := range probs {
		w.flag(true)
		w.bits(uint32(p), 8)
	}
	return probs
}

// codeProbs codes the probabilities of tokens that differ from the default ones.
func (e *encoder) codeProbs(w *boolCoder) {
	for t := range blockTypes {
		for band := range bands {
			for ctx := range contexts {
				for i, p := range e.tokens.probs[t][band][ctx] {
					fresh := p != defaultCoefProbs[t][band][ctx][i]
					w.bit(fresh, coefUpdateProbs[t][band][ctx][i])
					if fresh {
						w.bits(uint32(p), 8)
					}
				}
			}
		}
	}
}
