package gif

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	stdgif "image/gif"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

type picture = rastertest.Picture[uint8]

// encode writes a still and returns what image/gif and we make of it.
func encode(t *testing.T, p *picture) (data []byte, m *image.Paletted, ours []color.NRGBA) {
	t.Helper()
	var buf bytes.Buffer
	if err := Encode(&buf, p.Again(), limits); err != nil {
		t.Fatal(err)
	}
	g, err := stdgif.DecodeAll(bytes.NewReader(buf.Bytes()))
	if err != nil {
		t.Fatalf("image/gif refuses it: %v", err)
	}
	if len(g.Image) != 1 || g.LoopCount != -1 { // no loop extension
		t.Fatalf("%d frames, loop %d", len(g.Image), g.LoopCount)
	}
	againstStandard(t, "encoded", buf.Bytes())
	ours, _, err = first(buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), g.Image[0], ours
}

// thresholded is what GIF can hold of colours.
func thresholded(c []color.NRGBA) []color.NRGBA {
	out := slices.Clone(c)
	for i := range out {
		if out[i].A = 255; c[i].A < 128 {
			out[i] = color.NRGBA{}
		}
	}
	return out
}

func TestStillsOfFewColoursAreExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(19, 20))
	for _, layout := range []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA, raster.Indexed} {
		for size := 1; size <= 17; size++ {
			h := raster.NewHeader(size, 15, layout, 8)
			p := &picture{H: h, Band: 1 + size%4}
			if layout == raster.Indexed {
				for range 1 + rnd.IntN(256) {
					h.Palette = append(h.Palette, color.NRGBA{uint8(rnd.IntN(256)), uint8(rnd.IntN(256)), uint8(rnd.IntN(256)), uint8(rnd.IntN(300) % 256)})
				}
				p.S = noise(rnd, size*15, len(h.Palette))
			} else {
				p.S = noise(rnd, size*15*layout.Samples(), 256)
			}
			want, err := colors(p.Again(), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _, got := encode(t, p)
			rastertest.Same(t, fmt.Sprint(layout, size), got, thresholded(want))
		}
	}
}

func TestExactly256ColoursAndOneMore(t *testing.T) {
	for _, n := range []int{255, 256, 257} {
		for _, layout := range []raster.Layout{raster.RGB, raster.RGBA} {
			p := &picture{H: raster.NewHeader(n, 2, layout, 8), Band: 2}
			for y := range 2 {
				for x := range n {
					p.S = append(p.S, uint8(x), uint8(x/256*9), uint8(255-x%256))
					if layout == raster.RGBA {
						p.S = append(p.S, uint8(255*(1-y&1*(x%2))))
					}
				}
			}
			want, _ := colors(p.Again(), nil)
			_, _, got := encode(t, p)
			most := 0
			for i, c := range thresholded(want) {
				if c.A != got[i].A {
					t.Fatalf("%d colours %v: alpha of pixel %d", n, layout, i)
				}
				most = max(most, distance(c, got[i]))
			}
			exact := n <= 256 && layout == raster.RGB || n <= 255
			if exact && most != 0 || most > 3 {
				t.Errorf("%d colours of %v are off by %d at most", n, layout, most)
			}
		}
	}
}

// color returns what a pixel stands for.
func (p pixel) color() color.NRGBA {
	return color.NRGBA{uint8(p.r()), uint8(p.g()), uint8(p.b()), uint8(p >> 24)}
}

func distance(a, b color.NRGBA) int {
	d := 0
	for _, v := range [][2]uint8{{a.R, b.R}, {a.G, b.G}, {a.B, b.B}} {
		d += (int(v[0]) - int(v[1])) * (int(v[0]) - int(v[1]))
	}
	return d
}

