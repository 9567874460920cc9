package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// groups are the jobs of the chart, with the tools that a reader may have instead. A
// job that was not measured is left out, and so is a tool.
var groups = []struct {
	title, picture, job string
	tools               []chartTool
}{
	{"Gray of a JPEG of 12 megapixels: imgtools and jpegtran copy it, the others code it again", "photo12.jpg", "gray", []chartTool{
		{process, "imgtools"}, {"jpegtran", "jpegtran"}, {"Pillow", "Pillow"}, {"vips", "libvips"}, {"ImageMagick", "ImageMagick"},
		{warm, "imgtools, running"}, {sharp, "sharp, running"}}},
	{"The JPEG at a quarter of its width, each program at its defaults", "photo12.jpg", "scale 1/4, defaults", scalers},
	{"The JPEG at half its width, each program at its defaults", "photo12.jpg", "scale 1/2, defaults", scalers},
	{"Gray of a PNG of 12 megapixels", "photo12.png", "gray", pngTools},
	{"The PNG at a quarter of its width", "photo12.png", "scale 1/4", pngTools},
}

// chartTool is a row's tool, and its name in the chart.
type chartTool struct{ tool, name string }

var scalers = []chartTool{{process, "imgtools"}, {djpeg, "djpeg, cjpeg"}, {vipsthumbnail, "vipsthumbnail"}, {"Pillow", "Pillow"}, {"ImageMagick", "ImageMagick"},
	{warm, "imgtools, running"}, {sharp, "sharp, running"}}

var pngTools = []chartTool{{process, "imgtools"}, {"vips", "libvips"}, {vipsthumbnail, "vipsthumbnail"}, {"Pillow", "Pillow"}, {"ImageMagick", "ImageMagick"},
	{warm, "imgtools, running"}, {sharp, "sharp, running"}}

// Measures of the chart in pixels.
const (
	chartWidth = 880
	margin     = 20
	nameWidth  = 130 // of the names, which end where the bars begin
	timeX      = margin + nameWidth + 8
	timeWidth  = 370 // of the longest bar
	bytesX     = timeX + timeWidth + 95
	bytesWidth = 130
	lineHeight = 19
	barHeight  = 11
	titleSpace = 40
	headSpace  = 62
)

// style is the chart's look, light or dark as the reader's browser is.
const style = `
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.back { fill: #fff } .title { font-weight: 600; font-size: 13px } .dim { fill: #59636e }
.bar { fill: #b6bfc9 } .ours { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .back { fill: #0d1117 } .dim { fill: #9198a1 } .bar { fill: #4d5661 } .ours { fill: #4493f8 }
}
`

// chart draws CPU time and bytes of a run as bars: a group for each job, in which the
// longest bar is the most expensive tool's.
func (r run) chart(w io.Writer) error {
	var body strings.Builder
	text := func(x, y int, class, anchor, s string) {
		fmt.Fprintf(&body, `<text x="%d" y="%d" class="%s" text-anchor="%s">%s</text>`+"\n", x, y, class, anchor, escape(s))
	}
	bar := func(x, y int, class string, width float64) {
		fmt.Fprintf(&body, `<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" class="%s"/>`+"\n", x, y-barHeight+1, max(width, 1), barHeight, class)
	}
	text(margin, 26, "title", "start", "CPU time and size of the result: shorter is better. dB is how close the result is: more is better")
	text(margin, 46, "dim", "start", fmt.Sprintf("%s, one core, %s; medians of %d", shortMachine(r.Machine), r.Date.Format(time.DateOnly), r.Runs))
	y, drawn := headSpace, 0
	for _, g := range groups {
		k, ok := r.job(g.picture, g.job)
		if !ok {
			continue
		}
		var rows []keptRow
		var longest, largest float64
		for _, t := range g.tools {
			for _, l := range k.Rows {
				if l.Tool == t.tool {
					longest, largest = max(longest, l.CPU), max(largest, float64(l.Bytes))
					l.Tool = t.name
					rows = append(rows, l)
				}
			}
		}
		if len(rows) < 2 {
			continue
		}
		drawn++
		text(margin, y+24, "title", "start", g.title)
		y += titleSpace
		for _, l := range rows {
			class := "bar"
			if strings.HasPrefix(l.Tool, "imgtools") {
				class = "ours"
			}
			timeBar, bytesBar := l.CPU/longest*timeWidth, float64(l.Bytes)/largest*bytesWidth
			text(timeX-8, y+9, "", "end", l.Tool)
			bar(timeX, y+9, class, timeBar)
			text(timeX+int(timeBar)+6, y+9, "dim", "start", fmt.Sprintf("%.*f ms", decimals(l.CPU), l.CPU))
			bar(bytesX, y+9, class, bytesBar)
			text(bytesX+int(bytesBar)+6, y+9, "dim", "start", shortSize(l.Bytes)+likenessOf(l.PSNR))
			y += lineHeight
		}
	}
	if drawn == 0 {
		return fmt.Errorf("chart: the run has none of its jobs; it needs those of photo12.jpg and photo12.png")
	}
	height := y + margin
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">
<title>CPU time and size of the result, imgtools beside other programs</title>
<style>%s</style>
<rect width="%[1]d" height="%[2]d" class="back"/>
%[4]s</svg>
`, chartWidth, height, style, body.String())
	return err
}

// decimals is how many digits a time in milliseconds has behind its point.
func decimals(ms float64) int {
	if ms < 10 {
		return 1
	}
	return 0
}

// shortMachine is the processor alone.
func shortMachine(m string) string {
	m, _, _ = strings.Cut(strings.NewReplacer("(R)", "", "(TM)", "").Replace(m), " (")
	return m
}

func shortSize(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// likenessOf is the PSNR of a result that was compared and differs from the reference by
// more than rounding.
func likenessOf(psnr float64) string {
	const rounding = 80 // dB: a sample in 1500 differs by 1
	if psnr == 0 || psnr >= rounding {
		return ""
	}
	return fmt.Sprintf(", %.1f dB", psnr)
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // writing to a Builder does not fail
	return b.String()
}
