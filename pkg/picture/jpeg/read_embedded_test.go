package jpeg

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// Without conversion the components of a JPEG of full-size chroma are those whose
// conversion by JFIF gives its colours, and the components of an RGB JPEG are its
// colours.
func TestEmbeddedComponentsAreAsTheyAre(t *testing.T) {
	for _, c := range []struct {
		file  string
		yCbCr bool
		jfif  bool // the components have to be converted
	}{{"base_1x1.jpg", false, true}, {"base_1x1.jpg", true, false}, {"prog_1x1.jpg", false, true}, {"rgb.jpg", false, false}, {"gray.jpg", true, false}} {
		p := rastertest.File(t, filepath.Join("testdata", c.file))
		d, err := Open(bytes.NewReader(p), int64(len(p)), raster.Limits{})
		want, err := rastertest.Samples(rastertest.Start(d, err))
		if err != nil {
			t.Fatal(err)
		}
		e, err := OpenEmbedded(bytes.NewReader(p), int64(len(p)), c.yCbCr, raster.Limits{})
		got, err := rastertest.Samples(rastertest.Start(e, err))
		if err != nil {
			t.Fatal(err)
		}
		if c.jfif {
			for i := 0; i < len(got); i += 3 {
				r, g, b := toRGB(uint8(got[i]), uint8(got[i+1]), uint8(got[i+2]))
				got[i], got[i+1], got[i+2] = uint16(r), uint16(g), uint16(b)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s, YCbCr %v: other samples", c.file, c.yCbCr)
		}
	}
}
