package geometry

import (
	"strings"

	"imgtools/pkg/fault"
)

// MaxSizes is the most sizes in one list.
const MaxSizes = 8

// Several reports whether a size is a list, 320x,640x, and not a single geometry.
func Several(s string) bool { return strings.Contains(s, ",") && !decimalComma(s) }

// decimalComma reports whether s is a number with a comma for its point: 0,5. A list of
// two factors has a point, a slash or a percent sign in one of them.
func decimalComma(s string) bool {
	whole, frac, _ := strings.Cut(s, ",")
	return digits(whole) && digits(frac)
}

// ParseSizes reads a list of geometries with commas between them, or a single one. Each
// of several only shrinks. Errors are of kind Usage and name the list or what is wrong in
// it: more than MaxSizes, an empty element, two that would share a name, or two that are
// the same factor.
func ParseSizes(s string) ([]Geometry, error) {
	if !Several(s) {
		g, err := Parse(s)
		return []Geometry{g}, err
	}
	words := strings.Split(s, ",")
	if len(words) > MaxSizes {
		return nil, fault.New(fault.Usage, "%s: %d sizes; at most %d", fault.Quote(s), len(words), MaxSizes)
	}
	list := make([]Geometry, len(words))
	named := map[string]string{}
	for i, w := range words {
		if w == "" {
			return nil, fault.New(fault.Usage, "%s: size %d of %d is empty", fault.Quote(s), i+1, len(words))
		}
		g, err := Parse(w)
		if err != nil {
			return nil, err
		}
		if g.grow {
			return nil, fault.New(fault.Usage, "%s in a list: nothing in a list is enlarged", w)
		}
		g.shrink = true
		if other, twice := named[g.Name()]; twice {
			return nil, fault.New(fault.Usage, "%s and %s in a list: both results would be named -%s", other, w, g.Name())
		}
		for k, earlier := range list[:i] {
			if g.factor != nil && earlier.factor != nil && g.factor.Cmp(earlier.factor) == 0 {
				return nil, fault.New(fault.Usage, "%s and %s in a list are the same size", words[k], w)
			}
		}
		named[g.Name()], list[i] = w, g
	}
	return list, nil
}

// Name returns what distinguishes the names of the results of a list, NAME-320.EXT for
// 320x:
//
//	320x      320          50%   50pc
//	x480      x480         0.5   0.5
//	640x480!  640x480      1/2   1_2
func (g Geometry) Name() string {
	name := strings.TrimRight(g.text, "!^<>")
	name = strings.NewReplacer("/", "_", "%", "pc", "+", "").Replace(name)
	return strings.TrimSuffix(name, "x")
}

// SizesForWords is ForWords for a list, or a single geometry.
func SizesForWords(scale, fit, enlarge string) ([]Geometry, error) {
	list, err := ParseSizes(scale)
	if err != nil {
		return nil, err
	}
	if len(list) > 1 && enlarge == "1" {
		return nil, fault.New(fault.Usage, "enlarge=1 with scale=%s: nothing in a list is enlarged", scale)
	}
	for i, g := range list {
		if g, err = g.Fit(fit); err == nil && enlarge == "0" {
			g, err = g.OnlyShrink()
		}
		if err != nil {
			return nil, err
		}
		list[i] = g
	}
	return list, nil
}
