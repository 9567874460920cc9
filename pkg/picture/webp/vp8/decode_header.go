package vp8

import (
	"encoding/binary"
	"io"

	"imgtools/pkg/fault"
)

// Sizes of the parts of a key frame in front of the first partition (section 9.1).
const (
	tagSize    = 3 // frame tag
	headerSize = tagSize + 7
)

// A Config is what the first bytes of a key frame say.
type Config struct {
	Width, Height int // pixels

	first int64 // bytes of the first partition
}

// ReadConfig reads the start of a frame: 10 bytes or more of it.
func ReadConfig(b []byte) (c Config, err error) {
	if len(b) < headerSize {
		return c, fault.New(fault.Format, "truncated in the lossy header")
	}
	if b[0]&1 != 0 || b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a {
		return c, fault.New(fault.Format, "not a key frame of VP8")
	}
	c.Width = int(binary.LittleEndian.Uint16(b[6:]) & maxSide)
	c.Height = int(binary.LittleEndian.Uint16(b[8:]) & maxSide)
	c.first = int64(b[0])>>5 | int64(b[1])<<3 | int64(b[2])<<11
	return c, nil
}

// header is what the start of the first partition says of the whole frame.
type header struct {
	segmented bool // macroblocks belong to segments, and say to which one
	mapped    bool
	absolute  bool // quantizer and strength of a segment replace those of the frame
	quantizer [segments]int
	strength  [segments]int
	treeProbs [3]uint8 // of segmentTree

	simple    bool // loop filter
	level     int  // 0: no loop filter
	sharpness int
	deltas    bool // the level depends on the macroblock's prediction
	intra     int  // added to the level of all macroblocks of a key frame
	by4x4     int  // added to the level of those predicted by 4×4

	skips     bool // macroblocks say whether they have no tokens
	skipProb  uint8
	steps     [segments]steps
	strengths [segments][2]filterStrength // the second is for macroblocks predicted by 4×4
	probs     [blockTypes]positionProbs
}

// steps is the quantizer's steps of a segment, DC then AC.
type steps struct{ luma, y2, chroma [2]int32 }

// positionProbs is the part of coefProbs of a type of block by the position of the
// coefficient, which saves a look at its band. The lists are padded to 16.
type positionProbs [17][contexts][16]uint8

// readHeader reads the header (section 9.2 to 9.11) from the first partition and opens
// the other ones, whose sizes stand at off.
func (d *Decoder) readHeader(off int64) error {
	b, h := d.modes, &d.h
	b.number(2) // colour space and clamping, which have no meaning for us: all is clamped
	h.readSegments(b)
	h.readFilter(b)
	if err := d.openPartitions(1<<b.number(2), off); err != nil {
		return err
	}
	h.readSteps(b)
	b.flag() // keep the probabilities for the next frame
	h.readProbs(b)
	if h.skips = b.flag(); h.skips {
		h.skipProb = uint8(b.number(8))
	}
	if b.Err != nil {
		return b.Err
	}
	if b.ended() {
		return ErrTruncated
	}
	return nil
}

// readSegments reads section 9.3.
func (h *header) readSegments(b *boolReader) {
	h.treeProbs = [3]uint8{255, 255, 255}
	if h.segmented = b.flag(); !h.segmented {
		return
	}
	h.mapped, h.absolute = b.flag(), true
	if b.flag() {
		h.absolute = b.flag()
		for i := range h.quantizer {
			h.quantizer[i] = b.optional(7)
		}
		for i := range h.strength {
			h.strength[i] = b.optional(6)
		}
	}
	if h.mapped {
		for i := range h.treeProbs {
			if b.flag() {
				h.treeProbs[i] = uint8(b.number(8))
			}
		}
	}
}

// readFilter reads section 9.6 and derives the strengths of the loop filter from it.
func (h *header) readFilter(b *boolReader) {
	h.simple = b.flag()
	h.level = b.number(6)
	h.sharpness = b.number(3)
	if h.deltas = b.flag(); h.deltas && b.flag() {
		var frames, predictions [4]int // by reference frame and by prediction
		for i := range frames {
			frames[i] = b.optional(6)
		}
		for i := range predictions {
			predictions[i] = b.optional(6)
		}
		h.intra, h.by4x4 = frames[0], predictions[0] // others belong to inter frames
	}
	if h.level == 0 {
		return
	}
	for i := range h.strengths {
		level := h.level
		if h.segmented {
			level = h.strength[i]
			if !h.absolute {
				level += h.level
			}
		}
		if h.deltas {
			level += h.intra
		}
		h.strengths[i][0] = newFilterStrength(level, h.sharpness)
		h.strengths[i][1] = newFilterStrength(level+h.by4x4, h.sharpness)
	}
}

// openPartitions opens n partitions of tokens. The sizes of all but the last one, 3
// bytes each, stand at off (section 9.5). A partition that is cut is an error when its
// end is reached.
func (d *Decoder) openPartitions(n int, off int64) error {
	sizes := make([]byte, 3*(n-1))
	if len(sizes) > 0 {
		if k, err := d.r.ReadAt(sizes, off); k < len(sizes) {
			return short(err)
		}
	}
	off += int64(len(sizes))
	for ; len(sizes) > 0; sizes = sizes[3:] {
		end := off + (int64(sizes[0]) | int64(sizes[1])<<8 | int64(sizes[2])<<16)
		d.tokens = append(d.tokens, newBoolReader(d.r, off, min(end, d.size)))
		off = end
	}
	d.tokens = append(d.tokens, newBoolReader(d.r, off, d.size))
	return nil
}

// readSteps reads section 9.6 and looks up the steps (section 14.1).
func (h *header) readSteps(b *boolReader) {
	base := b.number(7)
	lumaDC, y2DC, y2AC, chromaDC, chromaAC := b.optional(4), b.optional(4), b.optional(4), b.optional(4), b.optional(4)
	step := func(t *[maxIndex + 1]uint16, i int) int32 { return int32(t[max(0, min(maxIndex, i))]) }
	for i := range h.steps {
		q := base
		if h.segmented {
			q = h.quantizer[i]
			if !h.absolute {
				q += base
			}
		}
		h.steps[i] = steps{
			luma:   [2]int32{step(&dcSteps, q+lumaDC), step(&acSteps, q)},
			y2:     [2]int32{2 * step(&dcSteps, q+y2DC), max(minY2AC, step(&acSteps, q+y2AC)*155/100)},
			chroma: [2]int32{min(maxChromaDC, step(&dcSteps, q+chromaDC)), step(&acSteps, q+chromaAC)},
		}
	}
}

// readProbs reads the probabilities of tokens (section 13.4).
func (h *header) readProbs(b *boolReader) {
	probs := defaultCoefProbs
	for t := range probs {
		for band := range probs[t] {
			for ctx := range probs[t][band] {
				for i := range probs[t][band][ctx] {
					if b.bit(coefUpdateProbs[t][band][ctx][i]) {
						probs[t][band][ctx][i] = uint8(b.number(8))
					}
				}
			}
		}
		for i := range h.probs[t] {
			for ctx := range contexts {
				copy(h.probs[t][i][ctx][:], probs[t][bandOf[i]][ctx][:])
			}
		}
	}
}

// short returns the error for a read that ended early, or err if that has another cause.
func short(err error) error {
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrTruncated
	}
	return err
}
