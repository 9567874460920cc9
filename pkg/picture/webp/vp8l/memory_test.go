package vp8l

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"imgtools/pkg/picture/raster"
)

const (
	wideVar = "VP8L_TEST_FILE"   // in the environment of a child: the file it writes or reads
	readVar = "VP8L_TEST_DECODE" // the child reads
	wideW   = 8192
	wideH   = 6144 // 50 Mpixel
)

// wideRows is a picture that is made as it is read: gradients with noise, and lines of
// letters, so that all stages of the encoder have work.
type wideRows struct {
	h     *raster.Header
	y     int
	noise func(x, y, sample int) int
	pix   []uint8
}

func newWideRows() *wideRows {
	return &wideRows{h: raster.NewHeader(wideW, wideH, raster.RGB, 8), noise: noise(4), pix: make([]uint8, 3*wideW)}
}

func (r *wideRows) Header() *raster.Header { return r.h }

func (r *wideRows) Next() (*raster.Band, error) {
	if r.y == wideH {
		return nil, io.EOF
	}
	for i := range r.pix {
		x, s := i/3, i%3
		if r.y&512 == 0 {
			r.pix[i] = uint8(x>>6 + r.y>>7*s + r.noise(x, r.y, s)&3)
		} else {
			r.pix[i] = uint8(letters(x, r.y, s))
		}
	}
	b := &raster.Band{Y: r.y}
	b.Planes[0] = raster.Plane{Pix: r.pix, Stride: len(r.pix), Rows: 1}
	r.y++
	return b, nil
}

// TestMain runs the tests, or is the child process whose memory is measured.
func TestMain(m *testing.M) {
	name := os.Getenv(wideVar)
	if name == "" {
		os.Exit(m.Run())
	}
	work := writeWide
	if os.Getenv(readVar) != "" {
		work = readWide
	}
	if err := work(name); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status, _ := os.ReadFile("/proc/self/status")
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	var kib int
	fmt.Sscan(peak, &kib)
	fmt.Println(kib)
	os.Exit(0)
}

func writeWide(name string) error {
	p, err := Compress(newWideRows(), EncodeOptions{})
	if err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = p.WriteTo(f)
	return err
}

// readWide reads the file and compares each row.
func readWide(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	d, err := NewDecoder(f, size, raster.Limits{})
	if err != nil {
		return err
	}
	want := newWideRows()
	for y := range wideH {
		row, err := d.Next()
		if err != nil {
			return err
		}
		if _, err := want.Next(); err != nil {
			return err
		}
		for x, v := range row {
			if p := want.pix[3*x : 3*x+3]; v != opaque|uint32(p[0])<<16|uint32(p[1])<<8|uint32(p[2]) {
				return fmt.Errorf("pixel %d, %d is %08x, want %v", x, y, v, p)
			}
		}
	}
	_, err = d.Next()
	if err == io.EOF {
		err = nil
	}
	return err
}

// The encoder holds a band, what copies reach, and the compressed bytes; the decoder 2^20
// pixels.
func TestFiftyMegapixelsTakeLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const most = 64 << 10 // KiB
	file := filepath.Join(t.TempDir(), "wide")
	for _, c := range []struct{ name, read string }{{"encoded", ""}, {"decoded", "1"}} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), wideVar+"="+file, readVar+"="+c.read)
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var kib int
			if _, err := fmt.Sscan(string(out), &kib); err != nil {
				t.Fatalf("%q: %v", out, err)
			}
			size := int64(0)
			if fi, err := os.Stat(file); err == nil {
				size = fi.Size()
			}
			t.Logf("%d KiB, of a file of %d KiB", kib, size>>10)
			if kib > most {
				t.Errorf("%d KiB > %d", kib, most)
			}
		})
	}
}
