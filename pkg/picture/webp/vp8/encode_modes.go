package vp8

// modeSet has a bit for each mode.
type modeSet uint16

const allModes modeSet = 1<<(mode4x4+1) - 1

func (s modeSet) has(m mode) bool { return s>>m&1 != 0 }

// modeSets are the modes that are tried.
type modeSets struct{ luma, chroma modeSet }

// squareModes are the modes of 16×16 luma and of chroma.
var squareModes = [4]mode{modeDC, modeV, modeH, modeTM}

// modeBudget keeps the modes within the first partition, 524,287 bytes. A macroblock by
// 4×4 takes some 4 bytes on noise, so those of a picture over some 32 Mpixel may be too
// many. Then they are spent evenly over the picture: macroblocks above the pace are
// predicted by 16×16. Costs are in 1/256 bit.
type modeBudget struct {
	total, spent int
	all, done    int // macroblocks
	flags        int // of a macroblock beside its modes: its segment, and whether it has tokens
	slack        int // what may be spent ahead of the pace
}

const (
	// modeHeaderBits is enough for the header and new probabilities of tokens: of 1056 each
	// takes 9 bits at most, and most have none.
	modeHeaderBits = 1200 * 8
	modeSlack      = 64 << 10 * 256
	// plainFrom is the number of macroblocks from which there is no room for flags.
	plainFrom = 400_000
)

func (b *modeBudget) init(macroblocks int) {
	*b = modeBudget{all: macroblocks, slack: modeSlack}
	if macroblocks < plainFrom {
		b.flags = 3 * 256
	}
	// The boolean coder takes up to 1 % more than the sum of the costs.
	b.total = (maxFirst*8-modeHeaderBits)*254 - macroblocks*b.flags
}

// allows reports whether the modes of the next macroblock may take so many bits.
func (b *modeBudget) allows(bits int) bool {
	bits += b.spent
	least := lumaModeCost[modeDC] + chromaModeCost[modeDC]
	return bits <= b.total-(b.all-b.done-1)*least && bits <= b.total/b.all*(b.done+1)+b.slack
}

func (b *modeBudget) spend(bits int) { b.spent, b.done = b.spent+bits, b.done+1 }

// lumaModeBits returns the cost of the modes of luma of the macroblock in work.
func (e *encoder) lumaModeBits() int {
	mb := &e.mb
	bits := lumaModeCost[mb.mode]
	if mb.mode == mode4x4 {
		for b, m := range mb.modes {
			above, left := e.modesAround(b)
			bits += blockModeCost[above][left][m]
		}
	}
	return bits
}

// modeInfo is what the first partition says of a macroblock.
type modeInfo struct {
	segment, luma, chroma uint8
	skip                  bool
	blocks                [16]mode // if luma is mode4x4
}

// append packs m into 2 bytes, or 10 with modes of blocks.
func (m *modeInfo) append(b []byte) []byte {
	flags := m.segment<<1 | m.chroma<<3
	if m.skip {
		flags |= 1
	}
	b = append(b, m.luma, flags)
	if m.luma == mode4x4 {
		for i := 0; i < 16; i += 2 {
			b = append(b, m.blocks[i]<<4|m.blocks[i+1])
		}
	}
	return b
}

// read unpacks what append packed.
func (m *modeInfo) read(s *stream) {
	var b [8]byte
	s.read(b[:2])
	m.luma, m.skip, m.segment, m.chroma = b[0], b[1]&1 != 0, b[1]>>1&3, b[1]>>3
	if m.luma == mode4x4 {
		s.read(b[:])
		for i, v := range b {
			m.blocks[2*i], m.blocks[2*i+1] = v>>4, v&15
		}
	}
}

// recordModes keeps the modes of the macroblock in work for the first partition.
func (e *encoder) recordModes(skip bool) {
	mb := &e.mb
	e.modes.spend(e.lumaModeBits() + chromaModeCost[mb.chromaMode])
	m := modeInfo{segment: uint8(mb.segment), luma: mb.mode, chroma: mb.chromaMode, skip: skip, blocks: mb.modes}
	var b [10]byte
	e.info.write(m.append(b[:0]))
}
