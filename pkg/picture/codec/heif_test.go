package codec

import (
	"os"
	"strings"
	"testing"

	"imgtools/pkg/fault"
)

// The line that refuses a HEIC or AVIF has its upright size and what converts it.
func TestHEIFIsRefusedWithItsSizeAndAdvice(t *testing.T) {
	for _, c := range []struct {
		file string
		keep int // bytes of it
		want []string
	}{
		{"exif.heic", 0, []string{"HEIC of 64×48 pixels is not read; ", "heif-convert IN.heic OUT.jpg", "libheif-examples", "libheif-tools", "HEVC may need a plugin", "sips -s format jpeg --out DIR IN.heic"}},
		{"exif.avif", 0, []string{"AVIF of 48×64 pixels is not read; ", "avifdec IN.avif OUT.png", "libavif-bin", "libavif-tools", "sips -s format jpeg --out DIR IN.avif"}},
		{"anim.avif", 0, []string{"AVIF of 64×48 pixels is not read; "}},
		{"exif.heic", 509, []string{"HEIC of 64×48 pixels is not read; "}}, // all of meta
		{"exif.heic", 100, []string{"HEIC is not read; convert it first: heif-convert"}},
		{"exif.avif", 100, []string{"AVIF is not read; convert it first: avifdec"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			data, err := os.ReadFile("../heif/testdata/" + c.file)
			if err != nil {
				t.Fatal(err)
			}
			if c.keep > 0 {
				data = data[:c.keep]
			}
			_, err = sniff(string(data))
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
		if _, err = sniff(strings.ReplaceAll(string(data), "avif", "mif1")); err == nil || !strings.HasPrefix(err.Error(), "AVIF of 64×48") {
			t.Error(err)
		}
	})
}
