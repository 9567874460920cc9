package png

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/color"
	stdpng "image/png"
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

// canvases returns n pictures of a header, each of which differs from the one before in
// a random rectangle; some don't differ. Alpha is often opaque or transparent.
func canvases(rnd *rand.Rand, h *raster.Header, n, colours int) []*picture {
	size := h.Layout.Samples()
	top := 1<<h.Bits - 1
	value := func(k int) uint16 {
		v := rnd.IntN(colours) * top / max(1, colours-1)
		if h.Layout == raster.Indexed {
			v = rnd.IntN(len(h.Palette))
		} else if h.Layout.HasAlpha() && k == size-1 {
			v = []int{0, top, top, top, v}[rnd.IntN(5)]
		}
		return uint16(v)
	}
	all := []*picture{{H: h, Band: 1 + rnd.IntN(5), S: make([]uint16, h.W()*h.H()*size)}}
	for i := range all[0].S {
		all[0].S[i] = value(i % size)
	}
	for len(all) < n {
		p := *all[len(all)-1]
		p.S = slices.Clone(p.S)
		w, tall := rnd.IntN(h.W()+1), rnd.IntN(h.H()+1)
		x, y := rnd.IntN(h.W()-w+1), rnd.IntN(h.H()-tall+1)
		for i := range p.S {
			if px := i / size % h.W(); px >= x && px < x+w && i/size/h.W() >= y && i/size/h.W() < y+tall && rnd.IntN(3) == 0 {
				p.S[i] = value(i % size)
			}
		}
		all = append(all, &p)
	}
	return all
}

// animate writes pictures as an animation, with a palette if they have few colours.
func animate(t *testing.T, frames []*picture, loop int, delay func(i int) time.Duration) []byte {
	t.Helper()
	colours := &Colours{}
	for _, f := range frames {
		fits, err := colours.Add(f.Again())
		if err != nil {
			t.Fatal(err)
		}
		if !fits {
			colours = nil
			break
		}
	}
	return rastertest.Encoded(t, func(b *bytes.Buffer) error {
		w := NewAnimation(b, AnimationOptions{Frames: len(frames), Loop: loop, Colours: colours})
		for i, f := range frames {
			if err := w.Frame(f.Again(), delay(i)); err != nil {
				return err
			}
		}
		return w.Close()
	})
}

// frameKinds are headers of all layouts and depths, with the number of values of a sample.
func frameKinds(w, h int) map[string]struct {
	h       *raster.Header
	colours int
} {
	type kind = struct {
		h       *raster.Header
		colours int
	}
	kinds := map[string]kind{}
	for _, l := range []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA} {
		for _, bits := range []uint8{8, 16} {
			for _, colours := range []int{2, 5, 250} {
				kinds[fmt.Sprintf("%v of %d bits, %d values", l, bits, colours)] = kind{raster.NewHeader(w, h, l, bits), colours}
			}
		}
	}
	for _, n := range []int{1, 2, 3, 16, 17, 256} {
		for _, holes := range []bool{false, true} {
			head := raster.NewHeader(w, h, raster.Indexed, 8)
			for i := range n {
				alpha := uint8(255)
				if holes && i%7 == 0 {
					alpha = uint8(i)
				}
				head.Palette = append(head.Palette, color.NRGBA{uint8(i), uint8(3 * i), uint8(255 - i), alpha})
			}
			kinds[fmt.Sprintf("%d colours of a palette, translucent: %v", n, holes)] = kind{head, n}
		}
	}
	return kinds
}

func TestWrittenAnimationsAreReadBack(t *testing.T) {
	for name, k := range frameKinds(13, 9) {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(51, 52))
			for loop := range 4 {
				frames := canvases(rnd, k.h, 1+rnd.IntN(6), k.colours)
				delay := func(i int) time.Duration { return time.Duration(i) * time.Second / 30 }
				data := animate(t, frames, loop, delay)
				checkChunks(t, data, len(frames))
				r, err := openBytes(data)
				if err != nil || r.Frames() != len(frames) || r.Loop() != loop || len(r.Notes()) > 0 {
					t.Fatalf("%d of %d frames, loop %d, notes %q, %v", r.Frames(), len(frames), r.Loop(), r.Notes(), err)
				}
				anim, err := r.Animation()
				if err != nil {
					t.Fatal(err)
				}
				for i, want := range frames {
					f, err := anim.Next()
					if err != nil {
						t.Fatal(err)
					}
					if f.Delay != delay(i) {
						t.Errorf("frame %d is shown %v, want %v", i+1, f.Delay, delay(i))
					}
					sameFrame(t, fmt.Sprint("frame ", i+1), f.Rows, want)
				}
				if _, err := anim.Next(); err != io.EOF {
					t.Error(err)
				}
				m, err := stdpng.Decode(bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				first, _ := rastertest.Pixels(frames[0].Again(), nil)
				rastertest.Same(t, "default image", stdPixels(m), first)
			}
		})
	}
}

