package jpeg

import (
	"bytes"
	"fmt"
	"image"
	stdjpeg "image/jpeg"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// isProgressive reports whether a file's frame is.
func isProgressive(file []byte) bool { return bytes.Contains(file, []byte{0xFF, mSOF2, 0}) }

// A progressive file holds the coefficients of the baseline file, by three readers.
func TestProgressiveIsTheBaselinePicture(t *testing.T) {
	for _, layout := range []raster.Layout{raster.Gray, raster.RGB, raster.YCbCr} {
		for _, size := range [][2]int{{1, 1}, {8, 8}, {9, 17}, {33, 15}, {64, 64}, {130, 61}, {257, 400}} {
			for _, quality := range []int{1, 50, 81, 100} {
				t.Run(fmt.Sprint(layout, size, quality), func(t *testing.T) {
					p := noise(size[0], size[1], layout)
					var base, prog bytes.Buffer
					if err := Encode(&base, p.Rows(), EncodeOptions{Quality: quality}); err != nil {
						t.Fatal(err)
					}
					if err := Encode(&prog, p.Rows(), EncodeOptions{Quality: quality, Progressive: true}); err != nil {
						t.Fatal(err)
					}
					if !isProgressive(prog.Bytes()) || isProgressive(base.Bytes()) {
						t.Error("the frame headers are not those asked for")
					}
					sameByAllReaders(t, base.Bytes(), prog.Bytes())
				})
			}
		}
	}
}

// sameByAllReaders compares what djpeg, image/jpeg and our reader make of two files.
func sameByAllReaders(t *testing.T, a, b []byte) {
	t.Helper()
	if !bytes.Equal(run(t, a, "djpeg"), run(t, b, "djpeg")) {
		t.Error("djpeg: another picture")
	}
	decode := func(file []byte) image.Image {
		m, err := stdjpeg.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	ma, mb := decode(a), decode(b)
	for y := range ma.Bounds().Dy() {
		for x := range ma.Bounds().Dx() { // what fills up MCUs may differ
			if ma.At(x, y) != mb.At(x, y) {
				t.Fatalf("image/jpeg: pixel %d,%d is %v, not %v", x, y, mb.At(x, y), ma.At(x, y))
			}
		}
	}
	oa, ob := mustDecode(t, a, raster.Hint{Planar: true}), mustDecode(t, b, raster.Hint{Planar: true})
	for i := range oa.H.Planes {
		if !bytes.Equal(oa.Planes[i].Pix, ob.Planes[i].Pix) {
			t.Errorf("ours: plane %d is another", i)
		}
	}
}

// Runs of more than 32,767 blocks without coefficients, and blocks that end at 63.
func TestProgressiveRunsOfEmptyBlocks(t *testing.T) {
	const w, h = 2048, 1200 // 38,400 blocks
	p := noise(w, h, raster.Gray)
	pix := p.Planes[0].Pix
	clear(pix)
	rnd := rand.New(rand.NewPCG(51, 52))
	for y := h - 8; y < h; y++ {
		for x := range 64 {
			pix[y*w+x] = uint8(255 * rnd.IntN(2))
		}
	}
	var base, prog bytes.Buffer
	if err := Encode(&base, p.Rows(), EncodeOptions{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	if err := Encode(&prog, p.Rows(), EncodeOptions{Quality: 100, Progressive: true}); err != nil {
		t.Fatal(err)
	}
	sameByAllReaders(t, base.Bytes(), prog.Bytes())
	if prog.Len() > base.Len()*3/4 {
		t.Errorf("%d bytes, baseline %d", prog.Len(), base.Len())
	}
}

// Copy and Gray of a baseline file make a progressive one without loss.
func TestCopiesBecomeProgressiveWithoutLoss(t *testing.T) {
	for _, name := range []string{"base_2x2.jpg", "base_4x1.jpg", "base_1x2.jpg", "prog_2x2.jpg", "rst_mcu.jpg", "noninter.jpg", "gray.jpg"} {
		t.Run(name, func(t *testing.T) {
			for what, write := range map[string]func(w io.Writer, r *Reader) (bool, error){
				"copy": func(w io.Writer, r *Reader) (bool, error) { return Copy(w, r) },
				"gray": func(w io.Writer, r *Reader) (bool, error) { return Gray(w, r, nil) },
			} {
				var usual, prog bytes.Buffer
				r := open(t, read(t, name))
				if done, err := write(&usual, r); !done || err != nil {
					t.Fatal(what, done, err)
				}
				r = open(t, read(t, name))
				r.WriteProgressive()
				if done, err := write(&prog, r); !done || err != nil {
					t.Fatal(what, done, err)
				}
				if !isProgressive(prog.Bytes()) {
					t.Errorf("%s is not progressive", what)
				}
				sameByAllReaders(t, usual.Bytes(), prog.Bytes())
			}
		})
	}
}

func TestProgressiveIsBoundedByMemory(t *testing.T) {
	p := noise(640, 640, raster.RGB)
	err := Encode(io.Discard, p.Rows(), EncodeOptions{Quality: 100, Progressive: true, Limits: raster.Limits{Mem: 256 << 10}})
	if fault.Of(err) != fault.TooLarge || !strings.Contains(err.Error(), "-maxmem") {
		t.Error(err)
	}
	if err := Encode(&failAt{after: 1000}, p.Rows(), EncodeOptions{Quality: 100, Progressive: true}); err != io.ErrShortWrite {
		t.Error(err)
	}
}
