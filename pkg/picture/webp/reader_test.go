package webp

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

func read(t testing.TB, name string) []byte {
	return rastertest.File(t, filepath.Join("testdata", name))
}

func open(b []byte) (*Reader, error) {
	return Open(bytes.NewReader(b), int64(len(b)), raster.Limits{})
}

// decode returns the reader, the header of its rows and all planes' samples.
func decode(b []byte, hint raster.Hint) (*Reader, *raster.Header, [3][]uint8, error) {
	var out [3][]uint8
	r, err := open(b)
	if err != nil {
		return nil, nil, out, err
	}
	rows, err := r.Rows(hint)
	if err != nil {
		return nil, nil, out, err
	}
	err = raster.Each(rows, func(p, _ int, row raster.Plane) bool {
		out[p] = append(out[p], row.Pix...)
		return true
	})
	return r, rows.Header(), out, err
}

// The pictures of testdata were written by cwebp; beside each is what dwebp
// makes of it.
func TestSameAsDwebp(t *testing.T) {
	for name, c := range map[string]struct {
		lossless, alpha bool
		orientation     uint8
	}{
		"lossy": {}, "lossy-even": {}, "lossy-1x1": {}, "lossy-filtered": {}, "lossy-simple": {}, "exif": {orientation: 6},
		"lossless": {lossless: true}, "lossless-few": {lossless: true}, "lossless-alpha": {lossless: true, alpha: true},
		"alpha": {alpha: true}, "alpha-raw": {alpha: true}, "alpha-fast": {alpha: true}, "alpha-best": {alpha: true},
	} {
		t.Run(name, func(t *testing.T) {
			ref, err := png.Decode(bytes.NewReader(read(t, name+".png")))
			if err != nil {
				t.Fatal(err)
			}
			r, h, got, err := decode(read(t, name+".webp"), raster.Hint{})
			if err != nil {
				t.Fatal(err)
			}
			if r.Lossless() != c.lossless || r.HasAlpha() != c.alpha || h.Orientation != max(1, c.orientation) || h.Layout.HasAlpha() != c.alpha {
				t.Errorf("lossless %v, alpha %v, %+v", r.Lossless(), r.HasAlpha(), h)
			}
			if ref.Bounds() != image.Rect(0, 0, h.W(), h.H()) || h.FullW != h.W() || h.FullH != h.H() {
				t.Fatalf("%d×%d, want %v", h.W(), h.H(), ref.Bounds())
			}
			n := h.Layout.Samples()
			for i := range h.W() * h.H() {
				px := append(slices.Clone(got[0][i*n:(i+1)*n]), 255)
				want := color.NRGBAModel.Convert(ref.At(i%h.W(), i/h.W())).(color.NRGBA)
				if have := (color.NRGBA{px[0], px[1], px[2], px[3]}); have != want {
					t.Fatalf("pixel %d is %v, want %v", i, have, want)
				}
			}
		})
	}
}

// The planes and luma are the same picture in full range: within rounding of
// the colours, which come from studio range directly.
func TestPlanesAndLuma(t *testing.T) {
	for _, name := range []string{"lossy", "lossy-even", "lossy-1x1"} {
		b := read(t, name+".webp")
		_, h, rgb, err := decode(b, raster.Hint{})
		if err != nil {
			t.Fatal(err)
		}
		_, hp, planes, err := decode(b, raster.Hint{Planar: true})
		if err != nil {
			t.Fatal(err)
		}
		r, hl, luma, err := decode(b, raster.Hint{Planar: true, Luma: true})
		if err != nil {
			t.Fatal(err)
		}
		if h.Layout != raster.RGB || hp.Layout != raster.YCbCr || hl.Layout != raster.Gray {
			t.Errorf("%s: %v %v %v", name, h.Layout, hp.Layout, hl.Layout)
		}
		if !slices.Equal(hp.Planes, r.Header().Planes) || r.Header().Layout != raster.YCbCr {
			t.Errorf("%s: planes %+v, header %+v", name, hp.Planes, r.Header())
		}
		if !slices.Equal(planes[0], luma[0]) {
			t.Errorf("%s: luma alone differs from the plane", name)
		}
		sum := 0.
		for i := range luma[0] {
			y := 0.299*float64(rgb[0][3*i]) + 0.587*float64(rgb[0][3*i+1]) + 0.114*float64(rgb[0][3*i+2])
			sum += math.Abs(y - float64(luma[0][i]))
		}
		// Clipped colours differ more; on average it is less than a step.
		if mean := sum / float64(len(luma[0])); mean > 1 {
			t.Errorf("%s: luma is off by %.2f on average", name, mean)
		}
		if lo, hi := slices.Min(luma[0]), slices.Max(luma[0]); name == "lossy" && hi-lo < 60 {
			t.Errorf("%s: luma %d..%d", name, lo, hi)
		}
	}
	_, h, got, err := decode(read(t, "alpha.webp"), raster.Hint{Planar: true, Luma: true})
	if err != nil || h.Layout != raster.GrayA {
		t.Fatal(h, err)
	}
	_, _, rgba, _ := decode(read(t, "alpha.webp"), raster.Hint{})
	for i := range len(got[0]) / 2 {
		if got[0][2*i+1] != rgba[0][4*i+3] {
			t.Fatalf("alpha of pixel %d is %d, want %d", i, got[0][2*i+1], rgba[0][4*i+3])
		}
	}
}

