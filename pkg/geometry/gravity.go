package geometry

import (
	"math/big"
	"slices"
	"strings"

	"imgtools/pkg/fault"
)

// Gravity is the point of a picture that a cut keeps nearest to its middle: its focus.
// With the focus at a side or corner, which is what the names of directions mean, the
// cut lies at that side or corner. The zero value is the centre.
type Gravity struct {
	x, y      *big.Rat // from 0, left and top, to 1; nil: 1/2
	attention bool
	text      string
}

// Center is the name of the gravity that holds when none is given.
const Center = "center"

// Attention is the name of the gravity whose focus is found in the picture.
const Attention = "attention"

var half = big.NewRat(1, 2)

type direction struct {
	name string
	x, y int64 // the focus, in halves of the sides
}

// directions are the names of gravities.
var directions = []direction{
	{Center, 1, 1}, {"north", 1, 0}, {"northeast", 2, 0}, {"east", 2, 1}, {"southeast", 2, 2},
	{"south", 1, 2}, {"southwest", 0, 2}, {"west", 0, 1}, {"northwest", 0, 0},
}

// Gravities returns the names of gravities.
func Gravities() []string {
	var names []string
	for _, d := range directions {
		names = append(names, d.name)
	}
	return append(names, Attention)
}

// Grid returns the names of the nine directions as they lie on a picture, row by row from
// the top.
func Grid() []string {
	grid := make([]string, 9)
	for _, d := range directions {
		grid[3*d.y+d.x] = d.name
	}
	return grid
}

// ParseGravity reads a name, or the focus as percentages of the sides: 30%,70%. Its
// errors are of kind Usage and name the word.
func ParseGravity(s string) (Gravity, error) {
	for _, d := range directions {
		if s == d.name {
			return Gravity{x: big.NewRat(d.x, 2), y: big.NewRat(d.y, 2), text: s}, nil
		}
	}
	if s == Attention {
		return Gravity{attention: true, text: s}, nil
	}
	bad := func(why string) (Gravity, error) {
		return Gravity{}, fault.New(fault.Usage, "%s: %s", fault.Quote(s), why)
	}
	g := Gravity{text: s}
	first, second, ok := strings.Cut(s, ",")
	first, negX := strings.CutPrefix(first, "-")
	second, negY := strings.CutPrefix(second, "-")
	var okX, okY bool
	g.x, okX = focus(first)
	g.y, okY = focus(second)
	switch one := big.NewRat(1, 1); {
	case !ok || !okX || !okY:
		return bad("not a gravity; one of " + strings.Join(Gravities(), " ") + ", or a point like 30%,70%")
	case negX || negY || g.x.Cmp(one) > 0 || g.y.Cmp(one) > 0:
		return bad("a point lies between 0% and 100% of each side")
	}
	return g, nil
}

func focus(s string) (*big.Rat, bool) {
	t, ok := strings.CutSuffix(s, "%")
	if !ok {
		return nil, false
	}
	return percentage(t)
}

// Attention reports whether the focus is still to be found in the picture.
func (g Gravity) Attention() bool { return g.attention }

// Point returns the gravity whose focus is the middle of pixel x, y of a picture of
// w × h pixels.
func Point(x, y, w, h int) Gravity {
	g := Gravity{x: big.NewRat(2*int64(x)+1, 2*int64(w)), y: big.NewRat(2*int64(y)+1, 2*int64(h))}
	g.x, g.y = toHundredths(g.x), toHundredths(g.y)
	g.text = percent(g.x) + "," + percent(g.y)
	return g
}

// In returns the gravity with the same focus, of a picture of w × h pixels, within its
// part r. That of a name stays: north of the whole is north of the part. So does one whose
// focus is not known yet.
func (g Gravity) In(r Rect, w, h int) Gravity {
	named := slices.ContainsFunc(directions, func(d direction) bool { return d.name == g.text })
	if named || g.x == nil {
		return g
	}
	in := Gravity{x: within(g.x, w, r.X, r.W), y: within(g.y, h, r.Y, r.H)}
	in.text = percent(in.x) + "," + percent(in.y)
	return in
}

// within returns where the share f of a side lies on its n pixels from start on.
func within(f *big.Rat, side, start, n int) *big.Rat {
	at := new(big.Rat).Mul(f, big.NewRat(int64(side), 1))
	at.Sub(at, big.NewRat(int64(start), 1))
	at.Quo(at, big.NewRat(int64(n), 1))
	if at.Sign() < 0 {
		return new(big.Rat)
	}
	if one := big.NewRat(1, 1); at.Cmp(one) > 0 {
		return one
	}
	return toHundredths(at)
}

// toHundredths rounds a share to hundredths of a percent, so that its text is short and
// says exactly the same.
func toHundredths(r *big.Rat) *big.Rat {
	return big.NewRat(int64(rounded(new(big.Rat).Mul(r, big.NewRat(10000, 1)))), 10000)
}

// percent returns a share that is a whole number of hundredths of a percent as text.
func percent(r *big.Rat) string {
	s := new(big.Rat).Mul(r, big.NewRat(100, 1)).FloatString(2)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + "%"
}

// String returns the word as it was given, "" of the zero value.
func (g Gravity) String() string { return g.text }

// cut returns where n pixels of a side begin so that the focus is nearest to their
// middle. Of two places equally near it is the first.
func cut(focus *big.Rat, side, n int) int {
	if focus == nil {
		focus = half
	}
	// focus·side − n/2, rounded down
	at := new(big.Rat).Mul(focus, big.NewRat(int64(side), 1))
	at.Sub(at, big.NewRat(int64(n), 2))
	start := new(big.Int).Div(at.Num(), at.Denom()) // Euclidean: rounds down, as Denom > 0
	return max(0, min(int(start.Int64()), side-n))
}

// lay returns where a length begins that lies on a longer side with room pixels to
// spare: focus of them come before it.
func lay(focus *big.Rat, room int) int {
	if focus == nil {
		focus = half
	}
	at := new(big.Rat).Mul(focus, big.NewRat(int64(room), 1))
	return int(new(big.Int).Div(at.Num(), at.Denom()).Int64())
}
