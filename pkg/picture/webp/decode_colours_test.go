package webp

import "testing"

// Every colour is that of the matrix of section 1.1, computed one by one, and pixels whose
// sums are within the range are not changed by limiting them.
func TestColoursByDefinition(t *testing.T) {
	clip := func(v int) uint8 { return uint8(max(0, min(255, v>>6))) }
	for y := 0; y < 256; y += 3 {
		l := y * fromY >> 8
		for cb := range 256 {
			for cr := range 256 {
				want := [3]uint8{clip(l + cr*rCr>>8 - rOff), clip(l - cb*gCb>>8 - cr*gCr>>8 + gOff), clip(l + cb*bCb>>8 - bOff)}
				var got [3]uint8
				s := products.sum(uint8(y), uint8(cb), uint8(cr))
				if putColour(&got, colour(limited(s))); got != want {
					t.Fatalf("%d %d %d: %v, want %v", y, cb, cr, got, want)
				}
				if s&^inRange == 0 && limited(s) != s {
					t.Fatalf("%d %d %d: limited without need", y, cb, cr)
				}
			}
		}
	}
}

// Rows of all widths are mixed alike, however many pixels are made at a time.
func TestRowsOfAllWidths(t *testing.T) {
	const w = 70
	m := newMixer(w)
	luma := make([]uint8, w)
	for i := range luma {
		luma[i] = uint8(i * 37)
	}
	for i := range m.cb {
		m.cb[i], m.cr[i] = uint16(i*271)%1021, uint16(i*523)%1021
	}
	for _, n := range []int{3, 4} {
		for width := 1; width <= w; width++ {
			got := make([]uint8, n*width)
			m.plain(got, n, luma[:width], m.cb, m.cr)
			for x := range width {
				near, far := x/2+1, x/2+x%2*2
				cb, cr := uint8((3*m.cb[near]+m.cb[far]+8)>>4), uint8((3*m.cr[near]+m.cr[far]+8)>>4)
				var want [3]uint8
				putColour(&want, colour(limited(products.sum(luma[x], cb, cr))))
				if [3]uint8(got[x*n:]) != want {
					t.Fatalf("%d samples, %d wide: pixel %d is %v, want %v", n, width, x, got[x*n:x*n+3], want)
				}
			}
		}
	}
}
