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
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
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

// colors reads all rows, as colours.
func colors(src raster.Rows) ([]color.NRGBA, error) {
	h := src.Header()
	var out []color.NRGBA
	for {
		b, err := src.Next()
		if err == io.EOF {
			if len(out) != h.W()*h.H() {
				return nil, fmt.Errorf("%d of %d pixels", len(out), h.W()*h.H())
			}
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		p := &b.Planes[0]
		if b.Y*h.W() != len(out) || p.Rows < 1 {
			return nil, fmt.Errorf("band of %d rows at %d after %d pixels", p.Rows, b.Y, len(out))
		}
		for y := range p.Rows {
			row := p.Pix[y*p.Stride:]
			for x := range h.W() {
				var c color.NRGBA
				switch h.Layout {
				case raster.Gray:
					c = color.NRGBA{row[x], row[x], row[x], 255}
				case raster.GrayA:
					c = color.NRGBA{row[2*x], row[2*x], row[2*x], row[2*x+1]}
				case raster.RGB:
					c = color.NRGBA{row[3*x], row[3*x+1], row[3*x+2], 255}
				case raster.RGBA:
					c = color.NRGBA{row[4*x], row[4*x+1], row[4*x+2], row[4*x+3]}
				case raster.Indexed:
					c = h.Palette[row[x]]
				}
				if c.A == 0 {
					c = color.NRGBA{}
				}
				out = append(out, c)
			}
		}
	}
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
		c, err := colors(f.Rows())
		if err != nil {
			return nil, nil, err
		}
		frames, delays = append(frames, c), append(delays, f.Delay)
	}
}

func first(data []byte) ([]color.NRGBA, *raster.Header, error) {
	r, err := openBytes(data)
	if err != nil {
		return nil, nil, err
	}
	src, err := r.Rows(raster.Hint{})
	if err != nil {
		return nil, nil, err
	}
	c, err := colors(src)
	return c, r.Header(), err
}

func same(t *testing.T, name string, got, want []color.NRGBA) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d pixels, want %d", name, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: pixel %d is %v, want %v", name, i, got[i], want[i])
		}
	}
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
		same(t, fmt.Sprintf("%s frame %d", name, i), got[i], want[i])
		if delays[i] != g.Delay[i] {
			t.Errorf("%s: delay %d of frame %d, want %d", name, delays[i], i, g.Delay[i])
		}
	}
	one, _, err := first(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	same(t, name+" first", one, want[0])
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

func noise(rnd *rand.Rand, n, top int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(rnd.IntN(top))
	}
	return p
}

func (b *builder) netscape(n int) {
	b.WriteString("\x21\xff\x0bNETSCAPE2.0\x03\x01")
	b.le(n)
	b.WriteByte(0)
}

func TestStillsOfEverySizeAndDepth(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for bits := 1; bits <= 8; bits++ {
		for size := 1; size <= 17; size++ {
			for _, interlaced := range []bool{false, true} {
				for _, local := range []bool{false, true} {
					w, h := size, 1+(size*7)%19
					b := &builder{}
					global, own := bits, 0
					if local {
						global, own = 0, bits
					}
					b.head(w, h, global, rnd)
					if size%2 == 0 {
						b.control(0, size, rnd.IntN(1<<bits))
					}
					b.image(image.Rect(0, 0, w, h), own, interlaced, max(2, bits), noise(rnd, w*h, 1<<bits), rnd)
					b.WriteByte(0x3b)
					againstStandard(t, fmt.Sprintf("%d bits %dx%d interlaced %v", bits, w, h, interlaced), b.Bytes())
					if _, h, _ := first(b.Bytes()); h.Layout != raster.Indexed {
						t.Fatalf("layout %v of a frame that covers the canvas", h.Layout)
					}
				}
			}
		}
	}
}

// animation returns a random one: any place, disposal, transparency, table.
func animation(rnd *rand.Rand, frames int) []byte { return animationFrom(rnd, frames, -1) }

// animationFrom is one whose transparent indexes are at least least, -1 being none.
func animationFrom(rnd *rand.Rand, frames, least int) []byte {
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

func TestAnimationsAgainstStandardLibrary(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		againstStandard(t, "animation", animation(rnd, 1+rnd.IntN(6)))
	}
}

func goldenFiles(t testing.TB) map[string][]byte {
	names, err := filepath.Glob(filepath.Join(runtime.GOROOT(), "src/image/testdata/*.gif"))
	if err != nil || len(names) < 4 {
		t.Fatalf("GOROOT has %d GIFs, %v", len(names), err)
	}
	out := map[string][]byte{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(name)] = data
	}
	return out
}

