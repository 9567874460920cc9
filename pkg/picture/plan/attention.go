package plan

import (
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/attention"
	"imgtools/pkg/picture/raster"
)

// findFocus replaces gravity=attention by the point that it means. The picture is read
// once more for that, as small as its decoder gives it: a 1/8 of a large JPEG, which
// takes about half of the time of decoding for a thumbnail. Nothing is held, and the
// point doesn't depend on the size that is asked for. With gray it is found in luma. On a
// background (fit=pad) there is nothing to choose, and the picture lies in the middle.
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
	return j.layOut()
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
	w, h := part.W, part.H
	side := max(w, h, attention.Side)
	return r.Rows(raster.Hint{
		Luma:  j.gray,
		GoalW: max(1, w*attention.Side/side), GoalH: max(1, h*attention.Side/side), Part: part,
	})
}
