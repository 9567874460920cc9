package meta

import (
	"encoding/binary"
	"encoding/xml"
)

// Datasets of the IPTC Information Interchange Model (IIM 4.2) that can be kept. The
// number is record << 8 | dataset.
const (
	iptcCharset     = 1<<8 | 90 // of all texts
	iptcDateCreated = 2<<8 | 55
	iptcTimeCreated = 2<<8 | 60
	iptcDigitalDate = 2<<8 | 62
	iptcDigitalTime = 2<<8 | 63
	iptcByLine      = 2<<8 | 80
	iptcCredit      = 2<<8 | 110
	iptcCopyright   = 2<<8 | 116
)

var iptcKept = map[int]Keep{
	iptcDateCreated: KeepDate, iptcTimeCreated: KeepDate, iptcDigitalDate: KeepDate, iptcDigitalTime: KeepDate,
	iptcByLine: KeepCopyright, iptcCredit: KeepCopyright, iptcCopyright: KeepCopyright,
}

// dataset returns the first dataset of b and what follows it. A dataset is
//
//	1C  record  number  length (2 bytes)  data
//
// (IIM 4.2, 1.5). Extended ones, longer than 32 KiB, are not read.
func dataset(b []byte) (number int, whole, rest []byte, ok bool) {
	if len(b) < 5 || b[0] != 0x1c {
		return 0, nil, nil, false
	}
	n := 5 + int(binary.BigEndian.Uint16(b[3:]))
	if n-5 > 1<<15-1 || n > len(b) {
		return 0, nil, nil, false
	}
	return int(b[1])<<8 | int(b[2]), b[:n], b[n:], true
}

// iptcOf returns the datasets that k keeps, or nil if there are none.
func iptcOf(iptc []byte, k Keep) (kept []byte) {
	var charset []byte
	for {
		number, whole, rest, ok := dataset(iptc)
		if !ok {
			break
		}
		switch {
		case number == iptcCharset && len(whole) < 40:
			charset = whole
		case iptcKept[number]&k != 0 && len(whole) <= maxText && len(kept) < maxText*maxValues:
			kept = append(kept, whole...)
		}
		iptc = rest
	}
	if len(kept) == 0 {
		return nil
	}
	return append(append([]byte(nil), charset...), kept...)
}

// inXMP are the properties that say what datasets say (IPTC Photo Metadata Standard).
var inXMP = map[int]xml.Name{
	iptcByLine:      {Space: nsDC, Local: "creator"},
	iptcCopyright:   {Space: nsDC, Local: "rights"},
	iptcCredit:      {Space: nsPhotoshop, Local: "Credit"},
	iptcDateCreated: {Space: nsPhotoshop, Local: "DateCreated"},
}

// complete adds what datasets say to properties that have no value.
func (x xmp) complete(iptc []byte) {
	missing := map[int]bool{}
	for i := range x {
		missing[i] = len(x[i]) == 0
	}
	for {
		number, whole, rest, ok := dataset(iptc)
		if !ok {
			return
		}
		iptc = rest
		name, known := inXMP[number]
		if !known || !missing[find(name)] {
			continue
		}
		text := cleanText(string(whole[5:]))
		if number == iptcDateCreated && len(text) == 8 { // CCYYMMDD
			text = text[:4] + "-" + text[4:6] + "-" + text[6:]
		}
		x.add(find(name), text)
	}
}

// correctIPTC returns the datasets up to the first that is damaged, and false if not one
// is whole. The thumbnail (object data preview, 2:200 to 2:202) is left out.
func correctIPTC(iptc []byte) (corrected []byte, ok bool) {
	if len(iptc) == 0 {
		return nil, true
	}
	for {
		number, whole, rest, ok := dataset(iptc)
		if !ok {
			return corrected, len(corrected) > 0
		}
		if number < 2<<8|200 || number > 2<<8|202 {
			corrected = append(corrected, whole...)
		}
		iptc = rest
	}
}

const (
	psResource = "8BIM"
	psIPTC     = 0x0404
)

// IPTCOfPhotoshop returns the IPTC datasets in a block of Photoshop's image resources
// (Adobe Photoshop File Formats, Image Resource Blocks), which a JPEG has in an APP13
// after "Photoshop 3.0\0". A resource is
//
//	"8BIM"  id (2 bytes)  name (Pascal string, padded to even)  length (4)  data (padded to even)
func IPTCOfPhotoshop(b []byte) []byte {
	for len(b) >= 12 && string(b[:4]) == psResource {
		id := binary.BigEndian.Uint16(b[4:])
		at := 6 + (int(b[6])+2)&^1
		if at+4 > len(b) {
			return nil
		}
		n := int64(binary.BigEndian.Uint32(b[at:]))
		b = b[at+4:]
		if n > int64(len(b)) {
			return nil
		}
		if id == psIPTC {
			return b[:n]
		}
		b = b[min((n+1)&^1, int64(len(b))):]
	}
	return nil
}

// PhotoshopOfIPTC returns a block of one resource with IPTC datasets, or nil without any.
func PhotoshopOfIPTC(iptc []byte) []byte {
	if len(iptc) == 0 {
		return nil
	}
	b := append([]byte(psResource), psIPTC>>8, psIPTC&0xff, 0, 0)
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(iptc))), iptc...)
	if len(iptc)%2 == 1 {
		b = append(b, 0)
	}
	return b
}
