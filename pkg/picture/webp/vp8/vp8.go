// Package vp8 reads and writes the bitstream of a lossy WebP picture: one key frame of
// VP8 (RFC 6386).
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
// much its pixels vary. encode_luma.go and encode_chroma.go try the modes of
// encode_predict.go: for each the difference to the prediction is transformed and
// quantized (encode_lanes.go), and its levels get a price in bits (encode_costs.go). The
// mode with the least error plus λ times bits wins. The macroblock is then rebuilt as a
// decoder will, before its loop filter, since the next predictions refer to it.
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
package vp8
