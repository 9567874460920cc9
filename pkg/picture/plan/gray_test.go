package plan_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// made is the one thing that is made of a picture, by the words of plantest.Ask.
func made(t *testing.T, data []byte, text string) (plan.Result, []byte) {
	t.Helper()
	var out bytes.Buffer
	var results []plan.Result
	s, err := plan.PrepareSizes(bytes.NewReader(data), int64(len(data)), plantest.Ask(text))
	if err == nil {
		results, err = s.Write([]io.Writer{&out})
	}
	if err != nil || len(results) != 1 {
		t.Fatalf("%s: %d results, %v", text, len(results), err)
	}
	return results[0], out.Bytes()
}

// photo is a picture with noise, edges and smooth parts.
func photo(w, h int) *image.NRGBA {
	rnd := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := uint8(20 + 180*x/w)
			if (x/9+y/13)%3 == 0 {
				v += 40
			}
			m.SetNRGBA(x, y, color.NRGBA{v, uint8(200 * y / h), uint8(rnd.IntN(256)), 255})
		}
	}
	return m
}

func photoJPEG(t *testing.T, w, h int) []byte {
	return rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, photo(w, h), &jpeg.Options{Quality: 90}) })
}

// The table of gray(1), through files of 8 and 16 bits: opaque colours, and red
// that is half transparent.
func TestVectorsThroughFiles(t *testing.T) {
	colours := []color.NRGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {0, 255, 255, 255}, {255, 0, 255, 255}, {255, 255, 0, 255},
		{255, 255, 255, 255}, {0, 0, 0, 255}, {255, 0, 0, 128}, {255, 255, 255, 0}}
	want := map[string][]uint8{
		"601":       {76, 150, 29, 179, 105, 226, 255, 0, 76, 255},
		"709":       {54, 182, 18, 201, 73, 237, 255, 0, 54, 255},
		"luminance": {127, 220, 76, 229, 145, 247, 255, 0, 127, 255},
	}
	for luma, grays := range want {
		m8, m16 := image.NewNRGBA(image.Rect(0, 0, len(colours), 1)), image.NewNRGBA64(image.Rect(0, 0, len(colours), 1))
		for x, c := range colours {
			m8.SetNRGBA(x, 0, c)
			m16.SetNRGBA64(x, 0, color.NRGBA64{uint16(c.R) * 257, uint16(c.G) * 257, uint16(c.B) * 257, uint16(c.A) * 257})
		}
		_, out := made(t, rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m8) }), "gray="+luma+" format=pam")
		body := out[len(out)-2*len(colours):]
		for x, c := range colours {
			if body[2*x] != grays[x] || body[2*x+1] != c.A {
				t.Errorf("%s: %v became %d, %d; want %d", luma, c, body[2*x], body[2*x+1], grays[x])
			}
		}
		_, out = made(t, rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m16) }), "gray="+luma+" format=pam")
		body = out[len(out)-4*len(colours):]
		for x, c := range colours {
			g, a := int(body[4*x])<<8|int(body[4*x+1]), int(body[4*x+2])<<8|int(body[4*x+3])
			if d := g - int(grays[x])*257; d < -129 || d > 129 || a != int(c.A)*257 {
				t.Errorf("%s, 16 bit: %v became %d, %d", luma, c, g, a)
			}
		}
	}
}

func TestJPEGIsNotDecoded(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {16, 16}, {250, 243}, {37, 8}} {
		data := photoJPEG(t, size[0], size[1])
		r, out := made(t, data, "gray")
		if r.Format != "jpeg" || r.W != size[0] || r.H != size[1] {
			t.Errorf("%v: %+v", size, r)
		}
		before, err1 := jpeg.Decode(bytes.NewReader(data))
		after, err2 := jpeg.Decode(bytes.NewReader(out))
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		y, g := before.(*image.YCbCr), after.(*image.Gray)
		for row := range size[1] {
			if !bytes.Equal(g.Pix[row*g.Stride:][:size[0]], y.Y[row*y.YStride:][:size[0]]) {
				t.Fatalf("%v: row %d is not Y", size, row)
			}
		}
		// Gray again: nothing changes any more.
		if _, again := made(t, out, "gray"); !bytes.Equal(again, out) {
			t.Errorf("%v: gray of gray differs", size)
		}
	}
}

func TestAskedQualityIsGiven(t *testing.T) {
	data := photoJPEG(t, 200, 150)
	_, kept := made(t, data, "gray")
	_, low := made(t, data, "gray quality=20")
	_, high := made(t, data, "gray quality=98")
	if len(low)*2 > len(kept) || len(high) <= len(kept) {
		t.Errorf("%d bytes kept, %d at 20, %d at 98", len(kept), len(low), len(high))
	}
}

