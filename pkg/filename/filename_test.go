package filename

import (
	"imgtools/pkg/format"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"IMG_1.JPG":                        "IMG_1.JPG",
		"/etc/passwd":                      "passwd",
		`C:\Fotos\urlaub.jpg`:              "urlaub.jpg",
		"..":                               "",
		"../.profile":                      "profile",
		" .hidden.png ":                    "hidden.png",
		"a\nb\x00c\x7f":                    "abc",
		"\u202egnp.exe":                    "gnp.exe",
		"broken\xff.png":                   "broken.png",
		"año.png":                          "año.png",
		strings.Repeat("x", 300):           strings.Repeat("x", MaxLen),
		strings.Repeat("é", 150):           strings.Repeat("é", MaxLen/2),
		"a" + strings.Repeat("é", 150):     "a" + strings.Repeat("é", MaxLen/2-1),
		strings.Repeat("x", 300) + ".Png":  strings.Repeat("x", MaxLen-4) + ".Png",
		strings.Repeat("x", 198) + ".jpeg": strings.Repeat("x", MaxLen-5) + ".jpeg",
	} {
		t.Run(Cut(in, 20), func(t *testing.T) {
			if got := Clean(in); got != want {
				t.Errorf("Clean(%q) = %q, want %q", in, got, want)
			}
		})
	}
}

func TestOnlyAKnownExtensionIsReplaced(t *testing.T) {
	jpeg, _ := format.Lookup(format.JPEG)
	tiff, _ := format.Lookup(format.TIFF)
	for _, c := range []struct {
		name string
		to   format.Format
		want string
	}{
		{"a.png", jpeg, "a.jpg"},
		{"a.JPEG", jpeg, "a.JPEG"},
		{"a.heic", jpeg, "a.jpg"},
		{"report.2024", jpeg, "report.2024.jpg"},
		{"Dr. Who", jpeg, "Dr. Who.jpg"},
		{"Dr. Who.tif", jpeg, "Dr. Who.jpg"},
		{"v1.2.png", tiff, "v1.2.tif"},
		{"a.TIFF", tiff, "a.TIFF"},
		{"a.", jpeg, "a..jpg"},
		{"a", format.Format{}, "a"},
	} {
		t.Run(c.name+" to "+c.to.Name, func(t *testing.T) {
			if got := SetExtension(c.name, c.to); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	f.Add("../a\x00b\xff.png")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if len(got) > MaxLen || !utf8.ValidString(got) || strings.ContainsAny(got, "/\\\x00\n") || strings.HasPrefix(got, ".") {
			t.Errorf("Clean(%q) = %q", s, got)
		}
		if again := Clean(got); again != got {
			t.Errorf("Clean(%q) = %q, then %q", s, got, again)
		}
	})
}
