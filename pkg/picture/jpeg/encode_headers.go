package jpeg

import (
	"encoding/binary"
	"math"

	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// headerWriter builds the segments before a scan.
type headerWriter []byte

// segment appends a marker segment.
func (h *headerWriter) segment(m byte, parts ...[]byte) {
	n := 2
	for _, p := range parts {
		n += len(p)
	}
	*h = binary.BigEndian.AppendUint16(append(*h, 0xFF, m), uint16(n))
	for _, p := range parts {
		*h = append(*h, p...)
	}
}

func (h *headerWriter) soi() { *h = append(*h, 0xFF, mSOI) }

// jfif appends the APP0 of JFIF 1.01 with a density, which it holds in whole numbers up
// to 65535. A density that does not fit becomes that of square pixels of unknown size.
func (h *headerWriter) jfif(d raster.Density) {
	unit := [...]byte{raster.Aspect: 0, raster.PerInch: 1, raster.PerCM: 2}[d.Unit]
	x, y := math.Round(d.X), math.Round(d.Y)
	if d.Unit == raster.Aspect { // a ratio may be multiplied
		for f := 10.0; f <= 1000 && (math.Abs(x-d.X) > 0.01 || math.Abs(y-d.Y) > 0.01); f *= 10 {
			d.X, d.Y = d.X*10, d.Y*10
			x, y = math.Round(d.X), math.Round(d.Y)
		}
	}
	if !(x >= 1 && y >= 1 && x <= 65535 && y <= 65535) {
		unit, x, y = 0, 1, 1
	}
	p := append([]byte("JFIF\x00\x01\x01"), unit)
	p = binary.BigEndian.AppendUint16(p, uint16(x))
	p = binary.BigEndian.AppendUint16(p, uint16(y))
	h.segment(mAPP0, append(p, 0, 0))
}

// adobe appends an APP14 with the colour transform: 0 for RGB or CMYK, 1 for YCbCr, 2
// for YCCK (TN 5116, section 18).
func (h *headerWriter) adobe(transform byte) {
	h.segment(mAPP14, []byte("Adobe\x00\x64\x00\x00\x00\x00"), []byte{transform})
}

// icc appends a profile in as many APP2 segments as it needs (ICC.1, annex B.4). A
// profile that needs more than 255 is left out.
func (h *headerWriter) icc(p []byte) {
	const most = maxSegment - 14
	n := ceilDiv(len(p), most)
	if n > 255 {
		return
	}
	for i := 1; i <= n; i++ {
		c := p[:min(most, len(p))]
		p = p[len(c):]
		h.segment(mAPP2, []byte("ICC_PROFILE\x00"), []byte{byte(i), byte(n)}, c)
	}
}

// maxSegment is the most bytes that a segment holds behind its length.
const maxSegment = 65533

// keep appends the metadata that is kept: EXIF first, as its standard asks (Exif 2.32,
// 4.7.1). What does not fit into one segment is left out.
func (h *headerWriter) keep(m raster.Metadata) {
	for _, s := range []struct {
		marker byte
		name   string
		data   []byte
	}{{mAPP1, exifName, m.EXIF}, {mAPP1, xmpName, m.XMP}, {mAPP13, photoshopName, meta.PhotoshopOfIPTC(m.IPTC)}} {
		if len(s.data) > 0 && len(s.name)+len(s.data) <= maxSegment {
			h.segment(s.marker, []byte(s.name), s.data)
		}
	}
}

// dqt appends a quantization table, given in zig-zag order. It is wide, with 16-bit
// steps, if a step is over 255.
func (h *headerWriter) dqt(slot byte, q *[64]uint16) (wide bool) {
	for _, v := range q {
		wide = wide || v > 255
	}
	p := make([]byte, 0, 128)
	for _, v := range q {
		if wide {
			p = binary.BigEndian.AppendUint16(p, v)
		} else {
			p = append(p, byte(v))
		}
	}
	if wide {
		slot |= 0x10
	}
	h.segment(mDQT, []byte{slot}, p)
	return wide
}

// sof appends a frame header.
func (h *headerWriter) sof(m byte, w, height int, comps []component) {
	p := []byte{8, byte(height >> 8), byte(height), byte(w >> 8), byte(w), byte(len(comps))}
	for _, c := range comps {
		p = append(p, c.id, byte(c.h<<4|c.v), c.tq)
	}
	h.segment(m, p)
}

func (h *headerWriter) dht(class, slot byte, counts *[17]uint8, values []byte) {
	h.segment(mDHT, []byte{class<<4 | slot}, counts[1:], values)
}

func (h *headerWriter) dri(n int) {
	h.segment(mDRI, []byte{byte(n >> 8), byte(n)})
}

// sos appends a scan header. An entry of tables is a component's DC slot << 4 | its AC
// slot.
func (h *headerWriter) sos(ids, tables []byte, ss, se int, ah, al uint) {
	p := []byte{byte(len(ids))}
	for i := range ids {
		p = append(p, ids[i], tables[i])
	}
	h.segment(mSOS, p, []byte{byte(ss), byte(se), byte(ah<<4 | al)})
}
