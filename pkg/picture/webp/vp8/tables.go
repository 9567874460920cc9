package vp8

// The constants that the encoder and the decoder share. Sections are those of RFC 6386.
// The long tables of probabilities are in tables_probabilities.go.

// maxSide is the largest width and height, in pixels: 14 bits (section 9.1).
const maxSide = 1<<14 - 1

// maxPartitions is the largest number of partitions with tokens (section 9.5).
const maxPartitions = 8

// segments is the number of segments, groups of macroblocks with a quantizer and a filter
// strength of their own (section 9.3).
const segments = 4

// mode is a way to predict a block from the pixels above it and to the left (section 12).
// Luma of 16×16 and chroma have the first four. A macroblock whose luma is predicted by
// 4×4 has a mode for each of its 16 blocks.
//
// The numbers follow the leaves of blockModeTree from left to right. They index
// blockModeProbs; the file itself has no numbers of modes.
type mode = uint8

const (
	modeDC = iota // the mean of the pixels above and to the left
	modeTM        // TrueMotion: left + above - above left
	modeV         // the row above; for 4×4 smoothed by 1 2 1
	modeH         // the column to the left; for 4×4 smoothed by 1 2 1
	modeRD        // right and down: along the diagonal from above left
	modeVR        // vertical, leaning to the right
	modeLD        // left and down: along the diagonal from above right
	modeVL        // vertical, leaning to the left
	modeHD        // horizontal, leaning down
	modeHU        // horizontal, leaning up

	modes           // how many there are
	mode4x4 = modes // of a macroblock: each block has a mode of its own
)

// Pixels outside the picture, as prediction takes them: above it, and to the left of it
// below its first row (section 12).
const (
	outsideAbove = 127
	outsideLeft  = 129
)

// A tree is a list of pairs: tree[i] follows bit 0 at node i and tree[i+1] bit 1. A
// positive entry is the next node, another one is minus a leaf (section 8.1). Node i is
// coded with probability i/2 of the list that belongs to the tree.
type tree []int8

// Trees and probabilities of key frames (sections 9.3, 11.2 and 11.4).
var (
	segmentTree = tree{2, 4, -0, -1, -2, -3} // probabilities from the header

	lumaModeTree  = tree{-mode4x4, 2, 4, 6, -modeDC, -modeV, -modeH, -modeTM}
	lumaModeProbs = [4]uint8{145, 156, 163, 128}

	chromaModeTree  = tree{-modeDC, 2, -modeV, 4, -modeH, -modeTM}
	chromaModeProbs = [3]uint8{142, 114, 183}

	blockModeTree = tree{ // probabilities: blockModeProbs[above][left]
		-modeDC, 2,
		-modeTM, 4,
		-modeV, 6,
		8, 12,
		-modeH, 10,
		-modeRD, -modeVR,
		-modeLD, 14,
		-modeVL, 16,
		-modeHD, -modeHU,
	}
)

// Types of blocks of coefficients, the first index of coefProbs (section 13.3).
const (
	typeLumaAC = iota // luma whose DC is in the block Y2; it begins with coefficient 1
	typeY2            // the DCs of 16 blocks of luma
	typeChroma        // U and V
	typeLuma          // luma with its DC: of macroblocks predicted by 4×4, which have no Y2
	blockTypes
)

// Sizes of coefProbs.
const (
	bands     = 8  // of positions in zig-zag order: bandOf
	contexts  = 3  // what came before: 0: a zero, or blocks without tokens; 1: ±1, or one such block with tokens; 2: more
	probCount = 11 // nodes of tokenTree
)

// coefProbs is the probabilities of the tokens of coefficients (section 13.4).
type coefProbs [blockTypes][bands][contexts][probCount]uint8

// Tokens, the leaves of tokenTree (section 13.2). A category token is followed by extra
// bits, from the most significant one, coded with categoryProbs. All tokens but zero and
// end of block are followed by a sign, coded with probability 128; 1 is negative.
const (
	tokenZero = iota
	tokenOne
	tokenTwo
	tokenThree
	tokenFour
	tokenCategory1 // 5 and 6: 1 extra bit
	tokenCategory2 // 7 to 10: 2
	tokenCategory3 // 11 to 18: 3
	tokenCategory4 // 19 to 34: 4
	tokenCategory5 // 35 to 66: 5
	tokenCategory6 // 67 to 2114: 11
	tokenEnd       // no coefficients follow that are not 0
)

// tokenTree begins at node 0, but at node 2 after a zero, which no end of block follows.
var tokenTree = tree{
	-tokenEnd, 2,
	-tokenZero, 4,
	-tokenOne, 6,
	8, 12,
	-tokenTwo, 10,
	-tokenThree, -tokenFour,
	14, 16,
	-tokenCategory1, -tokenCategory2,
	18, 20,
	-tokenCategory3, -tokenCategory4,
	-tokenCategory5, -tokenCategory6,
}

// categoryBase and categoryProbs are the smallest value of each category token, from
// tokenCategory1, and the probabilities of its extra bits.
var (
	categoryBase  = [6]int{5, 7, 11, 19, 35, 67}
	categoryProbs = [6][]uint8{
		{159},
		{165, 145},
		{173, 148, 140},
		{176, 155, 140, 135},
		{180, 157, 141, 134, 130},
		{254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129},
	}
)

// zigzag is the position in a block, row by row, of each coefficient in coded order
// (section 13). bandOf is its band; the entry behind the last coefficient is for readers
// that look up the next band early.
var (
	zigzag = [16]uint8{0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15}
	bandOf = [17]uint8{0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0}
)

// Quantizer steps by index, 0 to 127 (section 14.1). Of a block Y2 the DC step is twice
// that of dcSteps, the AC step 155/100 of that of acSteps and at least minY2AC. The DC
// step of chroma is at most maxChromaDC.
const (
	maxIndex    = 127
	minY2AC     = 8
	maxChromaDC = 132
)

var dcSteps = [maxIndex + 1]uint16{
	4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 13, 14, 15, 16, 17, 17,
	18, 19, 20, 20, 21, 21, 22, 22, 23, 23, 24, 25, 25, 26, 27, 28,
	29, 30, 31, 32, 33, 34, 35, 36, 37, 37, 38, 39, 40, 41, 42, 43,
	44, 45, 46, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58,
	59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74,
	75, 76, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89,
	91, 93, 95, 96, 98, 100, 101, 102, 104, 106, 108, 110, 112, 114, 116, 118,
	122, 124, 126, 128, 130, 132, 134, 136, 138, 140, 143, 145, 148, 151, 154, 157,
}

var acSteps = [maxIndex + 1]uint16{
	4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,
	36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
	52, 53, 54, 55, 56, 57, 58, 60, 62, 64, 66, 68, 70, 72, 74, 76,
	78, 80, 82, 84, 86, 88, 90, 92, 94, 96, 98, 100, 102, 104, 106, 108,
	110, 112, 114, 116, 119, 122, 125, 128, 131, 134, 137, 140, 143, 146, 149, 152,
	155, 158, 161, 164, 167, 170, 173, 177, 181, 185, 189, 193, 197, 201, 205, 209,
	213, 217, 221, 225, 229, 234, 239, 245, 249, 254, 259, 264, 269, 274, 279, 284,
}
