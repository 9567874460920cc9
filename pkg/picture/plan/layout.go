package plan

import (
	"image/color"
	"strconv"

	"imgtools/pkg/geometry"
)

// layOut works out which part of the upright picture is used, and how it is scaled, cut
// and padded. With gravity=attention it is called again when the focus is known; until
// then sizes are right, and places are those of the centre.
func (j *job) layOut() error {
	gravity := j.gravity // on what is scaled
	j.part = geometry.Whole(j.fullW, j.fullH)
	if v := j.Ops.Get("crop"); v != "" {
		c, err := geometry.ParseCrop(v)
		if err != nil {
			return err
		}
		if j.part, err = c.Rect(j.fullW, j.fullH, j.gravity); err != nil {
			return err
		}
		if j.placed = c.Placed(); !j.placed {
			gravity = j.gravity.In(j.part, j.fullW, j.fullH)
		}
	}
	j.crop, j.partGravity = j.part, gravity
	w, h := j.part.W, j.part.H
	j.place = geometry.Unplaced(w, h)
	if v := j.Ops.Get("scale"); v != "" {
		g, err := geometry.ForWords(v, j.Ops.Get("fit"), j.Ops.Get("enlarge"))
		if err != nil {
			return err
		}
		j.place = g.Place(w, h, gravity)
	}
	if j.sameSize() && j.goals == nil { // what is cut off afterwards may as well be cut off before
		j.part = j.place.Cut.In(j.part)
		cut := &j.place.Cut
		j.place.ScaledW, j.place.ScaledH, *cut = cut.W, cut.H, geometry.Whole(cut.W, cut.H)
	}
	if v := j.Ops.Get("background"); v != "" {
		rgb, err := strconv.ParseUint(v, 16, 24)
		if err != nil {
			return err
		}
		c := color.NRGBA{uint8(rgb >> 16), uint8(rgb >> 8), uint8(rgb), 255}
		if j.gray {
			c = j.grayer.Color(c)
		}
		j.background = &c
	}
	return nil
}

// cropped reports whether a part of the picture is left out before anything else.
func (j *job) cropped() bool { return j.part != geometry.Whole(j.fullW, j.fullH) }

// pads reports whether the picture lies on a larger background.
func (j *job) pads() bool { return j.place.W != j.place.Cut.W || j.place.H != j.place.Cut.H }
