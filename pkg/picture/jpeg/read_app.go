package jpeg

import (
	"bytes"
	"encoding/binary"

	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// The names that begin segments of metadata.
const (
	exifName      = "Exif\x00\x00"
	xmpName       = "http://ns.adobe.com/xap/1.0/\x00"
	photoshopName = "Photoshop 3.0\x00"
)

// Metadata returns the metadata of the file. Of XMP that is (ISO 16684-3, 1.1.3.1) spread
// over several segments it has the main part.
func (r *Reader) Metadata() raster.Metadata { return r.metadata }

// readAPP reads an application segment: it keeps what decides how the picture is
// shown and its metadata, notes other pictures that the file has, and drops the rest.
//
//	APP0   JFIF (version, unit, density): YCbCr; density
//	APP1   Exif: orientation, density, Adobe RGB. XMP: a gain map
//	APP13  Photoshop: IPTC
//	APP2   ICC profile; the index of a file of several pictures (MPF); a gain map
//	APP14  Adobe: the colour transform
func (r *Reader) readAPP(m byte, n int) error {
	p, err := r.payload(m, n, 1<<16)
	if err != nil {
		return err
	}
	has := func(prefix string) bool { return bytes.HasPrefix(p, []byte(prefix)) }
	switch {
	case m == mAPP0 && has("JFIF\x00"):
		r.jfif = true
		if len(p) >= 12 && r.density == (raster.Density{}) {
			r.density = jfifDensity(p[7], binary.BigEndian.Uint16(p[8:]), binary.BigEndian.Uint16(p[10:]))
		}
	case m == mAPP1 && has(exifName):
		if !r.exif { // of several the first counts
			e := meta.ParseEXIF(p)
			r.exif, r.hdr.Orientation, r.exifDensity = true, e.Orientation, e.Density
			r.adobeRGB = e.Space == meta.AdobeRGB
			r.metadata.EXIF = bytes.Clone(p[len(exifName):])
		}
	case m == mAPP1 && has(xmpName):
		if r.metadata.XMP == nil {
			r.metadata.XMP = bytes.Clone(p[len(xmpName):])
		}
		r.gainMap = r.gainMap || bytes.Contains(p, []byte("http://ns.adobe.com/hdr-gain-map/1.0/"))
	case m == mAPP2 && has("ICC_PROFILE\x00") && len(p) >= 14:
		r.icc.add(p[12], p[13], p[14:])
	case m == mAPP2 && has("MPF\x00"):
		r.pictures = mpfPictures(p[4:])
	case m == mAPP2 && has("urn:iso:std:iso:ts:21496:-1\x00"):
		r.gainMap = true
	case m == mAPP13 && has(photoshopName) && r.metadata.IPTC == nil:
		r.metadata.IPTC = bytes.Clone(meta.IPTCOfPhotoshop(p[len(photoshopName):]))
	case m == mAPP14 && has("Adobe") && len(p) >= 12:
		r.adobe, r.transform = true, p[11]
	}
	return nil
}

// noteOthers notes what the file has beside the picture that is read.
func (r *Reader) noteOthers() {
	switch {
	case r.gainMap:
		r.Note("HDR gain map left out")
	case r.pictures > 1:
		r.Note("first of %d pictures", r.pictures)
	}
}

// jfifDensity is the density of a JFIF segment (JFIF 1.02, page 5). Unit 0 says that x
// and y are only a ratio; 1:1 of those, which nearly all files have, says nothing.
func jfifDensity(unit byte, x, y uint16) raster.Density {
	d := raster.Density{X: float64(x), Y: float64(y)}
	switch {
	case x == 0 || y == 0 || unit > 2 || unit == 0 && x == y:
		return raster.Density{}
	case unit == 1:
		d.Unit = raster.PerInch
	case unit == 2:
		d.Unit = raster.PerCM
	}
	return d
}

// mpfPictures counts the pictures of a multi-picture file (CIPA DC-007, 5.2), previews
// of the first excepted: those have type 1 in their upper byte. p is a TIFF structure
// whose first directory has the tag B002, a list of entries of 16 bytes:
//
//	4  flags and type, 4 size, 4 offset, 4 dependent pictures
func mpfPictures(p []byte) (n int) {
	if len(p) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.BigEndian
	if p[0] == 'I' {
		order = binary.LittleEndian
	}
	part := func(at, size uint64) []byte {
		if at+size > uint64(len(p)) {
			return nil
		}
		return p[at : at+size]
	}
	at := uint64(order.Uint32(p[4:]))
	count := part(at, 2)
	if count == nil {
		return 0
	}
	for i := range uint64(order.Uint16(count)) {
		entry := part(at+2+12*i, 12)
		if entry == nil {
			return 0
		}
		if order.Uint16(entry) != 0xB002 {
			continue
		}
		list := part(uint64(order.Uint32(entry[8:])), uint64(order.Uint32(entry[4:])))
		for ; len(list) >= 16; list = list[16:] {
			if order.Uint32(list)>>16&0xFF != 1 {
				n++
			}
		}
	}
	return n
}

// iccChunks gathers an ICC profile from several APP2 segments (ICC.1, annex B.4).
type iccChunks struct {
	chunks map[byte][]byte
	of     byte
}

func (c *iccChunks) add(seq, of byte, p []byte) {
	if seq == 0 || seq > of || c.of != 0 && c.of != of || c.chunks[seq] != nil {
		return
	}
	if c.chunks == nil {
		c.chunks = map[byte][]byte{}
	}
	c.of = of
	c.chunks[seq] = append([]byte{}, p...)
}

// profile returns the profile if it is whole and of the given colour space. If there is
// another one, or a part of one, the note says so.
func (c *iccChunks) profile(space string) (icc []byte, note string) {
	var p []byte
	for i := 1; i <= int(c.of); i++ {
		if c.chunks[byte(i)] == nil {
			return nil, meta.DamagedICC
		}
		p = append(p, c.chunks[byte(i)]...)
	}
	return meta.ICCFor(space, p)
}
