package tiff

import (
	"encoding/binary"
	"math"
	"testing"
)

// toLab converts an sRGB colour of 0..255 to L*a*b* under D50: the curve and primaries
// of IEC 61966-2-1, Bradford's adaptation (the columns of the ICC's sRGB profile), and
// the definition of L*a*b*.
func toLab(rgb [3]float64) (lab [3]float64) {
	var lin, xyz [3]float64
	for i, v := range rgb {
		if v /= 255; v <= 0.04045 {
			lin[i] = v / 12.92
		} else {
			lin[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	white := [3]float64{0.96422, 1, 0.82521}
	for i, row := range [3][3]float64{{0.4360747, 0.3850649, 0.1430804}, {0.2225045, 0.7168786, 0.0606169}, {0.0139322, 0.0971045, 0.7141733}} {
		v := (row[0]*lin[0] + row[1]*lin[1] + row[2]*lin[2]) / white[i]
		if v > 216.0/24389 {
			xyz[i] = math.Cbrt(v)
		} else {
			xyz[i] = (24389.0/27*v + 16) / 116
		}
	}
	return [3]float64{116*xyz[1] - 16, 500 * (xyz[0] - xyz[1]), 200 * (xyz[1] - xyz[2])}
}

func TestLabOfKnownColours(t *testing.T) {
	for _, c := range []struct{ rgb, lab [3]float64 }{
		{[3]float64{255, 255, 255}, [3]float64{100, 0, 0}},
		{[3]float64{128, 128, 128}, [3]float64{53.585, 0, 0}},
		{[3]float64{255, 0, 0}, [3]float64{54.29, 80.81, 69.89}},
		{[3]float64{0, 0, 255}, [3]float64{29.57, 68.30, -112.03}},
	} {
		got := toLab(c.rgb)
		for i := range got {
			if math.Abs(got[i]-c.lab[i]) > 0.02 {
				t.Errorf("%v is L*a*b* %.2f, want %v", c.rgb, got, c.lab)
				break
			}
		}
	}
}

// A white point that the file gives is the white of its L*a*b*: what is neutral stays
// so, and the colours are those of sRGB under D65.
func TestLabWithWhitePoint(t *testing.T) {
	lab := []byte{255, 0, 0, 137, 0, 0, 136, 80, 67} // white, 128, red
	m := made{tags: with(basic(3, 1, photoCIELab, 8, 8, 8), doubles(tagWhitePoint, 0.3127, 0.329)), segments: [][]byte{lab}}
	_, got, err := decode(m.bytes())
	if want := []uint16{255, 255, 255, 128, 128, 128, 255, 0, 0}; err != nil || !near(got, want, 2) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
	m.tags = with(m.tags, doubles(tagWhitePoint, 0, 0))
	if _, got, err = decode(m.bytes()); err != nil || !near(got[:6], []uint16{255, 255, 255, 128, 128, 128}, 1) {
		t.Error("a white point of no use", got, err)
	}
}

func TestLab(t *testing.T) {
	round := func(v float64) int { return int(math.Round(v)) }
	for _, c := range []struct {
		name        string
		photo       uint32
		bits        int
		mean, worst float64 // of 255; the rounding of L*a*b* is most of it, in dark samples of vivid colours
		store       func(b []byte, l, a, s float64) []byte
	}{
		{"CIELab, 8 bits", photoCIELab, 8, 0.6, 16, func(b []byte, l, a, s float64) []byte {
			return append(b, byte(round(l*2.55)), byte(int8(round(a))), byte(int8(round(s))))
		}},
		{"ICCLab, 8 bits", photoICCLab, 8, 0.6, 16, func(b []byte, l, a, s float64) []byte {
			return append(b, byte(round(l*2.55)), byte(round(a+128)), byte(round(s+128)))
		}},
		{"CIELab, 16 bits", photoCIELab, 16, 0.01, 0.1, func(b []byte, l, a, s float64) []byte {
			for _, v := range []int{round(l * 655.35), round(a * 256), round(s * 256)} {
				b = binary.LittleEndian.AppendUint16(b, uint16(v))
			}
			return b
		}},
		{"ICCLab, 16 bits", photoICCLab, 16, 0.01, 0.1, func(b []byte, l, a, s float64) []byte {
			for _, v := range []int{round(l * 652.80), round((a + 128) * 256), round((s + 128) * 256)} {
				b = binary.LittleEndian.AppendUint16(b, uint16(v))
			}
			return b
		}},
		{"CIELab, floating-point", photoCIELab, 32, 0.01, 0.1, func(b []byte, l, a, s float64) []byte {
			for _, v := range []float64{l, a, s} {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
			}
			return b
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b []byte
			var want []float64
			for i := range 512 {
				rgb := [3]float64{float64(i & 7 * 36), float64(i >> 3 & 7 * 36), float64(i >> 6 * 36)}
				lab := toLab(rgb)
				b = c.store(b, lab[0], lab[1], lab[2])
				want = append(want, rgb[:]...)
			}
			n, formats := uint32(c.bits), shorts(tagSampleFormat, 1, 2, 2)
			if n == 32 {
				formats = shorts(tagSampleFormat, 3, 3, 3)
			}
			h, got, err := decode(made{tags: with(basic(512, 1, c.photo, n, n, n), formats), segments: [][]byte{b}}.bytes())
			if err != nil || int(h.Bits) != min(c.bits, 16) {
				t.Fatal(h, err)
			}
			var sum, worst float64
			for i, w := range want {
				v := float64(got[i])
				if c.bits >= 16 {
					v /= 257
				}
				sum += math.Abs(v - w)
				worst = max(worst, math.Abs(v-w))
			}
			if mean := sum / float64(len(want)); mean > c.mean || worst > c.worst {
				t.Errorf("mean error %.3f, at most %.3f", mean, worst)
			}
		})
	}
}
