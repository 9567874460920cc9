package program

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"os"
	"testing"

	"imgtools/pkg/picture/heif"
	"imgtools/pkg/picture/raster"
)

// profile returns the Display P3 profile of a file of package heif.
func profile(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("../testdata/p3.heic")
	if err != nil {
		t.Fatal(err)
	}
	p, err := heif.Open(bytes.NewReader(b), int64(len(b)), raster.Limits{})
	if err != nil || p.ICC == nil {
		t.Fatal(err)
	}
	return p.ICC
}

// phone returns a file as phones make it: a grid of tiles of which the last are cut, a
// turn, a profile and a thumbnail. in is the upright picture.
func phone(f folder, in *image.NRGBA, icc []byte) []byte {
	const tile = 64
	stored := turned(turned(turned(in))) // that a quarter to the right makes upright
	w, h := stored.Rect.Dx(), stored.Rect.Dy()
	cols, rows := (w+tile-1)/tile, (h+tile-1)/tile
	turn := bx("irot", n1(3))
	colr := bx("colr", "prof", string(icc))
	items := []item{{kind: "grid", properties: []string{ispe(w, h), colr, turn},
		data: n1(0) + n1(0) + n1(rows-1) + n1(cols-1) + n2(w) + n2(h)}}
	grid := link{kind: "dimg", from: 1}
	for y := range rows {
		for x := range cols {
			items = append(items, f.coded(part(stored, x*tile, y*tile, tile, tile)).with(colr).hide())
			grid.to = append(grid.to, len(items))
		}
	}
	items = append(items, f.coded(smaller(stored, 80, 64)).with(colr, turn))
	return build(items, grid, link{kind: "thmb", from: len(items), to: []int{1}})
}

// smaller returns a picture of w × h pixels of a larger one.
func smaller(m *image.NRGBA, w, h int) *image.NRGBA {
	o := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			o.SetNRGBA(x, y, m.NRGBAAt((2*x+1)*m.Rect.Dx()/(2*w), (2*y+1)*m.Rect.Dy()/(2*h)))
		}
	}
	return o
}

