//go:build goexperiment.simd && amd64

package resample

// paired is an axis as the vector code uses it. VPMADDWD multiplies 16 numbers by 16
// weights and adds neighbouring products, so inputs lie in pairs, (0, 1), (2, 3) and so
// on, and every window takes whole pairs. A window that begins with an odd input has a
// weight of 0 before its first, and one behind its last if need be:
//
//	inputs   0 1 | 2 3 | 4 5 | 6 7
//	weights        0 a   b c   d 0    a window of 4 from input 3 on: 3 pairs from pair 1
type paired struct {
	n     int         // pairs a window
	cells []cell      // one an output
	table [][16]int16 // of each pair of weights, 8 copies: one for each lane of a sum
}

// cell says where the window of an output lies: its first pair, and its weights in table.
type cell struct{ first, off int }

// inPairs returns a with the weights w, which fit int16.
func (a *axis) inPairs(w []int32, outputs int) *paired {
	p := &paired{cells: make([]cell, outputs)}
	for _, sp := range a.spans {
		p.n = max(p.n, (sp.start%2+a.taps+1)/2)
	}
	made := map[cell]int{} // by parity and offset in w, the offset in table
	for j := range p.cells {
		sp := a.spans[j]
		key := cell{sp.start % 2, sp.off}
		off, ok := made[key]
		if !ok {
			off = len(p.table)
			made[key] = off
			for i := range p.n {
				var pair [16]int16
				for lane := range pair {
					if k := 2*i + lane%2 - key.first; k >= 0 && k < a.taps {
						pair[lane] = int16(w[sp.off+k])
					}
				}
				p.table = append(p.table, pair)
			}
		}
		p.cells[j] = cell{sp.start / 2, off}
	}
	return p
}