func TestAllGraysAndTransparencyStayWithinOne(t *testing.T) {
	p := &picture{H: raster.NewHeader(257, 1, raster.GrayA, 8), Band: 1}
	for x := range 257 {
		p.S = append(p.S, uint8(x), uint8(255*min(1, 256-x)))
	}
	_, _, got := encode(t, p)
	for x, c := range got[:256] {
		if d := int(c.R) - x; d > 1 || d < -1 || c.A != 255 {
			t.Errorf("gray %d became %v", x, c)
		}
	}
	if got[256].A != 0 {
		t.Errorf("the transparent pixel became %v", got[256])
	}
}

// meanError is the mean squared error of a sample.
func meanError(a, b []color.NRGBA) float64 {
	sum := 0
	for i := range a {
		sum += distance(a[i], b[i])
	}
	return float64(sum) / float64(3*len(a))
}

func TestQuantizerBeatsAFixedPalette(t *testing.T) {
	p := &picture{H: raster.NewHeader(300, 200, raster.RGB, 8), Band: 9}
	for y := range 200 {
		for x := range 300 {
			p.S = append(p.S, uint8(x*255/299), uint8(y*255/199), uint8((x+y)*255/498))
		}
	}
	want, _ := colors(p.Again(), nil)
	_, m, got := encode(t, p)
	if len(m.Palette) != 256 {
		t.Errorf("%d colours", len(m.Palette))
	}
	// A plane within the cube: a 6×6×6 cube of colours leaves 220 here.
	if e := meanError(got, want); e > 25 {
		t.Errorf("mean squared error %.1f", e)
	}
}

func TestNearestAgainstSearchOfAll(t *testing.T) {
	rnd := rand.New(rand.NewPCG(21, 22))
	for _, n := range []int{1, 2, 3, 17, 255, 256} {
		var pal []pixel
		for range n {
			pal = append(pal, pixel(rnd.Uint32())|0xff000000)
		}
		var m mapper
		m.setColors(pal)
		for range 5000 {
			p := pixel(rnd.Uint32()) | 0xff000000
			best := 1 << 30
			for _, q := range pal {
				best = min(best, distance(p.color(), q.color()))
			}
			if got := distance(p.color(), pal[m.nearest(p)].color()); got != best {
				t.Fatalf("of %d colours, one at %d is nearest, got one at %d", n, best, got)
			}
		}
	}
}

// frames returns random composed frames: pieces of them change, appear, vanish.
func randomFrames(rnd *rand.Rand, w, h, n, top int) []*picture {
	var out []*picture
	var pal [][4]uint8
	for range top {
		pal = append(pal, [4]uint8{uint8(rnd.IntN(256)), uint8(rnd.IntN(256)), uint8(rnd.IntN(256)), 255})
	}
	pal = append(pal, [4]uint8{})
	cur := make([]uint8, 4*w*h)
	for range n {
		if rnd.IntN(4) > 0 {
			x, y := rnd.IntN(w), rnd.IntN(h)
			for j := y; j < min(h, y+1+rnd.IntN(h)); j++ {
				for i := x; i < w; i++ {
					copy(cur[4*(j*w+i):], pal[rnd.IntN(len(pal))][:])
				}
			}
		}
		out = append(out, &picture{H: raster.NewHeader(w, h, raster.RGBA, 8), S: slices.Clone(cur), Band: 3})
	}
	return out
}