// A picture of a phone comes whole, upright and with its profile.
func TestPictureOfAPhone(t *testing.T) {
	f := peers(t, "heif-enc", "heif-convert", "vips")
	in, icc := smooth(163, 205), profile(t)
	f.write("a.heic", phone(f, in, icc))
	want := f.vips("a.heic")
	if d := mean(t, want, rgb(in)); d > 2 {
		t.Fatalf("vips does not read the file that the test made: %.2f", d)
	}
	for _, without := range []string{"", "heif-convert"} {
		for _, hint := range []raster.Hint{{}, {Planar: true}} {
			held := f.holdBy("a.heic", hint, without)
			if !bytes.Equal(held.H.ICC, icc) {
				t.Errorf("without %q: profile of %d bytes, want %d", without, len(held.H.ICC), len(icc))
			}
			packed, err := raster.Hold(raster.Packed(held.Rows()), raster.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if d := mean(t, samples(packed), want); d > 1.5 {
				t.Errorf("without %q: RGB differs by %.2f", without, d)
			}
		}
	}
	y := f.hold("a.heic", raster.Hint{Luma: true})
	if d := mean(t, samples(y), luma(in, 0.299, 0.114)); d > 1 {
		t.Errorf("luma differs by %.2f", d)
	}
}

// The thumbnail of a file stands for the picture if the result is no larger than 0.8 of
// it, and the whole picture else.
func TestThumbnailIsDecodedForASmallResult(t *testing.T) {
	f := peers(t, "heif-enc", "heif-convert")
	in := smooth(163, 205) // with a thumbnail of 64×80
	f.write("a.heic", phone(f, in, profile(t)))
	for _, c := range []struct {
		hint  raster.Hint
		small bool
	}{
		{raster.Hint{GoalW: 51, GoalH: 64}, true},
		{raster.Hint{GoalW: 51, GoalH: 64, Luma: true}, true},
		{raster.Hint{GoalW: 51, GoalH: 64, Planar: true}, true},
		{raster.Hint{GoalW: 52, GoalH: 64}, false},
		{raster.Hint{GoalW: 51, GoalH: 65}, false},
		{raster.Hint{GoalW: 51, GoalH: 64, Named: true}, false},
		{raster.Hint{GoalW: 32, GoalH: 40, Named: true}, true},
		{raster.Hint{}, false},
	} {
		t.Run(fmt.Sprintf("%+v", c.hint), func(t *testing.T) {
			f := folder{t, f.dir}
			held := f.hold("a.heic", c.hint)
			h := held.H
			if h.FullW != 163 || h.FullH != 205 {
				t.Fatalf("of %d×%d", h.FullW, h.FullH)
			}
			w, height := 163, 205
			if c.small {
				w, height = 64, 80
			}
			if h.W() != w || h.H() != height {
				t.Fatalf("%d×%d pixels delivered, want %d×%d", h.W(), h.H(), w, height)
			}
			for i, d := range h.Planes {
				if got := (h.FullW*d.NX + d.DX - 1) / d.DX; got != d.W {
					t.Errorf("plane %d has %d columns for %d/%d of %d", i, d.W, d.NX, d.DX, h.FullW)
				}
			}
			if h.Layout == raster.RGB && c.small {
				if diff := mean(t, samples(held), rgb(smaller(in, w, height))); diff > 3 {
					t.Errorf("colours differ by %.2f", diff)
				}
			}
		})
	}
}

// A thumbnail of another shape, such as one with black bars, is not used, nor one that
// does not decode.
func TestUnusableThumbnailIsNotUsed(t *testing.T) {
	f := peers(t, "heif-enc", "heif-convert")
	picture, square, small := f.coded(smooth(192, 128)), f.coded(smooth(96, 96)), f.coded(smooth(96, 64))
	damaged := small
	damaged.data = "\x00\x00\x00\x10" + damaged.data[4:40]
	larger := small
	larger.properties = append([]string{ispe(120, 80)}, small.properties[1:]...)
	for name, thumb := range map[string]item{"of another shape": square, "damaged": damaged, "that says another size": larger, "turned by itself": small.with(bx("irot", n1(1)))} {
		t.Run(name, func(t *testing.T) {
			f := folder{t, f.dir}
			f.write("a.heic", build([]item{picture, thumb}, link{"thmb", 2, []int{1}}))
			if h := f.hold("a.heic", raster.Hint{GoalW: 48, GoalH: 32}).H; h.W() != 192 {
				t.Errorf("%d pixels wide", h.W())
			}
		})
	}
	t.Run("that is right", func(t *testing.T) {
		f := folder{t, f.dir}
		f.write("a.heic", build([]item{picture, small}, link{"thmb", 2, []int{1}}))
		if h := f.hold("a.heic", raster.Hint{GoalW: 48, GoalH: 32}).H; h.W() != 96 {
			t.Errorf("%d pixels wide", h.W())
		}
	})
	t.Run("with a part that needs more", func(t *testing.T) {
		f := folder{t, f.dir}
		hint := raster.Hint{GoalW: 48, GoalH: 32}
		hint.Part.W, hint.Part.H = 96, 64
		if h := f.hold("a.heic", hint).H; h.W() != 192 {
			t.Errorf("%d pixels wide", h.W())
		}
	})
}

// Alpha of another size is scaled; alpha that is not turned is turned with the picture.
func TestAlphaOfAnotherSizeAndOrientation(t *testing.T) {
	f := peers(t, "heif-enc", "heif-convert")
	ramp := func(w, h int) *image.NRGBA {
		m := image.NewNRGBA(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				v := uint8(30 + 200*x/w)
				m.SetNRGBA(x, y, color.NRGBA{v, v, v, 255})
			}
		}
		return m
	}
	picture := f.coded(smooth(128, 192))
	aux := bx("auxC", full(0, 0), "urn:mpeg:hevc:2015:auxid:1\x00")
	turn := bx("irot", n1(3))
	for name, c := range map[string]struct {
		picture, alpha item
		turned         bool
	}{
		"of half the size":          {picture, f.coded(ramp(64, 96)), false},
		"of the same size":          {picture, f.coded(ramp(128, 192)), false},
		"turned with the picture":   {picture.with(turn), f.coded(ramp(128, 192)).with(turn), true},
		"not turned by its own box": {picture.with(turn), f.coded(ramp(64, 96)), true},
	} {
		t.Run(name, func(t *testing.T) {
			f := folder{t, f.dir}
			f.write("a.heic", build([]item{c.picture, c.alpha.with(aux)}, link{"auxl", 2, []int{1}}))
			held := f.hold("a.heic", raster.Hint{})
			if held.H.Layout != raster.RGBA {
				t.Fatal(held.H.Layout)
			}
			want := ramp(128, 192)
			if c.turned {
				want = turned(want)
			}
			diff := 0.
			for i := range 128 * 192 {
				d := float64(held.Planes[0].Pix[4*i+3]) - float64(want.Pix[4*i])
				diff += max(d, -d)
			}
			if diff /= 128 * 192; diff > 2 {
				t.Errorf("alpha differs by %.2f", diff)
			}
		})
	}
	t.Run("turned otherwise", func(t *testing.T) {
		f := folder{t, f.dir}
		f.write("a.heic", build([]item{picture.with(turn), f.coded(ramp(128, 192)).with(aux, bx("irot", n1(1)))}, link{"auxl", 2, []int{1}}))
		if _, err := f.open("a.heic").Rows(raster.Hint{}); err == nil || err.Error() != "alpha: it is turned or cropped otherwise than the picture" {
			t.Error(err)
		}
	})
}

// Of a file of several pictures the primary one is decoded, as is the still picture of a
// sequence.
func TestPrimaryPictureOfSeveral(t *testing.T) {
	f := peers(t, "heif-enc", "avifenc", "heif-convert", "avifdec")
	in := smooth(96, 64)
	f.write("a.heic", build([]item{f.coded(in), f.coded(smooth(128, 128))}))
	if d := mean(t, samples(f.hold("a.heic", raster.Hint{})), rgb(in)); d > 2 {
		t.Errorf("HEIC differs by %.2f", d)
	}
	f.writePNG("1.png", in)
	f.writePNG("2.png", turned(turned(in)))
	f.run("avifenc", "-s", "10", "--min", "2", "--max", "4", "1.png", "2.png", "a.avif")
	for _, without := range []string{"", "avifdec"} {
		held, err := raster.Hold(raster.DropAlpha(f.holdBy("a.avif", raster.Hint{}, without).Rows()), raster.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if d := mean(t, samples(held), rgb(in)); d > 2 {
			t.Errorf("without %q: AVIF differs by %.2f", without, d)
		}
	}
	r := f.open("a.avif").(interface {
		Frames() int
		Select(int) error
	})
	if n := r.Frames(); n != 2 {
		t.Errorf("%d frames", n)
	}
	if err := r.Select(1); err != nil {
		t.Error(err)
	}
	for _, n := range []int{0, 2, 3} {
		if err := r.Select(n); err == nil {
			t.Errorf("frame %d was accepted", n)
		}
	}
}
