// Package geometry has the words that say how large a picture is to become and which
// part of it is kept, and their arithmetic.
//
// A size (geometry.go):
//
//	0.5  1/2  50%      a factor, over 0 and at most 16
//	640x480            fits inside the box, sides in proportion
//	640x   x480        that width, or that height
//	640x480!           exactly
//	640x480^           covers the box, sides in proportion
//	...>               only shrink:  leave a picture that fits as it is
//	...<               only enlarge: leave a picture that is larger as it is
//
// Several sizes are a list with commas between them (sizes.go): 320x,640x,1280x.
//
// What a box means can also be said by a word (fit.go), which adds two ways that need a
// gravity (gravity.go): a picture that covers the box and is cut to it, and one that
// lies on a background. A crop (crop.go) is a part of the picture that is cut out
// beforehand.
//
// Sizes round to nearest, halves up, and are at least 1. They are of the picture
// as a person sees it, after orientation.
package geometry

import (
	"math/big"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
)

// MaxFactor is the largest factor; a larger number is most likely a width.
const MaxFactor = 16

// MaxSide is the longest side that may be asked for, in pixels.
const MaxSide = 1<<28 - 1

// maxDigits bounds a number's text, so that its arithmetic is bounded.
const maxDigits = 32

// Geometry is a parsed geometry word. The zero value is not valid.
type Geometry struct {
	factor *big.Rat // nil for a box
	w, h   int      // box; 0: not given
	fit    string   // of a box: Stretch with '!', Outside with '^', else Inside
	shrink bool     // '>'
	grow   bool     // '<'
	text   string
}

// String returns the word as it was given.
func (g Geometry) String() string { return g.text }

// Parse reads a geometry word. Its errors are of kind Usage and name the word.
func Parse(s string) (Geometry, error) {
	bad := func(why string) (Geometry, error) {
		return Geometry{}, fault.New(fault.Usage, "%s: %s", fault.Quote(s), why)
	}
	g := Geometry{text: s, fit: Inside}
	var exact, cover bool
	t := s
	for len(t) > 0 {
		c := t[len(t)-1]
		var f *bool
		switch c {
		case '!':
			f = &exact
		case '^':
			f = &cover
		case '>':
			f = &g.shrink
		case '<':
			f = &g.grow
		}
		if f == nil {
			break
		}
		if *f {
			return bad("suffix " + string(c) + " twice")
		}
		*f = true
		t = t[:len(t)-1]
	}
	if g.shrink && g.grow {
		return bad("both > and <")
	}
	switch {
	case exact && cover:
		return bad("both ! and ^")
	case exact:
		g.fit = Stretch
	case cover:
		g.fit = Outside
	}
	if t == "" {
		return bad("not a geometry; a factor (0.5, 1/2, 50%) or a box (640x480, 640x, x480, 640x480!)")
	}
	if i := strings.IndexByte(t, 'x'); i >= 0 {
		var ok bool
		if g.w, ok = side(t[:i]); !ok {
			return bad("width is not a whole number from 1 to " + strconv.Itoa(MaxSide))
		}
		if g.h, ok = side(t[i+1:]); !ok {
			return bad("height is not a whole number from 1 to " + strconv.Itoa(MaxSide))
		}
		if g.w == 0 && g.h == 0 {
			return bad("a box without width and height")
		}
		if g.fit != Inside && (g.w == 0 || g.h == 0) {
			return bad(suffixes[g.fit] + " needs both width and height")
		}
		return g, nil
	}
	if g.fit != Inside {
		return bad(suffixes[g.fit] + " goes with a box")
	}
	r, ok := number(t)
	if !ok {
		if strings.Contains(t, ",") {
			return bad("not a number; write 0.5 with a point")
		}
		return bad("not a geometry; a factor (0.5, 1/2, 50%) or a box (640x480, 640x, x480, 640x480!)")
	}
	if r.Sign() <= 0 {
		return bad("a factor must be over 0")
	}
	if r.Cmp(big.NewRat(MaxFactor, 1)) > 0 {
		if r.IsInt() && len(t) <= 9 && !strings.ContainsAny(t, "%/") {
			return Geometry{}, fault.New(fault.Usage, "%s as a factor? for a width write %sx", t, t)
		}
		return bad("a factor is at most " + strconv.Itoa(MaxFactor))
	}
	g.factor = r
	return g, nil
}