// sameFrame compares pixels; of transparent ones only that they are.
func sameFrame(t *testing.T, name string, rows raster.Rows, want *picture) {
	t.Helper()
	got, err := rastertest.Pixels(rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	px, err := rastertest.Pixels(want.Again(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range px {
		if px[i][3] == 0 && got[i][3] == 0 {
			px[i] = got[i]
		}
	}
	rastertest.Same(t, name, got, px)
}

// checkChunks checks the order of the chunks of an animation by the text of the standard:
// one acTL before IDAT, as many fcTL as frames, each followed by its data, and one
// sequence over fcTL and fdAT.
func checkChunks(t *testing.T, data []byte, frames int) {
	t.Helper()
	var sequence uint32
	var kinds []string
	for at := 8; at < len(data); {
		size, kind := binary.BigEndian.Uint32(data[at:]), string(data[at+4:at+8])
		body := data[at+8:][:size]
		at += int(size) + 12
		switch kind {
		case "acTL":
			if n := binary.BigEndian.Uint32(body); int(n) != frames {
				t.Errorf("acTL of %d frames, want %d", n, frames)
			}
		case "fcTL", "fdAT":
			if n := binary.BigEndian.Uint32(body); n != sequence {
				t.Errorf("%s has number %d, want %d", kind, n, sequence)
			}
			sequence++
		case "PLTE", "tRNS":
			continue
		}
		if len(kinds) == 0 || kinds[len(kinds)-1] != kind || kind == "fcTL" {
			kinds = append(kinds, kind)
		}
	}
	want := []string{"IHDR", "acTL", "fcTL", "IDAT"}
	for range frames - 1 {
		want = append(want, "fcTL", "fdAT")
	}
	if want = append(want, "IEND"); !slices.Equal(kinds, want) {
		t.Errorf("chunks %v, want %v", kinds, want)
	}
}

// A frame costs what changes in it: a rectangle, and with a transparent pixel only the
// changed pixels of that.
func TestUnchangedPixelsCostNothing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(53, 54))
	for _, l := range []raster.Layout{raster.RGB, raster.RGBA} {
		t.Run(l.String(), func(t *testing.T) {
			h := raster.NewHeader(200, 150, l, 8)
			n := l.Samples()
			first := &picture{H: h, Band: 7, S: rastertest.Noise[uint16](rnd, 200*150*n, 256)}
			for i := range first.S {
				if l.HasAlpha() && i%n == n-1 {
					first.S[i] = 255
				}
			}
			dots := *first
			dots.S = slices.Clone(first.S)
			for _, at := range []int{20*200 + 30, 119*200 + 169} {
				dots.S[at*n] ^= 255
			}
			size := func(frames ...*picture) int {
				return len(animate(t, frames, 0, func(int) time.Duration { return 0 }))
			}
			alone, same := size(first), size(first, first)
			if same > alone+200 {
				t.Errorf("a frame without changes takes %d bytes", same-alone)
			}
			most := 140*100*n + 1000 // of noise
			if l.HasAlpha() {
				most = 500
			}
			if two := size(first, &dots); two > alone+most {
				t.Errorf("two pixels in a rectangle of 140×100 take %d bytes, want at most %d", two-alone, most)
			}
		})
	}
}

func TestDelaysAreFractions(t *testing.T) {
	for _, c := range []struct {
		delay    time.Duration
		num, den uint16
	}{
		{0, 0, 1}, {time.Second / 30, 1, 30}, {time.Second * 1001 / 30000, 1001, 30000}, {40 * time.Millisecond, 1, 25},
		{time.Second, 1, 1}, {1234 * time.Millisecond, 617, 500}, {10 * time.Millisecond, 1, 100},
		{65535 * time.Second, 65535, 1}, {100 * time.Hour, 65535, 1}, {-5, 0, 1}, {time.Nanosecond, 0, 1},
	} {
		t.Run(c.delay.String(), func(t *testing.T) {
			if num, den := fraction(c.delay); num != c.num || den != c.den {
				t.Errorf("%d/%d, want %d/%d", num, den, c.num, c.den)
			}
		})
	}
	for range 1000 { // whatever a file can say comes back
		num, den := rand.Uint32N(1<<16), 1+rand.Uint32N(1<<16-1)
		want := time.Duration(num) * time.Second / time.Duration(den)
		n, d := fraction(want)
		if got := time.Duration(n) * time.Second / time.Duration(d); got-want > time.Microsecond || want-got > time.Microsecond {
			t.Fatalf("%d/%d s become %d/%d", num, den, n, d)
		}
	}
}

func TestAnimationsThatCannotBeWritten(t *testing.T) {
	still := func(w int, l raster.Layout) raster.Rows {
		h := raster.NewHeader(w, 2, l, 8)
		return &picture{H: h, Band: 1, S: make([]uint16, w*2*l.Samples())}
	}
	for _, c := range []struct {
		name   string
		frames int
		rows   []raster.Rows
		lim    raster.Limits
		kind   fault.Kind
	}{
		{"too few frames", 3, []raster.Rows{still(4, raster.RGB), still(4, raster.RGB)}, raster.Limits{}, fault.Internal},
		{"too many frames", 1, []raster.Rows{still(4, raster.RGB), still(4, raster.RGB)}, raster.Limits{}, fault.Internal},
		{"another size", 2, []raster.Rows{still(4, raster.RGB), still(5, raster.RGB)}, raster.Limits{}, fault.Internal},
		{"another layout", 2, []raster.Rows{still(4, raster.RGB), still(4, raster.RGBA)}, raster.Limits{}, fault.Internal},
		{"memory", 1, []raster.Rows{still(4, raster.RGB)}, raster.Limits{Mem: 47}, fault.TooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := NewAnimation(io.Discard, AnimationOptions{Frames: c.frames, Limits: c.lim})
			var err error
			for _, rows := range c.rows {
				if err == nil {
					err = w.Frame(rows, 0)
				}
			}
			if err == nil {
				err = w.Close()
			}
			if err == nil || fault.Of(err) != c.kind {
				t.Errorf("%v", err)
			}
		})
	}
}

