// Package ops has the words of an operation as they stand in a query, a form
// field, an img/1 line and a job file: which there are, what values they take,
// and which belong together. Everybody reads them here, so they mean the same
// everywhere.
//
//	gray       empty, 1, 601, 709, luminance; 0 is off
//	luma       601, 709, luminance; with gray
//	scale      a geometry
//	kernel     box, triangle, catmullrom, mitchell, lanczos3; with scale
//	fine       empty, 1, 0; with scale
//	linear     empty, 1, 0; with scale
//	format     jpeg jpg png gif bmp tiff tif pnm pgm ppm pam
//	quality    1 to 100
//	name       a file name, for the result
package ops

import (
	"slices"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
)

// Lumas, Kernels and Formats are the values that there are, the default first.
// jpg and tif are read as jpeg and tiff.
var (
	Lumas   = []string{"601", "709", "luminance"}
	Kernels = []string{"lanczos3", "box", "triangle", "catmullrom", "mitchell"}
	Formats = []string{"jpeg", "png", "gif", "bmp", "tiff", "pnm", "pgm", "ppm", "pam"}
)

// Word is one word and its value: scale=1/4.
type Word struct{ Key, Value string }

// Ops is what is to be done with a picture. The zero value is nothing at all.
type Ops struct {
	Gray    string // luma: "601", "709", "luminance"; "" is off
	Scale   string // geometry; "" is off
	Kernel  string // "" is the default
	Fine    bool
	Linear  bool
	Format  string // canonical name; "" is that of the input
	Quality int    // 1..100; 0 is the default
	Name    string
}

// Parse reads words in any order. An unknown or repeated word, a bad value and
// an option without its operation are errors of kind Usage that name it.
// When no operation is named and no other word but name is, gray is meant.
func Parse(words []Word) (Ops, error) {
	var o Ops
	luma, seen := "", map[string]bool{}
	for _, w := range words {
		if seen[w.Key] {
			return Ops{}, fault.New(fault.Usage, "%s is given twice", w.Key)
		}
		seen[w.Key] = true
		if err := o.set(w, &luma); err != nil {
			return Ops{}, err
		}
	}
	delete(seen, "name")
	if len(seen) == 0 {
		o.Gray = Lumas[0]
	}
	if luma != "" {
		switch {
		case o.Gray == "":
			return Ops{}, fault.New(fault.Usage, "luma without gray")
		case seen["gray"] && o.Gray != luma && o.Gray != Lumas[0]:
			return Ops{}, fault.New(fault.Usage, "gray=%s and luma=%s differ", o.Gray, luma)
		}
		o.Gray = luma
	}
	return o, o.check(seen)
}

func (o *Ops) set(w Word, luma *string) (err error) {
	switch w.Key {
	case "gray":
		switch w.Value {
		case "", "1":
			o.Gray = Lumas[0]
		case "0":
			o.Gray = ""
		default:
			o.Gray, err = oneOf(w, Lumas)
		}
	case "luma":
		*luma, err = oneOf(w, Lumas)
	case "scale":
		if _, err = geometry.Parse(w.Value); err != nil {
			return fault.New(fault.Usage, "scale: %w", err)
		}
		o.Scale = w.Value
	case "kernel":
		o.Kernel, err = oneOf(w, Kernels)
	case "fine":
		o.Fine, err = flag(w)
	case "linear":
		o.Linear, err = flag(w)
	case "format":
		o.Format, err = Format(w.Value)
	case "quality":
		o.Quality, err = strconv.Atoi(w.Value)
		if err != nil || o.Quality < 1 || o.Quality > 100 {
			return fault.New(fault.Usage, "quality %s: not a whole number from 1 to 100", fault.Quote(w.Value))
		}
	case "name":
		o.Name = w.Value
	default:
		return fault.New(fault.Usage, "unknown word %s", fault.Quote(w.Key))
	}
	return err
}

// check refuses options without their operation. seen has the words given.
func (o *Ops) check(seen map[string]bool) error {
	if o.Scale == "" {
		for _, k := range []string{"kernel", "fine", "linear"} {
			if seen[k] {
				return fault.New(fault.Usage, "%s without scale", k)
			}
		}
	}
	if o.Gray == "" && o.Scale == "" {
		return fault.New(fault.Usage, "no operation: gray or scale")
	}
	return nil
}

// Words returns o as words, in a fixed order and without what is default, such
// that Parse gives o again.
func (o Ops) Words() []Word {
	var ws []Word
	add := func(k, v string) { ws = append(ws, Word{k, v}) }
	if o.Gray != "" {
		add("gray", o.Gray)
	}
	if o.Scale != "" {
		add("scale", o.Scale)
	}
	if o.Kernel != "" {
		add("kernel", o.Kernel)
	}
	if o.Fine {
		add("fine", "1")
	}
	if o.Linear {
		add("linear", "1")
	}
	if o.Format != "" {
		add("format", o.Format)
	}
	if o.Quality != 0 {
		add("quality", strconv.Itoa(o.Quality))
	}
	if o.Name != "" {
		add("name", o.Name)
	}
	return ws
}

// Format returns the canonical name of a format word.
func Format(s string) (string, error) {
	switch l := strings.ToLower(s); l {
	case "jpg":
		return "jpeg", nil
	case "tif":
		return "tiff", nil
	default:
		return oneOf(Word{"format", l}, Formats)
	}
}

func oneOf(w Word, values []string) (string, error) {
	if slices.Contains(values, w.Value) {
		return w.Value, nil
	}
	return "", fault.New(fault.Usage, "%s %s: not one of %s", w.Key, fault.Quote(w.Value), strings.Join(values, " "))
}

func flag(w Word) (bool, error) {
	switch w.Value {
	case "", "1":
		return true, nil
	case "0":
		return false, nil
	}
	return false, fault.New(fault.Usage, "%s %s: not 1 or 0", w.Key, fault.Quote(w.Value))
}
