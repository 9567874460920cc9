package png

import (
	"bytes"
	"fmt"
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

// animated describes an APNG that a test makes.
type animated struct {
	file          // the default image
	hidden   bool // the default image is not a frame
	frames   []testFrame
	declared int // frames by acTL; 0: as many as there are
	plays    uint32
	idat     int // bytes of data chunks; 0: one chunk
}

type testFrame struct {
	x, y, w, h     int
	dispose, blend byte
	num, den       uint16
	samples        []uint16
}

// randomAnimated returns an animation of n frames of noise at random places.
func randomAnimated(rnd *rand.Rand, color, depth, w, h, n int, interlaced bool) *animated {
	a := &animated{file: *random(rnd, color, depth, w, h, interlaced), hidden: rnd.IntN(2) == 0, idat: rnd.IntN(50)}
	for i := range n {
		f := testFrame{w: 1 + rnd.IntN(w), h: 1 + rnd.IntN(h), dispose: byte(rnd.IntN(3)), blend: byte(rnd.IntN(2)), num: uint16(i), den: 10}
		f.x, f.y = rnd.IntN(w-f.w+1), rnd.IntN(h-f.h+1)
		if i == 0 && !a.hidden || rnd.IntN(4) == 0 {
			f.x, f.y, f.w, f.h = 0, 0, w, h
		}
		f.samples = random(rnd, color, depth, f.w, f.h, interlaced).samples
		if i == 0 && !a.hidden {
			f.samples = a.samples
		}
		a.frames = append(a.frames, f)
	}
	return a
}

// of returns the picture of one frame.
func (a *animated) of(f testFrame) *file {
	p := a.file
	p.w, p.h, p.samples = f.w, f.h, f.samples
	return &p
}

func (f testFrame) control(sequence uint32) string {
	return words(sequence, uint32(f.w), uint32(f.h), uint32(f.x), uint32(f.y), uint32(f.num)<<16|uint32(f.den)) + string([]byte{f.dispose, f.blend})
}

// bytes writes the chunks of the animation around those of the default image.
func (a *animated) bytes() []byte {
	n := a.declared
	if n == 0 {
		n = len(a.frames)
	}
	p := a.file
	p.idat = a.idat
	p.before = append(slices.Clone(p.before), "acTL", words(uint32(n), a.plays))
	sequence := uint32(0)
	for i, f := range a.frames {
		chunks := &p.after
		if i == 0 && !a.hidden {
			chunks = &p.before
		}
		*chunks = append(*chunks, "fcTL", f.control(sequence))
		sequence++
		if i == 0 && !a.hidden {
			continue
		}
		z := a.of(f).bytes()
		at, end := findChunk(z, "IDAT", 0)
		data := z[at+8 : end-4]
		for len(data) > 0 {
			n := len(data)
			if a.idat > 0 {
				n = min(n, a.idat)
			}
			p.after = append(p.after, "fdAT", words(sequence)+string(data[:n]))
			sequence++
			data = data[n:]
		}
	}
	return p.bytes()
}

// compose returns the canvas at each frame, by the definition in section 11.3.6.2, in
// float64 with straight alpha from 0 to 1.
func (a *animated) compose(t *testing.T) [][][4]float64 {
	var shown [][][4]float64
	pix := make([][4]float64, a.w*a.h)
	for _, f := range a.frames {
		px, err := readBytes(a.of(f).bytes())
		if err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(pix)
		for i, p := range px {
			var s [4]float64
			for k := range s {
				s[k] = float64(p[k]) / 65535
			}
			d := &pix[(f.y+i/f.w)*a.w+f.x+i%f.w]
			if f.blend == 0 {
				*d = s
				continue
			}
			alpha := s[3] + d[3]*(1-s[3])
			for k := range 3 {
				if alpha > 0 {
					d[k] = (s[k]*s[3] + d[k]*d[3]*(1-s[3])) / alpha
				}
			}
			d[3] = alpha
		}
		shown = append(shown, slices.Clone(pix))
		switch f.dispose {
		case 1:
			for i := range f.w * f.h {
				pix[(f.y+i/f.w)*a.w+f.x+i%f.w] = [4]float64{}
			}
		case 2:
			pix = before
		}
	}
	return shown
}

// sameComposed compares pixels, colours as much as they are seen. The decoder rounds after each
// frame, the reference never.
func sameComposed(t *testing.T, name string, got [][4]uint16, want [][4]float64, levels float64) {
	t.Helper()
	for i, g := range got {
		for k := range 4 {
			d := math.Abs(float64(g[k])/65535 - want[i][k])
			if k < 3 {
				d *= want[i][3]
			}
			if d > levels/255 {
				t.Fatalf("%s: pixel %d is %v, want %v", name, i, g, want[i])
			}
		}
	}
}

func TestAnimationsAgainstDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(41, 42))
	for _, typ := range types {
		for _, interlaced := range []bool{false, true} {
			t.Run(fmt.Sprintf("type %d, depth %d, interlaced %v", typ[0], typ[1], interlaced), func(t *testing.T) {
				for round := range 8 {
					a := randomAnimated(rnd, typ[0], typ[1], 1+rnd.IntN(20), 1+rnd.IntN(20), 2+rnd.IntN(4), interlaced)
					if typ[0] == 0 && round%2 == 0 {
						a.key = []uint16{1}
					}
					if round%3 == 0 { // opaque frames that cover the canvas
						for i := range a.palette {
							a.palette[i].A = 255
						}
						a.frames[0] = testFrame{w: a.w, h: a.h, samples: a.samples}
						for i := range a.frames {
							a.frames[i].dispose = 0
						}
					}
					want := a.compose(t)
					data := a.bytes()
					r, err := openBytes(data)
					if err != nil {
						t.Fatal(err)
					}
					if r.Frames() != len(a.frames) || r.Loop() != 0 || len(r.Notes()) > 0 {
						t.Fatalf("%d frames, loop %d, notes %q", r.Frames(), r.Loop(), r.Notes())
					}
					anim, err := r.Animation()
					if err != nil {
						t.Fatal(err)
					}
					var layout raster.Layout
					for i := 0; ; i++ {
						f, err := anim.Next()
						if err == io.EOF {
							if i != len(a.frames) {
								t.Fatalf("%d of %d frames", i, len(a.frames))
							}
							break
						}
						if err != nil {
							t.Fatal(err)
						}
						if f.Delay != time.Duration(i)*time.Second/10 {
							t.Errorf("frame %d is shown %v", i, f.Delay)
						}
						layout = f.Rows.Header().Layout
						got, err := rastertest.Pixels(f.Rows, nil)
						if err != nil {
							t.Fatal(err)
						}
						for k := range got {
							if got[k][3] == 0 {
								got[k] = [4]uint16{}
							}
						}
						sameComposed(t, fmt.Sprint("frame ", i+1), got, want[i], 3)

						s, err := openBytes(data)
						if err == nil {
							err = s.Select(i + 1)
						}
						if err != nil {
							t.Fatal(err)
						}
						single, err := rastertest.Pixels(rastertest.Start(s, nil))
						if err != nil {
							t.Fatal(err)
						}
						for k := range single { // the default image keeps colours that can't be seen
							if single[k][3] == 0 {
								single[k] = [4]uint16{}
							}
						}
						rastertest.Same(t, fmt.Sprint("selected frame ", i+1), single, got)
					}
					if round%3 == 0 && a.key == nil && typ[0] <= 3 && layout.HasAlpha() {
						t.Errorf("opaque frames composed to %v", layout)
					}
					still, err := readBytes(data)
					if err != nil {
						t.Fatal(err)
					}
					def, err := readBytes(a.file.bytes())
					if err != nil {
						t.Fatal(err)
					}
					rastertest.Same(t, "default image", still, def)
				}
			})
		}
	}
}

