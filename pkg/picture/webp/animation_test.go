package webp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// anmf builds the data of an ANMF chunk: a frame of w × h at x, y with chunks as riff
// takes them.
func anmf(x, y, w, h, ms int, flags byte, chunks ...any) []byte {
	var b []byte
	for _, v := range []int{x / 2, y / 2, w - 1, h - 1, ms} {
		b = append(b, byte(v), byte(v>>8), byte(v>>16))
	}
	return append(append(b, flags), riff(chunks...)[12:]...)
}

func anim(loop int) []byte {
	return binary.LittleEndian.AppendUint16([]byte{1, 2, 3, 4}, uint16(loop))
}

// frames composes all frames of a file.
func frames(r *Reader) (out [][]color.NRGBA, delays []time.Duration, err error) {
	a, err := r.Animation()
	if err != nil {
		return nil, nil, err
	}
	for {
		f, err := a.Next()
		if err == io.EOF {
			return out, delays, nil
		}
		if err != nil {
			return nil, nil, err
		}
		c, err := rastertest.Colors(f.Rows, nil)
		if err != nil {
			return nil, nil, err
		}
		out, delays = append(out, c), append(delays, f.Delay)
	}
}

// apart returns by how much two pixels differ as they are seen: colours count by alpha.
func apart(a, b color.NRGBA) float64 {
	most := math.Abs(float64(a.A) - float64(b.A))
	for _, v := range [][2]uint8{{a.R, b.R}, {a.G, b.G}, {a.B, b.B}} {
		most = max(most, math.Abs(float64(v[0])*float64(a.A)-float64(v[1])*float64(b.A))/255)
	}
	return most
}

// The animations were put together by webpmux from files by cwebp, lossy and lossless,
// with and without alpha, at offsets, with both ways of blending and of disposal, and a
// background colour. Beside each is what libwebp's decoder of animations shows, one
// frame below the other. It approximates the division in blending, by up to 2 levels a
// frame.
func TestAnimationsAreThoseOfLibwebp(t *testing.T) {
	for _, c := range []struct {
		name   string
		loop   int
		delays []int
	}{
		{"anim-mixed", 3, []int{100, 50, 33, 10, 70, 1000, 0}},
		{"anim-offset", 0, []int{40, 40, 40}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ref, err := png.Decode(bytes.NewReader(read(t, c.name+".png")))
			if err != nil {
				t.Fatal(err)
			}
			data := read(t, c.name+".webp")
			r, err := open(data)
			if err != nil {
				t.Fatal(err)
			}
			got, delays, err := frames(r)
			if err != nil {
				t.Fatal(err)
			}
			w, h := r.Header().W(), r.Header().H()
			if len(got) != len(c.delays) || r.Frames() != len(c.delays) || r.Loop() != c.loop || h*len(got) != ref.Bounds().Dy() || w != ref.Bounds().Dx() {
				t.Fatalf("%d frames of %d×%d, loop %d", len(got), w, h, r.Loop())
			}
			for n, f := range got {
				if delays[n] != time.Duration(c.delays[n])*time.Millisecond {
					t.Errorf("frame %d is shown for %v, want %d ms", n+1, delays[n], c.delays[n])
				}
				for i, p := range f {
					want := color.NRGBAModel.Convert(ref.At(i%w, n*h+i/w)).(color.NRGBA)
					if d := apart(p, want); d > 4 || p.A == 255 && want.A == 255 && n == 0 && d > 0 {
						t.Fatalf("frame %d: pixel %d is %v, want %v", n+1, i, p, want)
					}
				}
			}
			for n := range got {
				r, err := open(data)
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
				one, err := rastertest.Colors(rows, nil)
				if err != nil {
					t.Fatal(err)
				}
				rastertest.Same(t, fmt.Sprint("frame ", n+1, " selected"), one, got[n])
			}
			for _, n := range []int{0, len(got) + 1} {
				if err := r.Select(n); fault.Of(err) != fault.Usage {
					t.Errorf("frame %d: %v", n, err)
				}
			}
		})
	}
}

