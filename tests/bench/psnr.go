package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"os/exec"
	"strings"
)

// planes is a picture of 1 or 3 planes of w × h.
type planes struct {
	w, h int
	p    [][]float64
}

// readPNM reads P4, or P5 or P6 with a maxval of 255.
func readPNM(b []byte) (m planes, err error) {
	r := bufio.NewReader(bytes.NewReader(b))
	var magic string
	var maxval int
	if _, err = fmt.Fscan(r, &magic, &m.w, &m.h); err != nil {
		return m, err
	}
	if magic == "P4" { // rows of whole bytes, 1 is black
		r.ReadByte()
		stride := (m.w + 7) / 8
		bits := make([]byte, stride*m.h)
		_, err = io.ReadFull(r, bits)
		p := make([]float64, m.w*m.h)
		for i := range p {
			if x := i % m.w; bits[i/m.w*stride+x/8]>>(7-x%8)&1 == 0 {
				p[i] = 255
			}
		}
		m.p = [][]float64{p}
		return m, err
	}
	if _, err = fmt.Fscan(r, &maxval); err != nil {
		return m, err
	}
	n := map[string]int{"P5": 1, "P6": 3}[magic]
	if n == 0 || maxval != 255 {
		return m, fmt.Errorf("%s with maxval %d", magic, maxval)
	}
	r.ReadByte()
	raw := make([]byte, m.w*m.h*n)
	if _, err = io.ReadFull(r, raw); err != nil {
		return m, err
	}
	m.p = make([][]float64, n)
	for c := range n {
		m.p[c] = make([]float64, m.w*m.h)
		for i := range m.p[c] {
			m.p[c][i] = float64(raw[i*n+c])
		}
	}
	return m, nil
}

// load decodes a file: JPEG by djpeg, PNG by pngtopnm. gray asks djpeg for Y
// alone and takes Rec. 601 luma of a PNG's colours.
func load(path string, gray bool) (planes, error) {
	line := []string{"pngtopnm", path}
	switch {
	case strings.HasSuffix(path, ".ppm"):
		line = []string{"cat", path}
	case strings.HasSuffix(path, ".jpg") && gray:
		line = []string{"djpeg", "-grayscale", path}
	case strings.HasSuffix(path, ".jpg"):
		line = []string{"djpeg", path}
	}
	out, err := exec.Command(line[0], line[1:]...).Output()
	if err != nil {
		return planes{}, fmt.Errorf("%s: %w", line[0], err)
	}
	m, err := readPNM(out)
	if err == nil && gray && len(m.p) == 3 {
		y := m.luma()
		for i, v := range y {
			y[i] = math.Round(v)
		}
		m.p = [][]float64{y}
	}
	return m, err
}

// refKey names a reference: jobs of one size share it.
type refKey struct {
	path     string
	gray     bool
	num, den int
}

// reference returns what a perfect tool would give: the input, gray if asked,
// resampled by Lanczos3 in float64, rounded to 8 bit. It has no planes for a picture
// whose pixels are not known. Those of one picture are kept for its other jobs.
func (b *bench) reference(p picture, j job) (planes, error) {
	if p.ppm == "" {
		return planes{}, nil
	}
	key := refKey{p.path, j.gray(), j.num, j.den}
	if m, ok := b.refs[key]; ok {
		return m, nil
	}
	for k := range b.refs {
		if k.path != p.path {
			delete(b.refs, k)
		}
	}
	m, err := p.reference(j)
	if err == nil {
		b.refs[key] = m
	}
	return m, err
}

func (p picture) reference(j job) (planes, error) {
	path := p.ppm
	if p.jpeg() && j.gray() {
		path = p.path // djpeg -grayscale: Y as it is stored
	}
	m, err := load(path, j.gray())
	if err != nil || j.den == 1 {
		return m, err
	}
	w, h := j.goal(p)
	for c := range m.p {
		m.p[c] = lanczos(lanczos(m.p[c], m.w, m.h, w), m.h, w, h)
		for i, v := range m.p[c] {
			m.p[c][i] = max(0, min(255, math.Round(v)))
		}
	}
	m.w, m.h = w, h
	return m, nil
}

// lanczos resamples the rows of a w × h plane to n samples, and turns it: the
// result is h × n, so that a second call does the columns.
func lanczos(src []float64, w, h, n int) []float64 {
	dst := make([]float64, n*h)
	step := float64(w) / float64(n)
	wide := max(step, 1) // the kernel widens when it shrinks
	for x := range n {
		centre := (float64(x)+0.5)*step - 0.5
		lo, hi := int(math.Ceil(centre-3*wide)), int(math.Floor(centre+3*wide))
		weights, sum := make([]float64, hi-lo+1), 0.0
		for i := range weights {
			weights[i] = sinc3((float64(lo+i) - centre) / wide)
			sum += weights[i]
		}
		for y := range h {
			v := 0.0
			row := src[y*w : (y+1)*w]
			for i, k := range weights {
				v += k * row[max(0, min(w-1, lo+i))]
			}
			dst[x*h+y] = v / sum
		}
	}
	return dst
}

// sinc3 is the Lanczos kernel of 3 lobes.
func sinc3(x float64) float64 {
	if x == 0 {
		return 1
	}
	if x <= -3 || x >= 3 {
		return 0
	}
	x *= math.Pi
	return 3 * math.Sin(x) * math.Sin(x/3) / (x * x)
}

// likeness compares a file with the reference: PSNR, and SSIM of luma.
func likeness(path string, ref planes) (dB, similarity float64, err error) {
	m, err := load(path, len(ref.p) == 1)
	if err != nil {
		return 0, 0, err
	}
	if len(m.p) == 1 && len(ref.p) == 3 { // a picture without colour, written as gray
		m.p = [][]float64{m.p[0], m.p[0], m.p[0]}
	}
	if m.w != ref.w || m.h != ref.h || len(m.p) != len(ref.p) {
		return 0, 0, fmt.Errorf("%d×%d with %d planes, want %d×%d with %d", m.w, m.h, len(m.p), ref.w, ref.h, len(ref.p))
	}
	similarity, err = ssim(m.luma(), ref.luma(), m.w, m.h)
	return psnr(m, ref), similarity, err
}

// psnr is the mean of the planes' PSNR in dB, "inf" being 99.
func psnr(m, ref planes) float64 {
	total := 0.0
	for c := range m.p {
		sum := 0.0
		for i, v := range m.p[c] {
			d := v - ref.p[c][i]
			sum += d * d
		}
		if sum == 0 {
			total += 99
			continue
		}
		total += 10 * math.Log10(255*255*float64(len(m.p[c]))/sum)
	}
	return total / float64(len(m.p))
}
