package main

import (
	"debug/buildinfo"
	"fmt"
	"path/filepath"
	"strings"
)

// bound is a figure to meet: ours in CPU time as a ratio to a peer's in the same
// run, with the quality it must have then. Ours in several ways is the best.
type bound struct {
	job, ours, peer string
	ratio, simd     float64 // at most; simd is for the build with it, 0: the same
	than            string  // whose quality ours is held to; "": no matter
	margin          float64 // dB over that, at least
	bytes           float64 // as a ratio to the peer's, at most; 0: no matter
	png             bool
	picture         string // the only one it is for; "": those of 12 Mpixel
}

// bounds are of 12-Mpixel photographs, 4:2:0, quality 90, at quality 85 out. They
// were set on one where djpeg and cjpeg reached 35.1 dB (1/4), 38.2 (1/2) and 37.4
// (gray, 1/4), and sharp 35.8 and 38.4. On others all reach other figures, so the
// quality asked for, 35.1 to 38.5 dB there, is held against the peer's in the run.
var bounds = []bound{
	{job: "gray", ours: warm, peer: "jpegtran", ratio: 0.28},
	{job: "gray", ours: process, peer: "jpegtran", ratio: 0.35},
	{job: "gray", ours: process, peer: "vips", ratio: 0.11},
	{job: "gray, progressive", ours: process, peer: "jpegtran", ratio: 0.30},
	{job: "scale -fast 1/4", ours: warm, peer: djpeg, ratio: 0.75, than: djpeg},
	{job: "scale 1/4", ours: warm, peer: sharp, ratio: 0.80, simd: 0.65, than: sharp, margin: -0.1},
	{job: "scale -fast 1/2", ours: warm, peer: djpeg, ratio: 1.2, simd: 0.95, than: djpeg},
	{job: "scale -fast 1/2", ours: warm, peer: sharp, ratio: 0.58, simd: 0.50, than: djpeg},
	{job: "scale 1/2", ours: warm, peer: sharp, ratio: 0.95, than: sharp, margin: 0.1},
	{job: "gray and scale -fast 1/4", ours: warm, peer: djpeg, ratio: 0.70, than: djpeg},
	{job: "gray and scale -fast 1/4", ours: byHTTP, peer: djpeg, ratio: 0.70, than: djpeg},
	{job: "gray and scale -fast 1/4", ours: warm, peer: sharp, ratio: 0.32, than: djpeg},
	{job: "gray and scale -fast 1/4", ours: cold, peer: djpeg, ratio: 0.85},
	{job: "gray", ours: process, peer: "Pillow", ratio: 0.32, bytes: 1.05, png: true},
	{job: "scale 1/4", ours: process, peer: "Pillow", ratio: 0.60, png: true},
	{job: "gray", ours: process, peer: "Pillow", ratio: 1, bytes: 1, png: true, picture: "palette.png"},
	{job: "gray", ours: process, peer: "Pillow", ratio: 1, bytes: 1, png: true, picture: "shot.png"},
}

const (
	djpeg    = "djpeg | cjpeg"
	sharp    = "sharp warm"
	cold     = "two filters"
	mostPeak = 20 << 20 // bytes of a whole filter, of a baseline JPEG
	leastPix = 10e6     // pixels of a picture that the bounds are for
)

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
	job, what, got, most string
	met                  bool
}

func (v verdict) mark() string {
	if v.met {
		return "PASS"
	}
	return "over"
}

// judge returns how the rows of a job are to its bounds. A bound whose peer is
// not installed has no verdict.
func judge(p picture, j job, rows []row, simd bool) (vs []verdict) {
	large := float64(p.w)*float64(p.h) >= leastPix
	for _, b := range bounds {
		ours, peer := pick(rows, b.ours), pick(rows, b.peer)
		if b.picture != p.name && (b.picture != "" || !large) || b.job != j.name || b.png == p.jpeg() || ours == nil || peer == nil {
			continue
		}
		most := b.ratio
		if simd && b.simd > 0 {
			most = b.simd
		}
		ratio := float64(ours.cpu) / float64(peer.cpu)
		v := verdict{job: j.name, what: ours.tool + " / " + peer.tool, got: fmt.Sprintf("%.2f", ratio), most: fmt.Sprintf("%.2f", most), met: ratio <= most}
		if than := pick(rows, b.than); b.than != "" {
			if than == nil {
				continue
			}
			least := than.psnr + b.margin
			v.got += fmt.Sprintf(" at %.2f dB", ours.psnr)
			v.most += fmt.Sprintf(" at %.2f dB or more", least)
			v.met = v.met && ours.psnr >= least
		}
		if b.bytes > 0 {
			size := float64(ours.bytes) / float64(peer.bytes)
			v.got += fmt.Sprintf(" at %.2f of its bytes", size)
			v.most += fmt.Sprintf(" at %.2f", b.bytes)
			v.met = v.met && size <= b.bytes
		}
		vs = append(vs, v)
	}
	if large && p.jpeg() && !p.progressive && j.kind != "both" {
		if r := pick(rows, process); r != nil {
			vs = append(vs, verdict{j.name, process + ", peak of the process", fmt.Sprintf("%.1f MiB", mib(r.peak)), fmt.Sprintf("%.0f MiB", mib(mostPeak)), r.peak <= mostPeak})
		}
	}
	return vs
}

// withSIMD reports whether the commands were built with Go's experiment simd.
func withSIMD(bin string) bool {
	info, err := buildinfo.ReadFile(filepath.Join(bin, "scale"))
	return err == nil && strings.Contains(info.GoVersion, "simd") // go1.26.8-X:simd
}
