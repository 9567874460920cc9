// Package heif reads what a HEIC or AVIF file says of its picture. It decodes no pixels.
//
// A HEIF file (ISO/IEC 23008-12) is a row of boxes (ISO/IEC 14496-12): a size, a type of
// four letters, and a payload, which may hold boxes again. The box ftyp names what the
// file is compatible with, mdat has the coded data, and meta describes items: coded
// pictures, pictures made of others, EXIF, XMP. One of them is the primary item, the
// picture to show.
//
//	ftyp                 Brand
//	meta                 read whole, at most maxMeta bytes
//	├── pitm             id of the primary item
//	├── iinf: infe…      id and type of each item
//	├── iloc             where its data are
//	├── iref             which item belongs to which: thumbnails, alpha, tiles, metadata
//	├── iprp
//	│   ├── ipco         properties: size, decoder configuration, colours, turning
//	│   └── ipma         which item has which properties
//	└── idat             data of small items
//	moov                 frames of a sequence; only counted
//	mdat                 never read, except for metadata
//
// Open finds these boxes (walk.go, boxes.go), lists items and properties (items.go,
// properties.go), and follows the references of the primary item (picture.go).
package heif

import (
	"encoding/binary"
	"io"

	"imgtools/pkg/format"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/raster"
)

// Bounds on the walk through a hostile file. A picture of 200 Mpixel in tiles of 512 ×
// 512 has about 800 items and 30 KB of meta.
const (
	maxTop        = 100     // boxes of the file itself that are looked at
	maxBoxes      = 1 << 15 // boxes in one box
	maxMeta       = 4 << 20 // bytes of meta or moov
	maxItems      = 1 << 14 // items
	maxExtents    = 1 << 15 // pieces of data of all items
	maxTargets    = 1 << 15 // items that others refer to, one for each reference
	maxProperties = 1 << 12 // properties
	maxAssigned   = 1 << 16 // properties of all items, one for each use
	maxDerived    = 4       // derived pictures made of derived pictures
	maxMetadata   = 1 << 20 // bytes of EXIF or XMP
	maxFrames     = 1 << 16 // frames of a sequence
	maxBrands     = 64      // of ftyp
	maxText       = 256     // bytes of a string
	maxDerivation = 64      // bytes of the data of a grid or overlay that are looked at
)

// Picture is what a file says of its picture.
type Picture struct {
	raster.NoteList
	// W and H are pixels of the upright picture, after cropping, turning and mirroring.
	W, H int
	// StoredW and StoredH are pixels of the picture as it is coded. Crop is the part of it
	// that is to be shown, once turned as Orientation says.
	StoredW, StoredH int
	Crop             geometry.Rect
	// Orientation is EXIF's, 1 to 8: how the stored picture lies. It comes from the
	// properties irot and imir. The orientation that EXIF names is not to be applied.
	Orientation uint8
	Coding      string  // item type of what is coded: HEVC, AV1 or another
	Depth       int     // bits of a sample; 8 if the file does not say
	Chroma      Chroma  // of what is coded
	Alpha       bool    // it has alpha
	AlphaItem   uint32  // the item of it; 0: each tile of a grid has its own, or there is none
	Premul      bool    // colours are multiplied by alpha
	CICP        [4]byte // ITU-T H.273 primaries, transfer, matrix, full range; all zero: not given
	ICC         []byte  // profile, or nil
	Rows, Cols  int     // tiles of a grid; 1, 1 of any other picture
	Thumbs      []Thumb
	Frames      int    // frames of a sequence, else 1
	Truncated   bool   // the file ends before its pixels; a note has the numbers
	Unsupported string // why the picture can't be decoded as described; "": no reason known
	Item        uint32 // the primary item
	Others      bool   // the file has more pictures to show, beside this one
	Metadata    raster.Metadata
}

// Thumb is a smaller copy of the picture.
type Thumb struct {
	Item uint32 // its id
	W, H int    // pixels as stored: it is turned as the picture is
}

// Types of coded items.
const (
	HEVC = "hvc1"
	AV1  = "av01"
)

// Chroma is how the colours of a picture are subsampled.
type Chroma uint8

const (
	UnknownChroma Chroma = iota
	Mono                 // no colours
	C420
	C422
	C444
)

func (c Chroma) String() string { return [...]string{"unknown", "4:0:0", "4:2:0", "4:2:2", "4:4:4"}[c] }

// Format returns the name in package format of the format that the file has.
func (p *Picture) Format() string {
	if p.Coding == AV1 {
		return format.AVIF
	}
	return format.HEIC
}

// SRGB reports whether the numbers in CICP name sRGB, or leave the colours open. The
// matrix and the range only say how they are coded.
func (p *Picture) SRGB() bool {
	const unspecified, bt709, srgb = 2, 1, 13
	primaries, transfer := p.CICP[0], p.CICP[1]
	return p.CICP == [4]byte{} || (primaries == bt709 || primaries == unspecified) && (transfer == srgb || transfer == unspecified)
}

// Is reports whether the first size bytes of r are a HEIF file, by its first box.
func Is(r io.ReaderAt, size int64) bool {
	head := make([]byte, min(size, 16+4*maxBrands))
	n, _ := r.ReadAt(head, 0)
	return Brand(head[:n]) != ""
}

// Brand tells a HEIF file by its first bytes: it returns "AVIF", "HEIC", "HEIF" for one of
// another or no known coding, and "" if it is none. The brands of ftyp are looked at as
// far as head has them: the major one, then the compatible ones (ISO/IEC 14496-12, 4.3).
func Brand(head []byte) string {
	if len(head) < 12 || string(head[4:8]) != "ftyp" {
		return ""
	}
	generic := ""
	end := min(int64(binary.BigEndian.Uint32(head)), int64(len(head)), 16+4*maxBrands)
	for i := int64(8); i == 8 || i+4 <= end; i += 4 {
		switch string(head[i : i+4]) {
		case "avif", "avis":
			return "AVIF"
		case "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs":
			return "HEIC"
		case "mif1", "msf1":
			if i == 8 { // some videos are compatible with it
				generic = "HEIF"
			}
		}
		if i == 8 {
			i += 4 // the minor version
		}
	}
	return generic
}

// Open reads what the HEIF file in the first size bytes of r says of its picture. Its
// errors are of kind Format for a damaged file, Unsupported for a sequence without a
// still picture, TooLarge for one beyond a bound.
func Open(r io.ReaderAt, size int64, lim raster.Limits) (*Picture, error) {
	f := file{r: r, size: size}
	if err := f.walk(); err != nil {
		return nil, err
	}
	p := &Picture{}
	if err := f.describe(p, lim); err != nil {
		return nil, err
	}
	return p, nil
}
