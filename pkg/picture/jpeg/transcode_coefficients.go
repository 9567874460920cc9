package jpeg

import (
	"io"
	"math/bits"
	"slices"

	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/raster"
)

// upright says what makes a stored picture upright: its columns or rows are mirrored,
// then its sides are swapped. In coefficients (T.81 A.3.3), mirroring reverses the order
// of the blocks and changes the sign of the odd frequencies of that direction; swapping
// transposes the blocks and each block in itself.
type upright struct{ mirrorX, mirrorY, swap bool }

// recode gathers the coefficients of the first n components of r and writes those of a
// part of the upright picture: as a baseline JPEG with the Huffman tables of annex K, or
// as a progressive one if r.progressive is set. A coefficient whose quantization step is 0
// is 0, and is written with a step of 1. Those that a baseline file cannot hold, which no
// encoder makes, are limited to -1023 and 1023.
//
// done is false, and r as it was, if the part does not begin at whole MCUs, if a side that
// is mirrored does not consist of whole MCUs (the blocks that fill it up would come to the
// wrong end), or if there is not enough memory. The part may end anywhere: the size in the
// frame header leaves out the rest of the last MCUs.
func recode(w io.Writer, r *Reader, n int, part geometry.Rect) (done bool, err error) {
	f := r.frame
	o := upright{swap: raster.Swaps(r.hdr.Orientation)}
	o.mirrorX, o.mirrorY = raster.Mirrors(r.hdr.Orientation)
	mcuW, mcuH := 8, 8
	if n > 1 {
		mcuW, mcuH = 8*f.hmax, 8*f.vmax
	}
	if o.mirrorX && f.w%mcuW != 0 || o.mirrorY && f.h%mcuH != 0 {
		return false, nil
	}
	if o.swap {
		mcuW, mcuH = mcuH, mcuW
	}
	if part.X%mcuW != 0 || part.Y%mcuH != 0 {
		return false, nil
	}
	m := &decoder{r: r, f: f}
	for i := range n {
		m.n[i] = 8
	}
	hold := m.gatherBytes()
	if r.progressive {
		hold *= 2 // once as gathered, and packed
	}
	if r.lim.CheckMem(hold) != nil {
		return false, nil
	}
	first := r.first
	m.sc = r.newScanner()
	if err := m.gather(first); err != nil {
		return true, err
	}

	g := frame{sof: mSOF0, w: part.W, h: part.H}
	var hw headerWriter
	hw.soi()
	if n == 1 {
		r.describeGray(&hw, o.swap)
	} else {
		r.describe(&hw, o.swap)
	}
	var quant []*quantTable // by the slots they get; two components may have shared one in turn
	var ids, tables []byte
	for i := range n {
		c := component{id: f.comps[i].id, h: f.comps[i].h, v: f.comps[i].v, quant: f.comps[i].quant}
		if n == 1 {
			c.id, c.h, c.v = 1, 1, 1
		} else if o.swap {
			c.h, c.v = c.v, c.h
		}
		at := slices.Index(quant, c.quant)
		if at < 0 {
			at = len(quant)
			quant = append(quant, c.quant)
			if hw.dqt(byte(at), o.steps(&c.quant.q)) {
				g.sof = mSOF1
			}
		}
		c.tq = byte(at)
		g.comps = append(g.comps, c)
		ids = append(ids, c.id)
		tables = append(tables, byte(min(i, 1))*0x11)
	}
	g.layOut()
	if r.progressive {
		g.sof = mSOF2
	}
	hw.sof(g.sof, g.w, g.h, g.comps)
	out := newBitWriter(w)
	mx, my := part.X/mcuW, part.Y/mcuH
	if r.progressive {
		out.write(hw)
		p := progressiveWriter{w: out, f: &g}
		m.eachUpright(&g, o, mx, my, p.keep)
		p.write()
		out.marker(mEOI)
		return true, out.err
	}
	for t := range min(n, 2) {
		for class := range annexK {
			k := &annexK[class][t]
			hw.dht(byte(class), byte(t), &k.counts, []byte(k.values))
		}
	}
	hw.sos(ids, tables, 0, 63, 0, 0)
	out.write(hw)
	var pred [4]int32
	m.eachUpright(&g, o, mx, my, func(y, i, line int, c *[64]int32, nz uint64) error {
		t := min(i, 1)
		out.block(c, nz, &pred[i], &annexCodes[0][t], &annexCodes[1][t])
		return out.err
	})
	out.marker(mEOI)
	return true, out.err
}

// zigzag is the inverse of unzig.
var zigzag = func() (z [64]uint8) {
	for k, p := range unzig {
		z[p] = uint8(k)
	}
	return
}()

// to returns the zig-zag position that coefficient k moves to.
func (o upright) to(k int) int {
	if p := unzig[k]; o.swap {
		return int(zigzag[p&7<<3|p>>3])
	}
	return k
}

// steps turns a quantization table. Steps of 0 become 1.
func (o upright) steps(q *[64]uint16) *[64]uint16 {
	t := new([64]uint16)
	for k, v := range q {
		t[o.to(k)] = max(v, 1)
	}
	return t
}

// from returns the stored block of c that moves to x, y.
func (o upright) from(c *component, x, y int) int {
	if o.swap {
		x, y = y, x
	}
	if o.mirrorX {
		x = c.bw - 1 - x
	}
	if o.mirrorY {
		y = c.bh - 1 - y
	}
	return y*c.mw + x
}

// eachUpright calls block with each block of the frame g, which begins at MCU mx, my of the
// upright picture, in the order of an interleaved scan: y is the row of MCUs, i the component,
// line its line of blocks in that row. It ends when block returns an error.
func (m *decoder) eachUpright(g *frame, o upright, mx, my int, block func(y, i, line int, c *[64]int32, nz uint64) error) {
	var to [64]int
	var negative uint64 // stored coefficients whose sign changes
	for k := range to {
		to[k] = o.to(k)
		if (o.mirrorX && unzig[k]&1 != 0) != (o.mirrorY && unzig[k]>>3&1 != 0) {
			negative |= 1 << k
		}
	}
	var kept [4]uint64 // coefficients whose step is not 0
	for i := range g.comps {
		for k, step := range g.comps[i].quant.q {
			if step > 0 {
				kept[i] |= 1 << k
			}
		}
	}
	var z [64]int32
	for y := range g.mcuy {
		for x := range g.mcux {
			for i := range g.comps {
				c := &g.comps[i]
				cs := &m.coefs[i]
				for b := range c.h * c.v {
					at := o.from(&m.f.comps[i], (mx+x)*c.h+b%c.h, (my+y)*c.v+b/c.h)
					v := cs.v[64*at : 64*at+64]
					nz := uint64(0)
					z[0] = 0
					for mask := cs.nz[at] & kept[i]; mask != 0; mask &= mask - 1 {
						k := bits.TrailingZeros64(mask)
						c := min(max(int32(v[unzig[k]]), -1024+int32(min(k, 1))), 1023)
						if c == 0 { // a hostile file shifted it beyond 16 bits
							continue
						}
						if negative>>k&1 != 0 {
							c = -c
						}
						z[to[k]] = c
						nz |= 1 << to[k]
					}
					if block(y, i, b/c.h, &z, nz) != nil {
						return
					}
				}
			}
		}
	}
}
