package colour

import (
	"encoding/binary"
	"math"
	"sync"

	"imgtools/pkg/picture/raster"
)

// GrayProfile returns an ICC profile of version 2 for gray samples with a curve: 350
// bytes for a power, up to 500 for most others.
func GrayProfile(c *Curve) []byte {
	return profile("GRAY", "gray", []tag{{"kTRC", curveTag(c)}})
}

// rgbProfile returns an ICC profile of version 2 for a source of RGB with curves.
func (s *Source) rgbProfile(name string) []byte {
	tags := make([]tag, 0, 6)
	for i, c := range []string{"r", "g", "b"} {
		tags = append(tags, tag{c + "XYZ", xyzTag(vec3{s.matrix[0][i], s.matrix[1][i], s.matrix[2][i]})})
	}
	for i, c := range []string{"r", "g", "b"} {
		tags = append(tags, tag{c + "TRC", curveTag(&s.curves[i])})
	}
	return profile("RGB ", name, tags)
}

// AdobeRGB returns a profile of the colour space that cameras call Adobe RGB (DCF 2.0,
// optional colour space): for pictures that only say so in EXIF.
var AdobeRGB = sync.OnceValue(func() []byte {
	c := power(563. / 256)
	s := &Source{space: rgbSpace, matrix: fromAdobe, curves: [3]Curve{c, c, c}}
	return s.rgbProfile("compatible with Adobe RGB (1998)")
})

// tag is one element of a profile.
type tag struct {
	name string
	data []byte
}

// profile returns a display profile with the tags that every profile needs and others
// (ICC.1:2001-04, 6.1 and 6.2). Tags of equal data share it.
func profile(space, name string, more []tag) []byte {
	be := binary.BigEndian
	all := append([]tag{
		{"desc", descriptionTag(name)},
		{"cprt", append([]byte("text\x00\x00\x00\x00"), "no copyright\x00"...)},
		{"wtpt", xyzTag(d50)},
	}, more...)
	b := make([]byte, profileHeader, 1024)
	copy(b[8:], "\x02\x40\x00\x00mntr"+space+"XYZ ")
	copy(b[24:], "\x07\xd0\x00\x01\x00\x01") // a date that never changes: 1 January 2000
	copy(b[36:], "acsp")
	copy(b[68:], xyzTag(d50)[8:])
	b = be.AppendUint32(b, uint32(len(all)))
	at := len(b) + 12*len(all)
	where := map[string]int{}
	var data []byte
	for _, t := range all {
		place, ok := where[string(t.data)]
		if !ok {
			place = at + len(data)
			where[string(t.data)] = place
			data = append(data, t.data...)
			for len(data)%4 != 0 {
				data = append(data, 0)
			}
		}
		b = append(b, t.name...)
		b = be.AppendUint32(be.AppendUint32(b, uint32(place)), uint32(len(t.data)))
	}
	b = append(b, data...)
	be.PutUint32(b, uint32(len(b)))
	return b
}

// descriptionTag is a textDescriptionType (ICC.1:2001-04, 6.5.17): ASCII, and empty
// Unicode and ScriptCode texts.
func descriptionTag(s string) []byte {
	b := append([]byte("desc\x00\x00\x00\x00"), 0, 0, 0, byte(len(s)+1))
	b = append(append(b, s...), 0)
	return append(b, make([]byte, 4+4+2+1+67)...)
}

func xyzTag(v vec3) []byte {
	b := []byte("XYZ \x00\x00\x00\x00")
	for _, x := range v {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(x*65536))))
	}
	return b
}

// curveTag is a curveType: a gamma when the curve is a power, else a table that is fine
// enough for a quarter of a level of sRGB.
func curveTag(c *Curve) []byte {
	be := binary.BigEndian
	head := []byte("curv\x00\x00\x00\x00")
	if c.table == nil && c.f == nil {
		return be.AppendUint32(head, 0)
	}
	if c.gamma > 0 && c.gamma < 255 {
		b := be.AppendUint32(head, 1)
		b = be.AppendUint16(b, uint16(math.Round(c.gamma*256)))
		if again, _, err := readCurve(append(b, 0, 0)); err == nil && again.difference(c) < 0.1 {
			return b
		}
	}
	for n := 64; ; n *= 2 {
		b := be.AppendUint32(head, uint32(n))
		for i := range n {
			b = be.AppendUint16(b, uint16(math.Round(65535*c.Decode(float64(i)/float64(n-1)))))
		}
		if n >= 4096 || c.worst(b) < 0.25 {
			return b
		}
	}
}

// worst returns the largest error of a curve read from b, in levels of 255.
func (c *Curve) worst(b []byte) float64 {
	again, _, err := readCurve(b)
	if err != nil {
		return math.Inf(1)
	}
	worst := 0.
	for i := range 256 {
		x := float64(i) / 255
		worst = max(worst, math.Abs(raster.EncodeSRGB(c.Decode(x))-raster.EncodeSRGB(again.Decode(x)))*255)
	}
	return worst
}
