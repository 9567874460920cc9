package resample

// load puts two rows into the lo and hi parts of dst.
func load(dst []int64, lo, hi []uint8) {
	lo, hi = lo[:len(dst)], hi[:len(dst)]
	for i := range dst {
		dst[i] = int64(lo[i]) | int64(hi[i])<<32
	}
}

// premul returns c·a/255 with bits of fraction, rounded. The division is a
// multiplication by m = mulOf(bits), which is 2^(24+bits)/255.
func premul(c, a uint8, m int64) int64 { return (int64(c)*int64(a)*m + 1<<23) >> 24 }

func mulOf(bits int) int64 { return (1<<(24+bits) + 127) / 255 }

// loadGrayA is load for gray with alpha. It premultiplies, with bits of fraction.
func loadGrayA(dst []int64, lo, hi []uint8, bits int) {
	m := mulOf(bits)
	lo, hi = lo[:len(dst)], hi[:len(dst)]
	for i := 0; i+2 <= len(dst); i += 2 {
		a, b := lo[i+1], hi[i+1]
		dst[i] = premul(lo[i], a, m) | premul(hi[i], b, m)<<32
		dst[i+1] = int64(a)<<bits | int64(b)<<bits<<32
	}
}

// loadRGBA is load for colour with alpha. It premultiplies, with bits of fraction.
func loadRGBA(dst []int64, lo, hi []uint8, bits int) {
	m := mulOf(bits)
	lo, hi = lo[:len(dst)], hi[:len(dst)]
	for i := 0; i+4 <= len(dst); i += 4 {
		a, b := lo[i+3], hi[i+3]
		dst[i] = premul(lo[i], a, m) | premul(hi[i], b, m)<<32
		dst[i+1] = premul(lo[i+1], a, m) | premul(hi[i+1], b, m)<<32
		dst[i+2] = premul(lo[i+2], a, m) | premul(hi[i+2], b, m)<<32
		dst[i+3] = int64(a)<<bits | int64(b)<<bits<<32
	}
}

// set4 sets acc to first plus the weighted sum of four rows. add4 adds the weighted sum
// to acc; set1 and add1 do the same with one row.
func set4(acc, r0, r1, r2, r3 []int64, first int64, w []int32) {
	r0, r1, r2, r3 = r0[:len(acc)], r1[:len(acc)], r2[:len(acc)], r3[:len(acc)]
	w0, w1, w2, w3 := int64(w[0]), int64(w[1]), int64(w[2]), int64(w[3])
	for i := range acc {
		acc[i] = first + r0[i]*w0 + r1[i]*w1 + r2[i]*w2 + r3[i]*w3
	}
}

func add4(acc, r0, r1, r2, r3 []int64, w []int32) {
	r0, r1, r2, r3 = r0[:len(acc)], r1[:len(acc)], r2[:len(acc)], r3[:len(acc)]
	w0, w1, w2, w3 := int64(w[0]), int64(w[1]), int64(w[2]), int64(w[3])
	for i := range acc {
		acc[i] += r0[i]*w0 + r1[i]*w1 + r2[i]*w2 + r3[i]*w3
	}
}

func set1(acc, r []int64, first int64, w int32) {
	r = r[:len(acc)]
	for i := range acc {
		acc[i] = first + r[i]*int64(w)
	}
}

func add1(acc, r []int64, w int32) {
	r = r[:len(acc)]
	for i := range acc {
		acc[i] += r[i] * int64(w)
	}
}

// parts returns the two sums in a word. A negative lo has borrowed 1 from hi, that is
// 2^32 from the word; adding 2^31 before the shift rounds it away.
func parts(s int64) (lo, hi int64) { return int64(int32(s)), (s + 1<<31) >> 32 }

// clamp8 drops shift fraction bits and clamps to 8 bits. Half a unit must have been
// added to v for rounding.
func clamp8(v int64, shift uint) uint8 {
	v >>= shift
	if uint64(v) > 255 {
		return uint8(^(v >> 63))
	}
	return uint8(v)
}

func store(dst []uint8, acc []int64, shift uint) {
	n := len(dst) / 2
	for i, s := range acc[:n] {
		lo, hi := parts(s)
		dst[2*i] = clamp8(lo, shift)
		dst[2*i+1] = clamp8(hi, shift)
	}
	if len(dst)%2 == 1 {
		lo, _ := parts(acc[n])
		dst[2*n] = clamp8(lo, shift)
	}
}

// straight returns the colour sum p divided by alpha, as a sample. p is a sum with
// shift fraction bits to which half a unit was added for rounding; it is clamped to 0
// to a. a and inv, the reciprocal, come from alphaOf.
func straight(p, a int64, shift uint, inv float32) uint8 {
	p -= 1 << (shift - 1)
	return uint8(float32(max(0, min(p, a)))*inv + 0.5)
}

// alphaOf returns an alpha sum in three forms: clamped and without the half unit of
// rounding, as a sample, and as 255 divided by it.
func alphaOf(s int64, shift uint) (a int64, a8 uint8, inv float32) {
	a8 = clamp8(s, shift)
	a = min(s-1<<(shift-1), 255<<shift)
	if a <= 0 {
		return 0, 0, 0
	}
	return a, a8, 255 / float32(a)
}

func storeGrayA(dst []uint8, acc []int64, shift uint) {
	for i := 0; i+2 <= len(dst); i += 2 {
		g, s := parts(acc[i/2])
		a, a8, inv := alphaOf(s, shift)
		if a8 == 0 {
			dst[i], dst[i+1] = 0, 0
			continue
		}
		dst[i], dst[i+1] = straight(g, a, shift, inv), a8
	}
}

func storeRGBA(dst []uint8, acc []int64, shift uint) {
	for i := 0; i+4 <= len(dst); i += 4 {
		r, g := parts(acc[i/2])
		b, s := parts(acc[i/2+1])
		a, a8, inv := alphaOf(s, shift)
		if a8 == 0 {
			dst[i], dst[i+1], dst[i+2], dst[i+3] = 0, 0, 0, 0
			continue
		}
		dst[i] = straight(r, a, shift, inv)
		dst[i+1] = straight(g, a, shift, inv)
		dst[i+2] = straight(b, a, shift, inv)
		dst[i+3] = a8
	}
}