func animate(t *testing.T, frames []*picture, loop int) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := NewWriter(&buf, frames[0].H.W(), frames[0].H.H(), loop, limits)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range frames {
		if err := w.Frame(p.Again(), time.Duration(3*i)*centisecond); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestWrittenAnimationsComposeToWhatWasGiven(t *testing.T) {
	rnd := rand.New(rand.NewPCG(23, 24))
	for i := range 300 {
		frames := randomFrames(rnd, 1+rnd.IntN(12), 1+rnd.IntN(12), 1+rnd.IntN(6), 1+rnd.IntN(6))
		loop := rnd.IntN(4)
		data := animate(t, frames, loop)
		g, err := stdgif.DecodeAll(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("image/gif refuses it: %v", err)
		}
		if len(g.Image) != len(frames) {
			t.Fatalf("%d frames of %d", len(g.Image), len(frames))
		}
		if r, _ := openBytes(data); r.Loop() != loop {
			t.Errorf("loop %d became %d", loop, r.Loop())
		}
		std := compose(g)
		ours, delays, err := ourFrames(data)
		if err != nil {
			t.Fatal(err)
		}
		for j, p := range frames {
			want, _ := colors(p.Again(), nil)
			rastertest.Same(t, fmt.Sprintf("animation %d frame %d by image/gif", i, j), std[j], want)
			rastertest.Same(t, fmt.Sprintf("animation %d frame %d", i, j), ours[j], want)
			if delays[j] != 3*j {
				t.Errorf("delay %d, want %d", delays[j], 3*j)
			}
		}
	}
}

func TestOnlyWhatChangesIsWritten(t *testing.T) {
	w, h := 64, 64
	rnd := rand.New(rand.NewPCG(25, 26))
	base := &picture{H: raster.NewHeader(w, h, raster.RGB, 8), S: noise(rnd, 3*w*h, 6), Band: 8}
	frames := []*picture{base}
	for i := range 20 {
		next := &picture{H: base.H, S: slices.Clone(frames[i].S), Band: 8}
		next.S[3*(i*w+i)] ^= 1
		frames = append(frames, next)
	}
	one, all := len(animate(t, frames[:1], 0)), len(animate(t, frames, 0))
	if all-one > 20*40 {
		t.Errorf("20 frames of one new pixel each add %d bytes to %d", all-one, one)
	}
}

func TestManyColoursInAnimations(t *testing.T) {
	rnd := rand.New(rand.NewPCG(27, 28))
	var frames []*picture
	for range 3 {
		frames = append(frames, &picture{H: raster.NewHeader(40, 40, raster.RGB, 8), S: noise(rnd, 3*1600, 256), Band: 40})
	}
	data := animate(t, frames, 0)
	ours, _, err := ourFrames(data)
	if err != nil {
		t.Fatal(err)
	}
	againstStandard(t, "noise", data)
	for i, p := range frames {
		want, _ := colors(p.Again(), nil)
		// 255 colours for the whole cube: cells of 40 a side have a mean squared
		// error of 40²/12.
		if e := meanError(ours[i], want); e > 40*40/12 {
			t.Errorf("frame %d: mean squared error %.0f", i, e)
		}
	}
}

func TestWriterRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		h    *raster.Header
		lim  raster.Limits
		kind fault.Kind
	}{
		"16 bits": {raster.NewHeader(1, 1, raster.RGB, 16), limits, fault.Internal},
		"planes":  {raster.NewHeader(1, 1, raster.YCbCr, 8), limits, fault.Internal},
		"wide":    {raster.NewHeader(65536, 1, raster.Gray, 8), limits, fault.TooLarge},
		"high":    {raster.NewHeader(1, 65536, raster.RGB, 8), limits, fault.TooLarge},
		"memory":  {raster.NewHeader(1000, 1000, raster.RGB, 8), raster.Limits{Mem: 3e6}, fault.TooLarge},
		"short":   {raster.NewHeader(1, 2, raster.Gray, 8), limits, fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			p := &picture{H: c.h, Band: 1, S: make([]uint8, 10), Y: c.h.H() - 1}
			if name != "short" {
				p.Y = c.h.H()
			}
			if err := Encode(io.Discard, p, c.lim); fault.Of(err) != c.kind || err == nil {
				t.Error(err)
			}
		})
	}
}

