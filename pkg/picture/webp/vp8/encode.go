package vp8

import (
	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/webp/chunk"
)

// EncodeOptions of EncodePayload.
type EncodeOptions struct {
	Quality int  // 1 to 100
	Fast    bool // less time for a somewhat larger file
	Limits  raster.Limits

	// Bytes is the largest file wanted; 0: any. Then Quality is the best that is tried,
	// and the result has the best that fits. The samples are held, 1.5 bytes a pixel, so
	// the picture may have up to maxFitPixels. If quality 10 does not fit, the error is of
	// kind fault.TooLarge and names the size reached.
	Bytes int64

	// Around is the part of Bytes that the file needs around the payload, which is padded
	// to an even size there. It may be larger than Bytes: then nothing fits.
	Around int64
}

// EncodePayload encodes rows as a key frame of VP8, the payload of a chunk "VP8 ". The
// rows must have 8 bits, orientation 1 and a layout of gray, RGB or YCbCr. The chroma of
// YCbCr is taken as it is if it is halved both ways, rounded up; else the rows become RGB
// first.
//
// It holds up to 12 MiB of samples at first, then up to 24 MiB of levels (see maxHeld), and
// what is coded: up to 43 MiB in all for 50 Mpixel of noise at quality 75. A picture whose
// coefficients do not fit into 8 partitions of 16 MiB is an error of kind fault.TooLarge.
func EncodePayload(rows raster.Rows, o EncodeOptions) (chunk.Pieces, error) {
	if o.Quality < 1 || o.Quality > 100 {
		return nil, fault.New(fault.Usage, "quality %d: not 1 to 100", o.Quality)
	}
	s, err := newSource(rows)
	if err != nil {
		return nil, err
	}
	if o.Bytes > 0 {
		return fit(s, o)
	}
	return newEncoder(s.w, s.h, s.layout == raster.Gray, o).encode(s)
}

// lookAhead is how many bytes of samples are held to look at before the first is coded.
const lookAhead = 12 << 20

// encode codes all rows.
func (e *encoder) encode(s *source) (chunk.Pieces, error) {
	rows := min(e.mbh, lookAhead/(len(s.luma)+2*len(s.chroma[0])))
	ahead, err := holdSamples(s, rows)
	if err != nil {
		return nil, err
	}
	if err := ahead.encode(e); err != nil {
		return nil, err
	}
	*ahead = samples{}
	for e.mby < e.mbh {
		if err := s.next(); err != nil {
			return nil, err
		}
		if err := e.row(s.luma, s.chroma, s.stride); err != nil {
			return nil, err
		}
	}
	if err := s.lines.End(); err != nil {
		return nil, err
	}
	return e.end()
}

// An encoder codes macroblocks from the left to the right and from the top to the bottom.
// Of the picture coded so far it keeps the pixels and modes that predictions refer to: the
// row above and the column to the left.
type encoder struct {
	w, h, mbw, mbh int
	gray           bool
	fast           bool

	tried    modeSets
	segments [segments]segment
	activity float64  // between segments 1 and 2
	looked   struct { // of the macroblocks looked at
		sum float64
		n   int
	}
	costs  [blockTypes]typeCosts
	counts tokenCounts

	// What is above: of each macroblock the lowest row of pixels as a decoder has them
	// before its loop filter, the modes of the lowest blocks, and which blocks have tokens.
	aboveLuma   []uint8
	aboveChroma [2][]uint8
	aboveModes  []mode
	aboveCoded  []codedBlocks
	// The same to the left, and the pixel above left.
	leftLuma     [16]uint8
	leftChroma   [2][8]uint8
	leftModes    [4]mode
	leftCoded    codedBlocks
	cornerLuma   uint8
	cornerChroma [2]uint8

	mbx, mby int
	mb       macroblock
	luma16   luma16
	luma4    luma4
	chroma   chromaCoder

	pool      pool
	info      stream   // modes of macroblocks
	packed    []byte   // levels of the row in work
	held      []stream // the same of rows that are not yet coded
	holding   int64    // bytes in held
	maxHeld   int64    // bytes
	tokens    tokenPartitions
	modes     modeBudget
	inSegment [segments]int // macroblocks
	skipped   int           // macroblocks without tokens

	rebuilt func(mbx, mby int, luma *[256]uint8, chroma *[2][64]uint8) // in tests
}

// codedBlocks has a bit for each block that has tokens: the contexts of the blocks below
// and to the right of it. Bits 0 to 3 are luma, 4 and 5 Cb, 6 and 7 Cr, 8 block Y2.
type codedBlocks uint16

const codedY2 codedBlocks = 1 << 8

// typeCosts are the costs of a type of blocks.
type typeCosts struct {
	levels levelCosts
	lanes  laneCosts
}

// macroblock is the one in work.
type macroblock struct {
	block    [16][16]uint8 // luma, block by block
	luma     lanes         // the same
	chroma   lanes         // blocks 0 to 3 Cb, 4 to 7 Cr, and both again
	segment  int
	activity float64

	mode       mode
	modes      [16]mode // of 4×4
	chromaMode mode
	levels     [25][16]int16 // in zig-zag order: luma, Cb, Cr, Y2; of blocks that are coded
	coded      uint32        // bit b: block b has levels that are not 0
	rebuilt    [256]uint8    // luma, row by row
	rebuiltC   [2][64]uint8
}

