package png

// filterer turns rows of bytes into filtered rows.
type filterer struct {
	bpp   int
	adapt bool   // choose the filter by row; else none
	prev  []byte // the row above, unfiltered
}

// filter appends the filter type and the filtered row to out. The filter is the
// one whose output, taken as signed bytes, has the least sum of absolute values
// (section 12.7), the earlier one of equals.
func (f *filterer) filter(out, row []byte) []byte {
	if !f.adapt {
		return append(append(out, filterNone), row...)
	}
	kind := choose(row, f.prev, f.bpp)
	out = append(out, kind)
	at := len(out)
	out = append(out, row...)
	apply(kind, out[at:], row, f.prev, f.bpp)
	copy(f.prev, row)
	return out
}

// mag is the absolute value of a byte taken as signed.
func mag(d byte) int {
	m := int8(d) >> 7
	return int(uint8((int8(d) ^ m) - m))
}

// choose returns the filter type for a row below prev.
func choose(row, prev []byte, bpp int) byte {
	var sum [5]int
	first := min(bpp, len(row))
	for i, x := range row[:first] {
		b := prev[i]
		sum[filterNone] += mag(x)
		sum[filterSub] += mag(x)
		sum[filterUp] += mag(x - b)
		sum[filterAverage] += mag(x - b/2)
		sum[filterPaeth] += mag(x - b)
	}
	if first < len(row) {
		addSums(&sum, row[bpp:], row[:len(row)-bpp], prev[bpp:], prev[:len(row)-bpp])
	}
	best := 0
	for k, v := range sum {
		if v < sum[best] {
			best = k
		}
	}
	return byte(best)
}

// addSums adds up what each filter would leave of x, where a is the row from one
// pixel to the left on, b the row above, c both.
func addSums(sum *[5]int, x, a, b, c []byte) {
	n := len(x)
	a, b, c = a[:n], b[:n], c[:n]
	var s0, s1, s2, s3, s4 int
	for i, v := range x {
		l, u, ul := int(a[i]), int(b[i]), int(c[i])
		s0 += mag(v)
		s1 += mag(v - byte(l))
		s2 += mag(v - byte(u))
		s3 += mag(v - byte((l+u)>>1))
		s4 += mag(v - byte(paeth(l, u, ul)))
	}
	sum[0] += s0
	sum[1] += s1
	sum[2] += s2
	sum[3] += s3
	sum[4] += s4
}

// apply writes the filtered row to dst.
func apply(kind byte, dst, row, prev []byte, bpp int) {
	n := len(row)
	dst, prev = dst[:n], prev[:n]
	first := min(bpp, n)
	x, a, b, c := row[first:], row[:n-first], prev[first:], prev[:n-first]
	d := dst[first:]
	d, a, b, c = d[:len(x)], a[:len(x)], b[:len(x)], c[:len(x)]
	switch kind {
	case filterNone:
		copy(dst, row)
	case filterSub:
		copy(dst[:first], row)
		for i, v := range x {
			d[i] = v - a[i]
		}
	case filterUp:
		for i, v := range row {
			dst[i] = v - prev[i]
		}
	case filterAverage:
		for i, v := range row[:first] {
			dst[i] = v - prev[i]/2
		}
		for i, v := range x {
			d[i] = v - byte((int(a[i])+int(b[i]))>>1)
		}
	case filterPaeth:
		for i, v := range row[:first] {
			dst[i] = v - prev[i]
		}
		for i, v := range x {
			d[i] = v - byte(paeth(int(a[i]), int(b[i]), int(c[i])))
		}
	}
}
