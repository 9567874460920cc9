package tiff

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

// Whatever a small file says of itself, decoding allocates no more than the limit and
// some buffers of constant size.
func TestMemoryStaysWithinItsLimit(t *testing.T) {
	const mem, buffers = 8 << 20, 2 << 20
	long := func(t uint16, v uint32) tag { return tag{t, typeLong, []uint32{v}} }
	zip, planar := shorts(tagCompression, compDeflate), shorts(tagPlanarConfig, 2)
	sized := func(w, h, photo uint32, bits ...uint32) []tag {
		return with(basic(1, 1, photo, bits...), long(tagImageWidth, w), long(tagImageLength, h))
	}
	data := deflated(make([]byte, 1<<20))
	strips := func(n int) [][]byte { return slices.Repeat([][]byte{data}, n) }
	for _, c := range []struct {
		name string
		m    made
		open bool // the size alone is within the limit
	}{
		{"a wide row", made{tags: with(sized(100e6, 1, 2, 8, 8, 8), zip), segments: strips(1)}, false},
		{"a high column of strips", made{tags: with(sized(1, 100e6, 1, 8), zip, long(tagRowsPerStrip, 1)), segments: strips(1)}, false},
		{"wide planes", made{tags: with(sized(2e6, 1, 2, 16, 16, 16), zip, planar), segments: strips(3)}, false},
		{"wide CMYK", made{tags: with(sized(1e6, 1, 5, 16, 16, 16, 16), zip), segments: strips(1)}, false},
		{"a wide fax", made{tags: with(sized(2e6, 2, 0, 1), shorts(tagCompression, compG4)), segments: strips(1)}, false},
		{"high tiles side by side", made{tags: with(sized(4000, 4000, 1, 8), zip, shorts(tagTileWidth, 16), shorts(tagTileLength, 4000)), segments: strips(250)}, false},
		{"many samples of which few are used", made{tags: with(sized(400e3, 2, 1, slices.Repeat([]uint32{16}, 32)...), zip), segments: strips(1)}, false},
		{"a strip of all rows", made{tags: with(sized(1000, 20000, 2, 8, 8, 8), zip), segments: strips(1)}, true},
		{"a tile of all rows", made{tags: with(sized(1000, 20000, 2, 8, 8, 8), zip, shorts(tagTileWidth, 1008), shorts(tagTileLength, 20000)), segments: strips(1)}, true},
		{"planes of all rows", made{tags: with(sized(1000, 20000, 2, 16, 16, 16), zip, planar), segments: strips(3)}, true},
		{"subsampled YCbCr", made{tags: with(sized(100000, 200, 6, 8, 8, 8), zip, shorts(tagYCbCrSubSampling, 4, 4)), segments: strips(1)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := c.m.bytes()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Mem: mem})
			if c.open && err != nil || !c.open && fault.Of(err) != fault.TooLarge {
				t.Fatal(err)
			}
			if err == nil {
				rows, err := r.Rows(raster.Hint{})
				for err == nil {
					_, err = rows.Next()
				}
			}
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > mem+buffers {
				t.Errorf("%d bytes allocated", n)
			}
		})
	}
}

// bombs are files of at most 2 MB that try to take much time. Each must be read or
// refused in about the time of a picture of its stated size.
func TestBombs(t *testing.T) {
	flood := func(b byte) []byte { return bytes.Repeat([]byte{b}, 2<<20) }
	j := flatJPEG{w: 8, h: 8, blocks: [][]uint8{{9}}}
	const n = 3000
	same := made{plain: true, tags: with(basic(8, n, 1, 8), shorts(tagCompression, compJPEG), shorts(tagRowsPerStrip, 1),
		undefined(tagJPEGTables, jpegStream(bytes.Repeat(j.tables(), 30))),
		tag{tagStripOffsets, typeLong, slices.Repeat([]uint32{8}, n)}, tag{tagStripByteCounts, typeLong, slices.Repeat([]uint32{1000}, n)}),
		segments: [][]byte{jpegStream(j.frame())}}
	for _, c := range []struct {
		name string
		m    made
	}{
		{"PackBits that says nothing", made{tags: with(basic(100, 100, 1, 8), shorts(tagCompression, compPackBits)), segments: [][]byte{flood(0x80)}}},
		{"LZW that only clears its table", made{tags: with(basic(100, 100, 1, 8), shorts(tagCompression, compLZW)), segments: [][]byte{slices.Repeat([]byte{0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01, 0x00}, 200000)}}},
		{"a fax of fill bits", made{tags: with(basic(1000, 1000, 0, 1), shorts(tagCompression, compG3)), segments: [][]byte{flood(0)}}},
		{"a fax of EOLs", made{tags: with(basic(1000, 1000, 0, 1), shorts(tagCompression, compG3), shorts(tagT4Options, 1)), segments: [][]byte{bytes.Repeat(bitString("000000000001", "0", "000000000001", "0", "111111"), 300000)}}},
		{"a fax of horizontal modes without pixels", made{tags: with(basic(60000, 1000, 0, 1), shorts(tagCompression, compG4)), segments: [][]byte{bytes.Repeat(bitString("001", "00110101", "0000110111", "001"), 600000)}}},
		{"one JPEG for all strips, with 30 times its tables", same},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := c.m.bytes()
			start := time.Now()
			for _, lenient := range []bool{false, true} {
				r, err := Open(bytes.NewReader(b), int64(len(b)), raster.Limits{Lenient: lenient})
				if _, err = rastertest.Samples(rastertest.Start(r, err)); err != nil && fault.Of(err) != fault.Format {
					t.Error(err)
				}
			}
			if d := time.Since(start); d > 20*time.Second { // some 100 times what it takes
				t.Errorf("%v", d)
			}
		})
	}
}

// A file of 1.5 MB whose directories overlap, each beginning 12 bytes after the one
// before it, must not take time for the square of their number.
func TestOverlappingDirectoriesAreBounded(t *testing.T) {
	const n = 60000
	b := []byte("II*\x00\x08\x00\x00\x00")
	for i := range 2 * n {
		// Read as the number of entries of one directory and as a tag of others.
		b = binary.LittleEndian.AppendUint16(b, n)
		b = binary.LittleEndian.AppendUint16(b, uint16(i))
		b = append(b, make([]byte, 8)...)
	}
	// The offset after directory i stands in entry n of it: make it lead to i + 1.
	for i := range n {
		binary.LittleEndian.PutUint32(b[8+12*i+2+12*n:], uint32(8+12*(i+1)))
	}
	f := file{r: strings.NewReader(string(b)), size: int64(len(b)), order: binary.LittleEndian}
	pages, note, err := f.pages(8)
	if err != nil || note != "too many directories" || len(pages) > maxEntries/n+2 {
		t.Errorf("%d pages, %q, %v", len(pages), note, err)
	}
}

// Strips may overlap: some writers store equal ones once.
func TestOverlappingStripsAreRead(t *testing.T) {
	m := made{plain: true, tags: with(basic(2, 3, 1, 8), shorts(tagRowsPerStrip, 1), shorts(tagStripOffsets, 8, 8, 9), shorts(tagStripByteCounts, 2, 2, 2)), segments: [][]byte{{1, 2, 3}}}
	if _, got, err := decode(m.bytes()); err != nil || fmt.Sprint(got) != "[1 2 1 2 2 3]" {
		t.Error(got, err)
	}
}
