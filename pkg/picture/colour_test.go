package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/colour"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"

	stdjpeg "image/jpeg"
	stdpng "image/png"
)

// D50 colorants of some primaries, as published profiles have them.
var (
	colorantsSRGB     = [3][3]float64{{0.43607, 0.22249, 0.01392}, {0.38515, 0.71687, 0.09708}, {0.14307, 0.06061, 0.71410}}
	colorantsP3       = [3][3]float64{{0.51512, 0.24120, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.15710, 0.06657, 0.78407}}
	colorantsProPhoto = [3][3]float64{{0.79767, 0.28804, 0}, {0.13519, 0.71187, 0}, {0.03134, 0.00009, 0.82491}}
)

// withGamma is a profile of primaries and a gamma: that of Adobe RGB, with its values
// replaced.
func withGamma(colorants [3][3]float64, gamma float64) []byte {
	be := binary.BigEndian
	p := bytes.Clone(colour.AdobeRGB())
	for i := range be.Uint32(p[128:]) {
		e := p[132+12*i:]
		data := p[be.Uint32(e[4:]):]
		switch name := string(e[:4]); {
		case strings.HasSuffix(name, "TRC"):
			be.PutUint16(data[12:], uint16(math.Round(gamma*256)))
		case len(name) == 4 && name[1:] == "XYZ":
			for j, v := range colorants[strings.IndexByte("rgb", name[0])] {
				be.PutUint32(data[8+4*j:], uint32(int32(math.Round(v*65536))))
			}
		}
	}
	return p
}

// grayGamma is a gray profile.
func grayGamma(gamma float64) []byte {
	p := colour.GrayProfile(&colour.Curve{}) // a curve of no entries, at the end
	p = append(p, 0, 0)
	at := len(p) - 2 - 12
	p = append(p[:at], append(append([]byte("curv\x00\x00\x00\x00\x00\x00\x00\x01"), byte(gamma), byte(math.Mod(gamma, 1)*256)), 0, 0)...)
	binary.BigEndian.PutUint32(p, uint32(len(p)))
	for i := range binary.BigEndian.Uint32(p[128:]) {
		if e := p[132+12*i:]; string(e[:4]) == "kTRC" {
			binary.BigEndian.PutUint32(e[8:], 14)
		}
	}
	return p
}