func TestStillIsAnAnimationOfOneFrame(t *testing.T) {
	for _, name := range []string{"lossy", "lossless-alpha"} {
		t.Run(name, func(t *testing.T) {
			r, err := open(read(t, name+".webp"))
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := frames(r)
			if err != nil || len(got) != 1 || r.Frames() != 1 || r.Loop() != 1 {
				t.Fatalf("%d frames, %d, loop %d: %v", len(got), r.Frames(), r.Loop(), err)
			}
			again, err := open(read(t, name+".webp"))
			want, err := rastertest.Colors(rastertest.Start(again, err))
			if err != nil {
				t.Fatal(err)
			}
			rastertest.Same(t, name, got[0], want)
		})
	}
}

// An animation of one frame that covers the canvas comes as a still of the same
// bitstream does, planes included.
func TestAnimationOfOneFrameIsAStill(t *testing.T) {
	lossy := part(t, "lossy.webp", "VP8 ")
	b := riff("VP8X", vp8x(flagAnimation, 37, 29), "ANIM", anim(5), "ANMF", anmf(0, 0, 37, 29, 100, 0, "VP8 ", lossy))
	r, h, got, err := decode(b, raster.Hint{Planar: true})
	if err != nil {
		t.Fatal(err)
	}
	_, hs, want, err := decode(riff("VP8 ", lossy), raster.Hint{Planar: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Frames() != 1 || h.Layout != raster.YCbCr || h.Layout != hs.Layout || r.Notes() != nil {
		t.Errorf("%d frames, %v, notes %q", r.Frames(), h.Layout, r.Notes())
	}
	for i := range got {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("plane %d differs", i)
		}
	}
}

func TestMetadataOfAnimations(t *testing.T) {
	exif := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00")
	vp8 := part(t, "lossy.webp", "VP8 ")
	b := riff("VP8X", vp8x(flagAnimation|8, 40, 30), "ANIM", anim(0),
		"ANMF", anmf(0, 0, 37, 29, 100, 0, "VP8 ", vp8), "ANMF", anmf(2, 0, 37, 29, 100, 0, "VP8 ", vp8), "EXIF", exif)
	r, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.Animation()
	if err != nil {
		t.Fatal(err)
	}
	f, err := a.Next()
	if err != nil {
		t.Fatal(err)
	}
	if o, of := r.Header().Orientation, f.Rows.Header().Orientation; o != 6 || of != 6 {
		t.Errorf("orientation %d, of the frame %d", o, of)
	}
	if err := r.Select(2); err != nil || r.Header().Orientation != 6 {
		t.Errorf("%v, orientation %d of frame 2", err, r.Header().Orientation)
	}
}

func TestOddFilesAreReadWithANote(t *testing.T) {
	lossy := part(t, "lossy.webp", "VP8 ")
	frame := anmf(0, 0, 37, 29, 10, 0, "VP8 ", lossy)
	file := riff("VP8X", vp8x(8, 37, 29), "VP8 ", lossy, "EXIF", []byte("no EXIF at all"))
	resized := func(b []byte) []byte { // with the RIFF size of the file
		b = slices.Clone(b)
		binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
		return b
	}
	for _, c := range []struct {
		name string
		data []byte
		note string
	}{
		{"EXIF cut, sized", resized(file[:len(file)-5]), `truncated: chunk "EXIF" has 9 of 14 bytes`},
		{"EXIF header cut, sized", resized(file[:len(file)-17]), ""},
		{"pad byte missing", resized(riff("VP8 ", lossy, "EXIF", []byte("odd"))[:12+8+len(lossy)+len(lossy)%2+8+3]), ""},
		{"bytes behind", append(slices.Clone(file), "more"...), ""},
		{"no ANIM", riff("VP8X", vp8x(flagAnimation, 37, 29), "ANMF", frame), "no ANIM chunk: shown without end"},
		{"no flag", riff("VP8X", vp8x(0, 37, 29), "ANIM", anim(0), "ANMF", frame), ""},
		{"flag of a still", riff("VP8X", vp8x(flagAnimation, 37, 29), "VP8 ", lossy), "marked as an animation, but a still"},
		{"frames without a canvas", riff("ANMF", frame, "VP8 ", lossy), ""},
		{"VP8X after the picture", riff("VP8 ", lossy, "VP8X", vp8x(flagAnimation, 99, 99)), ""},
		{"unknown chunks", riff("VP8X", vp8x(flagAnimation, 37, 29), "ANIM", anim(0), "ABCD", []byte("x"), "ANMF", anmf(0, 0, 37, 29, 0, 0, "ABCD", []byte("y"), "VP8 ", lossy)), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _, got, err := decode(c.data, raster.Hint{})
			if err != nil {
				t.Fatal(err)
			}
			_, _, want, err := decode(riff("VP8 ", lossy), raster.Hint{})
			if err != nil || !slices.Equal(got[0], want[0]) {
				t.Errorf("another picture, %v", err)
			}
			if n := strings.Join(r.Notes(), "; "); n != c.note {
				t.Errorf("notes %q, want %q", n, c.note)
			}
		})
	}
}

