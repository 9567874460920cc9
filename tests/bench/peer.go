package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"image"
	"image/color"
	stddraw "image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/image/draw"
)

// Peers that are started once and then do picture after picture: they read lines
// `KIND WIDTH HEIGHT QUALITY ENCODER IN OUT`. KIND is gray, scale or both, or for sharp
// alone sizes, where WIDTH is a list and -WIDTH.jpg is put behind OUT. QUALITY 0 is
// the program's default, and then its other defaults count, too. ENCODER is usual or
// mozjpeg, which only sharp has.

const (
	usual   = "usual"
	mozjpeg = "mozjpeg"
)

//go:embed sharp.js
var sharpJS string

//go:embed pillow.py
var pillowPy string

// goPeer is the role of this program as one of them: Go's own image packages.
const goPeer = "IMGTOOLS_BENCH_GO"

// startPeers starts those that are installed and asked for, by name.
func (b *bench) startPeers() (map[string]*service, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir := sharpDir(b.cache)
	peers := map[string]*service{}
	for _, p := range []struct {
		name  string
		there bool
		env   string
		args  []string
	}{
		{"Go", true, goPeer + "=1", []string{self}},
		{"Pillow", pillow(), "PYTHONDONTWRITEBYTECODE=1", []string{"/usr/bin/python3", "-c", pillowPy}},
		{"sharp", dir != "", "NODE_PATH=" + filepath.Join(dir, "node_modules"), []string{"node", "-e", sharpJS}},
	} {
		if !p.there || !b.tools.MatchString(p.name) {
			continue
		}
		s, err := startPeer([]string{p.env}, p.args...)
		if err != nil {
			for _, s := range peers {
				s.stop()
			}
			return nil, err
		}
		peers[p.name] = s
	}
	return peers, nil
}

// sharpDir is the folder that npm has installed sharp in: $SHARP, or that of
// tests/bench/peers.sh; "" if there is none.
func sharpDir(cache string) string {
	if _, err := exec.LookPath("node"); err != nil {
		return ""
	}
	for _, dir := range []string{os.Getenv("SHARP"), filepath.Join(cache, "sharp")} {
		if _, err := os.Stat(filepath.Join(dir, "node_modules/sharp")); dir != "" && err == nil {
			return dir
		}
	}
	return ""
}

// servePeer reports whether the environment gives this process the role of a peer, and
// plays that role until the input ends.
func servePeer() bool {
	switch {
	case os.Getenv(goPeer) != "":
		answer(goLine)
	case os.Getenv(inflatePeer) != "":
		answer(inflateLine())
	default:
		return false
	}
	return true
}

// answer reads lines from standard input, does each, and prints ok or what was wrong.
func answer(do func(line string) error) {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := do(lines.Text()); err != nil {
			fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		fmt.Println("ok")
	}
}

// goLine does the job of a line with Go's standard library and x/image.
func goLine(line string) error {
	var kind, encoder, in, out string
	var w, h, quality int
	if _, err := fmt.Sscan(line, &kind, &w, &h, &quality, &encoder, &in, &out); err != nil {
		return err
	}
	return byGo(kind, w, h, quality, in, out)
}

func byGo(kind string, w, h, quality int, in, out string) error {
	f, err := os.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	m, _, err := image.Decode(bufio.NewReader(f))
	if err != nil {
		return err
	}
	if kind != "scale" {
		m = grayByGo(m)
	}
	if kind != "gray" {
		r := image.Rect(0, 0, w, h)
		var small stddraw.Image = image.NewRGBA(r)
		if kind == "both" {
			small = image.NewGray(r)
		}
		draw.CatmullRom.Scale(small, r, m, m.Bounds(), draw.Src, nil)
		m = small
	}
	to, err := os.Create(out)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(to)
	if filepath.Ext(out) == ".png" {
		err = png.Encode(b, m)
	} else {
		err = jpeg.Encode(b, m, &jpeg.Options{Quality: quality})
	}
	if err == nil {
		err = b.Flush()
	}
	if cerr := to.Close(); err == nil {
		err = cerr
	}
	return err
}

// grayByGo is the way of someone who knows the packages: the Y of a JPEG is gray
// already.
func grayByGo(m image.Image) image.Image {
	if y, ok := m.(*image.YCbCr); ok {
		return &image.Gray{Pix: y.Y, Stride: y.YStride, Rect: y.Rect}
	}
	g := image.NewGray(m.Bounds())
	if rgba, ok := m.(*image.RGBA); ok {
		for i := range g.Pix {
			p := rgba.Pix[4*i : 4*i+4]
			g.Pix[i] = color.GrayModel.Convert(color.RGBA{p[0], p[1], p[2], p[3]}).(color.Gray).Y
		}
		return g
	}
	stddraw.Draw(g, g.Rect, m, m.Bounds().Min, stddraw.Src)
	return g
}