func TestGoldenFilesAgainstStandardLibrary(t *testing.T) {
	for name, data := range goldenFiles(t) {
		againstStandard(t, name, data)
	}
}

func TestLoopAndFrames(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		ext  string
		want int
	}{
		{"", -1},
		{"\x21\xff\x0bNETSCAPE2.0\x03\x01\x07\x00\x00", 7},
		{"\x21\xff\x0bANIMEXTS1.0\x03\x01\x00\x00\x00", 0},
		{"\x21\xff\x0bNETSCAPE2.0\x05\x02\x01\x02\x03\x04\x03\x01\x05\x00\x00", 5},
		{"\x21\xff\x0bXMP DataXMP\x03\x01\x05\x00\x00", -1},
		{"\x21\xfe\x05hello\x00", -1},
		{"\x21\x01\x0c123456789012\x02hi\x00", -1},
		{"\x00\x00", -1},
		{"\x21\xff\x00", -1},
	} {
		b := &builder{}
		b.head(1, 1, 1, rnd)
		b.WriteString(c.ext)
		b.image(image.Rect(0, 0, 1, 1), 0, false, 2, []byte{1}, rnd)
		b.image(image.Rect(0, 0, 1, 1), 0, false, 2, []byte{0}, rnd)
		b.WriteByte(0x3b)
		r, err := openBytes(b.Bytes())
		if err != nil {
			t.Errorf("%q: %v", c.ext, err)
			continue
		}
		if r.Loop() != c.want || r.Frames() != 2 {
			t.Errorf("%q: loop %d, %d frames; want %d, 2", c.ext, r.Loop(), r.Frames(), c.want)
		}
	}
}

