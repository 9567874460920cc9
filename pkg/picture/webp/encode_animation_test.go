package webp

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// play returns n frames of a layout: a scene over which a square of noise moves, and of
// which now and then a part becomes transparent. One frame in six changes nothing.
func play(w, h, n int, l raster.Layout) []*scenery {
	rnd := rand.New(rand.NewPCG(uint64(n), uint64(l)))
	ground := scene(w, h, l)
	all := []*scenery{ground}
	size := l.Samples()
	for i := 1; i < n; i++ {
		p := *ground
		if i%6 == 5 {
			p = *all[i-1]
		}
		p.S = slices.Clone(p.S)
		if i%6 != 5 {
			for y := range h / 3 {
				for x := range w / 4 {
					at := ((y+i*h/2/n)*w + x + i*w/2/n + 1) * size
					for k := range size {
						p.S[at+k] = uint8(rnd.IntN(256))
						if l.HasAlpha() && k == size-1 {
							p.S[at+k] = []uint8{255, 255, 0, p.S[at]}[(i+x/9)%4]
						}
					}
				}
			}
		}
		all = append(all, &p)
	}
	return all
}

func animated(t testing.TB, frames []*scenery, loop int, o EncodeOptions) []byte {
	t.Helper()
	return rastertest.Encoded(t, func(b *bytes.Buffer) error {
		w := NewAnimation(b, loop, o)
		for i, f := range frames {
			if err := w.Frame(f.Again(), delayOf(i)); err != nil {
				return err
			}
		}
		return w.Close()
	})
}

func delayOf(i int) time.Duration { return time.Duration(10*(i+2)) * time.Millisecond }

var animatedLayouts = []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA}

func TestWrittenAnimationsAreReadBack(t *testing.T) {
	for _, l := range animatedLayouts {
		for name, o := range map[string]EncodeOptions{"lossless": {Lossless: true}, "lossy": {Quality: 92}, "fast": {Quality: 92, Fast: true}} {
			t.Run(fmt.Sprint(l, " ", name), func(t *testing.T) {
				frames := play(61, 43, 9, l)
				b := animated(t, frames, 3, o)
				r, err := open(b)
				if err != nil || r.Frames() != 9 || r.Loop() != 3 || len(r.Notes()) > 0 || o.Lossless && !r.Lossless() {
					t.Fatalf("%d frames, loop %d, notes %v, lossless %v, %v", r.Frames(), r.Loop(), r.Notes(), r.Lossless(), err)
				}
				a, err := r.Animation()
				if err != nil {
					t.Fatal(err)
				}
				for i, f := range frames {
					got, err := a.Next()
					if err != nil {
						t.Fatal(err)
					}
					if got.Delay != delayOf(i) {
						t.Errorf("frame %d is shown %v", i+1, got.Delay)
					}
					px, err := rastertest.Colors(got.Rows, nil)
					if err != nil {
						t.Fatal(err)
					}
					near(t, fmt.Sprint("frame ", i+1), px, f, o.Lossless)
				}
				if _, err := a.Next(); err != io.EOF {
					t.Error(err)
				}
			})
		}
	}
}

