package program

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"math"
	"strings"
	"testing"

	"imgtools/pkg/picture/raster"
)

// Luma is that of the matrix of the file at full range; colours are those that vips
// decodes.
func TestDecodesEveryMatrixAndRange(t *testing.T) {
	f := peers(t, "heif-enc", "avifenc", "heif-convert", "avifdec", "vips")
	in := smooth(101, 67)
	f.writePNG("in.png", in)
	for matrix, k := range map[int][2]float64{1: {0.2126, 0.0722}, 6: {0.299, 0.114}, 9: {0.2627, 0.0593}} {
		for _, limited := range []bool{false, true} {
			full, letter := "1", "f"
			if limited {
				full, letter = "0", "l"
			}
			t.Run(fmt.Sprintf("HEIC matrix %d limited %v", matrix, limited), func(t *testing.T) {
				f := folder{t, f.dir}
				f.run("heif-enc", "-q", "90", "-p", "preset=ultrafast", "--matrix_coefficients", fmt.Sprint(matrix), "--full_range_flag", full, "-o", "a.heic", "in.png")
				f.check("a.heic", luma(in, 0.299, 0.114))
			})
			t.Run(fmt.Sprintf("AVIF matrix %d limited %v", matrix, limited), func(t *testing.T) {
				f := folder{t, f.dir}
				f.run("avifenc", "-s", "10", "-y", "420", "--min", "5", "--max", "10", "--cicp", fmt.Sprintf("1/13/%d", matrix), "-r", letter, "in.png", "a.avif")
				f.check("a.avif", luma(in, k[0], k[1]))
			})
		}
	}
}

// An AVIF without a box for its colours has those of its sequence header.
func TestColoursOfTheSequenceHeader(t *testing.T) {
	f := peers(t, "avifenc", "avifdec", "vips")
	in := smooth(101, 67)
	f.writePNG("in.png", in)
	for _, c := range []struct {
		args   []string
		cicp   [4]byte
		kr, kb float64
	}{
		{[]string{"--cicp", "1/13/1", "-r", "full"}, [4]byte{1, 13, 1, 1}, 0.2126, 0.0722},
		{[]string{"--cicp", "12/13/6", "-r", "limited", "-d", "10"}, [4]byte{12, 13, 6, 0}, 0.299, 0.114},
		{[]string{"--cicp", "9/16/9", "-r", "full", "-d", "12"}, [4]byte{9, 16, 9, 1}, 0.2627, 0.0593},
		{[]string{"--cicp", "2/2/2", "-r", "full"}, [4]byte{2, 2, 2, 1}, 0.299, 0.114},
	} {
		t.Run(fmt.Sprint(c.args), func(t *testing.T) {
			f := folder{t, f.dir}
			f.run("avifenc", append(append([]string{"-s", "10", "-y", "420", "--min", "2", "--max", "5"}, c.args...), "in.png", "a.avif")...)
			f.write("a.avif", bytes.ReplaceAll(f.read("a.avif"), []byte("colrnclx"), []byte("freenclx")))
			if p := f.open("a.avif").(*Reader).p; p.CICP != c.cicp {
				t.Errorf("%v, want %v", p.CICP, c.cicp)
			}
			f.check("a.avif", luma(in, c.kr, c.kb))
		})
	}
}

// check compares luma of a file with what it should be, and colours with those of vips,
// as planes and as RGB.
func (f folder) check(name string, y []float64) {
	f.t.Helper()
	gray, err := raster.Hold(raster.Grayed(f.hold(name, raster.Hint{Luma: true}).Rows(), raster.Rec601), raster.Limits{})
	if err != nil {
		f.t.Fatal(err)
	}
	if d := mean(f.t, samples(gray), y); d > 1 {
		f.t.Errorf("luma differs by %.2f", d)
	}
	want := f.vips(name)
	if d := mean(f.t, samples(f.hold(name, raster.Hint{})), want); d > 1.5 {
		f.t.Errorf("RGB differs by %.2f", d)
	}
	planes := f.hold(name, raster.Hint{Planar: true})
	packed, err := raster.Hold(raster.Packed(planes.Rows()), raster.Limits{})
	if err != nil {
		f.t.Fatal(err)
	}
	if d := mean(f.t, samples(packed), want); d > 1.5 {
		f.t.Errorf("planes differ by %.2f", d)
	}
}

// pair is a file and how it is made from in.png.
type pair struct {
	name string
	make []string
}

