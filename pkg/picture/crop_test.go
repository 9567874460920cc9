package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"

	stdgif "image/gif"
	stdjpeg "image/jpeg"
	stdpng "image/png"
)

// cut is the part r of p.
func (p pic) cut(r geometry.Rect) pic {
	return newPic(r.W, r.H, func(x, y int) [4]float64 { return p.px[(r.Y+y)*p.w+r.X+x] })
}

// on is p at x, y of a page of w × h.
func (p pic) on(w, h, x, y int, page [4]float64) pic {
	return newPic(w, h, func(u, v int) [4]float64 {
		c := page
		if u >= x && u < x+p.w && v >= y && v < y+p.h {
			c = p.px[(v-y)*p.w+u-x]
			for k := range 3 {
				c[k] = c[k]*c[3] + page[k]*(1-c[3])
			}
			c[3] = 1
		}
		return c
	})
}

// A part that is cut out has the pixels of the whole, whatever the format, the depth and
// the alpha, and however the picture is stored.
func TestCropIsAPartOfTheWhole(t *testing.T) {
	for _, in := range inputs(t) {
		for _, r := range []geometry.Rect{{X: 4, Y: 6, W: 10, H: 8}, {X: 3, Y: 5, W: 11, H: 7}, {X: 0, Y: 0, W: 1, H: 1}, {X: inW - 1, Y: inH - 1, W: 1, H: 1}, {X: 8, Y: 0, W: inW - 8, H: inH}} {
			t.Run(in.name+" "+r.String(), func(t *testing.T) {
				for _, as := range []string{"pam", "png"} {
					whole := decode(t, runScale(t, in.data, plantest.Ask("format="+as)).data)
					got := decode(t, runScale(t, in.data, plantest.Ask("crop="+r.String()+" format="+as)).data)
					if most, _ := apart(got.pic, whole.cut(r)); most > 0 || got.bits != whole.bits && !in.indexed {
						t.Errorf("to %s: off by %.2f of 255, %d bits of %d", as, 255*most, got.bits, whole.bits)
					}
				}
				own := runScale(t, in.data, plantest.Ask("crop="+r.String()))
				if f, _ := format.Lookup(in.format); f.Write && in.format != format.PNM && own.format != in.format {
					t.Errorf("%s became %s", in.format, own.format)
				}
				if d := decode(t, own.data); d.w != r.W || d.h != r.H || own.w != r.W || own.h != r.H {
					t.Errorf("in its own format it is %dx%d, said %dx%d", d.w, d.h, own.w, own.h)
				} else if _, mean := apart(d.pic, in.cut(r)); mean > 8.0/255 {
					t.Errorf("in its own format it is off by %.2f of 255 in the mean", 255*mean)
				}
			})
		}
	}
}

