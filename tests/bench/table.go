package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// result is a job on a picture, measured.
type result struct {
	p    picture
	j    job
	rows []row
	vs   []verdict
}

// print writes the rows, and the bounds below them.
func (r result) print(w io.Writer) {
	fmt.Fprintf(w, "%s (%d×%d, %d bytes): %s\n", r.p.name, r.p.w, r.p.h, r.p.bytes, r.j.name)
	fmt.Fprintf(w, "  %-30s %8s %8s %8s %9s %10s %7s %7s\n", "", "CPU ms", "× ours", "wall ms", "peak MiB", "bytes out", "dB", "SSIM")
	for _, l := range r.rows {
		if l.err != nil {
			fmt.Fprintf(w, "  %-30s %v\n", l.tool, l.err)
			continue
		}
		peak := "-"
		if l.peak > 0 {
			peak = fmt.Sprintf("%.1f", mib(l.peak))
		}
		fmt.Fprintf(w, "  %-30s %8.1f %8.2f %8.1f %9s %10d %7s %7s\n", l.tool, ms(l.cpu), float64(l.cpu)/float64(r.rows[0].cpu), ms(l.wall), peak, l.bytes, l.db(), l.similarity())
	}
	for _, v := range r.vs {
		v.print(w)
	}
	fmt.Fprintln(w)
}

// columns of the table in Markdown, and the rows that a cell is of: the cheapest.
var columns = []struct {
	name  string
	tools []string
}{
	{"warm", []string{warm}},
	{"process", []string{process, cold}},
	{"jpegtran", []string{"jpegtran"}},
	{"djpeg, cjpeg", []string{djpeg}},
	{"sharp, warm", []string{sharp}},
	{"Pillow, warm", []string{"Pillow warm"}},
	{"Pillow", []string{"Pillow"}},
	{"vips", []string{"vips", vipsthumbnail}},
	{"ImageMagick", []string{"ImageMagick"}},
	{"GraphicsMagick", []string{"GraphicsMagick"}},
	{"netpbm", []string{"netpbm"}},
	{"Go, warm", []string{"Go warm"}},
}

// markdown writes tables for the README: CPU milliseconds with the quality.
func markdown(w io.Writer, results []result) {
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	for _, name := range pictureNames(results) {
		fmt.Fprintf(w, "\n| %s | %s |\n|%s\n", name, strings.Join(names, " | "), strings.Repeat("---|", len(names)+1))
		for _, r := range results {
			if r.p.name != name {
				continue
			}
			line := "| " + r.j.name + " |"
			for _, c := range columns {
				cell := ""
				for _, t := range c.tools {
					if l := pick(r.rows, t); l != nil {
						cell = fmt.Sprintf("%.0f", ms(l.cpu))
						if r.j.den > 1 && l.psnr > 0 {
							cell += fmt.Sprintf(" (%.1f dB)", l.psnr)
						}
					}
				}
				line += " " + cell + " |"
			}
			fmt.Fprintln(w, line)
		}
	}
}

// summary lists the bounds once more, in one table: those not met stand out there.
func summary(w io.Writer, vs []verdict) {
	if len(vs) == 0 {
		return
	}
	fmt.Fprintf(w, "\n| job | what | measured | want | |\n|---|---|---|---|---|\n")
	for _, v := range vs {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", v.job, strings.ReplaceAll(v.what, "|", `\|`), v.got, v.want, v.mark())
	}
}

func pictureNames(results []result) (names []string) {
	for _, r := range results {
		if !slices.Contains(names, r.p.name) {
			names = append(names, r.p.name)
		}
	}
	return names
}
