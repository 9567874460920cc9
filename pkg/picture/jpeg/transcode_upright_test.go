package jpeg

import (
	"bytes"
	"fmt"
	"image"
	stdjpeg "image/jpeg"
	"math/rand/v2"
	"testing"

	"imgtools/pkg/picture/raster"
)

// oriented puts an Exif segment with an orientation behind SOI.
func oriented(p []byte, o byte) []byte {
	exif := "\xFF\xE1\x00\x22Exif\x00\x00MM\x00\x2A\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(rune(o)) + "\x00\x00\x00\x00\x00\x00"
	return append(append(append([]byte{}, p[:2]...), exif...), p[2:]...)
}

// colourful makes a JPEG of w × h by image/jpeg's encoder.
func colourful(t testing.TB, w, h int) []byte {
	t.Helper()
	rnd := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		x, y := i/4%w, i/4/w
		m.Pix[i] = uint8(x*3*(1+i%4) + y*y/7 + rnd.IntN(40))
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	var out bytes.Buffer
	if err := stdjpeg.Encode(&out, m, &stdjpeg.Options{Quality: 92}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// jpegtranTurns are its words for what makes each orientation upright.
var jpegtranTurns = [9][]string{
	1: {"-copy", "none"},
	2: {"-flip", "horizontal"}, 3: {"-rotate", "180"}, 4: {"-flip", "vertical"}, 5: {"-transpose"},
	6: {"-rotate", "90"}, 7: {"-transverse"}, 8: {"-rotate", "270"},
}

func TestTurnsAreThoseOfJpegtran(t *testing.T) {
	for o := byte(1); o <= 8; o++ {
		for _, progressive := range []bool{false, true} {
			p := colourful(t, 64, 48)
			if progressive {
				p = run(t, p, "jpegtran", "-progressive")
			}
			in := oriented(p, o)
			if got := open(t, in).Header().Orientation; got != o {
				t.Fatalf("orientation %d, not %d", got, o)
			}
			want := run(t, run(t, p, append([]string{"jpegtran"}, jpegtranTurns[o]...)...), "djpeg", "-pnm")
			var out bytes.Buffer
			if done, err := Copy(&out, open(t, in)); !done || err != nil {
				t.Fatal(done, err)
			}
			if got := run(t, out.Bytes(), "djpeg", "-pnm"); !bytes.Equal(got, want) {
				t.Errorf("orientation %d: copy is not jpegtran's", o)
			}
			want = run(t, run(t, p, append([]string{"jpegtran", "-grayscale"}, jpegtranTurns[o]...)...), "djpeg", "-pnm")
			if got := run(t, toGray(t, in), "djpeg", "-pnm"); !bytes.Equal(got, want) {
				t.Errorf("orientation %d: gray is not jpegtran's", o)
			}
		}
	}
}

func TestTurnedGrayShowsThePixelsTurned(t *testing.T) {
	for _, size := range [][2]int{{64, 48}, {40, 24}, {61, 24}, {40, 35}, {61, 35}} {
		p := colourful(t, size[0], size[1])
		for o := byte(2); o <= 8; o++ {
			in := oriented(p, o)
			var out bytes.Buffer
			done, err := Gray(&out, open(t, in), nil)
			if err != nil {
				t.Fatal(err)
			}
			mirrorW := o == 2 || o == 3 || o == 7 || o == 8
			mirrorH := o == 3 || o == 4 || o == 6 || o == 7
			if may := !(mirrorW && size[0]%8 != 0 || mirrorH && size[1]%8 != 0); done != may {
				t.Errorf("%v, orientation %d: done %v", size, o, done)
			}
			if !done {
				continue
			}
			r := open(t, in)
			rows, err := r.Rows(raster.Hint{Luma: true})
			if err != nil {
				t.Fatal(err)
			}
			upright, err := raster.Upright(rows, raster.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			want, err := raster.Hold(upright, raster.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			got := mustDecode(t, out.Bytes(), raster.Hint{})
			if got.H.W() != want.H.W() || got.H.H() != want.H.H() {
				t.Fatalf("%v, orientation %d: %dx%d", size, o, got.H.W(), got.H.H())
			}
			if d := furthest(got.Planes[0].Pix, got.Planes[0].Stride, want.Planes[0].Pix, want.Planes[0].Stride, got.H.W(), got.H.H()); d > 1 {
				t.Errorf("%v, orientation %d: differs by %d", size, o, d)
			}
		}
	}
}

func TestCopyKeepsEachCoefficient(t *testing.T) {
	for _, name := range corpus(t) {
		in := read(t, name)
		var out bytes.Buffer
		if done, err := Copy(&out, open(t, in)); !done || err != nil {
			t.Fatal(name, done, err)
		}
		for _, hint := range []raster.Hint{{}, {Planar: true}} {
			a, b := mustDecode(t, in, hint), mustDecode(t, out.Bytes(), hint)
			for i := range a.H.Planes {
				if !bytes.Equal(a.Planes[i].Pix, b.Planes[i].Pix) {
					t.Errorf("%s: plane %d differs", name, i)
				}
			}
		}
		if bytes.HasPrefix([]byte(name), []byte("ycck")) {
			continue // djpeg has no RGB of it
		}
		if !bytes.Equal(run(t, in, "djpeg"), run(t, out.Bytes(), "djpeg")) {
			t.Errorf("%s: djpeg sees another picture", name)
		}
	}
}

// metadata is segments that must not come out again, and a profile.
func metadata(t testing.TB, p []byte, icc []byte) []byte {
	t.Helper()
	var h headerWriter
	h.soi()
	h.segment(mAPP1, []byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00SECRETGPS"))
	h.segment(mAPP1, []byte("http://ns.adobe.com/xap/1.0/\x00SECRETXMP"))
	h.segment(0xFE, []byte("SECRETCOMMENT"))
	h.segment(0xED, []byte("Photoshop 3.0\x00SECRETIPTC"))
	h.icc(icc)
	return append(append([]byte(h), p[2:]...), "SECRETTRAILER"...)
}

// profile is an ICC profile of a colour space with nothing in it but n bytes.
func profile(space string, n int) []byte {
	p := make([]byte, n)
	p[0], p[1], p[2], p[3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	copy(p[16:], space)
	copy(p[36:], "acsp")
	for i := 128; i < n; i++ {
		p[i] = byte(i * 7)
	}
	return p
}

func TestMetadataIsDroppedAndColourKeepsItsProfile(t *testing.T) {
	icc := profile("RGB ", 150000) // three segments
	for _, name := range []string{"base_2x2.jpg", "prog_2x2.jpg"} {
		in := metadata(t, read(t, name), icc)
		r := open(t, in)
		if !bytes.Equal(r.Header().ICC, icc) {
			t.Error("profile not read")
		}
		var copied, encoded bytes.Buffer
		if _, err := Copy(&copied, r); err != nil {
			t.Fatal(err)
		}
		if err := Encode(&encoded, mustDecode(t, in, raster.Hint{Planar: true}).Rows(), EncodeOptions{Quality: 80}); err != nil {
			t.Fatal(err)
		}
		for i, out := range [][]byte{copied.Bytes(), encoded.Bytes(), toGray(t, in)} {
			if bytes.Contains(out, []byte("SECRET")) {
				t.Errorf("%s: output %d has metadata", name, i)
			}
			if got, want := open(t, out).Header().ICC, icc; i < 2 && !bytes.Equal(got, want) {
				t.Errorf("%s: output %d has a profile of %d bytes", name, i, len(got))
			}
			if i == 2 && bytes.Contains(out, []byte("ICC_PROFILE")) {
				t.Errorf("%s: gray has a profile", name)
			}
		}
	}
	for space, want := range map[string]bool{"RGB ": true, "GRAY": false, "CMYK": false} {
		if got := open(t, metadata(t, read(t, "base_1x1.jpg"), profile(space, 200))).Header().ICC; (got != nil) != want {
			t.Errorf("YCbCr with a profile of %q: kept %v", space, got != nil)
		}
	}
}

func ExampleReduction() {
	for _, goal := range [][2]int{{1008, 756}, {2016, 1512}, {1000, 750}, {4032, 3024}} {
		fmt.Println(goal, Reduction(4032, 3024, goal[0], goal[1], false, false), Reduction(4032, 3024, goal[0], goal[1], true, false), Reduction(4032, 3024, goal[0], goal[1], true, true))
	}
	// Output:
	// [1008 756] 2 3 4
	// [2016 1512] 4 6 8
	// [1000 750] 3 3 4
	// [4032 3024] 8 8 8
}
