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

	"imgtools/pkg/picture/raster/rastertest"
)

func negative(c color.NRGBA) color.NRGBA { return color.NRGBA{255 - c.R, 255 - c.G, 255 - c.B, c.A} }

func negated(c []color.NRGBA) []color.NRGBA {
	out := slices.Clone(c)
	for i := range out {
		if out[i].A != 0 {
			out[i] = negative(out[i])
		}
	}
	return out
}

func gray(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := openBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := RewritePalette(&out, r, negative); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// checkRewritten compares the frames of a mapped file with the mapped frames.
func checkRewritten(t *testing.T, name string, data []byte) []byte {
	t.Helper()
	out := gray(t, data)
	was, delays, err := ourFrames(data)
	if err != nil {
		t.Fatal(err)
	}
	got, delays2, err := ourFrames(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(was) != len(got) || !slices.Equal(delays, delays2) {
		t.Fatalf("%s: %d frames, delays %v became %d, %v", name, len(was), delays, len(got), delays2)
	}
	for i := range was {
		rastertest.Same(t, name, got[i], negated(was[i]))
	}
	if _, err := stdgif.DecodeAll(bytes.NewReader(out)); err != nil {
		t.Fatalf("%s: image/gif refuses it: %v", name, err)
	}
	return out
}

func TestRewritingMapsPalettesAndCopiesTheRest(t *testing.T) {
	rnd := rand.New(rand.NewPCG(29, 30))
	files := goldenFiles(t)
	for i := range 100 {
		files[fmt.Sprint("animation ", i)] = randomAnimation(rnd, 1+rnd.IntN(5))
	}
	for name, data := range files {
		out := checkRewritten(t, name, data)
		if len(out) > len(data) {
			t.Errorf("%s: %d bytes became %d", name, len(data), len(out))
		}
		a, _ := openBytes(data)
		b, _ := openBytes(out)
		if a.Loop() != b.Loop() {
			t.Errorf("%s: loop %d became %d", name, a.Loop(), b.Loop())
		}
	}
}

func TestRewritingTwiceIsTheSameBytes(t *testing.T) {
	data := gray(t, randomAnimation(rand.New(rand.NewPCG(31, 32)), 4))
	if again := gray(t, gray(t, data)); !bytes.Equal(again, data) {
		t.Error("negated twice the file is another one")
	}
}

func TestRewritingDropsWhatIsNoPicture(t *testing.T) {
	rnd := rand.New(rand.NewPCG(33, 34))
	b := &builder{}
	b.head(3, 3, 1, rnd)
	b.WriteString("\x21\xfe\x06secret\x00")
	b.WriteString("\x21\xff\x0bXMP DataXMP\x06secret\x00")
	b.netscape(3)
	b.control(1, 7, -1)
	b.WriteByte(0x2c)
	b.le(0, 0, 3, 3)
	b.WriteByte(0)
	b.WriteByte(2)
	b.sub(append(packed(2, noise(rnd, 9, 2)), "secret"...)) // behind the end code
	b.WriteString("\x21\x01\x0c123456789012\x06secret\x00")
	b.image(image.Rect(0, 0, 3, 3), 0, false, 2, append(noise(rnd, 9, 2), bytes.Repeat([]byte{1, 0, 2, 3}, 99)...), rnd) // surplus pixels
	b.WriteString("\x3bsecret")
	out := checkRewritten(t, "secrets", b.Bytes())
	if strings.Contains(string(out), "secret") || len(out) > 150 {
		t.Errorf("%d bytes: %q", len(out), out)
	}
}

func TestRewritingOfFramesThatCannotBeCopied(t *testing.T) {
	rnd := rand.New(rand.NewPCG(35, 36))
	b := &builder{}
	b.head(4, 4, 2, rnd)
	b.image(image.Rect(0, 0, 4, 4), 0, true, 2, noise(rnd, 16, 4), rnd)
	b.control(2, 1, 1)
	b.image(image.Rect(2, 1, 7, 9), 0, true, 2, noise(rnd, 40, 4), rnd)   // beyond the canvas
	b.image(image.Rect(50, 1, 52, 3), 0, false, 2, noise(rnd, 4, 4), rnd) // outside
	b.control(1, 1, -1)
	b.image(image.Rect(0, 0, 3, 3), 1, false, 2, noise(rnd, 9, 2), rnd)
	b.WriteByte(0x3b)
	checkRewritten(t, "odd frames", b.Bytes())

	b = &builder{} // an LZW stream that its last block cuts before the end code
	b.head(1, 1, 1, rnd)
	b.WriteByte(0x2c)
	b.le(0, 0, 1, 1)
	b.WriteString("\x00\x02\x01\x0c\x00\x3b") // clear, 1, and nothing
	checkRewritten(t, "no end code", b.Bytes())
}

func TestRewritingOfIndexesBeyondThePalette(t *testing.T) {
	rnd := rand.New(rand.NewPCG(37, 38))
	b := &builder{}
	b.head(4, 1, 1, rnd)
	b.image(image.Rect(0, 0, 4, 1), 0, false, 3, []byte{0, 1, 6, 7}, rnd)
	b.WriteByte(0x3b)
	checkRewritten(t, "stray indexes", b.Bytes())
}

func FuzzRewritePalette(f *testing.F) {
	rnd := rand.New(rand.NewPCG(41, 42))
	for range 8 {
		f.Add(randomAnimation(rnd, 3))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if tooLarge(data) {
			return
		}
		r, err := openBytes(data)
		if err != nil {
			return
		}
		_, readErr := framesOf(r)
		w, _ := openBytes(data)
		var out bytes.Buffer
		err = RewritePalette(&out, w, negative)
		if fmt.Sprint(err) != fmt.Sprint(readErr) {
			t.Fatalf("rewriting: %v; reading: %v", err, readErr)
		}
		if !slices.Equal(r.Notes(), w.Notes()) {
			t.Fatalf("rewriting: notes %q; reading: %q", w.Notes(), r.Notes())
		}
		if err != nil {
			return
		}
		was, delays, err := ourFrames(data)
		if err != nil {
			t.Fatal(err)
		}
		got, delays2, err := ourFrames(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(delays, delays2) {
			t.Fatalf("delays %v became %v", delays, delays2)
		}
		for i := range was {
			rastertest.Same(t, fmt.Sprint("frame ", i), got[i], negated(was[i]))
		}
	})
}