func TestOtherLumasOfAJPEG(t *testing.T) {
	red := image.NewNRGBA(image.Rect(0, 0, 32, 32))
	for i := 0; i < len(red.Pix); i += 4 {
		copy(red.Pix[i:], []uint8{255, 0, 0, 255})
	}
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, red, &jpeg.Options{Quality: 100}) })
	for luma, want := range map[string]int{"601": 76, "709": 54, "luminance": 127} {
		_, out := made(t, data, "gray="+luma)
		m, err := jpeg.Decode(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if d := int(m.(*image.Gray).Pix[100]) - want; d < -2 || d > 2 {
			t.Errorf("%s of red: %d, want %d", luma, m.(*image.Gray).Pix[100], want)
		}
	}
}

func TestPalettesKeepTheirIndexes(t *testing.T) {
	pal := color.Palette{color.NRGBA{}, color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 255, 0, 255}, color.NRGBA{0, 0, 255, 255}, color.NRGBA{1, 2, 3, 255}}
	m := image.NewPaletted(image.Rect(0, 0, 61, 47), pal)
	for i := range m.Pix {
		m.Pix[i] = uint8(i * i / 7 % len(pal))
	}
	for _, c := range []struct {
		name   string
		data   []byte
		decode func([]byte) (image.Image, error)
	}{
		{"png", rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) }), func(b []byte) (image.Image, error) { return png.Decode(bytes.NewReader(b)) }},
		{"gif", rastertest.Encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, m, nil) }), func(b []byte) (image.Image, error) { return gif.Decode(bytes.NewReader(b)) }},
	} {
		r, out := made(t, c.data, "gray")
		if r.Format != c.name || len(out) > len(c.data) {
			t.Errorf("%s: %s of %d bytes, was %d", c.name, r.Format, len(out), len(c.data))
		}
		got, err := c.decode(out)
		if err != nil {
			t.Fatal(err)
		}
		p := got.(*image.Paletted)
		if !bytes.Equal(p.Pix, m.Pix) {
			t.Errorf("%s: other indexes", c.name)
		}
		for i, want := range []uint8{0, 76, 150, 29, 2} {
			cr := color.NRGBAModel.Convert(p.Palette[i]).(color.NRGBA)
			if alpha := uint8(255); i > 0 && cr != (color.NRGBA{want, want, want, alpha}) || i == 0 && cr.A != 0 {
				t.Errorf("%s: entry %d is %v", c.name, i, cr)
			}
		}
	}
}

func TestOpaquePictureOfRGBAHasOneSample(t *testing.T) {
	for _, bits := range []int{8, 16} {
		for _, alpha := range []bool{false, true} {
			var m image.Image
			if bits == 8 {
				n := photo(30, 20)
				n.Pix[len(n.Pix)-1] = map[bool]uint8{false: 255, true: 254}[alpha]
				m = n
			} else {
				n := image.NewNRGBA64(image.Rect(0, 0, 30, 20))
				for i := range n.Pix {
					n.Pix[i] = uint8(i) | map[bool]uint8{true: 255}[i%8 >= 6]
				}
				n.Pix[len(n.Pix)-1] = map[bool]uint8{false: 255, true: 254}[alpha]
				m = n
			}
			// The standard encoder writes RGB when all is opaque: PAM always has its alpha.
			pam := fmt.Appendf(nil, "P7\nWIDTH 30\nHEIGHT 20\nDEPTH 4\nMAXVAL %d\nTUPLTYPE RGB_ALPHA\nENDHDR\n", 1<<bits-1)
			switch n := m.(type) {
			case *image.NRGBA:
				pam = append(pam, n.Pix...)
			case *image.NRGBA64:
				pam = append(pam, n.Pix...)
			}
			_, out := made(t, pam, "gray format=png")
			if want := map[bool]byte{false: 0, true: 4}[alpha]; out[25] != want || int(out[24]) != bits {
				t.Errorf("%d bit, alpha %v: PNG of colour type %d, %d bit", bits, alpha, out[25], out[24])
			}
		}
	}
}

