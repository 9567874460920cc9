package codec

import (
	"fmt"
	"io"
	"math"

	"imgtools/pkg/format"
	"imgtools/pkg/picture/heif"
	"imgtools/pkg/picture/raster"
)

// What decodes HEIC and AVIF, and the packages that have it. Patents cover HEVC, the coding
// of HEIC; some systems have it in a package of its own.
const (
	adviceHEIC = "convert it first: heif-convert IN.heic OUT.jpg (package libheif-examples of Debian and Ubuntu, libheif-tools of Fedora, libheif of Arch; " +
		"HEVC may need a plugin); on macOS: sips -s format jpeg --out DIR IN.heic"
	adviceAVIF = "convert it first: avifdec IN.avif OUT.png (package libavif-bin of Debian and Ubuntu, libavif-tools of Fedora, libavif of Arch); " +
		"on macOS: sips -s format jpeg --out DIR IN.avif"
)

// refuseHEIF refuses a HEIC or AVIF file, with its size if that can be read.
func refuseHEIF(in io.ReaderAt, size int64, brand string) error {
	name, what := brand, brand
	if p, err := heif.Open(in, size, raster.Limits{Pixels: math.MaxInt64}); err == nil {
		if f, ok := format.Lookup(p.Format()); ok {
			name = f.Title
		}
		what = fmt.Sprintf("%s of %d×%d pixels", name, p.W, p.H)
	}
	return refuse(what, adviceOf(name))
}

// adviceOf returns what helps with HEIC, HEIF or AVIF.
func adviceOf(name string) string {
	if name == "AVIF" {
		return adviceAVIF
	}
	return adviceHEIC
}