// Alpha is 0 or 255 here, since ffmpeg rounds the blending of translucent pixels in its
// own way. Only the first frame covers the canvas, as ffmpeg takes a later one that does
// and is disposed of to the background for a key frame, and does not blend it.
func TestAnimationsAgainstFFmpeg(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg")
	}
	rnd := rand.New(rand.NewPCG(43, 44))
	for round := range 6 {
		a := randomAnimated(rnd, 6, 8, 16, 12, 4, false)
		a.hidden = false
		a.frames[0] = testFrame{w: a.w, h: a.h, samples: a.samples, den: 10, num: 1}
		for i := range a.frames {
			f := &a.frames[i]
			if f.num, f.den = 1, 10; i > 0 && f.w == a.w && f.h == a.h {
				f.w, f.samples = a.w-1, f.samples[:4*(a.w-1)*a.h]
			}
			for k := 3; k < len(f.samples); k += 4 {
				f.samples[k] = f.samples[k] & 1 * 255
			}
		}
		name := filepath.Join(t.TempDir(), "in.png")
		if err := os.WriteFile(name, a.bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("ffmpeg", "-v", "error", "-f", "apng", "-i", name, "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgba", "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		r, err := openBytes(a.bytes())
		if err != nil {
			t.Fatal(err)
		}
		anim, err := r.Animation()
		if err != nil {
			t.Fatal(err)
		}
		size := a.w * a.h * 4
		if len(out) < size*len(a.frames) {
			t.Fatalf("ffmpeg gives %d frames", len(out)/size)
		}
		for i := range a.frames {
			f, err := anim.Next()
			if err != nil {
				t.Fatal(err)
			}
			got, err := rastertest.Pixels(f.Rows, nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, p := range got {
				w := out[i*size+4*k:][:4]
				if p[3] == 0 && w[3] == 0 {
					continue
				}
				if [4]uint16{uint16(w[0]) * 257, uint16(w[1]) * 257, uint16(w[2]) * 257, uint16(w[3]) * 257} != p {
					t.Fatalf("round %d, frame %d, disposal %d: pixel %d is %v, ffmpeg has %v", round, i+1, a.frames[i].dispose, k, p, w)
				}
			}
		}
	}
}

// Damage of an animation: err is that of Open or of composing.
func TestDamagedAnimations(t *testing.T) {
	none := func(b []byte) []byte { return b }
	for _, c := range []struct {
		name   string
		edit   func(a *animated)
		do     func(b []byte) []byte
		frames int
		err    string
		note   string
		frame  string // error of composing
	}{
		{"intact", func(a *animated) {}, none, 3, "", "", ""},
		{"plays", func(a *animated) { a.plays = 7 }, none, 3, "", "", ""},
		{"fewer frames than declared", func(a *animated) { a.declared = 5 }, none, 3, "", "3 of 5 frames", ""},
		{"more frames than declared", func(a *animated) { a.declared = 2 }, none, 2, "", "more than 2 frames", ""},
		{"frame outside", func(a *animated) { a.frames[1].x = 20 }, none, 1, "", "frame 2 is 9×9 at 20,2", ""},
		{"empty frame", func(a *animated) { a.frames[2].w = 0 }, none, 1, "", "frame 3 is 0×9", ""},
		{"disposal 3", func(a *animated) { a.frames[1].dispose = 3 }, none, 1, "", "disposal 3", ""},
		{"blending 2", func(a *animated) { a.frames[1].blend = 2 }, none, 1, "", "blending 2", ""},
		{"first frame small", func(a *animated) { a.frames[0].w = 9 }, none, 1, "", "default image is a frame of 9×20", ""},
		{"CRC of fcTL", func(a *animated) {}, badCRC("fcTL", 1), 0, "(CRC) of chunk fcTL", "", ""},
		{"CRC of fdAT", func(a *animated) {}, badCRC("fdAT", 1), 0, "(CRC) of chunk fdAT", "", ""},
		{"sequence", func(a *animated) {}, func(b []byte) []byte {
			at, _ := findChunk(b, "fcTL", 1)
			b[at+11] = 9
			repair(b)
			return b
		}, 1, "", "animation ignored: sequence number 9, want 1", ""},
		{"fdAT without fcTL", func(a *animated) {}, func(b []byte) []byte {
			at, end := findChunk(b, "fcTL", 1)
			b = append(b[:at], b[end:]...)
			at, _ = findChunk(b, "fdAT", 0)
			b[at+11] = 1
			repair(b)
			return b
		}, 1, "", "without a frame", ""},
		{"cut in a frame", func(a *animated) {}, func(b []byte) []byte { return b[:len(b)-30] }, 0, "truncated after 2 of 3 frames", "", ""},
		{"cut between frames", func(a *animated) {}, func(b []byte) []byte { at, _ := findChunk(b, "fcTL", 2); return b[:at] }, 0, "truncated after 2 of 3 frames", "", ""},
		{"no IEND", func(a *animated) {}, withoutIEND(""), 3, "", "no IEND", ""},
		{"pixels missing", func(a *animated) {}, func(b []byte) []byte {
			at, end := findChunk(b, "fdAT", 1)
			chunk := chunkBytes("fdAT", b[at+8:end-30])
			return slices.Concat(b[:at], chunk, b[end:])
		}, 3, "", "", "frame 3 of 3: truncated after"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := randomAnimated(rand.New(rand.NewPCG(45, 46)), 6, 8, 20, 20, 3, false)
			a.hidden, a.idat = false, 0
			a.frames[0] = testFrame{w: 20, h: 20, samples: a.samples}
			for i := range a.frames[1:] {
				f := &a.frames[i+1]
				*f = testFrame{x: 2, y: 2, w: 9, h: 9, samples: random(rand.New(rand.NewPCG(47, 48)), 6, 8, 9, 9, false).samples}
			}
			c.edit(a)
			data := c.do(a.bytes())
			r, err := openBytes(data)
			if c.err != "" {
				if fault.Of(err) != fault.Format || !strings.Contains(fmt.Sprint(err), c.err) {
					t.Fatalf("%v, want %q", err, c.err)
				}
				lenient, err := Open(bytes.NewReader(data), int64(len(data)), raster.Limits{Lenient: true})
				if err != nil || !strings.Contains(strings.Join(lenient.Notes(), "; "), c.err) {
					t.Errorf("lenient: %v, notes %q", err, lenient.Notes())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.Frames() != c.frames || r.Loop() != int(a.plays) || !strings.Contains(strings.Join(r.Notes(), "; "), c.note) || c.note == "" && len(r.Notes()) > 0 {
				t.Errorf("%d frames, loop %d, notes %q", r.Frames(), r.Loop(), r.Notes())
			}
			if _, err := rastertest.Pixels(rastertest.Start(r, nil)); err != nil {
				t.Errorf("default image: %v", err)
			}
			if r.Frames() == 1 {
				return
			}
			anim, err := r.Animation()
			for err == nil {
				_, err = anim.Next()
			}
			if c.frame == "" && err != io.EOF || c.frame != "" && (fault.Of(err) != fault.Format || !strings.Contains(err.Error(), c.frame)) {
				t.Errorf("composing: %v", err)
			}
		})
	}
}

func TestSelectRefusesMissingFrames(t *testing.T) {
	a := randomAnimated(rand.New(rand.NewPCG(1, 2)), 2, 8, 5, 5, 2, false)
	r, err := openBytes(a.bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{-1, 0, 3} {
		if err := r.Select(n); fault.Of(err) != fault.Usage {
			t.Errorf("frame %d: %v", n, err)
		}
	}
}

// A small file with many frames of a large canvas must be refused before memory or time
// is spent.
func TestAnimationBombs(t *testing.T) {
	big := &file{w: 20000, h: 10000, depth: 8, color: 6, rows: []byte{0}}
	tiny := &file{w: 1, h: 1, depth: 8, color: 6, rows: []byte{0, 1, 2, 3, 4}}
	z := tiny.bytes()
	at, end := findChunk(z, "IDAT", 0)
	pixel := string(z[at+8 : end-4])
	bomb := func(n int) []byte {
		p := *big
		p.before = []string{"acTL", words(uint32(n), 0)}
		for i := range n {
			p.after = append(p.after, "fcTL", testFrame{w: 1, h: 1}.control(uint32(2*i)), "fdAT", words(uint32(2*i+1))+pixel)
		}
		return p.bytes()
	}
	open := func(b []byte, lim raster.Limits) (*Reader, error) {
		return Open(bytes.NewReader(b), int64(len(b)), lim)
	}
	t.Run("pixels of all frames", func(t *testing.T) {
		r, err := open(bomb(10), raster.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Animation(); fault.Of(err) != fault.TooLarge {
			t.Error(err)
		}
	})
	t.Run("memory of the canvas", func(t *testing.T) {
		r, err := open(bomb(1), raster.Limits{Mem: 100 << 20})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Animation(); fault.Of(err) != fault.TooLarge {
			t.Error(err)
		}
	})
	t.Run("memory of the list of frames", func(t *testing.T) {
		if _, err := open(bomb(20000), raster.Limits{Mem: 1 << 20}); fault.Of(err) != fault.TooLarge {
			t.Error(err)
		}
	})
}

func FuzzAnimation(f *testing.F) {
	rnd := rand.New(rand.NewPCG(49, 50))
	for _, typ := range types {
		f.Add(randomAnimated(rnd, typ[0], typ[1], 9, 9, 3, typ[1] == 8).bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		repair(data)
		for _, lenient := range []bool{false, true} {
			r, err := Open(bytes.NewReader(data), int64(len(data)), raster.Limits{Pixels: 1 << 20, Mem: 64 << 20, Lenient: lenient})
			if err != nil {
				return
			}
			anim, err := r.Animation()
			for i := 0; err == nil; i++ {
				var f raster.Frame
				if f, err = anim.Next(); err == nil {
					var px [][4]uint16
					if px, err = rastertest.Pixels(f.Rows, nil); err == nil && len(px) != r.Header().W()*r.Header().H() {
						t.Fatalf("frame %d has %d pixels", i+1, len(px))
					}
				}
			}
			if err != io.EOF && fault.Of(err) == fault.Internal {
				t.Fatal(err)
			}
		}
	})
}
