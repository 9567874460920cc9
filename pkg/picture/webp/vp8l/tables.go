package vp8l

import "imgtools/pkg/fault"

// MaxSide is the largest width and height that a header can hold, in pixels, less one:
// the format's own 16,384 is one more than VP8 allows, and a file may need both.
const MaxSide = 16383

// Kinds of transform, as two bits say them (RFC 9649, 4).
const (
	transformPredict  = 0
	transformColour   = 1
	transformGreen    = 2
	transformIndexing = 3
)

// Alphabets (RFC 9649, 6.2). The first one, called green, has green values, length
// prefixes and indexes of the colour cache.
const (
	numLiterals  = 256
	numLengths   = 24
	numDistances = 40
	maxCacheBits = 11
	maxCodeLen   = 15 // bits of a prefix code
)

// Limits of a copy.
const (
	maxLength   = 4096            // pixels
	maxDistance = 1<<20 - 120     // pixels
	numNear     = len(nearPixels) // distance codes that are offsets in two dimensions
)

const (
	signature = 0x2f
	opaque    = 0xff000000 // alpha of a pixel that nothing shows through
)

// codeLengthOrder is the order in which the lengths of the code for code lengths are
// written (RFC 9649, 6.2.1): rare ones last, so that they can be left out.
var codeLengthOrder = [19]uint8{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// nearPixels says for the distance codes 1 to 120 how many pixels to the left and how many
// rows up the copy begins (RFC 9649, 5.2.2).
var nearPixels = [120][2]int8{
	{0, 1}, {1, 0}, {1, 1}, {-1, 1}, {0, 2}, {2, 0}, {1, 2}, {-1, 2}, {2, 1}, {-2, 1},
	{2, 2}, {-2, 2}, {0, 3}, {3, 0}, {1, 3}, {-1, 3}, {3, 1}, {-3, 1}, {2, 3}, {-2, 3},
	{3, 2}, {-3, 2}, {0, 4}, {4, 0}, {1, 4}, {-1, 4}, {4, 1}, {-4, 1}, {3, 3}, {-3, 3},
	{2, 4}, {-2, 4}, {4, 2}, {-4, 2}, {0, 5}, {3, 4}, {-3, 4}, {4, 3}, {-4, 3}, {5, 0},
	{1, 5}, {-1, 5}, {5, 1}, {-5, 1}, {2, 5}, {-2, 5}, {5, 2}, {-5, 2}, {4, 4}, {-4, 4},
	{3, 5}, {-3, 5}, {5, 3}, {-5, 3}, {0, 6}, {6, 0}, {1, 6}, {-1, 6}, {6, 1}, {-6, 1},
	{2, 6}, {-2, 6}, {6, 2}, {-6, 2}, {4, 5}, {-4, 5}, {5, 4}, {-5, 4}, {3, 6}, {-3, 6},
	{6, 3}, {-6, 3}, {0, 7}, {7, 0}, {1, 7}, {-1, 7}, {5, 5}, {-5, 5}, {7, 1}, {-7, 1},
	{4, 6}, {-4, 6}, {6, 4}, {-6, 4}, {2, 7}, {-2, 7}, {7, 2}, {-7, 2}, {3, 7}, {-3, 7},
	{7, 3}, {-7, 3}, {5, 6}, {-5, 6}, {6, 5}, {-6, 5}, {8, 0}, {4, 7}, {-4, 7}, {7, 4},
	{-7, 4}, {8, 1}, {8, 2}, {6, 6}, {-6, 6}, {8, 3}, {5, 7}, {-5, 7}, {7, 5}, {-7, 5},
	{8, 4}, {6, 7}, {-6, 7}, {7, 6}, {-7, 6}, {8, 5}, {7, 7}, {-7, 7}, {8, 6}, {8, 7},
}

// checkSides refuses a picture that the format can't hold.
func checkSides(w, h int) error {
	if w > MaxSide || h > MaxSide {
		return fault.New(fault.TooLarge, "%d×%d: WebP has sides up to %d pixels", w, h, MaxSide)
	}
	return nil
}
