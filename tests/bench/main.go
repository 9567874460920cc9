// Bench measures gray and scale, alone, in a running service and beside every
// peer that is installed (tests/bench/peers.sh installs them). It has three
// tables:
//
//	go run ./tests/bench [-n runs] [file.jpg]...                  make bench
//	go run ./tests/bench -http [-url name=URL]... [file.jpg]...   make bench-http
//	go run ./tests/bench -growth                                  make bench-growth
//
// The first has CPU time, wall time, peak memory, bytes out and quality of every
// job on photographs, and the ratios to be met: PASS or over. The second has
// requests a second and CPU time a request through imgd, and what HTTP and the
// wire cost on top of the work. The third shows how time and memory grow from 1
// to 100 Mpixel. -markdown prints tables for the README after each.
//
// The photographs are given, or from Debian's package plasma-workspace-wallpapers,
// which is downloaded into the cache once, not installed. All programs under
// measurement have one core (taskset), the bench itself keeps off. Runs are
// interleaved: every tool once, then every tool again, so that a slow moment of
// the machine falls on all; medians are printed, and each tool's CPU time over
// that of our whole filter, the first row.
//
// PSNR: the reference is djpeg's decode of the input, resampled by Lanczos3 in
// float64 and rounded to 8 bit; the output is decoded by djpeg (or by the
// format's own reader); the mean over R, G and B, or Y for gray. A peer whose
// gray is another luma has "-".
//
// The exit status is 1 when something could not be measured, never for a figure.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"imgtools/tests/cost"
)

// bench is what to measure, and with what.
type bench struct {
	bin, cache string
	runs       int
	match      *regexp.Regexp // of pictures and jobs
	tools      *regexp.Regexp
	markdown   bool
	w          io.Writer

	servers    *servers
	peers      map[string]*service
	pillowPath string // its script
}

func main() {
	if os.Getenv(goPeer) != "" {
		serveGo()
		return
	}
	cost.Main()
	b := bench{w: os.Stdout}
	flag.StringVar(&b.bin, "bin", "bin", "folder of the commands")
	flag.StringVar(&b.cache, "cache", "bin/bench", "folder for photographs and results")
	flag.IntVar(&b.runs, "n", 7, "runs of each tool")
	flag.BoolVar(&b.markdown, "markdown", false, "tables for the README after the others")
	only := flag.String("only", "", "only what is `named` so, such as 'photo12.jpg gray'")
	tools := flag.String("tools", "", "only tools whose `name` matches, such as 'imgtools|sharp'")
	overHTTP := flag.Bool("http", false, "requests a second and CPU time a request through imgd")
	grow := flag.Bool("growth", false, "time and memory from 1 to 100 Mpixel")
	most := flag.Float64("mpixel", 100, "with -growth: the largest picture")
	seconds := flag.Float64("seconds", 5, "with -http: how long each measurement takes")
	var urls []string
	flag.Func("url", "with -http: a `name=URL` of a peer, fetched as often; may be given again", func(v string) error {
		if !strings.Contains(v, "=") {
			return errors.New("want name=URL")
		}
		urls = append(urls, v)
		return nil
	})
	flag.Parse()
	err := b.setUp(*only)
	if err == nil {
		b.tools, err = regexp.Compile(*tools)
	}
	if err == nil {
		switch {
		case *overHTTP:
			err = b.http(*seconds, flag.Args(), urls)
		case *grow:
			err = b.growth(*most)
		default:
			err = b.tables(flag.Args())
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// setUp makes paths absolute, for programs that run elsewhere.
func (b *bench) setUp(only string) (err error) {
	if b.match, err = regexp.Compile(only); err != nil {
		return err
	}
	if b.bin, err = filepath.Abs(b.bin); err != nil {
		return err
	}
	if b.cache, err = filepath.Abs(b.cache); err != nil {
		return err
	}
	os.Setenv("PATH", b.bin+":/usr/bin:/bin:"+os.Getenv("PATH"))
	if err := keepOff(); err != nil {
		return err
	}
	return os.MkdirAll(b.cache, 0o777)
}

// tables prints the first table for the JPEG files given, or for photographs.
func (b *bench) tables(files []string) (err error) {
	var pictures []picture
	if len(files) > 0 {
		pictures, err = given(b.cache, files)
	} else {
		pictures, err = prepare(b.cache)
	}
	if err != nil {
		return err
	}
	if b.servers, err = startOurs(); err != nil {
		return err
	}
	defer b.servers.stop()
	if b.peers, err = b.startPeers(); err != nil {
		return err
	}
	for _, s := range b.peers {
		defer s.stop()
	}
	b.pillowPath = filepath.Join(b.cache, "pillow.py")
	if err := os.WriteFile(b.pillowPath, []byte(pillowPy), 0o666); err != nil {
		return err
	}
	simd := withSIMD(b.bin)
	build := "plain build"
	if simd {
		build = "build with SIMD"
	}
	fmt.Fprintf(b.w, "%s; %s; %d runs each, one core, medians\n\n", machine(), build, b.runs)
	var results []result
	for _, p := range pictures {
		for _, j := range jobs {
			if !j.fits(p) || !b.match.MatchString(p.name+" "+j.name) {
				continue
			}
			rows, err := b.compare(p, j)
			if err != nil {
				return fmt.Errorf("%s %s: %w", p.name, j.name, err)
			}
			r := result{p, j, rows, judge(p, j, rows, simd)}
			r.print(b.w)
			results = append(results, r)
		}
	}
	if b.markdown {
		markdown(b.w, results)
	}
	return nil
}
