package meta

import (
	"strings"

	"imgtools/pkg/picture/raster"
)

// Keep says which metadata a result keeps. Values are joined by |.
type Keep uint8

const (
	KeepDate      Keep = 1 << iota // when the picture was taken
	KeepCopyright                  // whose it is
	KeepAll                        // everything, corrected, except thumbnails
)

// keeps are the words of Keep.
var keeps = map[string]Keep{"none": 0, "date": KeepDate, "copyright": KeepCopyright, "all": KeepAll}

// ParseKeep reads words separated by commas: "date,copyright". Words that it doesn't
// know keep nothing; package ops has refused them.
func ParseKeep(words string) (k Keep) {
	for w := range strings.SplitSeq(words, ",") {
		k |= keeps[w]
	}
	return k
}

// Result is what is known of the picture that metadata will describe. It is upright.
type Result struct {
	W, H    int // pixels
	Density raster.Density
	SRGB    bool // its samples are sRGB, or gray of its tone
	IPTC    bool // its format has a place for IPTC
	InEXIF  bool // its format has no other place for the density than EXIF
}

// Filter returns the metadata that a result keeps of its original. Without KeepAll new
// blocks are written from the few tags that are kept. Nothing else of the original gets
// into them: no place, no serial number, no maker note. What IPTC says goes into XMP if
// the format has no place for IPTC. With KeepAll they are copies,
// in which the size, the orientation and the colour space are those of the result, and
// from which thumbnails are removed. A note says which block was too damaged to keep.
// The density is always kept.
func Filter(m raster.Metadata, k Keep, r Result) (kept raster.Metadata, note string) {
	var density raster.Density
	if r.InEXIF {
		density = r.Density
	}
	if k == 0 {
		return raster.Metadata{EXIF: NewEXIF(nil, density)}, ""
	}
	if k&KeepAll != 0 {
		if kept, note = correct(m, r); kept.EXIF == nil {
			kept.EXIF = NewEXIF(nil, density)
		}
		return kept, note
	}
	x, err := parseXMP(m.XMP)
	if err != nil {
		note = "damaged XMP left out"
	}
	if !r.IPTC {
		x.complete(m.IPTC)
	}
	kept.EXIF = NewEXIF(Texts(m.EXIF, k), density)
	kept.XMP = writeXMP(x.only(k))
	if r.IPTC {
		kept.IPTC = iptcOf(m.IPTC, k)
	}
	return kept, note
}

// correct returns copies of all blocks that say the truth about the result.
func correct(m raster.Metadata, r Result) (kept raster.Metadata, note string) {
	var damaged []string
	var ok bool
	if kept.EXIF, ok = correctEXIF(m.EXIF, r); !ok {
		damaged = append(damaged, "EXIF")
	}
	if kept.XMP, ok = correctXMP(m.XMP); !ok {
		damaged = append(damaged, "XMP")
	}
	if !r.IPTC {
		if note = ""; len(m.IPTC) > 0 {
			note = "IPTC left out"
		}
	} else if kept.IPTC, ok = correctIPTC(m.IPTC); !ok {
		damaged = append(damaged, "IPTC")
	}
	if len(damaged) > 0 {
		note = "damaged " + strings.Join(damaged, " and ") + " left out"
	}
	return kept, note
}
