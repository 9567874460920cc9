package output

import (
	"strings"
	"testing"
	"unicode/utf8"

	"imgtools/pkg/fault"
	"imgtools/pkg/filename"
	"imgtools/pkg/format"
)

func TestName(t *testing.T) {
	tests := []struct{ original, format, want string }{
		{"a.jpg", "jpeg", "a.jpg"},
		{"a.JPG", "jpeg", "a.JPG"},
		{"a.jpeg", "jpeg", "a.jpeg"},
		{"a.jpg", "png", "a.png"},
		{"a.webp", "png", "a.png"},
		{"a.tif", "tiff", "a.tif"},
		{"a.png", "tiff", "a.tif"},
		{"a.pnm", "pgm", "a.pnm"},
		{"a.ppm", "pgm", "a.pgm"},
		{"a.pam", "ppm", "a.ppm"},
		{"a", "png", "a.png"},
		{"v1.2", "png", "v1.2.png"},
		{"report.2024", "jpeg", "report.2024.jpg"},
		{"Dr. Who", "jpeg", "Dr. Who.jpg"},
		{"a.pbm", "pgm", "a.pgm"},
		{"a.tar.png", "gif", "a.tar.gif"},
		{"png", "png", "png.png"},
		{"/x/y/a.png", "png", "a.png"},
		{`C:\fakepath\a.png`, "png", "a.png"},
		{"../../a.png", "png", "a.png"},
		{"..", "png", "ID.png"},
		{"x/", "png", "ID.png"},
		{"", "png", "ID.png"},
		{".png", "png", "png.png"},
		{"...a.png", "png", "a.png"},
		{"\x00.\x1ba\n\u0085.png", "png", "a.png"},
		{"-rf.png", "png", "-rf.png"},
		{"Zoë 犬.png", "jpeg", "Zoë 犬.jpg"},
		{"a.png", "", "a.png"},
		{"a", "", "a.bin"},
		{"a.xyz", "", "a.xyz.bin"},
	}
	for _, tt := range tests {
		t.Run(tt.original+" "+tt.format, func(t *testing.T) {
			if got := Name(tt.original, tt.format, "ID"); got != tt.want {
				t.Errorf("Name(%q, %q) = %q, want %q", tt.original, tt.format, got, tt.want)
			}
		})
	}
}

// maxName is the longest name of a file, in bytes, on all usual file systems.
const maxName = 255

func TestLongNameIsCut(t *testing.T) {
	for _, letter := range []string{"a", "é", "犬", "😀"} {
		t.Run(letter, func(t *testing.T) {
			name := Name(strings.Repeat(letter, 255/len(letter))+".webp", "jpeg", "ID")
			if len(name) > filename.MaxLen || len(name) < filename.MaxLen-utf8.UTFMax || !utf8.ValidString(name) || !strings.HasSuffix(name, letter+".jpg") {
				t.Errorf("%d bytes: %q", len(name), name)
			}
		})
	}
}

func TestFormats(t *testing.T) {
	for file, want := range map[string]string{"a.jpg": "jpeg", "a.TIF": "tiff", "x/a.pgm": "pgm", "a": "", "a.dat": "", "a.png/b": ""} {
		t.Run(file, func(t *testing.T) {
			if got, err := FormatOf(file); got != want || err != nil {
				t.Errorf("FormatOf(%q) = %q, %v", file, got, err)
			}
		})
	}
	for _, file := range []string{"a.heic", "a.JXL"} {
		t.Run(file, func(t *testing.T) {
			if _, err := FormatOf(file); fault.Of(err) != fault.Usage {
				t.Errorf("the format is not written: %v", err)
			}
		})
	}
	for mediaType, want := range map[string]string{"image/jpeg": "jpeg", "image/x-portable-graymap": "pgm", "text/html": "", "": ""} {
		t.Run(mediaType, func(t *testing.T) {
			if got := Format(mediaType); got != want {
				t.Errorf("Format(%q) = %q", mediaType, got)
			}
		})
	}
}

// Whatever a server says a picture is called, its file is one in the folder.
func FuzzName(f *testing.F) {
	for _, s := range []string{"a.png", "../x", "..\\..", ".\x00.", "\xff\xfe.JPG", strings.Repeat("犬", 100), "/", "a/.b", ""} {
		f.Add(s, "png")
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, original, formatName string) {
		name := Name(original, formatName, "id")
		if name == "" || name[0] == '.' || len(name) > maxName || strings.ContainsAny(name, "/\x00\n\x1b\x7f") {
			t.Errorf("%q", name)
		}
		f, _ := format.Lookup(formatName)
		// A name with the right extension stays what it is.
		if again := Name(name, formatName, "id"); again != name && len(f.Exts) > 0 {

			t.Errorf("%q becomes %q", name, again)
		}
	})
}
