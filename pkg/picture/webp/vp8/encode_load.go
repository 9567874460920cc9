package vp8

import "encoding/binary"

// load takes the samples of a macroblock.
func (e *encoder) load(luma []uint8, chroma [2][]uint8, stride int) {
	mb := &e.mb
	for y := range 16 {
		line := luma[y*stride:][:16]
		for b := range 4 {
			p := y & 3 << 2
			copy(mb.block[y&^3+b][p:p+4], line[4*b:4*b+4])
		}
	}
	toLanes(&mb.luma, luma, stride)
	if e.gray {
		return
	}
	// Rows 0 and 4 of a plane side by side are the first rows of its four blocks.
	var rows [4][32]uint8
	for i := range chroma {
		c := chroma[i][8*e.mbx:]
		for y := range 8 {
			copy(rows[y&3][16*i+y>>2*8:][:8], c[y*stride/2:][:8])
		}
	}
	chromaToLanes(&mb.chroma, &rows)
}

// toLanesPlain sets the lanes of 16 blocks from the lines of a macroblock.
func toLanesPlain(d *lanes, luma []uint8, stride int) {
	for y := range 16 {
		line := luma[y*stride:][:16]
		for x, v := range line {
			d[y&3<<2+x&3][y&^3+x>>2] = int16(v)
		}
	}
}

// chromaToLanesPlain sets lanes 0 to 7, and 8 to 15, from four rows of 8 blocks.
func chromaToLanesPlain(d *lanes, rows *[4][32]uint8) {
	for y := range 4 {
		for i, v := range rows[y][:] {
			d[4*y+i&3][i>>2], d[4*y+i&3][i>>2+8] = int16(v), int16(v)
		}
	}
}

// rebuildPlain sets the pixels of a macroblock, row by row, to prediction plus difference.
func rebuildPlain(pix *[256]uint8, pred, d *lanes) {
	for p := range 16 {
		for b := range 16 {
			pix[(b&^3+p>>2)*16+b&3<<2+p&3] = clamp(pred[p][b] + d[p][b])
		}
	}
}

func clamp(v int16) uint8 { return uint8(min(max(v, 0), 255)) }

// splitChroma sets the pixels of Cb and Cr, row by row, from what rebuild made of their
// blocks: those of a plane stand side by side, Cb's in rows from base on, Cr's below.
func splitChroma(planes *[2][64]uint8, pix *[256]uint8, base int) {
	for i := range planes {
		for y := range 8 {
			row := pix[(base+4*i+y&3)*16+y>>2*8:]
			binary.LittleEndian.PutUint64(planes[i][8*y:], binary.LittleEndian.Uint64(row))
		}
	}
}
