package colour

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"imgtools/pkg/picture/raster"
)

// vips changes samples of n channels, n colours in all, to sRGB with lcms.
func vips(t *testing.T, icc []byte, channels int, src []uint8, args ...string) []uint8 {
	t.Helper()
	if _, err := exec.LookPath("vips"); err != nil {
		t.Skip("needs vips (Debian: libvips-tools)")
	}
	dir := t.TempDir()
	in, out, prof := filepath.Join(dir, "in.tif"), filepath.Join(dir, "out.ppm"), filepath.Join(dir, "p.icc")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(in, tiffOf(channels, src), 0o666))
	must(os.WriteFile(prof, icc, 0o666))
	cmd := exec.Command("vips", append([]string{"icc_transform", in, out, "srgb", "--input-profile", prof}, args...)...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("vips: %v %s", err, said)
	}
	b, err := os.ReadFile(out)
	must(err)
	n := len(src) / channels
	if !bytes.HasPrefix(b, []byte("P6")) || len(b) < 3*n {
		t.Fatalf("vips wrote %d bytes that begin with %.20q", len(b), b)
	}
	return b[len(b)-3*n:]
}

// tiffOf is an uncompressed TIFF of one row.
func tiffOf(channels int, px []uint8) []byte {
	le := binary.LittleEndian
	n := len(px) / channels
	b := []byte("II*\x00\x08\x00\x00\x00")
	entries := [][3]uint32{ // tag, type, value
		{256, 4, uint32(n)}, {257, 4, 1}, {258, 3, 8}, {259, 3, 1},
		{262, 3, map[int]uint32{1: 1, 3: 2, 4: 5}[channels]}, {273, 4, 0}, {277, 3, uint32(channels)}, {278, 4, 1}, {279, 4, uint32(len(px))},
	}
	end := uint32(8 + 2 + 12*len(entries) + 4)
	b = le.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		count, value := uint32(1), e[2]
		if e[0] == 258 && channels > 1 {
			count, value = uint32(channels), end
		}
		if e[0] == 258 && channels == 1 {
			value = 8
		}
		if e[0] == 273 {
			value = end + 8
		}
		b = le.AppendUint16(le.AppendUint16(b, uint16(e[0])), uint16(e[1]))
		b = le.AppendUint32(le.AppendUint32(b, count), value)
	}
	b = le.AppendUint32(b, 0)
	for range 4 {
		b = le.AppendUint16(b, 8)
	}
	return append(b, px...)
}

// colours returns samples of a cube of colours and of the grays.
func colours(channels int) (px []uint8) {
	points := map[int]int{1: 256, 3: 13, 4: 7}[channels]
	sampled(channels, points, func(v []float64) {
		for _, x := range v {
			px = append(px, uint8(math.Round(x*255)))
		}
	})
	for v := 0; channels == 3 && v < 256; v += 3 {
		px = append(px, uint8(v), uint8(v), uint8(v))
	}
	return px
}

// compare returns the mean difference and the share of samples off by more than 3.
func compare(a, b []uint8) (mean, far float64) {
	for i := range a {
		d := math.Abs(float64(a[i]) - float64(b[i]))
		mean += d
		if d > 3 {
			far++
		}
	}
	return mean / float64(len(a)), far / float64(len(a))
}

// farthest describes the colour with the largest difference.
func farthest(src, got, want []uint8, n, m int) string {
	at, worst := 0, 0
	for i := range got {
		if d := int(got[i]) - int(want[i]); d > worst || -d > worst {
			at, worst = i/m, max(d, -d)
		}
	}
	return fmt.Sprintf("; %v is %v, want %v", src[at*n:at*n+n], got[at*m:at*m+m], want[at*m:at*m+m])
}

// systemProfiles are some of each kind of the Debian packages icc-profiles-free,
// colord-data and libgs-common, where they are installed.
func systemProfiles() map[string][]byte {
	found := map[string][]byte{}
	for _, name := range []string{
		"sRGB", "compatibleWithAdobeRGB1998", "LStar-RGB", "Gray", "Gray-CIE_L",
		"colord/ProPhotoRGB", "colord/ECI-RGBv2", "colord/SwappedRedAndGreen", "colord/Bluish", "colord/Gamma5000K",
		"ghostscript/default_cmyk", "ghostscript/ps_cmyk", "ghostscript/default_gray", "ghostscript/srgb", "ghostscript/esrgb", "ghostscript/lab",
	} {
		if b, err := os.ReadFile(filepath.Join("/usr/share/color/icc", name+".icc")); err == nil {
			found[name] = b
		}
	}
	return found
}

