package codec

import (
	"fmt"
	"io"
	"math"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/picture/heif"
	"imgtools/pkg/picture/raster"
)

// Decoder opens HEIC and AVIF files, whose pixels another program decodes. Its readers are
// those of any format.
type Decoder interface {
	Open(in io.ReaderAt, size int64, lim raster.Limits) (raster.Reader, error)
}

// Elsewhere is the Decoder of a worker whose front has another daemon decode HEIC and
// AVIF: it refuses them with the kind Undecoded.
type Elsewhere struct{}

func (Elsewhere) Open(in io.ReaderAt, size int64, _ raster.Limits) (raster.Reader, error) {
	return nil, fault.As(fault.Undecoded, refuseHEIF(in, size))
}

// none is the Decoder where nothing decodes them.
type none struct{}

func (none) Open(in io.ReaderAt, size int64, _ raster.Limits) (raster.Reader, error) {
	return nil, refuseHEIF(in, size)
}

// refuseHEIF refuses a HEIC or AVIF file, with its size if that can be read.
func refuseHEIF(in io.ReaderAt, size int64) error {
	head := make([]byte, min(size, sniffLen))
	n, _ := in.ReadAt(head, 0)
	name := heif.Brand(head[:n])
	what := name
	if p, err := heif.Open(in, size, raster.Limits{Pixels: math.MaxInt64}); err == nil {
		if f, ok := format.Lookup(p.Format()); ok {
			name = f.Title
		}
		what = fmt.Sprintf("%s of %d×%d pixels", name, p.W, p.H)
	}
	return fault.New(fault.Unsupported, "%s: no program here decodes it; %s", what, heif.Advice(name))
}

// heifFormat returns the name of the format of a HEIF file with a brand. A general brand
// says nothing of the coding; the file does.
func heifFormat(in io.ReaderAt, size int64, brand string) string {
	switch brand {
	case "AVIF":
		return format.AVIF
	case "HEIC":
		return format.HEIC
	}
	if p, err := heif.Open(in, size, raster.Limits{Pixels: math.MaxInt64}); err == nil {
		return p.Format()
	}
	return format.HEIC
}
