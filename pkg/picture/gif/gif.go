// Package gif reads and writes GIF89a, still and animated, and rewrites the palettes
// of a GIF without decoding its pixels into colours.
//
// # The file
//
// A GIF is a list of blocks (GIF89a, sections 17 to 27):
//
//	"GIF89a"               and the logical screen: size, perhaps a global colour table
//	21 FF "NETSCAPE2.0"    how often the animation is repeated
//	21 F9                  graphic control: delay, disposal, transparent index
//	2C                     a frame: offset, size, perhaps its own colour table, then
//	                       its pixels as indexes, compressed by LZW (decode_lzw.go)
//	…                      more frames, each perhaps after its own graphic control
//	3B                     the trailer
//
// Compressed data and extensions are stored in sub-blocks: a length byte, then that
// many bytes; a length of 0 ends them.
//
// # Reading
//
// Open walks all blocks and skips the pixels, so it knows the number of frames and
// the state of the file before anything is decoded. From a Reader come the first
// frame (Rows), any other one (Select, then Rows), all of them (Animation), or a
// file with other colours (RewritePalette). Each of these parses the file again.
//
// Frames are composed as browsers do it (package canvas). The background is
// transparent. Disposal 2 makes a frame's rectangle transparent, 3 restores it, 4
// means 3, and all others mean none. Frames are clipped to the canvas. If the first
// frame is larger than the logical screen, or the screen is empty, the canvas is
// the first frame.
//
// A file whose pixels are all there is read, and a note says what is odd about it:
// no trailer, no block terminator after the last pixel, no colour table (black and
// white are used), an unknown block after a whole frame (it ends the file), a frame
// that reaches beyond the canvas, an index beyond the colour table (it gets the
// table's darkest colour). A frame with missing pixels is an error. With
// Limits.Lenient it gets a note instead, and missing pixels are transparent if the
// frame has a transparent index, else of the darkest colour; a missing row of an
// interlaced frame repeats the row above it.
//
// # Writing
//
// Encode writes a still. A Writer writes an animation: of each frame the smallest
// rectangle that differs from the canvas before it, where pixels that stay the same
// are transparent. Pictures with more than 256 colours get a palette made for them
// (encode_quantize.go).
package gif

// Introducers and labels of blocks, and flags of the screen and of frames: GIF89a,
// sections 18, 20 and 23 to 27.
const (
	blockExtension = 0x21
	blockImage     = 0x2c
	blockTrailer   = 0x3b

	labelControl     = 0xf9
	labelApplication = 0xff

	flagTable      = 0x80 // a colour table of 2^(1 + low three bits) entries follows
	flagInterlaced = 0x40
)

// Disposal methods, GIF89a section 23. Frames in memory have no others.
const (
	disposeNone       = 1 // 0 means the same
	disposeBackground = 2
	disposePrevious   = 3
)
