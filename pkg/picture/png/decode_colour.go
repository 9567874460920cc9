package png

import (
	"bytes"
	"encoding/binary"
	"io"

	"imgtools/pkg/picture/flate"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// colourChunks are the chunks that say what colours the samples mean. A file may have
// several for readers of different ages; the newest one counts (section 4.3):
//
//	cICP  code points of ITU-T H.273, for television and P3
//	iCCP  an ICC profile
//	sRGB  the samples are sRGB
//	gAMA  exponent of the encoding, and cHRM, chromaticities of primaries and white
//
// Without any of them the samples are taken for sRGB.
type colourChunks struct {
	cicp      [4]uint8
	icc       []byte
	srgb      bool
	gamma     uint32    // times 100,000
	primaries [8]uint32 // times 100,000: x and y of white, red, green, blue
}

// sRGB in other words: of H.273, and as gAMA and cHRM.
var (
	srgbCodePoints = [4]uint8{1, 13, 0, 1}
	srgbPrimaries  = [8]uint32{31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000}
)

const (
	srgbGamma      = 45455 // 1/2.2
	gammaTolerance = 20    // a 20th: 5 %
	nearPrimary    = 1000  // 0.01, which libpng allows
)

// codePoints reads cICP (section 11.3.2.6): primaries, transfer function, matrix, and
// whether samples use the full range. The matrix of PNG, which is RGB, is 0. Value 2
// means unspecified.
func (w *walk) codePoints(b []byte) bool {
	if len(b) != 4 || b[2] != 0 || b[3] > 1 {
		return false
	}
	if b[0] != 0 && b[0] != 2 && b[1] != 0 && b[1] != 2 {
		w.colour.cicp = [4]uint8(b)
	}
	return true
}

// profile reads iCCP (section 11.3.2.3): a name, NUL, method 0 and the compressed
// profile.
func (w *walk) profile(b []byte) bool {
	i := bytes.IndexByte(b, 0)
	if i < 1 || i > 79 || i+2 > len(b) || b[i+1] != 0 {
		return false
	}
	z := flate.NewReader(flate.Whole(b[i+2:]))
	p, err := io.ReadAll(io.LimitReader(z, maxICC+1))
	if err != nil || len(p) > maxICC {
		return false
	}
	w.colour.icc = p
	return true
}

// srgb reads sRGB (section 11.3.2.5), whose rendering intent is not used.
func (w *walk) srgb(b []byte) bool {
	w.colour.srgb = len(b) == 1
	return w.colour.srgb
}

// gamma reads gAMA (section 11.3.2.2).
func (w *walk) gamma(b []byte) bool {
	if len(b) != 4 {
		return false
	}
	w.colour.gamma = binary.BigEndian.Uint32(b)
	return w.colour.gamma != 0
}

// chromaticities reads cHRM (section 11.3.2.1).
func (w *walk) chromaticities(b []byte) bool {
	if len(b) != 32 {
		return false
	}
	for i := range w.colour.primaries {
		w.colour.primaries[i] = binary.BigEndian.Uint32(b[4*i:])
	}
	return true
}

// setColour sets ICC and Coding of the header from the chunk that counts.
func (r *Reader) setColour(c colourChunks) {
	switch {
	case c.cicp == srgbCodePoints:
	case c.cicp != [4]uint8{}:
		r.out.Coding.CICP = c.cicp
	case r.takeProfile(c.icc):
	case c.srgb:
	case c.gamma != 0 && !near(c.gamma, srgbGamma, srgbGamma/gammaTolerance) || !c.srgbPrimaries():
		r.out.Coding = raster.Coding{Gamma: c.gamma, Chroma: c.primaries}
	}
}

// takeProfile gives the header the profile if it has the colour space of the picture, as
// it must (section 11.3.2.3). Any other would change the meaning of the output: it is
// ignored with a note.
func (r *Reader) takeProfile(icc []byte) bool {
	space := "RGB "
	if r.color == colorGray || r.color == colorGrayA {
		space = "GRAY"
	}
	var note string
	if r.out.ICC, note = meta.ICCFor(space, icc); note != "" {
		r.Note("%s", note)
	}
	return r.out.ICC != nil
}

// srgbPrimaries reports whether the primaries are those of sRGB, or not given.
func (c *colourChunks) srgbPrimaries() bool {
	if c.primaries == [8]uint32{} {
		return true
	}
	for i, v := range c.primaries {
		if !near(v, srgbPrimaries[i], nearPrimary) {
			return false
		}
	}
	return true
}

// near reports whether v differs from want by at most by.
func near(v, want, by uint32) bool { return v >= want-by && v <= want+by }