const blockY2 = 24 // in macroblock.levels

func newEncoder(w, h int, gray bool, o EncodeOptions) *encoder {
	makeTables()
	e := &encoder{w: w, h: h, mbw: (w + 15) / 16, mbh: (h + 15) / 16, gray: gray, fast: o.Fast, maxHeld: maxHeld}
	e.aboveLuma = make([]uint8, 16*e.mbw)
	e.aboveModes = make([]mode, 4*e.mbw)
	e.aboveCoded = make([]codedBlocks, e.mbw)
	for i := range e.aboveChroma {
		e.aboveChroma[i] = make([]uint8, 8*e.mbw)
	}
	e.info.pool = &e.pool
	e.held = make([]stream, e.mbh)
	e.modes.init(e.mbw * e.mbh)
	for i := range e.mb.rebuiltC { // chroma of gray: DC, without levels
		set(e.mb.rebuiltC[i][:], 128)
	}
	e.tried = modeSets{luma: allModes, chroma: allModes}
	e.setSegments(o.Quality)
	e.useProbs(&defaultCoefProbs)
	return e
}

// useProbs sets the costs that decisions are made with.
func (e *encoder) useProbs(p *coefProbs) {
	for t := range blockTypes {
		e.costs[t].levels.set(&p[t])
		first := 0
		if t == typeLumaAC {
			first = 1
		}
		e.costs[t].lanes.set(&e.costs[t].levels, &p[t], first)
	}
}

// row codes a row of macroblocks.
func (e *encoder) row(luma []uint8, chroma [2][]uint8, stride int) error {
	set(e.leftLuma[:], outsideLeft)
	for i := range e.leftChroma {
		set(e.leftChroma[i][:], outsideLeft)
	}
	e.leftModes, e.leftCoded = [4]mode{}, 0
	e.cornerLuma, e.cornerChroma = outsideLeft, [2]uint8{outsideLeft, outsideLeft}
	if e.mby == 0 {
		set(e.aboveLuma, outsideAbove)
		for i := range e.aboveChroma {
			set(e.aboveChroma[i], outsideAbove)
		}
		e.cornerLuma, e.cornerChroma = outsideAbove, [2]uint8{outsideAbove, outsideAbove}
	}
	e.packed = e.packed[:0]
	for e.mbx = range e.mbw {
		e.load(luma[16*e.mbx:], chroma, stride)
		e.mb.activity = activityOf(luma[16*e.mbx:], stride)
		e.mb.segment = e.segmentOf(e.mb.activity)
		score := e.chooseLuma()
		if !e.gray {
			e.chooseChroma()
		}
		e.chooseEmpty(score)
		e.finish()
	}
	e.mby++
	if err := e.hold(); err != nil {
		return err
	}
	if e.mby&3 == 1 || e.mby < 4 {
		e.useProbs(e.counts.probs(&defaultCoefProbs))
	}
	return nil
}

// finish records the macroblock and keeps what the next ones refer to.
func (e *encoder) finish() {
	mb := &e.mb
	above := &e.aboveCoded[e.mbx]
	skip := mb.coded == 0
	e.packed = append(e.packed, kindOf(mb.mode == mode4x4, skip))
	if skip {
		skipContexts(above, &e.leftCoded, mb.mode == mode4x4)
		e.skipped++
	} else {
		walk(above, &e.leftCoded, mb.mode == mode4x4, func(b, typ, first, ctx int) bool {
			if mb.coded>>b&1 == 0 {
				e.packed = e.counts.packEmpty(e.packed, typ, first, ctx)
				return false
			}
			e.packed = e.counts.packBlock(e.packed, &mb.levels[b], typ, first, ctx)
			return true
		})
	}
	e.inSegment[mb.segment]++
	e.recordModes(skip)

	at := 16 * e.mbx
	e.cornerLuma = e.aboveLuma[at+15]
	copy(e.aboveLuma[at:at+16], mb.rebuilt[240:])
	for y := range 16 {
		e.leftLuma[y] = mb.rebuilt[16*y+15]
	}
	if !e.gray {
		for i := range 2 {
			c := &mb.rebuiltC[i]
			e.cornerChroma[i] = e.aboveChroma[i][at/2+7]
			copy(e.aboveChroma[i][at/2:at/2+8], c[56:])
			for y := range 8 {
				e.leftChroma[i][y] = c[8*y+7]
			}
		}
	}
	for i := range 4 {
		if mb.mode == mode4x4 {
			e.aboveModes[4*e.mbx+i], e.leftModes[i] = mb.modes[12+i], mb.modes[4*i+3]
		} else {
			e.aboveModes[4*e.mbx+i], e.leftModes[i] = mb.mode, mb.mode
		}
	}
	if e.rebuilt != nil {
		e.rebuilt(e.mbx, e.mby, &mb.rebuilt, &mb.rebuiltC)
	}
}
