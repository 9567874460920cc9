package raster_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"imgtools/pkg/picture/raster"
)

// bandsOf gives bands of two planes whose lines are grouped differently.
type bandsOf struct {
	h     *raster.Header
	bands []raster.Band
}

func (b *bandsOf) Header() *raster.Header { return b.h }

func (b *bandsOf) Next() (*raster.Band, error) {
	if len(b.bands) == 0 {
		return nil, io.EOF
	}
	band := &b.bands[0]
	b.bands = b.bands[1:]
	return band, nil
}

// rowsFrom returns n lines of w samples, each of which has the line's number, from first
// on; the stride is one more.
func rowsFrom(first, n, w int) raster.Plane {
	p := raster.Plane{Stride: w + 1, Rows: n}
	for y := range n {
		p.Pix = append(p.Pix, bytes.Repeat([]byte{byte(first + y)}, w)...)
		p.Pix = append(p.Pix, 255)
	}
	return p
}

func TestLinesOfPlanesThatBandsGroupDifferently(t *testing.T) {
	source := func(more int) *bandsOf {
		h := &raster.Header{FullW: 4, FullH: 6, Layout: raster.YCbCr, Bits: 8,
			Planes: []raster.PlaneDim{{W: 4, H: 6}, {W: 2, H: 3}, {W: 2, H: 3}}}
		return &bandsOf{h, []raster.Band{
			{Planes: [3]raster.Plane{rowsFrom(0, 4, 4), rowsFrom(100, 0, 2), rowsFrom(200, 1, 2)}},
			{Planes: [3]raster.Plane{rowsFrom(4, 0, 4), rowsFrom(100, 1, 2), rowsFrom(201, 0, 2)}},
			{Planes: [3]raster.Plane{rowsFrom(4, 2, 4), rowsFrom(101, 2, 2), rowsFrom(201, 2, 2)}},
			{Planes: [3]raster.Plane{rowsFrom(6, more, 4)}},
		}}
	}
	l := raster.NewLines(source(0))
	for _, c := range []struct{ plane, line int }{{0, 0}, {0, 1}, {1, 100}, {2, 200}, {0, 2}, {0, 3}, {1, 101}, {2, 201}, {0, 4}, {1, 102}, {0, 5}, {2, 202}} {
		got, err := l.Next(c.plane)
		if want := bytes.Repeat([]byte{byte(c.line)}, []int{4, 2, 2}[c.plane]); err != nil || !bytes.Equal(got, want) {
			t.Errorf("line %d of plane %d: %v, %v", c.line, c.plane, got, err)
		}
	}
	if err := l.End(); err != nil {
		t.Error(err)
	}
	if _, err := l.Next(1); err == nil || !strings.Contains(err.Error(), "fewer rows than the header says") {
		t.Errorf("a line after the last: error %v", err)
	}
	if err := raster.NewLines(source(1)).End(); err == nil || !strings.Contains(err.Error(), "more rows than the header says") {
		t.Errorf("lines that nobody asked for: error %v", err)
	}
}
