package png

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"

	"imgtools/pkg/picture/flate"
	"imgtools/pkg/picture/raster"
)

// writeMeta writes the chunks for Coding, ICC profile, Density and kept metadata of the
// header, before PLTE, where most of them must stand. IPTC has no chunk.
func writeMeta(w io.Writer, h *raster.Header) error {
	for _, c := range []struct {
		kind string
		data []byte
	}{
		{"cICP", codePoints(h.Coding)},
		{"iCCP", profile(h.ICC)},
		{"gAMA", gamma(h.Coding)},
		{"cHRM", chromaticities(h.Coding)},
		{"pHYs", density(h.Density)},
		{"eXIf", h.Keep.EXIF},
		{"iTXt", xmp(h.Keep.XMP)},
	} {
		if c.data == nil {
			continue
		}
		if err := writeChunk(w, c.kind, c.data); err != nil {
			return err
		}
	}
	return nil
}

// The functions below return the data of a chunk, or nil if there is nothing to write.

func codePoints(c raster.Coding) []byte {
	if c.CICP == [4]uint8{} {
		return nil
	}
	return c.CICP[:]
}

func profile(icc []byte) []byte {
	if len(icc) == 0 {
		return nil
	}
	var z bytes.Buffer
	z.WriteString("ICC profile\x00\x00")
	d := flate.NewWriter(&z, flate.Format{Pixel: 1, Row: 4, Depth: flate.Thorough}) // most tags of a profile have 4 bytes
	d.Write(icc)
	d.Close()
	return z.Bytes()
}

// xmp returns the data of an iTXt with a packet, not compressed, as the XMP standard asks
// (ISO 16684-3, 1.1.5).
func xmp(packet []byte) []byte {
	if len(packet) == 0 {
		return nil
	}
	return append([]byte(xmpKeyword+"\x00\x00\x00\x00\x00"), packet...)
}

func gamma(c raster.Coding) []byte {
	if c.Gamma == 0 {
		return nil
	}
	return binary.BigEndian.AppendUint32(nil, c.Gamma)
}

func chromaticities(c raster.Coding) (b []byte) {
	if c.Chroma == [8]uint32{} {
		return nil
	}
	for _, v := range c.Chroma {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// density returns the data of pHYs: whole pixels per metre, or a ratio in whole numbers.
func density(d raster.Density) []byte {
	perUnit, unit := 1.0, byte(0)
	switch {
	case d.Unit == raster.PerInch:
		perUnit, unit = 1/0.0254, 1
	case d.Unit == raster.PerCM:
		perUnit, unit = 100, 1
	case d.X != math.Trunc(d.X) || d.Y != math.Trunc(d.Y):
		perUnit = 1000
	}
	x, y := math.Round(d.X*perUnit), math.Round(d.Y*perUnit)
	if !(x >= 1 && x <= math.MaxInt32 && y >= 1 && y <= math.MaxInt32) { // false for NaN
		return nil
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(x))
	return append(binary.BigEndian.AppendUint32(b, uint32(y)), unit)
}
