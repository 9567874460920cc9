package main

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	stddraw "image/draw"
	"image/png"
	"math"
	"math/rand/v2"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/inconsolata"
	"golang.org/x/image/math/fixed"
)

// Pictures that are no photographs, 12 Mpixel each: flat areas, text, soft edges.

const artificialW, artificialH = 4032, 3024

// artificial are those pictures. The pixels of those that are known are kept as PPM, too.
var artificial = []struct {
	name  string
	known bool
	draw  func() image.Image
}{
	{"ui.png", true, func() image.Image { return desktop(artificialW, artificialH) }},
	{"scan.png", true, func() image.Image { return scan(artificialW, artificialH, color.Black, color.White) }},
	{"ink.png", true, func() image.Image {
		return scan(artificialW, artificialH, color.RGBA{20, 30, 90, 255}, color.RGBA{250, 244, 226, 255})
	}},
	{"drawing.png", false, func() image.Image { return drawing(artificialW, artificialH) }},
}

// writeArtificial writes a picture as PNG and, if its pixels are to be known, as PPM. A
// palette of black and white becomes gray of 1 bit, which image/png can't write.
func writeArtificial(p picture, m image.Image) error {
	if p.ppm != "" {
		err := writeFile(p.ppm, func(w *bufio.Writer) error {
			fmt.Fprintf(w, "P6\n%d %d\n255\n", p.w, p.h)
			for y := range p.h {
				for x := range p.w {
					r, g, b, _ := m.At(x, y).RGBA()
					if _, err := w.Write([]byte{byte(r >> 8), byte(g >> 8), byte(b >> 8)}); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if pal, ok := m.(*image.Paletted); ok && pal.Palette[0] == color.Black {
		return shell(".", "ppmtopgm "+p.ppm+" | pnmtopng -quiet > "+p.path+".part && mv "+p.path+".part "+p.path)
	}
	return writeFile(p.path, func(w *bufio.Writer) error { return png.Encode(w, m) })
}

// words are what text is made of, by drawing some at random.
var words = []string{"the", "of", "scale", "picture", "gray", "and", "a", "row", "is", "sample", "to", "filter", "in", "block",
	"quality", "table", "that", "colour", "window", "with", "file", "for", "width", "1024", "edge", "by", "light", "from", "0.25", "decoder"}

// sentence returns about n letters of text.
func sentence(r *rand.Rand, n int) (s string) {
	for len(s) < n {
		s += words[r.IntN(len(words))] + " "
	}
	return s
}

func fill(m stddraw.Image, r image.Rectangle, c color.Color) {
	stddraw.Draw(m, r, image.NewUniform(c), image.Point{}, stddraw.Src)
}

func text(m stddraw.Image, x, y int, c color.Color, s string) {
	d := font.Drawer{Dst: m, Src: image.NewUniform(c), Face: inconsolata.Regular8x16, Dot: fixed.P(x, y)}
	d.DrawString(s)
}

// desktop draws windows over a gradient: title bars, menus, lists, icons and text.
func desktop(w, h int) image.Image {
	r := rand.New(rand.NewPCG(3, 1))
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		fill(m, image.Rect(0, y, w, y+1), color.RGBA{uint8(30 + 40*y/h), uint8(60 + 70*y/h), uint8(110 + 90*y/h), 255})
	}
	line, dark := color.RGBA{200, 204, 208, 255}, color.RGBA{40, 42, 46, 255}
	for n := range 24 {
		x, y := (n%5)*780+r.IntN(150), (n/5)*600+r.IntN(120)
		box := image.Rect(x, y, x+700+r.IntN(300), y+480+r.IntN(250))
		paper, ink := color.RGBA{252, 252, 252, 255}, dark
		if n%4 == 1 {
			paper, ink = color.RGBA{30, 32, 36, 255}, color.RGBA{210, 214, 210, 255}
		}
		fill(m, box.Inset(-1), color.RGBA{90, 94, 100, 255})
		fill(m, box, paper)
		for i := range 32 {
			fill(m, image.Rect(box.Min.X, box.Min.Y+i, box.Max.X, box.Min.Y+i+1), color.RGBA{uint8(226 - i), uint8(230 - i), uint8(236 - i), 255})
		}
		text(m, box.Min.X+12, box.Min.Y+21, dark, sentence(r, 20))
		for i, c := range []color.RGBA{{236, 94, 80, 255}, {240, 190, 60, 255}, {90, 190, 90, 255}} {
			disc(m, float64(box.Max.X-20-24*i), float64(box.Min.Y+16), 7, c)
		}
		fill(m, image.Rect(box.Min.X, box.Min.Y+32, box.Min.X+150, box.Max.Y), color.RGBA{240, 241, 243, 255})
		fill(m, image.Rect(box.Min.X+150, box.Min.Y+32, box.Min.X+151, box.Max.Y), line)
		for yy := box.Min.Y + 60; yy < box.Max.Y-8; yy += 22 {
			disc(m, float64(box.Min.X+18), float64(yy-5), 6, color.RGBA{uint8(r.IntN(200)), uint8(r.IntN(200)), 200, 255})
			text(m, box.Min.X+34, yy, dark, sentence(r, 8)[:8])
			if n%3 != 2 || yy%3 == 0 {
				s := sentence(r, (box.Dx()-180)/8)
				text(m, box.Min.X+164, yy, ink, s[:min(len(s), (box.Dx()-180)/8)-r.IntN(20)])
			}
		}
	}
	return m
}

// disc paints a circle with a soft edge.
func disc(m *image.RGBA, x, y, radius float64, c color.RGBA) {
	box := image.Rect(int(x-radius)-1, int(y-radius)-1, int(x+radius)+2, int(y+radius)+2).Intersect(m.Rect)
	for py := box.Min.Y; py < box.Max.Y; py++ {
		for px := box.Min.X; px < box.Max.X; px++ {
			cover := max(0, min(1, radius-math.Hypot(float64(px)-x, float64(py)-y)))
			p := m.Pix[m.PixOffset(px, py):][:3]
			for i, v := range []uint8{c.R, c.G, c.B} {
				p[i] = uint8(math.Round(cover*float64(v) + (1-cover)*float64(p[i])))
			}
		}
	}
}

// scan draws a page of text, enlarged so that strokes are some pixels wide, a little
// askew, with noise at the edges and specks, in two colours.
func scan(w, h int, ink, paper color.Color) image.Image {
	const enlarge = 2
	r := rand.New(rand.NewPCG(5, 2))
	page := image.NewGray(image.Rect(0, 0, w/enlarge, h/enlarge))
	fill(page, page.Rect, color.White)
	for y := 60; y < page.Rect.Dy()-40; y += 18 {
		if n := (page.Rect.Dx() - 120) / 8; r.IntN(9) > 0 {
			text(page, 60, y, color.Black, sentence(r, n)[:n-r.IntN(16)])
		}
	}
	large := image.NewGray(image.Rect(0, 0, w, h))
	draw.BiLinear.Scale(large, large.Rect, page, page.Rect, draw.Src, nil)
	m := image.NewPaletted(large.Rect, color.Palette{ink, paper})
	for y := range h {
		for x := range w {
			from := min(h-1, max(0, y+(x-w/2)/200)) // 0.3 degrees
			v := int(large.Pix[from*large.Stride+x]) + r.IntN(121) - 60
			if v > 128 && r.IntN(4000) > 0 {
				m.Pix[y*m.Stride+x] = 1
			}
		}
	}
	return m
}

// drawing paints shapes with soft edges and half transparent gradients on nothing.
func drawing(w, h int) image.Image {
	r := rand.New(rand.NewPCG(7, 3))
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for range 160 {
		cx, cy, size := r.Float64()*float64(w), r.Float64()*float64(h), 60+r.Float64()*300
		c := color.NRGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255}
		soft := r.IntN(3) == 0
		box := image.Rect(int(cx-size), int(cy-size), int(cx+size), int(cy+size)).Intersect(m.Rect)
		for y := box.Min.Y; y < box.Max.Y; y++ {
			for x := box.Min.X; x < box.Max.X; x++ {
				cover := size - math.Hypot(float64(x)-cx, float64(y)-cy)
				if soft {
					cover /= size
				}
				if cover > 0 {
					over(m, x, y, c, min(1, cover))
				}
			}
		}
	}
	for range 400 {
		s := sentence(r, 40)
		text(m, r.IntN(w), r.IntN(h), color.NRGBA{uint8(r.IntN(256)), 40, 90, 255}, s)
	}
	return m
}

// over paints one pixel of straight alpha.
func over(m *image.NRGBA, x, y int, c color.NRGBA, cover float64) {
	p := m.Pix[m.PixOffset(x, y):][:4]
	under := float64(p[3]) / 255 * (1 - cover)
	a := cover + under
	for i, v := range []uint8{c.R, c.G, c.B} {
		p[i] = uint8(math.Round((float64(v)*cover + float64(p[i])*under) / a))
	}
	p[3] = uint8(math.Round(255 * a))
}
