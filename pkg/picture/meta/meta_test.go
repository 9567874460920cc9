package meta

import (
	"encoding/binary"
	"fmt"
	"testing"

	"imgtools/pkg/picture/raster"
)

type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// exif builds a block with one directory of n entries. The last has the given tag;
// value is four bytes.
func exif(o order, n int, tag, typ uint16, count uint32, value []byte) []byte {
	b := []byte("II*\x00")
	if o.Uint16([]byte{0, 1}) == 1 {
		b = []byte("MM\x00*")
	}
	b = o.AppendUint32(b, 10)
	b = append(b, 0xee, 0xee) // a gap before the directory
	b = o.AppendUint16(b, uint16(n))
	for i := range n - 1 {
		b = o.AppendUint16(b, uint16(0x100+i))
		b = o.AppendUint16(b, typeLong)
		b = o.AppendUint32(b, 1)
		b = o.AppendUint32(b, 7)
	}
	b = o.AppendUint16(b, tag)
	b = o.AppendUint16(b, typ)
	b = o.AppendUint32(b, count)
	b = append(b, value...)
	return o.AppendUint32(b, 0)
}

func TestOrientationEveryValueOrderAndPrefix(t *testing.T) {
	for v := uint16(0); v <= 9; v++ {
		want := uint8(v)
		if v < 1 || v > 8 {
			want = 1
		}
		for _, o := range []order{binary.LittleEndian, binary.BigEndian} {
			t.Run(fmt.Sprint(o, " ", v), func(t *testing.T) {
				value := o.AppendUint16(nil, v)
				b := exif(o, 4, tagOrientation, typeShort, 1, append(value, 0, 0))
				if got := Orientation(b); got != want {
					t.Errorf("%d, want %d", got, want)
				}
				if got := Orientation(append([]byte("Exif\x00\x00"), b...)); got != want {
					t.Errorf("with prefix: %d, want %d", got, want)
				}
			})
		}
	}
}

