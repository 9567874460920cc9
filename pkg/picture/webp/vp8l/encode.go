package vp8l

import (
	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// EncodeOptions are the choices of Compress and EncodeAlpha.
type EncodeOptions struct {
	Limits raster.Limits // Mem bounds what the encoder holds: bands and compressed bytes
}

// bandPixels is about how many pixels are coded at a time.
const bandPixels = 1 << 19

// Compress returns the payload of a "VP8L" chunk: all pixels exactly, the colours of
// transparent ones too. src is Gray, GrayA, RGB, RGBA or Indexed, of 8 bits. Other rows
// and an orientation other than 1 are refused. A side over MaxSide, and more compressed
// bytes than Limits.Mem has room for, are errors of kind TooLarge.
func Compress(src raster.Rows, o EncodeOptions) (*Payload, error) {
	h := src.Header()
	if h.Layout == raster.YCbCr || h.Bits != 8 || h.Orientation != 1 {
		return nil, fault.New(fault.Internal, "write WebP: layout %v of %d bits, orientation %d", h.Layout, h.Bits, h.Orientation)
	}
	w, height := h.W(), h.H()
	if err := checkSides(w, height); err != nil {
		return nil, err
	}
	e := newEncoder(w, height, h.Layout.HasAlpha() || h.Layout == raster.Indexed, o)
	if err := o.Limits.CheckMem(e.fixedBytes()); err != nil {
		return nil, err
	}
	line := make([]uint32, w)
	toPixels := newConverter(h)
	err := raster.EachRow(src, func(_ int, row raster.Plane) error {
		toPixels(line, row.Pix)
		return e.row(line)
	})
	if err != nil {
		return nil, err
	}
	if err := e.last(); err != nil {
		return nil, err
	}
	return e.finish(e.head())
}

// newConverter returns the function that makes pixels of samples.
func newConverter(h *raster.Header) func(dst []uint32, src []uint8) {
	switch h.Layout {
	case raster.Gray:
		return func(dst []uint32, src []uint8) {
			for i, v := range src[:len(dst)] {
				dst[i] = uint32(v)*0x010101 | opaque
			}
		}
	case raster.GrayA:
		return func(dst []uint32, src []uint8) {
			for i := range dst {
				s := src[2*i : 2*i+2 : 2*i+2]
				dst[i] = uint32(s[0])*0x010101 | uint32(s[1])<<24
			}
		}
	case raster.RGB:
		return func(dst []uint32, src []uint8) {
			for i := range dst {
				s := src[3*i : 3*i+3 : 3*i+3]
				dst[i] = uint32(s[0])<<16 | uint32(s[1])<<8 | uint32(s[2]) | opaque
			}
		}
	case raster.RGBA:
		return func(dst []uint32, src []uint8) {
			for i := range dst {
				s := src[4*i : 4*i+4 : 4*i+4]
				dst[i] = uint32(s[0])<<16 | uint32(s[1])<<8 | uint32(s[2]) | uint32(s[3])<<24
			}
		}
	}
	var table [256]uint32 // an index beyond the palette is opaque black, as in raster.Expand
	for i := range table {
		table[i] = opaque
	}
	for i, c := range h.Palette {
		table[i] = uint32(c.A)<<24 | uint32(c.R)<<16 | uint32(c.G)<<8 | uint32(c.B)
	}
	return func(dst []uint32, src []uint8) {
		for i, v := range src[:len(dst)] {
			dst[i] = table[v]
		}
	}
}

// encoder takes rows of pixels. It passes two states: it collects colours as long as there
// may be a palette, then it codes bands.
type encoder struct {
	w, h    int
	o       EncodeOptions
	alpha   bool     // pixels may be transparent
	seen    uint32   // all pixels so far, joined by And: its alpha tells whether one was
	colours *colours // nil: no palette, or the plan is made
	plan    plan
	planned bool
	raw     []uint32 // the row above the band, then its rows before prediction
	rows    int      // in raw, besides the one above
	y       int      // rows coded
	predict *predictor
	colour  *colourer
	coder   *coder
}

func newEncoder(w, h int, alpha bool, o EncodeOptions) *encoder {
	makeLog2Table()
	return &encoder{w: w, h: h, o: o, alpha: alpha, seen: ^uint32(0), colours: newColours(w, h)}
}

// fixedBytes returns about what is held at most, without compressed bytes.
func (e *encoder) fixedBytes() int64 {
	n := int64(e.w) * int64(e.h)
	band := min(n, bandPixels+int64(e.w)<<maxTileBits)
	return 16*band + 8*min(n, maxDistance) + min(n, maxIndexes)
}

// row takes the next row.
func (e *encoder) row(px []uint32) error {
	if e.colours != nil {
		if e.colours.add(px) {
			return nil
		}
		if err := e.replay(); err != nil {
			return err
		}
	}
	return e.push(px)
}

// replay gives up the palette and takes the rows again that were collected.
func (e *encoder) replay() error {
	c := e.colours
	e.colours = nil
	return c.each(func(px []uint32) error { return e.push(px) })
}

// push adds a row of colours to the band, and codes the band if it is full.
func (e *encoder) push(px []uint32) error {
	if e.alpha {
		for _, p := range px {
			e.seen &= p
		}
	}
	if e.raw == nil {
		e.raw = make([]uint32, e.w*(1+bandRows(e.w, e.h)))
	}
	e.rows++
	copy(e.raw[e.rows*e.w:], px)
	if (e.rows+1)*e.w < len(e.raw) && e.y+e.rows < e.h {
		return nil
	}
	return e.band()
}

// bandRows returns the rows of a band of a picture w × h: whole tiles.
func bandRows(w, h int) int {
	side := 1 << maxTileBits
	return min(h, (bandPixels/w/side+1)*side)
}

// band transforms and codes the rows that were pushed.
func (e *encoder) band() error {
	w := e.w
	raw := e.raw[:(1+e.rows)*w]
	if !e.planned {
		e.plan = analyse(raw, w, e.h)
		e.start()
	}
	if e.plan.green {
		subtractGreen(raw[w:])
	}
	dst := e.coder.room(e.rows * w)
	if e.plan.predict {
		e.predict.band(dst, raw, e.y)
		e.colour.band(dst)
	} else {
		copy(dst, raw[w:])
	}
	if err := e.coder.band(); err != nil {
		return err
	}
	copy(e.raw, raw[e.rows*w:])
	e.y += e.rows
	e.rows = 0
	return nil
}

// start makes the stages of the plan.
func (e *encoder) start() {
	e.planned = true
	w := e.w
	if e.plan.palette != nil {
		w = bundledWidth(w, len(e.plan.palette))
	}
	e.coder = newCoder(w, e.h, e.plan.groupBits, e.o)
	if e.plan.predict {
		e.coder.match.predicted, e.coder.match.copyBits = true, copyBitsPredicted
		e.predict = newPredictor(w)
		e.colour = &colourer{width: w}
	}
}

// last codes the pixels that are left.
func (e *encoder) last() error {
	if e.colours == nil {
		return nil // the last band ended with the last row
	}
	if p, ok := e.colours.plan(e.h); ok {
		e.plan = p
		return e.indexed()
	}
	return e.replay()
}

// finish returns the payload: what head has, then the stream of
// transforms and pixels.
func (e *encoder) finish(head *bitWriter) (*Payload, error) {
	e.writeStream(head)
	head.appendBits(&e.coder.codes)
	p := &Payload{Alpha: e.seen>>24 != 255}
	p.Pieces = head.join(&e.coder.body)
	return p, nil
}

// head returns the header of a VP8L picture (RFC 9649, 3.4). Whether the picture has alpha
// is known after its last pixel.
func (e *encoder) head() *bitWriter {
	head := new(bitWriter)
	head.write(signature, 8)
	head.write(uint64(e.w-1), 14)
	head.write(uint64(e.h-1), 14)
	if e.seen>>24 != 255 {
		head.write(1, 1)
	} else {
		head.write(0, 1)
	}
	head.write(0, 3) // version
	return head
}

// writeStream writes what comes before the groups of codes, in the order in which the
// encoder transforms (RFC 9649, 4).
func (e *encoder) writeStream(w *bitWriter) {
	b := &e.coder.build
	transform := func(kind uint64) { w.write(1|kind<<1, 3) }
	tiles := func(px []uint32) {
		w.write(tileBits-2, 3)
		writeSmall(w, b, px, tilesOf(e.w, tileBits))
	}
	if p := e.plan.palette; p != nil {
		transform(transformIndexing)
		w.write(uint64(len(p)-1), 8)
		writeSmall(w, b, paletteDeltas(p), len(p))
	}
	if e.plan.green {
		transform(transformGreen)
	}
	if e.plan.predict {
		transform(transformPredict)
		tiles(e.predict.modes)
		transform(transformColour)
		tiles(e.colour.tiles)
	}
	w.write(0, 1) // no more transforms
	e.coder.writeHead(w)
}