func TestRefusedAnimations(t *testing.T) {
	lossy := part(t, "lossy.webp", "VP8 ")
	file := func(frames ...[]byte) []byte {
		chunks := []any{"VP8X", vp8x(flagAnimation, 37, 29), "ANIM", anim(0)}
		for _, f := range frames {
			chunks = append(chunks, "ANMF", f)
		}
		return riff(chunks...)
	}
	good := anmf(0, 0, 37, 29, 10, 0, "VP8 ", lossy)
	for _, c := range []struct {
		name string
		data []byte
		text string
	}{
		{"no frame", file(), "without a picture"},
		{"short frame", file(good[:15]), "frame 1 of 15 bytes"},
		{"empty frame", file(good[:16]), "frame 1 has no picture"},
		{"other size", file(anmf(0, 0, 36, 29, 0, 0, "VP8 ", lossy)), "frame 1 of 36×29 has a picture of 37×29"},
		{"beyond the canvas", file(anmf(2, 0, 37, 29, 0, 0, "VP8 ", lossy)), "frame 1 of 37×29 at 2,0 reaches beyond the canvas of 37×29"},
		{"cut bitstream", file(good[:100]), `frame 1: truncated: chunk "VP8 " has 76 of`},
		{"bad bitstream", file(anmf(0, 0, 37, 29, 0, 0, "VP8 ", lossy[:5])), "frame 1: truncated in the lossy header"},
		{"short ANIM", riff("VP8X", vp8x(2, 37, 29), "ANIM", []byte("abc"), "ANMF", good), "ANIM chunk of 3 bytes"},
		{"many chunks in a frame", file(anmf(0, 0, 37, 29, 0, 0, slices.Repeat([]any{"ABCD", []byte{}}, 1001)...)), "more than 1000 chunks in frame 1"},
		{"cut file", file(good, good)[:500], "truncated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := open(c.data)
			if fault.Of(err) != fault.Format || !strings.Contains(fmt.Sprint(err), c.text) {
				t.Errorf("%v; want %q", err, c.text)
			}
		})
	}
}

