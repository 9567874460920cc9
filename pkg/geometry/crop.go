package geometry

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
)

// Rect is a part of a picture: W × H pixels whose left upper corner lies X pixels from
// the left and Y from the top.
type Rect struct{ X, Y, W, H int }

// And returns what r and other have in common; it is empty, with W and H of 0, when that
// is nothing.
func (r Rect) And(other Rect) Rect {
	x, y := max(r.X, other.X), max(r.Y, other.Y)
	w, h := min(r.X+r.W, other.X+other.W)-x, min(r.Y+r.H, other.Y+other.H)-y
	if w <= 0 || h <= 0 {
		return Rect{}
	}
	return Rect{x, y, w, h}
}

// Crop is a parsed crop word: the size of a part of a picture and, if Placed, its place.
type Crop struct {
	w, h, x, y measure
	placed     bool
	text       string
}

// measure is a number of pixels, or a share of a side.
type measure struct {
	n       *big.Rat
	percent bool
}

const notCrop = "not a crop; write 300x200, 300x200+10+20 or 50%x50%+25%+25%"

// ParseCrop reads WxH or WxH+X+Y, each in pixels or percent of the picture's side. Its
// errors are of kind Usage and name the word.
func ParseCrop(s string) (Crop, error) {
	bad := func(why string) (Crop, error) {
		return Crop{}, fault.New(fault.Usage, "%s: %s", fault.Quote(s), why)
	}
	c := Crop{text: s}
	parts := strings.Split(s, "+")
	w, h, ok := strings.Cut(parts[0], "x")
	if !ok || len(parts) != 1 && len(parts) != 3 {
		return bad(notCrop)
	}
	c.placed = len(parts) == 3
	to := [...]*measure{&c.w, &c.h, &c.x, &c.y}
	for i, text := range append([]string{w, h}, parts[1:]...) {
		m, ok := parseMeasure(text)
		if !ok {
			return bad(notCrop)
		}
		if m.percent && m.n.Cmp(big.NewRat(1, 1)) > 0 {
			return bad(text + " is over 100%")
		}
		*to[i] = m
	}
	if c.w.n.Sign() == 0 || c.h.n.Sign() == 0 {
		return bad("an empty crop")
	}
	return c, nil
}

// parseMeasure reads a whole number of pixels up to MaxSide, or a percentage.
func parseMeasure(s string) (measure, bool) {
	if t, ok := strings.CutSuffix(s, "%"); ok {
		r, ok := percentage(t)
		return measure{r, true}, ok
	}
	if !digits(s) || len(s) > 9 {
		return measure{}, false
	}
	n, err := strconv.Atoi(s)
	return measure{n: big.NewRat(int64(n), 1)}, err == nil && n <= MaxSide
}

// percentage reads the number of a percentage, without its sign, as a share.
func percentage(s string) (*big.Rat, bool) {
	if len(s) > maxDigits || strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		return nil, false
	}
	r, ok := decimal(s)
	if !ok {
		return nil, false
	}
	return r.Quo(r, big.NewRat(100, 1)), true
}

// Placed reports whether the word says where the part lies. Otherwise gravity decides.
func (c Crop) Placed() bool { return c.placed }

// of returns the measure in pixels of a side.
func (m measure) of(side int) *big.Rat {
	if m.percent {
		return new(big.Rat).Mul(m.n, big.NewRat(int64(side), 1))
	}
	return m.n
}

// Rect returns the part of a picture of w × h pixels. Its edges are rounded to whole
// pixels, halves up, so that 50%x100%+0+0 and 50%x100%+50%+0 meet without a gap, and it
// has at least one pixel. A part that reaches beyond the picture is an error of kind
// Usage that names both.
func (c Crop) Rect(w, h int, g Gravity) (Rect, error) {
	var r Rect
	r.X, r.W = c.along(c.x, c.w, w, g.x)
	r.Y, r.H = c.along(c.y, c.h, h, g.y)
	if r.X+r.W > w || r.Y+r.H > h {
		crop := "crop " + c.text
		if r.String() != c.text {
			crop += ": " + r.String()
		}
		return r, fault.New(fault.Usage, "%s reaches beyond the picture of %dx%d", crop, w, h)
	}
	return r, nil
}

// along is Rect in one direction.
func (c Crop) along(at, length measure, side int, focus *big.Rat) (start, n int) {
	if !c.placed {
		n = max(1, rounded(length.of(side)))
		return cut(focus, side, n), n
	}
	start = rounded(at.of(side))
	end := rounded(new(big.Rat).Add(at.of(side), length.of(side)))
	return start, max(1, end-start)
}

// rounded returns r, which is not negative, rounded to nearest, halves up.
func rounded(r *big.Rat) int {
	n := new(big.Int).Lsh(r.Num(), 1)
	n.Add(n, r.Denom())
	return int(n.Div(n, new(big.Int).Lsh(r.Denom(), 1)).Int64())
}

// String returns the rectangle as a crop word: 300x200+10+20.
func (r Rect) String() string { return fmt.Sprintf("%dx%d+%d+%d", r.W, r.H, r.X, r.Y) }

// Whole returns all of a picture of w × h pixels.
func Whole(w, h int) Rect { return Rect{W: w, H: h} }

// In returns the part r of the part outer.
func (r Rect) In(outer Rect) Rect { return Rect{outer.X + r.X, outer.Y + r.Y, r.W, r.H} }
