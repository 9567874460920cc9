package jpeg

import (
	"io"

	"imgtools/pkg/fault"
)

// The gray picture of a YCbCr JPEG is its Y component, which is Rec. 601 luma: the
// transcoder drops Cb and Cr and writes Y's quantized coefficients as they are.
// In a baseline scan the bits of each block's AC coefficients are copied, and only
// DC differences are coded anew, since blocks come in another order. In a progressive
// file Y's own scans are copied whole, and only DC scans that are interleaved
// are written anew.

// CanGray says whether Gray can do this file: luma must have as many samples as
// the picture, and the picture must stand upright.
func (r *Reader) CanGray() bool {
	f := r.frame
	c := &f.comps[0]
	return (r.model == gray || r.model == ycc && c.h == f.hmax && c.v == f.vmax) && r.hdr.Orientation <= 1
}

// Gray writes the luma of a JPEG, not changed by a bit, as a JPEG of one component:
// no metadata, and progressive if it was. It reads and writes through buffers of
// fixed size; of a progressive file it also holds 8 bytes a block.
//
// done is false, and r as it was, when CanGray is false: the caller then decodes.
// After an error part of the output may have been written.
func Gray(w io.Writer, r *Reader) (done bool, err error) {
	if !r.CanGray() || r.first == nil {
		return false, nil
	}
	t := &transcoder{r: r, f: r.frame, w: newBitWriter(w), sc: nil}
	first := r.first
	t.sc = r.newScanner()
	t.header.soi()
	t.header.jfif()
	if t.f.progressive() {
		blocks := t.f.comps[0].mw * t.f.comps[0].mh
		if err := r.lim.CheckMem(int64(8 * blocks)); err != nil {
			return true, err
		}
		t.nz = make([]uint64, blocks)
	}
	if err := r.eachScan(t.sc, first, t.scan); err != nil {
		return true, err
	}
	t.w.write([]byte{0xFF, mEOI})
	return true, t.w.err
}

// transcoder writes the scans of one component.
type transcoder struct {
	r      *Reader
	f      *frame
	sc     *scanner
	w      *bitWriter
	header headerWriter
	begun  bool        // quantization table and frame header are in the file
	tables [2]*huffman // DC and AC last written
	ri     int         // restart interval last written
	nz     []uint64    // progressive: which coefficients of each block are not zero
}

// annexDC stands for the DC table of annex K.3 in transcoder.tables.
var annexDC = func() *huffman {
	h, err := newHuffman(&annexK[0][0].counts, []byte(annexK[0][0].values))
	if err != nil {
		panic(err)
	}
	return h
}()

// scan handles a scan of the file.
func (t *transcoder) scan(s *scan) error {
	if s.comps[0] != 0 {
		return t.sc.pass()
	}
	if !t.begun {
		t.begun = true
		q := t.f.comps[0].quant
		sof := t.f.sof
		if wide := t.header.dqt(0, &q.q); wide && sof == mSOF0 {
			sof = mSOF1
		}
		t.header.sof(sof, t.f.w, t.f.h, []component{{id: 1, h: 1, v: 1}})
	}
	single := len(s.comps) == 1
	if s.ss == 0 && s.ah == 0 {
		if single {
			t.table(0, s.dc[0])
		} else {
			t.table(0, annexDC)
		}
	}
	if s.se > 0 {
		t.table(1, s.ac[0])
	}
	ri := 0
	if single {
		ri = s.ri
	}
	if ri != t.ri {
		t.header.dri(ri)
		t.ri = ri
	}
	t.header.sos([]byte{1}, []byte{0}, s.ss, s.se, s.ah, s.al)
	t.w.write(t.header)
	t.header = t.header[:0]

	if single {
		return t.copyScan(s)
	}
	var err error
	switch {
	case !t.f.progressive():
		err = t.baseline(s)
	case s.ah == 0:
		err = t.dcFirst(s)
	default:
		err = t.dcRefine(s)
	}
	t.w.finish()
	if err == nil {
		err = t.w.err
	}
	return err
}

// table writes a Huffman table, if it is not the last one of its class.
func (t *transcoder) table(class byte, h *huffman) {
	if t.tables[class] != h {
		t.tables[class] = h
		t.header.dht(class, 0, &h.counts, h.values)
	}
}