// Parts are those of the upright picture, whatever comes after, and the two daemons do
// the same as one filter.
func TestCropOfEveryOrientation(t *testing.T) {
	r := geometry.Rect{X: 5, Y: 3, W: 9, H: 13}
	for _, f := range filesWithMeta(t) {
		if !f.oriented {
			continue
		}
		for o := 1; o <= 8; o++ {
			t.Run(fmt.Sprint(f.name, " ", o), func(t *testing.T) {
				data := f.file(inW, inH, o, nil)
				seen := storedPic(t, f, data, [2]int{inW, inH}).turned(o)
				part := seen.cut(r)
				red := [4]float64{1, 0, 0, 1}
				both := func(words string) done {
					mid, m := runGray(t, data, plantest.Ask("gray handover crop="+r.String()+" format=png "+words))
					ask := fmt.Sprintf("of=%dx%d reduced=%d origin=%dx%d format=png ", m.FullW, m.FullH, m.Reduced, m.OriginX, m.OriginY)
					return runScale(t, mid.data, plantest.Ask(ask+words))
				}
				for words, c := range map[string]struct {
					got  done
					want pic
				}{
					"crop":         {runScale(t, data, plantest.Ask("format=png crop="+r.String())), part},
					"crop to jpeg": {runScale(t, data, plantest.Ask("format=jpeg crop="+r.String())), part},
					"scale":        {runScale(t, data, plantest.Ask("format=png scale=5x7! crop="+r.String())), part.scaled(5, 7)},
					"enlarge":      {runScale(t, data, plantest.Ask("format=png scale=2 crop="+r.String())), part.scaled(18, 26)},
					"cover": {runScale(t, data, plantest.Ask("format=png scale=6x4 fit=cover gravity=south crop="+r.String())),
						part.scaled(6, 9).cut(geometry.Rect{X: 0, Y: 5, W: 6, H: 4})},
					"cover enlarged": {runScale(t, data, plantest.Ask("format=png scale=30x20 fit=cover gravity=100%,30% crop="+r.String())),
						part.scaled(30, 43).cut(geometry.Rect{X: 0, Y: 2, W: 30, H: 20})},
					"pad": {runScale(t, data, plantest.Ask("format=png scale=8x7 fit=pad gravity=east background=ff0000 crop="+r.String())),
						part.scaled(5, 7).on(8, 7, 3, 0, red)},
					"both":       {both("scale=5x7!"), part.grayed().scaled(5, 7)},
					"both cover": {both("scale=6x4 fit=cover gravity=south"), part.grayed().scaled(6, 9).cut(geometry.Rect{X: 0, Y: 5, W: 6, H: 4})},
				} {
					d := decode(t, c.got.data)
					if d.w != c.want.w || d.h != c.want.h || c.got.w != d.w || c.got.h != d.h {
						t.Errorf("%s: %d×%d, said %d×%d, want %d×%d", words, d.w, d.h, c.got.w, c.got.h, c.want.w, c.want.h)
						continue
					}
					most, mean := apart(d.pic, c.want)
					if f.lossy || words == "crop to jpeg" {
						if mean > 8.0/255 {
							t.Errorf("%s: off by %.2f of 255 in the mean", words, 255*mean)
						}
					} else if most > 2.1/255 {
						t.Errorf("%s: off by %.2f of 255", words, 255*most)
					}
				}
			})
		}
	}
}

// detailed is a picture with edges everywhere, so that a shift of a pixel shows.
func detailed(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := float64(x), float64(y)
			m.SetNRGBA(x, y, color.NRGBA{uint8(128 + 100*math.Sin(u/7)*math.Cos(v/11)), uint8(128 + 100*math.Sin((u+v)/13)), uint8(128 + 90*math.Cos(u*v/900)), 255})
		}
	}
	return m
}

// Each gravity cuts what the definition says: the picture is scaled by Lanczos3 to cover
// the box, and the cut-off part is an even number of pixels.
func TestCoverWithEachGravity(t *testing.T) {
	m := detailed(160, 100)
	var data bytes.Buffer
	if err := stdpng.Encode(&data, m); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		box            string
		w, h, sw, sh   int
		roomX, roomY   int
		portrait, peer bool
	}{
		{"50x50", 50, 50, 80, 50, 30, 0, false, true},
		{"80x30", 80, 30, 80, 50, 0, 20, false, true},
	} {
		covers := fromImage(m).scaled(c.sw, c.sh)
		for _, g := range append(geometry.Gravities(), "30%,70%") {
			if g == geometry.Attention {
				continue
			}
			t.Run(c.box+" "+g, func(t *testing.T) {
				x, y := c.roomX/2, c.roomY/2
				if strings.Contains(g, "west") {
					x = 0
				}
				if strings.Contains(g, "east") {
					x = c.roomX
				}
				if strings.Contains(g, "north") {
					y = 0
				}
				if strings.Contains(g, "south") {
					y = c.roomY
				}
				if g == "30%,70%" { // 24 − 25 is left of the picture, 35 − 15 is its end
					x, y = 0, c.roomY
				}
				r := geometry.Rect{X: x, Y: y, W: c.w, H: c.h}
				got := decode(t, runScale(t, data.Bytes(), plantest.Ask("scale="+c.box+" fit=cover gravity="+g)).data)
				if most, _ := apart(got.pic, covers.cut(r)); got.w != c.w || got.h != c.h || most > 1.05/255 {
					t.Errorf("%dx%d, off by %.2f of 255", got.w, got.h, 255*most)
				}
				for name, args := range peers(g, c.w, c.h) {
					theirs := peer(t, data.Bytes(), args)
					if theirs == nil {
						continue
					}
					if db := psnr(got.pic, decode(t, theirs).pic); db < 38 {
						t.Errorf("%s: %.1f dB", name, db)
					}
				}
			})
		}
	}
}

