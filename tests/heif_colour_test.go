package tests

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// light returns light relative to white of 203 cd/m² for coded values of 0 to 1: by the
// formulas of BT.2100 for PQ, and for HLG on a display of 1000 cd/m².
func light(transfer int, v [3]float64) (l [3]float64) {
	const white = 203
	if transfer == 16 {
		const m1, m2, c1, c2, c3 = 2610. / 16384, 2523. / 32, 3424. / 4096, 2413. / 128, 2392. / 128
		for i, e := range v {
			p := math.Pow(e, 1/m2)
			l[i] = 10000 / white * math.Pow(max(p-c1, 0)/(c2-c3*p), 1/m1)
		}
		return l
	}
	const a, b, c = 0.17883277, 0.28466892, 0.55991073
	for i, e := range v {
		if e <= 0.5 {
			l[i] = e * e / 3
		} else {
			l[i] = (math.Exp((e-c)/a) + b) / 12
		}
	}
	y := 0.2627*l[0] + 0.6780*l[1] + 0.0593*l[2]
	for i := range l {
		l[i] *= 1000. / white * math.Pow(y, 0.2)
	}
	return l
}

// displayed returns the sRGB samples of light in the primaries of BT.2020, cut at white.
func displayed(l [3]float64) (v [3]float64) {
	for i, row := range [3][3]float64{{1.660491, -0.587641, -0.072850}, {-0.124550, 1.132900, -0.008349}, {-0.018151, -0.100579, 1.118730}} {
		s := min(max(row[0]*l[0]+row[1]*l[1]+row[2]*l[2], 0), 1)
		if s <= 0.0031308 {
			v[i] = 255 * 12.92 * s
		} else {
			v[i] = 255 * (1.055*math.Pow(s, 1/2.4) - 0.055)
		}
	}
	return v
}

// PQ and HLG of 10 bits: PNG keeps samples and coding, other formats have what a display
// shows, with a note, in gray and in colour, through the filters and over HTTP.
func TestHEIFOfHighDynamicRange(t *testing.T) {
	const w, h = 64, 48
	source := image.NewRGBA64(image.Rect(0, 0, w, h))
	for i := range w * h {
		x, y := float64(i%w)/w, float64(i/w)/h
		at := func(v float64) uint16 { return uint16(v * 65535) }
		source.SetRGBA64(i%w, i/w, color.RGBA64{at(0.1 + 0.5*x), at(0.15 + 0.4*y), at(0.6 - 0.3*x), 65535})
	}
	s := startImgd(t)
	s.decodes(t)
	for transfer, names := range map[int][2]string{16: {"PQ", "smpte2084"}, 18: {"HLG", "arib-std-b67"}} {
		for name, line := range map[string]string{
			"a.avif": fmt.Sprintf("avifenc -d 10 --cicp 9/%d/9 -r full -y 444 --min 0 --max 2 -s 8 in.png a.avif", transfer),
			"a.heic": fmt.Sprintf("heif-enc -b 10 -q 95 -p chroma=444 -p x265:transfer=%s -p x265:colorprim=bt2020 in.png -o a.heic", names[1]),
		} {
			t.Run(names[0]+" "+name, func(t *testing.T) {
				dir := t.TempDir()
				save(t, dir, "in.png", source)
				must(t, dir, line)
				file := filepath.Join(dir, name)
				data := read(t, file)
				pixels := func(f func(x, y int) float64) float64 {
					sum := 0.0
					for i := range w * h {
						sum += math.Abs(f(i%w, i/w))
					}
					return sum / (w * h)
				}
				coded := func(x, y int) [3]float64 {
					c := source.RGBA64At(x, y)
					return [3]float64{float64(c.R) / 65535, float64(c.G) / 65535, float64(c.B) / 65535}
				}
				check := func(what string, got []byte, gray bool) {
					t.Helper()
					m, _ := decode(t, got)
					if d := pixels(func(x, y int) float64 {
						r, g, b, _ := m.At(x, y).RGBA()
						want := displayed(light(transfer, coded(x, y)))
						if luma := 0.299*want[0] + 0.587*want[1] + 0.114*want[2]; gray {
							return float64(g)/257 - luma
						}
						return (math.Abs(float64(r)/257-want[0]) + math.Abs(float64(g)/257-want[1]) + math.Abs(float64(b)/257-want[2])) / 3
					}); d > 2.5 {
						t.Errorf("%s: %.2f levels off", what, d)
					}
				}
				check("gray", must(t, dir, "gray -f jpeg "+name+" 2>note"), true)
				if note := string(read(t, filepath.Join(dir, "note"))); !strings.Contains(note, names[0]+": light above white") {
					t.Errorf("note %q", note)
				}
				check("colour", must(t, dir, "scale -f webp -quality lossless 1 "+name+" 2>/dev/null"), false)
				check("gray over HTTP", s.bytes(t, "/image?gray&format=jpeg", data), true)
				check("colour over HTTP", s.bytes(t, "/image?format=webp&quality=lossless", data), false)

				// In PNG the samples stay as they are coded.
				matrix := map[string][2]float64{"a.avif": {0.2627, 0.0593}, "a.heic": {0.299, 0.114}}[name]
				for what, got := range map[string][]byte{
					"scale": must(t, dir, "scale -f png 1 "+name), "gray": must(t, dir, "gray -f png "+name),
					"colour over HTTP": s.bytes(t, "/image?format=png", data), "gray over HTTP": s.bytes(t, "/image?gray&format=png", data),
				} {
					if want := append(binary.BigEndian.AppendUint32(nil, 4), "cICP\x09"+string([]byte{byte(transfer), 0, 1})...); !bytes.Contains(got, want) {
						t.Errorf("%s: no cICP of %s", what, names[0])
					}
					matrix := matrix
					if what == "gray over HTTP" { // colours travel between the daemons
						matrix = [2]float64{0.299, 0.114}
					}
					m, _ := decode(t, got)
					if d := pixels(func(x, y int) float64 {
						r, g, b, _ := m.At(x, y).RGBA()
						want := coded(x, y)
						if luma := matrix[0]*want[0] + (1-matrix[0]-matrix[1])*want[1] + matrix[1]*want[2]; r == g && g == b {
							return float64(r)/65535 - luma
						}
						return (math.Abs(float64(r)/65535-want[0]) + math.Abs(float64(g)/65535-want[1]) + math.Abs(float64(b)/65535-want[2])) / 3
					}); d > 6./1023 {
						t.Errorf("%s: %.1f of 1023 levels off", what, d*1023)
					}
				}
			})
		}
	}
}

