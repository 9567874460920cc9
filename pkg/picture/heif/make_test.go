package heif

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// bx returns a box with the given parts as its payload.
func bx(kind string, parts ...string) string {
	payload := strings.Join(parts, "")
	return n4(8+len(payload)) + kind + payload
}

func n1(v int) string { return string([]byte{byte(v)}) }
func n2(v int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(v))) }
func n4(v int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(v))) }

// full is the version and the flags that begin the payload of many boxes.
func full(version, flags int) string { return n4(version<<24 | flags) }

// made is a file that a test makes. Boxes and fields left empty get those of a HEIC of 64 ×
// 48 pixels.
type made struct {
	ftyp, pitm, iinf, iloc, iref, ipco, ipma, idat, rest string
}

func infe(id int, kind string) string { return bx("infe", full(2, 0), n2(id), n2(0), kind, "\x00") }

func iinf(items ...string) string {
	return bx("iinf", full(0, 0), n2(len(items)), strings.Join(items, ""))
}

func iref(kind string, from int, to ...int) string {
	s := n2(from) + n2(len(to))
	for _, id := range to {
		s += n2(id)
	}
	return bx(kind, s)
}

func ispe(w, h int) string { return bx("ispe", full(0, 0), n4(w), n4(h)) }

// hvcC is a decoder configuration of HEVC.
func hvcC(chroma, depth int) string {
	return bx("hvcC", strings.Repeat("\x01", 16), n1(0xfc|chroma), n1(0xf8|depth-8), strings.Repeat("\x00", 5))
}

// assign gives an item properties, counted from 1; a negative one is essential.
func assign(id int, properties ...int) string {
	s := n2(id) + n1(len(properties))
	for _, p := range properties {
		if p < 0 {
			p = -p | 0x80
		}
		s += n1(p)
	}
	return s
}

func ipma(items ...string) string { return ipmaOf(len(items), items...) }

// ipmaOf says that it has the properties of n items.
func ipmaOf(n int, items ...string) string {
	return bx("ipma", full(0, 0), n4(n), strings.Join(items, ""))
}

// ilocIDAT says that item id has the n bytes at off of idat.
func ilocIDAT(id, off, n int) string {
	return bx("iloc", full(1, 0), n2(0x4400), n2(1), n2(id), n2(1), n2(0), n2(1), n4(off), n4(n))
}

func (m made) file() []byte {
	or := func(s *string, usual string) {
		if *s == "" {
			*s = usual
		}
	}
	or(&m.ftyp, bx("ftyp", "heic", n4(0), "mif1heic"))
	or(&m.pitm, bx("pitm", full(0, 0), n2(1)))
	or(&m.iinf, iinf(infe(1, HEVC)))
	or(&m.iloc, bx("iloc", full(0, 0), n2(0), n2(0)))
	or(&m.ipco, bx("ipco", ispe(64, 48), hvcC(1, 8)))
	or(&m.ipma, ipma(assign(1, 1, -2)))
	if m.iref != "" {
		m.iref = bx("iref", full(0, 0), m.iref)
	}
	if m.idat != "" {
		m.idat = bx("idat", m.idat)
	}
	meta := bx("meta", full(0, 0), bx("hdlr", full(0, 0), n4(0), "pict", strings.Repeat("\x00", 13)),
		m.pitm, m.iloc, m.iinf, m.iref, bx("iprp", m.ipco, m.ipma), m.idat)
	return []byte(m.ftyp + meta + m.rest)
}

// open opens a file in memory.
func open(data []byte) (*Picture, error) {
	return Open(bytes.NewReader(data), int64(len(data)), unlimited)
}
