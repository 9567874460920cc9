package png

import (
	"io"

	"imgtools/pkg/picture/flate"
	"imgtools/pkg/picture/raster"
)

const (
	bandSize   = 128 << 10 // bytes of rows for which it is decided whether to filter
	sampleSize = 24 << 10  // bytes of a band that are tried both ways
	flat       = 45        // percent of bytes equal to the left neighbour, from which both ways are tried
)

// filterer gathers rows in bands, filters them, and writes them to out.
type filterer struct {
	out   io.Writer
	n     int  // bytes in a row
	bpp   int  // bytes in a pixel, at least 1
	adapt bool // choose a filter for each row; false: filter none

	rows     []byte        // the row above the band, then the rows of the band
	count    int           // rows in the band
	most     int           // rows of a full band
	filtered []byte        // a filter type and a filtered row
	trial    *flate.Writer // made when first needed
	size     counter       // bytes that trial has written
}

func newFilterer(out io.Writer, n, bpp int, adapt bool) *filterer {
	f := &filterer{out: out, n: n, bpp: bpp, adapt: adapt, most: max(1, bandSize/n), filtered: make([]byte, 1+n)}
	f.rows = make([]byte, n*(1+f.most))
	return f
}

// row returns row i of the band, from 0; -1 is the one above.
func (f *filterer) row(i int) []byte { return f.rows[f.n*(i+1):][:f.n:f.n] }

// next returns the memory of the next row, which the caller fills before add.
func (f *filterer) next() []byte { return f.row(f.count) }

// add takes the row that next returned.
func (f *filterer) add() error {
	if f.count++; f.count < f.most {
		return nil
	}
	return f.flush()
}

// flush filters and writes the rows that have been gathered.
func (f *filterer) flush() error {
	if f.count == 0 {
		return nil
	}
	adapt := f.adapt && !(f.isFlat() && f.smallerPlain())
	for i := range f.count {
		if _, err := f.out.Write(f.filter(i, adapt)); err != nil {
			return err
		}
	}
	copy(f.row(-1), f.row(f.count-1))
	f.count = 0
	return nil
}

// filter returns row i, with the filter type in front. If adapt, it takes the filter
// whose output, as signed bytes, has the smallest sum of absolute values (section 12.7);
// of equal filters the one with the lower number.
func (f *filterer) filter(i int, adapt bool) []byte {
	row, prev := f.row(i), f.row(i-1)
	kind := byte(filterNone)
	if adapt {
		kind = choose(row, prev, f.bpp)
	}
	f.filtered[0] = kind
	apply(kind, f.filtered[1:], row, prev, f.bpp)
	return f.filtered
}

// isFlat reports whether many bytes of the band equal their left neighbour, as in
// drawings and screenshots. It looks at an eighth of eight rows.
func (f *filterer) isFlat() bool {
	equal, all := 0, 0
	for i := 0; i < f.count; i += max(1, f.count/8) {
		row := f.row(i)
		for at := f.bpp; at < len(row); at += 1024 {
			x := row[at:min(len(row), at+128)]
			for j, v := range row[at-f.bpp:][:len(x)] {
				if v == x[j] {
					equal++
				}
			}
			all += len(x)
		}
	}
	return equal*100 >= all*flat
}

// smallerPlain compresses rows from the middle of the band with and without filters, and
// reports whether they are smaller without. A flat picture repeats its rows and letters
// exactly; filters disturb that, which a sum of absolute values does not show.
func (f *filterer) smallerPlain() bool {
	n := min(f.count, max(4, sampleSize/f.n))
	first := (f.count - n) / 2
	if f.trial == nil {
		f.trial = flate.NewWriter(&f.size, flate.Format{Pixel: f.bpp, Row: f.n + 1})
	}
	var sizes [2]counter
	for k := range sizes {
		f.size = 0
		f.trial.Reset(&f.size)
		for i := range n {
			f.trial.Write(f.filter(first+i, k == 1))
		}
		f.trial.Close()
		sizes[k] = f.size
	}
	return sizes[0] < sizes[1]
}

// counter counts the bytes written to it.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// mag returns the absolute value of d as a signed byte.
func mag(d byte) int {
	m := int8(d) >> 7
	return int(uint8((int8(d) ^ m) - m))
}