// madeProfiles are one of every kind of model.
func madeProfiles() map[string][]byte {
	pro, _ := primaries([2]float64{0.7347, 0.2653}, [2]float64{0.1596, 0.8404}, [2]float64{0.0366, 0.0001}, [2]float64{0.3457, 0.3585})
	labOf := func(v []float64) vec3 { // of RGB with gamma 2.2 and the primaries of Adobe RGB
		return toLab(fromAdobe.mul(vec3{math.Pow(v[0], 2.2), math.Pow(v[1], 2.2), math.Pow(v[2], 2.2)}))
	}
	sRGB := []float64{}
	for i := range 1024 {
		sRGB = append(sRGB, raster.DecodeSRGB(float64(i)/1023))
	}
	xyzOf := func(v []float64) []float64 {
		x := fromP3.mul(vec3{math.Pow(v[0], 1.8), math.Pow(v[1], 1.8), math.Pow(v[2], 1.8)})
		return []float64{x[0] / xyzScale, x[1] / xyzScale, x[2] / xyzScale}
	}
	return map[string][]byte{
		"matrix, straight":       matrixProfile(2, fromSRGB, curv()),
		"matrix, gamma":          matrixProfile(2, fromAdobe, curvGamma(2.2)),
		"matrix, table":          matrixProfile(2, fromP3, curv(sRGB...)),
		"matrix, ProPhoto":       matrixProfile(2, pro, curvGamma(1.8)),
		"matrix, para 0":         matrixProfile(4, fromP3, para(0, 2.4)),
		"matrix, para 1":         matrixProfile(4, fromP3, para(1, 2.2, 1.1, -0.1)),
		"matrix, para 2":         matrixProfile(4, fromP3, para(2, 2, 0.9, 0.05, 0.05)),
		"matrix, para 3":         matrixProfile(4, fromP3, para(3, 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)),
		"matrix, para 4":         matrixProfile(4, fromP3, para(4, 2.2, 0.95, 0.03, 0.3, 0.1, 0.02, 0.01)),
		"matrix, three curves":   matrixProfile(4, fromAdobe, para(0, 1.8), para(0, 2.2), para(0, 2.5)),
		"gray, gamma":            rawProfile(2, "mntr", "GRAY", "XYZ ", tag{"kTRC", curvGamma(1.8)}),
		"gray, dot gain":         rawProfile(2, "prtr", "GRAY", "XYZ ", tag{"kTRC", curv(0, 0.01, 0.05, 0.12, 0.25, 0.42, 0.63, 0.85, 1)}),
		"mft1 to Lab":            rawProfile(2, "scnr", "RGB ", "Lab ", tag{"A2B1", mft(1, 3, 3, 17, func(v []float64) []float64 { return lab4(labOf(v)) })}),
		"mft2 to Lab":            rawProfile(2, "scnr", "RGB ", "Lab ", tag{"A2B1", mft(2, 3, 3, 17, func(v []float64) []float64 { return lab2(labOf(v)) })}),
		"mft2 to XYZ":            rawProfile(2, "scnr", "RGB ", "XYZ ", tag{"A2B1", mft(2, 3, 3, 17, xyzOf)}),
		"mft2 to Lab, version 4": rawProfile(4, "scnr", "RGB ", "Lab ", tag{"A2B1", mft(2, 3, 3, 17, func(v []float64) []float64 { return lab2(labOf(v)) })}),
		"mAB to Lab": rawProfile(4, "scnr", "RGB ", "Lab ", tag{"A2B1", mab(3, 17, para(0, 1.2), para(0, 1), para(0, 1), &affine{m: mat3{{1}, {0, 1}, {0, 0, 1}}}, func(v []float64) []float64 {
			return lab4(labOf([]float64{math.Pow(v[0], 1/1.2), math.Pow(v[1], 1/1.2), math.Pow(v[2], 1/1.2)}))
		})}),
		"mAB of matrix and curves": rawProfile(4, "mntr", "RGB ", "XYZ ", tag{"A2B1", mab(3, 0, nil, para(0, 2.2), para(0, 1), &affine{m: scaled(fromP3, 1/xyzScale)}, nil)}),
		"CMYK":                     cmykProfile(),
		"CMYK, A2B1 before A2B0": rawProfile(2, "prtr", "CMYK", "Lab ",
			tag{"A2B0", mft(2, 4, 3, 3, func(v []float64) []float64 { return lab2(vec3{50, 0, 0}) })},
			tag{"A2B1", mft(2, 4, 3, 9, func(v []float64) []float64 { return lab2(inks(v)) })}),
		"CMYK, mft1": rawProfile(2, "prtr", "CMYK", "Lab ", tag{"A2B0", mft(1, 4, 3, 9, func(v []float64) []float64 { return lab4(inks(v)) })}),
	}
}

func scaled(m mat3, k float64) mat3 {
	for i := range m {
		for j := range m[i] {
			m[i][j] *= k
		}
	}
	return m
}

func TestSRGBEqualsVips(t *testing.T) {
	made, all := madeProfiles(), systemProfiles()
	for name, b := range made {
		all[name] = b
	}
	for name, icc := range all {
		s, err := ParseProfile(icc)
		if err != nil {
			t.Logf("%s: %v", name, err)
			continue
		}
		for _, compensate := range []bool{false, true} {
			if compensate && s.table == nil && made[name] == nil {
				continue // black is 0 already
			}
			t.Run(fmt.Sprintf("%s, compensate %v", name, compensate), func(t *testing.T) {
				n := s.space.channels()
				px := colours(n)
				args := []string{"--intent", "relative"}
				if s.table != nil && tags(icc)["A2B1"] == nil {
					if compensate {
						t.Skip("vips compensates only for what it finds relative colorimetric")
					}
					args[1] = "perceptual" // the same table; vips refuses it as relative
				}
				if compensate {
					args = append(args, "--black-point-compensation")
				}
				want := vips(t, icc, n, px, args...)
				for _, pixels := range []int64{1, 1 << 40} { // by the definition, and by tables
					tr := newTransform(s, toRGB, compensate, 8, pixels)
					got := make([]uint8, len(px)/n*tr.out)
					tr.Row8(got, px, n)
					w := want
					if tr.out == 1 {
						w = nil
						for i := 0; i < len(want); i += 3 {
							w = append(w, want[i+1])
						}
					}
					mean, far := compare(got, w)
					t.Logf("%d pixels: mean %.3f, %.2f %% far", pixels, mean, 100*far)
					// Where light is nearly 0, a level is a tiny part of it, and vips
					// keeps linear gray in 8 bits.
					if mean > 0.5 || far > 0.03 {
						t.Errorf("%d pixels: mean %.3f, %.2f %% far%s", pixels, mean, 100*far, farthest(px, got, w, n, tr.out))
					}
				}
			})
		}
	}
}
