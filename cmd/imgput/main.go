// Imgput sends pictures to imgd and prints one job id a line.
//
//	imgput [-h] [-a address] [-token file] [-g] [-l luma] [-s geometry] [-k kernel] [-fine] [-linear] [-f format] [-q quality] [-w time] [-quiet] [file]...
package main

import (
	"os"
	"strconv"
	"strings"

	"imgtools/pkg/ops"
	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
	"imgtools/pkg/shell/history"
	"imgtools/pkg/shell/transfer"
)

const usage = "[-h] [-a address] [-token file] [-g] [-l luma] [-s geometry] [-k kernel] [-fine] [-linear] [-f format] [-q quality] [-w time] [-quiet] [file]..."

func main() { cli.Main("imgput", run) }

func run(args []string) error {
	var server client.Config
	c := transfer.PutConfig{List: history.Open(), Stdout: os.Stdout, Stderr: os.Stderr}
	var gray, fine, linear bool
	var geometry, format string
	luma, kernel, quality := ops.Lumas[0], ops.Kernels[0], 85
	f := cli.New("imgput", "sends pictures to imgd and prints one job id a line", usage)
	server.AddFlags(f)
	f.Bool(&gray, "g", "gray", "turn gray; also when nothing else is asked for")
	f.String(&luma, "l", "luma", "luma", "what gray is: "+strings.Join(ops.Lumas, ", "))
	f.String(&geometry, "s", "scale", "geometry", "scale: a factor (0.5, 1/2, 50%) or a box (640x480, 640x, x480, 640x480!)")
	f.String(&kernel, "k", "kernel", "kernel", "resampling kernel: "+strings.Join(ops.Kernels, ", "))
	f.Bool(&fine, "", "fine", "better quality for more time")
	f.Bool(&linear, "", "linear", "resample in linear light")
	f.String(&format, "f", "format", "format", "format of the result: jpeg png gif bmp tiff pnm pgm ppm pam (default the input's)")
	f.Int(&quality, "q", "quality", "quality", "of JPEG, 1 to 100")
	f.Duration(&server.Wait, "w", "wait", "time", "how long to go on when imgd is full, busy or gone (default no end)")
	f.Bool(&c.Quiet, "", "quiet", "no progress and no closing line after failures")
	var err error
	if c.Files, err = f.Parse(args, os.Stdout); err != nil {
		return err
	}
	var words []ops.Word
	add := func(given bool, key, value string) {
		if given {
			words = append(words, ops.Word{Key: key, Value: value})
		}
	}
	add(gray, "gray", "")
	add(f.Given("l"), "luma", luma)
	add(f.Given("s"), "scale", geometry)
	add(f.Given("k"), "kernel", kernel)
	add(fine, "fine", "")
	add(linear, "linear", "")
	add(f.Given("f"), "format", format)
	add(f.Given("q"), "quality", strconv.Itoa(quality))
	o, err := ops.Parse(words)
	if err != nil {
		return err
	}
	if err := f.NeedInput(c.Files); err != nil {
		return err
	}
	c.Words = o.Words()
	server.Forever = !f.Given("w")
	imgd, err := client.New(server)
	if err != nil {
		return err
	}
	return transfer.Put(imgd, c)
}