// pillow prints the number of frames, the loop count, and each delay in milliseconds with
// the pixels of its frame as RGBA.
const pillow = `
import sys
from PIL import Image
m = Image.open(sys.argv[1])
out = sys.stdout.buffer
out.write(b"%d %d\n" % (getattr(m, "n_frames", 1), m.info.get("loop", 1)))
for i in range(getattr(m, "n_frames", 1)):
    m.seek(i)
    out.write(b"%d\n" % round(m.info["duration"]))
    out.write(m.convert("RGBA").tobytes())
`

// Pillow and ffmpeg compose the frames that were given. Both have 8 bits a sample, and
// alpha is 0 or 255 here, as each rounds translucent pixels in its own way.
func TestWrittenAnimationsAgainstPeers(t *testing.T) {
	for name, k := range frameKinds(23, 17) {
		if k.h.Bits == 16 || k.h.Layout == raster.GrayA {
			continue // Pillow shows the high byte of 16 bits, and blends gray in its own way
		}
		rnd := rand.New(rand.NewPCG(55, 56))
		frames := canvases(rnd, k.h, 5, k.colours)
		for _, f := range frames {
			for i := 3; f.H.Layout == raster.RGBA && i < len(f.S); i += 4 {
				f.S[i] = f.S[i] >> 7 * 255
			}
		}
		for i := range k.h.Palette {
			k.h.Palette[i].A = k.h.Palette[i].A >> 7 * 255
		}
		delay := func(i int) time.Duration { return time.Duration(i+1) * 20 * time.Millisecond }
		file := filepath.Join(t.TempDir(), "a.png")
		data := animate(t, frames, 3, delay)
		if err := os.WriteFile(file, data, 0o666); err != nil {
			t.Fatal(err)
		}
		t.Run("Pillow: "+name, func(t *testing.T) {
			python := "/usr/bin/python3"
			if exec.Command(python, "-c", "import PIL").Run() != nil {
				t.Skip("no Pillow: apt-get install python3-pil")
			}
			out, err := exec.Command(python, "-c", pillow, file).Output()
			if err != nil {
				t.Fatal(err)
			}
			in := bytes.NewBuffer(out)
			if line, _ := in.ReadString('\n'); line != "5 3\n" {
				t.Fatalf("frames and loop are %q", line)
			}
			for i, f := range frames {
				if line, _ := in.ReadString('\n'); line != fmt.Sprintln(20*(i+1)) {
					t.Fatalf("frame %d is shown %q ms", i+1, line)
				}
				sameBytes(t, fmt.Sprint("frame ", i+1), in.Next(4*23*17), f)
			}
		})
		t.Run("ffmpeg: "+name, func(t *testing.T) {
			if _, err := exec.LookPath("ffmpeg"); err != nil {
				t.Skip(err)
			}
			if data[24] != 8 {
				t.Skip("ffmpeg 5.1 draws indexes of less than 8 bits in the wrong places")
			}
			out, err := exec.Command("ffmpeg", "-v", "error", "-ignore_loop", "1", "-f", "apng", "-i", file, "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgba", "-").Output()
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range frames {
				sameBytes(t, fmt.Sprint("frame ", i+1), out[4*23*17*i:][:4*23*17], f)
			}
		})
	}
}

// sameBytes compares pixels of 4 bytes with a picture; of transparent ones only that they
// are.
func sameBytes(t *testing.T, name string, got []byte, want *picture) {
	t.Helper()
	px, err := rastertest.Colors(want.Again(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range px {
		g := color.NRGBA{got[4*i], got[4*i+1], got[4*i+2], got[4*i+3]}
		if g != c && (g.A != 0 || c.A != 0) {
			t.Fatalf("%s: pixel %d is %v, want %v", name, i, g, c)
		}
	}
}
