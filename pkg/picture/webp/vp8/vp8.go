// Package vp8 reads and writes the bitstream of a lossy WebP picture: one key frame of
// VP8 (RFC 6386).
//
// # The frame
//
// A macroblock is 16×16 pixels of luma and 8×8 samples each of Cb and Cr. It is predicted
// from the pixels above it and to the left, as a whole or in blocks of 4×4; what is left is
// transformed in blocks of 4×4, quantized, and written as tokens. All numbers are coded by
// a boolean entropy coder, bit by bit with a probability each.
//
//	header            size; 10 bytes
//	first partition   segments, loop filter, quantizer, probabilities of tokens; then of
//	                  each macroblock its segment, whether it has tokens, and its modes
//	sizes             of all partitions with tokens but the last one
//	1 to 8 partitions tokens; row y of macroblocks is in partition y modulo their number
//
// # Encoding
//
// EncodePayload pulls rows and codes one row of macroblocks, 16 lines, after another:
//
//	rows ── source ── segment ── luma, chroma ── pack ── tokens ┐
//	      studio range  step      mode, levels   hold           ├─ Payload
//	                                    └──────── modes ────────┘
//
// encode_source.go and encode_rgb.go bring rows to Y, Cb and Cr of studio range.
// encode_segments.go gives each macroblock a segment, and with it a quantizer, by how
// much its pixels vary. encode_luma.go, encode_luma4.go and encode_chroma.go try the modes
// of encode_predict.go: for each the difference to the prediction is transformed and
// quantized (encode_lanes.go), and its levels get a price in bits (encode_costs.go). The
// mode with the least error plus λ times bits wins. The macroblock is then rebuilt as a
// decoder will, before its loop filter, since the next predictions refer to it. Where its
// tokens are not worth their bits it has none (encode_empty.go).
//
// Levels are packed and counted (encode_tokens.go). Probabilities of tokens stand in the
// file before the tokens, so packed rows are held, up to 24 MiB, until those of the
// picture are known; rows beyond that are coded as they come (encode_partition.go). The
// probabilities so far also price the levels of the rows that follow. Modes are kept for
// the first partition (encode_modes.go, encode_first.go), which is written last, by the
// boolean coder of encode_bool.go.
//
// Most of the time goes into work on 16 blocks at once, their samples side by side: see
// lanes. Its steps have plain and vector twins, which give the same files.
//
// # Decoding
//
// NewDecoder reads the header; Next decodes a row of macroblocks and returns the rows of
// pixels that are final, a Strip. A row passes these steps:
//
//	decode_bool.go        bits of a partition, which is read through a window
//	decode_header.go      what holds for the frame
//	decode_macroblock.go  modes, then tokens, then pixels of a macroblock
//	decode_tokens.go      coefficients
//	decode_predict.go     prediction
//	decode_transform.go   residue
//	decode_filter.go      loop filter, when the row is whole
//	decode_filter_lanes.go  its arithmetic on four samples at a time
//	decode_rows.go        rows that later macroblocks don't change
//
// Prediction reads pixels as they were before the loop filter, so the last row of pixels
// is kept before it is filtered. The filter of a row of macroblocks changes three rows
// above it. So a strip ends eight rows above the end of its macroblocks.
//
// A frame that is cut ends with ErrTruncated in the row of macroblocks where its data
// end; Rest then returns what is left of the rows before.
package vp8
