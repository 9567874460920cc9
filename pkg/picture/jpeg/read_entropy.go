package jpeg

import "bytes"

// entropy is an entropy-coded segment (T.81 F.1.2.3, B.1.1.5) as bits: the zero
// bytes stuffed after FF and fill bytes are taken out in bulk on the way in, so
// that whoever takes bits can load eight bytes at a time and need not look at them.
//
// Bits stand at the top of acc, n of them taken account of; the bits below are
// either the right ones, too, or zero. refill (written out where it matters) is
//
//	acc |= be64(buf[pos:]) >> n; pos += (63 - n) >> 3; n |= 56
//
// so pos*8 - n is the number of bits taken since buf[0].
type entropy struct {
	src    *source
	buf    []byte // buf[:end] is clean; window + slack long
	pos    int
	end    int
	acc    uint64
	n      uint
	ended  bool // a marker, or the end of the file, comes after buf[end-1]
	marker byte // that marker; 0 for the end of the file

	// tap, if any, gets all bytes whose bits were taken: a copy of the segment
	// as far as it was walked. buf[tapped:] it has not got yet.
	tap    *bitWriter
	tapped int
}

func newEntropy(s *source) *entropy {
	return &entropy{src: s, buf: make([]byte, window+slack)}
}

// begin starts a segment where the source stands.
func (e *entropy) begin() {
	e.pos, e.end, e.acc, e.n, e.ended, e.marker, e.tapped = 0, 0, 0, 0, false, 0, 0
	e.fill()
}

// ready is called at the start of each n blocks: it makes sure that they are whole in
// the buffer, or that the segment's end is, and then that it was not passed. False:
// there is no block here.
func (e *entropy) ready(n int) bool { return e.pos <= e.end-n*blockBytes || e.more() }

func (e *entropy) more() bool {
	if !e.ended {
		e.fill()
	}
	return !e.overrun()
}

// over says whether more bits were taken than the segment has.
func (e *entropy) overrun() bool { return e.pos*8-int(e.n) > e.end*8 }

// fill moves what is left to the front of the buffer (with the eight bytes before
// it, which hold the beginning of acc) and adds clean bytes behind.
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

// unstuff takes bytes from the source up to and with the next FF.
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

// finish passes over what is left of the segment; marker is then known.
func (e *entropy) finish() {
	if e.tap != nil {
		e.tap.copyBytes(e.buf[e.tapped : (e.pos*8-int(e.n)+7)>>3])
		e.tapped = 0
	}
	for !e.ended {
		e.end = 0
		e.unstuff()
	}
	e.pos, e.end, e.acc, e.n = 0, 0, 0, 0
}

// bits takes c bits, at most 32; the segment's end is not looked at.
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
