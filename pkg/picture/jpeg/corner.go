package jpeg

// corners decodes the blocks of a component's part of an MCU, at 2/8, which were gone
// over, into the samples from at on.
func (m *mcus) corners(p *part, at int) error {
	e := m.sc.e
	buf := e.clean()
	var v [8]int32
	for b := range p.h * p.v {
		from := m.sc.ends[b]
		dst := p.pix[at+b/p.h*p.below+b%p.h*p.right:]
		if corner(buf, p.dc, p.ac, from, &v) {
			*p.pred += v[0]
			q := p.q
			idct2(saturate(saturate(*p.pred)*int32(q[0])), v[1]*int32(q[1]), v[2]*int32(q[2]), v[4]*int32(q[4]), dst, p.stride)
			continue
		}
		end := e.at()
		e.seek(from)
		pred, _, err := e.block(&m.b, p.dc, p.ac, nil, p.q, *p.pred, p.last)
		if err != nil {
			return err
		}
		e.seek(end)
		*p.pred = pred
		idct(p.n, &m.b, dst, p.stride)
		clear(m.b[:])
	}
	return nil
}

// corner decodes the first coefficients of a sound block at bit p: v[0] is the DC
// difference, v[1], v[2] and v[4] are those positions of the zig-zag order. It takes four
// symbols of AC whether or not so many are needed: it has no branch that depends on
// the bits but for codes longer than lookBits, when it returns false.
func corner(buf *buffer, dc, ac *huffman, p uint, v *[8]int32) bool {
	w := buf.load(p)
	c := uint(dc.code[w>>(64-lookBits)])
	if c == 0 {
		return false
	}
	*v = [8]int32{0: amplitude(w, c)}
	// A code in the table and its value take at most 27 bits: two fit the 57 loaded.
	l := c>>8 + c&15
	w <<= l & 63
	k := uint(1)
	for range 2 {
		c = uint(ac.code[w>>(64-lookBits)])
		if c == 0 && k <= 4 {
			return false
		}
		k += c>>4&15 + (c&15-1)>>57&64 // no value: on to the end
		v[min(k, 7)] = amplitude(w, c)
		k++
		p += l + c>>8 + c&15
		w = buf.load(p)

		c = uint(ac.code[w>>(64-lookBits)])
		if c == 0 && k <= 4 {
			return false
		}
		k += c>>4&15 + (c&15-1)>>57&64
		v[min(k, 7)] = amplitude(w, c)
		k++
		l = c>>8 + c&15
		w <<= l & 63
	}
	return true
}

// amplitude is EXTEND of T.81 F.2.2.1 for the value behind the code c at the top of w,
// an entry of huffman.code; 0 if it has no bits.
func amplitude(w uint64, c uint) int32 {
	x := w << (c >> 8 & 63)
	size := c & 15
	v := int64(x >> 1 >> (63 - size))
	return int32(v - ^int64(x)>>63&(1<<size-1))
}
