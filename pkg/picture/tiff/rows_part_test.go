package tiff

import (
	"bytes"
	"fmt"
	"image"
	stdjpeg "image/jpeg"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"imgtools/pkg/geometry"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// countedBytes counts what is read of a file.
type countedBytes struct {
	io.ReaderAt
	n int
}

func (c *countedBytes) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n += n
	return n, err
}

// part decodes a part of a file. It returns its samples, the notes and the bytes read.
func part(b []byte, hint raster.Hint, lim raster.Limits) (samples []uint16, notes []string, n int, err error) {
	from := &countedBytes{ReaderAt: bytes.NewReader(b)}
	r, err := Open(from, int64(len(b)), lim)
	if err != nil {
		return nil, nil, 0, err
	}
	rows, err := r.Rows(hint)
	if err != nil {
		return nil, nil, 0, err
	}
	want := hint.Part
	if hint.Part == (geometry.Rect{}) {
		want = geometry.Whole(r.h.FullW, r.h.FullH)
	}
	samples, err = rastertest.Samples(raster.Crop(rows, want, true, nil))
	return samples, r.Notes(), from.n, err
}

// partsOf returns some parts of a picture of w × h pixels.
func partsOf(w, h int) []geometry.Rect {
	return []geometry.Rect{
		{X: 0, Y: 0, W: 1, H: 1}, {X: w - 1, Y: h - 1, W: 1, H: 1}, {X: w / 3, Y: h / 3, W: w/3 + 1, H: h/3 + 1},
		{X: 0, Y: h / 2, W: w, H: 1}, {X: w / 2, Y: 0, W: 1, H: h}, {X: w / 4, Y: h - h/4 - 1, W: w / 2, H: h/4 + 1},
	}
}

// cutOut returns a part of the samples of a picture that is w pixels wide.
func cutOut(samples []uint16, w, each int, p geometry.Rect) (out []uint16) {
	for y := range p.H {
		out = append(out, samples[((p.Y+y)*w+p.X)*each:][:p.W*each]...)
	}
	return out
}

// TestPartIsThatOfTheWhole: for files of all codings, in strips, tiles and planes, the
// samples of a part are those that the whole picture has there.
func TestPartIsThatOfTheWhole(t *testing.T) {
	files := map[string][]byte{}
	names, err := filepath.Glob("testdata/*.tif")
	if err != nil || len(names) < 20 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		files[name] = rastertest.File(t, name)
	}
	files["planar tiles"] = tiles(200, 150, 32, 3, shorts(tagPlanarConfig, 2))
	files["tiles"] = tiles(200, 150, 32, 3)
	files["CMYK tiles"] = tiles(200, 150, 32, 4, shorts(tagPhotometric, photoCMYK))
	files["zipped tiles"] = tiles(200, 150, 32, 3, shorts(tagCompression, compDeflate), shorts(tagPredictor, 2))
	files["JPEG tiles"] = jpegTiles()
	files["fill order 2"] = tiles(200, 150, 32, 3, shorts(tagFillOrder, 2))
	for name, b := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			h, whole, err := decode(b)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range partsOf(h.FullW, h.FullH) {
				for _, skip := range []bool{false, true} {
					got, _, _, err := part(b, raster.Hint{Part: p, Skip: skip}, raster.Limits{})
					if want := cutOut(whole, h.FullW, h.Layout.Samples(), p); err != nil || !slices.Equal(got, want) {
						t.Errorf("part %s, skip %v: %v, other samples", p, skip, err)
					}
				}
			}
		})
	}
}

// tiles returns a file of w × h pixels of noise, in tiles of the given side, with tags
// added or replaced. With deflate and predictor 2 the differences are noise.
func tiles(w, h, side, samples int, tags ...tag) []byte {
	bits := make([]uint32, samples)
	for i := range bits {
		bits[i] = 8
	}
	f := made{tags: with(basic(uint32(w), uint32(h), photoRGB, bits...), append(tags, shorts(tagTileWidth, uint32(side)), shorts(tagTileLength, uint32(side)))...)}
	has := func(key uint16, v uint32) bool {
		return slices.ContainsFunc(tags, func(t tag) bool { return t.tag == key && t.v[0] == v })
	}
	planes, each := 1, samples
	if has(tagPlanarConfig, 2) {
		planes, each = samples, 1
	}
	n := uint32(1)
	for range planes * ((w + side - 1) / side) * ((h + side - 1) / side) {
		b := make([]byte, side*side*each)
		for i := range b {
			n = n*1664525 + 1013904223
			b[i] = byte(n >> 24)
		}
		if has(tagCompression, compDeflate) {
			b = deflated(b)
		}
		f.segments = append(f.segments, b)
	}
	return f.bytes()
}