// AVIF of every depth and subsampling, cropped, turned and mirrored, and HEIC of those
// that heif-enc writes, have the colours and the size that vips decodes.
func TestDecodesEveryDepthAndSubsampling(t *testing.T) {
	f := peers(t, "heif-enc", "avifenc", "heif-convert", "avifdec", "vips")
	in := smooth(101, 67)
	f.writePNG("in.png", in)
	wide := image.NewNRGBA64(in.Bounds())
	draw.Draw(wide, wide.Rect, in, image.Point{}, draw.Src)
	f.writePNG("wide.png", wide)
	all := []pair{
		{"AVIF 444 8 lossless, matrix 0", []string{"avifenc", "-s", "10", "--lossless", "in.png", "a.avif"}},
		{"HEIC 444 8 lossless, matrix 0", []string{"heif-enc", "-L", "-p", "preset=ultrafast", "-p", "chroma=444", "--matrix_coefficients", "0", "-o", "a.heic", "in.png"}},
		{"HEIC 420 12", []string{"heif-enc", "-q", "95", "-p", "preset=ultrafast", "-b", "12", "-o", "a.heic", "wide.png"}},
	}
	for _, yuv := range []string{"420", "422", "444", "400"} {
		for _, depth := range []string{"8", "10", "12"} {
			for _, r := range []string{"full", "limited"} {
				all = append(all, pair{"AVIF " + yuv + " " + depth + " " + r, []string{"avifenc", "-s", "10", "--min", "2", "--max", "4", "-y", yuv, "-d", depth, "-r", r, "in.png", "a.avif"}})
			}
		}
		if yuv == "400" {
			continue // heif-enc makes it of a gray picture
		}
		all = append(all, pair{"HEIC " + yuv + " 8", []string{"heif-enc", "-q", "95", "-p", "preset=ultrafast", "-p", "chroma=" + yuv, "-o", "a.heic", "in.png"}},
			pair{"HEIC " + yuv + " 10", []string{"heif-enc", "-q", "95", "-p", "preset=ultrafast", "-p", "chroma=" + yuv, "-b", "10", "-o", "a.heic", "wide.png"}})
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			f := folder{t, f.dir}
			f.run(c.make[0], c.make[1:]...)
			name := "a.avif"
			if strings.HasPrefix(c.name, "HEIC") {
				name = "a.heic"
			}
			if strings.Contains(c.name, "400") { // vips gives RGB
				if d := mean(t, samples(f.hold(name, raster.Hint{})), luma(in, 0.299, 0.114)); d > 1 {
					t.Errorf("gray differs by %.2f", d)
				}
				return
			}
			f.check(name, luma(in, 0.299, 0.114))
			h := f.open(name).Header()
			if deep := !strings.Contains(c.name, " 8"); deep != (h.Bits == 16) {
				t.Errorf("%d bits", h.Bits)
			}
		})
	}
}

// Grids of AVIF are put together by the program, and then turned. Avifenc 0.11 gives the
// turn to each tile, too: libheif then turns the tiles as well, so that it is no oracle.
func TestGridOfAVIF(t *testing.T) {
	f := peers(t, "avifenc", "avifdec")
	in := smooth(256, 192)
	f.writePNG("in.png", in)
	f.run("avifenc", "-s", "10", "-y", "420", "--min", "2", "--max", "4", "-g", "2x2", "--irot", "3", "in.png", "a.avif")
	if p := f.open("a.avif").(*Reader).p; p.Rows != 2 || p.Cols != 2 {
		t.Fatalf("%d×%d tiles", p.Cols, p.Rows)
	}
	if d := mean(t, samples(f.hold("a.avif", raster.Hint{})), rgb(turned(in))); d > 1.5 {
		t.Errorf("RGB differs by %.2f", d)
	}
}

