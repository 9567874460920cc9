package picture

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/raster"

	stdgif "image/gif"
	stdjpeg "image/jpeg"
	stdpng "image/png"
)

// pic is a picture as the oracle sees it: straight R, G, B, A from 0 to 1.
type pic struct {
	w, h int
	px   [][4]float64
}

func newPic(w, h int, f func(x, y int) [4]float64) pic {
	p := pic{w: w, h: h}
	for y := range h {
		for x := range w {
			p.px = append(p.px, f(x, y))
		}
	}
	return p
}

// grayed is Rec. 601 luma of the straight colours.
func (p pic) grayed() pic {
	return newPic(p.w, p.h, func(x, y int) [4]float64 {
		c := p.px[y*p.w+x]
		v := 0.299*c[0] + 0.587*c[1] + 0.114*c[2]
		return [4]float64{v, v, v, c[3]}
	})
}

// flat is the picture on a white page.
func (p pic) flat() pic {
	return newPic(p.w, p.h, func(x, y int) [4]float64 {
		c := p.px[y*p.w+x]
		for k := range 3 {
			c[k] = c[k]*c[3] + 1 - c[3]
		}
		c[3] = 1
		return c
	})
}

// rounded is the picture with samples rounded to so many bits.
func (p pic) rounded(bits int) pic {
	full := float64(int(1)<<bits - 1)
	return newPic(p.w, p.h, func(x, y int) [4]float64 {
		c := p.px[y*p.w+x]
		for k := range c {
			c[k] = math.Round(c[k]*full) / full
		}
		return c
	})
}

func lanczos3(x float64) float64 {
	x = math.Abs(x)
	if x < 1e-12 {
		return 1
	}
	if x >= 3 {
		return 0
	}
	return 3 * math.Sin(math.Pi*x) * math.Sin(math.Pi*x/3) / (math.Pi * math.Pi * x * x)
}

// weights returns the weight of each of the n samples of a side for output j of out: the
// kernel, centred, widened when shrinking, and divided by the sum inside the picture.
func weights(n, out, j int) []float64 {
	f := float64(n) / float64(out)
	centre := (float64(j)+0.5)*f - 0.5
	w, sum := make([]float64, n), 0.0
	for i := range w {
		w[i] = lanczos3((float64(i) - centre) / max(f, 1))
		sum += w[i]
	}
	for i := range w {
		w[i] /= sum
	}
	return w
}

// scaled resamples premultiplied values by the definition of Lanczos3.
func (p pic) scaled(w, h int) pic {
	var wx, wy [][]float64
	for j := range w {
		wx = append(wx, weights(p.w, w, j))
	}
	for j := range h {
		wy = append(wy, weights(p.h, h, j))
	}
	// Across, premultiplied; then down. Nothing is rounded or clamped between.
	across := newPic(w, p.h, func(x, y int) (s [4]float64) {
		for i, a := range wx[x] {
			c := p.px[y*p.w+i]
			for m := range 3 {
				s[m] += a * c[m] * c[3]
			}
			s[3] += a * c[3]
		}
		return s
	})
	return newPic(w, h, func(x, y int) (s [4]float64) {
		for i, a := range wy[y] {
			for m, v := range across.px[i*w+x] {
				s[m] += a * v
			}
		}
		s[3] = max(0, min(s[3], 1))
		for m := range 3 {
			s[m] = max(0, min(s[m], s[3]))
			if s[3] > 0 {
				s[m] /= s[3]
			}
		}
		return s
	})
}

// apart returns the largest and the mean distance of premultiplied values.
func apart(a, b pic) (most, mean float64) {
	for i := range a.px {
		p, q := a.px[i], b.px[i]
		for k := range 4 {
			u, v := p[k], q[k]
			if k < 3 {
				u, v = u*p[3], v*q[3]
			}
			d := math.Abs(u - v)
			most = max(most, d)
			mean += d / float64(4*len(a.px))
		}
	}
	return most, mean
}

