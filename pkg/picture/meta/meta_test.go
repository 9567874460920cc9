package meta

import (
	"encoding/binary"
	"testing"
)

type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// exif builds a block with one directory of n entries, the last of which is
// the given tag; value is four bytes.
func exif(o order, n int, tag, typ uint16, count uint32, value []byte) []byte {
	b := []byte("II*\x00")
	if o.Uint16([]byte{0, 1}) == 1 {
		b = []byte("MM\x00*")
	}
	b = o.AppendUint32(b, 10)
	b = append(b, 0xee, 0xee) // the directory need not follow at once
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
			value := o.AppendUint16(nil, v)
			b := exif(o, 4, tagOrientation, typeShort, 1, append(value, 0, 0))
			if got := Orientation(b); got != want {
				t.Errorf("%v %d: %d, want %d", o, v, got, want)
			}
			if got := Orientation(append([]byte("Exif\x00\x00"), b...)); got != want {
				t.Errorf("%v %d with prefix: %d, want %d", o, v, got, want)
			}
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
		{"as text", exif(be, 2, tagOrientation, 2, 1, []byte{0, 6, 0, 6}), 1},
		{"two values", exif(be, 2, tagOrientation, typeShort, 2, []byte{0, 6, 0, 6}), 1},
		{"other tag", exif(be, 2, 0x0113, typeShort, 1, []byte{0, 6, 0, 0}), 1},
	} {
		if got := Orientation(c.in); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
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
		if got := ICCSpace(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzMeta(f *testing.F) {
	f.Add(exif(binary.LittleEndian, 3, tagOrientation, typeShort, 1, []byte{6, 0, 0, 0}))
	f.Add(exif(binary.BigEndian, 1, tagOrientation, typeLong, 1, []byte{0, 0, 0, 3}))
	f.Add(profile(128, 128, "RGB "))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o := Orientation(b); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
		if s := ICCSpace(b); s != "" && (len(s) != 4 || len(b) < 128) {
			t.Errorf("space %q of %d bytes", s, len(b))
		}
	})
}
