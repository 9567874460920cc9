package png

import (
	"bytes"
	"encoding/binary"
	"image/color"
	"io"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/flate"
	"imgtools/pkg/picture/meta"
	"imgtools/pkg/picture/raster"
)

// Larger metadata chunks are ignored, with a note. Those of cameras and monitors are far
// smaller.
const (
	maxExif = 1 << 20  // bytes of eXIf
	maxXMP  = 1 << 20  // bytes of an iTXt, compressed and not
	maxICC  = 16 << 20 // bytes of a profile, compressed and not
)

// place is where a chunk may stand; elsewhere it is ignored (section 5.6).
type place uint8

const (
	anywhere place = iota
	beforeIDAT
	beforePLTE // and so before IDAT
)

// ancillary are the ancillary chunks that are used. The function reads the data of a
// chunk; false means that they are damaged.
var ancillary = map[string]struct {
	place place
	max   int64 // bytes; a larger chunk is ignored
	use   func(*walk, []byte) bool
}{
	"eXIf": {anywhere, maxExif, (*walk).exif},
	"iTXt": {anywhere, maxXMP, (*walk).text},
	"tRNS": {beforeIDAT, 256, (*walk).transparency},
	"pHYs": {beforeIDAT, 9, (*walk).density},
	"acTL": {beforeIDAT, 8, (*walk).animation},
	"cICP": {beforePLTE, 4, (*walk).codePoints},
	"iCCP": {beforePLTE, maxICC, (*walk).profile},
	"sRGB": {beforePLTE, 1, (*walk).srgb},
	"gAMA": {beforePLTE, 4, (*walk).gamma},
	"cHRM": {beforePLTE, 32, (*walk).chromaticities},
}

// walk is one pass over the chunks of a file.
type walk struct {
	*Reader
	s      *scanner
	seen   map[string]bool // chunks already used
	inData bool            // the previous chunk was IDAT
	colour colourChunks
	anim   animationChunks
}

// chunks reads all chunks from pos on but the pixels.
func (r *Reader) chunks(s *scanner, pos int64) error {
	w := &walk{Reader: r, s: s, seen: map[string]bool{}}
	if err := w.all(pos); err != nil {
		return err
	}
	switch {
	case r.color == colorIndexed && r.out.Palette == nil:
		return fault.New(fault.Format, "PNG: indexed colour without a PLTE chunk")
	case r.idat == 0:
		return fault.New(fault.Format, "PNG: no IDAT chunk")
	}
	if err := w.endFrames(); err != nil {
		return err
	}
	r.setColour(w.colour)
	if r.colours = len(r.out.Palette); r.color == colorIndexed && r.colours < 1<<r.depth {
		r.out.Palette, r.black = raster.WithBlack(r.out.Palette)
	}
	return nil
}

// all walks from the chunk at pos to IEND, or to the end of the file.
func (w *walk) all(pos int64) error {
	for {
		c, err := w.s.next(pos)
		if err != nil {
			return w.noEnd(c, pos, err)
		}
		if err := w.take(c, pos); err != nil || c.kind == "IEND" {
			return err
		}
		pos = c.end()
	}
}

// noEnd handles a file that has err where the header of chunk c should be, at pos: the
// end of the file, or data that are no chunk. Without IDAT there are no pixels. After
// the first IDAT only decoding can say whether pixels are missing.
func (w *walk) noEnd(c chunk, pos int64, err error) error {
	switch {
	case err != io.EOF && (fault.Of(err) != fault.Format || w.idat == 0):
		return err
	case c.kind == "IDAT" && (w.idat == 0 || w.inData):
		if w.cut = true; w.idat == 0 {
			w.idat = pos
			w.defaultFrame()
		}
	case w.idat == 0:
		return raster.Truncated(0, w.out.H())
	default:
		w.Note("no IEND chunk")
	}
	w.anim.cut, w.anim.inFrame = true, c.kind == "fdAT"
	return nil
}

// take handles the chunk c, whose header is at pos.
func (w *walk) take(c chunk, pos int64) error {
	if c.kind == "IDAT" && (w.idat == 0 || w.inData) {
		if w.inData = true; w.idat == 0 {
			w.idat = pos
			w.defaultFrame()
		}
		return nil // decode_data.go checks its CRC
	}
	w.inData = false
	switch {
	case w.anim.declared > 0 && (c.kind == "fcTL" || c.kind == "fdAT"):
		return w.frameChunk(c, pos)
	case c.kind == "IDAT": // if pixels are missing, decoding the first ones says so
		w.Note("chunk IDAT apart from the first ones ignored")
		return w.checkCritical(c)
	case c.kind == "PLTE":
		return w.palette(c)
	case c.kind == "IHDR":
		return fault.New(fault.Format, "PNG: a second IHDR chunk")
	case c.kind[0] < 'a' && c.kind != "IEND":
		return fault.New(fault.Unsupported, "PNG: unknown critical chunk %s", c.kind)
	}
	how, used := ancillary[c.kind]
	if !used || w.seen[c.kind] || c.size > how.max ||
		how.place != anywhere && w.idat != 0 || how.place == beforePLTE && w.seen["PLTE"] {
		intact, err := w.s.check(c)
		switch {
		case err != nil:
		case !intact:
			w.Note(wrongCRC, c.kind)
		case used && c.size > how.max:
			w.Note("chunk %s of %d bytes ignored: over %d", c.kind, c.size, how.max)
		}
		return err
	}
	b, intact, err := w.s.read(c)
	switch {
	case err != nil:
		return err
	case !intact:
		w.Note(wrongCRC, c.kind)
	case !how.use(w, b):
		w.Note("damaged chunk %s ignored", c.kind)
	case c.kind == "iTXt" && w.metadata.XMP == nil: // another text; there may be more
	default:
		w.seen[c.kind] = true
	}
	return nil
}

