// Package info is what can be said of a picture without decoding it: what imginfo
// prints and POST /info answers. It has the text and the JSON of that, and no code that
// reads pictures, so that the front may use it.
package info

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"imgtools/pkg/fault"
)

const (
	// Media is the media type of an Info as JSON.
	Media = "application/json"
	// MaxBytes is the most that it may have.
	MaxBytes = 16 << 10
)

// Info describes a picture.
type Info struct {
	Format string `json:"format"` // name in package format; any netpbm format is pnm
	// Width and Height are pixels of the upright picture: after Orientation is applied.
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Frames int    `json:"frames"` // pictures in the file: frames of an animation or pages
	Depth  int    `json:"depth"`  // bits of a sample, 1 to 16
	Colour string `json:"colour"` // Gray, RGB or Palette
	Alpha  bool   `json:"alpha"`  // some pixels may be transparent
	// Orientation is EXIF's, 1 to 8: how the stored picture lies; 1 is upright.
	Orientation int      `json:"orientation"`
	Profile     string   `json:"profile,omitempty"` // name of the colour profile; "": none
	Density     *Density `json:"density,omitempty"`
	Date        string   `json:"date,omitempty"` // when it was taken, as in 2026-11-29T18:30:00+01:00
	Notes       []string `json:"notes,omitempty"`
}

// Values of Info.Colour.
const (
	Gray    = "gray"
	RGB     = "rgb"
	Palette = "palette"
)

// Density is a resolution.
type Density struct {
	X    float64 `json:"x"`
	Y    float64 `json:"y"`
	Unit string  `json:"unit"` // Inch, CM or Ratio
}

// Values of Density.Unit.
const (
	Inch  = "inch"
	CM    = "cm"
	Ratio = "ratio" // only x to y has a meaning: the shape of a pixel
)

// String returns the picture in one line, without what is usual:
//
//	jpeg 3024x4032, 8 bit rgb, orientation 6, 72 dpi, 2026-11-29T18:30:00
//	gif 320x240, 8 bit palette with alpha, 24 frames
//	png 100x100, 8 bit rgb, profile Display P3; note: no end marker
func (i Info) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %dx%d, %d bit %s", i.Format, i.Width, i.Height, i.Depth, i.Colour)
	if i.Alpha {
		b.WriteString(" with alpha")
	}
	if i.Frames > 1 {
		fmt.Fprintf(&b, ", %d frames", i.Frames)
	}
	if i.Orientation > 1 {
		fmt.Fprintf(&b, ", orientation %d", i.Orientation)
	}
	if i.Profile != "" {
		fmt.Fprintf(&b, ", profile %s", i.Profile)
	}
	if d := i.Density; d != nil {
		b.WriteString(", " + d.String())
	}
	if i.Date != "" {
		b.WriteString(", " + i.Date)
	}
	if len(i.Notes) > 0 {
		b.WriteString("; note: " + strings.Join(i.Notes, "; "))
	}
	return b.String()
}

// JSON returns one object in one line, with the name of the file if it has one. The
// strings of JSON are Unicode: a name that is not UTF-8 also comes in fileBytes, in base64,
// as its replaced characters would name no file.
func (i Info) JSON(file string) []byte {
	var raw []byte
	if !utf8.ValidString(file) {
		raw = []byte(file)
	}
	b, err := json.Marshal(struct {
		File  string `json:"file,omitempty"`
		Bytes []byte `json:"fileBytes,omitempty"`
		Info
	}{file, raw, i})
	if err != nil { // no value of an Info can't be JSON, except a density
		panic(err)
	}
	return b
}

// String returns a density as in "300 dpi", "300x600 dpi" or "density ratio 2:1".
func (d Density) String() string {
	n := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	if d.Unit == Ratio {
		return "density ratio " + n(d.X) + ":" + n(d.Y)
	}
	both := n(d.X)
	if d.X != d.Y {
		both += "x" + n(d.Y)
	}
	return both + map[string]string{Inch: " dpi", CM: " per cm"}[d.Unit]
}

// Parse reads the JSON of an Info that another process made, and refuses what none can
// be: the process may be in the hands of a picture.
func Parse(b []byte) (Info, error) {
	var i Info
	if len(b) > MaxBytes {
		return i, fault.New(fault.Internal, "info: %d bytes > %d", len(b), MaxBytes)
	}
	if err := json.Unmarshal(b, &i); err != nil {
		return i, fault.New(fault.Internal, "info: %w", err)
	}
	for _, s := range append([]string{i.Format, i.Colour, i.Profile, i.Date}, i.Notes...) {
		if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return i, fault.New(fault.Internal, "info: %s", fault.Quote(s))
		}
	}
	if i.Width < 1 || i.Height < 1 || i.Frames < 1 || i.Format == "" {
		return i, fault.New(fault.Internal, "info: a %s of %dx%d pixels and %d frames", fault.Quote(i.Format), i.Width, i.Height, i.Frames)
	}
	return i, nil
}
