package plan

import (
	"image/color"

	"imgtools/pkg/format"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/colour"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/resample"
)

// step changes rows on their way from the decoder to the encoder.
type step func(*job, raster.Rows) (raster.Rows, error)

// steps are the operations in the order in which they are done. Each does nothing
// when it isn't asked for.
var steps = []step{cropStep, grayStep, profileStep, packStep, ofStep, scaleStep, pageStep, fitStep}

// The numbers of steps before packStep and scaleStep.
const beforePack, beforeScale = 3, 5

// decode starts the decoding of a still picture.
func (j *job) decode(hint raster.Hint, a alpha) (raster.Rows, error) {
	rows, err := j.p.Rows(hint)
	if err != nil {
		return nil, err
	}
	if j.Ahead {
		rows, j.stop = raster.Ahead(rows)
	}
	if a == dropAlpha {
		rows = withoutAlpha(rows)
	}
	return rows, nil
}

// through sends rows through steps.
func (j *job) through(rows raster.Rows, steps []step) (raster.Rows, error) {
	for _, s := range steps {
		var err error
		if rows, err = s(j, rows); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// hint returns what the steps need of the decoder.
func (j *job) hint() raster.Hint {
	linear := j.Ops.Has("linear")
	hint := raster.Hint{
		Luma: j.gray && j.grayer.NeedsLumaOnly(),
		// A crop takes planes of a JPEG in any case, as it makes fewer of them colours.
		Planar: !j.gray && (j.planar() || j.cropped() && j.p.Format == format.JPEG),
		// A part begins between the samples of a reduced picture. At exactly n/8 the
		// resampler would only move it by a part of a sample, which blurs.
		Fine:  !j.Ops.Has("fast") || j.cropped(),
		Named: j.Ops.Has("kernel"),
		Part:  raster.Stored(j.part, j.fullW, j.fullH, j.p.Header().Orientation),
		Skip:  j.Ops.Has("fast"),
	}
	// A reduced decoder averages gamma-encoded samples, so it is no help in linear
	// light; other weights than Rec. 601 need all components at full size. What another
	// daemon has reduced is not reduced again.
	reduce := !j.sameSize() && !j.reduced() && !linear && (!j.gray || hint.Luma)
	if reduce {
		w, h := j.place.ScaledW, j.place.ScaledH
		for _, g := range j.goals {
			w, h = max(w, g.W), max(h, g.H)
		}
		hint.GoalW, hint.GoalH = stored(w, h, j.p.Header().Orientation)
	}
	return hint
}

// planar reports whether planes of YCbCr stay so on their way to the encoder. Formats with
// a quality are coded as such planes, unless without loss.
func (j *job) planar() bool {
	lossy := j.out.Quality != 0 && !j.lossless
	return lossy && !j.Ops.Has("linear") && !j.toSRGB() && !j.pads()
}

// stored returns the stored size of a picture of orientation o whose upright size is
// w × h: sides swapped where turning will swap them.
func stored(w, h int, o uint8) (int, int) {
	if raster.Swaps(o) {
		return h, w
	}
	return w, h
}

// cropStep cuts out the part of the picture that is used. The rows below the part are
// read, too, as a damaged picture is refused whichever part of it is wanted. With fast
// they are not, and a note says so.
//
// Planes of YCbCr stay planes if the encoder takes them, unless the part is not scaled
// and begins within a sample of chroma: an encoder of planes takes no origin. Else they
// become RGB, and for that are cut out with what upsampling looks at around the part.
func cropStep(j *job, rows raster.Rows) (raster.Rows, error) {
	if !j.cropped() {
		return rows, nil
	}
	h := rows.Header()
	part := raster.Stored(j.part, j.fullW, j.fullH, h.Orientation)
	walk, skipped := !j.Ops.Has("fast"), func() { j.note("rows below the crop were not checked") }
	if h.Layout != raster.YCbCr || j.planar() && (!j.sameSize() || h.OnSamples(part.X, part.Y)) {
		return raster.Crop(rows, part, walk, skipped)
	}
	const mcu = 16 // the largest of the usual samplings, in pixels
	left, top := max(0, part.X-mcu)/mcu*mcu, max(0, part.Y-mcu)/mcu*mcu
	right, bottom := min(part.X+part.W+mcu, h.FullW), min(part.Y+part.H+mcu, h.FullH)
	rows, err := raster.Crop(rows, geometry.Rect{X: left, Y: top, W: right - left, H: bottom - top}, walk, skipped)
	if err != nil {
		return nil, err
	}
	part.X, part.Y = part.X-left, part.Y-top
	return raster.Crop(raster.Packed(rows), part, true, nil)
}

// grayStep makes rows gray with the weights asked for.
func grayStep(j *job, rows raster.Rows) (raster.Rows, error) {
	if !j.gray {
		return rows, nil
	}
	return j.grayer.Rows(rows), nil
}

// toSRGB reports whether colours are changed to sRGB. GIF has no profiles, so that its
// colours always are.
func (j *job) toSRGB() bool { return j.Ops.Get("profile") == "srgb" || j.out.Name == format.GIF }

// profileStep changes colours to sRGB.
func profileStep(j *job, rows raster.Rows) (raster.Rows, error) {
	if !j.toSRGB() {
		return rows, nil
	}
	rows, note := colour.ToSRGB(rows)
	j.note(note)
	return rows, nil
}

// fitStep makes a profile of the colour chunks of a PNG for formats that can't have
// them. PNM has neither, and keeps the samples as they are. A WebP is a picture of RGB,
// for which a profile of gray has no meaning: gray gets the tone of sRGB.
func fitStep(j *job, rows raster.Rows) (raster.Rows, error) {
	if j.out.Name == format.PNG {
		return rows, nil
	}
	rows, note := colour.Fit(rows)
	j.note(note)
	if l := rows.Header().Layout; j.out.Name == format.WebP && (l == raster.Gray || l == raster.GrayA) && rows.Header().ICC != nil {
		if rows, note = colour.ToSRGB(rows); note == "" {
			note = "a WebP has no profile of gray: changed to the tone of sRGB"
		}
		j.note(note)
	}
	return rows, nil
}

// packStep changes rows to a layout that can be resampled: no palette, and planes only if
// the encoder takes them.
func packStep(j *job, rows raster.Rows) (raster.Rows, error) {
	if j.sameSize() {
		return rows, nil
	}
	if !j.planar() {
		rows = raster.Packed(rows)
	}
	return raster.Expand(rows), nil
}

// ofStep says of rows that another daemon has reduced what they are a part of.
func ofStep(j *job, rows raster.Rows) (raster.Rows, error) {
	if !j.reduced() {
		return rows, nil
	}
	part := *rows.Header()
	d := part.Planes[0]
	part.FullW, part.FullH = j.OfW, j.OfH
	part.Planes = []raster.PlaneDim{{W: d.W, H: d.H, NX: j.Reduced, DX: 8, NY: j.Reduced, DY: 8, OX: j.OriginX, OY: j.OriginY}}
	return raster.WithHeader(rows, &part), nil
}

// scaleStep resamples rows to the goal. They are turned upright first if the goal is
// the larger picture, so that what turning has to hold is the smaller one.
func scaleStep(j *job, rows raster.Rows) (raster.Rows, error) {
	if j.sameSize() {
		return rows, nil
	}
	if h := rows.Header(); j.place.Cut.W*j.place.Cut.H > h.FullW*h.FullH {
		var err error
		if rows, err = raster.Upright(rows, j.Limits); err != nil {
			return nil, err
		}
	}
	orientation := rows.Header().Orientation
	cut := raster.Stored(j.place.Cut, j.place.ScaledW, j.place.ScaledH, orientation)
	w, h := stored(j.place.ScaledW, j.place.ScaledH, orientation)
	o := resample.Options{Kernel: j.Ops.Get("kernel"), Linear: j.Ops.Has("linear"), Cut: cut, Limits: j.Limits}
	if o.Linear {
		o.Curves = colour.Curves(rows.Header())
	}
	return resample.Rows(rows, w, h, o)
}

// white is the background when none is asked for.
var white = color.NRGBA{255, 255, 255, 255}

// pageStep lays the picture on its background: under what is transparent, and around it
// if it is smaller than the result.
func pageStep(j *job, rows raster.Rows) (raster.Rows, error) {
	if j.background == nil && !j.pads() {
		return rows, nil
	}
	page := white
	if j.background != nil {
		page = *j.background
	}
	rows = raster.FlattenOn(rows, page)
	if !j.pads() {
		return rows, nil
	}
	rows = raster.Packed(raster.Expand(rows))
	o := rows.Header().Orientation
	at := raster.Stored(geometry.Rect{X: j.place.X, Y: j.place.Y, W: j.place.Cut.W, H: j.place.Cut.H}, j.place.W, j.place.H, o)
	w, h := stored(j.place.W, j.place.H, o)
	return raster.Pad(rows, w, h, at.X, at.Y, page)
}
