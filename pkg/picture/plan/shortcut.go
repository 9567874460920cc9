package plan

import (
	"errors"
	"image/color"
	"io"

	"imgtools/pkg/picture/colour"
	"imgtools/pkg/picture/gif"
	"imgtools/pkg/picture/jpeg"
	"imgtools/pkg/picture/png"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/webp"
)

// againQuality is the quality of a JPEG that would have been copied but for its
// orientation or sampling, or the place of its part: coding it again must lose little.
const againQuality = 95

// shortcut writes a picture that keeps its size and format without decoding it, where
// its format allows that, and leaves its metadata out. It reports whether it did.
func (j *job) shortcut(out io.Writer) (bool, error) {
	if !j.sameSize() || j.pads() || j.out.Name != j.p.Format || j.Ops.Has("frame") {
		return false, nil
	}
	h := j.p.Header()
	keepsPixels := !j.cropped() && j.background == nil
	switch r := j.p.Reader.(type) {
	case *gif.Reader: // all frames
		if keepsPixels {
			return true, gif.RewritePalette(out, r, j.paletteColour())
		}
	case *png.Reader:
		switch {
		case !keepsPixels || h.Orientation != 1 || j.animated() != nil:
		case h.Layout == raster.Indexed && j.keepsColoursOf(h):
			return true, png.RewritePalette(out, r, j.paletteColour())
		case h.Layout == raster.Gray && j.gray && !j.toSRGB():
			return true, png.CopyGray(out, r, j.grayer.ICC())
		}
	case *jpeg.Reader:
		return j.copyJPEG(out, r)
	case *webp.Reader:
		if keepsPixels && j.animated() == nil {
			return j.copyWebP(out, r)
		}
	}
	return false, nil
}

// copyWebP copies a lossy WebP: to code it again would lose some of it. That is impossible
// if a quality is asked for, or if colours change. If a number of bytes is asked for, a
// copy that is larger is dropped, and the picture coded again.
func (j *job) copyWebP(out io.Writer, r *webp.Reader) (bool, error) {
	h := j.p.Header()
	if j.quality != 0 || j.lossless || j.gray || j.toSRGB() && !colour.IsSRGB(h) {
		return false, nil
	}
	if j.toSRGB() {
		h.ICC = nil
	}
	small := &atMost{most: j.Ops.Int("bytes")}
	to := out
	if j.Ops.Has("bytes") {
		to = small
	}
	done, err := webp.Copy(to, r)
	switch {
	case errors.Is(err, errTooLarge), !done && err == nil:
		return false, j.reopen()
	case to == small && err == nil:
		_, err = out.Write(small.b)
	}
	return done, err
}

// keepsColoursOf reports whether a copy without the profile, but with the coding, means
// the same as the result.
func (j *job) keepsColoursOf(h *raster.Header) bool {
	if j.gray {
		return j.grayer.ICC() == nil && j.grayer.Coding() == h.Coding
	}
	return h.ICC == nil && (h.Coding == raster.Coding{} || !j.toSRGB())
}

// paletteColour returns what becomes of each colour of a palette.
func (j *job) paletteColour() func(color.NRGBA) color.NRGBA {
	if j.gray {
		return j.grayer.Color
	}
	return func(c color.NRGBA) color.NRGBA { return c }
}

// copyJPEG copies the coefficients of a JPEG, or of a part of it: all of them, or for
// gray those of Y, which is Rec. 601 luma. That is impossible if a quality is asked for, if gray needs
// other weights or another tone, or if colours change. If package jpeg cannot copy,
// because of the orientation, the sampling or where the part begins, the picture is coded
// again with little loss. If a number of bytes is asked for, a copy that is larger is
// dropped, and the picture coded again.
func (j *job) copyJPEG(out io.Writer, r *jpeg.Reader) (bool, error) {
	h := j.p.Header()
	switch {
	case j.quality != 0, j.gray && !j.grayer.CopiesY(), j.toSRGB() && (r.IsCMYK() || !colour.IsSRGB(h)):
		return false, nil
	case j.toSRGB():
		r.DropProfile()
	}
	if j.Ops.Has("progressive") {
		r.WriteProgressive()
	}
	if !j.Ops.Has("bytes") {
		done, err := j.copyCoefficients(out, r)
		if !done && err == nil {
			j.quality = againQuality
		}
		return done, err
	}
	small := &atMost{most: j.Ops.Int("bytes")}
	done, err := j.copyCoefficients(small, r)
	switch {
	case errors.Is(err, errTooLarge):
		return false, j.reopen()
	case done && err == nil:
		_, err = out.Write(small.b)
	}
	return done, err
}

// copyCoefficients copies a JPEG, or for gray its Y, if package jpeg can.
func (j *job) copyCoefficients(out io.Writer, r *jpeg.Reader) (done bool, err error) {
	if !j.gray {
		done, err = jpeg.CopyPart(out, r, j.part)
		return done || err != nil, err
	}
	icc := j.grayer.ICC()
	if j.toSRGB() {
		icc = nil
	}
	done, err = jpeg.GrayPart(out, r, icc, j.part)
	return done || err != nil, err
}

// atMost is a writer that holds what is written, and fails if that is too much.
type atMost struct {
	b    []byte
	most int
}

var errTooLarge = errors.New("larger than wanted")

func (a *atMost) Write(p []byte) (int, error) {
	if len(p) > a.most-len(a.b) {
		return 0, errTooLarge
	}
	a.b = append(a.b, p...)
	return len(p), nil
}
