package jpeg

import (
	"bytes"
	"encoding/binary"
)

// entropy reads the bits of an entropy-coded segment (T.81 F.1.2.3, B.1.1.5). The zero
// bytes stuffed after FF, and fill bytes, are removed in bulk when the buffer is filled.
// The bytes in the buffer are therefore clean: loops load eight at a time without
// looking for FF.
//
// The next bits are at the top of acc, and n of them are valid. The bits below those
// are either the ones that follow or zero, so that refilling may or more bits in
// without masking. refill, which hot loops repeat with local variables, is
//
//	acc |= be64(buf[pos:]) >> n; pos += (63 - n) >> 3; n |= 56
//
// It takes as many whole bytes as fit: with n = 13, six bytes make 61 valid bits, and
// 13|56 is 61. The number of bits taken since buf[0] is always pos*8 - n.
type entropy struct {
	src    *source
	buf    []byte // buf[:end] is clean; window + slack long
	pos    int
	end    int
	acc    uint64
	n      uint
	ended  bool // a marker, or the end of the file, follows buf[end-1]
	marker byte // that marker; 0 for the end of the file
	// surplus: finish found whole bytes that no block needed.
	surplus bool

	// tap, if not nil, gets a copy of all bytes whose bits were taken, up to buf[tapped]
	// so far.
	tap    *bitWriter
	tapped int
}

func newEntropy(s *source) *entropy {
	return &entropy{src: s, buf: make([]byte, window+slack)}
}

// begin starts a segment at the position of the source.
func (e *entropy) begin() {
	e.pos, e.end, e.acc, e.n, e.ended, e.marker, e.tapped, e.surplus = 0, 0, 0, 0, false, 0, 0, false
	e.fill()
}

// ready is called before a block is read. It fills the buffer so that the block, or the
// rest of the segment, is in it. It returns false if more bits were taken than the
// segment has: then no block begins here.
func (e *entropy) ready() bool { return e.pos <= e.end-blockBytes || e.more() }

func (e *entropy) more() bool {
	if !e.ended {
		e.fill()
	}
	return !e.overrun()
}

// overrun reports whether more bits were taken than the segment has.
func (e *entropy) overrun() bool { return e.pos*8-int(e.n) > e.end*8 }

// fill moves the rest of the buffer to its front, with the eight bytes before it, which
// hold the beginning of acc, and adds clean bytes.
func (e *entropy) fill() {
	keep := max(e.pos-8, 0)
	if e.tap != nil {
		e.tap.copyBytes(e.buf[e.tapped:keep])
		e.tapped = 0
	}
	e.end = copy(e.buf, e.buf[keep:e.end])
	e.pos -= keep
	for !e.ended && e.end < window {
		e.unstuff()
	}
	if e.ended {
		clear(e.buf[e.end : e.end+slack])
	}
}

// unstuff moves bytes from the source to the buffer, up to and including the next FF.
func (e *entropy) unstuff() {
	s := e.src
	if !s.fill(1) {
		e.ended = true
		return
	}
	p := s.raw[s.i:min(s.n, s.i+window-e.end)]
	j := bytes.IndexByte(p, 0xFF)
	if j < 0 {
		e.end += copy(e.buf[e.end:], p)
		s.i += len(p)
		return
	}
	e.end += copy(e.buf[e.end:], p[:j])
	s.i += j
	if !s.fill(2) {
		s.i = s.n
		e.ended = true
		return
	}
	switch m := s.raw[s.i+1]; m {
	case 0x00:
		e.buf[e.end] = 0xFF
		e.end++
		s.i += 2
	case 0xFF: // a fill byte
		s.i++
	default:
		s.i += 2
		e.ended = true
		e.marker = m
	}
}

// finish skips the rest of the segment, after which marker is known. Calling it again
// changes nothing.
func (e *entropy) finish() {
	at := int(e.at()+7) >> 3 // the last byte that a bit was taken from is used up
	if e.tap != nil {
		e.tap.copyBytes(e.buf[e.tapped:at])
		e.tapped = 0
	}
	e.surplus = e.surplus || at < e.end
	for !e.ended {
		e.end = 0
		e.unstuff()
		e.surplus = e.surplus || e.end > 0
	}
	e.pos, e.end, e.acc, e.n = 0, 0, 0, 0
}

// at returns the position in buf of the next bit.
func (e *entropy) at() uint { return uint(e.pos*8) - e.n }

// seek makes bit p of buf the next one.
func (e *entropy) seek(p uint) {
	e.acc, e.n, e.pos = e.clean().load(p), 56-p&7, int(p>>3)+7
}

// clean returns buf.
func (e *entropy) clean() *buffer { return (*buffer)(e.buf) }

// buffer holds the clean bytes of an entropy-coded segment.
type buffer [window + slack]byte

// load returns the bits from p on, at least 57 of them. Beyond the window they are
// arbitrary; a reader that gets there is past the end of the segment (see overrun).
func (b *buffer) load(p uint) uint64 {
	return binary.BigEndian.Uint64(b[p>>3&(window-1):][:8]) << (p & 7)
}

// bits takes c bits, at most 32. The end of the segment is not checked.
func (e *entropy) bits(c uint) int32 {
	if e.n < c {
		e.refill()
	}
	v := e.acc >> (64 - c) // 0 when c is 0
	e.acc <<= c
	e.n -= c
	return int32(v)
}

func (e *entropy) refill() {
	e.acc |= be64(e.buf[e.pos:]) >> e.n
	e.pos += int((63 - e.n) >> 3)
	e.n |= 56
}
