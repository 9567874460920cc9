package vp8l

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/vp8l"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// payload returns the data of the chunk "VP8L" of a WebP file.
func payload(b []byte) []byte {
	for b = b[min(12, len(b)):]; len(b) >= 8; {
		n := int(binary.LittleEndian.Uint32(b[4:]))
		if string(b[:4]) == "VP8L" {
			return b[8 : 8+n]
		}
		b = b[min(len(b), 8+n+n&1):]
	}
	return nil
}

// pictures returns the lossless pictures of the test files by name.
func pictures(t testing.TB) map[string][]byte {
	files, err := filepath.Glob("../testdata/*.webp")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	m := map[string][]byte{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if p := payload(b); p != nil {
			m[filepath.Base(name)] = p
		}
	}
	return m
}

// decode returns the pixels of a picture as bytes: red, green, blue, alpha.
func decode(b []byte, lim raster.Limits) (pix []uint8, err error) {
	d, err := NewDecoder(bytes.NewReader(b), int64(len(b)), lim)
	if err != nil {
		return nil, err
	}
	for {
		row, err := d.Next()
		if err == io.EOF {
			return pix, nil
		}
		if err != nil {
			return pix, err
		}
		for _, v := range row {
			pix = append(pix, uint8(v>>16), uint8(v>>8), uint8(v), uint8(v>>24))
		}
	}
}

func reference(b []byte) ([]uint8, error) {
	m, err := vp8l.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return m.(*image.NRGBA).Pix, nil
}

// likeReference returns an error unless both decoders give the same pixels.
func likeReference(b []byte) error {
	want, err := reference(b)
	if err != nil {
		return err
	}
	got, err := decode(b, raster.Limits{})
	if err == nil && !bytes.Equal(got, want) {
		err = errors.New("pixels differ from those of the reference")
	}
	return err
}

// The pixels are those of another decoder.
func TestSameAsReference(t *testing.T) {
	for name, b := range pictures(t) {
		t.Run(name, func(t *testing.T) {
			want, err := reference(b)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decode(b, raster.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Error("pixels differ")
			}
		})
	}
}

// bitList is bits, the first one in the lowest bit of a byte.
type bitList struct {
	b []byte
	n uint // bits
}

func (l *bitList) write(v uint64, n uint) {
	for i := range n {
		if l.n%8 == 0 {
			l.b = append(l.b, 0)
		}
		l.b[l.n/8] |= uint8(v>>i&1) << (l.n % 8)
		l.n++
	}
}

// written returns the data of a picture of w × h that f writes.
func written(w, h int, f func(b *bitList)) []byte {
	b := &bitList{}
	b.write(signature, 8)
	b.write(uint64(w-1), 14)
	b.write(uint64(h-1), 14)
	b.write(0, 4) // no alpha, version 0
	f(b)
	b.write(0, 8)
	return b.b
}

// simple writes a prefix code of one symbol, or of two.
func simple(b *bitList, symbols ...uint64) {
	b.write(1, 1)
	b.write(uint64(len(symbols)-1), 1)
	b.write(1, 1) // 8 bits
	for _, s := range symbols {
		b.write(s, 8)
	}
}

// normal writes a prefix code by the lengths of its symbols, each of up to 15 in 4 bits.
func normal(b *bitList, lengths ...uint64) {
	b.write(0, 1)
	b.write(19-4, 4)
	for _, s := range codeLengthOrder {
		if s < 16 {
			b.write(4, 3)
		} else {
			b.write(0, 3)
		}
	}
	b.write(1, 1)
	b.write(4, 3)
	b.write(uint64(len(lengths)-2), 10)
	for _, n := range lengths {
		for i := range 4 { // the code of n is n, its first bit first
			b.write(n>>(3-i)&1, 1)
		}
	}
}

// lengthOf returns lengths up to a symbol, which has that length; the first has another.
func lengthOf(symbol int, n, first uint64) []uint64 {
	l := make([]uint64, symbol+1)
	l[0], l[symbol] = first, n
	return l
}

// flat writes a picture of one colour.
func flat(b *bitList) {
	b.write(0, 3) // no transform, cache or groups
	for _, v := range []uint64{0x22, 0x11, 0x33, 255, 0} {
		simple(b, v)
	}
}

