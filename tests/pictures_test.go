package tests

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	_ "golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// goImages is the folder of test pictures that come with Go.
func goImages(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "src", "image")
}

// xImages returns the folder of test pictures that come with x/image.
var xImages = sync.OnceValues(func() (string, error) {
	c := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/image")
	c.Dir = root
	out, err := c.Output()
	return filepath.Join(strings.TrimSpace(string(out)), "testdata"), err
})

// photo returns the pixels of a photograph-like picture of w × h: soft shapes,
// edges and grain, the same for the same arguments.
func photo(w, h int, seed uint64) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 7))
	type blob struct{ x, y, s, r, g, b float64 }
	blobs := make([]blob, 12)
	for i := range blobs {
		blobs[i] = blob{r.Float64() * float64(w), r.Float64() * float64(h), (0.05 + 0.3*r.Float64()) * float64(w+h) / 2,
			r.Float64()*300 - 100, r.Float64()*300 - 100, r.Float64()*300 - 100}
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			cr, cg, cb := 60+80*float64(y)/float64(h), 70.0, 130-80*float64(y)/float64(h)
			for _, b := range blobs {
				d := ((float64(x)-b.x)*(float64(x)-b.x) + (float64(y)-b.y)*(float64(y)-b.y)) / (b.s * b.s)
				if d < 9 {
					e := math.Exp(-d)
					cr, cg, cb = cr+e*b.r, cg+e*b.g, cb+e*b.b
				}
			}
			if (x/37+y/23)%7 == 0 {
				cr, cg, cb = cr*0.6, cg*0.7, cb*0.8
			}
			n := r.NormFloat64() * 3
			m.SetRGBA(x, y, color.RGBA{clamp(cr + n), clamp(cg + n), clamp(cb + n), 255})
		}
	}
	return m
}

func clamp(v float64) uint8 { return uint8(max(0, min(255, math.Round(v)))) }

// save writes m to dir/name in the format of the name's extension.
func save(t testing.TB, dir, name string, m image.Image) string {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch filepath.Ext(name) {
	case ".png":
		err = png.Encode(&b, m)
	case ".jpg", ".jpeg":
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 90})
	case ".gif":
		p := image.NewPaletted(m.Bounds(), palette.Plan9)
		draw.FloydSteinberg.Draw(p, m.Bounds(), m, m.Bounds().Min)
		err = gif.Encode(&b, p, nil)
	case ".tiff":
		err = tiff.Encode(&b, m, nil)
	case ".ppm":
		fmt.Fprintf(&b, "P6\n%d %d\n255\n", m.Bounds().Dx(), m.Bounds().Dy())
		for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
			for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
				c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
				b.Write([]byte{c.R, c.G, c.B})
			}
		}
	default:
		t.Fatalf("no writer for %s", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return write(t, dir, name, b.Bytes())
}

