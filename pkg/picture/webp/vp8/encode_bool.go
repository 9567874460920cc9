package vp8

import "encoding/binary"

// A boolCoder is the boolean entropy encoder (RFC 6386 section 7): an arithmetic coder of
// bits, each with the probability, out of 256, that it is 0.
//
// The bits so far select an interval, part of that of the bits before. low is its lower
// end and span+1 its width, both in units that get finer as the interval narrows: span
// stays in 127 to 254. The file is low, with as many digits as were shifted in.
type boolCoder struct {
	out   *stream
	low   uint64 // 8+shifts bits, and perhaps a carry above them
	span  uint32
	shift int // bits of low below the 8 that span is compared with

	// A carry may still change the words coded last: one and the run of words of all
	// ones behind it, which would become zeros.
	word uint32
	any  bool // there is a word
	run  int
}

func newBoolCoder(out *stream) *boolCoder { return &boolCoder{out: out, span: 254} }

// bit codes a bit whose probability of being false is p/256, p from 1 to 255.
func (c *boolCoder) bit(set bool, p uint8) {
	split := c.span * uint32(p) >> 8
	if set {
		c.low += uint64(split + 1)
		c.span -= split + 1
	} else {
		c.span = split
	}
	if c.span < 127 {
		c.normalize()
	}
}

// normalize shifts until span is at least 127 again.
func (c *boolCoder) normalize() {
	n := int(boolShift[c.span&127])
	c.span = (c.span+1)<<n - 1
	c.low <<= n
	if c.shift += n; c.shift >= 32 {
		c.emit(c.low >> (c.shift - 24))
		c.low &= 1<<(c.shift-24) - 1
		c.shift -= 32
	}
}

// boolShift is the number of shifts that bring a span of less than 127 back.
var boolShift = func() (t [128]uint8) {
	for s := range t[:127] {
		for w := s + 1; w < 128; w <<= 1 {
			t[s]++
		}
	}
	return
}()

// emit takes the next 32 bits of the file, with a carry above them.
func (c *boolCoder) emit(w uint64) {
	carry := uint32(w >> 32)
	if uint32(w) == 1<<32-1 && carry == 0 {
		c.run++
		return
	}
	c.settle(carry)
	c.word, c.any = uint32(w), true
}

// settle writes the words that no carry can change any more.
func (c *boolCoder) settle(carry uint32) {
	var b [4]byte
	if c.any {
		binary.BigEndian.PutUint32(b[:], c.word+carry)
		c.out.write(b[:])
	}
	for ; c.run > 0; c.run-- {
		binary.BigEndian.PutUint32(b[:], 1<<32-1+carry)
		c.out.write(b[:])
	}
}

// bits codes the n lower bits of v, the most significant first, each with probability 1/2.
func (c *boolCoder) bits(v uint32, n int) {
	for n--; n >= 0; n-- {
		c.bit(v>>n&1 != 0, 128)
	}
}

// flag codes a bit with probability 1/2.
func (c *boolCoder) flag(set bool) { c.bit(set, 128) }

// leaf codes the path to a leaf of a tree.
func (c *boolCoder) leaf(t tree, probs []uint8, leaf uint8) {
	var path [16]int8
	n := t.path(leaf, &path)
	for _, step := range path[:n] {
		c.bit(step&1 != 0, probs[step>>1])
	}
}

// path returns the entries of the tree that lead to a leaf: entry i follows bit i&1 at
// the node whose probability is i/2.
func (t tree) path(leaf uint8, path *[16]int8) (n int) {
	at := -1
	for i, v := range t {
		if v <= 0 && -v == int8(leaf) {
			at = i
			break
		}
	}
	for i := at; ; {
		path[n] = int8(i)
		n++
		node := int8(i &^ 1)
		if node == 0 {
			break
		}
		for j, v := range t {
			if v == node {
				i = j
				break
			}
		}
	}
	for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return n
}

// end writes what is left.
func (c *boolCoder) end() {
	// Zeros behind low stay in the interval. Readers look a few bits ahead.
	c.low <<= 32 - c.shift
	c.emit(c.low >> 8)
	c.word, c.any = uint32(c.word), true
	c.settle(0)
	c.out.write([]byte{uint8(c.low), 0})
	c.any = false
}
