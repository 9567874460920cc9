package vp8

import (
	"io"

	"imgtools/pkg/fault"
)

// Sizes of the buffers, in samples.
const (
	left     = 16 // columns to the left of the picture, of which prediction reads one
	right    = 16 // columns to the right of it, of which prediction reads four
	overlap  = 8  // rows above a row of macroblocks that are kept: the loop filter changes them
	lumaRows = overlap + 16
)

// MaxRows is the largest number of rows of a strip.
const MaxRows = lumaRows

// ErrTruncated is the error for a frame whose data end early.
var ErrTruncated = fault.New(fault.Format, "truncated: WebP data ends before the picture")

// A Decoder reads a key frame from top to bottom. It holds one row of macroblocks and
// some rows above it.
type Decoder struct {
	Config

	r        io.ReaderAt
	size     int64
	lumaOnly bool
	h        header
	modes    *boolReader   // first partition
	tokens   []*boolReader // the others; a row of macroblocks uses one of them
	mbW, mbH int           // macroblocks
	row      int           // the row of macroblocks to be decoded
	cut      bool          // the rest is missing

	luma    plane
	chroma  [2]plane
	filters []macroblockFilter // of the row
	above   []neighbour        // of each column
	left    neighbour
	segment uint8

	blocks [24][16]int16 // coefficients of a macroblock: 16 of luma, then 4 each of chroma
	y2     [16]int16
	counts [24]uint8 // of each block: coefficients up to the last one in coded order

	strip Strip
}

// neighbour is what a macroblock knows of the one above or to the left.
type neighbour struct {
	modes  [4]mode  // of the four blocks of luma at the common edge
	tokens [8]uint8 // whether the blocks at the edge had tokens, 1 or 0: 4 of luma, 2 each of chroma
	y2     uint8    // whether its last block Y2 had tokens
}

// plane is overlap rows, then the row of macroblocks, and the row above in a line of its
// own: as it was before the loop filter.
type plane struct {
	pix    []uint8
	stride int
	top    []uint8 // from column -left
}

// at returns the index of column x of row y, from -overlap.
func (p *plane) at(x, y int) int { return (overlap+y)*p.stride + left + x }

func newPlane(w, rows int) plane {
	p := plane{stride: left + w + right}
	p.pix = make([]uint8, (overlap+rows)*p.stride)
	for y := range overlap + rows {
		p.pix[y*p.stride+left-1] = outsideLeft
	}
	p.top = make([]uint8, p.stride)
	set(p.top, outsideAbove)
	return p
}

// keep keeps the last row of a row of macroblocks, of which there are n, for the
// prediction of the next one.
func (p *plane) keep(n int) {
	w := p.stride - left - right
	copy(p.top[left:], p.pix[p.at(0, n-1):][:w])
	p.top[left-1] = outsideLeft
	set(p.top[left+w:], p.top[left+w-1])
}

// up moves the last rows, of which there are n of the row of macroblocks, to the top.
func (p *plane) up(n int) { copy(p.pix, p.pix[n*p.stride:]) }

func set(s []uint8, v uint8) {
	for i := range s {
		s[i] = v
	}
}

// Strip is consecutive rows of a frame, in studio range.
type Strip struct {
	First, Rows int // of luma; First is even, and so is Rows but at the end

	d    *Decoder
	base int // the row of luma at row 0 of the buffer
}

// Luma returns row y, which is in the strip.
func (s *Strip) Luma(y int) []uint8 {
	p := &s.d.luma
	return p.pix[p.at(0, y-s.base):][:s.d.Width]
}

// Chroma returns row y of Cb or Cr, which are half as wide and as high as luma. Rows
// above and below those of the strip are there, too, one of each.
func (s *Strip) Chroma(i, y int) []uint8 {
	p := &s.d.chroma[i]
	return p.pix[p.at(0, y-s.base/2):][:(s.d.Width+1)/2]
}

// MemoryOf returns the bytes that a decoder of pictures of that width holds.
func MemoryOf(width int) int64 {
	w := int64(width+15)/16*16 + left + right
	return w*lumaRows + w*(overlap+8) + 2*w + 9*window + w*2
}

