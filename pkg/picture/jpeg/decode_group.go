package jpeg

import "encoding/binary"

// Blocks are transformed in groups of eight that lie side by side: the vector code
// computes the same sum for all of them at once. So the coefficients of a group are
// kept together, quantized, in the zig-zag order in which the scan has them.
//
// The scan has a component's blocks MCU by MCU. Eight MCUs of a component with
// horizontal sampling factor h are h groups in each of its rows of blocks:
//
//	h = 2   MCU 0  1    2    3    4    5 …
//	        01     23   45   67 | 01   23 …    place in the group

const (
	groupBlocks = 8
	// groupRows is the number of places for the coefficients of a block: 64, and those
	// that a pair of symbols can reach beyond the end of a block (see pairTable).
	groupRows = 128
	groupMask = groupRows*groupBlocks - 1
)

// group is the quantized coefficients of eight blocks: coefficient k of block i is
// v[k*groupStep+i*blockStep]. Between two uses all are zeros that the transform reads.
type group struct {
	v [groupRows * groupBlocks]int16
	// used is the number of coefficients, in zig-zag order, up to the last nonzero one
	// of each block, or more; 1: the first alone.
	used [groupBlocks]uint8
}

// laneValues is the coefficients of one block, groupStep apart.
type laneValues [(groupRows-1)*groupStep + 1]int16

// most returns a number that is not less than any of used: the bits that they have.
func (g *group) most() int {
	u := binary.LittleEndian.Uint64(g.used[:])
	u |= u >> 32
	u |= u >> 16
	return int(uint8(u | u>>8))
}

// clear sets the coefficients that the transform of n × n reads to zero.
func (g *group) clear(n int) {
	most := min(g.most(), lastKept[n]+1)
	if groupStep > 1 {
		clear(g.v[:most*groupStep])
		return
	}
	for i := range groupBlocks {
		if n <= 2 { // fixed lengths need no call
			*(*[5]int16)(g.v[i*blockStep:]) = [5]int16{}
			continue
		}
		clear(g.v[i*blockStep : i*blockStep+most])
	}
}

// inverse transforms the groups of a component: it multiplies coefficients by their
// quantization steps, and takes the inverse DCT of the n × n lowest.
type inverse struct {
	n int
	q *[64]uint16
	inverseVectors
}

// newInverse prepares decoding at n/8 with the quantization table q.
func newInverse(n int, q *[64]uint16) (t inverse) {
	t.n, t.q = n, q
	t.setVectors()
	return t
}

// transformWords writes the samples of the first count blocks of a group to dst, n rows
// stride apart.
func (t *inverse) transformWords(g *group, count int, dst []uint8, stride int) {
	if t.n == 2 {
		top, bottom := dst[:2*count], dst[stride:stride+2*count]
		q := [4]int32{int32(t.q[0]), int32(t.q[1]), int32(t.q[2]), int32(t.q[4])}
		for i := range count {
			c := (*laneValues)(g.v[i*blockStep:])
			b0, b1 := saturate(int32(c[0])*q[0]), int32(c[1*groupStep])*q[1]
			b8, b9 := int32(c[2*groupStep])*q[2], int32(c[4*groupStep])*q[3]
			top[2*i], top[2*i+1], bottom[2*i], bottom[2*i+1] = idct2(b0, b1, b8, b9)
		}
		return
	}
	for i := range count {
		c := (*laneValues)(g.v[i*blockStep:])
		first := saturate(int32(c[0]) * int32(t.q[0]))
		used := int(g.used[i])
		if used <= 1 {
			flat(t.n, first, dst[i*t.n:], stride)
			continue
		}
		b := block{first}
		most := min(used, lastKept[t.n]+1)
		for k := 1; k < most; k++ {
			b[unzig[k&63]&63] = int32(c[k%groupRows*groupStep]) * int32(t.q[k&63])
		}
		idct(t.n, &b, dst[i*t.n:], stride)
	}
}