// The crop, the turn and the mirroring of a file are done exactly once, by the program or
// here.
func TestCropAndOrientationAreDoneOnce(t *testing.T) {
	f := peers(t, "avifenc", "avifdec", "heif-convert", "vips")
	f.writePNG("in.png", smooth(101, 67))
	for _, yuv := range []string{"420", "444"} {
		for _, args := range [][]string{
			{"--irot", "1"}, {"--irot", "2"}, {"--irot", "3"}, {"--imir", "0"}, {"--imir", "1"}, {"--irot", "1", "--imir", "0"}, {"--irot", "3", "--imir", "1"},
			{"--crop", "10,20,50,40"}, {"--crop", "10,20,50,40", "--irot", "1"}, {"--crop", "10,20,50,40", "--irot", "3", "--imir", "1"},
		} {
			t.Run(fmt.Sprint(yuv, args), func(t *testing.T) {
				f := folder{t, f.dir}
				f.run("avifenc", append(append([]string{"-s", "10", "--min", "2", "--max", "4", "-y", yuv}, args...), "in.png", "a.avif")...)
				want := f.vips("a.avif")
				for _, without := range []string{"", "avifdec"} { // then heif-convert or vips
					if d := mean(t, samples(f.holdBy("a.avif", raster.Hint{}, without)), want); d > 1.5 {
						t.Errorf("without %q: RGB differs by %.2f", without, d)
					}
				}
			})
		}
	}
}

// Alpha is straight whether the file has it premultiplied or not, whatever the program
// gives.
func TestAlpha(t *testing.T) {
	f := peers(t, "heif-enc", "avifenc", "heif-convert", "avifdec", "vips")
	in := smooth(101, 67)
	for y := range 67 {
		for x := range 101 {
			in.Pix[in.PixOffset(x, y)+3] = uint8(40 + 2*x)
		}
	}
	f.writePNG("in.png", in)
	avif := func(args ...string) []string {
		return append(append([]string{"avifenc", "-s", "10", "--min", "2", "--max", "4", "--minalpha", "0", "--maxalpha", "2"}, args...), "in.png", "a.avif")
	}
	for _, c := range []struct {
		file, without string
		make          []string
	}{
		{"a.avif", "", avif("-y", "444")},
		{"a.avif", "", avif("-y", "420")},
		{"a.avif", "", avif("-y", "422", "-d", "10")},
		{"a.avif", "", avif("-y", "444", "-d", "12")},
		{"a.avif", "", avif("-y", "400")},
		{"a.avif", "", avif("-y", "444", "-p")},
		{"a.avif", "", avif("-y", "420", "-p")},
		{"a.avif", "", avif("-y", "420", "-d", "10", "-p")},
		{"a.avif", "avifdec", avif("-y", "420")},
		{"a.avif", "avifdec", avif("-y", "444", "-p")},
		{"a.heic", "", []string{"heif-enc", "-q", "95", "-p", "preset=ultrafast", "-o", "a.heic", "in.png"}},
		{"a.heic", "heif-convert", []string{"heif-enc", "-q", "95", "-p", "preset=ultrafast", "-o", "a.heic", "in.png"}},
		{"a.heic", "", []string{"heif-enc", "-q", "95", "-p", "preset=ultrafast", "-p", "chroma=444", "-o", "a.heic", "in.png"}},
	} {
		t.Run(fmt.Sprint(c.make[:len(c.make)-2], " without ", c.without), func(t *testing.T) {
			f := folder{t, f.dir}
			f.run(c.make[0], c.make[1:]...)
			for _, hint := range []raster.Hint{{}, {Luma: true}, {Planar: true}} {
				held := f.holdBy(c.file, hint, c.without)
				n := held.H.Layout.Samples()
				if !held.H.Layout.HasAlpha() {
					t.Fatal(held.H.Layout)
				}
				y, all := luma(opaque(in), 0.299, 0.114), rgb(opaque(in))
				colour, alpha := 0., 0.
				got := samples(held)
				if len(got) != n*101*67 {
					t.Fatalf("%d samples", len(got))
				}
				for i := range 101 * 67 {
					alpha += math.Abs(got[n*i+n-1] - float64(in.Pix[4*i+3]))
					for j := range n - 1 {
						want := y[i]
						if n == 4 {
							want = all[3*i+j]
						}
						colour += math.Abs(got[n*i+j]-want) / float64(n-1)
					}
				}
				if colour /= 101 * 67; colour > 2 {
					t.Errorf("%+v: colours differ by %.2f", hint, colour)
				}
				if alpha /= 101 * 67; alpha > 1 {
					t.Errorf("%+v: alpha differs by %.2f", hint, alpha)
				}
			}
		})
	}
}

// opaque returns a picture without its alpha.
func opaque(m *image.NRGBA) *image.NRGBA {
	o := image.NewNRGBA(m.Rect)
	copy(o.Pix, m.Pix)
	for i := 3; i < len(o.Pix); i += 4 {
		o.Pix[i] = 255
	}
	return o
}
