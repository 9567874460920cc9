package vp8l

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	xvp8l "golang.org/x/image/vp8l"
	"golang.org/x/image/webp"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// encode is Compress with the payload in one piece.
func encode(src raster.Rows, o EncodeOptions) ([]byte, error) {
	p, err := Compress(src, o)
	if err != nil {
		return nil, err
	}
	return p.Bytes(), nil
}

// picture returns rows of a layout without a palette whose samples f gives.
func picture(w, h int, l raster.Layout, f func(x, y, sample int) int) *rastertest.Picture[uint8] {
	n := l.Samples()
	s := make([]uint8, w*h*n)
	for i := range s {
		s[i] = uint8(f(i/n%w, i/n/w, i%n))
	}
	return &rastertest.Picture[uint8]{H: raster.NewHeader(w, h, l, 8), S: s, Band: 5}
}

// indexedPicture returns rows of n colours, which are random.
func indexedPicture(w, h, n int, opaque bool, f func(x, y int) int) *rastertest.Picture[uint8] {
	p := picture(w, h, raster.Indexed, func(x, y, _ int) int { return f(x, y) % n })
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	for range n {
		c := color.NRGBA{uint8(rnd.Uint32()), uint8(rnd.Uint32()), uint8(rnd.Uint32()), 255}
		if !opaque {
			c.A = uint8(rnd.Uint32())
		}
		p.H.Palette = append(p.H.Palette, c)
	}
	return p
}

func noise(seed uint64) func(x, y, sample int) int {
	rnd := rand.New(rand.NewPCG(seed, 2))
	return func(x, y, sample int) int { return int(rnd.Uint32() & 255) }
}

// letters draws the same few shapes again and again on a flat ground.
func letters(x, y, sample int) int {
	if y%20 < 12 && x%9 < 7 && (x%9*31+y%20*17+x/9%5*7)%11 < 4 {
		return 20 + 60*sample
	}
	return 240 - 5*sample
}

// photograph is smooth with some noise, and flat in a corner.
func photograph(w int) func(x, y, sample int) int {
	n := noise(9)
	return func(x, y, sample int) int {
		v := 90 + x*100/w + y%200/3*(sample+1)/3 + n(x, y, 0)&7
		if x > w/2 && y < 40 {
			v = 200
		}
		return min(v, 255)
	}
}

