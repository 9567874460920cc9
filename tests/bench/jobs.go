package main

import (
	"fmt"
	"os"
	"strconv"
)

// job is one thing to do, by every tool that can.
type job struct {
	name        string
	kind        string // gray, scale or both
	num, den    int    // factor; 1, 1 is none
	fast        bool   // only imgtools has a fast way: peers do the same as without
	progressive bool
}

var jobs = []job{
	{name: "gray", kind: "gray", num: 1, den: 1},
	{name: "gray, progressive", kind: "gray", num: 1, den: 1, progressive: true},
	{name: "scale -fast 1/4", kind: "scale", num: 1, den: 4, fast: true},
	{name: "scale 1/4", kind: "scale", num: 1, den: 4},
	{name: "scale -fast 1/2", kind: "scale", num: 1, den: 2, fast: true},
	{name: "scale 1/2", kind: "scale", num: 1, den: 2},
	{name: "gray and scale -fast 1/4", kind: "both", num: 1, den: 4, fast: true},
	{name: "gray and scale 1/4", kind: "both", num: 1, den: 4},
}

func (j job) gray() bool { return j.kind != "scale" }

// fits reports whether the job is done on a picture; only of a JPEG anything
// is reduced, which -fast is about.
func (j job) fits(p picture) bool {
	return j.progressive == p.progressive && (!j.fast || j.kind == "both" || p.jpeg())
}

// goal is the size of the result.
func (j job) goal(p picture) (w, h int) {
	return (p.w*j.num*2 + j.den) / (2 * j.den), (p.h*j.num*2 + j.den) / (2 * j.den)
}

// command is a tool's way to do a job: a line of shell, which reads $in and
// writes $out, or a request to a program that is running already.
type command struct {
	tool string
	line string
	warm func(in, out string) (used, error)
	luma bool // its gray is Rec. 601 luma
}

// commands returns ours first, then the peers that are installed. The names that
// a row of the table of bounds uses are those in bounds.go.
func (b *bench) commands(p picture, j job) []command {
	cs := b.ours(p, j)
	add := func(tool, needs string, luma bool, line string) {
		if _, err := os.Stat(needs); err == nil {
			cs = append(cs, command{tool: tool, line: line, luma: luma})
		}
	}
	w, h := j.goal(p)
	size := fmt.Sprintf("%dx%d", w, h)
	if p.jpeg() {
		if j.kind == "gray" {
			add("jpegtran", "/usr/bin/jpegtran", true, "jpegtran -grayscale $in > $out")
		}
		g, s := "", ""
		if j.gray() {
			g = "-grayscale "
		}
		if j.den > 1 {
			s = fmt.Sprintf("-scale %d/%d ", j.num, j.den)
		}
		add(djpeg, "/usr/bin/cjpeg", true, "djpeg "+g+s+"$in | cjpeg -quality 85 > $out")
	}

	for _, name := range []string{"sharp", "Pillow", "Go"} {
		if s := b.peers[name]; s != nil {
			cs = append(cs, command{tool: name + " warm", luma: !j.gray() || name != "sharp", warm: func(in, out string) (used, error) {
				cpu, err := s.peer(j.kind, w, h, in, out)
				return used{cpu: cpu}, err
			}})
		}
	}
	if b.peers["Pillow"] != nil {
		add("Pillow", "/usr/bin/python3", true, fmt.Sprintf("echo %s %d %d $in $out | /usr/bin/python3 '%s' | grep -qx ok", j.kind, w, h, b.pillowPath))
	}

	quality := "[Q=85]"
	if !p.jpeg() {
		quality = ""
	}
	switch j.kind {
	case "both":
		add("vips", "/usr/bin/vips", false, fmt.Sprintf("vips thumbnail $in $out.v %d && vips colourspace $out.v $out%s b-w; rm -f $out.v", w, quality))
	case "gray":
		add("vips", "/usr/bin/vips", false, "vips colourspace $in $out"+quality+" b-w")
	default:
		add("vips", "/usr/bin/vips", true, fmt.Sprintf("vips thumbnail $in $out%s %d", quality, w))
	}

	im, gm := "$in ", "$in "
	if j.den > 1 {
		im, gm = im+"-filter Lanczos -resize "+size+"! ", gm+"-filter Lanczos -resize "+size+"! "
		if p.jpeg() { // what -draft is to Pillow
			im = fmt.Sprintf("-define jpeg:size=%dx%d ", 2*w, 2*h) + im
			gm = fmt.Sprintf("-size %dx%d ", 2*w, 2*h) + gm
		}
	}
	if j.gray() {
		im, gm = im+"-grayscale Rec601Luma ", gm+"-colorspace GRAY "
	}
	// For PNG both read zlib's level and a filter from the quality; 75 is their default.
	q := "-quality 85 $out"
	if !p.jpeg() {
		q = "-quality 75 $out"
	}
	add("ImageMagick", "/usr/bin/convert", true, "/usr/bin/convert "+im+q)
	add("GraphicsMagick", "/usr/bin/gm", true, "gm convert "+gm+q)

	from, to := "jpegtopnm -quiet $in", "pnmtojpeg -quality=85 > $out"
	if !p.jpeg() {
		from, to = "pngtopnm $in", "pnmtopng -quiet > $out"
	}
	if j.den > 1 {
		from += " | pamscale -quiet -width=" + strconv.Itoa(w) + " -height=" + strconv.Itoa(h)
	}
	if j.gray() {
		from += " | ppmtopgm -quiet"
	}
	add("netpbm", "/usr/bin/jpegtopnm", true, from+" | "+to)
	return cs
}