// A HEIC and an AVIF are cropped as the upright picture lies, with whatever orientation they
// are stored, by the filter and over HTTP.
func TestHEIFCrop(t *testing.T) {
	s := startImgd(t)
	s.decodes(t)
	for _, name := range []string{"a.heic", "a.avif"} {
		for _, turn := range []string{"", "turned"} {
			t.Run(name+turn, func(t *testing.T) {
				file, source := encoded(t, name, 160, 120)
				data := read(t, file)
				if turn != "" {
					if name == "a.heic" {
						t.Skip("heif-enc turns nothing")
					}
					dir := filepath.Dir(file)
					must(t, dir, "avifenc --min 10 --max 20 -y 420 --irot 1 in.png "+name) // a quarter to the left
					data = read(t, file)
					upright := image.NewRGBA(image.Rect(0, 0, 120, 160))
					for i := range 120 * 160 {
						x, y := i%120, i/120
						upright.Set(x, y, source.At(159-y, x))
					}
					source = upright
				}
				part := image.Rect(31, 22, 31+64, 22+50)
				want := image.NewRGBA(image.Rect(0, 0, 64, 50))
				for i := range 64 * 50 {
					want.Set(i%64, i/64, source.At(part.Min.X+i%64, part.Min.Y+i/64))
				}
				for what, got := range map[string][]byte{
					"scale":  must(t, t.TempDir(), "scale -crop 64x50+31+22 -f png 1 "+file),
					"gray":   must(t, t.TempDir(), "gray -crop 64x50+31+22 -f png "+file),
					"HTTP":   s.bytes(t, "/image?crop=64x50%2B31%2B22&format=png", data),
					"HTTP 2": s.bytes(t, "/image?gray&crop=64x50%2B31%2B22&format=jpeg", data),
				} {
					m, _ := decode(t, got)
					if m.Bounds().Size() != want.Bounds().Size() {
						t.Fatalf("%s: %v", what, m.Bounds())
					}
					if d := apart(t, m, want); d > 2 {
						t.Errorf("%s: %.2f levels off", what, d)
					}
				}
				half := must(t, t.TempDir(), "scale -fit cover -gravity west -f png 30x40 "+file)
				m, _ := decode(t, half)
				other, _ := decode(t, s.bytes(t, "/image?scale=30x40&fit=cover&gravity=west&format=png", data))
				if m.Bounds().Dx() != 30 || m.Bounds().Dy() != 40 || apart(t, m, other) > 0.5 {
					t.Errorf("%v, over HTTP %v, %.2f levels away", m.Bounds(), other.Bounds(), apart(t, m, other))
				}
			})
		}
	}
}

// Gray of a file whose matrix is not that of BT.601 is its luma, also over HTTP: the daemons
// pass that on, and no colours.
func TestHEIFGrayIsLumaOfTheFile(t *testing.T) {
	s := startImgd(t)
	s.decodes(t)
	dir := t.TempDir()
	m := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range 64 * 48 {
		m.SetRGBA(i%64, i/64, color.RGBA{uint8(220 - i%64), uint8(30 + i/64), 60, 255})
	}
	save(t, dir, "in.png", m)
	must(t, dir, "avifenc --cicp 1/13/1 -r full -y 420 --min 0 --max 3 in.png a.avif")
	for what, got := range map[string][]byte{
		"gray": must(t, dir, "gray -f png a.avif"),
		"HTTP": s.bytes(t, "/image?gray&format=png", read(t, filepath.Join(dir, "a.avif"))),
	} {
		gray, _ := decode(t, got)
		sum := 0.0
		for i := range 64 * 48 {
			x, y := i%64, i/64
			c := m.RGBAAt(x, y)
			v, _, _, _ := gray.At(x, y).RGBA()
			sum += math.Abs(float64(v)/257 - (0.2126*float64(c.R) + 0.7152*float64(c.G) + 0.0722*float64(c.B)))
		}
		if sum /= 64 * 48; sum > 1 {
			t.Errorf("%s: %.2f levels off", what, sum)
		}
	}
}