// jpegTiles returns a file of 90 × 70 gray pixels in tiles of 32 × 32, each a JPEG.
func jpegTiles() []byte {
	f := made{tags: with(basic(90, 70, photoBlackIsZero, 8), shorts(tagCompression, compJPEG), shorts(tagTileWidth, 32), shorts(tagTileLength, 32))}
	for i := range 9 {
		img := image.NewGray(image.Rect(0, 0, 32, 32))
		for k := range img.Pix {
			img.Pix[k] = uint8(k*(i+3) + k/32*7)
		}
		var b bytes.Buffer
		stdjpeg.Encode(&b, img, nil)
		f.segments = append(f.segments, b.Bytes())
	}
	return f.bytes()
}

// TestPartGivesTheVerdictOfTheWhole: a file that is cut off or damaged anywhere is refused
// with the same words whichever part of it is wanted, unless what lies outside may be
// skipped; where missing samples are allowed, the notes are the same.
func TestPartGivesTheVerdictOfTheWhole(t *testing.T) {
	files := map[string][]byte{
		"tiles": tiles(90, 70, 32, 3), "zipped tiles": tiles(90, 70, 32, 3, shorts(tagCompression, compDeflate)),
		"planar tiles": tiles(90, 70, 32, 3, shorts(tagPlanarConfig, 2)),
		"strips":       rastertest.File(t, "testdata/rgb-None-LSB.tif"), "faxes": rastertest.File(t, "testdata/strip-g4.tif"),
		"WebP": rastertest.File(t, "testdata/tile-webp-rgba.tif"),
		"JPEG": jpegTiles(),
	}
	for name, b := range files {
		t.Run(name, func(t *testing.T) {
			damaged := [][]byte{b}
			for i := range 40 {
				at := len(b) * (i + 1) / 41
				broken := slices.Clone(b)
				for k := at; k < min(at+6, len(b)); k++ {
					broken[k] ^= byte(0xa5 + k)
				}
				damaged = append(damaged, b[:at], broken)
			}
			for i, d := range damaged {
				for _, lim := range []raster.Limits{{}, {Lenient: true}} {
					_, wantNotes, _, want := part(d, raster.Hint{}, lim)
					r, err := open(d)
					if err != nil {
						continue
					}
					for _, p := range partsOf(r.h.FullW, r.h.FullH) {
						_, notes, _, err := part(d, raster.Hint{Part: p}, lim)
						if fmt.Sprint(err) != fmt.Sprint(want) || !slices.Equal(notes, wantNotes) {
							t.Fatalf("damage %d, part %s: %v %q, of the whole %v %q", i, p, err, notes, want, wantNotes)
						}
					}
				}
			}
		})
	}
}

// TestPartReadsWhatItTouches: what a part reads of a file of tiles or strips.
func TestPartReadsWhatItTouches(t *testing.T) {
	const tile = 64 * 64 * 3
	strips := made{tags: basic(640, 640, photoRGB, 8, 8, 8), segments: [][]byte{make([]byte, 640*640*3)}}.bytes()
	zipped := tiles(640, 640, 64, 3, shorts(tagCompression, compDeflate))
	inOne, inFour := geometry.Rect{X: 64, Y: 64, W: 64, H: 64}, geometry.Rect{X: 600, Y: 100, W: 20, H: 40}
	const head = 32 << 10 // the directory, read in one piece of bufio's
	for _, c := range []struct {
		name  string
		file  []byte
		hint  raster.Hint
		most  int
		notes []string
	}{
		{"one tile", tiles(640, 640, 64, 3), raster.Hint{Part: inOne}, tile, nil},
		{"four tiles", tiles(640, 640, 64, 3), raster.Hint{Part: inFour}, 4 * tile, nil},
		{"one planar tile", tiles(640, 640, 64, 3, shorts(tagPlanarConfig, 2)), raster.Hint{Part: inOne}, tile, nil},
		{"rows of one strip", strips, raster.Hint{Part: inFour}, (40+2*36)*640*3 + 32<<10, nil}, // whole bands of rows
		{"one compressed tile", zipped, raster.Hint{Part: inOne, Skip: true}, tile + 100, []string{"tiles outside the crop were not checked"}},
		{"all compressed tiles", zipped, raster.Hint{Part: inOne}, len(zipped), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, of, err := part(c.file, raster.Hint{Part: geometry.Rect{W: 640, H: 640}}, raster.Limits{})
			_, notes, n, err2 := part(c.file, c.hint, raster.Limits{})
			if err != nil || err2 != nil || n > c.most+head || n < min(c.most, c.hint.Part.W*c.hint.Part.H*3) || !slices.Equal(notes, c.notes) {
				t.Errorf("%d bytes read, at most %d and %d of the directory (the whole: %d); notes %q; %v %v", n, c.most, head, of, notes, err, err2)
			}
			t.Logf("%d of %d bytes", n, of)
		})
	}
}
