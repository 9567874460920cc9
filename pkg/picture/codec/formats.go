package codec

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/picture/bmp"
	"imgtools/pkg/picture/gif"
	"imgtools/pkg/picture/ico"
	"imgtools/pkg/picture/jpeg"
	"imgtools/pkg/picture/png"
	"imgtools/pkg/picture/pnm"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/tiff"
	"imgtools/pkg/picture/webp"
)

// coder reads and writes one format. What a format can hold is said in package
// format; this is the code that does it.
type coder struct {
	// open reads the header; nil: the format is read as its family's, or not at all.
	open func(in io.ReaderAt, size int64, lim raster.Limits) (raster.Reader, error)
	// fit changes rows to what a file of the format holds.
	fit func(raster.Rows) raster.Rows
	// encode writes rows that fit has been given.
	encode func(w io.Writer, rows raster.Rows, o Options) error
	// animate starts an animation, whose frames fit has been given; nil: the format has
	// none.
	animate func(w io.Writer, o AnimationOptions) (FrameWriter, error)
	// fitAnimation writes one of at most o.Bytes; see FitAnimation. nil: the format has no
	// quality to choose.
	fitAnimation func(w io.Writer, o AnimationOptions, play webp.Play) error
}

// coders has a row for each format that is read or written.
var coders = map[string]coder{
	format.JPEG: {open: reader(jpeg.Open), fit: fitJPEG,
		encode: func(w io.Writer, rows raster.Rows, o Options) error {
			return jpeg.Encode(w, rows, jpeg.EncodeOptions{Quality: o.Quality, Fast: o.Fast, Progressive: o.Progressive, Bytes: o.Bytes, Limits: o.Limits})
		}},
	format.PNG: {open: reader(png.Open), fit: raster.Packed,
		encode: func(w io.Writer, rows raster.Rows, o Options) error {
			return png.Encode(w, rows, png.EncodeOptions{Depth: o.Depth})
		},
		animate: func(w io.Writer, o AnimationOptions) (FrameWriter, error) {
			return png.NewAnimation(w, png.AnimationOptions{Frames: o.Frames, Loop: o.Loop, Colours: o.Colours, Limits: o.Limits}), nil
		}},
	format.GIF: {open: reader(gif.Open), fit: fitPacked8,
		encode: func(w io.Writer, rows raster.Rows, o Options) error { return gif.Encode(w, rows, o.Limits) },
		animate: func(w io.Writer, o AnimationOptions) (FrameWriter, error) {
			return gif.NewWriter(w, o.W, o.H, o.Loop, o.Limits)
		}},
	format.WebP: {open: reader(webp.Open), fit: raster.To8,
		encode: func(w io.Writer, rows raster.Rows, o Options) error { return webp.Encode(w, rows, webpOptions(o)) },
		animate: func(w io.Writer, o AnimationOptions) (FrameWriter, error) {
			return webp.NewAnimation(w, o.Loop, webpOptions(o.Options)), webpFrames(o)
		},
		fitAnimation: func(w io.Writer, o AnimationOptions, play webp.Play) error {
			if err := webpFrames(o); err != nil {
				return err
			}
			return webp.FitAnimation(w, o.Loop, webpOptions(o.Options), play)
		}},
	format.BMP: {open: reader(bmp.Open), fit: fitPacked8,
		encode: func(w io.Writer, rows raster.Rows, o Options) error {
			return bmp.Encode(w, rows, bmp.EncodeOptions{Depth: o.Depth})
		}},
	format.ICO: {open: reader(ico.Open)},
	format.TIFF: {open: reader(tiff.Open), fit: fitTIFF,
		encode: func(w io.Writer, rows raster.Rows, o Options) error {
			return tiff.Encode(w, rows, tiff.EncodeOptions{Depth: o.Depth, Uncompressed: o.Plain, Limits: o.Limits})
		}},
	format.PNM: {open: reader(pnm.Open), fit: fitPAM},
	format.PGM: {fit: fitPGM, encode: encodePNM(false)},
	format.PPM: {fit: fitPPM, encode: encodePNM(false)},
	format.PAM: {fit: fitPAM, encode: encodePNM(true)},
}

// reader makes the Open of a format's package one that returns a raster.Reader.
func reader[R raster.Reader](open func(io.ReaderAt, int64, raster.Limits) (R, error)) func(io.ReaderAt, int64, raster.Limits) (raster.Reader, error) {
	return func(in io.ReaderAt, size int64, lim raster.Limits) (raster.Reader, error) {
		r, err := open(in, size, lim)
		if err != nil {
			return nil, err
		}
		return r, nil
	}
}

func webpOptions(o Options) webp.EncodeOptions {
	return webp.EncodeOptions{Quality: o.Quality, Lossless: o.Lossless, Fast: o.Fast, Bytes: o.Bytes, Limits: o.Limits}
}

// webpFrames refuses an animation of too many frames before the first is coded.
func webpFrames(o AnimationOptions) error {
	if o.Frames > webp.MaxFrames {
		return fault.New(fault.TooLarge, "%d frames > %d in a WebP; with format=png there may be more", o.Frames, webp.MaxFrames)
	}
	return nil
}

func encodePNM(pam bool) func(io.Writer, raster.Rows, Options) error {
	return func(w io.Writer, rows raster.Rows, o Options) error {
		return pnm.Encode(w, rows, pnm.EncodeOptions{PAM: pam})
	}
}
