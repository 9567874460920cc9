package tiff

import "encoding/binary"

// unpacker turns the samples of decompressed rows into samples of 8 or 16 bits at
// full range. It takes those of page.pick and writes them beside each other, so that
// pixels have len(pick) samples, whatever else the file holds.
type unpacker struct {
	t      *page
	order  binary.ByteOrder     // of samples of 16 bits and more
	decode func([]byte) float64 // of wide samples
	// Of each sample of pick: the 8-bit value of each stored value of up to 8 bits.
	tables [][256]uint8
	slots  []int // for each sample that a segment holds, its place in a pixel, or -1
}

func newUnpacker(t *page, order binary.ByteOrder) *unpacker {
	if t.predictor == 3 {
		order = binary.BigEndian
	}
	u := &unpacker{t: t, order: order, decode: t.decoder(order), slots: make([]int, t.stored())}
	for i := range u.slots {
		u.slots[i] = -1
	}
	if !t.planar {
		for k, s := range t.pick {
			u.slots[s] = k
		}
	}
	u.tables = make([][256]uint8, len(t.pick))
	top := 1<<min(t.bits, 8) - 1
	for k := range u.tables {
		for v := range top + 1 {
			g := v
			switch {
			case t.wide(): // a signed byte
				g = int(t.bounds[t.pick[k]].scale(float64(int8(v)), 255))
			case k > 0 || !t.indexes():
				g = (v*255 + top/2) / top
			}
			if k == 0 && t.inverted && t.bits < 8 {
				g = 255 - g
			}
			u.tables[k][v] = uint8(g)
		}
	}
	return u
}

// row8 unpacks width pixels of samples of 1 to 8 bits. plane is the index in pick of
// the row's sample if planes are separate.
func (u *unpacker) row8(dst, row []byte, width, plane int) {
	t := u.t
	n, stored := len(t.pick), t.stored()
	dst = dst[:width*n]
	plain := t.bits == 8 && !t.wide()
	switch {
	case plain && n == stored:
		copy(dst, row)
	case plain && t.planar:
		for o := plane; o < len(dst); o += n {
			dst[o] = row[0]
			row = row[1:]
		}
	case plain:
		for k, s := range t.pick {
			for o, i := k, s; o < len(dst); o, i = o+n, i+stored {
				dst[o] = row[i]
			}
		}
	case t.bits == 1 && n == 1 && stored == 1:
		table := &u.tables[0]
		for i := range dst {
			dst[i] = table[row[i/8]>>(7-i%8)&1]
		}
	case t.planar:
		b := bitReader{row: row}
		for o := plane; o < len(dst); o += n {
			dst[o] = u.tables[plane][b.next(t.bits)]
		}
	default:
		b := bitReader{row: row}
		for o := 0; o < len(dst); o += n {
			for _, k := range u.slots {
				if v := b.next(t.bits); k >= 0 {
					dst[o+k] = u.tables[k][v]
				}
			}
		}
	}
}

// units unpacks lines rows, width pixels of each, of data units of subsampled YCbCr.
// All pixels of a unit get its Cb and Cr, as in libtiff.
func (u *unpacker) units(dst, row []byte, width, lines int) {
	h, luma := u.t.subH, u.t.subH*u.t.subV
	stride := 3 * u.t.h.FullW
	for x := 0; x < width; x += h {
		cb, cr := row[luma], row[luma+1]
		for j := range lines {
			p := dst[j*stride+3*x:]
			for i := range min(h, width-x) {
				p[3*i], p[3*i+1], p[3*i+2] = row[j*h+i], cb, cr
			}
		}
		row = row[luma+2:]
	}
}

// row16 unpacks width pixels of samples of 9 to 64 bits, as row8 does.
func (u *unpacker) row16(dst []uint16, row []byte, width, plane int) {
	t := u.t
	n, stored := len(t.pick), t.stored()
	dst = dst[:width*n]
	if t.bits < 16 {
		b, top := bitReader{row: row}, uint32(1)<<t.bits-1
		scaled := func() uint16 { return uint16((b.next(t.bits)*65535 + top/2) / top) }
		for o := 0; o < len(dst); o += n {
			if t.planar {
				dst[o+plane] = scaled()
				continue
			}
			for _, k := range u.slots {
				if v := scaled(); k >= 0 {
					dst[o+k] = v
				}
			}
		}
		return
	}
	pick := t.pick
	if t.planar {
		dst, pick = dst[plane:], []int{0}
	}
	if t.wide() {
		size := t.bits / 8
		for k, s := range pick {
			r := t.bounds[t.pick[k+plane]]
			for o, i := k, size*s; o < len(dst); o, i = o+n, i+size*stored {
				dst[o] = uint16(r.scale(u.decode(row[i:]), 65535))
			}
		}
		return
	}
	// Two loops, so that the byte order is not looked up for each sample.
	if u.order == binary.ByteOrder(binary.LittleEndian) {
		for k, s := range pick {
			for o, i := k, 2*s; o < len(dst); o, i = o+n, i+2*stored {
				dst[o] = binary.LittleEndian.Uint16(row[i:])
			}
		}
		return
	}
	for k, s := range pick {
		for o, i := k, 2*s; o < len(dst); o, i = o+n, i+2*stored {
			dst[o] = binary.BigEndian.Uint16(row[i:])
		}
	}
}

// bitReader reads samples of a few bits from a row, most significant bit first.
type bitReader struct {
	row []byte
	acc uint32
	n   int
}

func (b *bitReader) next(bits int) uint32 {
	for b.n < bits {
		b.acc = b.acc<<8 | uint32(b.row[0])
		b.row = b.row[1:]
		b.n += 8
	}
	b.n -= bits
	return b.acc >> b.n & (1<<bits - 1)
}
