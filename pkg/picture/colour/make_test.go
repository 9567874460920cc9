package colour

import (
	"encoding/binary"
	"math"
)

// Profiles for tests, made tag by tag.

// rawProfile is a profile of a version, class, space and connection space with tags.
func rawProfile(version byte, class, space, pcs string, tags ...tag) []byte {
	b := profile(space, "test", tags)
	b[8] = version
	copy(b[12:], class)
	copy(b[20:], pcs)
	return b
}

func fixed(v float64) []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(int32(math.Round(v*65536))))
}

// para is a parametricCurveType.
func para(kind byte, params ...float64) []byte {
	b := []byte{'p', 'a', 'r', 'a', 0, 0, 0, 0, 0, kind, 0, 0}
	for _, p := range params {
		b = append(b, fixed(p)...)
	}
	return b
}

// curv is a curveType of entries from 0 to 1.
func curv(entries ...float64) []byte {
	b := binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), uint32(len(entries)))
	for _, e := range entries {
		b = binary.BigEndian.AppendUint16(b, uint16(math.Round(e*65535)))
	}
	return b
}

func curvGamma(g float64) []byte {
	b := []byte("curv\x00\x00\x00\x00\x00\x00\x00\x01")
	return binary.BigEndian.AppendUint16(b, uint16(math.Round(g*256)))
}

// matrixProfile is a profile of RGB with primaries and curves.
func matrixProfile(version byte, m mat3, trc ...[]byte) []byte {
	var tags []tag
	for i, c := range []string{"r", "g", "b"} {
		tags = append(tags, tag{c + "XYZ", xyzTag(vec3{m[0][i], m[1][i], m[2][i]})}, tag{c + "TRC", trc[i%len(trc)]})
	}
	return rawProfile(version, "mntr", "RGB ", "XYZ ", tags...)
}

// sampled calls f with every point of a grid of n dimensions.
func sampled(n, points int, f func(v []float64)) {
	v := make([]float64, n)
	var walk func(i int)
	walk = func(i int) {
		if i == n {
			f(v)
			return
		}
		for k := range points {
			v[i] = float64(k) / float64(points-1)
			walk(i + 1)
		}
	}
	walk(0)
}

// mft makes a lut8Type (size 1) or lut16Type (size 2) of a function from device to
// encoded connection space, with straight curves.
func mft(size, in, out, points int, f func(v []float64) []float64) []byte {
	b := []byte{'m', 'f', 't', byte('0' + size), 0, 0, 0, 0, byte(in), byte(out), byte(points), 0}
	for i := range 9 {
		b = append(b, fixed(map[bool]float64{true: 1}[i%4 == 0])...)
	}
	put := func(v float64) {
		v = clip01(v)
		if size == 1 {
			b = append(b, byte(math.Round(v*255)))
		} else {
			b = binary.BigEndian.AppendUint16(b, uint16(math.Round(v*65535)))
		}
	}
	entries := 256
	if size == 2 {
		entries = 2
		b = append(b, 0, 2, 0, 2)
	}
	straight := func(n int) {
		for range n {
			for i := range entries {
				put(float64(i) / float64(entries-1))
			}
		}
	}
	straight(in)
	sampled(in, points, func(v []float64) {
		for _, x := range f(v) {
			put(x)
		}
	})
	straight(out)
	return b
}

// mab makes a lutAToBType with A curves, a grid, M curves, a matrix and B curves.
func mab(in, points int, a, m, b []byte, matrix *affine, f func(v []float64) []float64) []byte {
	out := []byte{'m', 'A', 'B', ' ', 0, 0, 0, 0, byte(in), 3, 0, 0}
	out = append(out, make([]byte, 20)...)
	place := func(i int, data []byte) {
		if data == nil {
			return
		}
		binary.BigEndian.PutUint32(out[12+4*i:], uint32(len(out)))
		out = append(out, data...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	times := func(c []byte, n int) (all []byte) {
		for range n {
			all = append(all, c...)
			for len(all)%4 != 0 {
				all = append(all, 0)
			}
		}
		return all
	}
	place(0, times(b, 3))
	if matrix != nil {
		var data []byte
		for i := range 9 {
			data = append(data, fixed(matrix.m[i/3][i%3])...)
		}
		for _, o := range matrix.offset {
			data = append(data, fixed(o)...)
		}
		place(1, data)
	}
	if m != nil {
		place(2, times(m, 3))
	}
	if f != nil {
		data := make([]byte, 20)
		for i := range in {
			data[i] = byte(points)
		}
		data[16] = 2
		sampled(in, points, func(v []float64) {
			for _, x := range f(v) {
				data = binary.BigEndian.AppendUint16(data, uint16(math.Round(clip01(x)*65535)))
			}
		})
		place(3, data)
	}
	if a != nil {
		place(4, times(a, in))
	}
	return out
}

// inks is a simple model of a printer: each ink filters light, paper is a little dark,
// and nothing is quite black. It returns Lab relative to paper.
func inks(v []float64) vec3 {
	filter := [4]vec3{{0.12, 0.45, 0.75}, {0.6, 0.15, 0.35}, {0.9, 0.85, 0.12}, {0.06, 0.06, 0.06}}
	rgb := vec3{1, 1, 1}
	for i, amount := range v {
		for c := range rgb {
			rgb[c] *= 1 - amount*(1-filter[i][c])
		}
	}
	for c := range rgb {
		rgb[c] = 0.01 + 0.99*rgb[c]
	}
	return toLab(fromSRGB.mul(rgb))
}

// lab2 and lab4 encode Lab as 16-bit tables of version 2 and 4 do.
func lab2(lab vec3) []float64 {
	return []float64{lab[0] / 100 * 65280 / 65535, (lab[1] + 128) * 256 / 65535, (lab[2] + 128) * 256 / 65535}
}

func lab4(lab vec3) []float64 {
	return []float64{lab[0] / 100, (lab[1] + 128) / 255, (lab[2] + 128) / 255}
}

// cmykProfile is a profile of those inks with tables of version 2. To black it prints
// all of the black ink and a little of the others.
func cmykProfile() []byte {
	to := mft(2, 4, 3, 9, func(v []float64) []float64 { return lab2(inks(v)) })
	from := mft(2, 3, 4, 5, func(v []float64) []float64 {
		k := 1 - v[0]*65535/65280
		return []float64{0.3 * k, 0.3 * k, 0.3 * k, k}
	})
	return rawProfile(2, "prtr", "CMYK", "Lab ", tag{"A2B0", to}, tag{"A2B1", to}, tag{"B2A0", from})
}