// decoded is a result as the decoders of the standard library and x/image read it (PNM
// and PAM as decodePNM does), and what they say about its samples.
type decoded struct {
	pic
	format string // as codec names it
	gray   bool   // one sample a pixel, two with alpha
	bits   int
}

func decode(t *testing.T, data []byte) decoded {
	t.Helper()
	var d decoded
	var img image.Image
	var err error
	r := bytes.NewReader(data)
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8")):
		d.format = "jpeg"
		img, err = stdjpeg.Decode(r)
	case bytes.HasPrefix(data, []byte("\x89PNG")):
		d.format = "png"
		d.gray = data[25]&2 == 0 // colour type: no colour
		d.bits = int(data[24])
		img, err = stdpng.Decode(r)
	case bytes.HasPrefix(data, []byte("GIF")):
		d.format = "gif"
		img, err = stdgif.Decode(r)
	case bytes.HasPrefix(data, []byte("RIFF")):
		d.format = "webp"
		img, err = webp.Decode(r)
	case bytes.HasPrefix(data, []byte("BM")):
		d.format = "bmp"
		img, err = bmp.Decode(r)
	case bytes.HasPrefix(data, []byte("II*\x00")), bytes.HasPrefix(data, []byte("MM\x00*")):
		d.format = "tiff"
		if img, err = tiff.Decode(r); err != nil && strings.Contains(err.Error(), "extra samples") {
			return decodeGrayA(t, data) // x/image has no gray with alpha
		}
	default:
		return decodePNM(t, data)
	}
	if err != nil {
		t.Fatalf("the result is refused: %v", err)
	}
	switch m := img.(type) {
	case *image.YCbCr:
		if d.format == "webp" {
			img = studio{m, nil}
		}
		d.bits = 8
	case *image.NYCbCrA:
		img, d.bits = studio{&m.YCbCr, m}, 8
	case *image.Gray:
		d.gray, d.bits = true, 8
	case *image.Gray16:
		d.gray, d.bits = true, 16
	case *image.RGBA64, *image.NRGBA64:
		d.bits = 16
	case *image.Paletted:
		d.gray, d.bits = true, 8
		for _, c := range m.Palette {
			n := color.NRGBAModel.Convert(c).(color.NRGBA)
			d.gray = d.gray && n.R == n.G && n.G == n.B
		}
	default:
		d.bits = 8
	}
	d.pic = fromImage(img)
	return d
}

// studio is a lossy WebP as x/image decodes it, whose samples are in studio range
// (ITU-R BT.601): luma from 16 to 235, chroma from 16 to 240.
type studio struct {
	*image.YCbCr
	alpha *image.NYCbCrA // nil: opaque
}

func (s studio) ColorModel() color.Model { return color.NRGBA64Model }

func (s studio) At(x, y int) color.Color {
	c := s.YCbCrAt(x, y)
	l, b, r := (float64(c.Y)-16)/219, (float64(c.Cb)-128)/224, (float64(c.Cr)-128)/224
	full := func(v float64) uint16 { return uint16(math.Round(65535 * max(0, min(1, v)))) }
	n := color.NRGBA64{full(l + 1.402*r), full(l - 0.344136*b - 0.714136*r), full(l + 1.772*b), 65535}
	if s.alpha != nil {
		n.A = uint16(s.alpha.A[s.alpha.AOffset(x, y)]) * 257
	}
	return n
}

