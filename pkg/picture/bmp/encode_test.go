package bmp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

type picture = rastertest.Picture[uint8]

func profile() []byte {
	p := make([]byte, 200)
	binary.BigEndian.PutUint32(p, 200)
	copy(p[16:], "RGB ")
	copy(p[36:], "acsp")
	return p
}

func TestRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	for _, layout := range []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA, raster.Indexed} {
		for size := 1; size <= 17; size++ {
			for _, icc := range [][]byte{nil, profile()} {
				h := raster.NewHeader(size, 18-size, layout, 8)
				h.ICC = icc
				p := &picture{H: h, Band: 1 + size%4, S: noise(rnd, size*(18-size)*layout.Samples())}
				if layout == raster.Indexed {
					h.Palette = randomPalette(rnd, 1+rnd.IntN(256))
					if size%3 == 0 {
						h.Palette[0].A = 77
					}
					for i, v := range p.S {
						p.S[i] = uint8(int(v) % len(h.Palette))
					}
				}
				want, err := rastertest.Colors(p.Again(), nil)
				if err != nil {
					t.Fatal(err)
				}
				var buf bytes.Buffer
				if err := Encode(&buf, p.Again(), EncodeOptions{}); err != nil {
					t.Fatal(err)
				}
				got, err := read(buf.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				rastertest.Same(t, fmt.Sprint(layout, size), got, want)
				rastertest.Same(t, fmt.Sprint(layout, size, " by x/image"), stdColors(t, buf.Bytes()), want)
				r, _ := open(buf.Bytes())
				if !bytes.Equal(r.Header().ICC, icc) {
					t.Errorf("%v: a profile of %d bytes became one of %d", layout, len(icc), len(r.Header().ICC))
				}
				if size := binary.LittleEndian.Uint32(buf.Bytes()[2:]); int(size) != buf.Len() {
					t.Errorf("%v: says it has %d bytes, has %d", layout, size, buf.Len())
				}
			}
		}
	}
}

func TestEncodeRefusesWhatItCannotWrite(t *testing.T) {
	turned := raster.NewHeader(1, 1, raster.Gray, 8)
	turned.Orientation = 6
	for _, c := range []struct {
		h    *raster.Header
		kind fault.Kind
	}{
		{raster.NewHeader(1, 1, raster.YCbCr, 8), fault.Internal},
		{raster.NewHeader(1, 1, raster.Gray, 16), fault.Internal},
		{turned, fault.Internal},
		{raster.NewHeader(1<<16, 1<<15, raster.RGB, 8), fault.TooLarge},
	} {
		if err := Encode(io.Discard, &picture{H: c.h, S: make([]uint8, 9), Band: 1}, EncodeOptions{}); err == nil || fault.Of(err) != c.kind {
			t.Errorf("%+v: %v", c.h, err)
		}
	}
	short := &picture{H: raster.NewHeader(1, 2, raster.Gray, 8), Y: 1, Band: 1, S: []uint8{0, 1}}
	if err := Encode(io.Discard, short, EncodeOptions{}); err == nil {
		t.Error("a picture with a missing row was written")
	}
}
