package plan

import (
	"fmt"
	"io"

	"imgtools/pkg/format"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/raster"
)

// handOver makes the picture gray and leaves the scaling to another daemon. It is
// written as PGM, or PAM with alpha, upright, and reduced by n/8 where the decoder does
// that well. A picture with a profile, a density or metadata that is kept travels as
// uncompressed TIFF, which can say so. A GIF and a palette picture travel as they are,
// for their frames and colours; so does a JPEG that is to keep its size, since its
// coefficients can then be kept. For several sizes it is reduced as for the largest.
func (j *job) handOver(out io.Writer) (Result, error) {
	h := j.p.Header()
	var res Result
	var err error
	keepsJPEG := j.p.Format == format.JPEG && j.out.Name == format.JPEG && j.quality == 0 && j.sameSize()
	if j.animated() != nil || j.p.Format == format.GIF && !j.Ops.Has("frame") || h.Layout == raster.Indexed || keepsJPEG {
		if j.looking {
			if err := j.findFocus(); err != nil {
				return Result{}, err
			}
		}
		res, err = j.grayWhole(out)
	} else {
		res, err = j.grayReduced(out)
	}
	res.FullW, res.FullH, res.Goals = j.part.W, j.part.H, j.goals
	if j.goals == nil {
		res.Goals = []Size{{j.place.W, j.place.H}}
	}
	res.From, res.As, res.Lossless = j.p.Format, j.out.Name, j.lossless
	if c := j.background; c != nil {
		res.Background = fmt.Sprintf("%02x%02x%02x", c.R, c.G, c.B)
	}
	return res, err
}

// grayWhole writes the picture gray at its own size, in its own format or, for an
// animation, in that to write.
func (j *job) grayWhole(out io.Writer) (Result, error) {
	whole := *j
	whole.HandOver, whole.quality, whole.background = false, 0, nil
	whole.Ops = j.Ops.Without("bytes", "progressive")
	whole.place = geometry.Unplaced(j.part.W, j.part.H)
	if j.animated() == nil {
		whole.out, _ = format.Lookup(codec.OutputFormat(j.p, ""))
	}
	res, err := whole.run(out)
	j.stop = whole.stop
	res.Reduced = 8
	return res, err
}

// grayReduced writes the picture gray as PNM or TIFF, at the size in which the decoder gives
// it.
func (j *job) grayReduced(out io.Writer) (Result, error) {
	a, err := j.lookForAlpha()
	if err != nil {
		return Result{}, err
	}
	rows, err := j.decode(j.hint(), a)
	if err != nil {
		return Result{}, err
	}
	var res Result
	err = j.lookBeside(rows, func(rows raster.Rows) (err error) {
		res, err = j.writeReduced(out, rows)
		return err
	})
	return res, err
}

// writeReduced writes the decoded rows gray, for grayReduced.
func (j *job) writeReduced(out io.Writer, rows raster.Rows) (Result, error) {
	rows, err := j.through(rows, []step{cropStep, grayStep, profileStep})
	if err != nil {
		return Result{}, err
	}
	if rows, err = raster.Upright(rows, j.Limits); err != nil {
		return Result{}, err
	}
	d := rows.Header().Planes[0]
	eighth := 8 / d.DX // DX is 8 or 1
	res := Result{Reduced: eighth * d.NX, OriginX: eighth * d.OX, OriginY: eighth * d.OY, W: d.W, H: d.H}
	travels := format.PNM
	if h := rows.Header(); h.ICC != nil || h.Density != (raster.Density{}) || !h.Keep.Empty() {
		travels = format.TIFF
	}
	res.Format, err = codec.Encode(out, rows, travels, codec.Options{Limits: j.Limits, Plain: true})
	f, _ := format.Lookup(res.Format)
	res.Type, res.Note = f.Media, j.said(false)
	return res, err
}
