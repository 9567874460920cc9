package program

import (
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/heif"
	"imgtools/pkg/picture/raster"
)

// A thumbnail is used if it is at least so many quarters as large as the result; if the
// user named a kernel, twice as large, as for a JPEG.
const (
	quarters      = 5
	quartersNamed = 8
)

// thumbnail returns a thumbnail of the file as the picture reduced, if that is enough for
// the result. It returns nil if not, and if the thumbnail can't be used for any reason: the
// picture itself is then decoded.
func (r *Reader) thumbnail(hint raster.Hint) raster.Rows {
	t := r.smallest(hint)
	if t == nil {
		return nil
	}
	copied, p, with, err := r.item(t.Item)
	if err != nil || p.StoredW != t.W || p.StoredH != t.H || p.Crop != geometry.Whole(t.W, t.H) || p.Alpha {
		return nil
	}
	turns := with.upright && p.Orientation != r.p.Orientation
	if turns && p.Orientation != 1 {
		return nil
	}
	rows, err := r.d.decode(with, copied, copied.Size(), p, hint, r.lim)
	if err != nil {
		return nil
	}
	if turns {
		if rows, err = r.upright(rows); err != nil {
			return nil
		}
	}
	h := *rows.Header()
	w, height := h.FullW, h.FullH
	h.FullW, h.FullH = r.h.FullW, r.h.FullH
	h.Planes = nil
	for _, d := range rows.Header().Planes {
		d.NX, d.DX = raster.Lowest(d.NX*w, d.DX*h.FullW)
		d.NY, d.DY = raster.Lowest(d.NY*height, d.DY*h.FullH)
		h.Planes = append(h.Planes, d)
	}
	return raster.WithHeader(rows, &h)
}

// smallest returns the smallest thumbnail that is enough for the result and has the shape
// of the picture: not one with black bars, as cameras make of wide pictures. Pictures with
// alpha, or cropped ones, are decoded whole.
func (r *Reader) smallest(hint raster.Hint) *heif.Thumb {
	p := r.p
	if hint.GoalW == 0 || p.Alpha || p.Crop != geometry.Whole(p.StoredW, p.StoredH) {
		return nil
	}
	// What the whole picture would become, times 4.
	goalW, goalH := 4*int64(hint.GoalW), 4*int64(hint.GoalH)
	if hint.Part.W > 0 && hint.Part.H > 0 {
		goalW = goalW * int64(r.h.FullW) / int64(hint.Part.W)
		goalH = goalH * int64(r.h.FullH) / int64(hint.Part.H)
	}
	if r.with.upright && raster.Swaps(p.Orientation) {
		goalW, goalH = goalH, goalW
	}
	least := int64(quarters)
	if hint.Named {
		least = quartersNamed
	}
	var best *heif.Thumb
	for i := range p.Thumbs {
		t := &p.Thumbs[i]
		w, h := int64(t.W), int64(t.H)
		off := h*int64(p.StoredW) - w*int64(p.StoredH) // 0 for the same shape
		sameShape := max(off, -off) <= int64(max(p.StoredW, p.StoredH))
		enough := 16*w >= least*goalW && 16*h >= least*goalH
		if sameShape && enough && (best == nil || t.W < best.W) {
			best = t
		}
	}
	return best
}
