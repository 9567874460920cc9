package gray

import (
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/raster"
)

// runFor writes p gray for a scaling that follows: as PGM, or PAM with alpha,
// upright, and reduced by n/8 where the decoder does that well. A GIF and a
// palette picture travel as they are, for their frames and colours; so does a
// JPEG that is to keep its size, since its coefficients can then be kept.
func runFor(out io.Writer, p *codec.Picture, luma raster.Luma, o Options) (Result, error) {
	g, err := geometry.Parse(o.For)
	if err != nil {
		return Result{}, fault.New(fault.Usage, "for: %w", err)
	}
	h := p.Header()
	fullW, fullH := h.OrientedSize()
	goalW, goalH := g.Goal(fullW, fullH)
	as := codec.OutputFormat(p, o.Format)
	frames := 1
	if as == codec.GIF {
		frames = p.Frames
	}
	if err := o.Limits.CheckSize(int64(goalW), int64(goalH), frames); err != nil {
		return Result{}, err
	}
	var res Result
	switch {
	case p.Format == codec.GIF, h.Layout == raster.Indexed,
		p.Format == codec.JPEG && as == codec.JPEG && o.Quality == 0 && goalW == fullW && goalH == fullH:
		res, err = run(out, p, luma, codec.OutputFormat(p, ""), o)
		res.Reduced = 8
	default:
		res, err = reduced(out, p, luma, goalW, goalH, codec.KeepsAlpha(as), o)
	}
	res.FullW, res.FullH, res.GoalW, res.GoalH = fullW, fullH, goalW, goalH
	res.From, res.As = p.Format, as
	return res, err
}

// reduced writes p gray as PNM.
func reduced(out io.Writer, p *codec.Picture, luma raster.Luma, goalW, goalH int, alpha bool, o Options) (Result, error) {
	h := p.Header()
	hint := raster.Hint{Luma: luma == raster.Rec601, Fine: o.Fine, Named: o.Kernel != ""}
	if hint.Luma && !o.Linear && !turnsPart(h) {
		hint.GoalW, hint.GoalH = goalW, goalH
		if raster.Swaps(h.Orientation) {
			hint.GoalW, hint.GoalH = goalH, goalW
		}
	}
	rows, err := grayRows(p, luma, hint, alpha)
	if err != nil {
		return Result{}, err
	}
	d := rows.Header().Planes[0]
	res := Result{W: d.W, H: d.H, Reduced: 8 * d.NX / d.DX}
	if raster.Swaps(h.Orientation) {
		res.W, res.H = d.H, d.W
	}
	res.Format, err = codec.Encode(out, rows, codec.PNM, codec.Options{Limits: o.Limits})
	res.Type, res.Note = codec.Type(res.Format), p.Note(codec.PNM)
	return res, err
}

// turnsPart reports whether turning would bring to the front a side that, when
// reduced by eighths, may end in a part of a sample. The part must stay last, as
// a size and n/8 alone cannot say where it is.
func turnsPart(h *raster.Header) bool {
	mx, my := raster.Mirrors(h.Orientation)
	return mx && h.FullW%8 != 0 || my && h.FullH%8 != 0
}
