package meta

import (
	"encoding/binary"
	"fmt"
	"testing"
)

func TestDateOfEXIF(t *testing.T) {
	text := func(tag uint16, s string) entry { return entry{tag, typeASCII, uint32(len(s) + 1), []byte(s + "\x00")} }
	taken, changed, zone := "2026:11:29 18:30:00", "2026:12:01 07:00:00", "+01:00"
	down := entry{tagExifIFD, typeLong, 1, nil}
	for _, c := range []struct {
		name        string
		first, exif []entry
		want        string
	}{
		{"taken", []entry{text(tagDateTime, changed), down}, []entry{text(tagTaken, taken)}, "2026-11-29T18:30:00"},
		{"with its zone", []entry{down}, []entry{text(tagTaken, taken), text(tagOffsetTaken, zone)}, "2026-11-29T18:30:00+01:00"},
		{"a zone that is none", []entry{down}, []entry{text(tagTaken, taken), text(tagOffsetTaken, "   :  ")}, "2026-11-29T18:30:00"},
		{"only changed", []entry{text(tagDateTime, changed), down}, nil, "2026-12-01T07:00:00"},
		{"a clock that is not set", []entry{text(tagDateTime, changed), down}, []entry{text(tagTaken, "0000:00:00 00:00:00")}, "2026-12-01T07:00:00"},
		{"spaces", []entry{down}, []entry{text(tagTaken, "    :  :     :  :  ")}, ""},
		{"the 31st of February", []entry{text(tagDateTime, "2026:02:31 00:00:00"), down}, nil, ""},
		{"too short", []entry{text(tagDateTime, "2026:11:29"), down}, nil, ""},
		{"of another type", []entry{{tagDateTime, typeShort, 20, []byte(taken + "\x00")}, down}, nil, ""},
	} {
		for _, o := range []order{binary.LittleEndian, binary.BigEndian} {
			t.Run(fmt.Sprint(c.name, " ", o), func(t *testing.T) {
				if got := DateOf(tree(o, c.first, c.exif, nil)); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
			})
		}
	}
}
