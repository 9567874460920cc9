package flate

const headerSize = 2 // bytes of the zlib header

// block reads the header of a block (RFC 1951, section 3.2.3).
func (f *inflater) block() error {
	v, err := f.take(3)
	if err != nil {
		return err
	}
	f.final = v&1 != 0
	switch v >> 1 {
	case 0:
		return f.storedHeader()
	case 1:
		f.fixedCodes()
	case 2:
		if err := f.dynamicCodes(); err != nil {
			return err
		}
	default:
		return f.corrupt()
	}
	f.state = inCodes
	return nil
}

// storedHeader reads the length of a stored block and its complement (section 3.2.4).
func (f *inflater) storedHeader() error {
	v, err := f.wholeBytes(4)
	if err != nil {
		return err
	}
	if v>>16 != ^v&0xffff {
		return f.corrupt()
	}
	f.stored, f.state = int(v&0xffff), inStored
	if f.stored == 0 {
		f.endBlock()
	}
	return nil
}

// fixedCodes makes the tables of the fixed codes (section 3.2.6).
func (f *inflater) fixedCodes() {
	if f.fixed {
		return
	}
	var l [288 + 32]uint8
	for i := range l {
		switch {
		case i >= 288:
			l[i] = 5
		case i < 144 || i >= 280:
			l[i] = 8
		case i < 256:
			l[i] = 9
		default:
			l[i] = 7
		}
	}
	f.makeTables(l[:288], l[288:])
	f.fixed = true
}

// makeTables makes the tables of the codes with the given lengths. It returns false if
// a code is not valid.
func (f *inflater) makeTables(lit, dist []uint8) bool {
	f.fixed = false
	if !makeTable(f.lit[:], lit, &litEntries, litBits) || !makeTable(f.dist[:], dist, &distEntries, distBits) {
		return false
	}
	pairLiterals(&f.lit, lit[:endOfBlock])
	return true
}

// dynamicCodes reads the codes of a dynamic block (section 3.2.7): the numbers of
// lengths, then the lengths of a first code, and in that code the lengths of the codes
// of literals and lengths, and of distances. A symbol of the first code below 16 is
// a length; 16 repeats the length before, 17 and 18 repeat 0.
func (f *inflater) dynamicCodes() error {
	v, err := f.take(14)
	if err != nil {
		return err
	}
	lits, dists, firsts := 257+int(v&31), 1+int(v>>5&31), 4+int(v>>10)
	if lits > numLitLen || dists > numDist {
		return f.corrupt()
	}
	var first [19]uint8
	for _, i := range lengthOrder[:firsts] {
		v, err := f.take(3)
		if err != nil {
			return err
		}
		first[i] = uint8(v)
	}
	var table [1 << firstBits]uint32
	if !makeTable(table[:], first[:], &firstEntries, firstBits) {
		return f.corrupt()
	}
	var l [numLitLen + numDist]uint8
	for i := 0; i < lits+dists; {
		f.fill(firstBits)
		e := table[f.bits&(1<<firstBits-1)]
		if err := f.use(e, uint(e&bitsMask)); err != nil {
			return err
		}
		symbol := uint8(e >> valueShift)
		if symbol < 16 {
			l[i] = symbol
			i++
			continue
		}
		repeat := repeats[symbol-16]
		v, err := f.take(repeat.extra)
		if err != nil {
			return err
		}
		end := i + repeat.base + int(v)
		if end > lits+dists || symbol == 16 && i == 0 {
			return f.corrupt()
		}
		value := uint8(0)
		if symbol == 16 {
			value = l[i-1]
		}
		for ; i < end; i++ {
			l[i] = value
		}
	}
	if !f.makeTables(l[:lits], l[lits:lits+dists]) {
		return f.corrupt()
	}
	return nil
}

// repeats says for the symbols 16, 17 and 18 how often a length is repeated: base, and
// the number in the extra bits.
var repeats = [3]struct {
	base  int
	extra uint
}{{3, 2}, {3, 3}, {11, 7}}
