package vp8

import (
	"bytes"
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
