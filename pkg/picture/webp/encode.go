package webp

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/webp/vp8"
	"imgtools/pkg/picture/webp/vp8l"
)

// EncodeOptions are the choices of Encode.
type EncodeOptions struct {
	Quality  int   // 1 to 100, of lossy pictures
	Lossless bool  // all samples exactly
	Fast     bool  // less time for a larger lossy file
	Bytes    int64 // the largest file wanted; 0: any
	Limits   raster.Limits
}

// Encode writes a still WebP of rows of 8 bits, upright, with their profile and kept
// metadata. A lossy picture is of YCbCr 4:2:0, into which planes of that sampling go as
// they are. Its alpha, if a pixel needs it, is lossless. The compressed picture is held.
//
// With Bytes the best quality is chosen whose file has no more; then a picture with alpha
// is held. A lossless file that is larger becomes a lossy one.
func Encode(w io.Writer, src raster.Rows, o EncodeOptions) error {
	h := src.Header()
	if h.Bits != 8 || h.Orientation != 1 || h.W() < 1 || h.H() < 1 {
		return fault.New(fault.Internal, "write WebP: %d×%d pixels of %d bits, orientation %d", h.W(), h.H(), h.Bits, h.Orientation)
	}
	chunks, err := encode(src, o)
	if err != nil {
		return err
	}
	return writeFile(w, chunks)
}

// encode returns the chunks of a still.
func encode(src raster.Rows, o EncodeOptions) ([]outChunk, error) {
	if !o.Lossless {
		return lossyFile(raster.Expand(src), o)
	}
	src = raster.Packed(src)
	if o.Bytes == 0 {
		return losslessFile(src, o)
	}
	held, err := raster.Hold(src, o.Limits)
	if err != nil {
		return nil, err
	}
	chunks, err := losslessFile(held.Rows(), o)
	if err != nil || fileSize(chunks) <= o.Bytes {
		return chunks, err
	}
	return lossyFile(raster.Expand(held.Rows()), o)
}

// fileSize returns the bytes of a file of chunks.
func fileSize(chunks []outChunk) int64 { return 12 + sizeOf(chunks) }

// losslessFile returns the chunks of a lossless still.
func losslessFile(src raster.Rows, o EncodeOptions) ([]outChunk, error) {
	p, err := vp8l.Compress(src, vp8l.EncodeOptions{Limits: o.Limits})
	if err != nil {
		return nil, err
	}
	h := src.Header()
	var flags byte
	if p.Alpha && (len(h.ICC) > 0 || !h.Keep.Empty()) {
		flags = flagAlpha
	}
	return extended(h, flags, []outChunk{{"VP8L", p.Len(), p}})
}

// lossyFile returns the chunks of a lossy still.
func lossyFile(src raster.Rows, o EncodeOptions) ([]outChunk, error) {
	h := src.Header()
	if o.Bytes > 0 {
		return fitFile(src, o)
	}
	picture, err := lossyChunks(src, o)
	if err != nil {
		return nil, err
	}
	return beside(h, picture)
}

// fitFile returns the chunks of a lossy still of at most o.Bytes. The alpha is coded first,
// to know how many bytes it leaves.
func fitFile(src raster.Rows, o EncodeOptions) ([]outChunk, error) {
	h := src.Header()
	var picture []outChunk
	if h.Layout.HasAlpha() {
		held, err := raster.Hold(vp8l.Clear(src), o.Limits)
		if err != nil {
			return nil, err
		}
		if picture, err = alphaChunk(held.Rows(), o); err != nil {
			return nil, err
		}
		src = raster.DropAlpha(held.Rows())
	}
	others, err := beside(h, append(picture, outChunk{}))
	if err != nil {
		return nil, err
	}
	bits, err := lossyChunk(src, o, fileSize(others))
	if err != nil {
		return nil, err
	}
	return beside(h, append(picture, bits))
}

// beside returns the chunks of a file with those of a lossy still.
func beside(h *raster.Header, picture []outChunk) ([]outChunk, error) {
	var flags byte
	if len(picture) > 1 {
		flags = flagAlpha
	}
	return extended(h, flags, picture)
}

// lossyChunks encodes rows: perhaps a chunk of alpha, and one without it.
func lossyChunks(src raster.Rows, o EncodeOptions) ([]outChunk, error) {
	if !src.Header().Layout.HasAlpha() {
		bits, err := lossyChunk(src, o, 0)
		return []outChunk{bits}, err
	}
	var alpha []outChunk
	var bits outChunk
	for _, err := range raster.Tee(vp8l.Clear(src),
		func(rows raster.Rows) (err error) { bits, err = lossyChunk(raster.DropAlpha(rows), o, 0); return err },
		func(rows raster.Rows) (err error) { alpha, err = alphaChunk(rows, o); return err }) {
		if err != nil {
			return nil, err
		}
	}
	return append(alpha, bits), nil
}

// lossyChunk encodes rows without alpha, for a file of so many bytes around its payload.
func lossyChunk(src raster.Rows, o EncodeOptions, around int64) (outChunk, error) {
	p, err := vp8.EncodePayload(src, vp8.EncodeOptions{Quality: o.Quality, Fast: o.Fast, Bytes: o.Bytes, Around: around, Limits: o.Limits})
	if err != nil {
		return outChunk{}, err
	}
	return outChunk{"VP8 ", p.Len(), p}, nil
}

// alphaChunk encodes the alpha of rows; there is no chunk if all of it is opaque.
func alphaChunk(src raster.Rows, o EncodeOptions) ([]outChunk, error) {
	h := src.Header()
	n := h.Layout.Samples()
	g := *h
	g.Layout, g.ICC, g.Keep = raster.Gray, nil, raster.Metadata{}
	all := uint8(255)
	plane := raster.Filter(src, &g, func(dst, src raster.Plane) {
		for i := range dst.Pix {
			a := src.Pix[n*i+n-1]
			dst.Pix[i] = a
			all &= a
		}
	})
	b, err := vp8l.EncodeAlpha(plane, vp8l.EncodeOptions{Limits: o.Limits})
	if err != nil || all == 255 {
		return nil, err
	}
	return []outChunk{chunkOf("ALPH", b)}, nil
}