func TestStudioRangeIsWidened(t *testing.T) {
	for _, c := range []struct{ v, luma, chroma int }{{0, 0, 0}, {16, 0, 1}, {17, 1, 2}, {126, 128, 126}, {128, 130, 128}, {235, 255, 250}, {240, 255, 255}, {255, 255, 255}} {
		if int(wide[0][c.v]) != c.luma || int(wide[1][c.v]) != c.chroma {
			t.Errorf("%d: luma %d, chroma %d; want %d, %d", c.v, wide[0][c.v], wide[1][c.v], c.luma, c.chroma)
		}
	}
}

// riff builds a file of chunks: name, data, name, data …
func riff(chunks ...any) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WEBP")
	for i := 0; i < len(chunks); i += 2 {
		data := chunks[i+1].([]byte)
		b = append(b, chunks[i].(string)...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
		b = append(b, data...)
		if len(data)%2 == 1 {
			b = append(b, 0)
		}
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

// vp8x is the data of a VP8X chunk.
func vp8x(flags byte, w, h int) []byte {
	w, h = w-1, h-1
	return []byte{flags, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)}
}

// part returns the data of a chunk of a file of testdata.
func part(t testing.TB, file, name string) []byte {
	b := read(t, file)
	r, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	at := r.main.bits
	if name == "ALPH" {
		at = *r.main.alph
	}
	data, err := at.read(r.r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAlphaFilters(t *testing.T) {
	vp8 := part(t, "lossy.webp", "VP8 ")
	const w, h = 37, 29
	r := rand.New(rand.NewPCG(1, 2))
	plane := make([]uint8, w*h)
	for i := range plane {
		plane[i] = uint8(r.IntN(256))
	}
	for method := range 4 {
		data := []byte{byte(method << 2)}
		for i, v := range plane {
			x, y := i%w, i/w
			at := func(x, y int) int { return int(plane[y*w+x]) }
			var p int
			switch {
			case method == 0, i == 0:
			case y == 0:
				p = at(x-1, 0)
			case x == 0:
				p = at(0, y-1)
			case method == 1:
				p = at(x-1, y)
			case method == 2:
				p = at(x, y-1)
			default:
				p = max(0, min(255, at(x-1, y)+at(x, y-1)-at(x-1, y-1)))
			}
			data = append(data, v-uint8(p))
		}
		_, _, got, err := decode(riff("VP8X", vp8x(0x10, w, h), "ALPH", data, "VP8 ", vp8), raster.Hint{})
		if err != nil {
			t.Errorf("method %d: %v", method, err)
			continue
		}
		for i, v := range plane {
			if got[0][4*i+3] != v {
				t.Errorf("method %d: alpha %d is %d, want %d", method, i, got[0][4*i+3], v)
				break
			}
		}
	}
}

func TestMetadata(t *testing.T) {
	profile := make([]byte, 128)
	binary.BigEndian.PutUint32(profile, 128)
	copy(profile[16:], "RGB ")
	copy(profile[36:], "acsp")
	exif := []byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00")
	b := riff("VP8X", vp8x(0x28, 37, 29), "ICCP", profile, "VP8 ", part(t, "lossy.webp", "VP8 "), "XMP ", []byte("odd"), "EXIF", exif)
	for name, b := range map[string][]byte{"whole": b, "more behind": append(slices.Clone(b), "trailing"...)} {
		r, h, _, err := decode(b, raster.Hint{Planar: true})
		if err != nil || h.Orientation != 8 || !bytes.Equal(h.ICC, profile) || r.Header().Orientation != 8 {
			t.Errorf("%s: %v %+v", name, err, h)
		}
	}
	// What is no profile is left out.
	b = riff("VP8X", vp8x(0x20, 37, 29), "ICCP", profile[:50], "VP8 ", part(t, "lossy.webp", "VP8 "))
	if _, h, _, err := decode(b, raster.Hint{}); err != nil || h.ICC != nil || h.Orientation != 1 {
		t.Errorf("bad profile: %v %+v", err, h)
	}
}

func TestRefusals(t *testing.T) {
	lossy, lossless := part(t, "lossy.webp", "VP8 "), part(t, "lossless.webp", "VP8L")
	alpha := part(t, "alpha.webp", "ALPH")
	raw := part(t, "alpha-raw.webp", "ALPH")
	patch := func(b []byte, at int, v ...byte) []byte {
		b = slices.Clone(b)
		copy(b[at:], v)
		return b
	}
	file := riff("VP8 ", lossy)
	many := slices.Repeat([]any{"ABCD", []byte{}}, 1001)
	for _, c := range []struct {
		name string
		b    []byte
		kind fault.Kind
		text string
	}{
		{"nothing", nil, fault.Format, "truncated in the RIFF header"},
		{"other RIFF", []byte("RIFF\x04\x00\x00\x00WAVE"), fault.Format, "not a WebP"},
		{"no picture", riff("EXIF", []byte("odd")), fault.Format, "without a picture"},
		{"cut", file[:len(file)-10], fault.Format, "truncated"},
		{"chunk too long", patch(file, 16, 0, 0, 1), fault.Format, `chunk "VP8 " has `},
		{"many chunks", riff(many...), fault.Format, "1000 chunks"},
		{"short VP8X", riff("VP8X", vp8x(0, 37, 29)[:9], "VP8 ", lossy), fault.Format, "VP8X"},
		{"small canvas", riff("VP8X", vp8x(0, 37, 28), "VP8 ", lossy), fault.Format, "picture of 37×29 on a canvas of 37×28"},
		{"large canvas", riff("VP8X", vp8x(0, 1<<24, 1<<24), "VP8L", lossless), fault.Format, "canvas of 16777216"},
		{"lossy header", riff("VP8 ", lossy[:9]), fault.Format, "lossy header"},
		{"inter frame", riff("VP8 ", patch(lossy, 0, lossy[0]|1)), fault.Format, "key frame"},
		{"0 wide", riff("VP8 ", patch(lossy, 6, 0, 0)), fault.Format, "0×29"},
		{"lossless header", riff("VP8L", lossless[:4]), fault.Format, "lossless header"},
		{"lossless version", riff("VP8L", patch(lossless, 4, 0xe0)), fault.Format, "not lossless"},
		{"lossy data cut", riff("VP8 ", lossy[:len(lossy)/2]), fault.Format, "truncated"},
		{"lossless data cut", riff("VP8L", lossless[:len(lossless)/2]), fault.Format, "truncated"},
		{"lossless damaged", riff("VP8L", patch(lossless, 20, bytes.Repeat([]byte{0xff}, 200)...)), fault.Format, "WebP data"},
		{"alpha cut", riff("VP8X", vp8x(16, 37, 29), "ALPH", alpha[:9], "VP8 ", lossy), fault.Format, "truncated"},
		{"raw alpha cut", riff("VP8X", vp8x(16, 37, 29), "ALPH", raw[:99], "VP8 ", lossy), fault.Format, "truncated in the alpha plane"},
		{"empty alpha", riff("VP8X", vp8x(16, 37, 29), "ALPH", []byte{}, "VP8 ", lossy), fault.Format, "empty alpha"},
		{"alpha method", riff("VP8X", vp8x(16, 37, 29), "ALPH", []byte{2, 0}, "VP8 ", lossy), fault.Format, "compression 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, _, err := decode(c.b, raster.Hint{})
			if err == nil || fault.Of(err) != c.kind || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v; want %v with %q", err, c.kind, c.text)
			}
		})
	}
	// The flag of alpha without a plane is opaque, as libwebp has it.
	if _, h, _, err := decode(riff("VP8X", vp8x(16, 37, 29), "VP8 ", lossy), raster.Hint{}); err != nil || h.Layout != raster.RGB {
		t.Errorf("no alpha plane: %v %v", h, err)
	}
}

func TestLimits(t *testing.T) {
	for _, name := range []string{"lossy", "lossless", "alpha"} {
		b := read(t, name+".webp")
		if _, err := Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Pixels: 1000}); fault.Of(err) != fault.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
		r, err := Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Mem: 1500})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Rows(raster.Hint{}); fault.Of(err) != fault.TooLarge || !strings.Contains(err.Error(), "-maxmem") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryTruncationIsAnError(t *testing.T) {
	for _, name := range []string{"lossy", "lossless", "alpha", "exif"} {
		whole := read(t, name+".webp")
		for n := 0; n < len(whole)-1; n += 1 + n/20 {
			if _, _, _, err := decode(whole[:n], raster.Hint{}); fault.Of(err) != fault.Format {
				t.Errorf("%s cut to %d of %d bytes: %v", name, n, len(whole), err)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	files, err := filepath.Glob("testdata/*.webp")
	if err != nil || len(files) == 0 {
		f.Fatal(err, files)
	}
	for _, name := range files {
		f.Add(read(f, filepath.Base(name)), uint8(0))
		f.Add(read(f, filepath.Base(name)), uint8(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, hint uint8) {
		r, err := Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Pixels: 1 << 18, Mem: 4 << 20, Lenient: hint&4 != 0})
		var rows raster.Rows
		if err == nil {
			rows, err = r.Rows(raster.Hint{Planar: hint&1 != 0, Luma: hint&2 != 0})
		}
		if err == nil {
			err = raster.Each(rows, func(int, int, raster.Plane) bool { return true })
		}
		if err == nil {
			_, _, err = frames(r)
		}
		if err != nil {
			if k := fault.Of(err); k != fault.Format && k != fault.Unsupported && k != fault.TooLarge {
				t.Fatalf("%v: %v", k, err)
			}
		}
	})
}

// Colours by vectors, where there are any, are those of the plain loop, and both are
// within a level of the definition in real numbers.
func TestColoursBothWays(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for w := 1; w <= 140; w++ {
		var m mixer
		c := randomChroma(r, (w+1)/2)
		luma := make([]uint8, w)
		for x := range luma {
			luma[x] = uint8(r.IntN(256))
		}
		for _, samples := range []int{3, 4} {
			got, want := make([]uint8, w*samples), make([]uint8, w*samples)
			m.mix(got, samples, luma, c)
			m.plain(want, samples, luma, c, 0)
			if !bytes.Equal(got, want) {
				t.Fatalf("%d pixels of %d samples differ", w, samples)
			}
			for x := range w {
				at := func(near, far []uint8) float64 {
					i := x / 2
					j := min(max(i-1+2*(x%2), 0), len(c.near[0])-1)
					return (9*float64(near[i])+3*float64(near[j])+3*float64(far[i])+float64(far[j]))/16 - 128
				}
				cb, cr, y := at(c.near[0], c.far[0]), at(c.near[1], c.far[1]), 255./219*(float64(luma[x])-16)
				for c, v := range []float64{y + 255./224*1.402*cr, y - 255./224*(0.344136*cb+0.714136*cr), y + 255./224*1.772*cb} {
					if v = max(0, min(255, v)); math.Abs(v-float64(want[x*samples+c])) > 1.7 {
						t.Fatalf("pixel %d of %d, sample %d is %d, want %.2f", x, w, c, want[x*samples+c], v)
					}
				}
			}
		}
	}
}

// Pixels of all widths are packed as three bytes each.
func TestPackRGB(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for w := range 70 {
		row, want := make([]uint32, w), []uint8{}
		for i := range row {
			row[i] = r.Uint32()
			want = append(want, uint8(row[i]>>16), uint8(row[i]>>8), uint8(row[i]))
		}
		got := make([]uint8, 3*w)
		if packRGB(got, row); !bytes.Equal(got, want) {
			t.Fatalf("%d pixels: %v, want %v", w, got, want)
		}
	}
}
