package raster

import (
	"fmt"
	"testing"
)

func TestBandRows(t *testing.T) {
	for _, c := range []struct{ rowBytes, h, want int }{
		{1, 10, 10}, {1, 1 << 20, 65536}, {65536, 9, 1}, {1 << 30, 9, 1}, {30000, 9, 2}, {0, 5, 5},
	} {
		t.Run(fmt.Sprintf("%d bytes, %d rows", c.rowBytes, c.h), func(t *testing.T) {
			if got := BandRows(c.rowBytes, c.h); got != c.want {
				t.Errorf("%d rows a band, want %d", got, c.want)
			}
		})
	}
}
