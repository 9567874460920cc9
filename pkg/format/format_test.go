package format

import (
	"slices"
	"testing"
)

func TestNoWordMeansTwoFormats(t *testing.T) {
	words, exts, media := map[string]string{}, map[string]string{}, map[string]string{}
	for _, f := range All() {
		for _, claim := range []struct {
			of    map[string]string
			words []string
		}{{words, append([]string{f.Name}, f.Aliases...)}, {exts, f.Exts}, {media, []string{f.Media}}} {
			for _, w := range claim.words {
				if other, taken := claim.of[w]; taken && w != "" {
					t.Errorf("%q is claimed by %s and %s", w, other, f.Name)
				}
				claim.of[w] = f.Name
			}
		}
	}
}

func TestRowsAreComplete(t *testing.T) {
	for _, f := range All() {
		t.Run(f.Name, func(t *testing.T) {
			if f.Title == "" || len(f.Exts) == 0 || (f.Read || f.Write) && f.Media == "" {
				t.Errorf("row lacks a title, an extension or a media type: %+v", f)
			}
			if f.Family != "" {
				if _, ok := Lookup(f.Family); !ok {
					t.Errorf("family %q is no format", f.Family)
				}
			}
		})
	}
}

func TestLookups(t *testing.T) {
	name := func(f Format, ok bool) string { return f.Name }
	for _, c := range []struct{ what, got, want string }{
		{"word JPG", name(Lookup("JPG")), JPEG},
		{"word tif", name(Lookup("tif")), TIFF},
		{"word dib", name(Lookup("dib")), ""},
		{"extension JPE", name(ByExt("JPE")), JPEG},
		{"extension heif", name(ByExt("heif")), "heic"},
		{"extension 2024", name(ByExt("2024")), ""},
		{"media type", name(ByMedia("image/x-portable-graymap")), PGM},
		{"no media type", name(ByMedia("")), ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		})
	}
	if got := ReadTitles(); got != "JPEG, PNG, GIF, WebP, BMP, ICO, TIFF, PNM and PAM" {
		t.Errorf("ReadTitles: %s", got)
	}
	pgm, _ := Lookup(PGM)
	pnm, _ := Lookup(PNM)
	if !pgm.HasExt("pnm") || !pnm.HasExt("PPM") || pgm.HasExt("ppm") || pgm.HasExt("png") {
		t.Error("HasExt confuses the netpbm formats")
	}
}

func TestSetShowsAFakeFormatAndRestores(t *testing.T) {
	before := Written()
	restore := Set(append(slices.Clone(All()), Format{Name: "fake", Aliases: []string{"fk"}, Title: "Fake", Exts: []string{"fak"},
		Media: "image/x-fake", Read: true, Write: true, Quality: 40}))
	if f, ok := Lookup("FK"); !ok || f.Ext() != ".fak" || !slices.Contains(Written(), "fake") {
		t.Errorf("the fake format is not found: %+v", f)
	}
	restore()
	if !slices.Equal(before, Written()) {
		t.Errorf("after restore: %v", Written())
	}
}