// A picture whose gray is too large to be held is written once its alpha has been looked
// at, or again if a pixel is not opaque; metadata to keep stay.
func TestLargePictureWithAlpha(t *testing.T) {
	const w, h = 1600, 1500
	pam := fmt.Appendf(nil, "P7\nWIDTH %d\nHEIGHT %d\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n", w, h)
	head := len(pam)
	rnd := rand.New(rand.NewPCG(5, 6))
	for range w * h {
		v := byte(rnd.Uint32())
		pam = append(pam, v, v, v, 255)
	}
	for name, at := range map[string]int{"opaque": -1, "first pixel": 0, "last pixel": w*h - 1} {
		t.Run(name, func(t *testing.T) {
			data, want := bytes.Clone(pam), byte(0)
			if at >= 0 {
				data[head+4*at+3], want = 100, 4
			}
			_, out := made(t, data, "gray format=png")
			if out[25] != want {
				t.Fatalf("colour type %d, want %d", out[25], want)
			}
			m, err := png.Decode(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			for i := range w * h {
				c := color.NRGBAModel.Convert(m.At(i%w, i/w)).(color.NRGBA)
				if c.R != data[head+4*i] || c.A != data[head+4*i+3] {
					t.Fatalf("pixel %d: %v, want %v", i, c, data[head+4*i:][:4])
				}
			}
		})
	}
}

// A gray PNG is copied, and so keeps 1, 2 or 4 bits.
func TestFewBitsStayFew(t *testing.T) {
	for _, depth := range []byte{1, 2, 4, 8} {
		data := []byte("\x89PNG\r\n\x1a\n")
		chunk := func(kind string, body []byte) {
			data = binary.BigEndian.AppendUint32(data, uint32(len(body)))
			body = append([]byte(kind), body...)
			data = binary.BigEndian.AppendUint32(append(data, body...), crc32.ChecksumIEEE(body))
		}
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		for y := range 5 { // 16 pixels a row: all samples there are, from y on
			w.Write([]byte{0})
			row := make([]byte, 2*depth)
			for x := range 16 {
				row[x*int(depth)/8] |= byte(x+y) & (1<<depth - 1) << (8 - depth - byte(x)*depth%8)
			}
			w.Write(row)
		}
		w.Close()
		chunk("IHDR", []byte{0, 0, 0, 16, 0, 0, 0, 5, depth, 0, 0, 0, 0})
		chunk("IDAT", z.Bytes())
		chunk("IEND", nil)
		_, out := made(t, data, "gray")
		if !bytes.Contains(out, z.Bytes()) {
			t.Errorf("%d bit: not the same compressed pixels", depth)
		}
		if out[24] != depth || out[25] != 0 {
			t.Errorf("%d bit became %d bit, colour type %d", depth, out[24], out[25])
		}
		a, err1 := png.Decode(bytes.NewReader(data))
		b, err2 := png.Decode(bytes.NewReader(out))
		if err1 != nil || err2 != nil || !bytes.Equal(a.(*image.Gray).Pix, b.(*image.Gray).Pix) {
			t.Errorf("%d bit: other samples, %v, %v", depth, err1, err2)
		}
	}
}

func TestAnimation(t *testing.T) {
	var g gif.GIF
	for i := range 5 {
		m := image.NewPaletted(image.Rect(i, 0, 20, 20), color.Palette{color.NRGBA{}, color.NRGBA{uint8(50 * i), 200, 0, 255}})
		for k := range m.Pix {
			m.Pix[k] = uint8(k+i) % 2
		}
		g.Image = append(g.Image, m)
		g.Delay = append(g.Delay, 3+i)
		g.Disposal = append(g.Disposal, byte(1+i%3))
	}
	g.Config.Width, g.Config.Height, g.LoopCount = 20, 20, 7
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, &g) })
	for _, o := range []string{"gray", "gray handover scale=1/2"} {
		r, out := made(t, data, o)
		if r.Format != "gif" || r.Type != "image/gif" || r.Note != "" || r.W != 20 || o != "gray" && (r.Reduced != 8 || r.Goals[0].W != 10 || r.FullH != 20) {
			t.Errorf("%+v", r)
		}
		got, err := gif.DecodeAll(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Image) != 5 || !slices.Equal(got.Delay, g.Delay) || !slices.Equal(got.Disposal, g.Disposal) || got.LoopCount != 7 {
			t.Errorf("%d frames, delays %v, disposal %v, loop %d", len(got.Image), got.Delay, got.Disposal, got.LoopCount)
		}
		for i, m := range got.Image {
			if m.Rect != g.Image[i].Rect || !bytes.Equal(m.Pix, g.Image[i].Pix) {
				t.Errorf("frame %d: another picture", i)
			}
			want := color.GrayModel.Convert(g.Image[i].Palette[1]).(color.Gray).Y
			if c := color.NRGBAModel.Convert(m.Palette[1]).(color.NRGBA); c.R != c.B || c.R+1 < want || c.R > want+1 {
				t.Errorf("frame %d: colour %v, want %d", i, c, want)
			}
		}
	}
	if r, _ := made(t, data, "gray format=jpeg"); r.Note != "first of 5 frames" {
		t.Errorf("to JPEG: note %q", r.Note)
	}
	var sink bytes.Buffer
	if _, err := plan.Run(&sink, bytes.NewReader(data), int64(len(data)), plantest.Within(raster.Limits{Pixels: 1999}, "gray")); fault.Of(err) != fault.TooLarge {
		t.Errorf("5 frames of 400 pixels within 1999: %v", err)
	}
}

// On two CPUs comes what comes on one.
func TestGrayAheadIsTheSame(t *testing.T) {
	m := photo(1300, 900)
	data := rastertest.Encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
	for _, o := range []string{"gray", "gray format=jpeg", "gray=709 format=pnm"} {
		want, wantOut := made(t, data, o)
		o += " ahead"
		if got, out := made(t, data, o); !reflect.DeepEqual(got, want) || !bytes.Equal(out, wantOut) {
			t.Errorf("%+v: %+v, %d bytes; want %+v, %d bytes", o, got, len(out), want, len(wantOut))
		}
	}
	o := plantest.Ask("gray ahead")
	if _, err := plan.Run(full{}, bytes.NewReader(data), int64(len(data)), o); err != errFull {
		t.Errorf("to a full disk: %v", err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
