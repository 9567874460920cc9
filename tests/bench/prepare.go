package main

import (
	"bytes"
	"errors"
	"fmt"
	"image/jpeg"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"imgtools/tests/cost"
)

// picture is one input.
type picture struct {
	name        string // photo12.jpg
	path        string
	w, h        int
	bytes       int64
	ppm         string // djpeg's decode, or the pixels it was made of; "": quality isn't measured
	progressive bool
	artificial  bool // no photograph
}

func (p picture) jpeg() bool { return strings.HasSuffix(p.name, ".jpg") }

// prepare makes the inputs, unless the cache has them:
//
//	photo12.jpg   4032×3024, 4:2:0, quality 90: four photographs side by side,
//	              cut from 2560×1600 and not scaled, so that each pixel is one
//	photo12p.jpg  the same, progressive
//	photo2.jpg    1632×1224, cut from one photograph
//	photo12.png, photo2.png  the same pixels
//	palette.png  photo2 in 64 colours
//	shot.png     a manual page in a browser's window, where there is a Chromium
//	ui.png       4032×3024: windows, text and buttons as a desktop shows them
//	scan.png     4032×3024, 1 bit, gray: a page of text as a scanner makes it
//	ink.png      the same with a palette of two colours: its gray has another palette
//	drawing.png  4032×3024, RGBA: shapes with soft edges on nothing
func prepare(cache string) ([]picture, error) {
	if err := os.MkdirAll(cache, 0o777); err != nil {
		return nil, err
	}
	w := filepath.Join(cache, "x/usr/share/wallpapers")
	photo := func(name string) string { return filepath.Join(w, name, "contents/images/2560x1600.jpg") }
	make := []struct {
		name, line string
	}{
		{"photo12.ppm", "cut() { djpeg \"$1\" | pamcut -left 272 -top 44 -width 2016 -height 1512; }; " +
			"pnmcat -tb <(pnmcat -lr <(cut " + photo("OneStandsOut") + ") <(cut " + photo("EveningGlow") + ")) " +
			"<(pnmcat -lr <(cut " + photo("FallenLeaf") + ") <(cut " + photo("ColorfulCups") + "))"},
		{"photo2.ppm", "djpeg " + photo("FallenLeaf") + " | pamcut -left 464 -top 188 -width 1632 -height 1224"},
		{"photo12.jpg", "cjpeg -quality 90 photo12.ppm"},
		{"photo12p.jpg", "cjpeg -quality 90 -progressive photo12.ppm"},
		{"photo2.jpg", "cjpeg -quality 90 photo2.ppm"},
		{"photo2.png", "pnmtopng -quiet photo2.ppm"},
		{"photo12.png", "pnmtopng -quiet photo12.ppm"},
		{"palette.ppm", "pnmquant -quiet 64 photo2.ppm"},
		{"palette.png", "pnmtopng -quiet palette.ppm"},
	}
	if line := screenshot(); line != "" {
		make = append(make, struct{ name, line string }{"shot.ppm", line}, struct{ name, line string }{"shot.png", "pnmtopng -quiet shot.ppm"})
	}
	var ps []picture
	for _, a := range artificial {
		p := picture{name: a.name, path: filepath.Join(cache, a.name), w: artificialW, h: artificialH, artificial: true}
		if a.known {
			p.ppm = p.path + ".ppm"
		}
		var err error
		if p.bytes, err = fileSize(p.path); errors.Is(err, fs.ErrNotExist) {
			if err = writeArtificial(p, a.draw()); err == nil {
				p.bytes, err = fileSize(p.path)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.name, err)
		}
		ps = append(ps, p)
	}
	for _, m := range make {
		path := filepath.Join(cache, m.name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if err := wallpapers(cache); err != nil {
				return nil, err
			}
			// Beside it, then renamed: an interrupted run leaves no half a picture.
			if err := shell(cache, m.line+" > "+m.name+".part && mv "+m.name+".part "+m.name); err != nil {
				return nil, err
			}
		}
		if strings.HasSuffix(m.name, ".ppm") {
			continue
		}
		n, err := fileSize(path)
		if err != nil {
			return nil, err
		}
		p := picture{name: m.name, path: path, w: 4032, h: 3024, bytes: n, progressive: strings.Contains(m.name, "p.jpg")}
		if !strings.HasPrefix(m.name, "photo12") {
			p.w, p.h = 1632, 1224
		}
		p.ppm = strings.TrimSuffix(path, ".png") + ".ppm"
		if p.jpeg() {
			p.ppm = path + ".ppm"
			if err := shell(cache, "djpeg -outfile "+p.ppm+" "+path); err != nil {
				return nil, err
			}
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// photographs are those of 2560×1600 in the wallpapers, without their metadata: a
// profile or an orientation would have peers change the colours or the size.
func photographs(cache string) (ps []picture, err error) {
	for _, name := range []string{"BytheWater", "ColdRipple", "ColorfulCups", "DarkestHour", "EveningGlow", "FallenLeaf", "Grey", "Kite", "OneStandsOut", "Path", "summer_1am"} {
		p := picture{name: name + ".jpg", path: filepath.Join(cache, name+".jpg"), w: 2560, h: 1600}
		p.ppm = p.path + ".ppm"
		if _, err := os.Stat(p.path); errors.Is(err, fs.ErrNotExist) {
			if err := wallpapers(cache); err != nil {
				return nil, err
			}
			from := filepath.Join(cache, "x/usr/share/wallpapers", name, "contents/images/2560x1600.jpg")
			if err := shell(cache, fmt.Sprintf("jpegtran -copy none %s > part.jpg && djpeg -rgb -outfile %s part.jpg && mv part.jpg %s", from, p.ppm, p.path)); err != nil {
				return nil, err
			}
		}
		if p.bytes, err = fileSize(p.path); err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// fileSize returns the bytes of a file.
func fileSize(path string) (int64, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

// screenshot returns a line that writes the manual page imgtools.7 as a browser shows
// it to standard output, as PPM; "" where that can't be.
func screenshot() string {
	page, err := filepath.Abs("man/imgtools.7")
	if err != nil {
		return ""
	}
	for _, f := range []string{page, "/usr/bin/mandoc", "/usr/bin/chromium"} {
		if _, err := os.Stat(f); err != nil {
			return ""
		}
	}
	return "{ mandoc -T html " + page + " > page.html && /usr/bin/chromium --headless --no-sandbox --disable-gpu --hide-scrollbars " +
		"--user-data-dir=$PWD/profile --window-size=1632,1224 --screenshot=$PWD/window.png file://$PWD/page.html >&2 && " +
		"pngtopnm -mix -background=white window.png && rm -r page.html window.png profile; }"
}

// wallpapers unpacks Debian's package into the cache.
func wallpapers(cache string) error {
	if _, err := os.Stat(filepath.Join(cache, "x/usr/share/wallpapers/FallenLeaf")); err == nil {
		return nil
	}
	const name = "plasma-workspace-wallpapers"
	if debs, _ := filepath.Glob(filepath.Join(cache, name+"_*.deb")); len(debs) == 0 {
		fmt.Fprintf(os.Stderr, "downloading %s (94 MB) into %s\n", name, cache)
		if err := shell(cache, "apt-get -qq download "+name); err != nil {
			return fmt.Errorf("%w; the photographs are in Debian's package %s: put the .deb into %s", err, name, cache)
		}
	}
	return shell(cache, "dpkg-deb -x "+name+"_*.deb x")
}

// shell runs a line of bash in dir.
func shell(dir, line string) error {
	c := exec.Command("bash", "-c", "set -o pipefail; "+line)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%.60s: %w %s", line, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// machine names the processor and the kernel.
func machine() string {
	cpu := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		field := func(name string) string {
			if m := regexp.MustCompile(`(?m)^` + name + `\s*: (.*)`).FindSubmatch(b); m != nil {
				return strings.Join(strings.Fields(string(m[1])), " ")
			}
			return "unknown"
		}
		// A virtual machine's name may say no more than the maker.
		cpu = fmt.Sprintf("%s (family %s, model %s)", field("model name"), field("cpu family"), field("model"))
	}
	var u syscall.Utsname
	syscall.Uname(&u)
	release := make([]byte, 0, len(u.Release))
	for _, c := range u.Release {
		if c == 0 {
			break
		}
		release = append(release, byte(c))
	}
	version, _ := exec.Command("go", "env", "GOVERSION").Output()
	return fmt.Sprintf("%s, Linux %s, %s", cpu, release, strings.TrimSpace(string(version)))
}

// given makes pictures of JPEG files.
func given(cache string, files []string) (ps []picture, err error) {
	for i, f := range files {
		p := picture{name: filepath.Base(f), ppm: filepath.Join(cache, fmt.Sprintf("given%d.ppm", i))}
		if p.path, err = filepath.Abs(f); err != nil {
			return nil, err
		}
		b, err := os.ReadFile(p.path)
		if err != nil {
			return nil, err
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		p.w, p.h, p.bytes = c.Width, c.Height, int64(len(b))
		p.progressive = bytes.Contains(b, []byte{0xff, 0xc2, 0, 17}) // SOF2 of three components
		if p.name = strings.TrimSuffix(p.name, filepath.Ext(p.name)) + ".jpg"; strings.ContainsAny(p.path+cache, " '\"$") {
			return nil, fmt.Errorf("%s: a path with spaces or quotes", p.path)
		}
		if err := shell(cache, "djpeg -outfile "+p.ppm+" "+p.path); err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// keepOff binds this process to the cores that are not measured on, where there
// are others.
func keepOff() error {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return err
	}
	if n, _ := strconv.Atoi(core); set.Count() > 1 {
		set.Clear(n)
	}
	return cost.Bind(os.Getpid(), &set)
}
