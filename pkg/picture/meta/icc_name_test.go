package meta

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode"
)

// named returns a profile whose second tag is a description.
func named(text []byte) []byte {
	b := profile(128, 0, "RGB ")
	b = binary.BigEndian.AppendUint32(b, 2)
	at := uint32(len(b) + 2*12)
	for _, tag := range []string{"cprt", "desc"} {
		b = append(b, tag...)
		b = binary.BigEndian.AppendUint32(b, at)
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
	}
	b = append(b, text...)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

func TestICCName(t *testing.T) {
	desc := func(n byte, text string) []byte {
		return append([]byte("desc\x00\x00\x00\x00\x00\x00\x00"), append([]byte{n}, text...)...)
	}
	mluc := func(length, offset byte, text string) []byte {
		return append([]byte("mluc\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0cenUS\x00\x00\x00"), append([]byte{length, 0, 0, 0, offset}, text...)...)
	}
	for _, c := range []struct {
		name string
		in   []byte
		want string
	}{
		{"text of version 2", named(desc(5, "sRGB\x00")), "sRGB"},
		{"with more behind it", named(desc(5, "sRGB\x00\x00\x00\x00\x00\x00")), "sRGB"},
		{"text of version 4", named(mluc(20, 28, "\x00D\x00i\x00s\x00p\x00l\x00a\x00y\x00 \x00P\x003")), "Display P3"},
		{"beyond ASCII", named(mluc(2, 28, "\x00\xe9")), "é"},
		{"line ends and escapes", named(desc(8, "a\nb\x1b[2Jc")), "ab[2Jc"},
		{"longer than is shown", named(desc(200, strings.Repeat("n", 200))), strings.Repeat("n", maxICCName)},
		{"length beyond the tag", named(desc(50, "sRGB\x00")), ""},
		{"offset beyond the tag", named(mluc(4, 200, "\x00P\x003")), ""},
		{"another type", named([]byte("text\x00\x00\x00\x00sRGB\x00\x00\x00\x00")), ""},
		{"no tags", profile(132, 132, "RGB "), ""},
		{"header only", profile(128, 128, "RGB "), ""},
		{"no profile", []byte("desc"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ICCName(c.in); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func FuzzICCName(f *testing.F) {
	f.Add(named([]byte("desc\x00\x00\x00\x00\x00\x00\x00\x05sRGB\x00")))
	f.Add(named([]byte("mluc\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0cenUS\x00\x00\x00\x04\x00\x00\x00\x1c\x00P\x003")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := ICCName(b); len([]rune(n)) > maxICCName || strings.ContainsFunc(n, unicode.IsControl) {
			t.Errorf("name %q", n)
		}
	})
}