// stretch is the length in bytes of the parts of a long row that choose samples.
const stretch = 512

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
	// In a long row every fourth stretch is enough to choose by.
	step := len(row)
	if step > 4*stretch {
		step = stretch
	}
	for at := bpp; at < len(row); at += 4 * step {
		end := min(at+step, len(row))
		addSums(&sum, row[at:end], row[at-bpp:end-bpp], prev[at:end], prev[at-bpp:end-bpp])
	}
	best := 0
	for k, v := range sum {
		if v < sum[best] {
			best = k
		}
	}
	return byte(best)
}

// addSums adds to sum, for each filter type, the sum of absolute values that the filter
// would give for the bytes x with the neighbours a, b and c. It works on eight bytes
// at a time, except for Paeth, whose choice depends on each byte.
func addSums(sum *[5]int, x, a, b, c []byte) {
	n := len(x)
	a, b, c = a[:n], b[:n], c[:n]
	i := 0
	for i+8 <= n {
		// Each s has four sums of 16 bits. magPairs adds at most 2·128 to each, so
		// that 255 rounds fit.
		var s0, s1, s2, s3 uint64
		for end := min(n, i+255*8); i+8 <= end; i += 8 {
			v, l, u := load64(x, i), load64(a, i), load64(b, i)
			s0 += magPairs(v)
			s1 += magPairs(raster.SubBytes(v, l))
			s2 += magPairs(raster.SubBytes(v, u))
			s3 += magPairs(raster.SubBytes(v, averageBytes(l, u)))
		}
		for k, s := range [4]uint64{s0, s1, s2, s3} {
			sum[k] += int(s&0xffff + s>>16&0xffff + s>>32&0xffff + s>>48)
		}
	}
	for ; i < n; i++ {
		v, l, u := x[i], a[i], b[i]
		sum[0] += mag(v)
		sum[1] += mag(v - l)
		sum[2] += mag(v - u)
		sum[3] += mag(v - byte((int(l)+int(u))>>1))
	}
	s4 := 0
	for i, v := range x {
		s4 += mag(v - byte(paeth(int(a[i]), int(b[i]), int(c[i]))))
	}
	sum[4] += s4
}

// magPairs returns the absolute values of the eight signed bytes of d, added in pairs
// to four numbers of 16 bits.
func magPairs(d uint64) uint64 {
	s := d >> 7 & 0x0101010101010101
	m := (d ^ s*255) + s // -d is ^d + 1; the result is at most 128, so nothing carries
	return m&0x00ff00ff00ff00ff + m>>8&0x00ff00ff00ff00ff
}

// apply filters row and writes the result to dst. prev is the row above.
func apply(kind byte, dst, row, prev []byte, bpp int) {
	n := len(row)
	dst, prev = dst[:n], prev[:n]
	first := min(bpp, n)
	x, a, b, c := row[first:], row[:n-first], prev[first:], prev[:n-first]
	d := dst[first:]
	d, a, b, c = d[:len(x)], a[:len(x)], b[:len(x)], c[:len(x)]
	i := 0
	switch kind {
	case filterNone:
		copy(dst, row)
	case filterSub:
		copy(dst[:first], row)
		for ; i+8 <= len(x); i += 8 {
			store64(d, i, raster.SubBytes(load64(x, i), load64(a, i)))
		}
		for ; i < len(x); i++ {
			d[i] = x[i] - a[i]
		}
	case filterUp:
		for ; i+8 <= n; i += 8 {
			store64(dst, i, raster.SubBytes(load64(row, i), load64(prev, i)))
		}
		for ; i < n; i++ {
			dst[i] = row[i] - prev[i]
		}
	case filterAverage:
		for j, v := range row[:first] {
			dst[j] = v - prev[j]/2
		}
		for ; i+8 <= len(x); i += 8 {
			store64(d, i, raster.SubBytes(load64(x, i), averageBytes(load64(a, i), load64(b, i))))
		}
		for ; i < len(x); i++ {
			d[i] = x[i] - byte((int(a[i])+int(b[i]))>>1)
		}
	case filterPaeth:
		for j, v := range row[:first] {
			dst[j] = v - prev[j]
		}
		for j, v := range x {
			d[j] = v - byte(paeth(int(a[j]), int(b[j]), int(c[j])))
		}
	}
}

// averageBytes returns the averages of the eight bytes of x and y in pairs, rounded
// down: what both have, and half of where they differ.
func averageBytes(x, y uint64) uint64 { return x&y + (x^y)>>1&low7 }
