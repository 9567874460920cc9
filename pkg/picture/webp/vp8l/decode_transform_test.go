package vp8l

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// samples are those of a pixel: blue, green, red, alpha.
type samples [4]int

func of(v uint32) (s samples) {
	for i := range s {
		s[i] = int(v >> (8 * i) & 0xff)
	}
	return s
}

func (s samples) pixel() (v uint32) {
	for i, x := range s {
		v |= uint32(x&0xff) << (8 * i)
	}
	return v
}

// defined is the prediction by the definition of RFC 9649 section 4.1, sample by sample.
func defined(predictor int, l, t, tr, tl samples) (p samples) {
	mean := func(a, b int) int { return (a + b) / 2 }
	within := func(v int) int { return max(0, min(255, v)) }
	far := func(a samples) (d int) {
		for i := range a {
			d += max(l[i]+t[i]-tl[i]-a[i], a[i]-(l[i]+t[i]-tl[i]))
		}
		return d
	}
	for i := range p {
		switch predictor {
		default:
			p[i] = 0
			if i == 3 {
				p[i] = 255
			}
		case 1:
			p[i] = l[i]
		case 2:
			p[i] = t[i]
		case 3:
			p[i] = tr[i]
		case 4:
			p[i] = tl[i]
		case 5:
			p[i] = mean(mean(l[i], tr[i]), t[i])
		case 6:
			p[i] = mean(l[i], tl[i])
		case 7:
			p[i] = mean(l[i], t[i])
		case 8:
			p[i] = mean(tl[i], t[i])
		case 9:
			p[i] = mean(t[i], tr[i])
		case 10:
			p[i] = mean(mean(l[i], tl[i]), mean(t[i], tr[i]))
		case 11:
			p[i] = t[i]
			if far(l) < far(t) {
				p[i] = l[i]
			}
		case 12:
			p[i] = within(l[i] + t[i] - tl[i])
		case 13:
			m := mean(l[i], t[i])
			p[i] = within(m + (m-tl[i])/2)
		}
	}
	return p
}

func randomRow(rnd *rand.Rand, n int) []uint32 {
	row := make([]uint32, n)
	for i := range row {
		if row[i] = rnd.Uint32(); rnd.IntN(3) == 0 { // extremes
			row[i] = row[i] >> 7 & 0x01010101 * 255
		}
	}
	return row
}

// All predictors, at all edges of pictures of all widths, are those of the definition.
func TestPredictors(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for predictor := range 16 {
		for w := 1; w <= 40; w++ {
			tr := &transform{kind: transformPredict, w: w, bits: 3, tileW: tilesOf(w, 3), above: make([]uint32, w+1)}
			tr.predictors = slices.Repeat([]uint8{uint8(predictor)}, tr.tileW)
			above := make([]uint32, w)
			for y := range 4 {
				row := randomRow(rnd, w)
				want := make([]uint32, w)
				for x, v := range row {
					var p samples
					switch {
					case x == 0 && y == 0:
						p = samples{0, 0, 0, 255}
					case y == 0:
						p = of(want[x-1])
					case x == 0:
						p = of(above[0])
					default:
						right := want[0]
						if x+1 < w {
							right = above[x+1]
						}
						p = defined(predictor, of(want[x-1]), of(above[x]), of(right), of(above[x-1]))
					}
					s := of(v)
					for i := range s {
						s[i] += p[i]
					}
					want[x] = s.pixel()
				}
				tr.undo(row, row, y)
				if !slices.Equal(row, want) {
					t.Fatalf("predictor %d, row %d of %d pixels: %x, want %x", predictor, y, w, row, want)
				}
				copy(above, want)
			}
		}
	}
}

// The colour transforms are those of the definition (section 4.2 and 4.3).
func TestColourTransforms(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	signed := func(v int) int { return int(int8(v)) }
	for w := range 70 {
		row, m := randomRow(rnd, w), rnd.Uint32()
		want := make([]uint32, w)
		for i, v := range row {
			s := of(v)
			s[2] = (s[2] + signed(int(m))*signed(s[1])>>5) & 0xff
			s[0] += signed(int(m>>8))*signed(s[1])>>5 + signed(int(m>>16))*signed(s[2])>>5
			want[i] = s.pixel()
		}
		green := slices.Clone(row)
		addColour(row, m)
		if !slices.Equal(row, want) {
			t.Fatalf("colour, %d pixels, %x: %x, want %x", w, m, row, want)
		}
		for i, v := range green {
			s := of(v)
			s[0], s[2] = s[0]+s[1], s[2]+s[1]
			want[i] = s.pixel()
		}
		addGreen(green)
		if !slices.Equal(green, want) {
			t.Fatalf("green, %d pixels: %x, want %x", w, green, want)
		}
	}
}
