package plan

import (
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/attention"
	"imgtools/pkg/picture/raster"
)

// gravity=attention is replaced by the point that it means, which a map of the picture
// gives (package attention). With gray it is found in luma. On a background (fit=pad)
// there is nothing to choose, and the picture lies in the middle.
//
// A picture that is scaled to cover a box is decoded once: the rows on their way to the
// resampler make the map, too, and what is cut out when the point is known is held until
// then. Without gray and scale apart, that is the decoded planes of a JPEG, which were
// reduced, or the scaled picture; both are small beside the input. The picture is read
// once more, only for the map, where the point must be known before it is decoded
// (crop=WxH without a place), where nothing is scaled, for several sizes, which may have
// different parts, for an animation, and where more than mostHeldForFocus would be held.

// mostHeldForFocus is the most bytes of samples that are held until the focus is known.
const mostHeldForFocus = 16 << 20

// mayLookOnTheWay reports whether the focus can be found in the rows that are decoded for
// the result: nothing before they are resampled depends on it.
func (j *job) mayLookOnTheWay() bool {
	whole := j.Ops.Get("crop") == "" || j.placed
	return j.gravity.Attention() && j.Ops.Get("fit") == geometry.Cover && whole && !j.sameSize() && j.animated() == nil && j.goals == nil
}

// placedRows decodes a still picture and sends its rows through all steps. The focus is
// found on the way. The result may still have to be turned upright, which the encoder does
// when the picture is smallest.
func (j *job) placedRows(a alpha) (raster.Rows, error) {
	rows, err := j.decode(j.hint(), a)
	if err != nil {
		return nil, err
	}
	if !j.looking {
		return j.through(rows, steps)
	}
	// What of the result doesn't depend on the cut is done, and held.
	whole := *j
	whole.place = geometry.Unplaced(j.place.ScaledW, j.place.ScaledH)
	scaled, before := rows.Header().Layout != raster.YCbCr || !j.planar(), beforeScale
	size := rows.Header().Bytes()
	if scaled {
		before++
		size = int64(j.place.ScaledW) * int64(j.place.ScaledH) * 8 // four samples of 16 bits
	}
	enlarged := j.place.ScaledW*j.place.ScaledH > rows.Header().W()*rows.Header().H()
	if size > mostHeldForFocus || j.Limits.CheckMem(size) != nil || enlarged || !attention.Fits(rows.Header()) {
		if err := j.findFocus(); err != nil {
			return nil, err
		}
		return j.through(rows, steps)
	}
	var held *raster.Held
	err = j.lookBeside(rows, func(rows raster.Rows) error {
		rows, err := whole.through(rows, steps[:before])
		if err == nil {
			held, err = raster.Hold(rows, j.Limits)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	j.notes = whole.notes
	rows = held.Rows()
	if scaled {
		cut := raster.Stored(j.place.Cut, j.place.ScaledW, j.place.ScaledH, rows.Header().Orientation)
		if rows, err = raster.Crop(rows, cut, true, nil); err != nil {
			return nil, err
		}
	}
	return j.through(rows, steps[before:])
}

// lookBeside gives the decoded rows to a consumer, and finds the focus in them if it is
// looked for.
func (j *job) lookBeside(rows raster.Rows, consume func(raster.Rows) error) error {
	if !j.looking {
		return consume(rows)
	}
	if !attention.Fits(rows.Header()) {
		if err := j.findFocus(); err != nil {
			return err
		}
		return consume(rows)
	}
	// The point is set when the consumer has returned: look ends when the rows do.
	if err := share(rows, []func(raster.Rows) error{consume, j.look}); err != nil {
		return err
	}
	j.looking = false
	return j.layOut()
}

// findFocus replaces gravity=attention by the point that it means, for which it reads the
// picture: as small as its decoder gives it, a 1/8 of a large JPEG. Nothing is held.
func (j *job) findFocus() error {
	if !j.gravity.Attention() {
		return nil
	}
	crop, fit := j.Ops.Get("crop"), j.Ops.Get("fit")
	if fit != geometry.Cover && (crop == "" || j.placed) { // nothing is cut off
		j.gravity = geometry.Gravity{}
		return j.layOut()
	}
	rows, err := j.mapRows()
	if err != nil {
		return err
	}
	if err := j.look(rows); err != nil {
		return err
	}
	j.looking = false
	return j.layOut()
}

// look reads decoded rows and makes gravity the focus that it finds in them. layOut says
// then what follows.
func (j *job) look(rows raster.Rows) (err error) {
	o := rows.Header().Orientation
	// A part that is placed by numbers has its own focus; else that of the whole
	// picture decides where the part is, too.
	if j.placed {
		part := raster.Stored(j.crop, j.fullW, j.fullH, o)
		if rows, err = raster.Crop(rows, part, true, nil); err != nil {
			return err
		}
	}
	if j.gray {
		rows = raster.Grayed(rows, raster.Rec601)
	}
	x, y, w, h, err := attention.Find(rows)
	if err != nil {
		return err
	}
	mx, my := raster.Mirrors(o)
	if mx {
		x = w - 1 - x
	}
	if my {
		y = h - 1 - y
	}
	if raster.Swaps(o) {
		x, y, w, h = y, x, h, w
	}
	j.gravity = geometry.Point(x, y, w, h)
	return nil
}

// mapRows starts another decoding of the picture, or of the first frame of an animation.
func (j *job) mapRows() (raster.Rows, error) {
	r, err := j.p.Again()
	if err != nil {
		return nil, err
	}
	if j.animated() != nil {
		frames, err := r.(raster.Animated).Animation()
		if err != nil {
			return nil, err
		}
		f, err := frames.Next()
		return f.Rows, err
	}
	part := geometry.Whole(j.fullW, j.fullH)
	if j.placed {
		part = j.crop
	}
	part = raster.Stored(part, j.fullW, j.fullH, j.p.Header().Orientation)
	hint := raster.Hint{Luma: j.gray, Part: part}
	hint.GoalW, hint.GoalH = attention.Goal(part.W, part.H)
	return r.Rows(hint)
}
