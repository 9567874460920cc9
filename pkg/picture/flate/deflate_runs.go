package flate

import "math/bits"

const shortestRun = 8 // bytes that must repeat at once

// firstByte returns the index of the lowest byte of x that is not 0.
func firstByte(x uint64) int { return bits.TrailingZeros64(x) / 8 }

// findRuns makes the plan runs: matches at the distance of a pixel or of a row. It
// compares eight bytes at every eighth place, which finds every run of 15 bytes; a run
// that is found is extended both ways.
func (d *Writer) findRuns(start, end int) {
	b := d.buf
	seqs := d.runs.seqs[:0]
	first := start // of the literals
	for p := start + shortestRun; p+shortestRun <= end; {
		v := load64(b, p)
		q := p - d.f.Pixel
		if q < 0 || load64(b, q) != v {
			q = p - d.f.Row
			if d.f.Row > window || q < 0 || load64(b, q) != v {
				p += shortestRun
				continue
			}
		}
		distance := p - q
		for p > first && p > distance && b[p-1] == b[p-1-distance] {
			p--
		}
		for {
			n := d.matchLength(p, p-distance, end)
			if n < shortestRun {
				break
			}
			seqs = append(seqs, sequence{uint32(p - first), uint16(n), uint16(distance - 1)})
			p += n
			first = p
		}
		p += shortestRun
	}
	d.runs.seqs = append(seqs, sequence{literals: uint32(end - first)})
}
