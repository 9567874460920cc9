package main

import (
	"bufio"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"math"
)

// The animations of the bench, as GIFs.
const (
	animationFrames = 30
	animationW      = 320
	animationH      = 240
	animationDelay  = 5 // hundredths of a second
)

// animations are what is measured: a dithered one, as most GIFs of films are, and a drawn
// one of a few colours.
var animations = []struct {
	name string
	draw func(photo planes) []*image.Paletted
}{
	{"dithered photograph", discs},
	{"cartoon", cartoon},
}

// discs returns frames of a disc that goes round over a part of a photograph. Dithering
// spreads each change to the right and down.
func discs(photo planes) (frames []*image.Paletted) {
	const radius = 28
	ground := image.NewRGBA(image.Rect(0, 0, animationW, animationH))
	step := min(photo.w/animationW, photo.h/animationH) // means of step × step pixels
	for y := range animationH {
		for x := range animationW {
			var c [3]float64
			for i := range c {
				for k := range step * step {
					c[i] += photo.p[i][(y*step+k/step)*photo.w+x*step+k%step]
				}
				c[i] /= float64(step * step)
			}
			ground.SetRGBA(x, y, color.RGBA{uint8(c[0]), uint8(c[1]), uint8(c[2]), 255})
		}
	}
	for i := range animationFrames {
		frame := image.NewRGBA(ground.Rect)
		copy(frame.Pix, ground.Pix)
		cx, cy := onPath(i)
		for y := range animationH {
			for x := range animationW {
				if d := math.Hypot(float64(x)-cx, float64(y)-cy); d < radius {
					v := uint8(255 - 120*d/radius)
					frame.SetRGBA(x, y, color.RGBA{v, v / 2, uint8(5 * i), 255})
				}
			}
		}
		m := image.NewPaletted(frame.Rect, palette.Plan9)
		draw.FloydSteinberg.Draw(m, m.Rect, frame, image.Point{})
		frames = append(frames, m)
	}
	return frames
}

// onPath returns where what moves is in a frame: on an ellipse around the centre.
func onPath(frame int) (x, y float64) {
	turn := 2 * math.Pi * float64(frame) / animationFrames
	return animationW/2 + 90*math.Cos(turn), animationH/2 + 70*math.Sin(turn)
}

// cartoon returns frames of a figure that goes round before hills, a sun and a cloud that
// drifts: flat areas with soft edges, in 64 colours, not dithered.
func cartoon(planes) (frames []*image.Paletted) {
	sky, hill, far := color.RGBA{120, 190, 240, 255}, color.RGBA{70, 160, 60, 255}, color.RGBA{50, 120, 70, 255}
	ink, skin, shirt, cloud := color.RGBA{30, 20, 30, 255}, color.RGBA{250, 200, 160, 255}, color.RGBA{220, 50, 40, 255}, color.RGBA{250, 250, 255, 255}
	flat := []color.RGBA{sky, hill, far, ink, skin, shirt, cloud, {250, 220, 60, 255}}
	var colours color.Palette
	for i, c := range flat { // and those on the way from each to each, of soft edges
		colours = append(colours, c)
		for _, d := range flat[:i] {
			for k := 1; k <= 2; k++ {
				mix := func(a, b uint8) uint8 { return uint8((int(a)*k + int(b)*(3-k)) / 3) }
				colours = append(colours, color.RGBA{mix(c.R, d.R), mix(c.G, d.G), mix(c.B, d.B), 255})
			}
		}
	}
	for i := range animationFrames {
		m := image.NewRGBA(image.Rect(0, 0, animationW, animationH))
		fill(m, m.Rect, sky)
		disc(m, 260, 40, 24, flat[7])
		disc(m, 60, 330, 160, far)
		disc(m, 250, 400, 220, hill)
		for k := range 4 {
			disc(m, 40+float64(18*k+3*i), 50+float64(k%2*6), 16, cloud)
		}
		x, y := onPath(i)
		for _, part := range []struct {
			x, y, radius float64
			c            color.RGBA
		}{{0, 22, 22, shirt}, {0, -8, 18, skin}, {-6, -12, 3, ink}, {6, -12, 3, ink}, {-20, 24, 7, skin}, {20, 24, 7, skin}} {
			disc(m, x+part.x, y+part.y, part.radius+2, ink)
			disc(m, x+part.x, y+part.y, part.radius, part.c)
		}
		p := image.NewPaletted(m.Rect, colours)
		draw.Draw(p, p.Rect, m, image.Point{}, draw.Src)
		frames = append(frames, p)
	}
	return frames
}

// writeAnimation writes frames as a GIF.
func writeAnimation(path string, frames []*image.Paletted) error {
	g := &gif.GIF{Image: frames}
	for range frames {
		g.Delay = append(g.Delay, animationDelay)
	}
	return writeFile(path, func(w *bufio.Writer) error { return gif.EncodeAll(w, g) })
}
