package ops

import (
	"slices"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
)

// checkPlacing refuses words that contradict each other on which part of the picture is
// kept and how it is fitted.
func (o Ops) checkPlacing() error {
	if o.Has("scale") {
		if _, err := o.geometries(); err != nil {
			return err
		}
	}
	if !o.Has("gravity") || o.Placed() {
		return nil
	}
	if crop := o.Get("crop"); crop != "" {
		return fault.New(fault.Usage, "gravity=%s and crop=%s: both say where the part lies", o.Get("gravity"), crop)
	}
	return fault.New(fault.Usage, "gravity without crop=WxH, fit=cover or fit=pad")
}

// Placed reports whether gravity has a meaning: something is cut off or put on a
// background, and o doesn't say where by numbers.
func (o Ops) Placed() bool {
	if crop, err := geometry.ParseCrop(o.Get("crop")); err == nil && !crop.Placed() {
		return true
	}
	list, err := o.geometries()
	return err == nil && list[0].Cuts() // fit is the same for all
}

// geometries returns what scale, fit and enlarge mean together, for each size.
func (o Ops) geometries() ([]geometry.Geometry, error) {
	return geometry.SizesForWords(o.Get("scale"), o.Get("fit"), o.Get("enlarge"))
}

// Sized is one of several sizes: what makes its name, and the request for it alone.
type Sized struct {
	Name string // 320: the result is called NAME-320.EXT
	Ops  Ops
}

// Sizes returns the sizes of a list, scale=320x,640x, or nil for a single size or none.
// Nothing in a list is enlarged.
func (o Ops) Sizes() []Sized {
	scale := o.Get("scale")
	if !geometry.Several(scale) {
		return nil
	}
	list, _ := geometry.ParseSizes(scale) // Parse has checked it
	sizes := make([]Sized, len(list))
	for i, g := range list {
		sizes[i] = Sized{g.Name(), o.With("scale", g.String()).With("enlarge", "0")}
	}
	return sizes
}

// CheckSingle returns an error of kind Usage when o asks for several sizes, which only a
// job and the command scale can give.
func (o Ops) CheckSingle() error {
	if len(o.Sizes()) > 0 {
		return fault.New(fault.Usage, "scale=%s: several sizes in one answer; POST /jobs takes them", o.Get("scale"))
	}
	return nil
}

// AfterFirst returns the words for the daemons after the first of several: without those
// that only the first needs, and without a gravity that it has used up.
func (o Ops) AfterFirst() Ops {
	o = slices.DeleteFunc(slices.Clone(o), func(w Word) bool { opt, _ := Lookup(w.Key); return opt.Stage == First })
	if !o.Placed() {
		o = o.Without("gravity")
	}
	return o
}
