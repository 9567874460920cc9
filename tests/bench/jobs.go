package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// job is one thing to do, by every tool that can.
type job struct {
	name        string
	gray        bool
	num, den    int // factor; 1, 1 is none
	progressive bool
}

var jobs = []job{
	{name: "gray", gray: true, num: 1, den: 1},
	{name: "gray of progressive", gray: true, num: 1, den: 1, progressive: true},
	{name: "scale 1/4", num: 1, den: 4},
	{name: "scale 1/2", num: 1, den: 2},
	{name: "gray and scale 1/4", gray: true, num: 1, den: 4},
}

func (j job) fits(p picture) bool { return j.progressive == p.progressive }

// goal is the size of the result.
func (j job) goal(p picture) (w, h int) {
	return (p.w*j.num*2 + j.den) / (2 * j.den), (p.h*j.num*2 + j.den) / (2 * j.den)
}

// command is a tool's way to do a job: a line of shell, which reads $in and
// writes $out.
type command struct {
	tool  string
	line  string
	luma  bool // its gray is Rec. 601 luma
	needs string
}

// commands returns ours first, then the peers that are installed.
func commands(p picture, j job) []command {
	w, h := j.goal(p)
	factor := fmt.Sprintf("%d/%d", j.num, j.den)
	size := fmt.Sprintf("%dx%d", w, h)
	var cs []command
	add := func(tool, needs string, luma bool, line string) {
		if _, err := os.Stat(needs); err == nil {
			cs = append(cs, command{tool, line, luma, needs})
		}
	}
	ours, here := "", "/"
	switch {
	case j.gray && j.den > 1 && p.jpeg():
		ours = "gray < $in | scale " + factor + " > $out"
	case j.gray && j.den > 1:
		ours = "gray -f pam < $in | scale -f png " + factor + " > $out"
	case j.gray:
		ours = "gray < $in > $out"
	default:
		ours = "scale " + factor + " < $in > $out"
	}
	add("imgtools", here, true, ours)
	if j.den > 1 && p.jpeg() {
		add("imgtools -fine", here, true, strings.Replace(ours, "scale ", "scale -fine ", 1)) // of a JPEG alone is anything reduced
	}

	out, in := "$out", "$in"
	if p.jpeg() {
		if j.gray && j.den == 1 {
			add("jpegtran -grayscale", "/usr/bin/jpegtran", true, "jpegtran -grayscale $in > $out")
		}
		g, s := "", ""
		if j.gray {
			g = "-grayscale "
		}
		if j.den > 1 {
			s = "-scale " + factor + " "
		}
		add("djpeg | cjpeg", "/usr/bin/cjpeg", true, "djpeg "+g+s+"$in | cjpeg -quality 85 > $out")
	}

	quality := "[Q=85]"
	if !p.jpeg() {
		quality = ""
	}
	switch {
	case j.gray && j.den > 1:
		add("vips", "/usr/bin/vips", false, fmt.Sprintf("vips thumbnail %s $out.v %d && vips colourspace $out.v %s%s b-w; rm -f $out.v", in, w, out, quality))
	case j.gray:
		add("vips", "/usr/bin/vips", false, "vips colourspace "+in+" "+out+quality+" b-w")
	default:
		add("vips", "/usr/bin/vips", true, fmt.Sprintf("vips thumbnail %s %s%s %d", in, out, quality, w))
	}

	im, gm := "", ""
	if j.den > 1 {
		if p.jpeg() {
			im = fmt.Sprintf("-define jpeg:size=%dx%d ", 2*w, 2*h)
			gm = fmt.Sprintf("-size %dx%d ", 2*w, 2*h)
		}
		im, gm = im+"$in -filter Lanczos -resize "+size+"! ", gm+"$in -filter Lanczos -resize "+size+"! "
	} else {
		im, gm = "$in ", "$in "
	}
	if j.gray {
		im, gm = im+"-grayscale Rec601Luma ", gm+"-colorspace GRAY "
	}
	add("ImageMagick", "/usr/bin/convert", true, "/usr/bin/convert "+im+"-quality "+q(p)+" $out")
	add("GraphicsMagick", "/usr/bin/gm", true, "gm convert "+gm+"-quality "+q(p)+" $out")

	from, to := "jpegtopnm -quiet $in", "pnmtojpeg -quality=85 > $out"
	if !p.jpeg() {
		from, to = "pngtopnm $in", "pnmtopng -quiet > $out"
	}
	if j.den > 1 {
		from += " | pamscale -quiet -width=" + strconv.Itoa(w) + " -height=" + strconv.Itoa(h)
	}
	if j.gray {
		from += " | ppmtopgm -quiet"
	}
	add("netpbm", "/usr/bin/jpegtopnm", true, from+" | "+to)

	if pillow() {
		mode, convert := "RGB", ""
		if j.gray {
			mode, convert = "L", ".convert('L')"
		}
		py := fmt.Sprintf("im=Image.open(i); im.draft('%s',(%d,%d)); im=im%s; ", mode, w, h, convert)
		if j.den > 1 {
			py += fmt.Sprintf("im=im.resize((%d,%d),Image.LANCZOS); ", w, h)
		}
		add("Pillow", "/usr/bin/python3", true, `/usr/bin/python3 -c "from PIL import Image; i='$in'; `+py+`im.save('$out',quality=85)"`)
	}
	return cs
}

// q is the quality word: for PNG ImageMagick and GraphicsMagick read zlib's
// level and a filter from it, and 75 is their default.
func q(p picture) string {
	if p.jpeg() {
		return "85"
	}
	return "75"
}
