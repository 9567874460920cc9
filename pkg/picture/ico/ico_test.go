package ico

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	stdpng "image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

var le = binary.LittleEndian

// part is one picture of an icon that a test makes, with the pixels that must be read.
type part struct {
	w, h int // of the directory entry
	data []byte
	want []color.NRGBA
}

// icon joins pictures to a file; kind is 1 for an icon, 2 for a cursor.
func icon(kind uint16, parts ...part) []byte {
	b := le.AppendUint16(le.AppendUint16([]byte{0, 0}, kind), uint16(len(parts)))
	at := 6 + 16*len(parts)
	for _, p := range parts {
		b = append(b, byte(p.w), byte(p.h), 0, 0, 1, 0, 32, 0)
		b = le.AppendUint32(le.AppendUint32(b, uint32(len(p.data))), uint32(at))
		at += len(p.data)
	}
	for _, p := range parts {
		b = append(b, p.data...)
	}
	return b
}

// bitmap makes a DIB of random pixels with its mask, by the definition.
func bitmap(rnd *rand.Rand, w, h, depth int, alpha bool) part {
	p := part{w: w, h: h}
	d := make([]byte, 40)
	le.PutUint32(d, 40)
	le.PutUint32(d[4:], uint32(w))
	le.PutUint32(d[8:], uint32(2*h))
	le.PutUint16(d[12:], 1)
	le.PutUint16(d[14:], uint16(depth))
	var palette []color.NRGBA
	if depth <= 8 {
		for range 1 << depth {
			c := color.NRGBA{uint8(rnd.Uint32()), uint8(rnd.Uint32()), uint8(rnd.Uint32()), 255}
			palette = append(palette, c)
			d = append(d, c.B, c.G, c.R, 0)
		}
	}
	p.want = make([]color.NRGBA, w*h)
	stride := (w*depth + 31) / 32 * 4
	for y := h - 1; y >= 0; y-- {
		row := make([]byte, stride)
		for x := range w {
			c := &p.want[y*w+x]
			switch {
			case depth <= 8:
				i := rnd.IntN(1 << depth)
				*c = palette[i]
				row[x*depth/8] |= byte(i << (8 - depth - x*depth%8))
			case depth == 16:
				v := uint16(rnd.Uint32())
				le.PutUint16(row[2*x:], v)
				five := func(v uint16) uint8 { return uint8((int(v&31)*255 + 15) / 31) }
				*c = color.NRGBA{five(v >> 10), five(v >> 5), five(v), 255}
			default:
				*c = color.NRGBA{uint8(rnd.Uint32()), uint8(rnd.Uint32()), uint8(rnd.Uint32()), 255}
				copy(row[x*depth/8:], []byte{c.B, c.G, c.R})
				if alpha {
					c.A = uint8(rnd.Uint32())
					row[4*x+3] = c.A
				}
			}
		}
		d = append(d, row...)
	}
	for y := h - 1; y >= 0; y-- {
		row := make([]byte, (w+31)/32*4)
		for x := range w {
			if rnd.IntN(3) == 0 {
				row[x/8] |= 0x80 >> (x % 8)
				if !alpha {
					p.want[y*w+x].A = 0
				}
			}
		}
		d = append(d, row...)
	}
	p.data = d
	return p
}

func pngPart(t testing.TB, rnd *rand.Rand, w, h int) part {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	p := part{w: w, h: h}
	for i := range w * h {
		c := color.NRGBA{uint8(rnd.Uint32()), uint8(rnd.Uint32()), uint8(rnd.Uint32()), uint8(rnd.Uint32())}
		m.SetNRGBA(i%w, i/w, c)
		p.want = append(p.want, c)
	}
	p.data = rastertest.Encoded(t, func(b *bytes.Buffer) error { return stdpng.Encode(b, m) })
	return p
}

var limits = raster.Limits{Pixels: 1 << 20, Mem: 64 << 20}

func open(b []byte, lim raster.Limits) (*Reader, error) {
	return Open(bytes.NewReader(b), int64(len(b)), lim)
}

func read(b []byte) ([]color.NRGBA, *Reader, error) {
	r, err := open(b, limits)
	if err != nil {
		return nil, nil, err
	}
	px, err := rastertest.Colors(rastertest.Start(r, nil))
	return px, r, err
}

func TestBitmapsOfEveryDepth(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, depth := range []int{1, 2, 4, 8, 16, 24, 32} {
		for _, alpha := range []bool{false, true} {
			if alpha && depth != 32 {
				continue
			}
			t.Run(fmt.Sprintf("%d bits, alpha %v", depth, alpha), func(t *testing.T) {
				for size := 1; size <= 65; size++ {
					p := bitmap(rnd, size, 1+size/2, depth, alpha)
					got, r, err := read(icon(uint16(1+size%2), p))
					if err != nil {
						t.Fatal(err)
					}
					rastertest.Same(t, fmt.Sprint(size), got, p.want)
					if len(r.Notes()) > 0 {
						t.Errorf("notes %q", r.Notes())
					}
				}
			})
		}
	}
}