// near compares pixels with those of a picture: alpha exactly, colours that are seen
// exactly or, of a lossy file, in their mean luma.
func near(t *testing.T, name string, got []color.NRGBA, want *scenery, exact bool) {
	t.Helper()
	px, err := rastertest.Colors(want.Again(), nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, w := range px {
		g := got[i]
		if g.A != w.A || exact && g != w && w.A != 0 {
			t.Fatalf("%s: pixel %d is %v, want %v", name, i, g, w)
		}
		if w.A > 0 {
			sum += math.Abs(luma(g) - luma(w))
		}
	}
	if mean := sum / float64(len(px)); mean > 5 {
		t.Errorf("%s: luma is off by %.1f", name, mean)
	}
}

// A frame costs what changes in it, and one without changes next to nothing.
func TestUnchangedPixelsCostNothing(t *testing.T) {
	ground := scene(320, 240, raster.RGB)
	dot := *ground
	dot.S = slices.Clone(ground.S)
	for _, at := range []int{20*320 + 31, 200*320 + 297} { // far apart, at odd offsets
		for i := range 12 {
			dot.S[3*at+i] ^= 255
		}
	}
	for _, o := range []EncodeOptions{{Quality: 80}, {Lossless: true}} {
		one := len(animated(t, []*scenery{ground}, 0, o))
		if two := len(animated(t, []*scenery{ground, ground}, 0, o)); two > one+60 {
			t.Errorf("%+v: no change takes %d bytes", o, two-one)
		}
		if two := len(animated(t, []*scenery{ground, &dot}, 0, o)); two > one+one/20+400 {
			t.Errorf("%+v: a small change takes %d bytes, the first frame %d", o, two-one, one)
		}
	}
}

// Flat graphics become lossless frames, noise lossy ones, in one file. Frames that follow
// one of their kind are coded in one way alone, until the scene changes.
func TestEachFrameIsTheSmallerKind(t *testing.T) {
	flat := func(i int) *scenery {
		p := &scenery{H: raster.NewHeader(120, 90, raster.RGB, 8), Band: 7, S: make([]uint8, 120*90*3)}
		for k := range p.S {
			x, y := k/3%120, k/3/120
			p.S[k] = uint8(y / 30 * 80)
			if (x-5*i)/20 == 1 && y/20 == 1 {
				p.S[k] = 200
			}
		}
		return p
	}
	noisy := func(i int) *scenery {
		p := scene(120, 90, raster.RGB)
		for k := range p.S {
			p.S[k] += uint8(i)
		}
		return p
	}
	var scenes []*scenery
	for _, draw := range []func(int) *scenery{flat, noisy, flat} {
		for i := range 5 {
			scenes = append(scenes, draw(i))
		}
	}
	kinds := func(frames []*scenery) (list []string) {
		r, err := open(animated(t, frames, 0, EncodeOptions{Quality: 50}))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range writtenFrames(t, r) {
			list = append(list, f.bits.name)
		}
		return list
	}
	l, v := "VP8L", "VP8 "
	for name, c := range map[string]struct {
		frames []*scenery
		want   []string
	}{
		"single frames": {[]*scenery{flat(0), noisy(0), flat(0)}, []string{l, v, l}},
		"scenes":        {scenes, []string{l, l, l, l, l, v, v, v, v, v, l, l, l, l, l}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kinds(c.frames); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// writtenFrames returns the frames of a file as they are written.
func writtenFrames(t *testing.T, r *Reader) (list []*picture) {
	t.Helper()
	in := r.c.from
	for len(list) < r.Frames() {
		c, err := in.next()
		if err != nil {
			t.Fatal(err)
		}
		if c.name != "ANMF" {
			continue
		}
		f, err := r.c.frame(r.r, c, len(list)+1)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, f)
	}
	return list
}

// A frame is coded both ways at first, after tryBoth frames, and where it takes many more or
// many fewer bytes than the ones before.
func TestBothWaysAreTriedWhereFramesDiffer(t *testing.T) {
	for name, c := range map[string]struct {
		r    rivals
		size int64
		want bool
	}{
		"the first":   {rivals{}, 100, false},
		"one like it": {rivals{frames: 1, density: 1}, 100, true},
		"half":        {rivals{frames: 1, density: 1}, 50, true},
		"less":        {rivals{frames: 1, density: 1}, 49, false},
		"twice":       {rivals{frames: 1, density: 1}, 200, true},
		"more":        {rivals{frames: 1, density: 1}, 201, false},
		"the last":    {rivals{frames: tryBoth, density: 1}, 100, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.r.settled(c.size, 100); got != c.want {
				t.Error(got)
			}
		})
	}
	var r rivals
	r.meet(800, 700, 100)
	if r.lossless {
		t.Error("lossless frames of 7/8 are preferred, though they take longer")
	}
	r.meet(800, 699, 100)
	if !r.lossless || !r.settled(1398, 100) || r.settled(1399, 100) {
		t.Errorf("%+v", r)
	}
}

// An animation of so many bytes has the best quality: with one more it would be larger.
func TestBytesOfAnAnimation(t *testing.T) {
	for _, l := range []raster.Layout{raster.RGB, raster.RGBA} {
		frames := play(33, 25, 4, l)
		plays := 0
		fit := func(most int64, o EncodeOptions) ([]byte, error) {
			o.Bytes, plays = most, 0
			var b bytes.Buffer
			err := FitAnimation(&b, 3, o, func(frame func(raster.Rows, time.Duration) error) error {
				plays++
				for i, f := range frames {
					if err := frame(f.Again(), delayOf(i)); err != nil {
						return err
					}
				}
				return nil
			})
			return b.Bytes(), err
		}
		var of [91][]byte
		for q := 10; q <= 90; q++ {
			of[q] = animated(t, frames, 3, EncodeOptions{Quality: q})
		}
		exact := animated(t, frames, 3, EncodeOptions{Lossless: true})
		for _, q := range []int{90, 71, 40, 10} {
			t.Run(fmt.Sprint(l, " ", q), func(t *testing.T) {
				most := len(of[q])
				b, err := fit(int64(most), EncodeOptions{Quality: 90})
				if err != nil || len(b) > most || plays > 8 {
					t.Fatalf("%d bytes in %d tries, %v", len(b), plays, err)
				}
				got := slices.IndexFunc(of[:], func(other []byte) bool { return bytes.Equal(other, b) })
				for got < 90 && bytes.Equal(of[got+1], b) {
					got++
				}
				if got < 10 || got < 90 && len(of[got+1]) <= most {
					t.Errorf("quality %d has %d bytes, the next fits as well: %v", got, len(b), most)
				}
			})
		}
		t.Run(fmt.Sprint(l, " lossless"), func(t *testing.T) {
			for _, most := range []int{len(exact), len(exact) - 1} {
				b, err := fit(int64(most), EncodeOptions{Lossless: true, Quality: 90})
				if err != nil || len(b) > most || bytes.Equal(b, exact) != (most == len(exact)) {
					t.Errorf("%d bytes of %d, %v", len(b), most, err)
				}
			}
		})
		t.Run(fmt.Sprint(l, " too few"), func(t *testing.T) {
			for _, o := range []EncodeOptions{{Quality: 90}, {Quality: 90, Lossless: true}, {Quality: 4}} {
				_, err := fit(100, o)
				q := min(10, o.Quality)
				want := fmt.Sprintf("%d bytes at quality %d > 100 bytes (bytes=)", len(animated(t, frames, 3, EncodeOptions{Quality: q})), q)
				if fault.Of(err) != fault.TooLarge || err.Error() != want || plays > 9 {
					t.Errorf("%+v: %v in %d tries; want %s", o, err, plays, want)
				}
			}
		})
	}
}

// From time to time a frame needs no other, though only a pixel changes.
func TestKeyFrames(t *testing.T) {
	var frames []*scenery
	for i := range 2*keyFrames + 3 {
		p := scene(33, 21, raster.RGB)
		p.S[3*i] ^= 128
		frames = append(frames, p)
	}
	r, err := open(animated(t, frames, 0, EncodeOptions{Lossless: true}))
	if err != nil {
		t.Fatal(err)
	}
	var keys []int
	for n, f := range writtenFrames(t, r) {
		if f.rect.Dx() == 33 && f.rect.Dy() == 21 {
			keys = append(keys, n)
		}
	}
	if want := []int{0, keyFrames, 2 * keyFrames}; !slices.Equal(keys, want) {
		t.Errorf("key frames %v, want %v", keys, want)
	}
}

func TestAnimationsThatCannotBeWritten(t *testing.T) {
	for _, c := range []struct {
		name   string
		frames []*scenery
		lim    raster.Limits
		kind   fault.Kind
	}{
		{"none", nil, raster.Limits{}, fault.Internal},
		{"another size", []*scenery{scene(8, 8, raster.RGB), scene(8, 9, raster.RGB)}, raster.Limits{}, fault.Internal},
		{"another layout", []*scenery{scene(8, 8, raster.RGB), scene(8, 8, raster.RGBA)}, raster.Limits{}, fault.Internal},
		{"memory", []*scenery{scene(100, 100, raster.RGB)}, raster.Limits{Mem: 119999}, fault.TooLarge},
		{"pixels", []*scenery{scene(100, 100, raster.RGB)}, raster.Limits{Pixels: 9999}, fault.TooLarge},
		{"a side of 16384", []*scenery{scene(16385, 1, raster.RGB)}, raster.Limits{}, fault.TooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := NewAnimation(io.Discard, 0, EncodeOptions{Quality: 80, Limits: c.lim})
			var err error
			for _, f := range c.frames {
				if err == nil {
					err = w.Frame(f.Again(), 0)
				}
			}
			if err == nil {
				err = w.Close()
			}
			if err == nil || fault.Of(err) != c.kind {
				t.Error(err)
			}
		})
	}
}

// Fractions of a millisecond are carried over.
func TestDelaysLastAsLong(t *testing.T) {
	var c clock
	sum := 0
	for range 300 {
		sum += c.next(time.Second / 30)
	}
	if sum != 10000 {
		t.Errorf("300 frames of 1/30 s last %d ms", sum)
	}
	if got := c.next(24 * time.Hour); got != 1<<24-1 {
		t.Errorf("a day is %d ms", got)
	}
}

// pillowFrames prints the number of frames and the loop count, then of each frame its
// duration in milliseconds and its pixels as RGBA.
const pillowFrames = `
import sys
from PIL import Image
m = Image.open(sys.argv[1])
out = sys.stdout.buffer
out.write(b"%d %d\n" % (m.n_frames, m.info["loop"]))
for i in range(m.n_frames):
    m.seek(i)
    m.load()
    out.write(b"%d\n" % m.info["duration"])
    out.write(m.convert("RGBA").tobytes())
`

// Pillow and vips, both with libwebp, compose the frames that our reader does, to the bit;
// dwebp decodes each frame that webpmux takes out.
func TestWrittenAnimationsAgainstPeers(t *testing.T) {
	const w, h, n = 61, 43, 9
	for _, l := range animatedLayouts {
		for name, o := range map[string]EncodeOptions{"lossless": {Lossless: true}, "lossy": {Quality: 75}} {
			b := animated(t, play(w, h, n, l), 3, o)
			r, err := open(b)
			if err != nil {
				t.Fatal(err)
			}
			shown, _, err := frames(r)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			file := filepath.Join(dir, "a.webp")
			if err := os.WriteFile(file, b, 0o666); err != nil {
				t.Fatal(err)
			}
			name = fmt.Sprint(l, " ", name, ": ")
			t.Run(name+"Pillow", func(t *testing.T) {
				const python = "/usr/bin/python3"
				if exec.Command(python, "-c", "from PIL import features; assert features.check('webp_anim')").Run() != nil {
					t.Skip("no Pillow: apt-get install python3-pil")
				}
				out, err := exec.Command(python, "-c", pillowFrames, file).Output()
				if err != nil {
					t.Fatal(err)
				}
				in := bytes.NewBuffer(out)
				if line, _ := in.ReadString('\n'); line != fmt.Sprintln(n, 3) {
					t.Fatalf("frames and loop are %q", line)
				}
				for i := range n {
					if line, _ := in.ReadString('\n'); line != fmt.Sprintln(delayOf(i).Milliseconds()) {
						t.Fatalf("frame %d is shown %q ms", i+1, line)
					}
					sameAs(t, fmt.Sprint("frame ", i+1), in.Next(4*w*h), shown[i])
				}
			})
			t.Run(name+"vips", func(t *testing.T) {
				if _, err := exec.LookPath("vips"); err != nil {
					t.Skip(err)
				}
				raw := filepath.Join(dir, "a.raw")
				if out, err := exec.Command("vips", "rawsave", file+"[n=-1]", raw).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				px := rastertest.File(t, raw)
				bands := len(px) / (n * w * h)
				if bands == 3 {
					px = withOpaque(px)
				}
				for i := range n {
					sameAs(t, fmt.Sprint("frame ", i+1), px[4*w*h*i:][:4*w*h], shown[i])
				}
			})
			t.Run(name+"webpmux and dwebp", func(t *testing.T) {
				if _, err := exec.LookPath("webpmux"); err != nil {
					t.Skip(err)
				}
				info, err := exec.Command("webpinfo", file).Output()
				if err != nil || !strings.Contains(string(info), "No error detected.") || strings.Contains(string(info), "Warning") {
					t.Errorf("webpinfo: %v: %s", err, info)
				}
				for i := range n {
					one := filepath.Join(dir, "one.webp")
					if out, err := exec.Command("webpmux", "-get", "frame", fmt.Sprint(i+1), file, "-o", one).CombinedOutput(); err != nil {
						t.Fatalf("%v: %s", err, out)
					}
					data := rastertest.File(t, one)
					got := pixels(t, data)
					for k, d := range dwebp(t, data) {
						if d != got[k] && (d.A != 0 || got[k].A != 0) {
							t.Fatalf("frame %d: pixel %d is %v, dwebp has %v", i+1, k, got[k], d)
						}
					}
				}
			})
		}
	}
}

// withOpaque adds alpha to RGB.
func withOpaque(rgb []byte) (out []byte) {
	for ; len(rgb) > 0; rgb = rgb[3:] {
		out = append(out, rgb[0], rgb[1], rgb[2], 255)
	}
	return out
}

// sameAs compares pixels of 4 bytes; of transparent ones only that they are.
func sameAs(t *testing.T, name string, rgba []byte, want []color.NRGBA) {
	t.Helper()
	for i, w := range want {
		p := rgba[4*i:]
		if g := (color.NRGBA{p[0], p[1], p[2], p[3]}); g != w && (g.A != 0 || w.A != 0) {
			t.Fatalf("%s: pixel %d is %v, want %v", name, i, g, w)
		}
	}
}
