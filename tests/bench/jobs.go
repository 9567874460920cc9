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
	quality     int // of JPEG; 0: each program's defaults, of everything
	ours        int // quality for imgtools, the least whose PSNR no peer exceeds; 0: as for the peers
}

var jobs = []job{
	{name: "gray", kind: "gray", num: 1, den: 1, quality: 85},
	{name: "gray, progressive", kind: "gray", num: 1, den: 1, progressive: true, quality: 85},
	{name: "scale -fast 1/4", kind: "scale", num: 1, den: 4, fast: true, quality: 85},
	{name: "scale 1/4", kind: "scale", num: 1, den: 4, quality: 85},
	{name: "scale -fast 1/2", kind: "scale", num: 1, den: 2, fast: true, quality: 85},
	{name: "scale 1/2", kind: "scale", num: 1, den: 2, quality: 85},
	{name: "scale 1/4, PSNR of the peers", kind: "scale", num: 1, den: 4, quality: 85, ours: 87},
	{name: "scale 1/2, PSNR of the peers", kind: "scale", num: 1, den: 2, quality: 85, ours: 86},
	{name: "gray and scale -fast 1/4", kind: "both", num: 1, den: 4, fast: true, quality: 85},
	{name: "gray and scale 1/4", kind: "both", num: 1, den: 4, quality: 85},
	{name: "gray, defaults", kind: "gray", num: 1, den: 1},
	{name: "scale 1/4, defaults", kind: "scale", num: 1, den: 4},
	{name: "scale 1/2, defaults", kind: "scale", num: 1, den: 2},
}

func (j job) gray() bool { return j.kind != "scale" }

// fits reports whether the job is done on a picture. All are done on photo12.jpg and on
// pictures that were given; on the others those that bounds are for.
func (j job) fits(p picture) bool {
	switch {
	case j.progressive != p.progressive:
		return false
	case !p.jpeg() || p.name == "photo2.jpg":
		return j.name == "gray" || j.name == "scale 1/4"
	}
	return true
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
	if j.quality == 0 {
		return append(cs, b.atDefaults(p, j)...)
	}
	add := adder(&cs)
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
		if name != "Go" || !p.artificial {
			cs = append(cs, b.running(name+" warm", name, p, j, usual)...)
		}
	}
	cs = append(cs, b.pillow(p, j)...)
	if p.artificial {
		return cs // the others take seconds
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
		add(vipsthumbnail, "/usr/bin/vipsthumbnail", true, fmt.Sprintf("vipsthumbnail -s %dx%d! -o $out%s $in", w, h, quality))
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

// adder returns a function that appends a tool's line of shell to cs, if the program that
// it needs is installed.
func adder(cs *[]command) func(tool, needs string, luma bool, line string) {
	return func(tool, needs string, luma bool, line string) {
		if _, err := os.Stat(needs); err == nil {
			*cs = append(*cs, command{tool: tool, line: line, luma: luma})
		}
	}
}

// running is a peer that runs already, if it does.
func (b *bench) running(tool, name string, p picture, j job, encoder string) []command {
	s := b.peers[name]
	if s == nil {
		return nil
	}
	return []command{{tool: tool, luma: !j.gray() || name != "sharp", warm: func(in, out string) (used, error) {
		return s.peer(p, j, encoder, in, out)
	}}}
}

// pillow is Python with Pillow, started for one picture.
func (b *bench) pillow(p picture, j job) []command {
	if b.peers["Pillow"] == nil {
		return nil
	}
	return []command{{tool: "Pillow", luma: true, line: fmt.Sprintf("echo %s | /usr/bin/python3 '%s' | grep -qx ok", peerLine(p, j, usual, "$in", "$out"), b.pillowPath)}}
}

// atDefaults returns the peers as their users call them who give no option: whatever
// quality, kernel and reduction is their default.
func (b *bench) atDefaults(p picture, j job) (cs []command) {
	add := adder(&cs)
	w, h := j.goal(p)
	if j.kind == "gray" {
		add(djpeg, "/usr/bin/cjpeg", true, "djpeg -grayscale $in | cjpeg > $out")
		add("vips", "/usr/bin/vips", false, "vips colourspace $in $out b-w")
		add("ImageMagick", "/usr/bin/convert", true, "/usr/bin/convert $in -grayscale Rec601Luma $out")
	} else {
		add(djpeg, "/usr/bin/cjpeg", true, fmt.Sprintf("djpeg -scale %d/%d $in | cjpeg > $out", j.num, j.den))
		add(vipsthumbnail, "/usr/bin/vipsthumbnail", true, fmt.Sprintf("vipsthumbnail -s %dx%d -o $out $in", w, h))
		add("ImageMagick", "/usr/bin/convert", true, fmt.Sprintf("/usr/bin/convert $in -resize %dx%d $out", w, h))
	}
	cs = append(cs, b.running(sharp, "sharp", p, j, usual)...)
	cs = append(cs, b.running("sharp warm, mozjpeg", "sharp", p, j, mozjpeg)...)
	return append(cs, b.pillow(p, j)...)
}
