package codec

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// The line that refuses a HEIC or AVIF has its upright size and what converts it.
func TestHEIFIsRefusedWithItsSizeAndAdvice(t *testing.T) {
	for _, c := range []struct {
		file string
		keep int // bytes of it
		want []string
	}{
		{"exif.heic", 0, []string{"HEIC of 64×48 pixels: no program here decodes it; install the package libheif-examples (Debian, Ubuntu)", "libheif-tools (Fedora)", "libheif (Arch)", "HEVC may need a plugin", "sips -s format jpeg --out DIR FILE"}},
		{"exif.avif", 0, []string{"AVIF of 48×64 pixels: no program here decodes it; install the package libavif-bin (Debian, Ubuntu)", "libavif-tools (Fedora)", "libavif (Arch)", "sips -s format jpeg --out DIR FILE"}},
		{"anim.avif", 0, []string{"AVIF of 64×48 pixels: "}},
		{"exif.heic", 509, []string{"HEIC of 64×48 pixels: "}}, // all of meta
		{"exif.heic", 100, []string{"HEIC: no program here decodes it; install"}},
		{"exif.avif", 100, []string{"AVIF: no program here decodes it; install"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			data, err := os.ReadFile("../heif/testdata/" + c.file)
			if err != nil {
				t.Fatal(err)
			}
			if c.keep > 0 {
				data = data[:c.keep]
			}
			in := bytes.NewReader(data)
			_, err = Open(in, in.Size(), raster.Limits{})
			if _, elsewhere := OpenWith(in, in.Size(), raster.Limits{}, Elsewhere{}); fault.Of(elsewhere) != fault.Undecoded || elsewhere.Error() != err.Error() {
				t.Errorf("of a worker: %v: %v", fault.Of(elsewhere), elsewhere)
			}
			if fault.Of(err) != fault.Unsupported || err == nil || !strings.HasPrefix(err.Error(), c.want[0]) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v: %v", fault.Of(err), err)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v lacks %q", err, part)
				}
			}
			if n := len(err.Error()); n > 400 { // the wire has 1,024 for a whole line
				t.Errorf("%d bytes", n)
			}
		})
	}
	t.Run("a brand of both, coded as AV1", func(t *testing.T) {
		data, err := os.ReadFile("../heif/testdata/gray.avif")
		if err != nil {
			t.Fatal(err)
		}
		in := strings.NewReader(strings.ReplaceAll(string(data), "avif", "mif1"))
		if _, err = Open(in, in.Size(), raster.Limits{}); err == nil || !strings.HasPrefix(err.Error(), "AVIF of 64×48") {
			t.Error(err)
		}
	})
}
