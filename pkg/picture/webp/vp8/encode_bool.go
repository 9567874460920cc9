package vp8

import (
	"encoding/binary"
	"sync"
)

// A boolCoder is the boolean entropy encoder (RFC 6386 section 7): an arithmetic coder of
// bits, each with the probability, out of 256, that it is 0.
//
// The bits so far select an interval, part of that of the bits before. low is its lower
// end and span+1 its width, both in units that get finer as the interval narrows: span
// stays in 127 to 254. The file is low, with as many digits as were shifted in.
//
// Bits wait in a queue and are coded many at a time, so that the state stays in registers.
type boolCoder struct {
	out   *stream
	low   uint64 // 8+shifts bits, and perhaps a carry above them
	span  uint32
	shift int // bits of low below the 8 that span is compared with

	queue  [queueLen]codedBit
	queued int

	// A carry may still change the words coded last: one and the run of words of all
	// ones behind it, which would become zeros.
	word uint32
	any  bool // there is a word
	run  int
}

const queueLen = 2048

// A codedBit is the probability of the bit that is coded, from 1 to 255, plus bitSet if
// that bit is 1.
type codedBit uint16

const bitSet codedBit = 1 << 8

// codedBitOf returns the bit set, 0 or 1, where p is the probability of 0.
func codedBitOf(set codedBit, p uint8) codedBit {
	return codedBit(p) + set*2*(bitSet-codedBit(p)) // for 1: bitSet + 256 − p
}

func newBoolCoder(out *stream) *boolCoder { return &boolCoder{out: out, span: 254} }

// bit codes a bit whose probability of being false is p/256, p from 1 to 255.
func (c *boolCoder) bit(set bool, p uint8) {
	v := codedBitOf(0, p)
	if set {
		v = codedBitOf(1, p)
	}
	if c.queued == queueLen {
		c.codeQueue()
	}
	c.queue[c.queued] = v
	c.queued++
}

// codeQueue codes the bits in the queue. No branch depends on a bit, as many of those would
// be predicted wrong, and the loop calls nothing, so that its state stays in registers.
//
// A bit of 0 with probability p takes the lower part of the interval, ⌊span·p/256⌋ + 1 of
// span + 1, and a bit of 1 what is left: span − ⌊span·p/256⌋. With the probability p' of
// the bit that is coded, the new span is ⌊span·p'/256⌋ for 0, and for 1, as p' is 256 − p,
//
//	span − ⌊span·p/256⌋ − 1 = ⌈span·p'/256⌉ − 1 = ⌊(span·p' − 1)/256⌋
//
// So few steps lie between one span and the next, each of which waits for the one before.
func (c *boolCoder) codeQueue() {
	low, span, shift := c.low, c.span, c.shift
	for q := c.queue[:c.queued]; len(q) > 0; {
		done := len(q)
		for i, v := range q {
			set := uint32(v) >> 8
			part := (span*uint32(uint8(v)) - set) >> 8
			low += uint64((span - part) & -set)
			n := boolShift[uint8(part)]
			span = uint32(boolSpan[uint8(part)])
			low <<= n & 7
			if shift += int(n); shift >= 32 {
				done = i + 1
				break
			}
		}
		q = q[done:]
		if shift >= 32 {
			c.emit(low >> ((shift - 24) & 63))
			low &= 1<<((shift-24)&63) - 1
			shift -= 32
		}
	}
	c.low, c.span, c.shift = low, span, shift
	c.queued = 0
}

// boolShift is the number of shifts that bring a span back to at least 127, and boolSpan
// the span that results.
var boolShift, boolSpan = func() (shift, span [256]uint8) {
	for s := range 255 {
		w := s + 1
		for ; w < 128; w <<= 1 {
			shift[s]++
		}
		span[s] = uint8(w - 1)
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
func (c *boolCoder) leaf(path []int8, probs []uint8) {
	for _, step := range path {
		c.bit(step&1 != 0, probs[step>>1])
	}
}

// Paths to the leaves of trees; makeTables sets them.
var segmentPaths, lumaModePaths, chromaModePaths, blockModePaths, tokenPaths [][]int8

// makeTables makes the paths, and the costs and groups of modes that follow from them. An
// encoder calls it: a process that only decodes does not need them.
var makeTables = sync.OnceFunc(func() {
	segmentPaths = segmentTree.paths(segments)
	lumaModePaths = lumaModeTree.paths(mode4x4 + 1)
	chromaModePaths = chromaModeTree.paths(4)
	blockModePaths = blockModeTree.paths(modes)
	tokenPaths = tokenTree.paths(tokenEnd + 1)
	makeCosts()
	makeGroups()
})

// paths returns the paths to the first n leaves of a tree, nil for a leaf that it has
// not. A path is the entries that lead to the leaf: entry i follows bit i&1 at the node
// whose probability is i/2.
func (t tree) paths(n int) [][]int8 {
	paths := make([][]int8, n)
	var follow func(node int8, path []int8)
	follow = func(node int8, path []int8) {
		for bit := range int8(2) {
			path := append(path[:len(path):len(path)], node+bit)
			if next := t[node+bit]; next > 0 {
				follow(next, path)
			} else {
				paths[-next] = path
			}
		}
	}
	follow(0, nil)
	return paths
}

// end writes what is left.
func (c *boolCoder) end() {
	c.codeQueue()
	// Zeros behind low stay in the interval. Readers look a few bits ahead.
	c.low <<= 32 - c.shift
	c.emit(c.low >> 8)
	c.word, c.any = uint32(c.word), true
	c.settle(0)
	c.out.write([]byte{uint8(c.low), 0})
	c.any = false
}
