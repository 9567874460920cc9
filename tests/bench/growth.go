package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// kind is a sort of file, how it is made of grow.ppm, and what its filters may
// hold in memory at the most.
type kind struct {
	name, ext string
	make      func(g *grown, path string) error
	most      func(g *grown, fileBytes int64, out float64) float64 // bytes; out: of the output's samples
}

// grown is a generated square picture.
type grown struct {
	side int
	ppm  string
}

func (g *grown) pixels() float64 { return float64(g.side) * float64(g.side) }

// By rows, whatever the size.
func rows(*grown, int64, float64) float64 { return 64 << 20 }

// By rows, and the output held to be turned: as samples, or, where a JPEG is turned
// without decoding it, as coefficients, 2·8² + 8 bytes for a block of 64 samples.
func turned(_ *grown, _ int64, out float64) float64 { return 64<<20 + out*(2*64+8)/64 }

// The whole picture held: 4 bytes a pixel and the largest piece of the file.
func whole(piece float64) func(*grown, int64, float64) float64 {
	return func(g *grown, file int64, _ float64) float64 {
		return (4*g.pixels() + min(piece, float64(file))) * 1.3
	}
}

// Coefficients held: (2·8² + 8) bytes a coded block of 4:2:0, and 16 MiB.
func coefficients(g *grown, _ int64, _ float64) float64 {
	return (2*64+8)*g.pixels()*1.5/64 + 16<<20
}

// byShell makes a picture with a tool.
func byShell(line string) func(*grown, string) error {
	return func(g *grown, path string) error {
		return shell(filepath.Dir(path), strings.NewReplacer("$in", g.ppm, "$out", path).Replace(line))
	}
}

var kinds = []kind{
	{"JPEG", "jpg", byShell("cjpeg -quality 90 $in > $out"), rows},
	{"JPEG, progressive", "p.jpg", byShell("cjpeg -quality 90 -progressive $in > $out"), coefficients},
	{"JPEG, quarter turn", "t.jpg", func(g *grown, path string) error {
		return turnedJPEG(strings.TrimSuffix(path, "t.jpg")+"jpg", path)
	}, turned},
	{"PNG", "png", byShell("vips pngsave $in $out --compression 1"), rows},
	{"PNG, interlaced", "i.png", byShell("vips pngsave $in $out --compression 1 --interlace"), whole(8192)},
	{"PNM", "ppm", nil, rows},
	{"BMP", "bmp", func(g *grown, path string) error { return writeBMP(path, g.side) }, rows},
	{"GIF", "gif", func(g *grown, path string) error { return writeGIF(path, g.side) }, whole(255)},
	{"TIFF, strips", "s.tif", byShell("vips tiffsave $in $out --compression lzw --tile-height 128"), func(g *grown, file int64, out float64) float64 {
		return whole(3*128*float64(g.side))(g, math.MaxInt64, out) // a strip is so many rows, before compression
	}},
	{"TIFF, tiles", "t.tif", byShell("vips tiffsave $in $out --compression lzw --tile --tile-width 256 --tile-height 256"), whole(3 * 256 * 256)},
	{"WebP", "webp", byShell("cwebp -quiet -m 0 -q 80 $in -o $out"), whole(math.Inf(1))},
}

