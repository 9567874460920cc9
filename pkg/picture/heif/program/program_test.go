package program

import (
	"fmt"
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

// check compares luma of a file with what it should be, and colours with those of vips,
// as planes and as RGB.
func (f folder) check(name string, y []float64) {
	f.t.Helper()
	if d := mean(f.t, samples(f.hold(name, raster.Hint{Luma: true})), y); d > 1 {
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
