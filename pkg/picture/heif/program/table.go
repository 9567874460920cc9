package program

import (
	"fmt"
	"os"
	"os/exec"

	"imgtools/pkg/picture/heif"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/y4m"
)

// tool is a program and what was measured of it.
//
// On Debian 12 (libheif 1.15.1, libavif 0.11.1, libvips 8.14.1) and Debian 13 (libheif
// 1.23.6, libavif 1.2.1, libvips 8.16.1), with pictures of known samples in each depth,
// subsampling, matrix and range:
//
//	heif-convert  writes Y4M of 8 bits, 4:2:0, BT.601 at full range, cropped and
//	              turned, whatever the picture is; its line says nothing of that. From 10
//	              bits it writes wrong samples, with exit status 0. 4:2:2 and 4:4:4 lose
//	              half of their chroma. Alpha is dropped, or the picture laid on a
//	              background. Of several pictures each gets a file of its own, with another
//	              name. Premultiplied colours stay so.
//	avifdec       writes Y4M with the samples as coded: matrix, range, 8, 10 and 12
//	              bits, all subsamplings, and alpha beside 4:4:4 of 8 bits. It neither
//	              crops nor turns. Of a sequence it takes the first frame. Premultiplied
//	              colours stay so.
//	vips          writes TIFF of RGB, cropped and turned, with alpha, of 8 bits, or 16
//	              in which the highest bits are those of the sample and the others 0.
//	              Premultiplied colours stay so.
type tool struct {
	name     string   // for people
	files    []string // names of the program, the usual one first
	packages string   // that have it
	out      string   // extension of its output
	args     func(in, out string) []string
	open     func(t *found, out *os.File, size int64, p *heif.Picture, hint raster.Hint, lim raster.Limits) (raster.Rows, error)
	samples  func(t *found, p *heif.Picture) int64 // of its output
	upright  bool                                  // it crops and turns
	rec601   bool                                  // its luma is that of BT.601, whatever the matrix of the file is
	alpha    func(*heif.Picture) bool              // it gives the alpha of a picture with the rest
	whyNot   func(*heif.Picture) string            // why it does not decode a picture; "": it does
}

// tools are in the order in which they are tried.
var tools = []*tool{
	{
		name: "avifdec", files: []string{"avifdec"}, packages: "libavif-bin (Debian, Ubuntu), libavif-tools (Fedora) or libavif (Arch)",
		out:  ".y4m",
		args: func(in, out string) []string { return []string{"--jobs", "1", in, out} },
		open: openY4M,
		samples: func(t *found, p *heif.Picture) int64 {
			n := planeSamples(t, p, p.Chroma)
			if p.Alpha && t.alpha(p) {
				n += planeSamples(t, p, heif.Mono)
			}
			return n
		},
		alpha: func(p *heif.Picture) bool { return p.Depth == 8 && p.Chroma == heif.C444 },
		whyNot: func(p *heif.Picture) string {
			switch {
			case p.Coding != heif.AV1:
				return "not AV1"
			case p.Depth != 8 && p.Depth != 10 && p.Depth != 12:
				return fmt.Sprintf("%d bits", p.Depth)
			case p.Alpha && p.AlphaItem == 0 && !(p.Depth == 8 && p.Chroma == heif.C444):
				return "alpha of each tile"
			}
			return ""
		},
	},
	{
		name: "heif-convert", files: []string{"heif-convert", "heif-dec"},
		packages: "libheif-examples (Debian, Ubuntu), libheif-tools (Fedora) or libheif (Arch)",
		out:      ".y4m",
		args:     func(in, out string) []string { return []string{in, out} },
		open:     openY4M,
		upright:  true, rec601: true,
		samples: func(t *found, p *heif.Picture) int64 { return planeSamples(t, p, heif.C420) },
		alpha:   func(*heif.Picture) bool { return false },
		whyNot: func(p *heif.Picture) string {
			switch {
			case p.Depth != 8:
				return fmt.Sprintf("%d bits", p.Depth)
			case p.Chroma != heif.C420 && p.Chroma != heif.Mono:
				return "chroma " + p.Chroma.String()
			case p.Alpha && p.AlphaItem == 0:
				return "alpha of each tile"
			}
			return ""
		},
	},
	{
		name: "vips", files: []string{"vips"},
		packages: "libvips-tools (Debian, Ubuntu), vips-tools (Fedora) or libvips (Arch)",
		out:      ".tif",
		args:     func(in, out string) []string { return []string{"copy", in, out + "[strip]"} },
		open:     openTIFF,
		upright:  true, rec601: true,
		samples: func(t *found, p *heif.Picture) int64 {
			n := 3 * planeSamples(t, p, heif.Mono)
			if p.Alpha {
				n = n / 3 * 4
			}
			return n
		},
		alpha: func(*heif.Picture) bool { return true },
		whyNot: func(p *heif.Picture) string {
			if p.Depth != 8 && p.Depth != 10 && p.Depth != 12 {
				return fmt.Sprintf("%d bits", p.Depth)
			}
			return ""
		},
	},
}

// planeSamples returns the samples of Y, Cb and Cr of the output for a picture.
func planeSamples(t *found, p *heif.Picture, c heif.Chroma) int64 {
	w, h := t.size(p)
	all, cw, ch := int64(w)*int64(h), int64(w), int64(h)
	switch c {
	case heif.Mono:
		return all
	case heif.C420:
		cw, ch = (cw+1)/2, (ch+1)/2
	case heif.C422:
		cw = (cw + 1) / 2
	}
	return all + 2*cw*ch
}

// look returns the programs that are there.
func look(path func(string) (string, error)) []found {
	if path == nil {
		path = exec.LookPath
	}
	var all []found
	for _, t := range tools {
		for _, name := range t.files {
			if p, err := path(name); err == nil {
				all = append(all, found{t, p})
				break
			}
		}
	}
	return all
}

// choose returns the first program that decodes p. If there is none, why says what the
// programs that are there can't do, or that there is none for its coding, and which package
// to install.
func (d *Decoder) choose(p *heif.Picture) (t *found, why string) {
	if m := p.CICP[2]; !y4m.SupportsMatrix(m) { // programs take it for another
		return nil, fmt.Sprintf("no program decodes colours of matrix %d (ITU-T H.273)", m)
	}
	for i := range d.found {
		if d.found[i].whyNot(p) == "" {
			return &d.found[i], ""
		}
	}
	title := titleOf(p)
	for _, f := range d.found {
		if f.whyNot(usual[title]) == "" {
			return nil, "no program here decodes " + f.whyNot(p) + adviceFor(p)
		}
	}
	return nil, "no program here decodes it; " + heif.Advice(title)
}

// adviceFor names the package of the first program that decodes p, or nothing if none
// does.
func adviceFor(p *heif.Picture) string {
	for _, t := range tools {
		if t.whyNot(p) == "" {
			return "; install the package " + t.packages
		}
	}
	return ""
}
