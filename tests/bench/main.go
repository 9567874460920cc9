// Bench measures gray, scale and both on photographs beside every peer that is
// installed: CPU time, wall time, peak memory, bytes out and quality, and what
// the service costs over two filters run by hand.
//
//	go run ./tests/bench [-bin folder] [-cache folder] [-n runs] [-only regexp]
//
// The photographs are from Debian's package plasma-workspace-wallpapers, which
// is downloaded into the cache once, not installed. Each tool has one core (the
// one that taskset gives it). Runs are interleaved: every tool once, then every
// tool again, so that a slow moment of the machine falls on all; medians are
// printed, and each peer's CPU time over ours.
//
// PSNR: the reference is djpeg's decode of the input, resampled by Lanczos3 in
// float64 and rounded to 8 bit; the output is decoded by djpeg (or by the
// format's own reader); the mean over R, G and B, or Y for gray. A peer whose
// gray is another luma has "-".
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"imgtools/tests/cost"
)

func main() {
	cost.Main()
	bin := flag.String("bin", "bin", "folder of the commands")
	cache := flag.String("cache", "bin/bench", "folder for photographs and results")
	runs := flag.Int("n", 7, "runs of each tool")
	only := flag.String("only", "", "only jobs and pictures whose `name` matches, such as 'photo12.jpg gray'")
	flag.Parse()
	if err := bench(*bin, *cache, *runs, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(bin, cache string, runs int, only string) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if bin, err = filepath.Abs(bin); err != nil {
		return err
	}
	if cache, err = filepath.Abs(cache); err != nil {
		return err
	}
	os.Setenv("PATH", bin+":/usr/bin:/bin:"+os.Getenv("PATH"))
	pictures, err := prepare(cache)
	if err != nil {
		return err
	}
	fmt.Printf("%s; %d runs each, one core, medians\n\n", machine(), runs)
	for _, p := range pictures {
		for _, j := range jobs {
			if !j.fits(p) || !match.MatchString(p.name+" "+j.name) {
				continue
			}
			rows, err := compare(p, j, cache, runs)
			if err != nil {
				return fmt.Errorf("%s %s: %w", p.name, j.name, err)
			}
			printTable(p, j, rows)
		}
	}
	if match.MatchString("composition") {
		return composition(bin, cache, pictures, runs)
	}
	return nil
}

func printTable(p picture, j job, rows []row) {
	fmt.Printf("%s (%d×%d, %d bytes): %s\n", p.name, p.w, p.h, p.bytes, j.name)
	fmt.Printf("  %-28s %8s %8s %8s %9s %10s %7s\n", "", "CPU ms", "× ours", "wall ms", "peak MiB", "bytes out", "dB")
	for _, r := range rows {
		if r.err != nil {
			fmt.Printf("  %-28s %v\n", r.tool, r.err)
			continue
		}
		fmt.Printf("  %-28s %8.1f %8.2f %8.1f %9.1f %10d %7s\n", r.tool, ms(r.cpu), float64(r.cpu)/float64(rows[0].cpu), ms(r.wall), float64(r.peak)/(1<<20), r.bytes, r.db)
	}
	fmt.Println()
}
