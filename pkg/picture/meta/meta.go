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

// DamagedICC is the note on a profile that is not whole.
const DamagedICC = "damaged colour profile ignored"

// ICCFor returns an ICC profile if it is whole and of the data colour space of the
// picture that has it, "RGB ", "GRAY" or "CMYK". Otherwise it returns nil and a note
// that says why the profile is ignored; without a profile there is no note.
func ICCFor(space string, profile []byte) (icc []byte, note string) {
	switch found := ICCSpace(profile); {
	case len(profile) == 0:
		return nil, ""
	case found == "":
		return nil, DamagedICC
	case found != space:
		return nil, "colour profile of another colour space ignored"
	}
	return profile, ""
}
