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
	tagBits   = firstBits + twiceBits
)

// newPlaces returns a table for a picture of n pixels, of at most 1<<most buckets.
func newPlaces(n, most int) places {
	b := min(max(bits.Len(uint(n))-3, 5), most)
	return places{make([]bucket, 1<<b), uint(32 - b - firstBits)}
}

// key says where a place belongs, by the hash of its first pixels and that of twice as
// many: the number of its bucket, and then its tag.
func (p *places) key(first, twice uint32) uint32 {
	return first>>(p.shift&31)<<twiceBits | twice>>(32-twiceBits)
}

// at returns the bucket of a key.
func (p *places) at(key uint32) *bucket { return &p.buckets[key>>tagBits] }

// enter enters a place.
func (b *bucket) enter(key uint32, place int) {
	b[3] = b[3]<<32 | b[2]>>32
	b[2] = b[2]<<32 | b[1]>>32
	b[1] = b[1]<<32 | b[0]>>32
	b[0] = b[0]<<32 | uint64(key<<(32-tagBits)|uint32(place)&placeMask)
}

// alike returns which places have the tag of a key, and which others the same bits of the
// first hash: bit k stands for place k, the newest being 0.
func (b *bucket) alike(key uint32) (twice, first uint32) {
	if avx2 {
		return b.vectorAlike(key)
	}
	tag := key & (1<<tagBits - 1)
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