// cases are pictures of every kind of plan.
var cases = []struct {
	name string
	make func() *rastertest.Picture[uint8]
}{
	{"one pixel", func() *rastertest.Picture[uint8] { return picture(1, 1, raster.RGB, noise(1)) }},
	{"one transparent pixel", func() *rastertest.Picture[uint8] {
		return picture(1, 1, raster.RGBA, func(_, _, s int) int { return 10 * s % 30 })
	}},
	{"largest width", func() *rastertest.Picture[uint8] { return picture(MaxSide, 1, raster.RGB, photograph(MaxSide)) }},
	{"largest height", func() *rastertest.Picture[uint8] { return picture(1, MaxSide, raster.RGB, photograph(1)) }},
	{"largest width, two rows of letters", func() *rastertest.Picture[uint8] { return picture(MaxSide, 2, raster.RGB, letters) }},
	{"noise", func() *rastertest.Picture[uint8] { return picture(301, 203, raster.RGB, noise(3)) }},
	{"noise with alpha", func() *rastertest.Picture[uint8] { return picture(100, 77, raster.RGBA, noise(4)) }},
	{"noise of gray", func() *rastertest.Picture[uint8] { return picture(99, 65, raster.Gray, noise(5)) }},
	{"gray with alpha", func() *rastertest.Picture[uint8] { return picture(99, 65, raster.GrayA, photograph(99)) }},
	{"flat", func() *rastertest.Picture[uint8] {
		return picture(500, 300, raster.RGB, func(_, _, s int) int { return 3 * s })
	}},
	{"letters", func() *rastertest.Picture[uint8] { return picture(640, 480, raster.RGB, letters) }},
	{"gradients", func() *rastertest.Picture[uint8] {
		return picture(256, 256, raster.RGB, func(x, y, s int) int { return [3]int{x, y, x + y}[s] & 255 })
	}},
	{"photograph", func() *rastertest.Picture[uint8] { return picture(320, 240, raster.RGB, photograph(320)) }},
	{"gray photograph", func() *rastertest.Picture[uint8] { return picture(320, 240, raster.Gray, photograph(320)) }},
	{"transparent areas with colours", func() *rastertest.Picture[uint8] {
		f := photograph(200)
		return picture(200, 150, raster.RGBA, func(x, y, s int) int {
			if s == 3 {
				return 255 * (x / 50 % 2)
			}
			return f(x, y, s)
		})
	}},
	{"only the last pixel is transparent", func() *rastertest.Picture[uint8] {
		return picture(50, 50, raster.RGBA, func(x, y, s int) int { return 255 - 99*(s/3)*(x*y/(49*49)) })
	}},
	{"one colour with two alphas", func() *rastertest.Picture[uint8] {
		return picture(50, 50, raster.RGBA, func(_, y, s int) int { return 7*s + s/3*(y&1) })
	}},
	{"two colours that nobody sees", func() *rastertest.Picture[uint8] {
		return picture(50, 50, raster.RGBA, func(_, y, s int) int { return [4]int{y & 1, 2, 3, 0}[s] })
	}},
	{"two alphas under noise", func() *rastertest.Picture[uint8] {
		n := noise(8)
		return picture(70, 60, raster.RGBA, func(x, y, s int) int {
			if s == 3 {
				return 255 * (y / 20 & 1)
			}
			return n(x, y, s)
		})
	}},
	{"several bands of letters and noise", func() *rastertest.Picture[uint8] {
		n := noise(6)
		return picture(1200, 1100, raster.RGB, func(x, y, s int) int {
			if x > 900 && y < 900 {
				return n(x, y, s)
			}
			return letters(x, y+x/300, s)
		})
	}},
	{"several bands of a photograph", func() *rastertest.Picture[uint8] { return picture(1100, 1300, raster.RGB, photograph(1100)) }},
	{"several bands of indexes", func() *rastertest.Picture[uint8] {
		return indexedPicture(1300, 1200, 200, true, func(x, y int) int { return letters(x, y, 1) + x/300 })
	}},
}

// Every file is read back to the same pixels by x/image, and by dwebp where it is
// installed.
func TestFilesAreReadBackExactly(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { checkPicture(t, c.make()) })
	}
	for _, n := range []int{1, 2, 3, 4, 5, 15, 16, 17, 255, 256} {
		for _, w := range []int{1, 7, 8, 9, 131} {
			for _, opaque := range []bool{true, false} {
				t.Run(fmt.Sprintf("%d colours, %d wide, opaque %v", n, w, opaque), func(t *testing.T) {
					rnd := rand.New(rand.NewPCG(uint64(n), 3))
					checkPicture(t, indexedPicture(w, 61, n, opaque, func(x, y int) int {
						if y < 30 {
							return x/5 + y
						}
						return rnd.IntN(n)
					}))
				})
			}
		}
	}
}

