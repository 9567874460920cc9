package codec

import (
	"bytes"
	"encoding/binary"
	"io"

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
	// is reports whether a file that begins with head has the format; nil: the format
	// is read as its family's.
	is func(head []byte) bool
	// open reads the header.
	open func(in io.ReaderAt, size int64, lim raster.Limits) (raster.Reader, error)
	// fit changes rows to what a file of the format holds.
	fit func(raster.Rows) raster.Rows
	// encode writes rows that fit has been given.
	encode func(w io.Writer, rows raster.Rows, o Options) error
	// animate starts an animation, whose frames fit has been given; nil: the format has
	// none.
	animate func(w io.Writer, o AnimationOptions) (FrameWriter, error)
}

// coders has a row for each format that is read or written.
var coders = map[string]coder{
	format.JPEG: {is: isJPEG, open: reader(jpeg.Open), fit: fitJPEG,
		encode: func(w io.Writer, rows raster.Rows, o Options) error {
			return jpeg.Encode(w, rows, jpeg.EncodeOptions{Quality: o.Quality, Fast: o.Fast, Progressive: o.Progressive, Bytes: o.Bytes, Limits: o.Limits})
		}},
	format.PNG: {is: isPNG, open: reader(png.Open), fit: raster.Packed,
		encode: func(w io.Writer, rows raster.Rows, o Options) error {
			return png.Encode(w, rows, png.EncodeOptions{Depth: o.Depth})
		},
		animate: func(w io.Writer, o AnimationOptions) (FrameWriter, error) {
			return png.NewAnimation(w, png.AnimationOptions{Frames: o.Frames, Loop: o.Loop, Colours: o.Colours, Limits: o.Limits}), nil
		}},
	format.GIF: {is: isGIF, open: reader(gif.Open), fit: fitPacked8,
		encode: func(w io.Writer, rows raster.Rows, o Options) error { return gif.Encode(w, rows, o.Limits) },
		animate: func(w io.Writer, o AnimationOptions) (FrameWriter, error) {
			return gif.NewWriter(w, o.W, o.H, o.Loop, o.Limits)
		}},
	format.WebP: {is: isWebP, open: reader(webp.Open), fit: raster.To8,
		encode: func(w io.Writer, rows raster.Rows, o Options) error { return webp.Encode(w, rows, webpOptions(o)) },
		animate: func(w io.Writer, o AnimationOptions) (FrameWriter, error) {
			return webp.NewAnimation(w, o.Loop, webpOptions(o.Options)), nil
		}},
	format.BMP: {is: isBMP, open: reader(bmp.Open), fit: fitPacked8,
		encode: func(w io.Writer, rows raster.Rows, o Options) error {
			return bmp.Encode(w, rows, bmp.EncodeOptions{Depth: o.Depth})
		}},
	format.ICO: {is: isICO, open: reader(ico.Open)},
	format.TIFF: {is: isTIFF, open: reader(tiff.Open), fit: fitTIFF,
		encode: func(w io.Writer, rows raster.Rows, o Options) error {
			return tiff.Encode(w, rows, tiff.EncodeOptions{Depth: o.Depth, Uncompressed: o.Plain, Limits: o.Limits})
		}},
	format.PNM: {is: isPNM, open: reader(pnm.Open), fit: fitPAM},
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

func encodePNM(pam bool) func(io.Writer, raster.Rows, Options) error {
	return func(w io.Writer, rows raster.Rows, o Options) error {
		return pnm.Encode(w, rows, pnm.EncodeOptions{PAM: pam})
	}
}

// SOF55 begins a JPEG-LS file, which is not JPEG.
func isJPEG(head []byte) bool {
	return at(head, 0, "\xff\xd8\xff") && !at(head, 0, "\xff\xd8\xff\xf7")
}

func isPNG(head []byte) bool  { return at(head, 0, "\x89PNG\r\n\x1a\n") }
func isGIF(head []byte) bool  { return at(head, 0, "GIF87a") || at(head, 0, "GIF89a") }
func isWebP(head []byte) bool { return at(head, 0, "RIFF") && at(head, 8, "WEBP") }

// isTIFF also knows BigTIFF, which has + for *.
func isTIFF(head []byte) bool {
	for _, magic := range []string{"II*\x00", "MM\x00*", "II+\x00", "MM\x00+"} {
		if at(head, 0, magic) {
			return true
		}
	}
	return false
}

// isBMP also checks the size of the information header, as two letters are little
// proof: BITMAPCOREHEADER has 12 bytes, the headers of OS/2 2 16 to 64, those of
// Windows 40 to 124.
func isBMP(head []byte) bool {
	if !bytes.HasPrefix(head, []byte("BM")) || len(head) < 18 {
		return false
	}
	n := binary.LittleEndian.Uint32(head[14:])
	return n == 12 || n >= 16 && n <= 124
}

// isICO also checks the number of pictures and the offset of the first, as 00 00 01 00
// is little proof.
func isICO(head []byte) bool {
	if !at(head, 0, "\x00\x00\x01\x00") && !at(head, 0, "\x00\x00\x02\x00") || len(head) < 22 {
		return false
	}
	count, offset := binary.LittleEndian.Uint16(head[4:]), binary.LittleEndian.Uint32(head[18:])
	return count > 0 && int64(offset) >= 6+16*int64(count)
}

// isPNM knows P1 to P7, followed by white space or a comment.
func isPNM(head []byte) bool {
	return len(head) >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '7' && (space(head[2]) || head[2] == '#')
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// at reports whether b has s at byte i.
func at(b []byte, i int, s string) bool {
	return len(b) >= i+len(s) && string(b[i:i+len(s)]) == s
}
