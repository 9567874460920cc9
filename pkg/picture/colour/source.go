package colour

import (
	"encoding/binary"
	"fmt"
)

// space is a device colour space.
type space uint8

const (
	graySpace space = iota
	rgbSpace
	cmykSpace // 0 is no ink
)

// channels returns the number of samples of a colour.
func (s space) channels() int { return [...]int{1, 3, 4}[s] }

// Source says what samples mean: it is the model of a device space. It comes from an ICC
// profile of an input, display, output or colour space device, of version 2 or 4
// (ParseProfile), or from the chunks of a PNG (coding.go).
type Source struct {
	space space
	class string // of a profile

	table    *lut     // device to connection space, relative colorimetric; nil: curves
	lab      bool     // the table ends in Lab, else in XYZ
	curves   [3]Curve // of gray or RGB, where there is no table
	matrix   mat3     // of RGB: linear light to XYZ
	labCurve bool     // of gray: the curve gives L*, not Y
	hdr      hdr      // what follows the curves of a coding brighter than white
	scale    float64  // of hdr: linear light of 1, where 1 is the white of sRGB
	weights  vec3     // of HLG: the share of R, G and B in luminance

	// Of CMYK: from the connection space to the device and back, perceptual, for
	// black point compensation; nil: absent or damaged.
	perceptual *lut
}

const (
	profileHeader = 128
	maxTags       = 200     // tags of a profile that are looked at
	maxProfile    = 4 << 20 // bytes; profiles of printers have 0.5 to 3 MB
)

// ParseProfile reads an ICC profile (ICC.1:2022; ICC.1:2001-04 for version 2). It
// prefers A2B1, the relative colorimetric table, over A2B0, the perceptual one, and
// that over matrix and curves. The error says what is wrong, in words for a note.
func ParseProfile(b []byte) (*Source, error) {
	if len(b) > maxProfile {
		return nil, fmt.Errorf("%d bytes, more than %d", len(b), maxProfile)
	}
	if len(b) < profileHeader+4 || string(b[36:40]) != "acsp" {
		return nil, fmt.Errorf("not an ICC profile")
	}
	size := int64(binary.BigEndian.Uint32(b))
	if size < profileHeader+4 || size > int64(len(b)) {
		return nil, fmt.Errorf("%d bytes of %d", len(b), size)
	}
	b = b[:size]
	if v := b[8]; v < 1 || v > 4 {
		return nil, fmt.Errorf("version %d", v)
	}
	s := &Source{class: string(b[12:16])}
	switch s.class {
	case "scnr", "mntr", "prtr", "spac":
	default:
		return nil, fmt.Errorf("class %q", s.class)
	}
	switch name := string(b[16:20]); name {
	case "GRAY":
		s.space = graySpace
	case "RGB ":
		s.space = rgbSpace
	case "CMYK":
		s.space = cmykSpace
	default:
		return nil, fmt.Errorf("colour space %q", name)
	}
	switch pcs := string(b[20:24]); pcs {
	case "XYZ ":
	case "Lab ":
		s.lab = true
	default:
		return nil, fmt.Errorf("connection space %q", pcs)
	}
	return s, s.read(tags(b))
}

// tags returns the data of the tags of a profile. Tags that lie outside are left out;
// of tags that occur twice the first counts.
func tags(b []byte) map[string][]byte {
	n := min(binary.BigEndian.Uint32(b[profileHeader:]), maxTags)
	found := map[string][]byte{}
	for e := b[profileHeader+4:]; n > 0 && len(e) >= 12; n, e = n-1, e[12:] {
		at, size := int64(binary.BigEndian.Uint32(e[4:])), int64(binary.BigEndian.Uint32(e[8:]))
		if at+size > int64(len(b)) || size < 8 {
			continue
		}
		if sig := string(e[:4]); found[sig] == nil {
			found[sig] = b[at : at+size]
		}
	}
	return found
}

// read takes the model from the tags.
func (s *Source) read(tags map[string][]byte) (err error) {
	for _, name := range []string{"A2B1", "A2B0"} {
		b, ok := tags[name]
		if !ok {
			continue
		}
		if s.table, err = readLUT(b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if s.table.in != s.space.channels() || s.table.out != 3 {
			return fmt.Errorf("%s: table of %d to %d channels", name, s.table.in, s.table.out)
		}
		if s.space == cmykSpace && s.class == "prtr" {
			s.readPerceptual(tags["B2A0"])
		}
		return nil
	}
	switch s.space {
	case graySpace:
		if s.curves[0], err = tagCurve(tags, "kTRC"); err != nil {
			return err
		}
		s.labCurve = s.lab
		s.matrix = fromSRGB // the same light in all three is neutral
		return nil
	case rgbSpace:
		if s.lab {
			return fmt.Errorf("matrix to Lab")
		}
		for i, c := range []string{"r", "g", "b"} {
			if s.curves[i], err = tagCurve(tags, c+"TRC"); err != nil {
				return err
			}
			xyz := tags[c+"XYZ"]
			if len(xyz) < 20 || string(xyz[:4]) != "XYZ " {
				return fmt.Errorf("no tag %sXYZ", c)
			}
			for j := range 3 {
				s.matrix[j][i] = number(xyz[8+4*j:])
			}
		}
		if _, ok := s.matrix.inverse(); !ok {
			return fmt.Errorf("primaries on one line")
		}
		return nil
	}
	return fmt.Errorf("no table A2B1 or A2B0")
}

func (s *Source) readPerceptual(b []byte) {
	if b == nil {
		return
	}
	if l, err := readLUT(b); err == nil && l.in == 3 && l.out == 4 {
		s.perceptual = l
	}
}

func tagCurve(tags map[string][]byte, name string) (Curve, error) {
	b, ok := tags[name]
	if !ok {
		return Curve{}, fmt.Errorf("no tag %s", name)
	}
	c, _, err := readCurve(b)
	if err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// xyz returns the XYZ of a colour of the device.
func (s *Source) xyz(v *[maxChannels]float64) vec3 {
	if s.table != nil {
		w := *v
		s.table.apply(&w)
		return s.table.pcsXYZ(&w, s.lab)
	}
	y := s.curves[0].Decode(v[0])
	if s.space == graySpace {
		if s.labCurve {
			return fromLab(vec3{100 * y})
		}
		return s.matrix.mul(s.lit(vec3{y, y, y}))
	}
	return s.matrix.mul(s.lit(vec3{y, s.curves[1].Decode(v[1]), s.curves[2].Decode(v[2])}))
}

// black returns the luminance, 0 to 1, of the darkest colour that the device can show,
// for black point compensation. It follows lcms, the oracle: that colour is taken as
// neutral, and as no lighter than L* 50. For CMYK it is what the perceptual table prints
// for black, as printers can't print all inks at once; without such a table it is 0.
func (s *Source) black() float64 {
	var v [maxChannels]float64
	if s.space == cmykSpace {
		if s.perceptual == nil {
			return 0
		}
		if s.lab {
			v = s.perceptual.encodeLab(vec3{})
		}
		s.perceptual.apply(&v)
	}
	lab := toLab(s.xyz(&v))
	return fromLab(vec3{min(max(lab[0], 0), 50)})[1]
}