// peers returns the command lines of programs that do the same, with IN and OUT.
func peers(gravity string, w, h int) map[string]string {
	list := map[string]string{}
	if gravity == geometry.Center {
		list["vipsthumbnail"] = fmt.Sprintf("vipsthumbnail IN --size %dx%d --smartcrop centre -o OUT", w, h)
	}
	if !strings.Contains(gravity, "%") {
		list["ImageMagick"] = fmt.Sprintf("convert IN -filter Lanczos -resize %dx%d^ -gravity %s -extent %dx%d OUT", w, h, gravity, w, h)
	}
	return list
}

// peer runs a command line that reads and writes PNG; nil if the program isn't there.
func peer(t *testing.T, data []byte, line string) []byte {
	t.Helper()
	args := strings.Fields(line)
	path, err := exec.LookPath(args[0])
	if err != nil {
		return nil
	}
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.png"), filepath.Join(dir, "out.png")
	if err := os.WriteFile(in, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for i, a := range args {
		args[i] = map[string]string{"IN": in, "OUT": out}[a]
		if args[i] == "" {
			args[i] = a
		}
	}
	if msg, err := exec.Command(path, args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", line, err, msg)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// psnr is in dB over R, G and B.
func psnr(a, b pic) float64 {
	sum := 0.0
	for i := range a.px {
		for k := range 3 {
			d := a.px[i][k] - b.px[i][k]
			sum += d * d
		}
	}
	return -10 * math.Log10(sum/float64(3*len(a.px)))
}

func TestFitsAndBackground(t *testing.T) {
	scene := scene(8, false, true)
	var data bytes.Buffer
	if err := stdpng.Encode(&data, scene.nrgba()); err != nil {
		t.Fatal(err)
	}
	orange, white := [4]float64{1, 0x80 / 255.0, 0, 1}, [4]float64{1, 1, 1, 1}
	luma := 0.299 + 0.587*0x80/255
	gray := [4]float64{luma, luma, luma, 1}
	for words, want := range map[string]pic{
		"scale=10x10":                               scene.scaled(10, 8),
		"scale=10x10 fit=inside":                    scene.scaled(10, 8),
		"scale=10x10 fit=stretch":                   scene.scaled(10, 10),
		"scale=10x10^":                              scene.scaled(13, 10),
		"scale=10x10 fit=outside":                   scene.scaled(13, 10),
		"scale=40x40 enlarge=0":                     scene,
		"scale=40x10 fit=cover enlarge=0":           scene.cut(geometry.Rect{X: 0, Y: 6, W: 29, H: 10}),
		"scale=10x10 fit=pad":                       scene.scaled(10, 8).on(10, 10, 0, 1, white),
		"scale=40x31 fit=pad enlarge=0":             scene.on(40, 31, 5, 4, white),
		"background=ff8000":                         scene.on(inW, inH, 0, 0, orange),
		"scale=10x10 fit=pad background=FF8000":     scene.scaled(10, 8).on(10, 10, 0, 1, orange),
		"gray background=ff8000":                    scene.grayed().on(inW, inH, 0, 0, gray),
		"gray scale=10x8! background=ff8000":        scene.grayed().scaled(10, 8).on(10, 8, 0, 0, gray),
		"format=jpeg quality=100 background=ff8000": scene.on(inW, inH, 0, 0, orange),
	} {
		t.Run(words, func(t *testing.T) {
			d := decode(t, runScale(t, data.Bytes(), plantest.Ask(words)).data)
			if d.w != want.w || d.h != want.h {
				t.Fatalf("%dx%d, want %dx%d", d.w, d.h, want.w, want.h)
			}
			most, mean := apart(d.pic, want)
			if limit := 1.6 / 255; d.format == "jpeg" && mean > 5.0/255 || d.format != "jpeg" && most > limit {
				t.Errorf("off by %.2f of 255, %.2f in the mean", 255*most, 255*mean)
			}
		})
	}
	// A gray picture on a coloured page becomes colour; in 16 bits, too.
	var deep bytes.Buffer
	if err := stdpng.Encode(&deep, scene.grayed().rounded(16).flat().gray16()); err != nil {
		t.Fatal(err)
	}
	d := decode(t, runScale(t, deep.Bytes(), plantest.Ask("scale=10x10 fit=pad background=ff8000")).data)
	if d.gray || d.bits != 16 || d.px[0] != orange {
		t.Errorf("16-bit gray on orange: gray %v, %d bits, corner %v", d.gray, d.bits, d.px[0])
	}
}

// An animation is cut frame by frame.
func TestCropOfAnAnimation(t *testing.T) {
	g := &stdgif.GIF{}
	pal := color.Palette{color.Black, color.White, color.NRGBA{255, 0, 0, 255}}
	for f := range 3 {
		m := image.NewPaletted(image.Rect(0, 0, 20, 16), pal)
		for i := range m.Pix {
			m.Pix[i] = uint8((i%20/2 + i/20/3 + f) % 3)
		}
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, 10*f+5)
	}
	var data bytes.Buffer
	if err := stdgif.EncodeAll(&data, g); err != nil {
		t.Fatal(err)
	}
	for words, size := range map[string][2]int{
		"crop=7x5+3+4": {7, 5}, "scale=8x8 fit=cover gravity=east": {8, 8}, "scale=30x30 fit=pad background=0000ff": {30, 30}, "crop=7x5+3+4 gray": {7, 5},
	} {
		out, res := made(t, data.Bytes(), words)
		got, err := stdgif.DecodeAll(bytes.NewReader(out))
		if err != nil || len(got.Image) != 3 || res.W != size[0] || res.H != size[1] || got.Config.Width != size[0] || got.Config.Height != size[1] {
			t.Errorf("%s: %+v, %v", words, res, err)
			continue
		}
		if got.Delay[2] != 25 {
			t.Errorf("%s: delays %v", words, got.Delay)
		}
		if words == "crop=7x5+3+4" {
			want := fromImage(g.Image[0]).cut(geometry.Rect{X: 3, Y: 4, W: 7, H: 5})
			if most, _ := apart(fromImage(got.Image[0]), want); most > 0 {
				t.Errorf("the first frame is off by %.2f of 255", 255*most)
			}
		}
	}
}

// A spot in the middle of the part stays in the middle: at odd places, through reduced
// planes of 4:2:0, in all orientations, in luma and in colour, by one process and by two.
func TestCropThenScaleShiftsNothing(t *testing.T) {
	const w, h = 400, 300
	for _, r := range []geometry.Rect{{X: 101, Y: 51, W: 199, H: 181}, {X: 37, Y: 3, W: 240, H: 280}} {
		for o := 1; o <= 8; o++ {
			upW, upH := w, h
			if o >= 5 {
				upW, upH = h, w
			}
			part := r
			part.X, part.Y = min(r.X, upW-r.W), min(r.Y, upH-r.H)
			whole := spot{float64(part.X) + float64(part.W)/2, float64(part.Y) + float64(part.H)/2, 25, 25}
			up := newPic(upW, upH, func(x, y int) [4]float64 {
				v := whole.at(x, y)
				return [4]float64{0.1 + 0.8*v, 0.1 + 0.4*v, 0.1 + 0.4*v, 1}
			})
			inverse := [9]int{0, 1, 2, 3, 4, 5, 8, 7, 6} // turning by 8 undoes 6
			stored := up.turned(inverse[o])
			var buf bytes.Buffer
			if err := stdjpeg.Encode(&buf, stored.nrgba(), &stdjpeg.Options{Quality: 100}); err != nil {
				t.Fatal(err)
			}
			data := append(append([]byte("\xff\xd8\xff\xe1"), exifSegment(o)...), buf.Bytes()[2:]...)
			for _, words := range []string{"scale=1/4", "scale=1/4 fast", "scale=1/3", "scale=3/8 fast", "scale=1/7", "scale=0.7", "scale=1.3", "scale=40x30 fit=cover", "scale=31x41 fit=cover", ""} {
				t.Run(fmt.Sprint(part, " ", o, " ", words), func(t *testing.T) {
					crop := " crop=" + part.String()
					want := spot{float64(part.W) / 2, float64(part.H) / 2, 25, 25}
					asked := plantest.Ask(words + crop).Ops
					if asked.Has("scale") {
						g, err := geometry.ForWords(asked.Get("scale"), asked.Get("fit"), "")
						if err != nil {
							t.Fatal(err)
						}
						to := g.Place(part.W, part.H, geometry.Gravity{})
						sw, sh := float64(to.ScaledW), float64(to.ScaledH)
						want = spot{sw/2 - float64(to.Cut.X), sh/2 - float64(to.Cut.Y), 25 * sw / float64(part.W), 25 * sh / float64(part.H)}
					}
					out, _ := made(t, data, words+crop+" format=jpeg quality=100")
					red := func(c [4]float64) float64 { return c[0] - 0.1 }
					want.centred(t, "red", decode(t, out).pic, 0.05, red)
					// R − G has no luma in it, only chroma.
					want.centred(t, "chroma", decode(t, out).pic, 0.05, func(c [4]float64) float64 { return c[0] - c[1] })
					if words == "" {
						return
					}
					out, _ = made(t, data, words+crop+" gray format=pgm")
					want.centred(t, "gray", decode(t, out).pic, 0.05, func(c [4]float64) float64 { return c[0] - 0.1 })
					mid, m := runGray(t, data, plantest.Ask("gray handover "+words+crop+" format=pgm"))
					scaled := runScale(t, mid.data, plantest.Ask(words+fmt.Sprintf(" of=%dx%d reduced=%d origin=%dx%d format=pgm", m.FullW, m.FullH, m.Reduced, m.OriginX, m.OriginY)))
					// They turn by a quarter before scaling, one filter afterwards, and sums
					// are rounded in that order.
					if most, _ := apart(decode(t, out).pic, decode(t, scaled.data).pic); most > 1.01/255 || o < 5 && most > 0 {
						t.Errorf("two daemons differ from one filter by %.2f of 255", 255*most)
					}
				})
			}
		}
	}
}

// exifSegment is an APP1 segment, without its marker, that says an orientation.
func exifSegment(o int) []byte {
	return fmt.Appendf(nil, "\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00%c\x00\x00\x00\x00\x00\x00\x00", rune(o))
}

// spot is the place and size of a spot: a Gaussian of one width in each direction.
type spot struct{ x, y, sx, sy float64 }

// at is the spot's brightness, from 0 to 1, at the middle of a pixel.
func (s spot) at(x, y int) float64 {
	dx, dy := (float64(x)+0.5-s.x)/s.sx, (float64(y)+0.5-s.y)/s.sy
	return math.Exp(-(dx*dx + dy*dy) / 2)
}

// centred checks that the centre of mass of what f says of each pixel is where the spot
// is. Pixels count less the farther they are from it, as the rounding of samples would
// else outweigh it: a spot A·g that is shifted by d is A·(g + d·(x − s.x)·g/sx²), and so
// d = sx²·Σ f·(x − s.x)·g ÷ (A·Σ (x − s.x)²·g²).
func (s spot) centred(t *testing.T, what string, p pic, most float64, f func([4]float64) float64) {
	t.Helper()
	var fg, gg, fx, fy, xx, yy float64
	for i, c := range p.px {
		v, g := f(c), s.at(i%p.w, i/p.w)
		dx, dy := float64(i%p.w)+0.5-s.x, float64(i/p.w)+0.5-s.y
		fg, gg = fg+v*g, gg+g*g
		fx, xx = fx+v*dx*g, xx+dx*dx*g*g
		fy, yy = fy+v*dy*g, yy+dy*dy*g*g
	}
	if dx, dy := s.sx*s.sx*fx/xx*gg/fg, s.sy*s.sy*fy/yy*gg/fg; math.Abs(dx) > most || math.Abs(dy) > most {
		t.Errorf("%s %dx%d: shifted by %.3f, %.3f", what, p.w, p.h, dx, dy)
	}
}

func TestBadCropsNameTheNumbers(t *testing.T) {
	var data bytes.Buffer
	if err := stdpng.Encode(&data, detailed(40, 30)); err != nil {
		t.Fatal(err)
	}
	for words, want := range map[string]string{
		"crop=41x30":                            "crop 41x30: 41x30+0+0 reaches beyond the picture of 40x30",
		"crop=10x10+31+0":                       "crop 10x10+31+0 reaches beyond the picture of 40x30",
		"crop=50%x50%+55%+0":                    "crop 50%x50%+55%+0: 20x15+22+0 reaches beyond",
		"crop=10x10+0+400":                      "reaches beyond the picture of 40x30",
		"crop=5x5 of=40x30":                     "crop with of=",
		"scale=1 of=40x30 reduced=8 origin=9x0": "origin=9x0: not 0x0 to 7x7",
	} {
		t.Run(words, func(t *testing.T) {
			_, err := plan.Run(&bytes.Buffer{}, bytes.NewReader(data.Bytes()), int64(data.Len()), plantest.Ask(words))
			if err == nil || fault.Of(err) != fault.Usage || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}
