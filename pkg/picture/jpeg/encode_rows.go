package jpeg

import (
	"encoding/binary"
	"io"
	"math/bits"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// MaxSide is the longest side of a JPEG.
const MaxSide = 65535

// Encode writes rows as a baseline JPEG of quality 1 to 100, with the tables of T.81
// annex K, the profile of the rows, and their density in a JFIF header. The profile must
// be one for gray or RGB, as the rows are.
//
// The rows must have 8 bits and orientation 1. Gray rows become one component. RGB
// rows become YCbCr with chroma halved both ways. YCbCr planes are written as they are
// if chroma is as wide as luma or half as wide, rounded up, and so for the height;
// else they are converted to RGB first.
func Encode(w io.Writer, rows raster.Rows, quality int) error {
	h := rows.Header()
	if h.Layout == raster.YCbCr && !writable(h.Planes) {
		rows = raster.Packed(rows)
		h = rows.Header()
	}
	if h.Bits != 8 || h.Orientation > 1 {
		return fault.New(fault.Internal, "a JPEG of %d bits, orientation %d", h.Bits, h.Orientation)
	}
	if quality < 1 || quality > 100 {
		return fault.New(fault.Usage, "quality %d: not 1 to 100", quality)
	}
	width, height := h.W(), h.H()
	if width < 1 || height < 1 {
		return fault.New(fault.Format, "a picture of %d×%d pixels", width, height)
	}
	if width > MaxSide || height > MaxSide {
		return fault.New(fault.TooLarge, "%d×%d: a side over %d is more than JPEG holds", width, height, MaxSide)
	}
	e := &encoder{h: h}
	switch h.Layout {
	case raster.Gray:
		e.comps = []component{{id: 1, h: 1, v: 1}}
	case raster.RGB:
		e.comps = []component{{id: 1, h: 2, v: 2}, {id: 2, h: 1, v: 1, tq: 1}, {id: 3, h: 1, v: 1, tq: 1}}
	case raster.YCbCr:
		sh, sv := factor(h.Planes[0].W, h.Planes[1].W), factor(h.Planes[0].H, h.Planes[1].H)
		e.comps = []component{{id: 1, h: sh, v: sv}, {id: 2, h: 1, v: 1, tq: 1}, {id: 3, h: 1, v: 1, tq: 1}}
	default:
		return fault.New(fault.Internal, "JPEG of %s rows", h.Layout)
	}
	e.f = frame{sof: mSOF0, w: width, h: height, comps: e.comps}
	e.f.layOut()

	var hw headerWriter
	hw.soi()
	hw.jfif(h.Density.Scaled(float64(width)/float64(h.FullW), float64(height)/float64(h.FullH)))
	hw.icc(h.ICC)
	colour := len(e.comps) > 1
	for t, base := range []*[64]uint16{&lumaSteps, &chromaSteps} {
		if t == 0 || colour {
			steps := scaleSteps(base, quality)
			e.quant[t] = newQuantizer(steps)
			var zz [64]uint16
			for k := range zz {
				zz[k] = steps[unzig[k]]
			}
			hw.dqt(byte(t), &zz)
		}
	}
	hw.sof(mSOF0, width, height, e.comps)
	for t := range annexK[0] {
		if t == 0 || colour {
			for class := range annexK {
				k := &annexK[class][t]
				hw.dht(byte(class), byte(t), &k.counts, []byte(k.values))
			}
		}
	}
	if colour {
		hw.sos([]byte{1, 2, 3}, []byte{0, 0x11, 0x11}, 0, 63, 0, 0)
	} else {
		hw.sos([]byte{1}, []byte{0}, 0, 63, 0, 0)
	}
	e.w = newBitWriter(w)
	e.w.write(hw)
	if err := e.scan(rows); err != nil {
		return err
	}
	e.w.finish()
	e.w.write([]byte{0xFF, mEOI})
	return e.w.err
}

// writable reports whether YCbCr planes can be written as they are.
func writable(p []raster.PlaneDim) bool {
	return p[1].W == p[2].W && p[1].H == p[2].H && factor(p[0].W, p[1].W) > 0 && factor(p[0].H, p[1].H) > 0
}

// factor returns the sampling factor of luma where it has full samples on a side and
// chroma has c: 1 or 2, or 0 if it is neither.
func factor(full, c int) int {
	switch c {
	case (full + 1) / 2:
		return 2
	case full:
		return 1
	}
	return 0
}

// encoder writes the one scan of a baseline JPEG.
type encoder struct {
	h     *raster.Header
	comps []component
	f     frame
	quant [2]*quantizer
	w     *bitWriter
	pred  [3]int32
	part  [3]lines
	z     coefs
	c     [64]int32
	sum   []int32 // of RGB rows: sums of R, G and B of two pixels of a line
}

// lines holds the samples of one component for one row of MCUs. Each line is as long
// as the MCUs; its last sample is repeated to fill it.
type lines struct {
	pix    []uint8
	stride int
	w      int // samples of a line that belong to the picture
	need   int // lines in a row of MCUs
	have   int
}

// scan pulls the rows and writes each row of MCUs as soon as its lines are complete.
func (e *encoder) scan(rows raster.Rows) error {
	for i, c := range e.comps {
		d := e.h.Planes[min(i, len(e.h.Planes)-1)]
		w := d.W
		if e.h.Layout == raster.RGB && i > 0 {
			w = (d.W + 1) / 2
		}
		p := lines{stride: 8 * e.f.mcux * c.h, w: w, need: 8 * c.v}
		p.pix = make([]uint8, p.stride*p.need)
		e.part[i] = p
	}
	var pull puller
	pull.rows = rows
	for y := range e.f.mcuy {
		var err error
		if e.h.Layout == raster.RGB {
			err = e.fromRGB(&pull, y)
		} else {
			err = e.fromPlanes(&pull, y)
		}
		if err != nil {
			return err
		}
		e.mcuRow()
		if e.w.err != nil {
			return e.w.err
		}
	}
	// A source may report damage only at its end.
	for {
		b, err := rows.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil && b.Planes[0].Rows > 0 {
			err = fault.New(fault.Internal, "more rows than the header says")
		}
		if err != nil {
			return err
		}
	}
}

// fromPlanes fills e.part with row y of MCUs, one component from each plane.
func (e *encoder) fromPlanes(pull *puller, y int) error {
	for i := range e.comps {
		p := &e.part[i]
		n := min(p.need, e.h.Planes[i].H-y*p.need)
		for j := range n {
			row, err := pull.line(i, p.w)
			if err != nil {
				return err
			}
			dst := p.pix[j*p.stride : (j+1)*p.stride]
			copy(dst, row)
			fill(dst, p.w)
		}
		p.repeat(n)
	}
	return nil
}

// fill repeats sample n-1 to the end of a line.
func fill(line []uint8, n int) {
	v := line[n-1]
	for i := n; i < len(line); i++ {
		line[i] = v
	}
}

// repeat copies line n-1 to the lines from n on.
func (p *lines) repeat(n int) {
	last := p.pix[max(n-1, 0)*p.stride:][:p.stride]
	for ; n < p.need; n++ {
		copy(p.pix[n*p.stride:], last)
	}
}

// puller returns the lines of each plane one by one, however bands group them.
type puller struct {
	rows raster.Rows
	band *raster.Band
	at   [3]int // lines of the band already returned, by plane
	kept [3]struct {
		pix []uint8 // lines of earlier bands; those from pix[at:] are still to be returned
		at  int
	}
}

// line returns the next line, of n samples, of plane i. It is valid until the next
// call with any plane.
func (p *puller) line(i, n int) ([]uint8, error) {
	k := &p.kept[i]
	if k.at < len(k.pix) {
		k.at += n
		return k.pix[k.at-n : k.at], nil
	}
	for p.band == nil || p.at[i] == p.band.Planes[i].Rows {
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	b := &p.band.Planes[i]
	at := p.at[i] * b.Stride
	p.at[i]++
	return b.Pix[at : at+n], nil
}

// next moves to the next band. It keeps a copy of the lines not yet returned.
func (p *puller) next() error {
	planes := p.rows.Header().Planes
	if p.band != nil {
		samples := p.rows.Header().Layout.Samples()
		for i, d := range planes {
			k, b := &p.kept[i], &p.band.Planes[i]
			if k.at == len(k.pix) {
				k.pix, k.at = k.pix[:0], 0
			}
			for ; p.at[i] < b.Rows; p.at[i]++ {
				k.pix = append(k.pix, b.Pix[p.at[i]*b.Stride:][:d.W*samples]...)
			}
		}
	}
	b, err := p.rows.Next()
	if err == io.EOF {
		err = fault.New(fault.Internal, "fewer rows than the header says")
	}
	p.band, p.at = b, [3]int{}
	return err
}

// mcuRow writes e.part as one row of MCUs.
func (e *encoder) mcuRow() {
	for x := range e.f.mcux {
		for i := range e.comps {
			c, p := &e.comps[i], &e.part[i]
			for by := range c.v {
				for bx := range c.h {
					e.block(i, p.pix[8*by*p.stride+8*(x*c.h+bx):], p.stride)
				}
			}
		}
	}
}

// block transforms, quantizes and writes a block of component i.
func (e *encoder) block(i int, pix []uint8, stride int) {
	fdct(&e.z, pix, stride)
	t := e.comps[i].tq
	nz := e.quant[t].quantize(&e.z, &e.c)
	e.w.block(&e.c, nz, &e.pred[i], &annexCodes[0][t], &annexCodes[1][t], &annexShort[t])
}

// block writes a block of quantized coefficients, in zig-zag order (T.81 F.1.2). Bit k
// of nz is set if coefficient k is not 0; only those and coefficient 0 are read.
func (w *bitWriter) block(c *[64]int32, nz uint64, pred *int32, dc, ac *codeTable, short *shortCodes) {
	w.room()
	w.value(c[0]-*pred, dc)
	*pred = c[0]
	acc, n, pos, buf := w.acc, w.n, w.pos, w.buf
	last := 0
	for nz &^= 1; nz != 0; nz &= nz - 1 {
		k := int(lowBitAt[lowBit(nz)&63])
		run := uint(k - last - 1)
		last = k
		for ; run > 15; run -= 16 {
			n += uint(ac[0xF0] & 255)
			acc |= uint64(ac[0xF0]>>8) << ((64 - n) & 63)
			binary.BigEndian.PutUint64(buf[pos:], acc)
			acc <<= n & 56
			pos += int(n >> 3)
			n &= 7
		}
		v := c[k&63]
		var code uint64
		var length uint
		if i := uint(v + 32); i < 64 {
			e := short[(run<<6+i)&(16<<6-1)]
			code, length = uint64(e>>8), uint(e&255)
		} else {
			bits, size := valueBits(v)
			e := ac[(run<<4+size)&255]
			code, length = uint64(e>>8)<<(size&63)|bits, uint(e&255)+size
		}
		n += length
		acc |= code << ((64 - n) & 63)
		binary.BigEndian.PutUint64(buf[pos:], acc)
		acc <<= n & 56
		pos += int(n >> 3)
		n &= 7
	}
	w.acc, w.n, w.pos = acc, n, pos
	if last < 63 {
		w.put(uint64(ac[0]>>8), uint(ac[0]&255))
	}
}

// value writes a DC difference: the code for its size, and its bits.
func (w *bitBuffer) value(v int32, t *codeTable) { w.put(valueCode(v, t)) }

// valueCode returns a DC difference as c bits: the code of its size, then the value. With
// the tables of annex K they are at most 20.
func valueCode(v int32, t *codeTable) (code uint64, c uint) {
	bits, size := valueBits(v)
	e := t[size&255]
	return uint64(e>>8)<<(size&63) | bits, uint(e&255) + size
}

// valueBits returns the size of v, the number of bits of |v|, and v in that many bits
// (T.81 F.1.2.1): 5 is 101 with size 3; a negative number is that of v-1 in two's
// complement, so -5 is 010.
func valueBits(v int32) (bits uint64, size uint) {
	s := v >> 31
	size = sizeOf(uint32((v ^ s) - s))
	return uint64(v+s) & (1<<(size&63) - 1), size
}

// sizeOf is bits.Len32 for v below 2^16, fast for v up to 255. It uses a table for the
// same reason as lowBit.
func sizeOf(v uint32) uint {
	if v > 255 {
		return 8 + uint(sizes[v>>8&255])
	}
	return uint(sizes[v])
}

var sizes = func() (t [256]uint8) {
	for v := range t {
		t[v] = uint8(bits.Len8(uint8(v)))
	}
	return
}()
