package main

import (
	"bufio"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"math"
	"os"
)

// The animation of the bench: a disc that goes round over a part of a photograph, dithered
// as most GIFs of films are.
const (
	discFrames = 30
	discW      = 320
	discH      = 240
	discRadius = 28
	discDelay  = 5 // hundredths of a second
)

// writeDiscs writes the animation as a GIF.
func writeDiscs(path string, photo planes) error {
	ground := image.NewRGBA(image.Rect(0, 0, discW, discH))
	step := min(photo.w/discW, photo.h/discH) // means of step × step pixels
	for y := range discH {
		for x := range discW {
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
	g := &gif.GIF{}
	for i := range discFrames {
		frame := image.NewRGBA(ground.Rect)
		copy(frame.Pix, ground.Pix)
		turn := 2 * math.Pi * float64(i) / discFrames
		cx, cy := discW/2+90*math.Cos(turn), discH/2+70*math.Sin(turn)
		for y := range discH {
			for x := range discW {
				if d := math.Hypot(float64(x)-cx, float64(y)-cy); d < discRadius {
					v := uint8(255 - 120*d/discRadius)
					frame.SetRGBA(x, y, color.RGBA{v, v / 2, uint8(5 * i), 255})
				}
			}
		}
		m := image.NewPaletted(frame.Rect, palette.Plan9)
		draw.FloydSteinberg.Draw(m, m.Rect, frame, image.Point{})
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, discDelay)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b := bufio.NewWriter(f)
	if err := gif.EncodeAll(b, g); err != nil {
		return err
	}
	return b.Flush()
}
