package flate

import "encoding/binary"

// adlerMod is the largest prime below 2^16 (RFC 1950, section 8.2).
const adlerMod = 65521

// adler32 returns the Adler-32 checksum of the data whose checksum is sum, followed by
// p. The checksum of no data is 1.
//
// Adler-32 is two sums modulo 65521: s1 of all bytes, and s2 of the values of s1 after
// each byte; s2 is the upper half. Of eight bytes b0 to b7 the second sum grows by
//
//	8·s1 + 8·b0 + 7·b1 + 6·b2 + 5·b3 + 4·b4 + 3·b5 + 2·b6 + 1·b7
//
// which equals 8·(b0+b1) + 6·(b2+b3) + 4·(b4+b5) + 2·(b6+b7) − (b1+b3+b5+b7). A word of
// eight bytes is split into its even and its odd bytes, four numbers of 16 bits in each.
// Multiplication by constants then sums four numbers at once: see sum4 and weigh4.
func adler32(sum uint32, p []byte) uint32 {
	const even = 0x00ff00ff00ff00ff
	s1, s2, p := adlerVector(uint64(sum&0xffff), uint64(sum>>16), p)
	for len(p) >= 32 {
		// Sums of 64 bits take many bytes without overflow: after n of them s1 is below
		// 2^16 + 255·n, and s2 below n times that.
		q := p[:min(len(p)&^31, 1<<20)]
		p = p[len(q):]
		for ; len(q) >= 32; q = q[32:] {
			v := q[:32:32]
			v0, v1 := binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[8:])
			v2, v3 := binary.LittleEndian.Uint64(v[16:]), binary.LittleEndian.Uint64(v[24:])
			o0, o1, o2, o3 := v0>>8&even, v1>>8&even, v2>>8&even, v3>>8&even
			t0, t1, t2, t3 := v0&even+o0, v1&even+o1, v2&even+o2, v3&even+o3
			all := t0 + t1 + t2 + t3
			// Each byte of the first word counts 24 times more than in the last.
			s2 += 32*s1 + weigh4(all) - sum4(o0+o1+o2+o3) + 24*sum4(t0) + 16*sum4(t1) + 8*sum4(t2)
			s1 += sum4(all)
		}
		s1 %= adlerMod
		s2 %= adlerMod
	}
	for _, c := range p {
		s1 += uint64(c)
		s2 += s1
	}
	return uint32(s2%adlerMod)<<16 | uint32(s1%adlerMod)
}

// sum4 returns the sum of the four numbers of 16 bits in x, which must be below 2^16.
// The product has in its highest 16 bits x0·1 + x1·1 + x2·1 + x3·1, as in a
// multiplication on paper; what is below does not carry into it.
func sum4(x uint64) uint64 { return x * 0x0001000100010001 >> 48 }

// weigh4 returns 8·x0 + 6·x1 + 4·x2 + 2·x3 of the four numbers of 16 bits in x, lowest
// first. It must be below 2^16.
func weigh4(x uint64) uint64 { return x * 0x0008000600040002 >> 48 }
