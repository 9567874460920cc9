package codec

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"imgtools/pkg/format"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// A gray picture of one bit keeps its bit from format to format.
func TestOneBitStaysOneBit(t *testing.T) {
	m := &rastertest.Picture[uint8]{H: raster.NewHeader(19, 7, raster.Gray, 8), S: rastertest.Noise[uint8](rand.New(rand.NewPCG(1, 1)), 19*7, 2), Band: 2}
	for i := range m.S {
		m.S[i] *= 255
	}
	want, err := rastertest.Samples(m.Again(), nil)
	if err != nil {
		t.Fatal(err)
	}
	depth := 1
	var rows raster.Rows = m
	for _, name := range []string{format.TIFF, format.PNG, format.TIFF} {
		var b bytes.Buffer
		if _, err := Encode(&b, rows, name, Options{Depth: depth}); err != nil {
			t.Fatal(err)
		}
		p, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()), raster.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := rastertest.Samples(rastertest.Start(p.Reader, nil))
		if err != nil || !slices.Equal(got, want) || p.Depth != 1 {
			t.Fatalf("%s: depth %d, %v", name, p.Depth, err)
		}
		depth = p.Depth
		rows = m.Again()
	}
}