// TestAgainstImageMagick compares composed frames with what convert -coalesce
// makes of the same files. Its canvas keeps the colour of transparent pixels, and
// is white where no frame of the file knows transparency, so ours here all do.
func TestAgainstImageMagick(t *testing.T) {
	const convert = "/usr/bin/convert"
	if _, err := os.Stat(convert); err != nil {
		t.Skip("ImageMagick is not installed")
	}
	rnd := rand.New(rand.NewPCG(39, 40))
	dir := t.TempDir()
	files := goldenFiles(t)
	for i := range 12 {
		files[fmt.Sprintf("read%d.gif", i)] = randomAnimationFrom(rnd, 1+rnd.IntN(5), 0)
		files[fmt.Sprintf("written%d.gif", i)] = animate(t, randomFrames(rnd, 9, 7, 5, 4), 0)
	}
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(convert, path, "-coalesce", "-depth", "8", "rgba:-").Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		frames, _, err := ourFrames(data)
		if err != nil {
			t.Fatal(err)
		}
		var want []color.NRGBA
		for ; len(out) >= 4; out = out[4:] {
			c := color.NRGBA{out[0], out[1], out[2], out[3]}
			if c.A == 0 {
				c = color.NRGBA{}
			}
			want = append(want, c)
		}
		rastertest.Same(t, name, slices.Concat(frames...), want)
	}
}

func FuzzWriter(f *testing.F) {
	f.Add(uint8(3), uint8(4), bytes.Repeat([]byte{1, 2, 3, 0}, 9))
	f.Fuzz(func(t *testing.T, w, h uint8, data []byte) {
		n := (1 + int(w%16)) * (1 + int(h%16))
		var frames []*picture
		for ; len(data) >= n && len(frames) < 5; data = data[n:] {
			p := &picture{H: raster.NewHeader(1+int(w%16), 1+int(h%16), raster.RGBA, 8), Band: 4}
			for _, v := range data[:n] {
				a := uint8(255)
				if v%8 == 0 {
					a = 0
				}
				p.S = append(p.S, v, v&0xf0, 255-v, a)
			}
			frames = append(frames, p)
		}
		if len(frames) == 0 {
			return
		}
		out := animate(t, frames, 0)
		againstStandard(t, "written", out)
		got, _, err := ourFrames(out)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range frames {
			want, _ := colors(p.Again(), nil)
			if n > 255 { // perhaps more colours than a palette holds
				continue
			}
			rastertest.Same(t, fmt.Sprint("frame ", i), got[i], want)
		}
	})
}

func TestDelaysAreCarriedOverInHundredths(t *testing.T) {
	for _, c := range []struct {
		name  string
		delay time.Duration
		want  []int
	}{
		{"whole", 70 * time.Millisecond, []int{7, 7, 7}},
		{"a third", time.Second / 30, []int{3, 4, 3, 3, 4, 3}},
		{"60 a second are never 1", time.Second / 60, []int{2, 2, 2, 2, 2}},
		{"zero", 0, []int{0, 0}},
		{"one", 10 * time.Millisecond, []int{1, 1, 1}},
		{"too long", 2000 * time.Second, []int{65535, 65535}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k clock
			for i, want := range c.want {
				if got := k.next(c.delay); got != want {
					t.Errorf("delay %d is %d, want %d", i, got, want)
				}
			}
		})
	}
}

func TestSelectedFrameIsTheCanvasShownThen(t *testing.T) {
	rnd := rand.New(rand.NewPCG(43, 44))
	for range 50 {
		data := randomAnimation(rnd, 1+rnd.IntN(5))
		frames, _, err := ourFrames(data)
		if err != nil {
			t.Fatal(err)
		}
		for n := range frames {
			r, err := openBytes(data)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Select(n + 1); err != nil {
				t.Fatal(err)
			}
			rows, err := r.Rows(raster.Hint{})
			if err != nil {
				t.Fatal(err)
			}
			if rows.Header().Layout != r.Header().Layout {
				t.Errorf("frame %d: %v rows, %v header", n+1, rows.Header().Layout, r.Header().Layout)
			}
			got, err := colors(rows, nil)
			if err != nil {
				t.Fatal(err)
			}
			rastertest.Same(t, fmt.Sprint("frame ", n+1), got, frames[n])
		}
		r, _ := openBytes(data)
		for _, n := range []int{-1, 0, len(frames) + 1} {
			if err := r.Select(n); fault.Of(err) != fault.Usage {
				t.Errorf("frame %d of %d: %v", n, len(frames), err)
			}
		}
	}
}

var _ raster.Animated = (*Reader)(nil)