func TestIndexBeyondThePaletteIsBlack(t *testing.T) {
	p := indexedPicture(8, 8, 3, true, func(x, _ int) int { return x })
	p.S[9] = 77
	b, err := encode(p, EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := xvp8l.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if c := m.(*image.NRGBA).NRGBAAt(1, 1); c != (color.NRGBA{0, 0, 0, 255}) {
		t.Errorf("index 77 of 3 colours became %v", c)
	}
}

// checkPicture encodes p and compares what readers make of it.
func checkPicture(t *testing.T, p *rastertest.Picture[uint8]) {
	t.Helper()
	b, err := encode(p, EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := rastertest.Colors(p.Again(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := xvp8l.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("x/image: %v", err)
	}
	if s := m.Bounds().Size(); s.X != p.H.W() || s.Y != p.H.H() {
		t.Fatalf("x/image: %v", s)
	}
	rastertest.Same(t, "x/image", colors(m.(*image.NRGBA).Pix), want)
	if pam, ok := dwebp(t, b); ok {
		rastertest.Same(t, "dwebp", colors(pam), want)
	}
}

func colors(pix []uint8) []color.NRGBA {
	out := make([]color.NRGBA, len(pix)/4)
	for i := range out {
		out[i] = color.NRGBA{pix[4*i], pix[4*i+1], pix[4*i+2], pix[4*i+3]}
	}
	return out
}

// file returns a WebP file of chunks, each of which is four letters and its payload.
func file(chunks ...[]byte) []byte {
	out := []byte("RIFF\x00\x00\x00\x00WEBP")
	for _, c := range chunks {
		out = append(out, c[:4]...)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(c)-4))
		out = append(out, c[4:]...)
		if len(c)&1 != 0 {
			out = append(out, 0)
		}
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

// dwebp returns the RGBA samples that dwebp reads from a payload, if it is installed.
func dwebp(t *testing.T, payload []byte) ([]byte, bool) {
	t.Helper()
	program, err := exec.LookPath("dwebp")
	if err != nil {
		return nil, false
	}
	name := filepath.Join(t.TempDir(), "a.webp")
	if err := os.WriteFile(name, file(append([]byte("VP8L"), payload...)), 0o666); err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd := exec.Command(program, "-quiet", name, "-pam", "-o", "-")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("dwebp: %v %s", err, stderr.String())
	}
	_, pix, ok := bytes.Cut(out, []byte("ENDHDR\n"))
	if !ok {
		t.Fatal("dwebp: no ENDHDR")
	}
	return pix, true
}

// A picture with few colours is smaller than what its indexes take in bits, and one of
// repeated shapes far smaller.
func TestRepeatedShapesTakeFewBytes(t *testing.T) {
	for _, c := range []struct {
		name string
		src  raster.Rows
		most int
	}{
		{"flat, 1000×1000", picture(1000, 1000, raster.RGB, func(_, _, _ int) int { return 9 }), 100},
		{"letters of 2 colours", picture(1000, 1000, raster.RGB, letters), 1200},
		{"noise of 2 colours", indexedPicture(1000, 1000, 2, true, func(func(x, y, s int) int) func(x, y int) int {
			n := noise(1)
			return func(x, y int) int { return n(x, y, 0) }
		}(nil)), 126000},
		{"noise", picture(300, 300, raster.RGB, noise(1)), 3*300*300*1005/1000 + 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := encode(c.src, EncodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(b) > c.most {
				t.Errorf("%d bytes, want at most %d", len(b), c.most)
			}
		})
	}
}

func TestSidesOverTheLimitAreRefused(t *testing.T) {
	for _, s := range [][2]int{{MaxSide + 1, 1}, {1, MaxSide + 1}} {
		p := picture(s[0], s[1], raster.Gray, noise(1))
		for name, f := range map[string]func(raster.Rows, EncodeOptions) ([]byte, error){"picture": encode, "alpha": EncodeAlpha} {
			t.Run(fmt.Sprintf("%s of %d×%d", name, s[0], s[1]), func(t *testing.T) {
				_, err := f(p, EncodeOptions{})
				if fault.Of(err) != fault.TooLarge || !strings.Contains(err.Error(), "16383") {
					t.Errorf("error %v", err)
				}
			})
		}
	}
}

func TestMoreBytesThanMemoryAreRefused(t *testing.T) {
	p := picture(2000, 3000, raster.RGB, noise(1))
	_, err := encode(p, EncodeOptions{Limits: raster.Limits{Mem: 24 << 20}})
	if fault.Of(err) != fault.TooLarge {
		t.Errorf("error %v", err)
	}
}

// The alpha of a lossy file is read back exactly, beside a VP8 chunk of another picture.
func TestAlphaIsReadBackExactly(t *testing.T) {
	lossy := rastertest.File(t, "../testdata/alpha.webp")
	at := bytes.Index(lossy, []byte("VP8 "))
	size := int(binary.LittleEndian.Uint32(lossy[at+4:]))
	vp8 := append([]byte("VP8 "), lossy[at+8:at+8+size]...)
	m, err := webp.Decode(bytes.NewReader(lossy))
	if err != nil {
		t.Fatal(err)
	}
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	for _, c := range []struct {
		name string
		f    func(x, y, sample int) int
		raw  bool
	}{
		{"noise", noise(1), true},
		{"flat", func(_, _, _ int) int { return 128 }, false},
		{"a disc", func(x, y, _ int) int { return max(0, min(255, 20*(w/3)*(w/3)-20*((x-w/2)*(x-w/2)+(y-h/2)*(y-h/2)))) }, false},
		{"gradients", func(x, y, _ int) int { return (3*x + 2*y) & 255 }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := picture(w, h, raster.Gray, c.f)
			b, err := EncodeAlpha(p, EncodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if raw := b[0] == alphaRaw; raw != c.raw || len(b) > w*h+1 {
				t.Errorf("raw %v, %d bytes of %d", raw, len(b), w*h)
			}
			vp8x := append([]byte("VP8X\x10\x00\x00\x00"), byte(w-1), byte((w-1)>>8), 0, byte(h-1), byte((h-1)>>8), 0)
			m, err := webp.Decode(bytes.NewReader(file(vp8x, append([]byte("ALPH"), b...), vp8)))
			if err != nil {
				t.Fatal(err)
			}
			got := m.(*image.NYCbCrA)
			for y := range h {
				rastertest.Same(t, fmt.Sprintf("row %d", y), got.A[y*got.AStride:][:w], p.S[y*w:(y+1)*w])
			}
		})
	}
}

// Clear changes only what nobody sees, and leaves it without edges.
func TestHiddenColoursAreCleared(t *testing.T) {
	n := noise(8)
	p := picture(100, 37, raster.RGBA, func(x, y, s int) int {
		if s == 3 {
			return 255 * (x / 40 % 2)
		}
		return n(x, y, s)
	})
	got, err := rastertest.Colors(Clear(p.Again()), nil)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := rastertest.Colors(p.Again(), nil)
	for i, c := range got {
		if want[i].A != 0 && c != want[i] || c.A != want[i].A {
			t.Fatalf("pixel %d: %v, want %v", i, c, want[i])
		}
	}
	// Columns 80 to 99 are hidden; all of a block of 16 × 16 have one colour.
	for y := range 37 {
		for x := 80; x < 100; x++ {
			if c, first := got[y*100+x], got[y/16*1600+80]; c != first {
				t.Fatalf("pixel %d, %d: %v, and %v at the first of its rows of blocks", x, y, c, first)
			}
		}
	}
}

// FuzzEncode: whatever the pixels are, x/image reads them back.
func FuzzEncode(f *testing.F) {
	f.Add(uint16(3), uint8(2), []byte("some samples of a picture"))
	f.Add(uint16(40), uint8(0), bytes.Repeat([]byte{1, 2, 3, 4, 5, 200}, 400))
	f.Add(uint16(9), uint8(4), bytes.Repeat([]byte{1, 0, 0, 0, 7}, 90))
	f.Fuzz(func(t *testing.T, width uint16, layout uint8, data []byte) {
		l := raster.Layout(layout % 5)
		w := int(width)%MaxSide + 1
		h := len(data) / (w * l.Samples())
		if h == 0 || h > MaxSide {
			return
		}
		p := &rastertest.Picture[uint8]{H: raster.NewHeader(w, h, l, 8), S: data[:w*h*l.Samples()], Band: 3}
		if l == raster.Indexed {
			for i := range 256 {
				p.H.Palette = append(p.H.Palette, color.NRGBA{uint8(i * 7), uint8(i * i), uint8(i >> 3), uint8(255 - i&int(layout))})
			}
		}
		b, err := encode(p, EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := xvp8l.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		want, err := rastertest.Colors(p.Again(), nil)
		if err != nil {
			t.Fatal(err)
		}
		rastertest.Same(t, "x/image", colors(m.(*image.NRGBA).Pix), want)
	})
}

// What is copied equals what the tokens say, with pixels that repeat by chance only: most
// are cheap, and some are so dear that even one of them would be worth a copy.
func TestTokensStandForTheirPixels(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	for _, width := range []int{1, 2, 3, 60, 700} {
		for _, predicted := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d wide, predicted %v", width, predicted), func(t *testing.T) {
				px := make([]uint32, width*max(300, 70000/width))
				for i := range px {
					switch n := rnd.IntN(100); {
					case n < 80:
						px[i] = uint32(rnd.IntN(3))
					case n < 99 && i > 100:
						px[i] = px[i-1-rnd.IntN(100)]
					default:
						px[i] = rnd.Uint32()
					}
				}
				m := newMatcher(width, len(px))
				m.px, m.predicted = px, predicted
				m.parse(0, len(px))
				checkTokens(t, m.tokens, px)
				counts := make([]uint32, numSymbols(4))
				m.dist.tally(counts, m.tokens, px)
				m.move()
				m.parseBest(0, len(px), newTokenCosts(counts, newCache(4)))
				checkTokens(t, m.tokens, px)
			})
		}
	}
}

