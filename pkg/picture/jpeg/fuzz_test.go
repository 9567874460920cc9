package jpeg

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/raster"
)

// small bounds what a fuzzed file may ask for, so that a run is about code.
var small = raster.Limits{Pixels: 1 << 18, Mem: 1 << 23}

// seed adds all of testdata, one of them oriented, and one cut short.
func seed(f *testing.F) {
	for _, name := range corpus(f) {
		f.Add(read(f, name), uint8(0))
	}
	for i := range 32 {
		f.Add(oriented(read(f, "base_2x2.jpg"), byte(i%9)), uint8(i))
	}
	f.Add(read(f, "prog_2x2.jpg")[:700], uint8(3))
	f.Add(speckled(f, 240, 160, 90), uint8(0)) // long enough for lanes
	f.Add(conditioned(1, 3, 20), uint8(0))
	f.Add(inks(true, 2), uint8(0))
	f.Add(inserted(read(f, "base_2x2.jpg"), 2, append(exif(6, 300, 300), mpf(3, 0)...)...), uint8(0))
	f.Add(inserted(edited(f, read(f, "gray.jpg"), func(sof []byte) { sof[5], sof[6] = 0, 0 }), len(read(f, "gray.jpg"))-2, segment(mDNL, 0, 53)...), uint8(0))
	for i, m := range markers(read(f, "rst_mcu.jpg"))[:4] {
		f.Add(slices.Delete(read(f, "rst_mcu.jpg"), m, m+2), uint8(i))
	}
	f.Add(oneTable(20, 0), uint8(1))
	f.Add(oneTable(20, 90), uint8(2))
}

// hintOf spreads the kinds of decoding over numbers.
func hintOf(how uint8, w, h int) raster.Hint {
	n := int(how>>3)%8 + 1
	hint := raster.Hint{Luma: how&1 != 0, Planar: how&2 != 0, Fine: how&4 != 0}
	if n < 8 {
		hint.GoalW, hint.GoalH = (w*n+7)/8, (h*n+7)/8
	}
	if how&64 != 0 { // the middle, and what can be skipped around it
		hint.Part, hint.Skip = geometry.Rect{X: w / 3, Y: h / 2, W: (w + 2) / 3, H: (h + 3) / 4}, true
	}
	return hint
}

// allowed fails if err is of a kind that no file may cause.
func allowed(t *testing.T, err error) {
	t.Helper()
	switch fault.Of(err) {
	case fault.Format, fault.Unsupported, fault.TooLarge:
	default:
		t.Fatalf("%v", err)
	}
}

func FuzzDecode(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, p []byte, how uint8) {
		r, err := Open(bytes.NewReader(p), int64(len(p)), small)
		if err != nil {
			allowed(t, err)
			return
		}
		h := r.Header()
		rows, err := r.Rows(hintOf(how, h.FullW, h.FullH))
		if err == nil {
			_, err = raster.Hold(rows, raster.Limits{})
		}
		if err != nil {
			allowed(t, err)
		}
	})
}

// FuzzLanes: lanes, however short they are, do not change a gray copy, for which all
// blocks are walked.
func FuzzLanes(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, p []byte, _ uint8) {
		defer func(b uint) { laneBits = b }(laneBits)
		var said [2]string
		var written [2]bytes.Buffer
		for i := range said {
			laneBits = []uint{1 << 30, 32}[i]
			r, err := Open(bytes.NewReader(p), int64(len(p)), small)
			if err != nil {
				return
			}
			done, err := Gray(&written[i], r, nil)
			said[i] = fmt.Sprint(done, err)
		}
		if said[0] != said[1] {
			t.Fatalf("%s; with lanes %s", said[0], said[1])
		}
		if !bytes.Equal(written[0].Bytes(), written[1].Bytes()) {
			t.Fatal("the copy is another with lanes")
		}
	})
}