// copyScan copies a scan of Y alone, walking it to see that it is whole and to
// know which coefficients are not zero.
func (t *transcoder) copyScan(s *scan) error {
	sc := t.sc
	sc.e.tap = t.w
	var err error
	switch {
	case !t.f.progressive():
		err = sc.walk(sc.skipBlock)
	case s.ss > 0 && s.ah == 0:
		err = sc.walk(func(_, _, block int) error { return sc.skipFirst(&t.nz[block]) })
	case s.ss > 0:
		err = sc.walk(func(_, _, block int) error { return sc.skipRefine(&t.nz[block]) })
	case s.ah == 0:
		err = sc.walk(sc.skipDC)
	default:
		err = sc.walk(func(_, _, _ int) error { sc.e.bits(1); return nil })
	}
	if err != nil {
		return err
	}
	sc.e.finish()
	sc.e.tap = nil
	t.w.empty()
	return t.w.err
}

// baseline writes Y's blocks of an interleaved sequential scan in the order they
// have alone: a row of MCUs of v rows of blocks is written as those rows, one by
// one. The first goes straight to the file, the others wait for the end of the row.
func (t *transcoder) baseline(s *scan) error {
	sc, e := t.sc, t.sc.e
	luma := &t.f.comps[0]
	var rows [4]blockRow
	rows[0].out = &t.w.bitBuffer
	for v := 1; v < luma.v; v++ {
		rows[v].out = &bitBuffer{}
	}
	last := int32(0) // DC of the last block written
	for my := range t.f.mcuy {
		sc.rows = min(t.f.h, my*8*t.f.vmax)
		for v := range luma.v {
			rows[v].begun = false
			rows[v].use = my*luma.v+v < luma.bh
		}
		rows[0].begun, rows[0].last = true, last
		for mx := range t.f.mcux {
			if err := sc.turn(); err != nil {
				return err
			}
			for v := range luma.v {
				for x := mx * luma.h; x < (mx+1)*luma.h; x++ {
					if !e.ready() {
						return sc.cut()
					}
					if err := t.lumaBlock(s, &rows[v], x < luma.bw); err != nil {
						return err
					}
				}
			}
			for i := 1; i < len(s.comps); i++ {
				c := &t.f.comps[s.comps[i]]
				for range c.h * c.v {
					if !e.ready() {
						return sc.cut()
					}
					if _, err := e.diff(s.dc[i]); err != nil {
						return err
					}
					if err := e.skipAC(s.ac[i], 1); err != nil {
						return err
					}
				}
			}
		}
		last = rows[0].last
		for v := 1; v < luma.v && rows[v].use; v++ {
			t.w.room()
			t.w.value(rows[v].first-last, 0, &annexCodes[0][0])
			t.w.join(rows[v].out)
			last = rows[v].last
		}
		if t.w.err != nil {
			return t.w.err
		}
	}
	if e.over() {
		return sc.cut()
	}
	return nil
}

// blockRow is a row of Y's blocks as it is written.
type blockRow struct {
	out   *bitBuffer
	use   bool // it has samples: not only padding
	begun bool
	first int32 // DC of its first block, which is not in out but for row 0
	last  int32 // DC of its last block
}

// lumaBlock writes a block of Y, or drops it if it is padding.
func (t *transcoder) lumaBlock(s *scan, row *blockRow, use bool) error {
	sc, e := t.sc, t.sc.e
	d, err := e.diff(s.dc[0])
	if err != nil {
		return err
	}
	sc.pred[0] += d
	dc := sc.pred[0]
	if dc != int32(int16(dc)<<5>>5) {
		return fault.New(fault.Format, "DC coefficient %d", dc)
	}
	from := e.pos*8 - int(e.n)
	if err := e.skipAC(s.ac[0], 1); err != nil {
		return err
	}
	if !use || !row.use {
		return nil
	}
	out := row.out
	if out == &t.w.bitBuffer {
		t.w.room()
	} else {
		out.grow()
	}
	if row.begun {
		out.value(dc-row.last, 0, &annexCodes[0][0])
	} else {
		row.begun = true
		row.first = dc
	}
	row.last = dc
	out.copyBits(e.buf, from, e.pos*8-int(e.n))
	return nil
}
