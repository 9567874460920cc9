package vp8

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// The loop filter by vectors, where there is one, changes the same samples in the same way
// as the plain one, for all levels and kinds of edges.
func TestEdgesBothWays(t *testing.T) {
	const stride = 64
	rnd := rand.New(rand.NewPCG(1, 2))
	changed := 0
	for i := range 3000 {
		f := newFilterStrength(rnd.IntN(64), rnd.IntN(8))
		if f.limit == 0 {
			continue
		}
		a := make([]uint8, 24*stride)
		base, spread := rnd.IntN(256), 1+rnd.IntN(1<<rnd.IntN(9))
		for k := range a {
			a[k] = clip(int32(base + rnd.IntN(spread)))
		}
		b := bytes.Clone(a)
		before := bytes.Clone(a)
		const at = 8*stride + 16
		if macroblock := i&1 == 0; i&2 == 0 {
			acrossColumns(a, at, a, at+8*stride, stride, &f, macroblock)
			columnsPlain(b, at, stride, &f, macroblock)
			columnsPlain(b, at+8*stride, stride, &f, macroblock)
		} else {
			acrossRows(a, at, a, at+8, stride, &f, macroblock)
			rowsPlain(b, at, stride, &f, macroblock)
			rowsPlain(b, at+8, stride, &f, macroblock)
		}
		if !bytes.Equal(a, b) {
			t.Fatalf("case %d: %+v", i, f)
		}
		if !bytes.Equal(a, before) {
			changed++
		}
	}
	if changed < 500 {
		t.Errorf("only %d edges were smoothed", changed)
	}
}

// edgeByDefinition filters 8 samples of an edge one by one (section 15.3) and reports
// whether some are within the limits.
func edgeByDefinition(f *filterStrength, p3, p2, p1, p0, q0, q1, q2, q3 *[8]uint8, macroblock bool) (changed bool) {
	limit, interior, variance := int32(f.limit), int32(f.interior), int32(f.variance)
	if macroblock {
		limit += edgeExtra
	}
	for i := range 8 {
		b, c, x, y := int32(p1[i]), int32(p0[i]), int32(q0[i]), int32(q1[i])
		if 2*abs(c-x)+abs(b-y)>>1 > limit {
			continue
		}
		a, z := int32(p2[i]), int32(q2[i])
		p, q := abs(b-c), abs(y-x)
		if p > interior || q > interior || abs(a-b) > interior || abs(z-y) > interior ||
			abs(int32(p3[i])-a) > interior || abs(int32(q3[i])-z) > interior {
			continue
		}
		changed = true
		switch {
		case p > variance || q > variance:
			w := 3*(x-c) + signed(b-y)
			p0[i], q0[i] = clip(c+fifth((w+3)>>3)), clip(x-fifth((w+4)>>3))
		case macroblock:
			w := signed(3*(x-c) + signed(b-y))
			k, l, m := (27*w+63)>>7, (18*w+63)>>7, (9*w+63)>>7
			p2[i], p1[i], p0[i] = clip(a+m), clip(b+l), clip(c+k)
			q0[i], q1[i], q2[i] = clip(x-k), clip(y-l), clip(z-m)
		default:
			w := 3 * (x - c)
			k := fifth((w + 4) >> 3)
			l := (k + 1) >> 1
			p1[i], p0[i] = clip(b+l), clip(c+fifth((w+3)>>3))
			q0[i], q1[i] = clip(x-k), clip(y-l)
		}
	}
	return changed
}

// The loop filter in lanes changes the same samples in the same way as the definition.
func TestEdgesByDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	smoothed, detailed := 0, 0
	for i := range 200000 {
		f := newFilterStrength(1+rnd.IntN(63), rnd.IntN(8))
		var s [8][8]uint8
		base, spread := rnd.IntN(256), 1+rnd.IntN(1<<rnd.IntN(9))
		for k := range s {
			for x := range s[k] {
				s[k][x] = clip(int32(base + rnd.IntN(spread)))
			}
		}
		var w [2][8]uint64 // even and odd samples
		for k := range s {
			v := binary.LittleEndian.Uint64(s[k][:])
			w[0][k], w[1][k] = v&bytes4, v>>8&bytes4
		}
		macroblock := i&1 == 0
		before := s
		changed := edgeByDefinition(&f, &s[0], &s[1], &s[2], &s[3], &s[4], &s[5], &s[6], &s[7], macroblock)
		even, odd := f.edge(&w[0], macroblock), f.edge(&w[1], macroblock)
		if (even || odd) != changed {
			t.Fatalf("case %d: some may change: %v, want %v", i, even || odd, changed)
		}
		for k := range s {
			if got := binary.LittleEndian.AppendUint64(nil, w[0][k]|w[1][k]<<8); !bytes.Equal(got, s[k][:]) {
				t.Fatalf("case %d: row %d of %v is %v, want %v", i, k, before, got, s[k])
			}
		}
		if s[2] != before[2] {
			smoothed++
		} else if s[3] != before[3] {
			detailed++
		}
	}
	if smoothed < 10000 || detailed < 5000 {
		t.Errorf("only %d edges were smoothed, %d beside detail", smoothed, detailed)
	}
}

// The thresholds of some levels, by section 15.2 and 15.3.
func TestFilterStrength(t *testing.T) {
	for _, c := range []struct{ level, sharpness, limit, interior, variance int }{
		{0, 0, 0, 0, 0}, {-5, 0, 0, 0, 0}, {1, 0, 3, 1, 0}, {14, 0, 42, 14, 0}, {15, 0, 45, 15, 1}, {40, 0, 120, 40, 2},
		{63, 0, 189, 63, 2}, {99, 0, 189, 63, 2}, {20, 3, 46, 6, 1}, {20, 7, 42, 2, 1}, {1, 7, 3, 1, 0},
	} {
		f := newFilterStrength(c.level, c.sharpness)
		if f.limit != c.limit || f.interior != c.interior || f.variance != c.variance {
			t.Errorf("level %d, sharpness %d: %d %d %d, want %d %d %d", c.level, c.sharpness, f.limit, f.interior, f.variance, c.limit, c.interior, c.variance)
		}
	}
}