// FuzzVerdict: all ways to read a file agree whether it is good, and what they note.
func FuzzVerdict(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, p []byte, how uint8) {
		defer func(b uint, n int) { laneBits, tableBlocks = b, n }(laneBits, tableBlocks)
		laneBits, tableBlocks = 32, int(how&4)<<10
		lim := small
		lim.Lenient = how&1 != 0
		verdicts(t, p, lim, how&2 != 0)
	})
}

// legal reports whether all coefficients of p are such as a baseline file can hold.
func legal(t *testing.T, p []byte) bool {
	r, err := Open(bytes.NewReader(p), int64(len(p)), small)
	if err != nil {
		return false
	}
	first := r.first
	m := &decoder{r: r, f: r.frame, n: [4]int{8, 8, 8, 8}, sc: r.newScanner()}
	if m.gather(first) != nil {
		return false
	}
	for _, c := range m.coefs {
		for _, v := range c.v {
			if v < -1023 || v > 1023 {
				return false
			}
		}
	}
	return true
}

// FuzzTranscode: what Gray and Copy write must decode to what they were given.
func FuzzTranscode(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, p []byte, how uint8) {
		defer func(b uint, n int) { laneBits, tableBlocks = b, n }(laneBits, tableBlocks)
		laneBits, tableBlocks = 32, int(how&4)<<10
		r, err := Open(bytes.NewReader(p), int64(len(p)), small)
		if err != nil {
			return
		}
		hint := raster.Hint{Luma: true}
		do := func(w io.Writer, r *Reader) (bool, error) { return Gray(w, r, nil) }
		if how&1 != 0 {
			do, hint = Copy, raster.Hint{Planar: true}
		}
		upright := r.Header().Orientation == 1
		if r.mustRecode(len(r.frame.comps)) && !legal(t, p) {
			return
		}
		var out bytes.Buffer
		done, err := do(&out, r)
		if err != nil {
			allowed(t, err)
			return
		}
		if !done || !upright {
			return
		}
		want, err := decode(p, hint)
		if err != nil { // only chroma, which a gray copy of several scans doesn't look at
			if how&1 != 0 {
				t.Fatalf("copied, but: %v", err)
			}
			return
		}
		got, err := decode(out.Bytes(), hint)
		if err != nil {
			t.Fatalf("written, but: %v", err)
		}
		for i, d := range want.H.Planes {
			if d := furthest(want.Planes[i].Pix, want.Planes[i].Stride, got.Planes[i].Pix, got.Planes[i].Stride, d.W*want.H.Layout.Samples(), d.H); d != 0 {
				t.Fatalf("plane %d differs by %d", i, d)
			}
		}
	})
}

// FuzzRoundTrip: decoded, encoded and decoded again, a picture is of the same size
// and much the same.
func FuzzRoundTrip(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, p []byte, how uint8) {
		r, err := Open(bytes.NewReader(p), int64(len(p)), small)
		if err != nil {
			return
		}
		h := r.Header()
		hint := hintOf(how&^64, h.FullW, h.FullH)
		hint.Planar = false
		rows, err := r.Rows(hint)
		if err != nil {
			return
		}
		held, err := raster.Hold(rows, raster.Limits{})
		if err != nil {
			return
		}
		upright := *held.H
		upright.Orientation = 1
		var out bytes.Buffer
		if err := Encode(&out, raster.WithHeader(held.Rows(), &upright), EncodeOptions{Quality: 100}); err != nil {
			t.Fatal(err)
		}
		back, err := decode(out.Bytes(), raster.Hint{Luma: held.H.Layout == raster.Gray})
		if err != nil {
			t.Fatal(err)
		}
		if back.H.W() != held.H.W() || back.H.H() != held.H.H() {
			t.Fatalf("%d×%d came back as %d×%d", held.H.W(), held.H.H(), back.H.W(), back.H.H())
		}
		if held.H.Layout != raster.Gray {
			return // chroma is halved
		}
		if d := furthest(held.Planes[0].Pix, held.Planes[0].Stride, back.Planes[0].Pix, back.Planes[0].Stride, held.H.W(), held.H.H()); d > 4 {
			t.Fatalf("gray differs by %d at quality 100", d)
		}
	})
}
