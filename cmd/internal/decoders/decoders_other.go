//go:build !linux || !(amd64 || arm64)

// Package decoders has HEIC and AVIF decoded by programs of the system. Here it can't: the
// jail for them is made for Linux on amd64 and arm64.
package decoders

import "imgtools/pkg/picture/codec"

// Direct returns no decoder.
func Direct(func(func()) func()) codec.Decoder { return nil }
