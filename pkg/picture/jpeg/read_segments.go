package jpeg

import (
	"encoding/binary"

	"imgtools/pkg/fault"
)

// Markers, T.81 table B.1.
const (
	mSOF0  = 0xC0 // baseline
	mSOF1  = 0xC1 // extended sequential, Huffman
	mSOF2  = 0xC2 // progressive, Huffman
	mDHT   = 0xC4
	mSOF9  = 0xC9 // extended sequential, arithmetic
	mSOF10 = 0xCA // progressive, arithmetic
	mDAC   = 0xCC
	mRST0  = 0xD0
	mRST7  = 0xD7
	mSOI   = 0xD8
	mEOI   = 0xD9
	mSOS   = 0xDA
	mDQT   = 0xDB
	mDNL   = 0xDC
	mDRI   = 0xDD
	mDHP   = 0xDE
	mEXP   = 0xDF
	mAPP0  = 0xE0
	mAPP1  = 0xE1
	mAPP2  = 0xE2
	mAPP13 = 0xED
	mAPP14 = 0xEE
	mAPP15 = 0xEF
	mCOM   = 0xFE
	mTEM   = 0x01
)

// notDone names the frames that are understood and not read, T.81 table B.1.
var notDone = map[byte]string{
	0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical progressive", 0xC7: "hierarchical lossless",
	0xCB: "arithmetic-coded lossless", 0xCD: "arithmetic-coded hierarchical",
	0xCE: "arithmetic-coded hierarchical progressive", 0xCF: "arithmetic-coded hierarchical lossless",
	mDHP: "hierarchical", mEXP: "hierarchical",
}

// isRST reports whether m is a restart marker.
func isRST(m byte) bool { return m >= mRST0 && m <= mRST7 }

// nextMarker returns the next marker, or 0 at the end of the file. Like all readers
// it skips whatever is before it; surplus reports whether that was anything but fill
// bytes (FF, T.81 B.1.1.2).
func (r *Reader) nextMarker() (m byte, surplus bool) {
	for {
		b, ok := r.src.next()
		for ok && b == 0xFF {
			if b, ok = r.src.next(); ok && b != 0xFF && b != 0 {
				return b, surplus
			}
		}
		if !ok {
			return 0, surplus
		}
		surplus = true
	}
}

// headers reads segments up to and including the first SOS. Without one it returns a
// nil scan; eoi then says whether the picture ended by EOI or with the file.
func (r *Reader) headers() (s *scan, eoi bool, err error) {
	for s == nil {
		m, _ := r.nextMarker()
		switch {
		case m == 0:
			return nil, false, r.src.err
		case m == mEOI:
			return nil, true, nil
		}
		if s, err = r.segment(m); err != nil {
			return nil, false, err
		}
	}
	return s, false, nil
}

// segment reads the segment of marker m, which is neither 0 nor EOI. Of an SOS it
// returns the scan. TEM and restart markers have no segment; between segments they
// mean nothing.
func (r *Reader) segment(m byte) (*scan, error) {
	switch {
	case m == mTEM || isRST(m):
		return nil, nil
	case m == mSOI:
		return nil, fault.New(fault.Format, "marker FF%02X out of place", m)
	case notDone[m] != "":
		return nil, fault.New(fault.Unsupported, "%s JPEG is not read", notDone[m])
	}
	n, err := r.length(m)
	if err != nil {
		return nil, err
	}
	switch m {
	case mSOS:
		return r.readSOS(n)
	case mSOF0, mSOF1, mSOF2, mSOF9, mSOF10:
		return nil, r.readSOF(m, n)
	case mDHT:
		return nil, r.readDHT(n)
	case mDAC:
		return nil, r.readDAC(n)
	case mDQT:
		return nil, r.readDQT(n)
	case mDRI:
		return nil, r.readDRI(n)
	case mAPP0, mAPP1, mAPP2, mAPP13, mAPP14:
		return nil, r.readAPP(m, n)
	}
	// Others are skipped: comments, further APPs, and DNL, which readSOF has looked
	// for if the frame header has no height.
	if !r.src.skip(n) {
		return nil, r.short(m)
	}
	return nil, nil
}

