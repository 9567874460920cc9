package raster

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"testing"
)

func TestDepthsRoundToNearest(t *testing.T) {
	h := NewHeader(256, 256, Gray, 16)
	src := &planes{h: h, step: 5}
	for v := range 65536 {
		src.pix[0] = append(src.pix[0], uint16(v))
	}
	low := To8(src)
	if low.Header().Bits != 8 {
		t.Fatal("not 8 bit")
	}
	for v, got := range read(t, low)[0] {
		if want := math.Round(float64(v) * 255 / 65535); float64(got) != want {
			t.Fatalf("%d of 16 bits is %d of 8, want %g", v, got, want)
		}
	}
	h8 := NewHeader(256, 1, Gray, 8)
	src8 := &planes{h: h8}
	for v := range 256 {
		src8.pix[0] = append(src8.pix[0], uint16(v))
	}
	for v, got := range read(t, To16(src8))[0] {
		if int(got) != v*65535/255 {
			t.Fatalf("%d of 8 bits is %d of 16", v, got)
		}
	}
}

// every runs f as a subtest with a random picture of each one-plane layout and depth.
func every(t *testing.T, f func(t *testing.T, src *planes)) {
	t.Helper()
	for _, l := range []Layout{Gray, GrayA, RGB, RGBA, Indexed} {
		for _, bits := range []uint8{8, 16} {
			if l == Indexed && bits == 16 {
				continue
			}
			h := NewHeader(23, 11, l, bits)
			if l == Indexed {
				for i := range 256 {
					h.Palette = append(h.Palette, color.NRGBA{uint8(i), uint8(i * 7), uint8(i * 31), uint8(255 - i*3)})
				}
			}
			t.Run(fmt.Sprintf("%v %d bit", l, bits), func(t *testing.T) { f(t, source(h, uint64(l)+5, 4)) })
		}
	}
}

// pixels returns R, G, B and A of each pixel of src, from 0 to 1.
func pixels(src *planes) (out [][4]float64) {
	h := src.h
	full := float64(uint32(1)<<h.Bits - 1)
	n := h.Layout.Samples()
	for i := 0; i < len(src.pix[0]); i += n {
		s := src.pix[0][i : i+n]
		var v [4]float64
		for k := range s {
			v[k] = float64(s[k]) / full
		}
		switch h.Layout {
		case Gray:
			v = [4]float64{v[0], v[0], v[0], 1}
		case GrayA:
			v = [4]float64{v[0], v[0], v[0], v[1]}
		case RGB:
			v[3] = 1
		case Indexed:
			c := h.Palette[s[0]]
			v = [4]float64{float64(c.R) / 255, float64(c.G) / 255, float64(c.B) / 255, float64(c.A) / 255}
		}
		out = append(out, v)
	}
	return out
}

func TestExpandAndToRGBKeepEveryColour(t *testing.T) {
	every(t, func(t *testing.T, src *planes) {
		for _, f := range []func(Rows) Rows{Expand, ToRGB, To16} {
			again := source(src.h, 0, 1)
			again.pix = src.pix
			rows := f(again)
			got := &planes{h: rows.Header()}
			got.pix = read(t, rows)
			a, b := pixels(got), pixels(src)
			for i := range a {
				for k := range a[i] {
					if math.Abs(a[i][k]-b[i][k]) > 1e-9 {
						t.Fatalf("pixel %d is %v, want %v", i, a[i], b[i])
					}
				}
			}
		}
	})
}

func TestToRGBHasColourSamples(t *testing.T) {
	every(t, func(t *testing.T, src *planes) {
		l := ToRGB(src).Header().Layout
		if l != RGB && l != RGBA {
			t.Errorf("became %v", l)
		}
	})
}

func TestFlattenIsOnWhite(t *testing.T) {
	every(t, func(t *testing.T, src *planes) {
		rows := Flatten(src)
		if rows.Header().Layout.HasAlpha() {
			t.Fatal("alpha is left")
		}
		got := &planes{h: rows.Header()}
		got.pix = read(t, rows)
		full := float64(uint32(1)<<src.h.Bits - 1)
		a := pixels(got)
		for i, c := range pixels(src) {
			for k := range 3 {
				want := c[k]*c[3] + 1 - c[3]
				if e := math.Abs(a[i][k]-want) * full; e > 0.5001 {
					t.Fatalf("pixel %d %v is %v", i, c, a[i])
				}
			}
			if a[i][3] != 1 {
				t.Fatalf("alpha %v", a[i][3])
			}
		}
	})
}

func TestDropAlphaKeepsColours(t *testing.T) {
	every(t, func(t *testing.T, src *planes) {
		if src.h.Layout == Indexed {
			return
		}
		n := src.h.Layout.Samples()
		want := src.pix[0]
		if src.h.Layout.HasAlpha() {
			want = nil
			for i, v := range src.pix[0] {
				if i%n != n-1 {
					want = append(want, v)
				}
			}
		}
		if got := read(t, DropAlpha(src))[0]; !slices.Equal(got, want) {
			t.Error("other samples")
		}
	})
}

func TestOpaque(t *testing.T) {
	every(t, func(t *testing.T, src *planes) {
		n := src.h.Layout.Samples()
		alpha := src.h.Layout.HasAlpha() || src.h.Layout == Indexed
		if got, err := Opaque(src); err != nil || got == alpha {
			t.Errorf("opaque %v, %v", got, err)
		}
		if !src.h.Layout.HasAlpha() {
			return
		}
		full := uint16(1<<src.h.Bits - 1)
		for i := n - 1; i < len(src.pix[0]); i += n {
			src.pix[0][i] = full
		}
		src.done[0] = 0
		if got, err := Opaque(src); err != nil || !got {
			t.Errorf("all opaque: %v, %v", got, err)
		}
		src.pix[0][len(src.pix[0])-1] = full - 1 // the last pixel of all
		src.done[0] = 0
		if got, err := Opaque(src); err != nil || got {
			t.Errorf("the last not opaque: %v, %v", got, err)
		}
	})
}

func TestIndexBeyondThePaletteIsBlack(t *testing.T) {
	h := NewHeader(2, 1, Indexed, 8)
	h.Palette = []color.NRGBA{{200, 100, 50, 255}}
	src := &planes{h: h}
	src.pix[0] = []uint16{0, 9}
	if got := read(t, Expand(src))[0]; !slices.Equal(got, []uint16{200, 100, 50, 0, 0, 0}) {
		t.Error(got)
	}
}
