package tiff

import (
	"encoding/binary"
	"math"

	"imgtools/pkg/fault"
)

// Samples that are signed, floating-point or longer than 16 bits are scaled to 16 bits
// (signed bytes to 8): from SMinSampleValue..SMaxSampleValue where the file has them,
// else integers from the range of their type and floating-point numbers from 0..1.
// What lies outside is clamped, and what is no number is 0.

// bounds is the stored values that become 0 and full.
type bounds struct{ low, high float64 }

// ranges reads the range of each sample of a pixel.
func (t *Reader) ranges(d directory) {
	full := bounds{0, 1}
	switch half := math.Ldexp(1, t.bits-1); t.format {
	case formatUint:
		full.high = 2*half - 1
	case formatInt:
		full = bounds{-half, half - 1}
	}
	bound := func(tag uint16, i int) (float64, bool) {
		for _, n := range []int{t.samples, 1} { // some writers give one for all
			if v := t.file.reals(d, tag, int64(n)); v != nil {
				return v[min(i, n-1)], true
			}
		}
		return 0, false
	}
	t.bounds = make([]bounds, t.samples)
	for i := range t.bounds {
		t.bounds[i] = full
		low, ok := bound(tagSMinSampleValue, i)
		high, ok2 := bound(tagSMaxSampleValue, i)
		if ok && ok2 && low < high && t.format != formatUint {
			t.bounds[i] = bounds{low, high}
		}
	}
}

// checkFormat refuses combinations of SampleFormat and bits that have no meaning or
// are not read.
func (t *page) checkFormat() error {
	whole := t.bits == 16 || t.bits == 24 || t.bits == 32 || t.bits == 64
	switch t.format {
	case formatUint:
		if whole || t.bits < 16 {
			return nil
		}
	case formatInt:
		if whole || t.bits == 8 {
			return nil
		}
	case formatFloat:
		if whole {
			return nil
		}
	}
	return fault.New(fault.Unsupported, "TIFF with %s samples of %d bits is not read", t.formatName(), t.bits)
}

// formatName names a SampleFormat in messages.
func (t *page) formatName() string {
	switch t.format {
	case formatUint:
		return "unsigned"
	case formatInt:
		return "signed"
	case formatFloat:
		return "floating-point"
	}
	return "complex"
}

// wide reports whether samples are scaled as said above.
func (t *page) wide() bool { return t.format != formatUint || t.bits > 16 }

// scale returns v of r as a number of 0..full.
func (r bounds) scale(v, full float64) float64 {
	x := math.Round((v - r.low) / (r.high - r.low) * full)
	switch {
	case x > full:
		return full
	case x > 0:
		return x
	}
	return 0 // also of what is no number
}

// decoder returns the function that decodes one wide sample.
func (t *page) decoder(order binary.ByteOrder) func(b []byte) float64 {
	u24 := func(b []byte) uint32 {
		if order == binary.ByteOrder(binary.BigEndian) {
			return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
		}
		return uint32(b[2])<<16 | uint32(b[1])<<8 | uint32(b[0])
	}
	switch t.format<<8 | uint64(t.bits) {
	case formatUint<<8 | 24:
		return func(b []byte) float64 { return float64(u24(b)) }
	case formatUint<<8 | 32:
		return func(b []byte) float64 { return float64(order.Uint32(b)) }
	case formatUint<<8 | 64:
		return func(b []byte) float64 { return float64(order.Uint64(b)) }
	case formatInt<<8 | 16:
		return func(b []byte) float64 { return float64(int16(order.Uint16(b))) }
	case formatInt<<8 | 24:
		return func(b []byte) float64 { return float64(int32(u24(b)<<8) >> 8) }
	case formatInt<<8 | 32:
		return func(b []byte) float64 { return float64(int32(order.Uint32(b))) }
	case formatInt<<8 | 64:
		return func(b []byte) float64 { return float64(int64(order.Uint64(b))) }
	case formatFloat<<8 | 16:
		return func(b []byte) float64 { return shortFloat(uint32(order.Uint16(b)), 5, 10) }
	case formatFloat<<8 | 24:
		return func(b []byte) float64 { return shortFloat(u24(b), 7, 16) }
	case formatFloat<<8 | 32:
		return func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) }
	}
	return func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) }
}

// shortFloat decodes a floating-point number of a sign, exponent bits and fraction
// bits, in the manner of IEEE 754: that of 16 bits has 5 and 10, that of 24 (DNG 1.4,
// chapter 2) 7 and 16.
func shortFloat(v uint32, exponent, fraction int) float64 {
	bias := 1<<(exponent-1) - 1
	f := float64(v & (1<<fraction - 1))
	e := int(v>>fraction) & (1<<exponent - 1)
	switch e {
	case 0: // subnormal
		f = math.Ldexp(f, 1-bias-fraction)
	case 1<<exponent - 1:
		if f != 0 {
			return math.NaN()
		}
		f = math.Inf(1)
	default:
		f = math.Ldexp(f+float64(int(1)<<fraction), e-bias-fraction)
	}
	if v>>(exponent+fraction)&1 != 0 {
		return -f
	}
	return f
}
