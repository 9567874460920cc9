// Package webp reads and writes WebP pictures and animations (RFC 9649).
//
// # The file
//
// A WebP file is a RIFF file: "RIFF", the size of what follows, "WEBP", then chunks of
// a name of four letters, a size, and that many bytes, padded to an even number.
//
//	simple     "VP8 " (lossy) or "VP8L" (lossless), nothing else
//	extended   "VP8X": flags, and the size of the canvas
//	           "ICCP": colour profile
//	           a still: perhaps "ALPH", the alpha of a lossy picture; "VP8 " or "VP8L"
//	           an animation: "ANIM", with the loop count, then an "ANMF" a frame: offset,
//	           size, duration, blending and disposal, then chunks like those of a still
//	           "EXIF", "XMP "
//
// This package reads the container and the alpha; packages vp8 and vp8l decode the
// bitstreams. Lossy pictures are in studio range: luma from 16 to 235, chroma from 16 to
// 240. They are widened to the full range of JFIF here (decode_lossy.go), or become
// colours (decode_colours.go).
//
// # Writing
//
// Encode writes a still, and AnimationWriter an animation (encode_animation.go) of frames
// (encode_frame.go); packages vp8 and vp8l encode the bitstreams. A file begins with its
// size, so what is compressed is held until the last row. encode_riff.go writes the chunks:
// those of a simple file if there are only opaque pixels, else those of an extended one.
//
// # Reading
//
// Open walks all chunks and checks the header of each bitstream, so sizes, the number
// of frames and the metadata are known before anything is decoded. Header and Rows are
// the still, or the first frame of an animation; Select chooses another frame, and
// Animation composes all of them (package canvas). An animation of one frame is a
// still. A first frame that covers the canvas is decoded without a canvas.
//
// A file whose RIFF size reaches beyond its end is truncated, and refused. If the RIFF
// size agrees with the file, but the last chunk is cut, the picture is read and there
// is a note, unless the chunk has pixels. With Limits.Lenient a cut still is read up to
// the cut; the missing rows are transparent if the picture has alpha, else mid-gray. An
// animation ends before its damaged frame. Each has a note. Other damage is refused even
// then.
package webp
