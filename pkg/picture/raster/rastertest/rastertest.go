// Package rastertest is for the tests of picture packages: pictures made of
// samples, rows read back with every band checked, and the files that others
// test with. Only tests import it.
package rastertest

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"imgtools/pkg/picture/raster"
)

// Picture is rows of given samples of one plane, in bands of Band rows; Y is the
// next row. A band's stride is its own, and what lies between its rows is 7.
type Picture[T uint8 | uint16] struct {
	H       *raster.Header
	S       []T // H.W() × H.H() × samples of a pixel
	Y, Band int
}

func (p *Picture[T]) Header() *raster.Header { return p.H }

func (p *Picture[T]) Next() (*raster.Band, error) {
	if p.Y == p.H.H() {
		return nil, io.EOF
	}
	n := p.H.W() * p.H.Layout.Samples()
	b := &raster.Band{Y: p.Y}
	q := &b.Planes[0]
	q.Rows, q.Stride = min(p.Band, p.H.H()-p.Y), n+3
	for i := range q.Rows {
		for _, v := range append(p.S[(p.Y+i)*n:(p.Y+i+1)*n:(p.Y+i+1)*n], 7, 7, 7) {
			if p.H.Bits == 16 {
				q.Pix16 = append(q.Pix16, uint16(v))
			} else {
				q.Pix = append(q.Pix, uint8(v))
			}
		}
	}
	p.Y += q.Rows
	return b, nil
}

// Again returns the same picture from its first row on.
func (p *Picture[T]) Again() *Picture[T] {
	q := *p
	q.Y = 0
	return &q
}

// Noise returns n samples below top.
func Noise[T uint8 | uint16](rnd *rand.Rand, n, top int) []T {
	s := make([]T, n)
	for i := range s {
		s[i] = T(rnd.IntN(top))
	}
	return s
}

// Start begins to read what a format's Open returned, without hints.
func Start(r raster.Reader, err error) (raster.Rows, error) {
	if err != nil {
		return nil, err
	}
	return r.Rows(raster.Hint{})
}

// Samples reads all rows of one plane, as 16-bit numbers whatever Bits is. The
// error given is that of the call that gave src. Bands out of order or empty, and
// missing rows, are errors.
func Samples(src raster.Rows, err error) ([]uint16, error) {
	if err != nil {
		return nil, err
	}
	h := src.Header()
	n := h.W() * h.Layout.Samples()
	var out []uint16
	for y := 0; ; {
		b, err := src.Next()
		if err == io.EOF {
			if y != h.H() {
				return nil, fmt.Errorf("%d of %d rows", y, h.H())
			}
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		p := &b.Planes[0]
		if b.Y != y || p.Rows < 1 {
			return nil, fmt.Errorf("band of %d rows at %d, want one at %d", p.Rows, b.Y, y)
		}
		for i := range p.Rows {
			if h.Bits == 16 {
				out = append(out, p.Pix16[i*p.Stride:i*p.Stride+n]...)
				continue
			}
			for _, v := range p.Pix[i*p.Stride : i*p.Stride+n] {
				out = append(out, uint16(v))
			}
		}
		y += p.Rows
	}
}

// Pixels reads all rows as Samples does and returns red, green, blue and straight
// alpha of each pixel, of 16 bits: 8-bit samples times 257.
func Pixels(src raster.Rows, err error) ([][4]uint16, error) {
	s, err := Samples(src, err)
	if err != nil {
		return nil, err
	}
	h := src.Header()
	full, factor := uint16(255), uint16(257)
	if h.Bits == 16 {
		full, factor = 65535, 1
	}
	n := h.Layout.Samples()
	out := make([][4]uint16, len(s)/n)
	for i := range out {
		p := s[i*n : (i+1)*n]
		switch h.Layout {
		case raster.Gray:
			out[i] = [4]uint16{p[0], p[0], p[0], full}
		case raster.GrayA:
			out[i] = [4]uint16{p[0], p[0], p[0], p[1]}
		case raster.RGB:
			out[i] = [4]uint16{p[0], p[1], p[2], full}
		case raster.RGBA:
			out[i] = [4]uint16(p)
		case raster.Indexed:
			c := h.Palette[p[0]]
			out[i] = [4]uint16{uint16(c.R), uint16(c.G), uint16(c.B), uint16(c.A)}
		default:
			return nil, fmt.Errorf("no pixels in layout %v", h.Layout)
		}
		for j := range out[i] {
			out[i][j] *= factor
		}
	}
	return out, nil
}

// Colors is Pixels for pictures of 8 bits.
func Colors(src raster.Rows, err error) ([]color.NRGBA, error) {
	s, err := Pixels(src, err)
	if err != nil {
		return nil, err
	}
	if b := src.Header().Bits; b != 8 {
		return nil, fmt.Errorf("%d bits a sample, want 8", b)
	}
	out := make([]color.NRGBA, len(s))
	for i, p := range s {
		out[i] = color.NRGBA{uint8(p[0] >> 8), uint8(p[1] >> 8), uint8(p[2] >> 8), uint8(p[3] >> 8)}
	}
	return out, nil
}

// Same ends the test at the first pixel that is not as wanted.
func Same[T comparable](t testing.TB, name string, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d pixels, want %d", name, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: pixel %d is %v, want %v", name, i, got[i], want[i])
		}
	}
}

// Encoded returns what an encoder writes.
func Encoded(t testing.TB, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// File returns the bytes of a file.
func File(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// GoFiles returns the names of the files, at least least, that match a pattern
// within the source of Go's own packages.
func GoFiles(t testing.TB, pattern string, least int) []string {
	t.Helper()
	return files(t, filepath.Join(runtime.GOROOT(), "src", pattern), least)
}

// XImageFiles does so within golang.org/x/image.
func XImageFiles(t testing.TB, pattern string, least int) []string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/image").Output()
	if err != nil {
		t.Fatal(err)
	}
	return files(t, filepath.Join(strings.TrimSpace(string(dir)), pattern), least)
}

func files(t testing.TB, pattern string, least int) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) < least {
		t.Fatalf("%s: %d files, want %d; %v", pattern, len(names), least, err)
	}
	return names
}