func write(t testing.TB, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// clouds is the photograph-like JPEG of 1200 × 800 that the checkout carries.
func clouds(t testing.TB) string { return filepath.Join(root, "tests", "testdata", "clouds.jpg") }

// decode reads a picture by Go's own packages, PNM and PAM by the reader below,
// and returns it with the format's name.
func decode(t testing.TB, b []byte) (image.Image, string) {
	t.Helper()
	var m image.Image
	format := "pnm"
	var err error
	if len(b) > 2 && b[0] == 'P' && b[1] >= '1' && b[1] <= '7' {
		m, err = decodePNM(b)
	} else {
		m, format, err = image.Decode(bytes.NewReader(b))
		if err != nil && strings.Contains(err.Error(), "unsupported feature") { // x/image has no gray with alpha
			c := exec.Command("/usr/bin/convert", "-", "png:-")
			c.Stdin = bytes.NewReader(b)
			var out []byte
			if out, err = c.Output(); err == nil {
				m, err = png.Decode(bytes.NewReader(out))
				format = "tiff"
			}
		}
	}
	if err != nil {
		t.Fatalf("the answer is no picture: %v: %.80q", err, b)
	}
	return m, format
}

// decodePNM reads P5, P6 and P7 with 8-bit samples.
func decodePNM(b []byte) (image.Image, error) {
	r := bufio.NewReader(bytes.NewReader(b))
	magic := make([]byte, 2)
	io.ReadFull(r, magic)
	f := map[string]int{}
	if string(magic) == "P7" {
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return nil, err
			}
			k, v, _ := strings.Cut(strings.TrimSpace(line), " ")
			if k == "ENDHDR" {
				break
			}
			f[k], _ = strconv.Atoi(v)
		}
	} else {
		f["DEPTH"] = map[string]int{"P5": 1, "P6": 3}[string(magic)]
		var w, h, m int
		if _, err := fmt.Fscan(r, &w, &h, &m); err != nil {
			return nil, err
		}
		r.ReadByte()
		f["WIDTH"], f["HEIGHT"], f["MAXVAL"] = w, h, m
	}
	w, h, d := f["WIDTH"], f["HEIGHT"], f["DEPTH"]
	if w <= 0 || h <= 0 || d < 1 || d > 4 || f["MAXVAL"] != 255 || w*h > 1e8 {
		return nil, fmt.Errorf("%s header %v", magic, f)
	}
	raw := make([]byte, w*h*d)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		p, c := raw[i*d:], color.NRGBA{A: 255}
		switch d {
		case 1, 2:
			c.R, c.G, c.B = p[0], p[0], p[0]
		default:
			c.R, c.G, c.B = p[0], p[1], p[2]
		}
		if d == 2 || d == 4 {
			c.A = p[d-1]
		}
		m.SetNRGBA(i%w, i/w, c)
	}
	return m, nil
}

// compare returns the largest difference of any sample and the PSNR over R, G
// and B of two pictures of one size; alpha must be the same within 1.
func compare(t testing.TB, a, b image.Image) (worst int, psnr float64) {
	t.Helper()
	if a.Bounds().Size() != b.Bounds().Size() {
		t.Fatalf("sizes differ: %v and %v", a.Bounds().Size(), b.Bounds().Size())
	}
	sum, n := 0.0, 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			p := color.NRGBAModel.Convert(a.At(a.Bounds().Min.X+x, a.Bounds().Min.Y+y)).(color.NRGBA)
			q := color.NRGBAModel.Convert(b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y)).(color.NRGBA)
			if d := int(p.A) - int(q.A); d < -1 || d > 1 {
				t.Fatalf("alpha at %d,%d: %d and %d", x, y, p.A, q.A)
			}
			for _, d := range [3]int{int(p.R) - int(q.R), int(p.G) - int(q.G), int(p.B) - int(q.B)} {
				worst = max(worst, d, -d)
				sum, n = sum+float64(d*d), n+1
			}
		}
	}
	if sum == 0 {
		return 0, math.Inf(1)
	}
	return worst, 10 * math.Log10(255*255/(sum/float64(n)))
}

// blankPNG returns a valid w × h PNG of 1-bit gray, all black, by writing the
// chunks itself: a bomb is small.
func blankPNG(w, h int) []byte {
	var z bytes.Buffer
	zw, _ := zlib.NewWriterLevel(&z, zlib.BestSpeed)
	row := make([]byte, 1+(w+7)/8)
	for range h {
		zw.Write(row)
	}
	zw.Close()
	ihdr := binary.BigEndian.AppendUint32(nil, uint32(w))
	ihdr = binary.BigEndian.AppendUint32(ihdr, uint32(h))
	ihdr = append(ihdr, 1, 0, 0, 0, 0)
	b := []byte("\x89PNG\r\n\x1a\n")
	for _, c := range []struct {
		name string
		data []byte
	}{{"IHDR", ihdr}, {"IDAT", z.Bytes()}, {"IEND", nil}} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(c.data)))
		typed := append([]byte(c.name), c.data...)
		b = append(b, typed...)
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(typed))
	}
	return b
}

// cpus is what the tests' loads are sized by.
var cpus = runtime.NumCPU()
