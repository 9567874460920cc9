package gif

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	stdgif "image/gif"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

var limits = raster.Limits{Pixels: 1 << 24, Mem: 256 << 20}

// fuzzed keeps fuzzing fast.
var fuzzed = raster.Limits{Pixels: 1 << 16, Mem: 1 << 20}

func openBytes(b []byte) (*Reader, error) {
	return Open(bytes.NewReader(b), int64(len(b)), limits)
}

// tooLarge reports whether a picture is too large for a fuzzer to be fast.
func tooLarge(data []byte) bool {
	_, err := Open(bytes.NewReader(data), int64(len(data)), fuzzed)
	return fault.Of(err) == fault.TooLarge
}

// colors reads all rows, as colours: transparent ones are all zero.
func colors(src raster.Rows, err error) ([]color.NRGBA, error) {
	out, err := rastertest.Colors(src, err)
	for i, c := range out {
		if c.A == 0 {
			out[i] = color.NRGBA{}
		}
	}
	return out, err
}

// compose is the reference: image/gif's frames put together by the definition.
func compose(g *stdgif.GIF) [][]color.NRGBA {
	w, h := g.Config.Width, g.Config.Height
	canvas := make([]color.NRGBA, w*h)
	var out [][]color.NRGBA
	for i, m := range g.Image {
		before := append([]color.NRGBA(nil), canvas...)
		b := m.Bounds()
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				r, gr, bl, a := m.At(x, y).RGBA()
				if a != 0 {
					canvas[y*w+x] = color.NRGBA{uint8(r >> 8), uint8(gr >> 8), uint8(bl >> 8), 255}
				}
			}
		}
		out = append(out, append([]color.NRGBA(nil), canvas...))
		switch g.Disposal[i] {
		case stdgif.DisposalBackground:
			for y := b.Min.Y; y < b.Max.Y; y++ {
				clear(canvas[y*w+b.Min.X : y*w+b.Max.X])
			}
		case stdgif.DisposalPrevious:
			canvas = before
		}
	}
	return out
}

// ourFrames composes all frames with the code under test.
func ourFrames(data []byte) (frames [][]color.NRGBA, delays []int, err error) {
	r, err := openBytes(data)
	if err != nil {
		return nil, nil, err
	}
	a, err := r.Animation()
	if err != nil {
		return nil, nil, err
	}
	for {
		f, err := a.Next()
		if err == io.EOF {
			if len(frames) != r.Frames() {
				return nil, nil, fmt.Errorf("%d frames, Frames says %d", len(frames), r.Frames())
			}
			return frames, delays, nil
		}
		if err != nil {
			return nil, nil, err
		}
		c, err := colors(f.Rows, nil)
		if err != nil {
			return nil, nil, err
		}
		frames, delays = append(frames, c), append(delays, int(f.Delay/centisecond))
	}
}

// notesOf returns the notes on a file after all its frames have been read.
func notesOf(t *testing.T, data []byte) []string {
	t.Helper()
	r, err := openBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := framesOf(r); err != nil {
		t.Fatal(err)
	}
	return r.Notes()
}

// framesOf composes all frames of r.
func framesOf(r *Reader) ([][]color.NRGBA, error) {
	a, err := r.Animation()
	if err != nil {
		return nil, err
	}
	var frames [][]color.NRGBA
	for {
		f, err := a.Next()
		if err == io.EOF {
			return frames, nil
		}
		if err != nil {
			return nil, err
		}
		c, err := colors(f.Rows, nil)
		if err != nil {
			return nil, err
		}
		frames = append(frames, c)
	}
}

func first(data []byte) ([]color.NRGBA, *raster.Header, error) {
	r, err := openBytes(data)
	if err != nil {
		return nil, nil, err
	}
	c, err := colors(rastertest.Start(r, nil))
	return c, r.Header(), err
}