// checkTokens decodes tokens, with a cache of 4 bits.
func checkTokens(t *testing.T, tokens []token, px []uint32) {
	t.Helper()
	c := newCache(4)
	var got []uint32
	for _, k := range tokens {
		at := len(got)
		n := k.pixels()
		if at+n > len(px) {
			t.Fatalf("tokens for more than %d pixels", len(px))
		}
		switch {
		case n > 1:
			if k.low() == 0 || k.low() > at {
				t.Fatalf("a copy from %d before pixel %d", k.low(), at)
			}
			for range n {
				got = append(got, got[len(got)-k.low()])
			}
		case k == literal:
			got = append(got, px[at])
		default:
			got = append(got, c.px[k.low()])
		}
		for _, p := range got[at:] {
			c.px[c.slot(p)] = p
		}
	}
	rastertest.Same(t, "tokens", got, px)
}

// A bucket keeps the last 8 places, the newest first, and tells which have the same tag.
func TestBucketKeepsTheLastPlaces(t *testing.T) {
	p := newPlaces(1000, 13)
	const first, twice, other = 0x12345678, 0xfedcba98, 0x0edcba98
	for place := range 12 {
		h := uint32(twice)
		if place%3 == 0 {
			h = other
		}
		key := p.key(first, h)
		p.at(key).enter(key, placeMask-5+place) // over the end of 20 bits
	}
	key := p.key(first, twice)
	b := p.at(key)
	same, like := b.alike(key)
	if same != 0b11011011 || like != 0b00100100 {
		t.Errorf("places with the same tag %08b, with the same first pixels %08b", same, like)
	}
	for k := range 8 {
		if d := b.distance(k, placeMask+7); d != k+1 {
			t.Errorf("place %d is %d before the next", k, d)
		}
	}
}

