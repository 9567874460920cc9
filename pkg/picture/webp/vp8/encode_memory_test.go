package vp8

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"imgtools/pkg/picture/raster"
)

// noiseRows is a picture of noise that is made as it is read.
type noiseRows struct {
	h     *raster.Header
	y     int
	state uint64
	pix   []uint8
}

func newNoiseRows(w, h int, l raster.Layout) *noiseRows {
	return &noiseRows{h: raster.NewHeader(w, h, l, 8), state: 1, pix: make([]uint8, w*l.Samples())}
}

func (n *noiseRows) Header() *raster.Header { return n.h }

func (n *noiseRows) Next() (*raster.Band, error) {
	if n.y == n.h.H() {
		return nil, io.EOF
	}
	for i := range n.pix {
		// Xorshift, 64 bit (Marsaglia 2003).
		n.state ^= n.state << 13
		n.state ^= n.state >> 7
		n.state ^= n.state << 17
		n.pix[i] = uint8(n.state >> 24)
	}
	b := &raster.Band{Y: n.y}
	b.Planes[0] = raster.Plane{Pix: n.pix, Stride: len(n.pix), Rows: 1}
	n.y++
	return b, nil
}

const noiseVar = "VP8_TEST_NOISE" // in the environment of the child: encode noise

// TestMain runs the tests, or is the child process whose memory is measured.
func TestMain(m *testing.M) {
	if os.Getenv(noiseVar) == "" {
		os.Exit(m.Run())
	}
	p, err := EncodePayload(newNoiseRows(8192, 6144, raster.RGB), EncodeOptions{Quality: 75})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	n, err := p.WriteTo(io.Discard)
	status, _ := os.ReadFile("/proc/self/status")
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	var kib int
	fmt.Sscan(peak, &kib)
	fmt.Println(n, kib)
	os.Exit(0)
}

// Noise is what takes the most memory: its levels fill what may be held, then its
// partitions grow to 40 MB, and its modes nearly fill the first partition.
func TestFiftyMegapixelsOfNoiseTakeLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const most = 64 << 10 // KiB
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), noiseVar+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var size, kib int
	if _, err := fmt.Sscan(string(out), &size, &kib); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	t.Logf("%d bytes, %d KiB", size, kib)
	if kib > most {
		t.Errorf("%d KiB > %d", kib, most)
	}
}
