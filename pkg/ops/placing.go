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
		if _, err := o.geometry(); err != nil {
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
	g, err := o.geometry()
	return err == nil && g.Cuts()
}

// geometry returns what scale, fit and enlarge mean together.
func (o Ops) geometry() (geometry.Geometry, error) {
	return geometry.ForWords(o.Get("scale"), o.Get("fit"), o.Get("enlarge"))
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