// Where a later frame is damaged, Lenient gives the frames before it.
func TestDamagedFrames(t *testing.T) {
	whole := read(t, "anim-mixed.webp")
	r, err := open(whole)
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := frames(r)
	if err != nil {
		t.Fatal(err)
	}
	lossy := part(t, "lossy.webp", "VP8 ")
	bad := slices.Clone(lossy)
	for i := range bad[10:200] {
		bad[10+i] = 0xff
	}
	bits := riff("VP8X", vp8x(flagAnimation, 37, 29), "ANIM", anim(0),
		"ANMF", anmf(0, 0, 37, 29, 10, 0, "VP8 ", lossy), "ANMF", anmf(0, 0, 37, 29, 10, 0, "VP8 ", bad))
	for _, c := range []struct {
		name   string
		data   []byte
		frames int
		note   string
	}{
		{"cut in frame 3", whole[:900], 2, "truncated: 900 of 2332 bytes"},
		{"cut in frame 7", whole[:2200], 6, "truncated: 2200 of 2332 bytes"},
		{"bad bitstream", bits, 1, "frame 2 of 2: "},
		{"bad header between good ones", riff("VP8X", vp8x(flagAnimation, 37, 29), "ANIM", anim(0),
			"ANMF", anmf(0, 0, 37, 29, 10, 0, "VP8 ", lossy), "ANMF", anmf(2, 0, 37, 29, 10, 0, "VP8 ", lossy),
			"ANMF", anmf(0, 0, 37, 29, 10, 0, "VP8 ", lossy)), 1, "frame 2 of 37×29 at 2,0 reaches beyond"},
	} {
		t.Run(c.name, func(t *testing.T) {
			open := func(lenient bool) (*Reader, error) {
				return Open(bytes.NewReader(c.data), int64(len(c.data)), raster.Limits{Lenient: lenient})
			}
			r, err := open(false)
			if err == nil {
				_, _, err = frames(r)
			}
			if fault.Of(err) != fault.Format {
				t.Errorf("strict: %v", err)
			}
			if r, err = open(true); err != nil {
				t.Fatal(err)
			}
			got, _, err := frames(r)
			if err != nil || len(got) != c.frames || c.name != "bad bitstream" && r.Frames() != c.frames {
				t.Fatalf("lenient: %d frames of %d, %v", len(got), r.Frames(), err)
			}
			if n := strings.Join(r.Notes(), "; "); !strings.HasPrefix(n, c.note) {
				t.Errorf("notes %q, want %q", n, c.note)
			}
			if strings.HasPrefix(c.name, "cut") {
				for i := range got {
					rastertest.Same(t, fmt.Sprint("frame ", i+1), got[i], want[i])
				}
			}
		})
	}
}

// Files of a few bytes that claim much are refused before memory is taken for it.
func TestBombs(t *testing.T) {
	// A lossless header of w × h, and nothing else that matters.
	claim := func(w, h int) []byte {
		return append([]byte{0x2f}, binary.LittleEndian.AppendUint32(nil, uint32(w-1)|uint32(h-1)<<14)...)
	}
	flat := append(claim(8000, 8000), make([]byte, 21)...)
	small := part(t, "lossy-1x1.webp", "VP8 ")
	many := []any{"VP8X", vp8x(flagAnimation, 10000, 1000), "ANIM", anim(0)}
	for range 26 {
		many = append(many, "ANMF", anmf(0, 0, 1, 1, 0, 0, "VP8 ", small))
	}
	countless := []any{"VP8X", vp8x(flagAnimation, 1, 1), "ANIM", anim(0)}
	for range MaxFrames + 1 {
		countless = append(countless, "ANMF", anmf(0, 0, 1, 1, 0, 0, "VP8L", claim(1, 1)))
	}
	for _, c := range []struct {
		name string
		data []byte
		lim  raster.Limits
		text string
	}{
		{"46 bytes of 8000×8000", riff("VP8L", flat), raster.Limits{Mem: 1 << 20}, "5 MiB to hold > 1 MiB (-maxmem)"},
		{"canvas of 16777216×16777216", riff("VP8X", vp8x(flagAnimation, 1<<24, 1<<24), "ANIM", anim(0), "ANMF", anmf(0, 0, 1, 1, 0, 0, "VP8 ", small)), raster.Limits{}, "Mpixel > 250 Mpixel (-maxpixels)"},
		{"26 frames of 1×1 on 10000×1000", riff(many...), raster.Limits{}, "260 Mpixel > 250 Mpixel (-maxpixels)"},
		{"frame and canvas together", riff("VP8X", vp8x(flagAnimation, 4000, 4000), "ANIM", anim(0), "ANMF", anmf(0, 0, 2000, 2000, 0, 0, "VP8L", claim(2000, 2000))), raster.Limits{Mem: 70 << 20}, "73 MiB to hold > 70 MiB (-maxmem)"},
		{"65537 frames", riff(countless...), raster.Limits{}, "more than 65536 frames"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := Open(bytes.NewReader(c.data), int64(len(c.data)), c.lim)
			if err == nil {
				_, err = r.Rows(raster.Hint{})
			}
			runtime.ReadMemStats(&after)
			if fault.Of(err) != fault.TooLarge || !strings.Contains(fmt.Sprint(err), c.text) {
				t.Errorf("%v; want %q", err, c.text)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 70<<20 {
				t.Errorf("%d MiB were allocated", n>>20)
			}
		})
	}
}