// growth prints the third table: gray and scale 1/4 of every format, of 1, 4, 25
// and 100 hundredths of most Mpixel: CPU time and peak memory of whole filters,
// the slope of the time from the least to the largest, how the time of a pixel of
// the largest is to that of one of a fourth of its size (1.00: linear), the bytes
// a pixel by which memory grows, and what the largest may hold. The pictures stay
// in the cache (2 GB for 100 Mpixel).
func (b *bench) growth(most float64) error {
	var gs []*grown
	dir := filepath.Join(b.cache, "growth")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, part := range []float64{0.01, 0.04, 0.25, 1} {
		side := int(math.Round(math.Sqrt(most * part * 1e6)))
		gs = append(gs, &grown{side: side, ppm: filepath.Join(dir, fmt.Sprintf("%d.ppm", side))})
	}
	fmt.Fprintf(b.w, "%s; medians of %d, one core\n", machine(), b.runs)
	for _, op := range []string{"gray", "scale 1/4"} {
		var lines []string
		for _, k := range kinds {
			if !b.match.MatchString(k.name + " " + op) {
				continue
			}
			if lines == nil {
				head := ""
				for _, g := range gs {
					head += fmt.Sprintf(" %8.4g", g.pixels()/1e6)
				}
				fmt.Fprintf(b.w, "\n%s\n%-20s %36s | %9s %6s | %36s | %9s %8s\n%-20s%36s | %9s %6s |%36s |\n", op,
					"", "CPU ms", "ms/Mpixel", "linear", "peak MiB", "bytes/px", "at most", "Mpixel", head, "", "", head)
			}
			line, err := b.grow(k, op, gs)
			if err != nil {
				return fmt.Errorf("%s of %s: %w", op, k.name, err)
			}
			lines = append(lines, line)
		}
		if b.markdown && lines != nil {
			last := gs[len(gs)-1].pixels() / 1e6
			fmt.Fprintf(b.w, "\n| %s | ms/Mpixel | linear | ms at %.4g Mpixel | peak MiB at %.4g | at %.4g | at most | |\n|---|---|---|---|---|---|---|---|\n%s\n",
				op, last, gs[0].pixels()/1e6, last, strings.Join(lines, "\n"))
		}
	}
	return nil
}

// grow measures one format, prints its line and returns it for Markdown.
func (b *bench) grow(k kind, op string, gs []*grown) (string, error) {
	out := filepath.Join(b.cache, "growth", "out")
	defer os.Remove(out)
	var cpu, peak []float64
	var bound float64
	for _, g := range gs {
		path := filepath.Join(b.cache, "growth", fmt.Sprintf("%d.%s", g.side, k.ext))
		if err := k.cached(g, path); err != nil {
			return "", err
		}
		var cpus []time.Duration
		var peaks []int64
		for range b.runs {
			r, err := runLine(op+" < $in > $out", path, out)
			if err != nil {
				return "", err
			}
			cpus, peaks = append(cpus, r.CPU), append(peaks, r.Peak)
		}
		cpu = append(cpu, ms(median(cpus)))
		peak = append(peak, float64(median(peaks)))
		fi, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		samples := g.pixels()
		if op != "gray" {
			samples = g.pixels() / 16 * 3
		}
		bound = k.most(g, fi.Size(), samples)
	}
	n := len(gs) - 1
	mega := func(i int) float64 { return gs[i].pixels() / 1e6 }
	slope := (cpu[n] - cpu[0]) / (mega(n) - mega(0))
	linear := cpu[n] / mega(n) / (cpu[n-1] / mega(n-1))
	perPixel := (peak[n] - peak[0]) / (mega(n) - mega(0)) / 1e6
	mark := "PASS"
	switch {
	case mega(n) < 25:
		mark = "-" // a process needs some memory for itself
	case peak[n] > bound:
		mark = "over"
	}
	times, peaks := "", ""
	for i := range gs {
		times += fmt.Sprintf(" %8.1f", cpu[i])
		peaks += fmt.Sprintf(" %8.1f", peak[i]/(1<<20))
	}
	fmt.Fprintf(b.w, "%-20s%36s | %9.2f %6.2f |%36s | %9.2f %8.1f %s\n", k.name, times, slope, linear, peaks, perPixel, bound/(1<<20), mark)
	return fmt.Sprintf("| %s | %.2f | %.2f | %.0f | %.1f | %.1f | %.0f | %s |", k.name, slope, linear, cpu[n], peak[0]/(1<<20), peak[n]/(1<<20), bound/(1<<20), mark), nil
}

// cached makes a picture unless it is there.
func (k kind) cached(g *grown, path string) error {
	there := func(p string) bool { _, err := os.Stat(p); return err == nil }
	if !there(g.ppm) {
		if err := writePPM(g.ppm+".part", g.side); err != nil {
			return err
		}
		if err := os.Rename(g.ppm+".part", g.ppm); err != nil {
			return err
		}
	}
	if there(path) {
		return nil
	}
	if strings.HasSuffix(path, ".t.jpg") {
		if err := kinds[0].cached(g, strings.TrimSuffix(path, "t.jpg")+"jpg"); err != nil {
			return err
		}
	}
	// Beside it, then renamed; tools go by the extension.
	part := filepath.Join(filepath.Dir(path), "part-"+filepath.Base(path))
	if err := k.make(g, part); err != nil {
		return err
	}
	return os.Rename(part, path)
}