func TestLargestAndDeepestPictureIsTaken(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	small, flat, deep := bitmap(rnd, 16, 16, 32, true), bitmap(rnd, 32, 32, 4, false), bitmap(rnd, 32, 32, 24, false)
	big := pngPart(t, rnd, 300, 256)
	lying := small
	lying.w, lying.h = 0, 0 // 256×256 in the directory
	damaged := big
	damaged.data = bytes.Clone(big.data)
	damaged.data[40] ^= 1
	damaged.data[20] ^= 1 // IHDR
	for _, c := range []struct {
		name  string
		parts []part
		want  []color.NRGBA
		note  string
	}{
		{"largest last", []part{small, flat, deep}, deep.want, ""},
		{"largest first", []part{deep, flat, small}, deep.want, ""},
		{"PNG", []part{small, big, deep}, big.want, ""},
		{"directory with wrong sizes", []part{lying, deep}, deep.want, ""},
		{"largest damaged", []part{small, damaged, deep}, deep.want, "a larger picture is damaged: PNG: wrong checksum (CRC) of chunk IHDR"},
		{"some outside the file", []part{small, {w: 99, h: 99}}, small.want, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, r, err := read(icon(1, c.parts...))
			if err != nil {
				t.Fatal(err)
			}
			rastertest.Same(t, "pixels", got, c.want)
			if notes := strings.Join(r.Notes(), "; "); notes != c.note {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

func TestHeightThatIsNotDoubled(t *testing.T) {
	p := bitmap(rand.New(rand.NewPCG(5, 6)), 16, 16, 24, false)
	le.PutUint32(p.data[8:], 16)
	got, _, err := read(icon(1, p))
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.want {
		p.want[i].A = 255
	}
	rastertest.Same(t, "pixels", got, p.want)
}

func TestRefusals(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	p := bitmap(rnd, 16, 16, 24, false)
	edit := func(b []byte, at int, v string) []byte {
		b = bytes.Clone(b)
		copy(b[at:], v)
		return b
	}
	good := icon(1, p)
	for _, c := range []struct {
		name string
		data []byte
		kind fault.Kind
		text string
	}{
		{"empty", nil, fault.Format, "truncated"},
		{"kind 3", edit(good, 2, "\x03"), fault.Format, "no signature"},
		{"no pictures", edit(good, 4, "\x00"), fault.Format, "none of 0 pictures"},
		{"offset beyond the file", edit(good, 18, "\xff\xff\xff\xff"), fault.Format, "none of 1 pictures"},
		{"offset in the header", edit(good, 18, "\x02\x00\x00\x00"), fault.Format, "none of 1 pictures"},
		{"offset of the last byte", edit(good, 18, string(le.AppendUint32(nil, uint32(len(good)-1)))), fault.Format, "none of 1 pictures"},
		{"cut in the colours", good[:22+40+100], fault.Format, "truncated after 2 of 16 rows"},
		{"cut in the mask", good[:len(good)-10], fault.Format, "truncated after 14 of 16 rows"},
		{"run lengths", edit(icon(1, bitmap(rnd, 4, 4, 8, false)), 22+16, "\x01"), fault.Unsupported, "run lengths"},
		{"negative width", edit(good, 22+4, "\xff\xff\xff\xff"), fault.Format, "none of"},
		{"unknown header", edit(good, 22, "\x29"), fault.Unsupported, "41 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := read(c.data)
			if fault.Of(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.text) {
				t.Errorf("%v (%v), want %v %q", err, fault.Of(err), c.kind, c.text)
			}
		})
	}
}

func TestLenientReadsCutMask(t *testing.T) {
	p := bitmap(rand.New(rand.NewPCG(9, 10)), 16, 16, 24, false)
	data := icon(1, p)
	r, err := open(data[:len(data)-10], raster.Limits{Lenient: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := rastertest.Colors(rastertest.Start(r, nil))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * 16 { // the rows at the top come last
		p.want[i].A = 255
	}
	rastertest.Same(t, "pixels", got, p.want)
	if fmt.Sprint(r.Notes()) != "[truncated after 14 of 16 rows]" {
		t.Errorf("notes %q", r.Notes())
	}
}

func TestBombs(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	t.Run("bitmap of 4 G pixels", func(t *testing.T) {
		p := bitmap(rnd, 4, 4, 32, true)
		le.PutUint32(p.data[4:], 1<<16)
		le.PutUint32(p.data[8:], 1<<17)
		if _, _, err := read(icon(1, p)); fault.Of(err) != fault.TooLarge {
			t.Error(err)
		}
	})
	t.Run("PNG of 4 G pixels", func(t *testing.T) {
		p := pngPart(t, rnd, 4, 4)
		copy(p.data[16:], "\x00\x01\x00\x00\x00\x01\x00\x00")
		if _, _, err := read(icon(1, p)); fault.Of(err) == fault.Internal {
			t.Error(err)
		}
	})
	t.Run("65535 pictures", func(t *testing.T) {
		parts := make([]part, 65535)
		parts[7] = bitmap(rnd, 4, 4, 32, true)
		got, r, err := read(icon(1, parts...))
		if err != nil {
			t.Fatal(err)
		}
		rastertest.Same(t, "pixels", got, parts[7].want)
		if !strings.Contains(fmt.Sprint(r.Notes()), "only 256 of 65535 pictures") {
			t.Errorf("notes %q", r.Notes())
		}
	})
}

func FuzzRead(f *testing.F) {
	rnd := rand.New(rand.NewPCG(13, 14))
	for _, depth := range []int{1, 4, 8, 16, 24, 32} {
		f.Add(icon(1, bitmap(rnd, 5, 4, depth, depth == 32), bitmap(rnd, 3, 3, 1, false)))
	}
	f.Add(icon(2, pngPart(f, rnd, 5, 4), bitmap(rnd, 3, 3, 32, true)))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, lenient := range []bool{false, true} {
			lim := limits
			lim.Lenient = lenient
			r, err := open(data, lim)
			if err == nil {
				_, err = rastertest.Pixels(rastertest.Start(r, nil))
			}
			if err != nil && fault.Of(err) == fault.Internal {
				t.Fatal(err)
			}
		}
	})
}
