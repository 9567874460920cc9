package gif

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	stdgif "image/gif"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

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

func TestAnimationsAgainstStandardLibrary(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		againstStandard(t, "animation", randomAnimation(rnd, 1+rnd.IntN(6)))
	}
}

func TestGoldenFilesAgainstStandardLibrary(t *testing.T) {
	for name, data := range goldenFiles(t) {
		againstStandard(t, name, data)
	}
}

func TestLoopAndFrames(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		name, ext string
		want      int
	}{
		{"none", "", 1},
		{"7 repetitions", "\x21\xff\x0bNETSCAPE2.0\x03\x01\x07\x00\x00", 8},
		{"without end", "\x21\xff\x0bANIMEXTS1.0\x03\x01\x00\x00\x00", 0},
		{"another sub-block first", "\x21\xff\x0bNETSCAPE2.0\x05\x02\x01\x02\x03\x04\x03\x01\x05\x00\x00", 6},
		{"another application", "\x21\xff\x0bXMP DataXMP\x03\x01\x05\x00\x00", 1},
		{"a comment", "\x21\xfe\x05hello\x00", 1},
		{"plain text", "\x21\x01\x0c123456789012\x02hi\x00", 1},
		{"extra terminators", "\x00\x00", 1},
		{"an empty extension", "\x21\xff\x00", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &builder{}
			b.head(1, 1, 1, rnd)
			b.WriteString(c.ext)
			b.image(image.Rect(0, 0, 1, 1), 0, false, 2, []byte{1}, rnd)
			b.image(image.Rect(0, 0, 1, 1), 0, false, 2, []byte{0}, rnd)
			b.WriteByte(0x3b)
			r, err := openBytes(b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if r.Loop() != c.want || r.Frames() != 2 {
				t.Errorf("loop %d, %d frames; want %d, 2", r.Loop(), r.Frames(), c.want)
			}
		})
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
		rastertest.Same(t, "second frame", frames[1][1:], frames[0][1:])
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
	rastertest.Same(t, "indexes", got, want)
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
		{"no frame", build(func(b *builder) { b.head(1, 1, 1, rnd); b.WriteByte(0x3b) }), fault.Format, "without a frame"},
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
		{"code size 0", build(func(b *builder) {
			b.head(1, 1, 1, rnd)
			b.WriteByte(0x2c)
			b.le(0, 0, 1, 1)
			b.Write([]byte{0, 0, 1, 0, 0, 0x3b})
		}), fault.Format, "code size 0"},
		{"code size 12", build(func(b *builder) {
			b.head(1, 1, 1, rnd)
			b.WriteByte(0x2c)
			b.le(0, 0, 1, 1)
			b.Write([]byte{0, 12, 1, 0, 0, 0x3b})
		}), fault.Format, "code size 12"},
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
		t.Run(c.name, func(t *testing.T) {
			_, _, err := first(c.data)
			if fault.Of(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.text) {
				t.Errorf("%v (%v), want %v %q", err, fault.Of(err), c.kind, c.text)
			}
		})
	}
}

// A file cut anywhere is refused, unless it is cut where all pixels of the frames
// begun are there: then it is the animation up to there, with a note.
func TestTruncatedFiles(t *testing.T) {
	data := randomAnimation(rand.New(rand.NewPCG(15, 16)), 3)
	whole, _, err := ourFrames(data)
	if err != nil {
		t.Fatal(err)
	}
	accepted := map[int]int{}
	for n := range len(data) {
		frames, _, err := ourFrames(data[:n])
		if err != nil {
			if fault.Of(err) != fault.Format || !strings.Contains(err.Error(), "truncated") {
				t.Fatalf("%d of %d bytes: %v", n, len(data), err)
			}
			continue
		}
		for i := range frames {
			rastertest.Same(t, fmt.Sprintf("%d bytes, frame %d", n, i), frames[i], whole[i])
		}
		if notes := notesOf(t, data[:n]); !slices.Equal(notes, []string{"no end marker"}) {
			t.Errorf("%d of %d bytes: notes %q", n, len(data), notes)
		}
		accepted[len(frames)]++
	}
	// Between frames there are a block terminator and a graphic control of 8 bytes;
	// after the last one there are the terminator and the trailer.
	for n := 1; n <= 3; n++ {
		if accepted[n] < 2 || accepted[n] > 11 {
			t.Errorf("%d frames were read from %d lengths", n, accepted[n])
		}
	}
	if _, _, err := ourFrames(append(data, "anything after it"...)); err != nil {
		t.Errorf("bytes after the end: %v", err)
	}
}

func TestMemoryIsCheckedBeforeItIsTaken(t *testing.T) {
	for _, c := range []struct {
		disposal   int
		interlaced bool
		mem        int64
		ok         bool
	}{
		{1, false, 39999, false}, {1, false, 40000, true}, {1, true, 9999, false},
		{3, false, 40000, false}, {3, false, 80000, true}, {3, true, 80000, true},
	} {
		b := &builder{}
		b.head(100, 100, 1, rand.New(rand.NewPCG(1, 2)))
		b.control(c.disposal, 0, -1)
		b.image(image.Rect(0, 0, 100, 100), 0, c.interlaced, 2, make([]byte, 10000), nil)
		b.WriteByte(0x3b)
		t.Run(fmt.Sprintf("disposal %d, interlaced %v, %d bytes", c.disposal, c.interlaced, c.mem), func(t *testing.T) {
			r, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()), raster.Limits{Mem: c.mem})
			if err != nil {
				t.Fatal(err)
			}
			a, err := r.Animation()
			if err == nil {
				_, err = a.Next()
			}
			if c.ok && err != nil || !c.ok && fault.Of(err) != fault.TooLarge {
				t.Error(err)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	rnd := rand.New(rand.NewPCG(17, 18))
	for range 8 {
		f.Add(randomAnimation(rnd, 3))
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
		rastertest.Same(t, "first", one, got[0])
		// What both read must be the same, except for what TestWhereImageGifDiffers
		// names.
		g, err := stdgif.DecodeAll(bytes.NewReader(data))
		if err != nil || len(g.Image) != len(got) || bytes.IndexByte(g.Disposal, 4) >= 0 ||
			bytes.Count(data, []byte("\x21\xf9")) != len(got) || bytes.Contains(data, []byte("\x21\x01")) {
			return
		}
		for i, want := range compose(g) {
			rastertest.Same(t, fmt.Sprint("frame ", i), got[i], want)
		}
	})
}