// Data that a writer would not make are refused, with a text that says why.
func TestBadPicturesAreRefused(t *testing.T) {
	rest := func(b *bitList) {
		for range 4 {
			simple(b, 0)
		}
	}
	for _, c := range []struct {
		name string
		f    func(b *bitList)
		text string
	}{
		{"incomplete code", func(b *bitList) { b.write(0, 3); normal(b, 2, 2, 2); rest(b) }, "an incomplete prefix code"},
		{"too many codes", func(b *bitList) { b.write(0, 3); normal(b, 1, 1, 1); rest(b) }, "a prefix code of too many symbols"},
		{"no codes", func(b *bitList) { b.write(0, 3); normal(b, 0, 0, 0); rest(b) }, "a prefix code without symbols"},
		{"symbol beyond the alphabet", func(b *bitList) {
			b.write(0, 3)
			for range 4 {
				simple(b, 0)
			}
			simple(b, 40)
		}, "symbol 40 of a prefix code of 40"},
		{"lengths beyond the alphabet", func(b *bitList) {
			b.write(0, 3)
			for range 4 {
				simple(b, 0)
			}
			normal(b, make([]uint64, 41)...)
		}, "41 lengths of a prefix code of 40"},
		{"copy from before the start", func(b *bitList) { b.write(0, 3); normal(b, lengthOf(257, 1, 1)...); rest(b); b.write(1, 1) }, "pixel 0 is copied from 9 pixels before it"},
		{"copy beyond the end", func(b *bitList) {
			b.write(0, 3)
			normal(b, lengthOf(279, 1, 1)...)
			rest(b)
			for range 10 {
				b.write(0, 1)
			}
			b.write(1, 1)
			b.write(1023, 10)
		}, "4096 pixels are copied to the last 71"},
		{"cache of 0 bits", func(b *bitList) { b.write(0, 1); b.write(1, 1); b.write(0, 4) }, "a colour cache of 0 bits"},
		{"cache of 12 bits", func(b *bitList) { b.write(0, 1); b.write(1, 1); b.write(12, 4) }, "a colour cache of 12 bits"},
		{"transform twice", func(b *bitList) { b.write(1|2<<1, 3); b.write(1|2<<1, 3) }, "a transform occurs twice"},
		{"nothing behind the header", func(b *bitList) {}, "truncated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := decode(written(9, 9, c.f), raster.Limits{})
			if fault.Of(err) != fault.Format || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, want %q", err, c.text)
			}
		})
	}
	t.Run("good", func(t *testing.T) {
		got, err := decode(written(9, 9, flat), raster.Limits{})
		if err != nil || !bytes.Equal(got, bytes.Repeat([]byte{0x11, 0x22, 0x33, 255}, 81)) {
			t.Errorf("%v", err)
		}
	})
}

