package raster_test

import (
	"errors"
	"io"
	"testing"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// collect returns a consumer that reads all rows into to.
func collect(to *[]uint16) func(raster.Rows) error {
	return func(r raster.Rows) (err error) {
		*to, err = rastertest.Samples(r, nil)
		return err
	}
}

// first returns a consumer that reads n bands and returns errEnough.
func first(n int) func(raster.Rows) error {
	return func(r raster.Rows) error {
		for range n {
			if _, err := r.Next(); err != nil {
				return err
			}
		}
		return errEnough
	}
}

var errEnough = errors.New("enough")

func TestTeeGivesEveryConsumerTheWholePicture(t *testing.T) {
	for n := 1; n <= 8; n++ {
		src := large[uint8](raster.RGB, 8)
		want, err := rastertest.Samples(src.Again(), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := make([][]uint16, n)
		var consumers []func(raster.Rows) error
		for i := range got {
			consumers = append(consumers, collect(&got[i]))
		}
		for _, err := range raster.Tee(src, consumers...) {
			if err != nil {
				t.Fatal(err)
			}
		}
		for i := range got {
			rastertest.Same(t, "consumer", got[i], want)
		}
	}
}

func TestTeeGoesOnWithoutConsumersThatStop(t *testing.T) {
	src := large[uint8](raster.Gray, 8)
	want, _ := rastertest.Samples(src.Again(), nil)
	var got []uint16
	errs := raster.Tee(src, first(0), collect(&got), first(1), first(20))
	if errs[0] != errEnough || errs[1] != nil || errs[2] != errEnough || errs[3] != errEnough {
		t.Fatal(errs)
	}
	rastertest.Same(t, "the patient consumer", got, want)
}

func TestTeeStopsReadingWhenAllStop(t *testing.T) {
	d := &damaged{Rows: large[uint8](raster.Gray, 8), left: 1000}
	raster.Tee(d, first(2), first(5), first(0))
	if d.asked != 5 {
		t.Errorf("%d bands were read, want 5", d.asked)
	}
}

func TestTeeGivesAnErrorToAll(t *testing.T) {
	d := &damaged{Rows: large[uint8](raster.Gray, 8), left: 3}
	again := func(r raster.Rows) error {
		for {
			if _, err := r.Next(); err != nil {
				_, err = r.Next() // a second call gives the same error
				return err
			}
		}
	}
	for i, err := range raster.Tee(d, again, again, again) {
		if err != errDamaged {
			t.Errorf("consumer %d: %v", i, err)
		}
	}
	if d.asked != 4 {
		t.Errorf("the source was asked %d times, want 4", d.asked)
	}
}

// The bands that consumers get are the source's own: nothing is queued or copied.
func TestTeeHoldsOneBand(t *testing.T) {
	src := &counted{Rows: large[uint8](raster.Gray, 8)}
	slow := func(r raster.Rows) error {
		for {
			b, err := r.Next()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if b != src.last {
				return errors.New("not the band that the source gave last")
			}
		}
	}
	for _, err := range raster.Tee(src, slow, slow) {
		if err != nil {
			t.Error(err)
		}
	}
}

// counted remembers the last band it gave out.
type counted struct {
	raster.Rows
	last *raster.Band
}

func (c *counted) Next() (*raster.Band, error) {
	b, err := c.Rows.Next()
	c.last = b
	return b, err
}