// suffixes of a box, by what they mean.
var suffixes = map[string]string{Stretch: "!", Outside: "^"}

// Goal returns the size that a w × h picture is to get. Both are at least 1.
func (g Geometry) Goal(w, h int) (int, int) {
	p := g.Place(w, h, Gravity{})
	return p.W, p.H
}

// scaledSize returns the size that a w × h picture is scaled to, before anything is cut
// off or laid under it.
func (g Geometry) scaledSize(w, h int) (int, int) {
	gw, gh := g.goal(w, h)
	if g.shrink && (gw > w || gh > h) || g.grow && (gw < w || gh < h) {
		return w, h
	}
	return gw, gh
}

func (g Geometry) goal(w, h int) (int, int) {
	if g.factor != nil {
		n, d := g.factor.Num(), g.factor.Denom()
		return scaled(w, n, d), scaled(h, n, d)
	}
	bw, bh := big.NewInt(int64(w)), big.NewInt(int64(h))
	switch {
	case g.fit == Stretch:
		return g.w, g.h
	case g.h == 0:
		return g.w, scaled(h, big.NewInt(int64(g.w)), bw)
	case g.w == 0:
		return scaled(w, big.NewInt(int64(g.h)), bh), g.h
	}
	wider := int64(g.w)*int64(h) <= int64(g.h)*int64(w) // the picture is, or has the shape of the box
	switch covers := g.fit == Cover || g.fit == Outside; {
	case covers && wider:
		return max(scaled(w, big.NewInt(int64(g.h)), bh), g.w), g.h
	case covers:
		return g.w, max(scaled(h, big.NewInt(int64(g.w)), bw), g.h)
	case wider: // the width decides
		return g.w, min(scaled(h, big.NewInt(int64(g.w)), bw), g.h)
	}
	return min(scaled(w, big.NewInt(int64(g.h)), bh), g.w), g.h
}

// scaled returns v × n/d rounded to nearest, halves up, from 1 to MaxSide+1.
func scaled(v int, n, d *big.Int) int {
	x := new(big.Int).Mul(big.NewInt(int64(v)), n)
	x.Lsh(x, 1).Add(x, d)
	x.Div(x, new(big.Int).Lsh(d, 1))
	if !x.IsInt64() || x.Int64() > MaxSide {
		return MaxSide + 1 // the check of the size refuses it
	}
	return max(int(x.Int64()), 1)
}

// side reads one side of a box; an empty one is 0.
func side(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	if !digits(s) || len(s) > 9 {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= MaxSide
}

// number reads 0.5, 1/2 or 50%, exactly.
func number(s string) (*big.Rat, bool) {
	if len(s) > maxDigits {
		return nil, false
	}
	if t, ok := strings.CutSuffix(s, "%"); ok {
		r, ok := decimal(t)
		if !ok {
			return nil, false
		}
		return r.Quo(r, big.NewRat(100, 1)), true
	}
	if a, b, ok := strings.Cut(s, "/"); ok {
		n, ok1 := decimal(a)
		d, ok2 := decimal(b)
		if !ok1 || !ok2 || d.Sign() == 0 {
			return nil, false
		}
		return n.Quo(n, d), true
	}
	return decimal(s)
}

// decimal reads an optional sign, digits and at most one point; no exponent.
func decimal(s string) (*big.Rat, bool) {
	t := strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	whole, frac, _ := strings.Cut(t, ".")
	if whole+frac == "" || len(s)-len(t) > 1 || whole != "" && !digits(whole) || frac != "" && !digits(frac) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
