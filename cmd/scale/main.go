// Scale makes pictures smaller or larger.
//
//	scale [-h] [-k kernel] [-fine] [-linear] [-f format] [-q quality] [-maxpixels n] [-o file | -d dir] [-quiet] geometry [file]...
package main

import (
	"io"
	"os"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/scale"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/filter"
)

const usage = "[-h] [-k kernel] [-fine] [-linear] [-f format] [-q quality] [-maxpixels n] [-o file | -d dir] [-quiet] geometry [file]..."

func main() { cli.Main("scale", run) }

func run(args []string) error {
	c := filter.Config{Command: "scale"}
	lim := raster.Limits{Pixels: raster.DefaultPixels}
	kernel, fine, linear, quality := ops.Kernels[0], false, false, 85
	f := cli.New("scale", "makes pictures smaller or larger", usage)
	f.String(&kernel, "k", "kernel", "kernel", "resampling kernel: "+strings.Join(ops.Kernels, ", "))
	f.Bool(&fine, "", "fine", "better quality for more time")
	f.Bool(&linear, "", "linear", "resample in linear light")
	f.String(&c.Format, "f", "format", "format", "format to write: jpeg png gif bmp tiff pnm pgm ppm pam (default that of -o, else the input's)")
	f.Int(&quality, "q", "quality", "quality", "of JPEG, 1 to 100")
	f.Pixels(&lim.Pixels, "", "maxpixels", "n", "largest picture, before and after, in pixels of all frames")
	f.String(&c.Output, "o", "output", "file", "write to this file (default standard output)")
	f.String(&c.Dir, "d", "dir", "dir", "write to this folder, under the names of the files; nothing there is overwritten")
	f.Bool(&c.Quiet, "", "quiet", "no progress and no closing line after failures")
	operands, err := f.Parse(args, os.Stdout)
	if err != nil {
		return err
	}
	if err := f.NeedInput(operands); err != nil {
		return err
	}
	if len(operands) == 0 {
		return fault.New(fault.Usage, "no geometry: a factor (0.5, 1/2, 50%%) or a box (640x480, 640x, x480, 640x480!)")
	}
	c.Files = operands[1:]
	words := []ops.Word{{Key: "scale", Value: operands[0]}}
	if f.Given("k") {
		words = append(words, ops.Word{Key: "kernel", Value: kernel})
	}
	if f.Given("f") {
		words = append(words, ops.Word{Key: "format", Value: c.Format})
	}
	if f.Given("q") {
		words = append(words, ops.Word{Key: "quality", Value: strconv.Itoa(quality)})
	}
	o, err := ops.Parse(words)
	if err != nil {
		return err
	}
	if err := f.NeedInput(c.Files); err != nil {
		return err
	}
	c.Format = o.Format
	return filter.Run(c, func(out io.Writer, in io.ReaderAt, size int64, format string) (filter.Result, error) {
		r, err := scale.Run(out, in, size, scale.Options{Geometry: o.Scale, Kernel: o.Kernel, Fine: fine, Linear: linear,
			Format: format, Quality: o.Quality, Limits: lim, Ahead: c.Alone()})
		return filter.Result{Format: r.Format, Note: r.Note}, err
	})
}
