// Package vp8 reads and writes the bitstream of a lossy WebP picture: one key frame of
// VP8 (RFC 6386).
package vp8
