package ops

import (
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
)

// words reads "scale=1/4 fine" as words.
func words(s string) []Word {
	var ws []Word
	for _, f := range strings.Fields(s) {
		k, v, _ := strings.Cut(f, "=")
		ws = append(ws, Word{k, v})
	}
	return ws
}

func text(o Ops) string {
	var fields []string
	for _, w := range o {
		fields = append(fields, w.Key+"="+w.Value)
	}
	return strings.Join(fields, " ")
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ in, want, label string }{
		{"", "gray=601", "gray"},
		{"name=a.png", "gray=601 name=a.png", "gray"},
		{"gray", "gray=601", "gray"},
		{"linear=1 fine scale=1/4 gray=709 kernel=box", "gray=709 scale=1/4 kernel=box linear=1", "gray+scale"},
		{"scale=1/4 fine=0", "scale=1/4 fast=1", "scale"},
		{"gray fast", "gray=601 fast=1", "gray"},
		{"format=webp fine", "format=webp", "convert"},
		{"fast quality=70", "fast=1 quality=70", "convert"},
		{"fast scale=1/4 fine=0", "scale=1/4 fast=1", "scale"},
		{"gray=0 scale=640x480> linear=0", "scale=640x480>", "scale"},
		{"gray luma=luminance", "gray=luminance", "gray"},
		{"luma=709 gray=709", "gray=709", "gray"},
		{"quality=90 scale=50% format=JPG", "scale=50% format=jpeg quality=90", "scale"},
		{"format=png", "format=png", "convert"},
		{"gray=0 quality=07", "quality=7", "convert"},
		{"frame=2", "frame=2", "convert"},
		{"crop=300x200+10+20", "crop=300x200+10+20", "convert"},
		{"scale=1/2 crop=50%x50% gray gravity=west", "crop=50%x50% gray=601 scale=1/2 gravity=west", "gray+scale"},
		{"crop=300x200+1+2 fast", "crop=300x200+1+2 fast=1", "convert"},
		{"crop=9x9 fine=0 gravity=30%,70.5%", "crop=9x9 gravity=30%,70.5% fast=1", "convert"},
		{"scale=300x200 fit=cover gravity=north crop=400x400+0+0", "crop=400x400+0+0 scale=300x200 fit=cover gravity=north", "scale"},
		{"scale=300x200 fit=pad enlarge=0 background=FF8000", "scale=300x200 fit=pad enlarge=0 background=ff8000", "scale"},
		{"scale=300x200^", "scale=300x200^", "scale"},
		{"scale=640x,1/2,x480 gray", "gray=601 scale=640x,1/2,x480", "gray+scale"},
		{"scale=64x48,32x48 fit=cover gravity=north", "scale=64x48,32x48 fit=cover gravity=north", "scale"},
	} {
		t.Run(c.in, func(t *testing.T) {
			o, err := Parse(words(c.in))
			if err != nil || text(o) != c.want || o.Label() != c.label {
				t.Fatalf("%q (%s), %v; want %q (%s)", text(o), o.Label(), err, c.want, c.label)
			}
			if again, err := Parse(o.Words()); err != nil || !again.Equal(o) {
				t.Errorf("its words give %q, %v", text(again), err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for in, part := range map[string]string{
		"rotate=90":                        `unknown word "rotate"`,
		"gray gray":                        "gray is given twice",
		"gray=red":                         "601 709 luminance",
		"gray=0":                           "no operation: gray or scale, or a format",
		"gray=0 name=x":                    "no operation",
		"kernel=box":                       "kernel without scale",
		"scale=1/2 fine fast":              "fast and fine exclude each other",
		"format=png linear=0":              "linear without scale",
		"scale=0":                          `scale: "0"`,
		"scale=-1":                         "scale: ",
		"scale=NaN":                        "not a geometry",
		"scale=0,5":                        "write 0.5",
		"scale=1e9":                        "scale: ",
		"scale=640x,":                      "size 2 of 2 is empty",
		"scale=1x,2x,3x,4x,5x,6x,7x,8x,9x": "9 sizes; at most 8",
		"scale=64x48!,64x48":               "64x48! and 64x48 in a list: both results would be named -64x48",
		"scale=50%,10x,1/2":                "50% and 1/2 in a list are the same size",
		"scale=64x,2x<":                    "nothing in a list is enlarged",
		"scale=64x,2x enlarge=1":           "enlarge=1 with scale=64x,2x: nothing in a list is enlarged",
		"scale=64x48,2x fit=cover":         "fit=cover with scale=2x: needs width and height",
		"scale=640":                        "for a width write 640x",
		"scale=":                           "scale: ",
		"gray format=avif":                 "not one of",
		"gray quality=0":                   "neither a whole number from 1 to 100 nor lossless",
		"gray quality=Lossless":            "nor lossless",
		"gray format=heic":                 "not one of",
		"gray quality=101":                 "1 to 100",
		"scale=1/2 luma=709":               "luma without gray",
		"gray=709 luma=601":                "differ",
		"scale=1/2 linear=yes":             "not 1 or 0",
		"frame=0":                          "frame",
		"crop=0x5":                         `crop: "0x5": an empty crop`,
		"crop=5":                           `crop: "5": not a crop; write 300x200, 300x200+10+20`,
		"crop=5x5+1":                       "not a crop",
		"crop=5x5-1-1":                     "not a crop",
		"crop=101%x5":                      "101% is over 100%",
		"crop=5x5+1+1 gravity=north":       "gravity=north and crop=5x5+1+1: both say where the part lies",
		"gravity=north scale=1/2":          "gravity without crop=WxH, fit=cover or fit=pad",
		"crop=5x5 gravity=up":              `gravity: "up": not a gravity; one of center north`,
		"crop=5x5 gravity=30%,101%":        "between 0% and 100%",
		"crop=5x5 gravity=-1%,0%":          "between 0% and 100%",
		"crop=5x5 gravity=--1%,0%":         "not a gravity",
		"gray fit=cover":                   "fit without scale",
		"scale=640x fit=cover":             "fit=cover with scale=640x: needs width and height: 640x480",
		"scale=1/2 fit=pad":                "needs width and height",
		"scale=640x480! fit=cover":         "the suffix says stretch",
		"scale=640x480!^":                  "both ! and ^",
		"scale=640x^":                      "^ needs both width and height",
		"scale=640x480< enlarge=0":         "the suffix < only enlarges",
		"scale=1/2 enlarge=no":             "not one of 1 0",
		"gray background=red":              "not a colour",
	} {
		t.Run(in, func(t *testing.T) {
			_, err := Parse(words(in))
			if err == nil || fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), part) {
				t.Errorf("%v; want a usage error with %q", err, part)
			}
		})
	}
}

func TestWithAndWithoutKeepTheOrder(t *testing.T) {
	o, err := Parse(words("quality=5 gray"))
	if err != nil {
		t.Fatal(err)
	}
	if got := text(o.With("scale", "1/2").With("quality", "6").Without("gray")); got != "scale=1/2 quality=6" {
		t.Errorf("%q", got)
	}
}

// TestFlagsOfCommands: a command has the options of its operation and those of any.
func TestFlagsOfCommands(t *testing.T) {
	for operation, want := range map[string]string{
		"gray":  "crop luma gravity fast fine background profile keep frame format quality bytes progressive",
		"scale": "crop fit enlarge gravity kernel fast fine linear background profile keep frame format quality bytes progressive",
		"":      "crop gray luma scale fit enlarge gravity kernel fast fine linear background profile keep frame format quality bytes progressive",
	} {
		t.Run(operation, func(t *testing.T) {
			var keys []string
			for _, opt := range Flags(operation) {
				keys = append(keys, opt.Key)
			}
			if got := strings.Join(keys, " "); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// TestFormatsComeFromTheTable: a format that is added to the table can be asked for,
// and a row that is added to the registry is parsed, listed and put in its place.
func TestFormatsComeFromTheTable(t *testing.T) {
	defer format.Set(append(slices.Clone(format.All()), format.Format{Name: "fake", Exts: []string{"fak"}, Title: "Fake",
		Media: "image/x-fake", Write: true, Quality: 33}))()
	defer Set(slices.Insert(slices.Clone(All()), 4, Option{Key: "blur", Arg: "radius", Parse: wholeNumber(1, 9), Of: "scale"}))()
	o, err := Parse(words("format=FAKE scale=1/2 blur=3"))
	if err != nil || text(o) != "scale=1/2 blur=3 format=fake" {
		t.Errorf("%q, %v", text(o), err)
	}
	if _, err := Parse(words("blur=10 scale=2")); err == nil {
		t.Error("blur=10 is taken")
	}
	q, _ := Lookup("quality")
	if got := q.Usual(); got != "81 of JPEG, 80 of WebP, 33 of Fake" {
		t.Errorf("default quality: %s", got)
	}
}

func TestBytesAreReadWithUnits(t *testing.T) {
	for in, want := range map[string]string{"200K": "204800", "1m": "1048576", "5000": "5000", "1G": "1073741824"} {
		o, err := Parse([]Word{{"bytes", in}})
		if err != nil || o.Get("bytes") != want {
			t.Errorf("bytes=%s is %v, %v", in, o, err)
		}
	}
	for _, bad := range []string{"", "0", "2G", "1.5M", "-1", "K", "many"} {
		if o, err := Parse([]Word{{"bytes", bad}}); err == nil || !strings.HasPrefix(err.Error(), "bytes ") {
			t.Errorf("bytes=%s is %v, %v", bad, o, err)
		}
	}
}

// Several sizes are one request for each, in which nothing is enlarged. Only the filters
// take them.
func TestSizes(t *testing.T) {
	var got []string
	for _, s := range Must("gray scale=320x,x480,640x480^,50%,1/3,0.25,+.2").Sizes() {
		got = append(got, s.Name+": "+text(s.Ops))
	}
	want := []string{
		"320: gray=601 scale=320x enlarge=0", "x480: gray=601 scale=x480 enlarge=0", "640x480: gray=601 scale=640x480^ enlarge=0",
		"50pc: gray=601 scale=50% enlarge=0", "1_3: gray=601 scale=1/3 enlarge=0", "0.25: gray=601 scale=0.25 enlarge=0", ".2: gray=601 scale=+.2 enlarge=0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if s := Must("scale=320x").Sizes(); s != nil {
		t.Error(s)
	}
	if o, err := ParsePublic(words("scale=320x,640x")); err != nil || len(o.Sizes()) != 2 {
		t.Error(o, err)
	}
	if err := Must("scale=320x").CheckSingle(); err != nil {
		t.Error(err)
	}
	if err := Must("scale=320x,640x").CheckSingle(); err == nil || fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), "scale=320x,640x: several sizes") {
		t.Error(err)
	}
}
