package resample

// across holds what the loops of the first pass need. shift is how many fraction bits
// a sum has more than a sample of the ring.
type across struct {
	spans   []span
	weights []int32
	taps    int
	shift   uint
}

// split2 returns the two sums in a word, rounded and shifted.
func split2(s int64, shift uint) (lo, hi int64) {
	half := int64(1) << shift >> 1
	lo = int64(int32(s))
	return (lo + half) >> shift, ((s-lo)>>32 + half) >> shift
}

// gray resamples one sample a pixel. Words of src hold the same sample of two rows. a
// gets the first row and b the second, with two neighbouring samples in a word.
func (t *across) gray(a, b, src []int64) {
	b = b[:len(a)]
	spans := t.spans[:2*len(a)]
	for i := range a {
		l0, h0 := split2(t.dot(src, spans[2*i]), t.shift)
		l1, h1 := split2(t.dot(src, spans[2*i+1]), t.shift)
		a[i] = l0 + l1<<32
		b[i] = h0 + h1<<32
	}
}

// dot9 is dot for nine taps, which Lanczos3 has at 2/3: the step from 3/8 to 1/4 and
// from 6/8 to 1/2 of a JPEG.
func dot9(v *[9]int64, w *[9]int32) int64 {
	return v[0]*int64(w[0]) + v[1]*int64(w[1]) + v[2]*int64(w[2]) +
		v[3]*int64(w[3]) + v[4]*int64(w[4]) + v[5]*int64(w[5]) +
		v[6]*int64(w[6]) + v[7]*int64(w[7]) + v[8]*int64(w[8])
}

// dot returns the weighted sum of one window of words.
func (t *across) dot(src []int64, sp span) (s int64) {
	if t.taps == 9 {
		return dot9((*[9]int64)(src[sp.start:]), (*[9]int32)(t.weights[sp.off:]))
	}
	w := t.weights[sp.off:][:t.taps]
	v := src[sp.start:][:len(w)]
	for len(w) >= 4 && len(v) >= 4 {
		s += v[0]*int64(w[0]) + v[1]*int64(w[1]) + v[2]*int64(w[2]) + v[3]*int64(w[3])
		w, v = w[4:], v[4:]
	}
	for k := 0; k < len(w) && k < len(v); k++ {
		s += v[k] * int64(w[k])
	}
	return s
}

// grayA is gray for two samples a pixel, which make one word of a and b.
func (t *across) grayA(a, b, src []int64) {
	b = b[:len(a)]
	spans := t.spans[:len(a)]
	for i := range a {
		sp := spans[i]
		w := t.weights[sp.off:][:t.taps]
		v := src[2*sp.start:][:2*len(w)]
		var s0, s1 int64
		for _, wk := range w {
			if len(v) < 2 {
				break
			}
			s0 += v[0] * int64(wk)
			s1 += v[1] * int64(wk)
			v = v[2:]
		}
		l0, h0 := split2(s0, t.shift)
		l1, h1 := split2(s1, t.shift)
		a[i] = l0 + l1<<32
		b[i] = h0 + h1<<32
	}
}

// rgb is gray for three samples a pixel; two pixels make three words.
func (t *across) rgb(a, b, src []int64) {
	b = b[:len(a)]
	for i := 0; i+3 <= len(a); i += 3 {
		l0, l1, l2, h0, h1, h2 := t.dot3(src, t.spans[2*(i/3)])
		l3, l4, l5, h3, h4, h5 := t.dot3(src, t.spans[2*(i/3)+1])
		a[i], a[i+1], a[i+2] = l0+l1<<32, l2+l3<<32, l4+l5<<32
		b[i], b[i+1], b[i+2] = h0+h1<<32, h2+h3<<32, h4+h5<<32
	}
}

// dot3 returns the weighted sums of one window of RGB: of row lo and of row hi.
func (t *across) dot3(src []int64, sp span) (l0, l1, l2, h0, h1, h2 int64) {
	w := t.weights[sp.off:][:t.taps]
	v := src[3*sp.start:][:3*len(w)]
	var s0, s1, s2 int64
	for len(w) >= 4 && len(v) >= 12 {
		w0, w1, w2, w3 := int64(w[0]), int64(w[1]), int64(w[2]), int64(w[3])
		s0 += v[0]*w0 + v[3]*w1 + v[6]*w2 + v[9]*w3
		s1 += v[1]*w0 + v[4]*w1 + v[7]*w2 + v[10]*w3
		s2 += v[2]*w0 + v[5]*w1 + v[8]*w2 + v[11]*w3
		w, v = w[4:], v[12:]
	}
	for _, wk := range w {
		if len(v) < 3 {
			break
		}
		s0 += v[0] * int64(wk)
		s1 += v[1] * int64(wk)
		s2 += v[2] * int64(wk)
		v = v[3:]
	}
	l0, h0 = split2(s0, t.shift)
	l1, h1 = split2(s1, t.shift)
	l2, h2 = split2(s2, t.shift)
	return
}

// rgba is gray for four samples a pixel, which make two words.
func (t *across) rgba(a, b, src []int64) {
	b = b[:len(a)]
	for i := 0; i+2 <= len(a); i += 2 {
		sp := t.spans[i/2]
		w := t.weights[sp.off:][:t.taps]
		v := src[4*sp.start:][:4*len(w)]
		var s0, s1, s2, s3 int64
		for _, wk := range w {
			if len(v) < 4 {
				break
			}
			s0 += v[0] * int64(wk)
			s1 += v[1] * int64(wk)
			s2 += v[2] * int64(wk)
			s3 += v[3] * int64(wk)
			v = v[4:]
		}
		l0, h0 := split2(s0, t.shift)
		l1, h1 := split2(s1, t.shift)
		l2, h2 := split2(s2, t.shift)
		l3, h3 := split2(s3, t.shift)
		a[i], a[i+1] = l0+l1<<32, l2+l3<<32
		b[i], b[i+1] = h0+h1<<32, h2+h3<<32
	}
}
