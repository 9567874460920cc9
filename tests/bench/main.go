// Bench measures gray and scale, alone, in a running service and beside every
// peer that is installed (tests/bench/peers.sh installs them). It has three
// tables:
//
//	go run ./tests/bench [-n runs] [-only regexp] [file.jpg]...   make bench
//	go run ./tests/bench -http [-url name=URL]... [file.jpg]...   make bench-http
//	go run ./tests/bench -growth                                  make bench-growth
//
// The first has CPU time, wall time, peak memory, bytes out and quality of every
// job on photographs and on artificial pictures: with JPEGs of quality 85, then with
// each program's own defaults. Our build without vector code is measured beside the
// other. Then come the bytes of JPEG at defaults and at equal quality, and WebP beside
// libwebp's programs. Each figure to be met stands below its rows, with the ratio
// measured: PASS or over; at the end they stand together. The second table has requests
// a second and CPU time a request through imgd, and what HTTP and the wire cost on top
// of the work. The third shows how time and memory grow from 1 to 100 Mpixel.
//
// A run of the first is kept in bin/bench/last.json. The chart of README.md and the
// tables of imgbench(7) are drawn from it, then or later:
//
//	go run ./tests/bench -from bin/bench/last.json -svg tests/testdata/figures.svg -man man/imgbench.7   make figures
//
// -only takes a pattern of picture and job, as the tables' titles have them:
//
//	-only 'photo12.jpg scale'     'defaults'     'JPEG bytes'     'FallenLeaf.jpg JPEG bytes, 1/4'     'photo12.jpg four sizes'
//	-only 'Kite.jpg WebP, lossy'     'WebP, lossless'     'WebP, decoded'     'photo12.jpg WebP 1/4'
//
// The photographs are given, or from Debian's package plasma-workspace-wallpapers,
// which is downloaded into the cache once, not installed. All programs under
// measurement have one core (taskset), the bench itself keeps off. Runs are
// interleaved: every tool once, then every tool again, so that a slow moment of
// the machine falls on all; medians are printed, and each tool's CPU time over
// that of our whole filter, the first row. A bound's ratio is the median of the
// ratios of these turns.
//
// PSNR: the reference is djpeg's decode of the input, resampled by Lanczos3 in
// float64 and rounded to 8 bit; the output is decoded by djpeg (or by the
// format's own reader); the mean over R, G and B, or Y for gray. SSIM: between the
// same two, of Rec. 601 luma, see ssim.go. A peer whose gray is another luma has "-".
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
	"time"

	"imgtools/tests/cost"
)

// bench is what to measure, and with what.
type bench struct {
	bin, cache string
	plain      string // folder of the plain build; "": none, or bin has it
	runs       int
	match      *regexp.Regexp // of pictures and jobs
	tools      *regexp.Regexp
	markdown   bool
	w          io.Writer

	servers    *servers
	peers      map[string]*service
	pillowPath string // its script
	refs       map[refKey]planes
	out        string // folder of results, of this run alone
	verdicts   []verdict
	results    []result
}

func main() {
	if servePeer() {
		return
	}
	cost.Main()
	b := bench{w: os.Stdout}
	plainBin := flag.String("plain", "bin/bench/plain", "folder of the commands built without SIMD")
	flag.StringVar(&b.bin, "bin", "bin", "folder of the commands")
	flag.StringVar(&b.cache, "cache", "bin/bench", "folder for photographs and results")
	flag.IntVar(&b.runs, "n", 7, "runs of each tool")
	flag.BoolVar(&b.markdown, "markdown", false, "tables in Markdown after the others")
	var f figures
	flag.StringVar(&f.from, "from", "", "measure nothing, take the run in this `file`")
	flag.StringVar(&f.to, "json", "", "keep the run in this `file` (default last.json in -cache)")
	flag.StringVar(&f.svg, "svg", "", "draw the chart of README.md into this `file`")
	flag.StringVar(&f.man, "man", "", "write the tables into this manual page, a `file`")
	flag.Func("put", "with -man: the table that make faults, or -http -markdown, has printed: `name=FILE`; may be given again", f.addTable)
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
	if f.from != "" || len(f.tables) > 0 {
		if err := f.redraw(b.w); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	err := b.setUp(*only, *plainBin)
	if err == nil {
		b.tools, err = regexp.Compile(*tools)
	}
	if err == nil {
		switch {
		case *overHTTP:
			if err = b.http(*seconds, flag.Args(), urls); err == nil {
				err = b.files(time.Duration(*seconds * float64(time.Second)))
			}
		case *grow:
			err = b.growth(*most)
		default:
			if err = b.tables(flag.Args()); err == nil && len(b.results) > 0 {
				err = f.keep(b.kept(b.results), b.cache)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// setUp makes paths absolute, for programs that run elsewhere.
func (b *bench) setUp(only, plainBin string) (err error) {
	b.refs = map[refKey]planes{}
	if b.match, err = regexp.Compile(only); err != nil {
		return err
	}
	if b.bin, err = filepath.Abs(b.bin); err != nil {
		return err
	}
	if b.cache, err = filepath.Abs(b.cache); err != nil {
		return err
	}
	if withSIMD(b.bin) {
		if _, err := os.Stat(filepath.Join(plainBin, "scale")); err == nil {
			if b.plain, err = filepath.Abs(plainBin); err != nil {
				return err
			}
		}
	}
	os.Setenv("PATH", b.bin+":/usr/bin:/bin:"+os.Getenv("PATH"))
	if err := keepOff(); err != nil {
		return err
	}
	return os.MkdirAll(b.cache, 0o777)
}

// build says how the commands were built.
func (b *bench) build() string {
	if withSIMD(b.bin) {
		return "build with SIMD"
	}
	return "plain build"
}

// tables prints the first table for the JPEG files given, or for photographs.
func (b *bench) tables(files []string) (err error) {
	var pictures, photos []picture
	if len(files) > 0 {
		pictures, err = given(b.cache, files)
		photos = pictures
	} else if pictures, err = prepare(b.cache); err == nil {
		photos, err = photographs(b.cache)
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
	if b.out, err = os.MkdirTemp(b.cache, "out-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.out)
	b.pillowPath = filepath.Join(b.out, "pillow.py")
	if err := os.WriteFile(b.pillowPath, []byte(pillowPy), 0o666); err != nil {
		return err
	}
	if withSIMD(b.bin) && b.plain == "" {
		fmt.Fprintln(b.w, "the plain build is not measured: there is none in", "bin/bench/plain")
	}
	fmt.Fprintf(b.w, "%s; %s; %d runs each, one core, medians\n\n", machine(), b.build(), b.runs)
	for _, p := range pictures {
		for _, j := range jobs {
			if !j.fits(p) || !b.match.MatchString(p.name+" "+j.name) {
				continue
			}
			rows, err := b.compare(p, j)
			if err != nil {
				return fmt.Errorf("%s %s: %w", p.name, j.name, err)
			}
			r := result{p, j, rows, judge(p, j, rows)}
			r.print(b.w)
			b.results = append(b.results, r)
			b.verdicts = append(b.verdicts, r.vs...)
		}
	}
	if err := b.equal(photos); err != nil {
		return err
	}
	if err := b.stills(photos, pictures); err != nil {
		return err
	}
	if err := b.animation(photos); err != nil {
		return err
	}
	if err := b.inflate(pictures); err != nil {
		return err
	}
	if err := b.sizes(pictures); err != nil {
		return err
	}
	if b.markdown {
		markdown(b.w, b.results)
	}
	summary(b.w, b.verdicts)
	return nil
}