// decodeGrayA reads a TIFF of gray with alpha by package tiff, which its own tests
// compare with files of libtiff.
func decodeGrayA(t *testing.T, data []byte) decoded {
	t.Helper()
	p, err := codec.Open(bytes.NewReader(data), int64(len(data)), raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := p.Rows(raster.Hint{})
	if err != nil {
		t.Fatal(err)
	}
	h := rows.Header()
	if h.Layout != raster.GrayA {
		t.Fatalf("a TIFF of %v, want gray+alpha", h.Layout)
	}
	d := decoded{pic: pic{w: h.W(), h: h.H()}, format: p.Format, gray: true, bits: int(h.Bits)}
	err = raster.Each(rows, func(_, _ int, row raster.Plane) bool {
		for x := range h.W() {
			if h.Bits == 16 {
				v := float64(row.Pix16[2*x]) / 65535
				d.px = append(d.px, [4]float64{v, v, v, float64(row.Pix16[2*x+1]) / 65535})
			} else {
				v := float64(row.Pix[2*x]) / 255
				d.px = append(d.px, [4]float64{v, v, v, float64(row.Pix[2*x+1]) / 255})
			}
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func fromImage(img image.Image) pic {
	b := img.Bounds()
	return newPic(b.Dx(), b.Dy(), func(x, y int) [4]float64 {
		c := img.At(b.Min.X+x, b.Min.Y+y)
		switch c := c.(type) { // RGBA() would premultiply these and lose bits
		case color.NRGBA:
			return [4]float64{float64(c.R) / 255, float64(c.G) / 255, float64(c.B) / 255, float64(c.A) / 255}
		case color.NRGBA64:
			return [4]float64{float64(c.R) / 65535, float64(c.G) / 65535, float64(c.B) / 65535, float64(c.A) / 65535}
		}
		r, g, bl, a := c.RGBA()
		p := [4]float64{float64(r), float64(g), float64(bl), float64(a)}
		for k := range 3 {
			if a > 0 {
				p[k] /= float64(a)
			}
		}
		p[3] /= 65535
		return p
	})
}

// decodePNM reads raw PGM, PPM and PAM with a maxval of 255 or 65535.
func decodePNM(t *testing.T, data []byte) decoded {
	t.Helper()
	b := bufio.NewReader(bytes.NewReader(data))
	d := decoded{format: map[string]string{"P5": "pgm", "P6": "ppm", "P7": "pam"}[string(data[:2])]}
	depth, maxval := 0, 0
	switch d.format {
	case "pgm", "ppm":
		var magic string
		if _, err := fmt.Fscanf(b, "%s\n%d %d\n%d\n", &magic, &d.w, &d.h, &maxval); err != nil {
			t.Fatal(err)
		}
		depth = map[string]int{"pgm": 1, "ppm": 3}[d.format]
	case "pam":
		for {
			line, err := b.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			fmt.Sscanf(line, "WIDTH %d", &d.w)
			fmt.Sscanf(line, "HEIGHT %d", &d.h)
			fmt.Sscanf(line, "DEPTH %d", &depth)
			fmt.Sscanf(line, "MAXVAL %d", &maxval)
			if strings.HasPrefix(line, "ENDHDR") {
				break
			}
		}
	default:
		t.Fatalf("the result begins with %q", data[:min(len(data), 8)])
	}
	d.gray, d.bits = depth <= 2, 8
	if maxval == 65535 {
		d.bits = 16
	}
	body, _ := io.ReadAll(b)
	if len(body) != d.w*d.h*depth*d.bits/8 {
		t.Fatalf("%s: %d bytes of samples for %d×%d×%d of %d bits", d.format, len(body), d.w, d.h, depth, d.bits)
	}
	sample := func(i int) float64 {
		if d.bits == 16 {
			return float64(int(body[2*i])<<8|int(body[2*i+1])) / 65535
		}
		return float64(body[i]) / 255
	}
	d.pic = newPic(d.w, d.h, func(x, y int) [4]float64 {
		i := (y*d.w + x) * depth
		switch depth {
		case 1:
			return [4]float64{sample(i), sample(i), sample(i), 1}
		case 2:
			return [4]float64{sample(i), sample(i), sample(i), sample(i + 1)}
		case 3:
			return [4]float64{sample(i), sample(i + 1), sample(i + 2), 1}
		}
		return [4]float64{sample(i), sample(i + 1), sample(i + 2), sample(i + 3)}
	})
	return d
}
