package bmp

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"math/rand/v2"
	"slices"
	"testing"

	stdbmp "golang.org/x/image/bmp"

	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

var limits = raster.Limits{Pixels: 1 << 22, Mem: 64 << 20}

func open(b []byte) (*Reader, error) { return Open(bytes.NewReader(b), int64(len(b)), limits) }

func read(b []byte) ([]color.NRGBA, error) {
	return rastertest.Colors(rastertest.Start(open(b)))
}

// stdColors decodes with x/image.
func stdColors(t *testing.T, b []byte) []color.NRGBA {
	t.Helper()
	m, err := stdbmp.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("x/image refuses it: %v", err)
	}
	var out []color.NRGBA
	r := m.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			switch m := m.(type) {
			case *image.NRGBA:
				out = append(out, m.NRGBAAt(x, y))
			default:
				out = append(out, color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)) // opaque
			}
		}
	}
	return out
}

// bitmap describes a BMP that a test makes.
type bitmap struct {
	header      int // 12, 16 to 64, 108, 124
	w, h        int // h < 0: from top to bottom
	depth       int
	compression int
	masks       []uint32
	palette     []color.NRGBA
	gap         int  // bytes before the pixels
	noOffset    bool // the offset of the pixels is 0 in the header
	data        []byte
}

func (f *bitmap) bytes() []byte {
	le := binary.LittleEndian
	d := make([]byte, f.header)
	le.PutUint32(d, uint32(f.header))
	each := 4
	if f.header == 12 {
		each = 3
		le.PutUint16(d[4:], uint16(f.w))
		le.PutUint16(d[6:], uint16(f.h))
		le.PutUint16(d[8:], 1)
		le.PutUint16(d[10:], uint16(f.depth))
	} else {
		le.PutUint32(d[4:], uint32(f.w))
		le.PutUint32(d[8:], uint32(f.h))
		le.PutUint16(d[12:], 1)
		le.PutUint16(d[14:], uint16(f.depth))
		if f.header > 18 {
			le.PutUint32(d[16:], uint32(f.compression))
		}
		if f.header > 34 {
			if f.depth <= 8 && len(f.palette) != 1<<f.depth {
				le.PutUint32(d[32:], uint32(len(f.palette)))
			}
		}
	}
	for i, m := range f.masks {
		if f.header == 40 {
			d = le.AppendUint32(d, m)
		} else {
			le.PutUint32(d[40+4*i:], m)
		}
	}
	for _, c := range f.palette {
		d = append(d, []byte{c.B, c.G, c.R, 0}[:each]...)
	}
	d = append(d, make([]byte, f.gap)...)
	out := append([]byte("BM"), make([]byte, 12)...)
	le.PutUint32(out[2:], uint32(14+len(d)+len(f.data)))
	if !f.noOffset {
		le.PutUint32(out[10:], uint32(14+len(d)))
	}
	return append(append(out, d...), f.data...)
}

func noise(rnd *rand.Rand, n int) []byte { return rastertest.Noise[byte](rnd, n, 256) }

func randomPalette(rnd *rand.Rand, n int) []color.NRGBA {
	p := make([]color.NRGBA, n)
	for i := range p {
		p[i] = color.NRGBA{byte(rnd.Uint32()), byte(rnd.Uint32()), byte(rnd.Uint32()), 255}
	}
	return p
}

// want returns the pixels, extracted bit by bit from the definition.
func (f *bitmap) want() []color.NRGBA {
	h, topDown := f.h, f.h < 0
	if topDown {
		h = -h
	}
	masks := append(slices.Clone(f.masks), 0, 0, 0, 0)
	if f.masks == nil {
		masks = []uint32{0xff0000, 0xff00, 0xff, 0}
		if f.depth == 16 {
			masks = []uint32{0x7c00, 0x3e0, 0x1f, 0}
		}
	}
	stride := (f.w*f.depth + 31) / 32 * 4
	var out []color.NRGBA
	for y := range h {
		row := f.data[y*stride:]
		if !topDown {
			row = f.data[(h-1-y)*stride:]
		}
		for x := range f.w {
			var p uint32
			for i := range f.depth {
				bit := x*f.depth + i
				if f.depth < 8 { // the highest bit of a byte first
					p = p<<1 | uint32(row[bit/8]>>(7-bit%8)&1)
				} else {
					p |= uint32(row[bit/8]>>(bit%8)&1) << i
				}
			}
			if f.depth <= 8 {
				out = append(out, f.palette[p])
				continue
			}
			var s [4]uint8
			s[3] = 255
			for i, m := range masks[:4] {
				if m == 0 {
					continue
				}
				low := m & -m
				s[i] = uint8((float64(p&m/low)*255)/float64(m/low) + 0.5)
			}
			out = append(out, color.NRGBA{s[0], s[1], s[2], s[3]})
		}
	}
	return out
}

// runLengths encodes rows of indexes, from bottom to top, with a random choice of runs,
// literals and moves.
func runLengths(rnd *rand.Rand, rows [][]byte, four bool) []byte {
	var out []byte
	for y := 0; y < len(rows); y++ {
		row := rows[y]
		for x := 0; x < len(row); {
			n, step := 1, 1
			if four {
				step = 2
			}
			switch rnd.IntN(3) {
			case 0: // a run
				for x+n < len(row) && n < 255 && (four && n < 2 || row[x+n] == row[x+n%step]) {
					n++
				}
				v := row[x]
				if four {
					v = row[x]<<4 | row[min(x+1, len(row)-1)]
				}
				out = append(out, byte(n), v)
			case 1: // a literal
				n = min(3+rnd.IntN(20), len(row)-x)
				if n < 3 {
					continue
				}
				lit := slices.Clone(row[x : x+n])
				if four {
					var packed []byte
					for i := 0; i < n; i += 2 {
						v := lit[i] << 4
						if i+1 < n {
							v |= lit[i+1]
						}
						packed = append(packed, v)
					}
					lit = packed
				}
				if len(lit)%2 == 1 {
					lit = append(lit, 0)
				}
				out = append(append(out, 0, byte(n)), lit...)
			case 2: // a move across pixels of colour 0
				for n = 0; x+n < len(row) && n < 255 && row[x+n] == 0; n++ {
				}
				if n == 0 {
					continue
				}
				out = append(out, 0, 2, byte(n), 0)
			}
			x += n
		}
		out = append(out, 0, 0)
	}
	return append(out, 0, 1)
}
