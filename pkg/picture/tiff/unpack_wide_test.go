package tiff

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"imgtools/pkg/picture/raster"
)

// sampleCoding is a way to store numbers; store appends one.
type sampleCoding struct {
	format, bits uint32
	low, high    float64 // the values that become 0 and full
	store        func(b []byte, o byteOrder, v float64) []byte
}

func uint24(b []byte, o byteOrder, v uint32) []byte {
	if o == byteOrder(binary.BigEndian) {
		return append(b, byte(v>>16), byte(v>>8), byte(v))
	}
	return append(b, byte(v), byte(v>>8), byte(v>>16))
}

var wideCodings = []sampleCoding{
	{formatUint, 24, 0, 1<<24 - 1, func(b []byte, o byteOrder, v float64) []byte { return uint24(b, o, uint32(v)) }},
	{formatUint, 32, 0, 1<<32 - 1, func(b []byte, o byteOrder, v float64) []byte { return o.AppendUint32(b, uint32(v)) }},
	{formatUint, 64, 0, 1<<64 - 1, func(b []byte, o byteOrder, v float64) []byte { return o.AppendUint64(b, uint64(v)) }},
	{formatInt, 8, -1 << 7, 1<<7 - 1, func(b []byte, o byteOrder, v float64) []byte { return append(b, byte(int8(v))) }},
	{formatInt, 16, -1 << 15, 1<<15 - 1, func(b []byte, o byteOrder, v float64) []byte { return o.AppendUint16(b, uint16(int16(v))) }},
	{formatInt, 24, -1 << 23, 1<<23 - 1, func(b []byte, o byteOrder, v float64) []byte { return uint24(b, o, uint32(int32(v))) }},
	{formatInt, 32, -1 << 31, 1<<31 - 1, func(b []byte, o byteOrder, v float64) []byte { return o.AppendUint32(b, uint32(int32(v))) }},
	{formatInt, 64, -1 << 63, 1<<63 - 1, func(b []byte, o byteOrder, v float64) []byte { return o.AppendUint64(b, uint64(int64(v))) }},
	{formatFloat, 32, 0, 1, func(b []byte, o byteOrder, v float64) []byte {
		return o.AppendUint32(b, math.Float32bits(float32(v)))
	}},
	{formatFloat, 64, 0, 1, func(b []byte, o byteOrder, v float64) []byte { return o.AppendUint64(b, math.Float64bits(v)) }},
}

// Random numbers of each coding and byte order, with each predictor that goes with it,
// chunky and planar, come out scaled to within one step of 65535 (255 of signed bytes).
func TestWideSamples(t *testing.T) {
	const w, h, n = 7, 3, 3
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, c := range wideCodings {
		for _, o := range []byteOrder{binary.LittleEndian, binary.BigEndian} {
			for _, predictor := range []uint32{1, 2, 3} {
				if predictor == 2 && c.bits == 24 || predictor == 3 && c.format != formatFloat {
					continue
				}
				for _, planar := range []bool{false, true} {
					t.Run(fmt.Sprintf("format %d, %d bits, %v, predictor %d, planar %v", c.format, c.bits, o, predictor, planar), func(t *testing.T) {
						values := make([]float64, w*h*n)
						for i := range values {
							values[i] = c.low + rnd.Float64()*(c.high-c.low)
						}
						values[0], values[1] = c.low, math.Nextafter(c.high, 0) // the largest float below 2⁶⁴ fits
						m := made{order: o, tags: with(basic(w, h, photoRGB, c.bits, c.bits, c.bits), shorts(tagSampleFormat, c.format, c.format, c.format), shorts(tagCompression, compDeflate), shorts(tagPredictor, predictor))}
						store := func(first, step, stored int) {
							var b []byte
							for y := range h {
								var row []byte
								for i := first; i < w*n; i += step {
									row = c.store(row, o, values[y*w*n+i])
								}
								b = append(b, predict(row, o, int(predictor), int(c.bits/8), stored)...)
							}
							m.segments = append(m.segments, deflated(b))
						}
						if planar {
							m.tags = with(m.tags, shorts(tagPlanarConfig, 2))
							store(0, 3, 1)
							store(1, 3, 1)
							store(2, 3, 1)
						} else {
							store(0, 1, 3)
						}
						head, got, err := decode(m.bytes())
						if err != nil {
							t.Fatal(err)
						}
						full := 65535.0
						if c.bits == 8 {
							full = 255
						}
						if head.Layout != raster.RGB || full != float64(int(1)<<head.Bits-1) {
							t.Fatalf("%+v", head)
						}
						for i, v := range values {
							if want := (v - c.low) / (c.high - c.low) * full; math.Abs(float64(got[i])-want) > 1 {
								t.Fatalf("sample %d is %d, want %.1f", i, got[i], want)
							}
						}
					})
				}
			}
		}
	}
}

