package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	stdgif "image/gif"
	stdjpeg "image/jpeg"
	stdpng "image/png"
)

// input is a file in one of the formats that are read, and what it shows.
type input struct {
	name   string
	format string // as codec names it
	data   []byte
	pic
	bits    int
	gray    bool // has no colour
	alpha   bool // some pixels are not opaque
	indexed bool
	lossy   bool
}

const inW, inH = 29, 23

// scene is the picture that all inputs show, in so many bits: smooth colours, a few
// edges in luma only (JPEG halves chroma), and on request alpha of all values.
func scene(bits int, gray, alpha bool) pic {
	p := newPic(inW, inH, func(x, y int) [4]float64 {
		u, v := float64(x)/(inW-1), float64(y)/(inH-1)
		c := [4]float64{0.1 + 0.6*u, 0.2 + 0.5*v, 0.7 - 0.5*u*v, 1}
		if (x/5+y/7)%2 == 0 {
			for k := range 3 {
				c[k] += 0.15
			}
		}
		if gray {
			c[1], c[2] = c[0], c[0]
		}
		if alpha {
			c[3] = math.Max(0, math.Min(1.4*(u+v)/2-0.1, 1))
		}
		return c
	})
	return p.rounded(bits)
}

func (p pic) nrgba() *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, p.w, p.h))
	for i, c := range p.px {
		for k, v := range c {
			m.Pix[4*i+k] = uint8(math.Round(v * 255))
		}
	}
	return m
}

func (p pic) nrgba64() *image.NRGBA64 {
	m := image.NewNRGBA64(image.Rect(0, 0, p.w, p.h))
	for i, c := range p.px {
		for k, v := range c {
			binary.BigEndian.PutUint16(m.Pix[8*i+2*k:], uint16(math.Round(v*65535)))
		}
	}
	return m
}

func (p pic) gray() *image.Gray {
	m := image.NewGray(image.Rect(0, 0, p.w, p.h))
	for i, c := range p.px {
		m.Pix[i] = uint8(math.Round(c[0] * 255))
	}
	return m
}

func (p pic) gray16() *image.Gray16 {
	m := image.NewGray16(image.Rect(0, 0, p.w, p.h))
	for i, c := range p.px {
		binary.BigEndian.PutUint16(m.Pix[2*i:], uint16(math.Round(c[0]*65535)))
	}
	return m
}

// paletted shows a scene in 60 colours; with alpha the first is transparent.
func (p pic) paletted(alpha bool) *image.Paletted {
	var pal color.Palette
	if alpha {
		pal = append(pal, color.NRGBA{})
	}
	for i := range 59 {
		pal = append(pal, color.NRGBA{uint8(40 + i%4*60), uint8(50 + i/4%4*55), uint8(60 + i/16*50), 255})
	}
	m := image.NewPaletted(image.Rect(0, 0, p.w, p.h), pal)
	for i, c := range p.px {
		if alpha && i%p.w < p.w/3 {
			continue
		}
		m.Pix[i] = uint8(pal.Index(color.NRGBA{uint8(c[0] * 255), uint8(c[1] * 255), uint8(c[2] * 255), 255}))
		if alpha && m.Pix[i] == 0 {
			m.Pix[i] = 1
		}
	}
	return m
}

// pnmFile is a raw or plain file of netpbm with the first n of R, G, B, A of each
// pixel, or of gray and alpha.
func (p pic) pnmFile(head string, channels []int, maxval int, plain bool) []byte {
	b := bytes.NewBufferString(head)
	for _, c := range p.px {
		for _, k := range channels {
			v := int(math.Round(c[k] * float64(maxval)))
			switch {
			case plain:
				fmt.Fprintf(b, "%d ", v)
			case maxval > 255:
				b.Write([]byte{byte(v >> 8), byte(v)})
			default:
				b.WriteByte(byte(v))
			}
		}
	}
	return b.Bytes()
}

// bmpV4 is a bottom-up bitmap of 32 bits with a BITMAPV4HEADER and an alpha mask, which
// x/image can read but not write.
func (p pic) bmpV4() []byte {
	le := binary.LittleEndian
	size := 4 * p.w * p.h
	b := le.AppendUint32([]byte("BM"), uint32(122+size))
	for _, v := range []int{0, 122, 108, p.w, p.h, 1 | 32<<16, 3, size, 2835, 2835, 0, 0, 0xff0000, 0xff00, 0xff, 0xff000000} {
		b = le.AppendUint32(b, uint32(v))
	}
	b = append(b, make([]byte, 122-len(b))...)
	for y := p.h - 1; y >= 0; y-- {
		for _, c := range p.px[y*p.w : (y+1)*p.w] {
			for _, k := range []int{2, 1, 0, 3} {
				b = append(b, uint8(math.Round(c[k]*255)))
			}
		}
	}
	return b
}

