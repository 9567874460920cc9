// Package vp8l reads and writes the bitstream of a lossless WebP picture, VP8L (RFC 9649
// section 3).
package vp8l
