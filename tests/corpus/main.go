// Corpus runs every file under some folders through the filters of bin/, and compares
// what they make of it with what other programs read.
//
//	go run ./tests/corpus [-bin folder] [-peers list] [-time limit] [-q] folder...
//
// Each file goes through gray, scale 1/3, and both in turn. A crash, more than 10 s or
// 1 GiB, a result that is empty or of the wrong size, and a result that an independent
// reader refuses are BAD. The exit status is 1 if anything is BAD.
//
// Then the file is read by the other programs that are installed (Pillow, vips, djpeg,
// dwebp, tiff2rgba, ImageMagick), and by scale 1. Differences are reported, not judged:
// who reads the file and who refuses it, pixels, size, orientation, frames, and whether
// a colour profile is kept. When the time limit is over, the remaining files are not
// compared.
//
// Each file has a line; at the end a table for each format counts the differences.
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"imgtools/tests/cost"
)

// compareTime is how long all comparisons may take by default: 10,000 files of a few
// megapixels take half of it on two CPUs.
const compareTime = time.Hour

func main() {
	cost.Main()
	bin := flag.String("bin", "bin", "`folder` of the commands")
	quiet := flag.Bool("q", false, "print only files that are BAD or that others read differently, and the tables")
	peers := flag.String("peers", "all", "programs to compare with: all, none, or a `list` with commas")
	limit := flag.Duration("time", compareTime, "`limit` of all comparisons; later files are not compared")
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	bad, err := corpus(*bin, flag.Args(), *peers, *limit, *quiet)
	if err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(2)
	}
	if bad > 0 {
		os.Exit(1)
	}
}

// report is the outcome for one file.
type report struct {
	path   string
	state  string // ok, refused, BAD
	text   string
	took   time.Duration // the longest of its runs
	memory int64         // the largest peak of its runs, bytes
	compared
}

func corpus(bin string, dirs []string, list string, limit time.Duration, quiet bool) (bad int, err error) {
	bin, err = filepath.Abs(bin)
	if err != nil {
		return 0, err
	}
	files, err := filesUnder(dirs)
	if err != nil {
		return 0, err
	}
	peers, err := installed(list)
	if err != nil {
		return 0, err
	}
	oracle, err := startOracle(bin)
	if err != nil {
		return 0, err
	}
	defer oracle.stop()

	reports := make([]chan report, len(files))
	for i := range reports {
		reports[i] = make(chan report, 1)
	}
	next := make(chan int)
	deadline := time.Now().Add(limit)
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			c := newComparer(bin, peers)
			defer c.stop()
			for i := range next {
				r := examine(bin, files[i], oracle)
				if len(peers) > 0 && time.Now().Before(deadline) {
					r.compared = c.compare(files[i])
				}
				reports[i] <- r
			}
		})
	}
	go func() {
		for i := range files {
			next <- i
		}
		close(next)
	}()
	count := map[string]int{}
	var slowest, largest report
	tables := newTables(peers)
	for i := range files {
		r := <-reports[i]
		count[r.state]++
		if r.took > slowest.took {
			slowest = r
		}
		if r.memory > largest.memory {
			largest = r
		}
		tables.add(&r)
		differences := r.differences()
		if !quiet || r.state == "BAD" || len(differences) > 0 {
			line := r.text
			if len(differences) > 0 {
				line += "; " + strings.Join(differences, "; ")
			}
			fmt.Printf("%-8s %s: %s\n", r.state, r.path, line)
		}
	}
	wg.Wait()
	tables.print(os.Stdout)
	fmt.Printf("%d files: %d ok, %d refused, %d bad; longest %.1f s (%s), most memory %d MiB (%s)\n", len(files),
		count["ok"], count["refused"], count["BAD"], slowest.took.Seconds(), filepath.Base(slowest.path), largest.memory>>20, filepath.Base(largest.path))
	return count["BAD"], nil
}

// filesUnder returns the regular files under folders.
func filesUnder(dirs []string) (files []string, err error) {
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// examine runs one file through gray, scale 1/3 and both.
func examine(bin, path string, oracle *oracle) report {
	r := report{path: path, state: "ok"}
	gray := start(bin, path, nil, "gray")
	scale := start(bin, path, nil, "scale", "1/3")
	both := outcome{err: gray.err, refused: gray.refused}
	if gray.err == nil && !gray.refused {
		both = start(bin, "", gray.out, "scale", "1/3")
	}
	for _, o := range []outcome{gray, scale, both} {
		r.took, r.memory = max(r.took, o.took), max(r.memory, o.memory)
		if o.err != nil {
			r.state, r.text = "BAD", o.err.Error()
			return r
		}
	}
	if gray.refused || scale.refused || both.refused {
		r.state = "refused"
		if gray.refused != scale.refused || both.refused != gray.refused {
			r.state = "BAD"
			r.text = fmt.Sprintf("gray: %s; scale: %s; both: %s", gray, scale, both)
			return r
		}
		kind, err := oracle.kind(path)
		if err != nil {
			r.state, r.text = "BAD", fmt.Sprintf("gray said %s, and grayd: %v", gray, err)
			return r
		}
		r.text = kind + ": " + gray.line
		return r
	}
	var sizes [3]size
	for i, o := range []outcome{gray, scale, both} {
		s, err := measure(o.out)
		if err != nil {
			r.state, r.text = "BAD", fmt.Sprintf("%s: another reader refuses the result: %v", []string{"gray", "scale 1/3", "gray, then scale 1/3"}[i], err)
			return r
		}
		sizes[i] = s
	}
	if g, s, b := sizes[0], sizes[1], sizes[2]; s.w != third(g.w) || s.h != third(g.h) || b.w != s.w || b.h != s.h || b.frames != g.frames {
		r.state = "BAD"
		r.text = fmt.Sprintf("gray is %v, scale 1/3 %v, both %v", g, s, b)
		return r
	}
	r.text = fmt.Sprintf("gray %v %d bytes, scaled %v %d, both %v %d", sizes[0], len(gray.out), sizes[1], len(scale.out), sizes[2], len(both.out))
	return r
}

// third is a third of a side, rounded, and at least 1.
func third(n int) int { return max((2*n+3)/6, 1) }
