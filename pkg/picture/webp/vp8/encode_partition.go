package vp8

import (
	"imgtools/pkg/fault"
	"imgtools/pkg/picture/webp/chunk"
)

// A key frame is a header, a first partition with the modes of all macroblocks, and 1 to 8
// partitions with their tokens: row y of macroblocks is in partition y modulo their number
// (RFC 6386 section 9).

const (
	// maxHeld is how many bytes of packed levels are held, so that the probabilities of
	// tokens are those of the picture. Beyond it they are those of the rows held.
	maxHeld = 24 << 20
	// onePartition is how many bytes of packed levels surely fit into one partition: a byte
	// becomes fewer than 16 bits.
	onePartition = 8 << 20

	maxFirst      = 1<<19 - 1 // bytes of the first partition
	maxTokenBytes = 1<<24 - 1 // bytes of another one
)

// A row of packed macroblocks has a byte for each, its kind, and its blocks if it has
// tokens.
const (
	kind4x4    = 1 << iota // luma is predicted by 4×4
	kindTokens             // it has tokens
)

func kindOf(by4x4, skip bool) (kind byte) {
	if by4x4 {
		kind |= kind4x4
	}
	if !skip {
		kind |= kindTokens
	}
	return kind
}

// walk calls do for each block of a macroblock with tokens, in the order of the file, with
// the first position coded and its context, and sets the contexts of the blocks that
// follow. Block 24 is Y2.
func walk(above, left *codedBlocks, by4x4 bool, do func(b, typ, first, ctx int) (coded bool)) {
	a, l := *above, *left
	code := func(b, typ, first, ai, li int) {
		var bit codedBlocks
		if do(b, typ, first, int(a>>ai&1+l>>li&1)) {
			bit = 1
		}
		a = a&^(1<<ai) | bit<<ai
		l = l&^(1<<li) | bit<<li
	}
	typ, first := typeLuma, 0
	if !by4x4 {
		code(blockY2, typeY2, 0, 8, 8)
		typ, first = typeLumaAC, 1
	}
	for b := range 16 {
		code(b, typ, first, b&3, b>>2)
	}
	for b := 16; b < 24; b++ {
		c := 4 + (b-16)>>2<<1
		code(b, typeChroma, 0, c+b&1, c+b>>1&1)
	}
	*above, *left = a, l
}

// skipContexts sets the contexts behind a macroblock without tokens. That of Y2 stays as
// it was if the macroblock has no such block.
func skipContexts(above, left *codedBlocks, by4x4 bool) {
	var keep codedBlocks
	if by4x4 {
		keep = codedY2
	}
	*above &= keep
	*left &= keep
}

// tokenPartitions are the partitions with tokens. They are begun when the probabilities are
// known.
type tokenPartitions struct {
	probs   *coefProbs // nil until then
	codes   *tokenCodes
	skips   bool // macroblocks without tokens are marked, and have no blocks
	streams []stream
	coders  []*boolCoder
	above   []codedBlocks
	rows    int    // coded
	packed  []byte // the row being coded
}

// hold keeps the row just packed, or codes it if the probabilities are fixed.
func (e *encoder) hold() error {
	y := e.mby - 1
	e.held[y].pool = &e.pool
	e.held[y].write(e.packed)
	if e.holding += int64(len(e.packed)); e.holding > e.maxHeld && e.tokens.probs == nil {
		e.begin(maxPartitions)
	}
	if e.tokens.probs != nil {
		return e.codeHeld()
	}
	return nil
}

// begin fixes the probabilities and begins n partitions.
func (e *encoder) begin(n int) {
	t := &e.tokens
	t.probs = e.counts.probs(&defaultCoefProbs)
	t.codes = t.probs.codes()
	t.streams = make([]stream, n)
	for i := range t.streams {
		t.streams[i].pool = &e.pool
		t.coders = append(t.coders, newBoolCoder(&t.streams[i]))
	}
	t.above = make([]codedBlocks, e.mbw)
	t.skips = e.modes.flags > 0
}

// codeHeld codes the rows held.
func (e *encoder) codeHeld() error {
	t := &e.tokens
	for ; t.rows < e.mby; t.rows++ {
		s := &e.held[t.rows]
		if int64(cap(t.packed)) < s.size {
			t.packed = make([]byte, s.size)
		}
		t.packed = t.packed[:s.size]
		s.read(t.packed)
		i := t.rows % len(t.coders)
		t.codeRow(t.coders[i])
		if n := t.streams[i].size; n > maxTokenBytes-64 {
			return fault.New(fault.TooLarge, "%d bytes of coefficients in one of %d parts: lossy WebP holds %d (quality=)", n, len(t.coders), maxTokenBytes)
		}
	}
	return nil
}

// noLevels is a packed block without levels.
var noLevels = []byte{0}

// codeRow codes t.packed.
func (t *tokenPartitions) codeRow(w *boolCoder) {
	var left codedBlocks
	p := t.packed
	for x := range t.above {
		kind := p[0]
		p = p[1:]
		if kind&kindTokens == 0 && t.skips {
			skipContexts(&t.above[x], &left, kind&kind4x4 != 0)
			continue
		}
		walk(&t.above[x], &left, kind&kind4x4 != 0, func(b, typ, first, ctx int) (coded bool) {
			if kind&kindTokens == 0 {
				t.codes.block(w, noLevels, typ, first, ctx)
				return false
			}
			p, coded = t.codes.block(w, p, typ, first, ctx)
			return coded
		})
	}
}

// end codes what is left and returns the file.
func (e *encoder) end() (chunk.Pieces, error) {
	t := &e.tokens
	if t.probs == nil {
		n := 1
		if e.holding > onePartition {
			n = maxPartitions
		}
		e.begin(n)
		if err := e.codeHeld(); err != nil {
			return nil, err
		}
	}
	sizes := make([]byte, 0, 3*maxPartitions)
	for i, c := range t.coders {
		c.end()
		n := t.streams[i].size
		if i < len(t.coders)-1 {
			sizes = append(sizes, byte(n), byte(n>>8), byte(n>>16))
		}
	}
	first, err := e.firstPartition()
	if err != nil {
		return nil, err
	}
	n := first.size
	tag := uint32(n)<<5 | 1<<4 // a key frame of version 0, to be shown
	head := []byte{byte(tag), byte(tag >> 8), byte(tag >> 16), 0x9d, 0x01, 0x2a,
		byte(e.w), byte(e.w >> 8), byte(e.h), byte(e.h >> 8)}
	p := chunk.Pieces{head}
	p = append(p, first.chunks...)
	p = append(p, sizes)
	for i := range t.streams {
		p = append(p, t.streams[i].chunks...)
	}
	return p, nil
}
