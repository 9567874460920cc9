package vp8l

import "math/bits"

// places is a table of where pixels began: it finds earlier places at which the same
// pixels begin as at a new one.
//
// A hash of the first pixels says which bucket a place belongs to. A bucket has room for 8
// places; the newest pushes out the oldest. It is half of a cache line, so that a search
// waits for memory once, and not once for each place as along a chain.
//
// A place is the low 20 bits of its number, since copies reach less than 2^20 pixels back.
// Beside it are 12 bits of hashes, the tag: firstBits more of the hash of the first pixels,
// and twiceBits of a hash of twice as many. Places whose whole tag is that of the new one
// probably give long copies, and are compared first. A tag proves nothing: the pixels of a
// copy are compared.
type places struct {
	buckets []bucket
	shift   uint
}

// bucket is 8 places, two to a number, the newest in the lowest bits.
type bucket [4]uint64

const (
	placeMask = 1<<20 - 1
	firstBits = 5
	twiceBits = 7
)

// newPlaces returns a table for a picture of n pixels, of at most 1<<most buckets.
func newPlaces(n, most int) places {
	b := min(max(bits.Len(uint(n))-3, 5), most)
	return places{make([]bucket, 1<<b), uint(64 - b)}
}

// at returns the bucket of a hash of first pixels, and the tag of a place by that hash
// and by the one of twice as many pixels.
func (p *places) at(first, twice uint64) (b *bucket, tag uint32) {
	tag = uint32(first>>((p.shift-firstBits)&63))<<twiceBits&0xfff | uint32(twice>>(64-twiceBits))
	return &p.buckets[first>>(p.shift&63)], tag
}

// enter enters a place.
func (b *bucket) enter(tag uint32, place int) {
	b[3] = b[3]<<32 | b[2]>>32
	b[2] = b[2]<<32 | b[1]>>32
	b[1] = b[1]<<32 | b[0]>>32
	b[0] = b[0]<<32 | uint64(tag<<20|uint32(place)&placeMask)
}

// alike returns which places have the same tag, and which others the same bits of the
// first hash: bit k stands for place k, the newest being 0.
func (b *bucket) alike(tag uint32) (twice, first uint32) {
	for k, w := range b {
		x, y := uint32(w)>>20^tag, uint32(w>>52)^tag
		twice |= (x-1)>>31<<(2*k) | (y-1)>>31<<(2*k+1)
		first |= (x>>twiceBits-1)>>31<<(2*k) | (y>>twiceBits-1)>>31<<(2*k+1)
	}
	return twice, first &^ twice
}

// distance returns how far place k is before another one.
func (b *bucket) distance(k, place int) int {
	return (place - int(b[k>>1&3]>>(32*(k&1)))) & placeMask
}

// Hashes of some pixels. The highest bits are the best ones.

func hash3(px []uint32) uint64 {
	p := (*[3]uint32)(px)
	return pair(p[0], p[1])*0x9e3779b97f4a7c15 + uint64(p[2])*0xc2b2ae3d27d4eb4f
}

func hash6(px []uint32) uint64 {
	p := (*[6]uint32)(px)
	return pair(p[0], p[1])*0x9e3779b97f4a7c15 + pair(p[2], p[3])*0xc2b2ae3d27d4eb4f + pair(p[4], p[5])*0x165667b19e3779f9
}

func hash12(px []uint32) uint64 {
	p := (*[12]uint32)(px)
	return (pair(p[0], p[1])*0x9e3779b97f4a7c15 + pair(p[2], p[3])*0xc2b2ae3d27d4eb4f + pair(p[4], p[5])*0x165667b19e3779f9 +
		pair(p[6], p[7])*0x27d4eb2f165667c5 + pair(p[8], p[9])*0xd6e8feb86659fd93 + pair(p[10], p[11])*0xa0761d6478bd642f) * 0xe7037ed1a0b428db
}

// hash24 is a hash of 24 pixels, of the first 12 of which h is hash12.
func hash24(h uint64, px []uint32) uint64 { return h + 3*hash12(px[12:]) }

func pair(a, b uint32) uint64 { return uint64(a) | uint64(b)<<32 }