// predict stores the differences of a row of samples of size bytes, n of a pixel, by
// the definition: as numbers, or for predictor 3 as bytes that are sorted by their
// significance.
func predict(row []byte, o byteOrder, predictor, size, n int) []byte {
	out := slices.Clone(row)
	count := len(row) / size
	if predictor == 3 {
		for i := range count {
			for b := range size {
				from := i*size + b
				if o == byteOrder(binary.LittleEndian) {
					from = i*size + size - 1 - b
				}
				out[b*count+i] = row[from]
			}
		}
		row, size = slices.Clone(out), 1
		count = len(row)
	}
	if predictor == 1 {
		return out
	}
	for i := count - 1; i >= n; i-- {
		a, b := row[i*size:][:size], row[(i-n)*size:][:size]
		switch size {
		case 1:
			out[i] = a[0] - b[0]
		case 2:
			o.PutUint16(out[2*i:], o.Uint16(a)-o.Uint16(b))
		case 4:
			o.PutUint32(out[4*i:], o.Uint32(a)-o.Uint32(b))
		case 8:
			o.PutUint64(out[8*i:], o.Uint64(a)-o.Uint64(b))
		}
	}
	return out
}

func TestWideSampleRanges(t *testing.T) {
	be := binary.BigEndian
	float := func(v ...float32) (b []byte) {
		for _, x := range v {
			b = binary.BigEndian.AppendUint32(b, math.Float32bits(x))
		}
		return b
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	gray := func(w, bits, format uint32, more ...tag) []tag {
		return with(basic(w, 1, photoBlackIsZero, bits), append(more, shorts(tagSampleFormat, format))...)
	}
	for _, c := range []struct {
		name string
		m    made
		want []uint16
	}{
		{"beyond 0 and 1, infinite, no number", made{tags: gray(6, 32, 3), segments: [][]byte{float(-1, 2, inf, -inf, nan, 0.5)}}, []uint16{0, 65535, 65535, 0, 0, 32768}},
		{"between SMinSampleValue and SMaxSampleValue", made{tags: gray(3, 32, 3, doubles(tagSMinSampleValue, -100), doubles(tagSMaxSampleValue, 300)), segments: [][]byte{float(-100, 0, 300)}}, []uint16{0, 16384, 65535}},
		{"the two are of no use", made{tags: gray(1, 32, 3, doubles(tagSMinSampleValue, 5), doubles(tagSMaxSampleValue, 5)), segments: [][]byte{float(1)}}, []uint16{65535}},
		{"signed, given as shorts", made{tags: gray(2, 16, 2, tag{tagSMinSampleValue, typeSShort, []uint32{0xfff6}}, tag{tagSMaxSampleValue, typeSShort, []uint32{10}}), segments: [][]byte{{0xff, 0xf6, 0, 0}}}, []uint16{0, 32768}},
		{"white is zero", made{tags: with(gray(2, 32, 3), shorts(tagPhotometric, 0)), segments: [][]byte{float(0, 1)}}, []uint16{65535, 0}},
		{"16-bit float", made{tags: gray(5, 16, 3), segments: [][]byte{{0x38, 0, 0x3c, 0, 0x7c, 0, 0x7e, 0, 0x02, 0}}}, []uint16{32768, 65535, 65535, 0, 2}}, // ½ 1 ∞ NaN 2⁻¹⁵
		{"24-bit float", made{tags: gray(3, 24, 3), segments: [][]byte{{0x3e, 0, 0, 0x3f, 0, 0, 0xbf, 0, 0}}}, []uint16{32768, 65535, 0}},                    // ½ 1 -1
		{"signed bytes", made{tags: gray(3, 8, 2), segments: [][]byte{{0x80, 0, 0x7f}}}, []uint16{0, 128, 255}},
		{"signed bytes, white is zero", made{tags: with(gray(3, 8, 2), shorts(tagPhotometric, 0)), segments: [][]byte{{0x80, 0, 0x7f}}}, []uint16{255, 127, 0}},
		{"unsigned ignores SMaxSampleValue", made{tags: gray(1, 32, 1, doubles(tagSMinSampleValue, 0), doubles(tagSMaxSampleValue, 10)), segments: [][]byte{{0, 0, 0, 10}}}, []uint16{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.m.order = be
			_, got, err := decode(c.m.bytes())
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%v %v, want %v", got, err, c.want)
			}
		})
	}
}