// Words that occur again among others are copied: text costs a few bits a word.
func TestWordsAreFoundAgain(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	const w, h, rows, wide = 1200, 800, 16, 60 // a line and a word, in pixels
	words := make([][rows][wide]uint8, 40)
	for i := range words {
		for y := range rows {
			for x := range wide - 8 {
				words[i][y][x] = uint8(rnd.IntN(3) * 100)
			}
		}
	}
	order := make([]int, w/wide*h/rows)
	for i := range order {
		order[i] = rnd.IntN(len(words))
	}
	p := picture(w, h, raster.RGB, func(x, y, s int) int {
		if y == 0 {
			return x / 8 // so many colours that pixels are not bundled
		}
		return int(words[order[y/rows*(w/wide)+x/wide]][y%rows][x%wide])
	})
	b, err := encode(p, EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const most = 4 * w / wide * h // bytes: 32 bits for each row of a word
	if len(b) > most {
		t.Errorf("%d bytes, want at most %d", len(b), most)
	}
}

// Places are alike whose tags are, and pixels match up to the first that differs. This
// holds for vector code and plain code.
func TestBucketsAndMatchesAreThoseOfTheDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	for range 1000 {
		var b bucket
		var tags [8]uint32 // of the newest place first
		for k := 7; k >= 0; k-- {
			tags[k] = uint32(rnd.IntN(4)) | uint32(rnd.IntN(2))<<(tagBits-1)
			b.enter(tags[k], rnd.IntN(1<<20))
		}
		tag := tags[rnd.IntN(8)]
		var same, like uint32
		for k, v := range tags {
			switch {
			case v == tag:
				same |= 1 << k
			case v>>twiceBits == tag>>twiceBits:
				like |= 1 << k
			}
		}
		if s, l := b.alike(tag | 5<<tagBits); s != same || l != like {
			t.Fatalf("tags %x have %08b and %08b alike with %x, want %08b and %08b", tags, s, l, tag, same, like)
		}
	}
	px := make([]uint32, 200)
	m := &matcher{px: px}
	for unlike := range 100 {
		for limit := range 100 {
			clear(px)
			px[100+unlike] = 1
			if got, want := m.match(100, 0, limit), min(unlike, limit); got != want {
				t.Fatalf("%d of %d pixels match, want %d", got, limit, want)
			}
		}
	}
}
