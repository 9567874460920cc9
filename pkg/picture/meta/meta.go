// Package meta reads the metadata that decides how a picture is shown: orientation,
// density and colour space of an EXIF block, and the colour space of an ICC profile.
// It has no state. All other metadata is dropped by the formats' readers; package
// colour reads profiles in full.
package meta

import "encoding/binary"

// ICCSpace returns the data colour space of an ICC profile (ICC.1:2022, 7.2.6):
// "RGB ", "GRAY", "CMYK" and so on, four bytes; "" if it is not a whole profile.
func ICCSpace(profile []byte) string {
	const header = 128
	if len(profile) < header || string(profile[36:40]) != "acsp" {
		return ""
	}
	if size := binary.BigEndian.Uint32(profile); size < header || uint64(size) > uint64(len(profile)) {
		return ""
	}
	return string(profile[16:20])
}
