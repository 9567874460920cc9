package geometry

import (
	"slices"
	"strings"

	"imgtools/pkg/fault"
)

// What a box W×H means to a picture of another shape.
const (
	Inside  = "inside"  // the picture fits in it
	Cover   = "cover"   // the picture covers it, and what reaches beyond is cut off
	Pad     = "pad"     // the picture fits in it, and lies on a background of exactly W×H
	Outside = "outside" // the picture covers it: the suffix ^
	Stretch = "stretch" // exactly W×H, whatever the shape: the suffix !
)

// Fits returns the ways to fit a picture to a box, the default first.
func Fits() []string { return []string{Inside, Cover, Pad, Outside, Stretch} }

// Fit returns g with another meaning of its box, "" for none. All but Inside need a box
// with both sides. Errors are of kind Usage and name the word.
func (g Geometry) Fit(fit string) (Geometry, error) {
	if fit == "" {
		return g, nil
	}
	bad := func(why string) (Geometry, error) {
		return g, fault.New(fault.Usage, "fit=%s with scale=%s: %s", fit, g.text, why)
	}
	switch {
	case !slices.Contains(Fits(), fit):
		return bad("not one of " + strings.Join(Fits(), " "))
	case g.fit != Inside && g.fit != fit:
		return bad("the suffix says " + g.fit)
	case fit != Inside && (g.w == 0 || g.h == 0):
		return bad("needs width and height: 640x480")
	}
	g.fit = fit
	return g, nil
}

// OnlyShrink returns g with the suffix >: enlarge=0.
func (g Geometry) OnlyShrink() (Geometry, error) {
	if g.grow {
		return g, fault.New(fault.Usage, "enlarge=0 with scale=%s: the suffix < only enlarges", g.text)
	}
	g.shrink = true
	return g, nil
}

// Cuts reports whether gravity has a meaning with g: a part of the picture is cut off,
// or the picture lies on a background.
func (g Geometry) Cuts() bool { return g.fit == Cover || g.fit == Pad }

// Placement says how a picture becomes the result: it is scaled to ScaledW × ScaledH,
// Cut is the part of that which is kept, and lies at X, Y of the result of W × H.
//
// A picture of 400×200 becomes 100×100 with Cover by way of 200×100, of which
// 100×100+50+0 is kept, and with Pad by way of 100×50, which lies at 0, 25.
type Placement struct {
	ScaledW, ScaledH int
	Cut              Rect
	W, H             int
	X, Y             int
}

// Unplaced returns the placement of a picture that is scaled to w × h, and neither cut
// nor padded.
func Unplaced(w, h int) Placement {
	return Placement{ScaledW: w, ScaledH: h, Cut: Whole(w, h), W: w, H: h}
}

// Place returns how a picture of w × h pixels becomes the result.
func (g Geometry) Place(w, h int, gravity Gravity) Placement {
	sw, sh := g.scaledSize(w, h)
	p := Unplaced(sw, sh)
	if !g.Cuts() {
		return p
	}
	cw, ch := min(sw, g.w), min(sh, g.h)
	p.Cut = Rect{cut(gravity.x, sw, cw), cut(gravity.y, sh, ch), cw, ch}
	p.W, p.H = cw, ch
	if g.fit == Pad {
		p.W, p.H = g.w, g.h
		p.X, p.Y = lay(gravity.x, p.W-cw), lay(gravity.y, p.H-ch)
	}
	return p
}

// ForWords returns the geometry that the words scale, fit and enlarge mean together; the
// last two may be empty.
func ForWords(scale, fit, enlarge string) (Geometry, error) {
	if Several(scale) {
		return Geometry{}, fault.New(fault.Usage, "scale=%s: several sizes, where one is expected", scale)
	}
	list, err := SizesForWords(scale, fit, enlarge)
	if err != nil {
		return Geometry{}, err
	}
	return list[0], nil
}
