package vp8

import (
	"math/rand/v2"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

func TestBestQualityThatFits(t *testing.T) {
	const w, h = 150, 90
	pix := smooth(rand.New(rand.NewPCG(3, 4)), w, h, 3)
	size := func(o EncodeOptions) int64 {
		p, err := EncodePayload(testRows(w, h, raster.RGB, pix), o)
		if err != nil {
			t.Fatal(err)
		}
		return (p.Len() + 1) &^ 1 // as a file holds it
	}
	for _, q := range []int{10, 37, 60, 80} {
		n := size(EncodeOptions{Quality: q})
		next := size(EncodeOptions{Quality: q + 1})
		if next <= n {
			continue
		}
		if got := size(EncodeOptions{Quality: 85, Bytes: n}); got != n {
			t.Errorf("%d bytes wanted, those of quality %d: got %d", n, q, got)
		}
		if got := size(EncodeOptions{Quality: 85, Bytes: next - 1}); got > next-1 {
			t.Errorf("%d bytes wanted: got %d", next-1, got)
		}
	}
	if n := size(EncodeOptions{Quality: 50}); size(EncodeOptions{Quality: 50, Bytes: 1 << 20}) != n {
		t.Error("the quality asked for fits, and is not used")
	}
	_, err := EncodePayload(testRows(w, h, raster.RGB, pix), EncodeOptions{Quality: 80, Bytes: 50})
	if fault.Of(err) != fault.TooLarge {
		t.Errorf("50 bytes: %v", err)
	}
}