// NewDecoder returns a decoder of the key frame in the first size bytes of r, after
// reading its header. With lumaOnly there is no chroma.
func NewDecoder(r io.ReaderAt, size int64, lumaOnly bool) (*Decoder, error) {
	var b [headerSize]byte
	if n, err := r.ReadAt(b[:min(size, headerSize)], 0); n < len(b) {
		return nil, short(err)
	}
	c, err := ReadConfig(b[:])
	if err != nil {
		return nil, err
	}
	d := &Decoder{Config: c, r: r, size: size, lumaOnly: lumaOnly}
	end := headerSize + c.first
	d.modes = newBoolReader(r, headerSize, min(end, size))
	if err := d.readHeader(end); err != nil {
		return nil, err
	}
	d.mbW, d.mbH = (c.Width+15)/16, (c.Height+15)/16
	d.luma = newPlane(16*d.mbW, 16)
	if !lumaOnly {
		d.chroma = [2]plane{newPlane(8*d.mbW, 8), newPlane(8*d.mbW, 8)}
	}
	d.filters = make([]macroblockFilter, d.mbW)
	d.above = make([]neighbour, d.mbW)
	d.strip.d = d
	return d, nil
}

// Next returns the next rows, and io.EOF after the last ones. A row of macroblocks gives
// those of its rows that the loop filter of the next one, and the interpolation of
// chroma, leave alone: all but the last 8, and the last 8 of the row before.
//
// The error is ErrTruncated where the data end early.
func (d *Decoder) Next() (*Strip, error) {
	if d.row == d.mbH {
		return nil, io.EOF
	}
	d.moveUp()
	if d.cut {
		return d.give(), nil
	}
	if err := d.decodeRow(); err != nil {
		return nil, err
	}
	return d.give(), nil
}

// Rest is called when Next has returned ErrTruncated, and returns the next rows
// nevertheless, and how many rows of the picture are in the file. Rows after those are
// gray; Next goes on with them. If no rows are in the file there is no strip.
//
// Of k rows of macroblocks 16k - 7 rows are sure: the loop filter changes 3 rows above a
// macroblock, of chroma as well as of luma, and the last row of luma needs one more row of
// chroma.
func (d *Decoder) Rest() (s *Strip, done int) {
	if d.row == 0 {
		return nil, 0
	}
	const reach = 3
	d.cut = true
	d.grayFrom(1-overlap, -reach)
	done = 16*d.row - 2*reach - 1
	return d.give(), done
}

// grayFrom sets the rows of the buffer from the given ones on to gray.
func (d *Decoder) grayFrom(luma, chroma int) {
	set(d.luma.pix[d.luma.at(-left, luma):], 126) // halfway from 16 to 235
	if !d.lumaOnly {
		set(d.chroma[0].pix[d.chroma[0].at(-left, chroma):], 128)
		set(d.chroma[1].pix[d.chroma[1].at(-left, chroma):], 128)
	}
}

// moveUp makes room for the next row of macroblocks.
func (d *Decoder) moveUp() {
	if d.row == 0 {
		return
	}
	d.luma.up(16)
	if !d.lumaOnly {
		d.chroma[0].up(8)
		d.chroma[1].up(8)
	}
}

// give returns the rows that are final.
func (d *Decoder) give() *Strip {
	s := &d.strip
	s.base = 16 * d.row
	s.First = max(0, 16*d.row-overlap)
	d.row++
	end := 16*d.row - overlap
	if d.row == d.mbH {
		end = d.Height
	}
	s.Rows = end - s.First
	return s
}

// decodeRow decodes the next row of macroblocks.
func (d *Decoder) decodeRow() error {
	tokens := d.tokens[d.row%len(d.tokens)]
	d.left = neighbour{}
	for x := range d.mbW {
		d.decodeMacroblock(x, tokens)
	}
	for _, b := range [...]*boolReader{d.modes, tokens} {
		if b.Err != nil {
			return b.Err
		}
		if b.ended() {
			return ErrTruncated
		}
	}
	d.luma.keep(16)
	if !d.lumaOnly {
		d.chroma[0].keep(8)
		d.chroma[1].keep(8)
	}
	if d.h.level != 0 {
		d.filterRow(d.row > 0)
	}
	return nil
}
