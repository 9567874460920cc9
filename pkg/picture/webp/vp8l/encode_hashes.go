package vp8l

// The tables of places know pixels by hashes of those that begin there. The hash of 3
// pixels is a sum of products, and those of more are made of two of half as many:
//
//	hash3(i)  = A·px[i] + B·px[i+1] + C·px[i+2]
//	hash6(i)  = hash3(i) + D·hash3(i+3)
//	hash12(i) = hash6(i) + E·hash6(i+6)
//	hash24(i) = hash12(i) + F·hash12(i+12)
//
// All is modulo 2^32. The highest bits are the best ones, as they depend on all bits.
const (
	mulA = 0x9e3779b1
	mulB = 0x85ebca77
	mulC = 0xc2b2ae3d
	mulD = 0x27d4eb2f
	mulE = 0x165667b1
	mulF = 0x2545f491
)

func hash3(px []uint32) uint32 {
	p := (*[3]uint32)(px)
	return mulA*p[0] + mulB*p[1] + mulC*p[2]
}

func hash6(px []uint32) uint32 { return hash3(px) + mulD*hash3(px[3:]) }

// hashBlock is the number of neighbouring pixels that are hashed at a time: they have most
// of their sums in common. Hashes depend on fewer than hashAhead pixels behind the block,
// if each kind of hash is made for a multiple of 8 pixels.
const (
	hashBlock = 32
	hashAhead = 40
)

// hashes has the keys of a block of pixels.
type hashes struct {
	from        int // first pixel of the block
	short, long [hashBlock]uint32
	touched     uint64 // keeps the compiler from leaving out the reads of fill
	h3, h6, h12 [hashBlock + hashAhead]uint32
	px          [hashBlock + hashAhead]uint32 // the block at the end of the picture, followed by zeros
}

// fill makes the keys of the block of px that begins at pixel i.
//
// It reads from each bucket that they are about. That waits once for several buckets,
// which are seldom in the cache nearest to the processor.
func (h *hashes) fill(px []uint32, i int, short, long *places) {
	h.from = i
	px = px[i:]
	if len(px) < len(h.px) {
		n := copy(h.px[:], px)
		clear(h.px[n:])
		px = h.px[:]
	}
	if !h.vectorFill(px, short, long) {
		h.plainFill(px, short, long)
	}
	var sum uint64
	for k := range h.short {
		sum += short.at(h.short[k])[0] + long.at(h.long[k])[0]
	}
	h.touched = sum
}

func (h *hashes) plainFill(px []uint32, short, long *places) {
	for k := range hashBlock + 21 {
		h.h3[k] = hash3(px[k:])
	}
	for k := range hashBlock + 18 {
		h.h6[k] = h.h3[k] + mulD*h.h3[k+3]
	}
	for k := range hashBlock + 12 {
		h.h12[k] = h.h6[k] + mulE*h.h6[k+6]
	}
	for k := range hashBlock {
		h.short[k] = short.key(h.h3[k], h.h6[k])
		h.long[k] = long.key(h.h12[k], h.h12[k]+mulF*h.h12[k+12])
	}
}
