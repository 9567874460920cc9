package raster_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// large returns noise of over a million pixels.
func large[T uint8 | uint16](l raster.Layout, bits uint8) *rastertest.Picture[T] {
	h := raster.NewHeader(1031, 1021, l, bits)
	n := 1031 * 1021 * l.Samples()
	return &rastertest.Picture[T]{H: h, S: rastertest.Noise[T](rand.New(rand.NewPCG(1, 2)), n, 250), Band: 7}
}

func TestAheadGivesTheSameRows(t *testing.T) {
	same(t, "rgb", large[uint8](raster.RGB, 8))
	same(t, "gray, 16 bits", large[uint16](raster.Gray, 16))
	small := large[uint8](raster.Gray, 8)
	small.H.Planes[0].H, small.H.FullH = 10, 10
	if rows, stop := raster.Ahead(small); rows != raster.Rows(small) {
		t.Error("a small picture is read by another goroutine")
	} else {
		stop()
	}
}

func same[T uint8 | uint16](t *testing.T, name string, p *rastertest.Picture[T]) {
	t.Helper()
	rows, stop := raster.Ahead(p.Again())
	defer stop()
	got, err := rastertest.Samples(rows, nil)
	if err != nil {
		t.Fatal(name, err)
	}
	want, _ := rastertest.Samples(p.Again(), nil)
	rastertest.Same(t, name, got, want)
	for range 2 {
		if b, err := rows.Next(); b != nil || err != io.EOF {
			t.Errorf("%s: %v, %v after the end", name, b, err)
		}
	}
}

// damaged fails after left bands. It counts the calls of Next.
type damaged struct {
	raster.Rows
	left, asked int
}

var errDamaged = errors.New("damaged")

func (d *damaged) Next() (*raster.Band, error) {
	d.asked++
	if d.left--; d.left < 0 {
		return nil, errDamaged
	}
	return d.Rows.Next()
}

func TestAheadGivesErrorsInTurn(t *testing.T) {
	d := &damaged{Rows: large[uint8](raster.Gray, 8), left: 20}
	rows, stop := raster.Ahead(d)
	defer stop()
	for i := range 20 {
		if b, err := rows.Next(); err != nil || b.Y != 7*i {
			t.Fatalf("band %d: %v, %v", i, b, err)
		}
	}
	for range 2 {
		if _, err := rows.Next(); err != errDamaged {
			t.Errorf("%v", err)
		}
	}
}

// Ahead reads a few bands ahead, not all of them, and none after stop.
func TestAheadStops(t *testing.T) {
	d := &damaged{Rows: large[uint8](raster.Gray, 8), left: 1000}
	rows, stop := raster.Ahead(d)
	for range 3 {
		if _, err := rows.Next(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if d.asked < 3 || d.asked > 3+8 {
		t.Errorf("asked for %d bands", d.asked)
	}
}
