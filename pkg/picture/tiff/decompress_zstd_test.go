package tiff

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

func unzstd(b []byte, need int) ([]byte, error) {
	z, err := newZstd(bufio.NewReader(bytes.NewReader(b)), int64(need), raster.Limits{})
	if err != nil {
		return nil, err
	}
	out := make([]byte, need)
	_, err = io.ReadFull(z, out)
	return out, err
}

// mixed returns n bytes of text-like runs, repeats near and far, and noise.
func mixed(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var b []byte
	for len(b) < n {
		switch k := 1 + r.IntN(1+r.IntN(2000)); r.IntN(4) {
		case 0:
			for range k {
				b = append(b, byte(r.IntN(256)))
			}
		case 1:
			for range k {
				b = append(b, byte(64+r.IntN(8)*r.IntN(8)))
			}
		case 2:
			b = append(b, bytes.Repeat([]byte{byte(r.IntN(256))}, k)...)
		default:
			if len(b) > 0 {
				from := r.IntN(len(b))
				if r.IntN(2) == 0 {
					from = max(0, len(b)-1-r.IntN(50))
				}
				b = append(b, b[from:min(len(b), from+k)]...)
			}
		}
	}
	return b[:n]
}

// The program zstd, where it is installed, at all its kinds of strategy.
func TestZstdOfItsProgram(t *testing.T) {
	zstd, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip("an extra check by another program: no zstd here")
	}
	for i, n := range []int{0, 1, 5, 1000, 70000, 200000} {
		want := mixed(n, uint64(i))
		for _, level := range []string{"--fast=5", "-3", "-19"} {
			for _, more := range []string{"--no-check", "--check --no-content-size"} {
				cmd := exec.Command(zstd, append(strings.Fields(more), level, "-c")...)
				cmd.Stdin = bytes.NewReader(want)
				packed, err := cmd.Output()
				if err != nil {
					t.Fatal(err)
				}
				got, err := unzstd(packed, n)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes, %s: %v", n, level, err)
				}
			}
		}
	}
}

// TestZstdFrames takes frames made by hand: raw and repeated blocks, headers of every
// kind, frames to be skipped.
func TestZstdFrames(t *testing.T) {
	magic := []byte{0x28, 0xb5, 0x2f, 0xfd}
	block := func(last bool, kind, n int, data ...byte) []byte {
		h := n<<3 | kind<<1
		if last {
			h |= 1
		}
		return append([]byte{byte(h), byte(h >> 8), byte(h >> 16)}, data...)
	}
	raw := append(block(false, 0, 3, 'a', 'b', 'c'), block(true, 1, 5, 'd')...)
	for _, c := range []struct {
		name string
		b    []byte
		want string
		err  string
	}{
		{"single segment", slices.Concat(magic, []byte{0x20, 8}, raw), "abcddddd", ""},
		{"a window", slices.Concat(magic, []byte{0x00, 0x58}, raw), "abcddddd", ""},
		{"size of 2 bytes", slices.Concat(magic, []byte{0x60, 0, 0}, raw), "abcddddd", ""},
		{"size of 8 bytes", slices.Concat(magic, []byte{0xe0, 8, 0, 0, 0, 0, 0, 0, 0}, raw), "abcddddd", ""},
		{"after a frame to be skipped", slices.Concat([]byte{0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2}, magic, []byte{0x20, 8}, raw), "abcddddd", ""},
		{"dictionary", slices.Concat(magic, []byte{0x21, 7, 8}, raw), "abcddddd", "dictionary"},
		{"no frame", []byte("abcdefgh"), "12345678", "damaged"},
		{"a block larger than the window", slices.Concat(magic, []byte{0x20, 2}, raw), "ab", "damaged"},
		{"block type 3", slices.Concat(magic, []byte{0x20, 8}, block(true, 3, 5, 1, 2, 3, 4, 5)), "12345678", "damaged"},
		{"cut", slices.Concat(magic, []byte{0x20, 8}, raw[:8]), "abcddddd", "EOF"},
		{"too short", slices.Concat(magic, []byte{0x20, 8}, raw), "abcddddde", "EOF"},
		{"sequences without an end", slices.Concat(magic, []byte{0x20, 8}, block(true, 2, 4, 0, 1, 0, 0)), "12345678", "damaged"},
		{"a tree that was never sent", slices.Concat(magic, []byte{0x20, 200}, block(true, 2, 5, 3, 1, 0, 0, 0)), "12345678", "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := unzstd(c.b, len(c.want))
			if c.err == "" && (err != nil || string(got) != c.want) {
				t.Errorf("%q %v", got, err)
			}
			if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%v, want %q", err, c.err)
			}
		})
	}
	// A window of 3.75 TiB is one of what is needed.
	huge := slices.Concat(magic, []byte{0x00, 0xff}, raw)
	if got, err := unzstd(huge, 8); err != nil || string(got) != "abcddddd" {
		t.Error(string(got), err)
	}
	z, err := newZstd(bufio.NewReader(bytes.NewReader(huge)), 1<<30, raster.Limits{Mem: 1 << 20})
	if fault.Of(err) != fault.TooLarge {
		t.Error(z, err)
	}
}

func FuzzZstd(f *testing.F) {
	for _, name := range []string{"zstd", "zstd-19"} {
		r, err := open(read(f, name))
		if err != nil {
			f.Fatal(err)
		}
		strip := make([]byte, r.counts[0])
		if _, err := r.file.r.ReadAt(strip, int64(r.offsets[0])); err != nil {
			f.Fatal(err)
		}
		f.Add(strip)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		z, err := newZstd(bufio.NewReader(bytes.NewReader(b)), 1<<20, raster.Limits{})
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, io.LimitReader(z, 1<<20))
		if err == nil && n == 0 && !z.last {
			t.Error("no bytes and no end")
		}
	})
}