func TestOrientationOddAndBad(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	good := exif(le, 1, tagOrientation, typeShort, 1, []byte{6, 0, 0, 0})
	cut := good[:len(good)-4] // without the next directory's offset
	far := append([]byte(nil), good...)
	le.PutUint32(far[4:], 0xffffffff)
	for _, c := range []struct {
		name string
		in   []byte
		want uint8
	}{
		{"nothing", nil, 1},
		{"prefix only", []byte("Exif\x00\x00"), 1},
		{"no TIFF", []byte("not a TIFF block"), 1},
		{"without next offset", cut, 6},
		{"half an entry", cut[:len(cut)-1], 1},
		{"directory outside", far, 1},
		{"more entries than there are", append([]byte("II*\x00\x08\x00\x00\x00\xff\xff"), cut[12:]...), 6},
		{"as byte", exif(be, 2, tagOrientation, typeByte, 1, []byte{3, 0, 0, 0}), 3},
		{"as long", exif(be, 2, tagOrientation, typeLong, 1, []byte{0, 0, 0, 8}), 8},
		{"as signed long", exif(le, 2, tagOrientation, typeSLong, 1, []byte{7, 0, 0, 0}), 7},
		{"as signed short", exif(be, 2, tagOrientation, typeSShort, 1, []byte{0, 5, 0, 0}), 5},
		{"as signed byte", exif(be, 2, tagOrientation, typeSByte, 1, []byte{4, 0, 0, 0}), 4},
		{"negative", exif(le, 2, tagOrientation, typeSLong, 1, []byte{255, 255, 255, 255}), 1},
		{"as text", exif(be, 2, tagOrientation, 2, 1, []byte{0, 6, 0, 6}), 1},
		{"two values", exif(be, 2, tagOrientation, typeShort, 2, []byte{0, 6, 0, 6}), 1},
		{"other tag", exif(be, 2, 0x0113, typeShort, 1, []byte{0, 6, 0, 0}), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Orientation(c.in); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

// profile returns a header of n bytes that claims size.
func profile(n int, size uint32, space string) []byte {
	b := make([]byte, n)
	binary.BigEndian.PutUint32(b, size)
	copy(b[16:], space)
	copy(b[36:], "acsp")
	return b
}

func TestICCSpace(t *testing.T) {
	unsigned := profile(200, 200, "RGB ")
	unsigned[36] = 'x'
	for _, c := range []struct {
		name string
		in   []byte
		want string
	}{
		{"rgb", profile(200, 200, "RGB "), "RGB "},
		{"gray, padded", profile(201, 200, "GRAY"), "GRAY"},
		{"cmyk, header only", profile(128, 128, "CMYK"), "CMYK"},
		{"nothing", nil, ""},
		{"short", profile(127, 127, "RGB "), ""},
		{"cut", profile(199, 200, "RGB "), ""},
		{"size lies", profile(200, 100, "RGB "), ""},
		{"no signature", unsigned, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ICCSpace(c.in); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// entry is one entry of a directory; value is four bytes, or more, which are put
// elsewhere in the block.
type entry struct {
	tag, typ uint16
	count    uint32
	value    []byte
}

// tree builds a block of directories one after another. An entry of no value points
// to the next directory.
func tree(o order, dirs ...[]entry) []byte {
	b := []byte("II*\x00")
	if o.Uint16([]byte{0, 1}) == 1 {
		b = []byte("MM\x00*")
	}
	b = o.AppendUint32(b, 8)
	at := 8
	var rest []byte
	end := 8
	for _, d := range dirs {
		end += 2 + 12*len(d) + 4
	}
	for _, d := range dirs {
		at += 2 + 12*len(d) + 4
		b = o.AppendUint16(b, uint16(len(d)))
		for _, e := range d {
			b = o.AppendUint32(o.AppendUint16(o.AppendUint16(b, e.tag), e.typ), e.count)
			switch {
			case e.value == nil:
				b = o.AppendUint32(b, uint32(at))
			case len(e.value) <= 4:
				b = append(b, append(e.value, 0, 0, 0, 0)[:4]...)
			default:
				b = o.AppendUint32(b, uint32(end+len(rest)))
				rest = append(rest, e.value...)
			}
		}
		b = o.AppendUint32(b, 0)
	}
	return append(b, rest...)
}

func ratio(o order, p, q uint32) []byte { return o.AppendUint32(o.AppendUint32(nil, p), q) }

func TestDensity(t *testing.T) {
	o := binary.BigEndian
	of := func(x, y []byte, unit ...byte) []byte {
		d := []entry{{tagXResolution, typeRational, 1, x}, {tagYResolution, typeRational, 1, y}}
		if unit != nil {
			d = append(d, entry{tagResolutionUnit, typeShort, 1, unit})
		}
		return tree(o, d)
	}
	none := raster.Density{}
	for _, c := range []struct {
		name string
		in   []byte
		want raster.Density
	}{
		{"inches", of(ratio(o, 300, 1), ratio(o, 600, 2), 0, 2), raster.Density{X: 300, Y: 300, Unit: raster.PerInch}},
		{"centimetres", of(ratio(o, 1181, 10), ratio(o, 1181, 10), 0, 3), raster.Density{X: 118.1, Y: 118.1, Unit: raster.PerCM}},
		{"ratio only", of(ratio(o, 2, 1), ratio(o, 1, 1), 0, 1), raster.Density{X: 2, Y: 1, Unit: raster.Aspect}},
		{"no unit means inches", of(ratio(o, 72, 1), ratio(o, 72, 1)), raster.Density{X: 72, Y: 72, Unit: raster.PerInch}},
		{"unknown unit", of(ratio(o, 72, 1), ratio(o, 72, 1), 0, 9), none},
		{"divided by zero", of(ratio(o, 72, 0), ratio(o, 72, 1)), none},
		{"zero", of(ratio(o, 0, 1), ratio(o, 72, 1)), none},
		{"absurd", of(ratio(o, 0xffffffff, 1), ratio(o, 72, 1)), none},
		{"one side only", tree(o, []entry{{tagXResolution, typeRational, 1, ratio(o, 72, 1)}}), none},
		{"as short", tree(o, []entry{{tagXResolution, typeShort, 1, []byte{0, 96}}, {tagYResolution, typeShort, 1, []byte{0, 96}}}), raster.Density{X: 96, Y: 96, Unit: raster.PerInch}},
		{"outside", of(ratio(o, 300, 1), ratio(o, 300, 1))[:50], none},
		{"absent", tree(o, nil), none},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ParseEXIF(c.in).Density; got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestSpace(t *testing.T) {
	for _, o := range []order{binary.LittleEndian, binary.BigEndian} {
		short := func(v uint16) []byte { return o.AppendUint16(nil, v) }
		exif := func(space uint16, interop string) []byte {
			return tree(o, []entry{{tagExifIFD, typeLong, 1, nil}},
				[]entry{{tagColorSpace, typeShort, 1, short(space)}, {tagInteropIFD, typeLong, 1, nil}},
				[]entry{{tagInteropIndex, typeASCII, 4, []byte(interop)}})
		}
		for _, c := range []struct {
			name string
			in   []byte
			want Space
		}{
			{"sRGB", exif(1, "R98"), SRGB},
			{"Adobe RGB", exif(0xffff, "R03"), AdobeRGB},
			{"uncalibrated", exif(0xffff, "R98"), Uncalibrated},
			{"uncalibrated without interoperability", tree(o, []entry{{tagExifIFD, typeLong, 1, nil}}, []entry{{tagColorSpace, typeShort, 1, short(0xffff)}}), Uncalibrated},
			{"signed uncalibrated", tree(o, []entry{{tagExifIFD, typeLong, 1, nil}}, []entry{{tagColorSpace, typeSLong, 1, []byte{255, 255, 255, 255}}}), Uncalibrated},
			{"2", exif(2, ""), AdobeRGB},
			{"unknown value", exif(7, "R03"), Unnamed},
			{"no Exif directory", tree(o, []entry{{tagOrientation, typeShort, 1, short(1)}}), Unnamed},
			{"Exif directory outside", tree(o, []entry{{tagExifIFD, typeLong, 1, []byte{255, 255, 255, 127}}}), Unnamed},
		} {
			t.Run(fmt.Sprint(o, " ", c.name), func(t *testing.T) {
				if got := ParseEXIF(c.in).Space; got != c.want {
					t.Errorf("%d, want %d", got, c.want)
				}
			})
		}
	}
}

func FuzzMeta(f *testing.F) {
	f.Add(exif(binary.LittleEndian, 3, tagOrientation, typeShort, 1, []byte{6, 0, 0, 0}))
	f.Add(exif(binary.BigEndian, 1, tagOrientation, typeLong, 1, []byte{0, 0, 0, 3}))
	f.Add(profile(128, 128, "RGB "))
	f.Add(tree(binary.LittleEndian, []entry{{tagExifIFD, typeLong, 1, nil}, {tagXResolution, typeRational, 1, ratio(binary.LittleEndian, 300, 1)}},
		[]entry{{tagColorSpace, typeShort, 1, []byte{255, 255}}, {tagInteropIFD, typeLong, 1, nil}}, []entry{{tagInteropIndex, typeASCII, 4, []byte("R03")}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := ParseEXIF(b)
		if e.Orientation < 1 || e.Orientation > 8 {
			t.Errorf("orientation %d", e.Orientation)
		}
		if d := e.Density; d != (raster.Density{}) && !(d.X > 0 && d.X <= maxDensity && d.Y > 0 && d.Y <= maxDensity) {
			t.Errorf("density %+v", d)
		}
		if s := ICCSpace(b); s != "" && (len(s) != 4 || len(b) < 128) {
			t.Errorf("space %q of %d bytes", s, len(b))
		}
	})
}
