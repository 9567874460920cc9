package main

import (
	"debug/buildinfo"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// bound is a figure to meet: ours in CPU time as a ratio to a peer's in the same
// run, with the quality it must have then. Ours in several ways is the best.
type bound struct {
	job, ours, peer string
	ratio           float64 // at most
	than            string  // whose quality ours is held to; "": no matter
	margin          float64 // dB over that, at least
	bytes           float64 // as a ratio to the peer's, at most; 0: no matter
	png             bool
	picture         string // the only one it is for; "": photographs of 12 Mpixel
}

// bounds are of 12-Mpixel photographs, JPEGs of 4:2:0 and quality 90, and of the PNGs of
// prepare. The quality asked for is held against the peer's in the run.
var bounds = []bound{
	{job: "gray", ours: process, peer: "jpegtran", ratio: 0.28},
	{job: "gray", ours: process, peer: "vips", ratio: 0.11},
	{job: "gray, progressive", ours: process, peer: "jpegtran", ratio: 0.30},
	{job: "scale -fast 1/4", ours: warm, peer: djpeg, ratio: 0.75, than: djpeg},
	{job: "scale 1/4, PSNR of the peers", ours: process, peer: vipsthumbnail, ratio: 0.32, than: vipsthumbnail},
	{job: "scale 1/4, PSNR of the peers", ours: warm, peer: sharp, ratio: 0.45, than: sharp},
	{job: "scale 1/4, PSNR of the peers", ours: process, peer: djpeg, ratio: 0.95, than: djpeg, margin: 1.1},
	{job: "scale 1/4", ours: process, peer: plain, ratio: 0.85},
	{job: "scale -fast 1/2", ours: warm, peer: djpeg, ratio: 0.95, than: djpeg},
	{job: "scale -fast 1/2", ours: warm, peer: sharp, ratio: 0.50, than: djpeg},
	{job: "scale 1/2, PSNR of the peers", ours: warm, peer: sharp, ratio: 0.60, than: sharp},
	{job: "scale 1/2", ours: process, peer: plain, ratio: 0.75},
	{job: "gray and scale -fast 1/4", ours: warm, peer: djpeg, ratio: 0.70, than: djpeg},
	{job: "gray and scale -fast 1/4", ours: byHTTP, peer: djpeg, ratio: 0.70, than: djpeg},
	{job: "gray and scale -fast 1/4", ours: warm, peer: sharp, ratio: 0.32, than: djpeg},
	{job: "gray and scale -fast 1/4", ours: cold, peer: djpeg, ratio: 0.85},
	{job: "scale 1/4, defaults", ours: process, peer: vipsthumbnail, ratio: 0.32, than: vipsthumbnail},
	{job: "scale 1/4, defaults", ours: warm, peer: sharp, ratio: 0.45, than: sharp},
	{job: "scale 1/2, defaults", ours: warm, peer: sharp, ratio: 0.60, than: sharp},
	{job: "gray", ours: warm, peer: sharp, ratio: 0.46, bytes: 1, png: true},
	{job: "scale 1/4", ours: warm, peer: sharp, ratio: 0.70, bytes: 1, png: true},
	{job: "scale 1/4", ours: process, peer: plain, ratio: 0.90, png: true},
	{job: "scale 1/4", ours: warm, peer: sharp, ratio: 1.05, png: true, picture: "ui.png"},
	{job: "gray", ours: warm, peer: sharp, ratio: 0.05, png: true, picture: "scan.png"},
	{job: "gray", ours: warm, peer: sharp, ratio: 0.30, png: true, picture: "ink.png"},
	{job: "gray", ours: process, peer: "Pillow", ratio: 0.32, bytes: 1.05, png: true},
	{job: "scale 1/4", ours: process, peer: "Pillow", ratio: 0.60, png: true},
	{job: "gray", ours: process, peer: "Pillow", ratio: 1, bytes: 1, png: true, picture: "palette.png"},
	{job: "gray", ours: process, peer: "Pillow", ratio: 1, bytes: 1, png: true, picture: "shot.png"},
}

const (
	djpeg         = "djpeg | cjpeg"
	sharp         = "sharp warm"
	cold          = "two filters"
	vipsthumbnail = "vipsthumbnail"

	mostPeak = 6 << 20 // bytes that a whole filter may need above firstPeaks
	leastPix = 10e6    // pixels of a picture that the bounds are for
	// On no row may vector code cost time. Where both builds run the same code their
	// ratio is 1, give or take what medians of a run differ by.
	noise = 0.03
)

// firstPeaks are the peaks in MiB that whole filters had before they were made faster,
// by picture and job.
var firstPeaks = map[string]float64{
	"photo12.jpg gray":               7.6,
	"photo12.jpg scale -fast 1/4":    7.6,
	"photo12.jpg scale 1/4":          7.7,
	"photo12.jpg scale -fast 1/2":    7.5,
	"photo12.jpg scale 1/2":          7.6,
	"photo12p.jpg gray, progressive": 7.7,
	"photo2.jpg gray":                7.7,
	"photo2.jpg scale 1/4":           7.7,
	"photo12.png gray":               12.5,
	"photo12.png scale 1/4":          11.3,
	"photo2.png gray":                7.8,
	"photo2.png scale 1/4":           7.7,
	"palette.png gray":               7.7,
	"palette.png scale 1/4":          7.9,
	"shot.png gray":                  8.2,
	"shot.png scale 1/4":             7.9,
	"ui.png gray":                    9.1,
	"ui.png scale 1/4":               9.6,
	"scan.png gray":                  7.7,
	"scan.png scale 1/4":             9.0,
	"ink.png gray":                   7.7,
	"ink.png scale 1/4":              9.7,
	"drawing.png gray":               10.5,
	"drawing.png scale 1/4":          10.5,
}

// isCold reports whether a row is a pipeline of two filters of the project.
func isCold(tool string) bool { return strings.Contains(tool, " | ") && tool != djpeg }

// pick returns the row of that name; of two filters the cheapest pair.
func pick(rows []row, tool string) *row {
	var best *row
	for i := range rows {
		r := &rows[i]
		if r.err == nil && (r.tool == tool || tool == cold && isCold(r.tool)) && (best == nil || r.cpu < best.cpu) {
			best = r
		}
	}
	return best
}

// verdict is a bound and what was measured.
type verdict struct {
	job, what, got, want string
	met                  bool
}

// print writes a line of a table's end.
func (v verdict) print(w io.Writer) {
	fmt.Fprintf(w, "  %s  %s: %s, want %s\n", v.mark(), v.what, v.got, v.want)
}

// pass prints a verdict below its rows, and keeps it for the end.
func (b *bench) pass(v verdict) {
	v.print(b.w)
	b.verdicts = append(b.verdicts, v)
}

// passRatio passes a verdict on a ratio that is to be at most most.
func (b *bench) passRatio(job, what string, got, most float64) {
	b.pass(verdict{job, what, fmt.Sprintf("%.2f", got), fmt.Sprintf("≤ %.2f", most), got <= most})
}

func (v verdict) mark() string {
	if v.met {
		return "PASS"
	}
	return "over"
}

// judge returns how the rows of a job are to its bounds. A bound whose peer is
// not installed has no verdict.
func judge(p picture, j job, rows []row) (vs []verdict) {
	large := float64(p.w)*float64(p.h) >= leastPix && !p.artificial
	for _, b := range bounds {
		ours, peer := pick(rows, b.ours), pick(rows, b.peer)
		if b.picture != p.name && (b.picture != "" || !large) || b.job != j.name || b.png == p.jpeg() || ours == nil || peer == nil {
			continue
		}
		got := ratio(ours, peer)
		v := verdict{job: p.name + " " + j.name, what: ours.tool + " / " + peer.tool, got: fmt.Sprintf("%.2f", got), want: fmt.Sprintf("≤ %.2f", b.ratio), met: got <= b.ratio}
		if than := pick(rows, b.than); b.than != "" {
			if than == nil {
				continue
			}
			least := than.psnr + b.margin
			v.got += fmt.Sprintf(" at %.2f dB", ours.psnr)
			v.want += fmt.Sprintf(" at ≥ %.2f dB", least)
			v.met = v.met && ours.psnr >= least
		}
		if b.bytes > 0 {
			size := float64(ours.bytes) / float64(peer.bytes)
			v.got += fmt.Sprintf(" at %.2f of its bytes", size)
			v.want += fmt.Sprintf(" at ≤ %.2f", b.bytes)
			v.met = v.met && size <= b.bytes
		}
		vs = append(vs, v)
	}
	ours := pick(rows, process)
	if ours == nil {
		return vs
	}
	if other := pick(rows, plain); other != nil {
		got := ratio(ours, other)
		vs = append(vs, verdict{p.name + " " + j.name, process + " / " + plain, fmt.Sprintf("%.2f", got), fmt.Sprintf("≤ 1.00 (± %.2f)", noise), got <= 1+noise})
	}
	if first := firstPeaks[p.name+" "+j.name]; first > 0 && ours.peak > 0 {
		most := first + mib(mostPeak)
		vs = append(vs, verdict{p.name + " " + j.name, process + ", peak of the process", fmt.Sprintf("%.1f MiB", mib(ours.peak)), fmt.Sprintf("≤ %.1f MiB", most), mib(ours.peak) <= most})
	}
	return vs
}

// withSIMD reports whether the commands were built with Go's experiment simd.
func withSIMD(bin string) bool {
	info, err := buildinfo.ReadFile(filepath.Join(bin, "scale"))
	return err == nil && strings.Contains(info.GoVersion, "simd") // go1.26.8-X:simd
}
