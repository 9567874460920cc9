package codec

import (
	"encoding/binary"
	"io"
	"strings"
)

// Tags and values of TIFF 6.0, TIFF/EP (ISO 12234-2) and DNG 1.7 by which a
// camera raw file is known. Its first directory is often a thumbnail, so it must
// not be read as an ordinary TIFF.
const (
	tagCompression = 259
	tagPhotometric = 262
	tagMake        = 271
	tagSubIFDs     = 330
	tagDNGVersion  = 50706

	photometricCFA       = 32803
	photometricLinearRaw = 34892
)

// rawCompressions are those that only raw files use: Sony ARW, Nikon NEF,
// Samsung SRW (two), Kodak DCR and KDC, Pentax PEF.
var rawCompressions = []uint32{32767, 34713, 32769, 32770, 65000, 65535}

const (
	maxDirs    = 16   // directories looked at
	maxEntries = 1024 // entries of each
)

// rawTIFF returns the name of the camera raw format that a TIFF file is, or ""
// for an ordinary TIFF. A damaged directory is left to the TIFF reader to name.
func rawTIFF(r io.ReaderAt) string {
	var head [16]byte
	if n, _ := r.ReadAt(head[:], 0); n < 8 {
		return ""
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if head[0] == 'M' {
		order = binary.BigEndian
	}
	if order.Uint16(head[2:]) != 42 { // BigTIFF; package tiff refuses its raw files
		return ""
	}
	if string(head[8:11]) == "CR\x02" {
		return "Canon CR2 (camera raw)"
	}
	s := rawScan{r: r, order: order, todo: []uint32{order.Uint32(head[4:])}}
	for i := 0; i < len(s.todo) && i < maxDirs; i++ {
		s.dir(s.todo[i])
	}
	switch m := strings.ToUpper(s.maker); {
	case s.dng:
		return "DNG (camera raw)"
	case !s.raw:
		return ""
	case strings.HasPrefix(m, "NIKON"):
		return "Nikon NEF (camera raw)"
	case strings.HasPrefix(m, "SONY"):
		return "Sony ARW (camera raw)"
	case strings.HasPrefix(m, "CANON"):
		return "Canon CR2 (camera raw)"
	case strings.HasPrefix(m, "PENTAX"), strings.HasPrefix(m, "RICOH"):
		return "Pentax PEF (camera raw)"
	case strings.HasPrefix(m, "SAMSUNG"):
		return "Samsung SRW (camera raw)"
	}
	return "camera raw"
}

type rawScan struct {
	r     io.ReaderAt
	order binary.ByteOrder
	todo  []uint32 // offsets of directories
	maker string
	raw   bool
	dng   bool
}

// dir looks at the entries of one directory and notes where others are.
func (s *rawScan) dir(off uint32) {
	var b [12]byte
	if n, _ := s.r.ReadAt(b[:2], int64(off)); n < 2 {
		return
	}
	n := int(s.order.Uint16(b[:]))
	at := int64(off) + 2
	for range min(n, maxEntries) {
		if k, _ := s.r.ReadAt(b[:], at); k < len(b) {
			return
		}
		s.entry(b[:])
		at += int64(len(b))
	}
	if k, _ := s.r.ReadAt(b[:4], at); k == 4 && n <= maxEntries {
		s.add(s.order.Uint32(b[:]))
	}
}

func (s *rawScan) entry(b []byte) {
	tag, kind, count, value := s.order.Uint16(b), s.order.Uint16(b[2:]), s.order.Uint32(b[4:]), s.order.Uint32(b[8:])
	short := value
	if kind == 3 { // SHORT, left-aligned
		short = uint32(s.order.Uint16(b[8:]))
	}
	switch tag {
	case tagDNGVersion:
		s.dng = true
	case tagPhotometric:
		s.raw = s.raw || short == photometricCFA || short == photometricLinearRaw
	case tagCompression:
		for _, c := range rawCompressions {
			s.raw = s.raw || short == c
		}
	case tagMake:
		text := make([]byte, min(count, 32))
		if count <= 4 {
			copy(text, b[8:])
		} else if k, _ := s.r.ReadAt(text, int64(value)); k < len(text) {
			return
		}
		if s.maker == "" {
			s.maker = string(text)
		}
	case tagSubIFDs:
		if count == 1 {
			s.add(value)
			return
		}
		var p [4]byte
		for i := range int64(min(count, maxDirs)) {
			if k, _ := s.r.ReadAt(p[:], int64(value)+4*i); k < len(p) {
				return
			}
			s.add(s.order.Uint32(p[:]))
		}
	}
}

// add notes a directory to look at, once.
func (s *rawScan) add(off uint32) {
	for _, o := range s.todo {
		if o == off {
			return
		}
	}
	if off != 0 && len(s.todo) < maxDirs {
		s.todo = append(s.todo, off)
	}
}
