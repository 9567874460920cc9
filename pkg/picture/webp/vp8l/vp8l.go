// Package vp8l reads and writes the lossless pictures of WebP (RFC 9649): the payload of a "VP8L"
// chunk, and that of an "ALPH" chunk, which is the alpha plane of a lossy picture.
//
// A pixel is a uint32, alpha in the highest byte, then red, green and blue. A picture is
// first transformed, so that pixels become small or few, then coded:
//
//	RGB rows ── subtract green ── predict ── cross colour ──┐
//	indexes  ── bundle ─────────────────────────────────────┴─ LZ77, colour cache ── prefix codes
//
// In the file the order is another one. The data of all transforms comes first, then all
// prefix codes, then the pixels:
//
//	head      size, alpha, transforms with their small pictures: a predictor for each tile …
//	groups    bits of the colour cache; a small picture that says which group of five
//	          prefix codes each tile uses; the groups
//	body      literals, copies and cache hits, row after row
//
// The encoder needs no second look at the pixels for that. It reads a band of about 2^19
// pixels, chooses for it what can be chosen tile by tile (predictors, multipliers, groups
// of codes), and appends its bits to the body. Only what holds for the whole picture is
// fixed by the first band: which transforms there are, and the size of the cache. Memory
// is the band, 2^20 pixels before it for LZ77, and the body, which is the output.
//
//	encode.go            from rows to bands, and the payload at the end
//	encode_palette.go    up to 256 colours: indexes, several in a pixel
//	encode_analyse.go    which transforms pay
//	encode_predict.go    a predictor for each tile (RFC 9649, 4.1)
//	encode_colour.go     cross colour: red and blue from green (4.2)
//	encode_match.go      LZ77: copies, and the parse of differences (5.2.2)
//	encode_places.go     tables of where pixels began, for LZ77
//	encode_hashes.go     hashes of pixels for those tables
//	encode_costs.go      what pixels cost as literals, for that parse
//	encode_parse.go      the parse of graphics, by shortest path
//	encode_coder.go      a band from pixels to bits
//	encode_cache.go      colour cache (5.2.3)
//	encode_groups.go     tiles with similar statistics share a group of codes (5.2.4, 6.2)
//	encode_prefix.go     prefix codes of at most 15 bits, and how they are written (6.2.1)
//	encode_tokens.go     bits of tokens; small pictures
//	encode_alpha.go      "ALPH"
//	encode_clear.go      colours that nobody sees, for the lossy encoder
//
// # Decoding
//
// NewDecoder reads the data of the transforms and the codes; Next decodes a row of pixels
// and undoes the transforms, the last one first. A picture in the file, small ones for
// tiles included, is decoded by pixels, which keeps 2^20 pixels in a ring.
//
//	decode_bits.go       bits of the data, which are read through a window
//	decode_prefix.go     tables of prefix codes (6.2)
//	decode_groups.go     groups of five codes, with tables of whole pixels if codes are short
//	decode_pixels.go     literals, copies and cache hits (5.2)
//	decode_transform.go  colour transforms and palettes (4.2 to 4.4)
//	decode_predict.go    predictors (4.1)
//	decode_rows.go       rows; the order of all that
//
// Data that are cut end with ErrTruncated in the row where they end. The rows before it
// are right.
package vp8l
