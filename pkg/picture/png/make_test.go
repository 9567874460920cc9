package png

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// file describes a PNG that a test makes. It is written from the definitions in the
// Recommendation, without the code under test.
type file struct {
	w, h, depth, color int
	interlaced         bool
	samples            []uint16 // at the file's depth
	palette            []color.NRGBA
	key                []uint16
	filter             func(row int) byte
	before, after      []string // chunks around IDAT: kind and data
	idat               int      // bytes of an IDAT chunk; 0: one chunk
	surplus            []byte   // compressed after the rows
	rows               []byte   // filtered rows, instead of samples
}

func (f *file) perPixel() int {
	return map[int]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[f.color]
}

func chunkBytes(kind string, data []byte) []byte {
	var b bytes.Buffer
	writeChunk(&b, kind, data)
	return b.Bytes()
}

func (f *file) bytes() []byte {
	out := []byte("\x89PNG\r\n\x1a\n")
	ihdr := binary.BigEndian.AppendUint32(nil, uint32(f.w))
	ihdr = binary.BigEndian.AppendUint32(ihdr, uint32(f.h))
	inter := byte(0)
	if f.interlaced {
		inter = 1
	}
	out = append(out, chunkBytes("IHDR", append(ihdr, byte(f.depth), byte(f.color), 0, 0, inter))...)
	for i := 0; i < len(f.before); i += 2 {
		out = append(out, chunkBytes(f.before[i], []byte(f.before[i+1]))...)
	}
	if f.palette != nil {
		var plte, trns []byte
		for _, c := range f.palette {
			plte, trns = append(plte, c.R, c.G, c.B), append(trns, c.A)
		}
		out = append(out, chunkBytes("PLTE", plte)...)
		out = append(out, chunkBytes("tRNS", trns)...)
	}
	if f.key != nil {
		var b []byte
		for _, k := range f.key {
			b = binary.BigEndian.AppendUint16(b, k)
		}
		out = append(out, chunkBytes("tRNS", b)...)
	}
	var z bytes.Buffer
	d := zlib.NewWriter(&z)
	if f.rows != nil {
		d.Write(f.rows)
	} else {
		d.Write(f.filtered())
	}
	d.Write(f.surplus)
	d.Close()
	data := z.Bytes()
	step := len(data)
	if f.idat > 0 {
		step = f.idat
	}
	for len(data) > 0 {
		n := min(step, len(data))
		out = append(out, chunkBytes("IDAT", data[:n])...)
		data = data[n:]
	}
	for i := 0; i < len(f.after); i += 2 {
		out = append(out, chunkBytes(f.after[i], []byte(f.after[i+1]))...)
	}
	return append(out, chunkBytes("IEND", nil)...)
}

// filtered returns the filtered rows of all passes, made by the definition.
func (f *file) filtered() []byte {
	var out []byte
	spp := f.perPixel()
	bpp := max(1, spp*f.depth/8)
	row := 0
	pass := func(x0, y0, dx, dy int) {
		if x0 >= f.w {
			return
		}
		var prev []byte
		for y := y0; y < f.h; y += dy {
			var acc, nbits uint32
			var cur []byte
			for x := x0; x < f.w; x += dx {
				for s := range spp {
					acc = acc<<f.depth | uint32(f.samples[(y*f.w+x)*spp+s])
					nbits += uint32(f.depth)
					for nbits >= 8 {
						cur = append(cur, byte(acc>>(nbits-8)))
						nbits -= 8
					}
				}
			}
			if nbits > 0 {
				cur = append(cur, byte(acc<<(8-nbits)))
			}
			if prev == nil {
				prev = make([]byte, len(cur))
			}
			kind := f.filter(row)
			row++
			out = append(out, kind)
			for i, v := range cur {
				var a, b, c int
				b = int(prev[i])
				if i >= bpp {
					a, c = int(cur[i-bpp]), int(prev[i-bpp])
				}
				out = append(out, v-byte([]int{0, a, b, (a + b) / 2, paethByDefinition(a, b, c)}[kind]))
			}
			prev = cur
		}
	}
	if !f.interlaced {
		pass(0, 0, 1, 1)
		return out
	}
	for _, p := range [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
		pass(p[0], p[1], p[2], p[3])
	}
	return out
}

// paethByDefinition is the pseudocode in section 9.4.
func paethByDefinition(a, b, c int) int {
	dist := func(x int) int {
		if x -= a + b - c; x < 0 {
			return -x
		}
		return x
	}
	pa, pb, pc := dist(a), dist(b), dist(c)
	if pa <= pb && pa <= pc {
		return a
	}
	if pb <= pc {
		return b
	}
	return c
}

// straight returns a colour as 16-bit samples with straight alpha.
func straight(c color.Color) [4]uint16 {
	switch c := c.(type) {
	case color.NRGBA:
		return [4]uint16{uint16(c.R) * 257, uint16(c.G) * 257, uint16(c.B) * 257, uint16(c.A) * 257}
	case color.NRGBA64:
		return [4]uint16{c.R, c.G, c.B, c.A}
	}
	r, g, b, a := c.RGBA()
	if a != 65535 {
		panic(fmt.Sprintf("premultiplied %v", c))
	}
	return [4]uint16{uint16(r), uint16(g), uint16(b), uint16(a)}
}

// stdPixels returns the pixels of a picture of the standard library.
func stdPixels(m image.Image) [][4]uint16 {
	var out [][4]uint16
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			out = append(out, straight(m.At(x, y)))
		}
	}
	return out
}

func openBytes(b []byte) (*Reader, error) {
	return Open(bytes.NewReader(b), int64(len(b)), fuzzLimits)
}

var fuzzLimits = raster.Limits{Pixels: 1 << 24, Mem: 256 << 20}

func readBytes(b []byte) ([][4]uint16, error) {
	return rastertest.Pixels(rastertest.Start(openBytes(b)))
}

// types are all valid pairs of colour type and depth.
var types = [][2]int{{0, 1}, {0, 2}, {0, 4}, {0, 8}, {0, 16}, {2, 8}, {2, 16}, {3, 1}, {3, 2}, {3, 4}, {3, 8}, {4, 8}, {4, 16}, {6, 8}, {6, 16}}

// random returns a picture of noise with many small values, so that some pixels match
// the transparent colour.
func random(rnd *rand.Rand, color2, depth, w, h int, interlaced bool) *file {
	f := &file{w: w, h: h, depth: depth, color: color2, interlaced: interlaced}
	f.filter = func(int) byte { return byte(rnd.IntN(5)) }
	for range w * h * f.perPixel() {
		v := rnd.IntN(1 << depth)
		if rnd.IntN(2) == 0 {
			v = min(v, rnd.IntN(4))
		}
		f.samples = append(f.samples, uint16(v))
	}
	if color2 == 3 {
		for range 1 << depth {
			f.palette = append(f.palette, color.NRGBA{byte(rnd.IntN(256)), byte(rnd.IntN(256)), byte(rnd.IntN(256)), byte(rnd.IntN(256))})
		}
	}
	return f
}