// palette reads PLTE (section 11.2.2). In a picture without indexes it only suggests
// colours to devices with few, and only its CRC counts.
func (w *walk) palette(c chunk) error {
	if w.seen["PLTE"] {
		return fault.New(fault.Format, "PNG: a second PLTE chunk")
	}
	w.seen["PLTE"] = true
	invalid := c.size == 0 || c.size%3 != 0 || c.size > 3*256
	switch {
	case w.idat != 0 || invalid && w.color != colorIndexed:
		w.Note("chunk PLTE of %d bytes ignored", c.size)
		return w.checkCritical(c)
	case invalid:
		return fault.New(fault.Format, "PNG: a PLTE chunk of %d bytes", c.size)
	}
	b, intact, err := w.s.read(c)
	if err != nil {
		return err
	}
	if !intact {
		if err := w.accept(crcError("PLTE")); err != nil {
			return err
		}
	}
	if w.color != colorIndexed {
		return nil
	}
	for n := min(len(b)/3, 1<<w.depth); n > 0; n-- {
		w.out.Palette = append(w.out.Palette, color.NRGBA{b[0], b[1], b[2], 255})
		b = b[3:]
	}
	return nil
}

// checkCritical checks the CRC of a chunk whose damage is an error and whose data are
// not held.
func (w *walk) checkCritical(c chunk) error {
	intact, err := w.s.check(c)
	if err != nil || intact {
		return err
	}
	return w.accept(crcError(c.kind))
}

// accept decides about damage that makes pixels missing or untrustworthy. It returns
// err, or with Limits.Lenient notes it and returns nil.
func (r *Reader) accept(err error) error {
	if !r.lim.Lenient || fault.Of(err) != fault.Format {
		return err
	}
	r.Note("%s", strings.TrimPrefix(err.Error(), "PNG: "))
	return nil
}

// transparency reads tRNS (section 11.3.1.1): the alpha of the first colours of the
// palette, or the one colour that is transparent.
func (w *walk) transparency(b []byte) bool {
	switch {
	case w.color == colorIndexed:
		if len(b) > len(w.out.Palette) {
			return false
		}
		for i := range b {
			w.out.Palette[i].A = b[i]
		}
	case w.color == colorGray && len(b) == 2:
		w.hasKey, w.out.Layout = true, raster.GrayA
	case w.color == colorRGB && len(b) == 6:
		w.hasKey, w.out.Layout = true, raster.RGBA
	default:
		return false
	}
	if w.hasKey {
		for i := range len(b) / 2 {
			w.key[i] = binary.BigEndian.Uint16(b[2*i:]) & (1<<w.depth - 1)
		}
	}
	return true
}

// exif reads the orientation from eXIf (section 11.3.4.5), which is a TIFF structure.
func (w *walk) exif(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("Exif\x00\x00"))
	if !bytes.HasPrefix(b, []byte("II*\x00")) && !bytes.HasPrefix(b, []byte("MM\x00*")) {
		return false
	}
	w.out.Orientation = meta.Orientation(b)
	w.metadata.EXIF = bytes.Clone(b)
	return true
}

const xmpKeyword = "XML:com.adobe.xmp"

// text takes an XMP packet from an iTXt (section 11.3.3.4):
//
//	keyword 0  compressed?  method  language 0  translated keyword 0  text
func (w *walk) text(b []byte) bool {
	rest, ok := bytes.CutPrefix(b, []byte(xmpKeyword+"\x00"))
	if !ok || len(rest) < 2 || w.metadata.XMP != nil {
		return true
	}
	compressed := rest[0] == 1
	_, rest, _ = bytes.Cut(rest[2:], []byte{0})
	if _, rest, ok = bytes.Cut(rest, []byte{0}); !ok {
		return false
	}
	if compressed {
		var err error
		z := flate.NewReader(flate.Whole(rest))
		if rest, err = io.ReadAll(io.LimitReader(z, maxXMP+1)); err != nil {
			return false
		}
		if len(rest) > maxXMP {
			w.Note("XMP ignored: over %d bytes without compression", maxXMP)
			return true
		}
	}
	w.metadata.XMP = bytes.Clone(rest)
	return true
}

// Metadata returns the metadata of the file: eXIf, and the first XMP packet.
func (r *Reader) Metadata() raster.Metadata { return r.metadata }

// density reads pHYs (section 11.3.4.3): pixels per unit in x and y, and the unit.
func (w *walk) density(b []byte) bool {
	if len(b) != 9 || b[8] > 1 {
		return false
	}
	d := raster.Density{X: float64(binary.BigEndian.Uint32(b)), Y: float64(binary.BigEndian.Uint32(b[4:]))}
	if d.X == 0 || d.Y == 0 {
		return false
	}
	if b[8] == 1 { // the metre
		d = raster.Density{X: d.X / 100, Y: d.Y / 100, Unit: raster.PerCM}
	}
	w.out.Density = d
	return true
}