func headerOf(t *testing.T, data []byte) *raster.Header {
	t.Helper()
	p, err := codec.Open(bytes.NewReader(data), int64(len(data)), raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return p.Header()
}

// made is the result of a request.
func made(t *testing.T, data []byte, text string) ([]byte, plan.Result) {
	t.Helper()
	var out bytes.Buffer
	res, err := plan.Run(&out, bytes.NewReader(data), int64(len(data)), plantest.Ask(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out.Bytes(), res
}

// seenBy is what p shows as sRGB, by the definition of matrix profiles with
// a gamma.
func seenBy(p pic, colorants [3][3]float64, gamma float64) pic {
	// XYZ relative to D50 to linear sRGB: the inverse of colorantsSRGB.
	back := [3][3]float64{{3.1339, -1.6169, -0.4906}, {-0.9788, 1.9161, 0.0335}, {0.0719, -0.2290, 1.4052}}
	encode := func(v float64) float64 {
		v = min(max(v, 0), 1)
		if v <= 0.0031308 {
			return 12.92 * v
		}
		return 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	return newPic(p.w, p.h, func(x, y int) [4]float64 {
		c := p.px[y*p.w+x]
		var xyz, out [3]float64
		for k := range 3 {
			for i := range 3 {
				xyz[i] += colorants[k][i] * math.Pow(c[k], gamma)
			}
		}
		for i := range 3 {
			out[i] = encode(back[i][0]*xyz[0] + back[i][1]*xyz[1] + back[i][2]*xyz[2])
		}
		return [4]float64{out[0], out[1], out[2], c[3]}
	})
}

// Through files, gray of a colour picture has the tone that the colours have, and says
// nothing of a profile; alone and before a scaling.
func TestGrayHasTheToneOfTheProfile(t *testing.T) {
	for _, f := range filesWithMeta(t) {
		if !f.profiled || f.format == "webp" {
			continue
		}
		for _, c := range []struct {
			name      string
			colorants [3][3]float64
			gamma     float64
			mean      float64 // levels
		}{
			{"sRGB primaries, gamma 1.8", colorantsSRGB, 1.8, 1.5}, {"P3, gamma 2.2", colorantsP3, 2.2, 4}, {"ProPhoto", colorantsProPhoto, 1.8, 1.5},
		} {
			if f.name == "png palette" && c.mean > 2 {
				continue // its few colours are stronger than those of photographs
			}
			t.Run(f.name+", "+c.name, func(t *testing.T) {
				data := f.file(inW, inH, 1, withGamma(c.colorants, c.gamma))
				want := seenBy(storedPic(t, f, data, [2]int{inW, inH}), c.colorants, c.gamma).grayed()
				out, res := made(t, data, "gray format=png")
				both := runBoth(t, data, "1", "png", 0)
				pgm, _ := made(t, data, "format=pgm")
				for op, b := range map[string][]byte{"gray": out, "gray and scale": both.data, "conversion to PGM": pgm} {
					if _, mean := apart(decode(t, b).pic, want); 255*mean > c.mean+1 {
						t.Errorf("%s: off by %.2f of 255 on average", op, 255*mean)
					}
					if h := headerOf(t, b); h.ICC != nil || h.Coding != (raster.Coding{}) {
						t.Errorf("%s: profile of %d bytes", op, len(h.ICC))
					}
				}
				if res.Note != "" {
					t.Errorf("note %q", res.Note)
				}
			})
		}
	}
}

// profile=keep copies the Y of a JPEG and says what its tone is.
func TestKeepIsLosslessAndExact(t *testing.T) {
	for _, f := range filesWithMeta(t) {
		if f.name != "jpeg" {
			continue
		}
		data := f.file(inW, inH, 1, withGamma(colorantsProPhoto, 1.8))
		plain := f.file(inW, inH, 1, nil)
		kept, _ := made(t, data, "gray profile=keep")
		y, _ := made(t, plain, "gray")
		a, err1 := stdjpeg.Decode(bytes.NewReader(kept))
		b, err2 := stdjpeg.Decode(bytes.NewReader(y))
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if most, _ := apart(fromImage(a), fromImage(b)); most != 0 {
			t.Error("the samples are not those of Y")
		}
		icc := headerOf(t, kept).ICC
		if len(icc) < 200 || len(icc) > 500 || string(icc[16:20]) != "GRAY" {
			t.Errorf("profile of %d bytes", len(icc))
		}
		// Gray for sRGB is gray of the kept picture, made sRGB.
		again, _ := made(t, kept, "profile=srgb format=png")
		want := seenBy(fromImage(a), colorantsSRGB, 1.8)
		if _, mean := apart(decode(t, again).pic, want); 255*mean > 1 || headerOf(t, again).ICC != nil {
			t.Errorf("made sRGB it is off by %.2f of 255", 255*mean)
		}
	}
}

// A gray picture keeps its samples and its profile, grayed and scaled, in every format
// that holds profiles, through one daemon or two.
func TestGrayPictureKeepsItsGrayProfile(t *testing.T) {
	icc := grayGamma(1.75)
	data := jpegWith(t, shown(64, 48).grayed(), icc)
	for _, out := range []string{"jpeg", "png", "tiff"} {
		for _, request := range []string{"gray", "scale=1/2", "scale=1", "format=" + out} {
			text := request + " format=" + out
			if strings.HasPrefix(request, "format") {
				text = request
			}
			t.Run(text, func(t *testing.T) {
				b, _ := made(t, data, text)
				if got := headerOf(t, b).ICC; !bytes.Equal(got, icc) {
					t.Errorf("profile of %d bytes, want %d", len(got), len(icc))
				}
			})
		}
		t.Run("both to "+out, func(t *testing.T) {
			if got := headerOf(t, runBoth(t, data, "1/3", out, 0).data).ICC; !bytes.Equal(got, icc) {
				t.Errorf("profile of %d bytes, want %d", len(got), len(icc))
			}
		})
	}
}

// jpegWith is a gray JPEG with a profile and 300 dots to the inch.
func jpegWith(t *testing.T, p pic, icc []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := stdjpeg.Encode(&buf, p.gray(), &stdjpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	segment := func(marker byte, body string) string {
		return string([]byte{0xff, marker}) + string(binary.BigEndian.AppendUint16(nil, uint16(len(body)+2))) + body
	}
	meta := segment(0xe0, "JFIF\x00\x01\x02\x01\x01\x2c\x01\x2c\x00\x00")
	if icc != nil {
		meta += segment(0xe2, "ICC_PROFILE\x00\x01\x01"+string(icc))
	}
	return append([]byte("\xff\xd8"+meta), buf.Bytes()[2:]...)
}

// gray keeps the density and scale multiplies it, also from one daemon to the other.
func TestDensityFollowsTheSize(t *testing.T) {
	data := jpegWith(t, shown(64, 48).grayed(), nil)
	for _, c := range []struct {
		request string
		want    float64
	}{{"gray", 300}, {"scale=1/2", 150}, {"scale=2", 600}, {"format=png", 300}, {"scale=1", 300}} {
		for _, out := range []string{"jpeg", "png"} {
			if strings.HasPrefix(c.request, "format") && out == "jpeg" {
				continue
			}
			t.Run(c.request+" to "+out, func(t *testing.T) {
				text := c.request + " format=" + out
				if strings.HasPrefix(c.request, "format") {
					text = c.request
				}
				b, _ := made(t, data, text)
				checkDensity(t, b, c.want)
			})
		}
	}
	t.Run("both", func(t *testing.T) {
		checkDensity(t, runBoth(t, data, "1/2", "png", 0).data, 150)
	})
}

// checkDensity checks the density of a file, in dots to the inch.
func checkDensity(t *testing.T, data []byte, want float64) {
	t.Helper()
	d := headerOf(t, data).Density
	if d.Unit == raster.PerCM {
		d.X, d.Y = d.X*2.54, d.Y*2.54
	}
	if d.Unit == raster.Aspect || math.Abs(d.X-want) > 0.5 || math.Abs(d.Y-want) > 0.5 {
		t.Errorf("density %+v, want %g to the inch", d, want)
	}
}

// profile=srgb changes colours, and a picture that is sRGB already stays as it is.
func TestProfileSRGB(t *testing.T) {
	for _, f := range filesWithMeta(t) {
		if !f.profiled || f.format == "webp" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			data := f.file(inW, inH, 1, withGamma(colorantsP3, 1.8))
			want := seenBy(storedPic(t, f, data, [2]int{inW, inH}), colorantsP3, 1.8)
			for _, request := range []string{"profile=srgb format=png", "scale=1 profile=srgb format=png"} {
				b, res := made(t, data, request)
				if most, mean := apart(decode(t, b).pic, want); 255*mean > map[bool]float64{true: 3, false: 1.5}[f.lossy] || !f.lossy && 255*most > 4 {
					t.Errorf("%s: off by %.2f of 255 on average, %.2f at most", request, 255*mean, 255*most)
				}
				if headerOf(t, b).ICC != nil || res.Note != "" {
					t.Errorf("%s: a profile is left, or a note: %q", request, res.Note)
				}
			}
			same := f.file(inW, inH, 1, withGamma(colorantsP3, 1.8))
			kept, _ := made(t, same, "scale=1 profile=keep format=png")
			if h := headerOf(t, kept); len(h.ICC) == 0 {
				t.Error("profile=keep drops the profile")
			}
		})
	}
}

// A profile that can't be read is ignored, and a note says why; the picture is not
// refused.
func TestDamagedProfileIsIgnoredWithANote(t *testing.T) {
	for _, f := range filesWithMeta(t) {
		if f.name != "jpeg" && f.name != "png" {
			continue
		}
		data := f.file(inW, inH, 1, profile("RGB "))
		for _, request := range []string{"gray", "gray format=png", "scale=1/2 profile=srgb"} {
			_, res := made(t, data, request)
			if !strings.Contains(res.Note, "colour profile ignored: no tag rTRC") {
				t.Errorf("%s of %s: note %q", request, f.name, res.Note)
			}
		}
	}
}

// Gray, a copy and a smaller picture report the same about colour information that
// can't be used, in every format that has a profile.
func TestEveryWayReportsTheSameOnColours(t *testing.T) {
	type file struct {
		name, note string
		data       []byte
	}
	files := []file{
		{"absurd gAMA", "gAMA 42949.67295 ignored", pngCoded(t, "gAMA", "\xff\xff\xff\xff")},
		{"unknown cICP", "cICP ignored: primaries 77", pngCoded(t, "cICP", "\x4d\x63\x00\x01")},
	}
	for _, f := range filesWithMeta(t) {
		if !f.profiled {
			continue
		}
		const other = "colour profile of another colour space ignored"
		files = append(files,
			file{f.name + " without tags", "colour profile ignored: no tag rTRC", f.file(inW, inH, 1, profile("RGB "))},
			file{f.name + " with a cut profile", "profile ignored", f.file(inW, inH, 1, profile("RGB ")[:140])},
			file{f.name + " with a gray profile", other, f.file(inW, inH, 1, grayGamma(2.2))})
	}
	for _, f := range filesWithMeta(t) {
		if f.name == "gray jpeg" {
			files = append(files, file{"gray jpeg with a profile of RGB", "colour profile of another colour space ignored", f.file(inW, inH, 1, profile("RGB "))})
		}
	}
	half := bytes.Replace(jpegWith(t, shown(inW, inH), profile("RGB ")), []byte("ICC_PROFILE\x00\x01\x01"), []byte("ICC_PROFILE\x00\x02\x02"), 1)
	files = append(files, file{"jpeg without the first part of its profile", "damaged colour profile ignored", half})
	for _, f := range files {
		t.Run(f.name, func(t *testing.T) {
			for _, request := range []string{"gray", "scale=1", "scale=1/2", "scale=1 linear", "format=png"} {
				if _, res := made(t, f.data, request); strings.Count(res.Note, f.note) != 1 || strings.Count(res.Note, "ignored") != 1 {
					t.Errorf("%s: note %q", request, res.Note)
				}
			}
		})
	}
}

// pngCoded is a PNG of 4 × 1 grays from black to white, with a chunk for its colours.
func pngCoded(t *testing.T, chunk, body string) []byte {
	t.Helper()
	p := newPic(4, 1, func(x, _ int) [4]float64 { v := float64(x) / 3; return [4]float64{v, v, v, 1} })
	m := p.nrgba()
	m.SetNRGBA(3, 0, color.NRGBA{255, 254, 255, 255}) // so that it is written as RGB
	var buf bytes.Buffer
	if err := stdpng.Encode(&buf, m); err != nil {
		t.Fatal(err)
	}
	return []byte(buf.String()[:33] + pngChunk(chunk, body) + buf.String()[33:])
}

// PNG's chunks, of which the samples' meaning depends, stay in PNG, become a profile in
// formats that have them, and decide about gray.
func TestCodingOfAPNG(t *testing.T) {
	linear := pngCoded(t, "gAMA", "\x00\x01\x86\xa0")
	p3 := pngCoded(t, "cICP", "\x0c\x0d\x00\x01")
	pq := pngCoded(t, "cICP", "\x09\x10\x00\x01")
	t.Run("scaled", func(t *testing.T) {
		b, _ := made(t, linear, "scale=8x2!")
		if h := headerOf(t, b); h.Coding.Gamma != 100000 {
			t.Errorf("%+v", h.Coding)
		}
		b, _ = made(t, p3, "scale=8x2!")
		if h := headerOf(t, b); h.Coding.CICP != [4]uint8{12, 13, 0, 1} {
			t.Errorf("%+v", h.Coding)
		}
	})
	t.Run("in a JPEG", func(t *testing.T) {
		for _, data := range [][]byte{linear, p3} {
			b, _ := made(t, data, "format=jpeg")
			if icc := headerOf(t, b).ICC; len(icc) == 0 || string(icc[16:20]) != "RGB " {
				t.Errorf("profile of %d bytes", len(icc))
			}
		}
	})
	t.Run("gray", func(t *testing.T) {
		b, _ := made(t, linear, "gray")
		want := []float64{0, 0.613, 0.838, 1} // the curve of sRGB, of 1/3 and 2/3
		for i, c := range decode(t, b).px {
			if math.Abs(c[0]-want[i]) > 0.01 {
				t.Errorf("pixel %d is %.3f, want %.3f", i, c[0], want[i])
			}
		}
		if h := headerOf(t, b); h.Coding != (raster.Coding{}) || h.Layout != raster.Gray {
			t.Errorf("%+v", h)
		}
	})
	t.Run("PQ", func(t *testing.T) {
		b, res := made(t, pq, "gray")
		if h := headerOf(t, b); h.Coding.CICP != [4]uint8{9, 16, 0, 1} || res.Note != "" {
			t.Errorf("gray PNG: %v, note %q", h.Coding, res.Note)
		}
		for _, request := range []string{"gray format=jpeg", "format=jpeg", "gray handover scale=1/2"} {
			b, res = made(t, pq, request)
			if h := headerOf(t, b); h.ICC != nil || !strings.Contains(res.Note, "PQ") {
				t.Errorf("%s: note %q", request, res.Note)
			}
		}
	})
}

// With linear, light is that of the profile: equal parts of black and white become what
// the curve gives for 1/2.
func TestLinearUsesTheCurveOfTheProfile(t *testing.T) {
	p := newPic(64, 64, func(x, y int) [4]float64 {
		v := float64((x + y) % 2)
		return [4]float64{v, v, v, 1}
	})
	for _, gamma := range []float64{1, 1.8, 2.2} {
		t.Run(fmt.Sprint(gamma), func(t *testing.T) {
			data := tiffWithMeta(p, 1, withGamma(colorantsP3, gamma))
			b, _ := made(t, data, "scale=16x16 linear kernel=box format=png")
			got := decode(t, b).px[16*8+8][0]
			if want := math.Pow(0.5, 1/gamma); math.Abs(got-want) > 0.005 {
				t.Errorf("%.4f, want %.4f", got, want)
			}
			if headerOf(t, b).ICC == nil {
				t.Error("the profile is lost")
			}
		})
	}
}

func TestProfileWord(t *testing.T) {
	data := jpegWith(t, shown(8, 8).grayed(), nil)
	func() {
		defer func() {
			if err, ok := recover().(error); !ok || fault.Of(err) != fault.Usage {
				t.Errorf("profile=adobe: %v", err)
			}
		}()
		made(t, data, "profile=adobe")
	}()
}

// inkLab is what the profile of inkProfile prints: linear in the inks, so that the table
// is exact however it is interpolated.
func inkLab(c [4]float64) (l, a, b float64) {
	return 100 - 20*c[0] - 25*c[1] - 10*c[2] - 40*c[3], -30*c[0] + 50*c[1] - 5*c[2], -30*c[0] - 5*c[1] + 60*c[2]
}

// inkProfile is a profile of CMYK with one table of two points for each ink, of version 2.
func inkProfile() []byte {
	be := binary.BigEndian
	table := []byte("mft2\x00\x00\x00\x00\x04\x03\x02\x00")
	for i := range 9 {
		table = be.AppendUint32(table, map[bool]uint32{true: 65536}[i%4 == 0])
	}
	table = append(table, 0, 2, 0, 2)
	straight := func(n int) {
		for range n {
			table = append(table, 0, 0, 255, 255)
		}
	}
	straight(4)
	for i := range 16 {
		l, a, b := inkLab([4]float64{float64(i >> 3), float64(i >> 2 & 1), float64(i >> 1 & 1), float64(i & 1)})
		for _, v := range []float64{l / 100 * 65280, (a + 128) * 256, (b + 128) * 256} {
			table = be.AppendUint16(table, uint16(math.Round(v)))
		}
	}
	straight(3)
	p := bytes.Clone(colour.AdobeRGB()[:128])
	copy(p[12:], "prtrCMYKLab ")
	p = be.AppendUint32(p, 1)
	p = append(p, "A2B1"...)
	p = be.AppendUint32(be.AppendUint32(p, 144), uint32(len(table)))
	p = append(p, table...)
	be.PutUint32(p, uint32(len(p)))
	return p
}

// printed is the sRGB of inks under that profile.
func printed(ink [4]float64) [4]float64 {
	l, a, b := inkLab(ink)
	f := func(t float64) float64 {
		if t > 6./29 {
			return t * t * t
		}
		return 3 * 36. / 841 * (t - 4./29)
	}
	y := (l + 16) / 116
	x := [3]float64{0.9642 * f(y+a/500), f(y), 0.8249 * f(y-b/200)}
	back := [3][3]float64{{3.1339, -1.6169, -0.4906}, {-0.9788, 1.9161, 0.0335}, {0.0719, -0.2290, 1.4052}}
	var out [4]float64
	for i := range 3 {
		v := min(max(back[i][0]*x[0]+back[i][1]*x[1]+back[i][2]*x[2], 0), 1)
		if v <= 0.0031308 {
			out[i] = 12.92 * v
		} else {
			out[i] = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
	}
	out[3] = 1
	return out
}

// Inks with a profile go through it, and the result says nothing of it.
func TestInksGoThroughTheirProfile(t *testing.T) {
	file := rastertest.File(t, filepath.Join(runtime.GOROOT(), "src/image/testdata/video-001.cmyk.jpeg"))
	m, err := stdjpeg.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	cmyk := m.(*image.CMYK) // 0 is no ink
	size := m.Bounds()
	icc := inkProfile()
	body := "ICC_PROFILE\x00\x01\x01" + string(icc)
	withICC := append([]byte("\xff\xd8\xff\xe2"+string(binary.BigEndian.AppendUint16(nil, uint16(len(body)+2)))+body), file[2:]...)
	want := newPic(size.Dx(), size.Dy(), func(x, y int) [4]float64 {
		c := cmyk.CMYKAt(x, y)
		return printed([4]float64{float64(c.C) / 255, float64(c.M) / 255, float64(c.Y) / 255, float64(c.K) / 255})
	})
	for name, data := range map[string][]byte{"jpeg": withICC, "tiff": inkTIFF(cmyk, icc)} {
		t.Run(name, func(t *testing.T) {
			b, res := made(t, data, "format=png")
			if most, mean := apart(decode(t, b).pic, want); 255*mean > 0.7 || name == "tiff" && 255*most > 3 {
				t.Errorf("off by %.2f of 255 on average, %.1f at most", 255*mean, 255*most)
			}
			if headerOf(t, b).ICC != nil || res.Note != "" {
				t.Errorf("a profile is left, or a note: %q", res.Note)
			}
			b, _ = made(t, data, "gray format=png")
			if _, mean := apart(decode(t, b).pic, want.grayed()); 255*mean > 1 {
				t.Errorf("gray: off by %.2f of 255 on average", 255*mean)
			}
			damaged := bytes.Replace(data, []byte("mft2"), []byte("mft9"), 1)
			b, res = made(t, damaged, "format=png")
			if res.Note != `colour profile ignored: A2B1: table of type "mft9"` {
				t.Errorf("damaged: note %q", res.Note)
			}
		})
	}
}

// inkTIFF is an uncompressed TIFF of CMYK with a profile.
func inkTIFF(m *image.CMYK, icc []byte) []byte {
	le := binary.LittleEndian
	w, h := m.Rect.Dx(), m.Rect.Dy()
	entries := [][4]uint32{ // tag, type, count, value
		{256, 4, 1, uint32(w)}, {257, 4, 1, uint32(h)}, {258, 3, 4, 8}, {259, 3, 1, 1}, {262, 3, 1, 5},
		{273, 4, 1, 16}, {277, 3, 1, 4}, {278, 4, 1, uint32(h)}, {279, 4, 1, uint32(4 * w * h)}, {34675, 7, uint32(len(icc)), uint32(16 + 4*w*h)},
	}
	b := []byte("II*\x00\x00\x00\x00\x00\x08\x00\x08\x00\x08\x00\x08\x00")
	for y := range h {
		b = append(b, m.Pix[y*m.Stride:][:4*w]...)
	}
	b = append(b, icc...)
	b = append(b, make([]byte, len(b)&1)...)
	le.PutUint32(b[4:], uint32(len(b)))
	b = le.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, uint16(e[0])), uint16(e[1])), e[2]), e[3])
	}
	return append(b, 0, 0, 0, 0)
}