// length reads the length of a segment and returns the number of bytes after it. The
// length counts its own two bytes. Some writers put 0 in an empty comment or APP.
func (r *Reader) length(m byte) (int, error) {
	var p [2]byte
	if !r.src.full(p[:]) {
		return 0, r.short(m)
	}
	n := int(binary.BigEndian.Uint16(p[:])) - 2
	if n < 0 && (m == mCOM || m >= mAPP0 && m <= mAPP15) {
		r.Note("segment FF%02X of length %d", m, n+2)
		return 0, nil
	}
	if n < 0 {
		return 0, fault.New(fault.Format, "segment FF%02X of length %d", m, n+2)
	}
	return n, nil
}

// short returns the error for a file that ends within a segment.
func (r *Reader) short(m byte) error {
	if r.src.err != nil {
		return r.src.err
	}
	return fault.New(fault.Format, "truncated in segment FF%02X", m)
}

// payload reads the n bytes of a segment that may have at most max. They are valid
// until the next call.
func (r *Reader) payload(m byte, n, max int) ([]byte, error) {
	if n > max {
		return nil, fault.New(fault.Format, "segment FF%02X of %d bytes", m, n)
	}
	if cap(r.seg) < n {
		r.seg = make([]byte, n)
	}
	p := r.seg[:n]
	if !r.src.full(p) {
		return nil, r.short(m)
	}
	return p, nil
}

// quantTable is a quantization table in zig-zag order.
type quantTable struct {
	q [64]uint16
	// zero: a step is 0, which T.81 B.2.4.1 forbids. Coefficients times 0 are 0, as
	// libjpeg has it.
	zero bool
}

// readDQT reads quantization tables, T.81 B.2.4.1.
func (r *Reader) readDQT(n int) error {
	p, err := r.payload(mDQT, n, 1<<16)
	if err != nil {
		return err
	}
	for len(p) > 0 {
		wide, slot := p[0]>>4, p[0]&15
		size := 64 * (1 + int(wide))
		if wide > 1 || slot > 3 || len(p) < 1+size {
			return fault.New(fault.Format, "quantization table %d of %d bytes", slot, len(p))
		}
		t := new(quantTable)
		for i := range t.q {
			if wide == 1 {
				t.q[i] = binary.BigEndian.Uint16(p[1+2*i:])
			} else {
				t.q[i] = uint16(p[1+i])
			}
			t.zero = t.zero || t.q[i] == 0
		}
		r.quant[slot] = t
		p = p[1+size:]
	}
	return nil
}

// readDHT reads Huffman tables, T.81 B.2.4.2. A table without codes is an error only
// for a scan that uses it.
func (r *Reader) readDHT(n int) error {
	p, err := r.payload(mDHT, n, 1<<16)
	if err != nil {
		return err
	}
	for len(p) > 0 {
		if len(p) < 17 {
			return fault.New(fault.Format, "Huffman table cut short")
		}
		class, slot := p[0]>>4, p[0]&15
		if class > 1 || slot > 3 {
			return fault.New(fault.Format, "Huffman table class %d slot %d", class, slot)
		}
		var counts [17]uint8
		sum := 0
		for l := 1; l <= 16; l++ {
			counts[l] = p[l]
			sum += int(p[l])
		}
		if sum > 256 || len(p) < 17+sum {
			return fault.New(fault.Format, "Huffman table of %d symbols", sum)
		}
		h, err := newHuffman(&counts, p[17:17+sum])
		if err != nil {
			return err
		}
		r.huff[class][slot] = h
		p = p[17+sum:]
	}
	return nil
}

// table returns the Huffman table that a scan names. Where a sequential file has not
// defined slot 0 or 1, it is the table of annex K.3 for luma or chroma: a frame of
// Motion JPEG has no DHT and means these.
func (r *Reader) table(class, slot byte) (*huffman, error) {
	name := [2]string{"DC", "AC"}[class]
	h := r.huff[class][slot]
	switch {
	case h == nil && slot < 2 && !r.frame.progressive():
		k := &annexK[class][slot]
		h, err := newHuffman(&k.counts, []byte(k.values))
		r.huff[class][slot] = h
		return h, err
	case h == nil:
		return nil, fault.New(fault.Format, "no %s table %d", name, slot)
	case len(h.values) == 0:
		return nil, fault.New(fault.Format, "%s table %d has no codes", name, slot)
	}
	return h, nil
}

// readDRI reads the restart interval, T.81 B.2.4.4.
func (r *Reader) readDRI(n int) error {
	p, err := r.payload(mDRI, n, 2)
	if err != nil {
		return err
	}
	if len(p) != 2 {
		return fault.New(fault.Format, "DRI of %d bytes", n)
	}
	r.ri = int(binary.BigEndian.Uint16(p))
	return nil
}