// A picture of a few bytes and of the largest size takes memory for the ring only.
func TestFlatBombTakesLittleMemory(t *testing.T) {
	b := written(8000, 8000, flat)
	if len(b) > 46 {
		t.Fatalf("%d bytes", len(b))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d, err := NewDecoder(bytes.NewReader(b), int64(len(b)), raster.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for range 8000 {
		row, err := d.Next()
		if err != nil || row[0] != 0xff112233 || row[7999] != 0xff112233 {
			t.Fatal(err)
		}
	}
	if _, err := d.Next(); err != io.EOF {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 5<<20 {
		t.Errorf("%d KiB were allocated", n>>10)
	}
	if _, err := NewDecoder(bytes.NewReader(b), int64(len(b)), raster.Limits{Mem: 4 << 20}); fault.Of(err) != fault.TooLarge {
		t.Errorf("with 4 MiB: %v", err)
	}
}

// Groups of codes that no tile uses take no memory, however many there are.
func TestUnusedGroupsTakeNoMemory(t *testing.T) {
	b := written(16, 16, func(b *bitList) {
		b.write(0, 2)
		b.write(1, 1)
		b.write(0, 3) // tiles of 4 × 4, all of which use group 65,535
		b.write(0, 1)
		for _, v := range []uint64{0xff, 0xff, 0, 255, 0} {
			simple(b, v)
		}
		for i := range uint64(1 << 16) {
			for range 5 {
				simple(b, i>>11)
			}
		}
	})
	got, err := decode(b, raster.Limits{Mem: 1 << 20})
	if want := bytes.Repeat([]byte{31}, 4*16*16); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, %d", err, got)
	}
}

// Data that are cut anywhere are truncated, and the rows before the cut are right.
func TestCutPictures(t *testing.T) {
	for name, b := range pictures(t) {
		t.Run(name, func(t *testing.T) {
			whole, err := decode(b, raster.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			for n := 0; n < len(b)-2; n += 1 + len(b)/200 {
				got, err := decode(b[:n], raster.Limits{})
				if n < headerSize {
					if fault.Of(err) != fault.Format {
						t.Fatalf("%d of %d bytes: %v", n, len(b), err)
					}
				} else if err != ErrTruncated && (err != nil || len(got) < len(whole)) {
					t.Fatalf("%d of %d bytes: %v", n, len(b), err)
				}
				if !bytes.Equal(got, whole[:len(got)]) {
					t.Fatalf("%d of %d bytes: pixels differ", n, len(b))
				}
			}
		})
	}
}

// A table decodes the strings of canonical codes: for random lengths, those of RFC 1951
// section 3.2.2, whose rule is the same.
func TestTables(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		// Splitting leaves of a tree makes lengths of a complete code.
		lengths := []uint8{1, 1}
		for n := 1 + rnd.IntN(250); len(lengths) < n+2; {
			i := rnd.IntN(len(lengths))
			if rnd.IntN(3) == 0 {
				i = len(lengths) - 1 // a long code
			}
			if lengths[i] < maxCodeLen {
				lengths[i]++
				lengths = append(lengths, lengths[i])
			}
		}
		for range rnd.IntN(20) {
			lengths = slices.Insert(lengths, rnd.IntN(len(lengths)+1), 0)
		}
		tab, err := newTable(lengths)
		if err != nil {
			t.Fatal(lengths, err)
		}
		code := uint32(0)
		for n := uint8(1); n <= maxCodeLen; n++ {
			for s, l := range lengths {
				if l != n {
					continue
				}
				v := rnd.Uint64() << n // what follows the code
				for i := range n {
					v |= uint64(code>>(n-1-i)&1) << i
				}
				if e := tab.next(v); e>>8 != uint32(s) || e&0xff != uint32(n) {
					t.Fatalf("%v: code %b of %d bits is symbol %d of %d bits, want %d", lengths, code, n, e>>8, e&0xff, s)
				}
				code++
			}
			code <<= 1
		}
	}
}

// Copies reach back over the end of the ring, up to the largest distance.
func TestCopiesAroundTheRing(t *testing.T) {
	const w, h = 1000, 1300
	rnd := rand.New(rand.NewPCG(1, 2))
	pix := make([]uint8, 3*w*h)
	for i := range pix {
		if back := 3 * w * 1040; i >= back && i/3000%3 > 0 {
			pix[i] = pix[i-back]
		} else {
			pix[i] = uint8(rnd.IntN(4))
		}
	}
	src := picture(w, h, raster.RGB, func(x, y, sample int) int { return int(pix[3*(y*w+x)+sample]) })
	b, err := encode(src, EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := likeReference(b); err != nil {
		t.Error(err)
	}
}

// The last pixels are right if few bytes are left for the last load of the window. Their
// place in it was overwritten when the end was reached.
func TestDataThatEndsShortlyAfterAWindow(t *testing.T) {
	for _, c := range []struct {
		seed uint64
		w    int
	}{{192, 5431}, {193, 5429}, {194, 5430}, {195, 5430}, {197, 5428}, {199, 5427}} {
		b, err := encode(picture(c.w, 1, raster.RGB, noise(c.seed)), EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := likeReference(b); err != nil {
			t.Errorf("%d pixels in %d bytes: %v", c.w, len(b), err)
		}
	}
}

// FuzzDecode compares with another decoder. Both may refuse what the other one reads: that
// one reads incomplete codes, and refuses other things. Where the pixels differ dwebp
// decides, since that decoder leaves pixels with the undefined predictors 14 and 15 as they
// are, and takes two symbols of a simple code in the order of the file.
func FuzzDecode(f *testing.F) {
	for _, b := range pictures(f) {
		f.Add(b)
	}
	f.Add(written(9, 9, flat))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ReadConfig(b); err == nil && c.Width*c.Height > 1<<15 {
			return
		}
		got, err := decode(b, raster.Limits{Mem: 16 << 20})
		if k := fault.Of(err); err != nil && k != fault.Format && k != fault.TooLarge {
			t.Fatalf("%v: %v", k, err)
		}
		if want, refErr := reference(b); err != nil || refErr != nil || bytes.Equal(got, want) {
			return
		}
		want, ok := dwebp(t, b)
		if !ok {
			t.Skip("no dwebp")
		}
		if len(want) != len(got) {
			t.Fatalf("%d samples, dwebp has %d", len(got), len(want))
		}
		for i, v := range got {
			if v != want[i] && (i%4 < 3 || b[4]>>4&1 == 1) {
				t.Fatalf("sample %d is %d; dwebp has %d", i, v, want[i])
			}
		}
	})
}