// againstStandard compares the first frame and all composed ones with image/gif.
func againstStandard(t *testing.T, name string, data []byte) {
	t.Helper()
	g, err := stdgif.DecodeAll(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: the oracle: %v", name, err)
	}
	want := compose(g)
	got, delays, err := ourFrames(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d frames, want %d", name, len(got), len(want))
	}
	for i := range got {
		rastertest.Same(t, fmt.Sprintf("%s frame %d", name, i), got[i], want[i])
		if delays[i] != g.Delay[i] {
			t.Errorf("%s: delay %d of frame %d, want %d", name, delays[i], i, g.Delay[i])
		}
	}
	one, _, err := first(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	rastertest.Same(t, name+" first", one, want[0])
}

// builder makes GIFs block by block, from the specification.
type builder struct{ bytes.Buffer }

func (b *builder) le(v ...int) {
	for _, x := range v {
		b.Write(binary.LittleEndian.AppendUint16(nil, uint16(x)))
	}
}

func (b *builder) table(bits int, rnd *rand.Rand) {
	for range 3 << bits {
		b.WriteByte(byte(rnd.IntN(256)))
	}
}

// head writes the screen with a global table of 2^bits colours; 0 for none.
func (b *builder) head(w, h, bits int, rnd *rand.Rand) {
	b.WriteString("GIF89a")
	b.le(w, h)
	flags := byte(0)
	if bits > 0 {
		flags = 0x80 | byte(bits-1)
	}
	b.Write([]byte{flags, 0, 0})
	if bits > 0 {
		b.table(bits, rnd)
	}
}

func (b *builder) control(disposal, delay, transparent int) {
	flags := byte(disposal << 2)
	if transparent >= 0 {
		flags |= 1
	}
	b.Write([]byte{0x21, 0xf9, 4, flags})
	b.le(delay)
	b.Write([]byte{byte(transparent), 0})
}

func (b *builder) sub(data []byte) {
	for len(data) > 0 {
		n := min(len(data), 255)
		b.WriteByte(byte(n))
		b.Write(data[:n])
		data = data[n:]
	}
	b.WriteByte(0)
}

// image writes a frame with a local table of 2^bits colours; 0 for none.
func (b *builder) image(r image.Rectangle, bits int, interlaced bool, literal int, pix []byte, rnd *rand.Rand) {
	b.WriteByte(0x2c)
	b.le(r.Min.X, r.Min.Y, r.Dx(), r.Dy())
	flags := byte(0)
	if interlaced {
		flags = 0x40
	}
	if bits > 0 {
		flags |= 0x80 | byte(bits-1)
	}
	b.WriteByte(flags)
	if bits > 0 {
		b.table(bits, rnd)
	}
	b.WriteByte(byte(literal))
	b.sub(packed(literal, pix))
}

func packed(literal int, pix []byte) []byte {
	var z bytes.Buffer
	l := lzw.NewWriter(&z, lzw.LSB, literal)
	l.Write(pix)
	l.Close()
	return z.Bytes()
}

var noise = rastertest.Noise[byte]

func (b *builder) netscape(n int) {
	b.WriteString("\x21\xff\x0bNETSCAPE2.0\x03\x01")
	b.le(n)
	b.WriteByte(0)
}

// randomAnimation returns one: any place, disposal, transparency, table.
func randomAnimation(rnd *rand.Rand, frames int) []byte { return randomAnimationFrom(rnd, frames, -1) }

// randomAnimationFrom is one whose transparent indexes are at least least, -1 being none.
func randomAnimationFrom(rnd *rand.Rand, frames, least int) []byte {
	w, h := 1+rnd.IntN(20), 1+rnd.IntN(20)
	b := &builder{}
	b.head(w, h, 3, rnd)
	b.netscape(rnd.IntN(5))
	for range frames {
		x, y := rnd.IntN(w), rnd.IntN(h)
		r := image.Rect(x, y, x+1+rnd.IntN(w-x), y+1+rnd.IntN(h-y))
		b.control(rnd.IntN(4), rnd.IntN(100), least+rnd.IntN(8-least))
		b.image(r, rnd.IntN(2)*3, rnd.IntN(2) == 0, 3, noise(rnd, r.Dx()*r.Dy(), 8), rnd)
	}
	b.WriteByte(0x3b)
	return b.Bytes()
}

func goldenFiles(t testing.TB) map[string][]byte {
	out := map[string][]byte{}
	for _, name := range rastertest.GoFiles(t, "image/testdata/*.gif", 4) {
		out[filepath.Base(name)] = rastertest.File(t, name)
	}
	return out
}
