// Gray turns pictures gray.
//
//	gray [-h] [-l 601|709|luminance] [-f format] [-q quality] [-maxpixels n] [-o file | -d dir] [-quiet] [file]...
package main

import (
	"io"
	"os"
	"strconv"
	"strings"

	"imgtools/pkg/ops"
	"imgtools/pkg/picture/gray"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/filter"
)

const usage = "[-h] [-l 601|709|luminance] [-f format] [-q quality] [-maxpixels n] [-o file | -d dir] [-quiet] [file]..."

func main() { cli.Main("gray", run) }

func run(args []string) error {
	c := filter.Config{Command: "gray"}
	lim := raster.Limits{Pixels: raster.DefaultPixels}
	luma, quality := ops.Lumas[0], 85
	f := cli.New("gray", "turns pictures gray", usage)
	f.String(&luma, "l", "luma", "luma", "what gray is: "+strings.Join(ops.Lumas, ", "))
	f.String(&c.Format, "f", "format", "format", "format to write: jpeg png gif bmp tiff pnm pgm ppm pam (default that of -o, else the input's)")
	f.Int(&quality, "q", "quality", "quality", "of JPEG, 1 to 100")
	f.Pixels(&lim.Pixels, "", "maxpixels", "n", "largest picture, in pixels of all frames")
	f.String(&c.Output, "o", "output", "file", "write to this file (default standard output)")
	f.String(&c.Dir, "d", "dir", "dir", "write to this folder, under the names of the files; nothing there is overwritten")
	f.Bool(&c.Quiet, "", "quiet", "no progress and no closing line after failures")
	var err error
	if c.Files, err = f.Parse(args, os.Stdout); err != nil {
		return err
	}
	words := []ops.Word{{Key: "gray"}, {Key: "luma", Value: luma}}
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
		r, err := gray.Run(out, in, size, gray.Options{Luma: o.Gray, Format: format, Quality: o.Quality, Limits: lim, Ahead: c.Alone()})
		return filter.Result{Format: r.Format, Note: r.Note}, err
	})
}