func TestFramesBeyondTheCanvasAreClipped(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	b := &builder{}
	b.head(4, 4, 1, rnd)
	b.image(image.Rect(0, 0, 4, 4), 0, false, 2, make([]byte, 16), rnd)
	b.control(2, 1, -1)
	b.image(image.Rect(3, 3, 6, 6), 0, false, 2, bytes.Repeat([]byte{1}, 9), rnd)
	b.control(3, 1, -1)
	b.image(image.Rect(100, 100, 102, 102), 0, true, 2, bytes.Repeat([]byte{1}, 4), rnd)
	b.WriteByte(0x3b)
	frames, _, err := ourFrames(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if frames[1][15] == frames[0][15] || frames[1][14] != frames[0][14] {
		t.Errorf("the clipped frame shows %v", frames[1])
	}
	if frames[2][15] != (color.NRGBA{}) || frames[2][14] != frames[0][14] {
		t.Errorf("the frame outside shows %v", frames[2])
	}
}

func TestFirstFrameLargerThanTheScreenIsTheCanvas(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	for _, screen := range [][2]int{{0, 0}, {2, 9}, {9, 2}} {
		b := &builder{}
		b.head(screen[0], screen[1], 2, rnd)
		b.image(image.Rect(5, 7, 8, 11), 0, false, 2, noise(rnd, 12, 4), rnd)
		b.image(image.Rect(0, 0, 6, 8), 0, false, 2, noise(rnd, 48, 4), rnd) // one pixel of it is on the canvas
		b.WriteByte(0x3b)
		r, err := openBytes(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if h := r.Header(); h.W() != 3 || h.H() != 4 || h.Layout != raster.Indexed {
			t.Errorf("screen %v: canvas %dx%d %v", screen, h.W(), h.H(), h.Layout)
		}
		frames, _, err := ourFrames(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		same(t, "second frame", frames[1][1:], frames[0][1:])
	}
}

func TestIndexesBeyondThePalette(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	b := &builder{}
	b.WriteString("GIF89a")
	b.le(4, 1)
	b.WriteString("\x80\x00\x00\xff\xff\xff\x00\x00\x01")
	b.control(0, 0, 6)
	b.image(image.Rect(0, 0, 4, 1), 0, false, 3, []byte{0, 1, 6, 7}, rnd)
	b.WriteByte(0x3b)
	got, _, err := first(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	// 6 and 7 are beyond the table, but 6 is transparent.
	want := []color.NRGBA{{255, 255, 255, 255}, {0, 0, 1, 255}, {}, {0, 0, 1, 255}}
	same(t, "indexes", got, want)
}

func TestRefusals(t *testing.T) {
	rnd := rand.New(rand.NewPCG(13, 14))
	build := func(f func(b *builder)) []byte {
		b := &builder{}
		f(b)
		return b.Bytes()
	}
	one := image.Rect(0, 0, 1, 1)
	for _, c := range []struct {
		name string
		data []byte
		kind fault.Kind
		text string
	}{
		{"empty", nil, fault.Format, "truncated"},
		{"version", []byte("GIF88a0000000000000"), fault.Format, `"GIF88a"`},
		{"no frame", build(func(b *builder) { b.head(1, 1, 1, rnd); b.WriteByte(0x3b) }), fault.Format, "no frame"},
		{"no palette", build(func(b *builder) {
			b.head(1, 1, 0, rnd)
			b.image(one, 0, false, 2, []byte{0}, rnd)
			b.WriteByte(0x3b)
		}), fault.Format, "no colour table"},
		{"no size", build(func(b *builder) {
			b.head(0, 0, 1, rnd)
			b.image(image.Rect(0, 0, 0, 0), 0, false, 2, nil, rnd)
			b.WriteByte(0x3b)
		}), fault.Format, "0×0"},
		{"frames times canvas", build(func(b *builder) {
			b.head(4000, 4000, 1, rnd)
			b.image(one, 0, false, 2, []byte{0}, rnd)
			b.image(one, 0, false, 2, []byte{0}, rnd)
			b.WriteByte(0x3b)
		}), fault.TooLarge, "32 Mpixel"},
		{"a frame much larger than the canvas", build(func(b *builder) {
			b.head(1, 1, 1, rnd)
			b.image(one, 0, false, 2, []byte{0}, rnd)
			b.image(image.Rect(0, 0, 65535, 65535), 0, false, 2, []byte{0}, rnd)
			b.WriteByte(0x3b)
		}), fault.TooLarge, "Mpixel"},
		{"unknown block", build(func(b *builder) { b.head(1, 1, 1, rnd); b.WriteByte(0x99) }), fault.Format, "0x99"},
		{"literals of 9 bits", build(func(b *builder) {
			b.head(1, 1, 1, rnd)
			b.WriteByte(0x2c)
			b.le(0, 0, 1, 1)
			b.Write([]byte{0, 9, 1, 0, 0, 0x3b})
		}), fault.Format, "9 bits"},
		{"invalid code", build(func(b *builder) {
			b.head(9, 9, 1, rnd)
			b.WriteByte(0x2c)
			b.le(0, 0, 9, 9)
			b.WriteString("\x00\x02\x02\xff\xff\x00\x3b")
		}), fault.Format, "invalid code"},
		{"too few pixels", build(func(b *builder) {
			b.head(3, 3, 1, rnd)
			b.image(image.Rect(0, 0, 3, 3), 0, false, 2, []byte{0, 1, 1, 0}, rnd)
			b.WriteByte(0x3b)
		}), fault.Format, "truncated after 1 of 3 rows"},
	} {
		_, _, err := first(c.data)
		if fault.Of(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.text) {
			t.Errorf("%s: %v (%v), want %v %q", c.name, err, fault.Of(err), c.kind, c.text)
		}
	}
}

func TestTruncationIsSaid(t *testing.T) {
	data := animation(rand.New(rand.NewPCG(15, 16)), 3)
	for n := range len(data) {
		_, err := openBytes(data[:n])
		if fault.Of(err) != fault.Format || !strings.HasPrefix(err.Error(), "truncated") {
			t.Fatalf("%d of %d bytes: %v", n, len(data), err)
		}
	}
	if _, _, err := ourFrames(append(data, "anything after it"...)); err != nil {
		t.Errorf("bytes after the end: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	rnd := rand.New(rand.NewPCG(17, 18))
	for range 8 {
		f.Add(animation(rnd, 3))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if tooLarge(data) {
			return
		}
		got, _, err := ourFrames(data)
		if err != nil {
			if fault.Of(err) == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		one, _, err := first(data)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "first", one, got[0])
		// What both read must be the same; image/gif refuses more, has no disposal 4,
		// and adds up several control extensions before a frame.
		g, err := stdgif.DecodeAll(bytes.NewReader(data))
		if err != nil || bytes.IndexByte(g.Disposal, 4) >= 0 || bytes.Count(data, []byte("\x21\xf9")) > len(got) {
			return
		}
		for i, want := range compose(g) {
			same(t, fmt.Sprint("frame ", i), got[i], want)
		}
	})
}
