package jpeg

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// With the quality found the file fits, with one more it doesn't; and it is the file that
// this quality gives.
func TestFitFindsTheBestQualityWithinBytes(t *testing.T) {
	for _, layout := range []raster.Layout{raster.Gray, raster.RGB, raster.YCbCr} {
		for _, progressive := range []bool{false, true} {
			for _, fast := range []bool{false, true} {
				t.Run(fmt.Sprint(layout, " progressive=", progressive, " fast=", fast), func(t *testing.T) {
					p := noise(330, 210, layout)
					files := map[int][]byte{}
					file := func(quality int) []byte {
						if f, ok := files[quality]; ok {
							return f
						}
						var out bytes.Buffer
						if err := Encode(&out, p.Rows(), EncodeOptions{Quality: quality, Progressive: progressive, Fast: fast}); err != nil {
							t.Fatal(err)
						}
						files[quality] = out.Bytes()
						return out.Bytes()
					}
					const usual = 81
					for _, bound := range []int{len(file(10)), len(file(10)) + 40, len(file(40)) - 1, len(file(63)), len(file(usual)), 1 << 20} {
						var out bytes.Buffer
						o := EncodeOptions{Quality: usual, Progressive: progressive, Fast: fast, Bytes: int64(bound)}
						if err := Encode(&out, p.Rows(), o); err != nil {
							t.Fatal(err)
						}
						if out.Len() > bound {
							t.Errorf("%d bytes, asked for %d", out.Len(), bound)
						}
						q := 10
						for q < usual && !bytes.Equal(file(q), out.Bytes()) {
							q++
						}
						if !bytes.Equal(file(q), out.Bytes()) {
							t.Errorf("for %d: %d bytes, the file of no quality", bound, out.Len())
						} else if q < usual && len(file(q+1)) <= bound {
							t.Errorf("for %d: quality %d, though %d has %d bytes", bound, q, q+1, len(file(q+1)))
						}
					}
				})
			}
		}
	}
}

func TestFitRefuses(t *testing.T) {
	p := noise(330, 210, raster.RGB)
	var least bytes.Buffer
	if err := Encode(&least, p.Rows(), EncodeOptions{Quality: 10}); err != nil {
		t.Fatal(err)
	}
	huge := noise(8, 8, raster.Gray)
	huge.H = raster.NewHeader(6000, 4001, raster.Gray, 8)
	for _, c := range []struct {
		name string
		p    *raster.Held
		o    EncodeOptions
		says string
	}{
		{"too few bytes", p, EncodeOptions{Quality: 81, Bytes: int64(least.Len() - 1)}, fmt.Sprintf("%d bytes at quality 10 > %d bytes (bytes=)", least.Len(), least.Len()-1)},
		{"a lower quality", p, EncodeOptions{Quality: 5, Bytes: 100}, "bytes at quality 5 > 100 bytes"},
		{"more than 24 Mpixel", huge, EncodeOptions{Quality: 81, Bytes: 1 << 20}, "24 Mpixel"},
		{"memory", p, EncodeOptions{Quality: 81, Bytes: 1 << 20, Limits: raster.Limits{Mem: 100 << 10}}, "-maxmem"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Encode(io.Discard, c.p.Rows(), c.o)
			if fault.Of(err) != fault.TooLarge || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, not %q", err, c.says)
			}
		})
	}
}