// icon is an icon of one bitmap of 32 bits, whose mask is not used.
func (p pic) icon() []byte {
	le := binary.LittleEndian
	pixels := p.bmpV4()[122:]
	mask := make([]byte, (p.w+31)/32*4*p.h)
	b := []byte{0, 0, 1, 0, 1, 0, byte(p.w), byte(p.h), 0, 0, 1, 0, 32, 0}
	for _, v := range []int{40 + len(pixels) + len(mask), 22, 40, p.w, 2 * p.h, 1 | 32<<16, 0, 0, 0, 0, 0, 0} {
		b = le.AppendUint32(b, uint32(v))
	}
	return append(append(b, pixels...), mask...)
}

// inputs returns a file of every kind that is read.
func inputs(t testing.TB) []input {
	t.Helper()
	var all []input
	buf := new(bytes.Buffer)
	add := func(in input, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(in.name, err)
		}
		if in.data == nil {
			in.data = bytes.Clone(buf.Bytes())
		}
		buf.Reset()
		all = append(all, in)
	}
	rgb8, rgb16 := scene(8, false, false), scene(16, false, false)
	rgba8, rgba16 := scene(8, false, true), scene(16, false, true)
	gray8, gray16 := scene(8, true, false), scene(16, true, false)
	graya8, graya16 := scene(8, true, true), scene(16, true, true)

	add(input{name: "png gray", format: "png", pic: gray8, bits: 8, gray: true}, stdpng.Encode(buf, gray8.gray()))
	add(input{name: "png gray 16", format: "png", pic: gray16, bits: 16, gray: true}, stdpng.Encode(buf, gray16.gray16()))
	add(input{name: "png rgb", format: "png", pic: rgb8, bits: 8}, stdpng.Encode(buf, rgb8.nrgba()))
	add(input{name: "png rgb 16", format: "png", pic: rgb16, bits: 16}, stdpng.Encode(buf, rgb16.nrgba64()))
	add(input{name: "png rgba", format: "png", pic: rgba8, bits: 8, alpha: true}, stdpng.Encode(buf, rgba8.nrgba()))
	add(input{name: "png rgba 16", format: "png", pic: rgba16, bits: 16, alpha: true}, stdpng.Encode(buf, rgba16.nrgba64()))
	for _, alpha := range []bool{false, true} {
		m := rgb8.paletted(alpha)
		name := map[bool]string{false: "palette", true: "palette with alpha"}[alpha]
		add(input{name: "png " + name, format: "png", pic: fromImage(m), bits: 8, alpha: alpha, indexed: true}, stdpng.Encode(buf, m))
		add(input{name: "gif " + name, format: "gif", pic: fromImage(m), bits: 8, alpha: alpha, indexed: true}, stdgif.Encode(buf, m, nil))
	}
	pal := rgb8.paletted(false)
	add(input{name: "bmp palette", format: "bmp", pic: fromImage(pal), bits: 8, indexed: true}, bmp.Encode(buf, pal))
	add(input{name: "bmp gray", format: "bmp", pic: gray8, bits: 8, gray: true, indexed: true}, bmp.Encode(buf, gray8.gray()))
	add(input{name: "bmp rgb", format: "bmp", pic: rgb8, bits: 8}, bmp.Encode(buf, rgb8.nrgba()))
	add(input{name: "bmp rgba", format: "bmp", pic: rgba8, bits: 8, alpha: true, data: rgba8.bmpV4()}, nil)
	add(input{name: "ico", format: "ico", pic: rgba8, bits: 8, alpha: true, data: rgba8.icon()}, nil)
	add(input{name: "tiff palette", format: "tiff", pic: fromImage(pal), bits: 8, indexed: true}, tiff.Encode(buf, pal, nil))
	add(input{name: "tiff gray", format: "tiff", pic: gray8, bits: 8, gray: true}, tiff.Encode(buf, gray8.gray(), nil))
	add(input{name: "tiff gray 16", format: "tiff", pic: gray16, bits: 16, gray: true}, tiff.Encode(buf, gray16.gray16(), nil))
	add(input{name: "tiff rgba", format: "tiff", pic: rgba8, bits: 8, alpha: true}, tiff.Encode(buf, rgba8.nrgba(), &tiff.Options{Compression: tiff.Deflate}))
	add(input{name: "tiff rgba 16", format: "tiff", pic: rgba16, bits: 16, alpha: true}, tiff.Encode(buf, rgba16.nrgba64(), nil))

	size := fmt.Sprintf("%d %d\n", inW, inH)
	pam := func(depth, maxval int, tuple string) string {
		return fmt.Sprintf("P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n", inW, inH, depth, maxval, tuple)
	}
	bitmap := newPic(inW, inH, func(x, y int) [4]float64 {
		v := float64((x/3 + y/4) % 2)
		return [4]float64{v, v, v, 1}
	})
	inverse := newPic(inW, inH, func(x, y int) [4]float64 { return [4]float64{1 - bitmap.px[y*inW+x][0]} })
	add(input{name: "pbm plain", format: "pnm", pic: bitmap, bits: 8, gray: true, data: inverse.pnmFile("P1\n"+size, []int{0}, 1, true)}, nil)
	add(input{name: "pgm plain", format: "pnm", pic: gray8, bits: 8, gray: true, data: gray8.pnmFile("P2\n"+size+"255\n", []int{0}, 255, true)}, nil)
	add(input{name: "ppm plain 16", format: "pnm", pic: rgb16, bits: 16, data: rgb16.pnmFile("P3\n"+size+"65535\n", []int{0, 1, 2}, 65535, true)}, nil)
	add(input{name: "pgm", format: "pnm", pic: gray8, bits: 8, gray: true, data: gray8.pnmFile("P5\n"+size+"255\n", []int{0}, 255, false)}, nil)
	add(input{name: "pgm 16", format: "pnm", pic: gray16, bits: 16, gray: true, data: gray16.pnmFile("P5\n"+size+"65535\n", []int{0}, 65535, false)}, nil)
	add(input{name: "ppm", format: "pnm", pic: rgb8, bits: 8, data: rgb8.pnmFile("P6\n"+size+"255\n", []int{0, 1, 2}, 255, false)}, nil)
	add(input{name: "pam gray+alpha", format: "pnm", pic: graya8, bits: 8, gray: true, alpha: true, data: graya8.pnmFile(pam(2, 255, "GRAYSCALE_ALPHA"), []int{0, 3}, 255, false)}, nil)
	add(input{name: "pam gray+alpha 16", format: "pnm", pic: graya16, bits: 16, gray: true, alpha: true, data: graya16.pnmFile(pam(2, 65535, "GRAYSCALE_ALPHA"), []int{0, 3}, 65535, false)}, nil)
	add(input{name: "pam rgba 16", format: "pnm", pic: rgba16, bits: 16, alpha: true, data: rgba16.pnmFile(pam(4, 65535, "RGB_ALPHA"), []int{0, 1, 2, 3}, 65535, false)}, nil)

	// A lossy file shows what another decoder reads from it.
	for _, gray := range []bool{true, false} {
		m, name := image.Image(rgb8.nrgba()), "jpeg colour"
		if gray {
			m, name = gray8.gray(), "jpeg gray"
		}
		err := stdjpeg.Encode(buf, m, &stdjpeg.Options{Quality: 98})
		shown, err2 := stdjpeg.Decode(bytes.NewReader(buf.Bytes()))
		if err2 != nil {
			t.Fatal(err2)
		}
		add(input{name: name, format: "jpeg", pic: fromImage(shown), bits: 8, gray: gray, lossy: true}, err)
	}
	for _, name := range []string{"lossless", "lossless-alpha", "lossy", "lossy-alpha"} {
		in := input{name: "webp " + name, format: "webp", bits: 8, lossy: strings.HasPrefix(name, "lossy"), alpha: strings.HasSuffix(name, "alpha")}
		var m image.Image
		var err error
		if in.data, err = os.ReadFile("testdata/" + name + ".webp"); err == nil && in.lossy {
			// The .png beside it is what libwebp's dwebp makes of it: x/image takes
			// WebP's studio range for JPEG's full one.
			var shown []byte
			if shown, err = os.ReadFile("testdata/" + name + ".png"); err == nil {
				m, err = stdpng.Decode(bytes.NewReader(shown))
			}
		} else if err == nil {
			m, err = webp.Decode(bytes.NewReader(in.data))
		}
		if err == nil {
			in.pic = fromImage(m)
		}
		add(in, err)
	}
	return all
}
