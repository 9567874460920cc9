package vp8

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/vp8"

	"imgtools/pkg/fault"
)

// payload returns the data of the chunk "VP8 " of a WebP file.
func payload(b []byte) []byte {
	for b = b[min(12, len(b)):]; len(b) >= 8; {
		n := int(binary.LittleEndian.Uint32(b[4:]))
		if string(b[:4]) == "VP8 " {
			return b[8 : 8+n]
		}
		b = b[min(len(b), 8+n+n&1):]
	}
	return nil
}

// frames returns the key frames of the test files by name.
func frames(t testing.TB) map[string][]byte {
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

// planes is all samples of a frame.
type planes struct {
	y, cb, cr []uint8
}

func decode(b []byte, lumaOnly bool) (p planes, err error) {
	d, err := NewDecoder(bytes.NewReader(b), int64(len(b)), lumaOnly)
	if err != nil {
		return p, err
	}
	for y := 0; ; {
		s, err := d.Next()
		if err == io.EOF {
			return p, nil
		}
		if err != nil {
			return p, err
		}
		if s.First != y {
			return p, errors.New("a gap between strips")
		}
		for ; y < s.First+s.Rows; y++ {
			p.y = append(p.y, s.Luma(y)...)
			if y%2 == 0 && !lumaOnly {
				p.cb = append(p.cb, s.Chroma(0, y/2)...)
				p.cr = append(p.cr, s.Chroma(1, y/2)...)
			}
		}
	}
}

func reference(b []byte) (p planes, err error) {
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(b), len(b))
	h, err := d.DecodeFrameHeader()
	if err != nil {
		return p, err
	}
	m, err := d.DecodeFrame()
	if err != nil {
		return p, err
	}
	for y := range h.Height {
		p.y = append(p.y, m.Y[y*m.YStride:][:h.Width]...)
		if y%2 == 0 {
			p.cb = append(p.cb, m.Cb[y/2*m.CStride:][:(h.Width+1)/2]...)
			p.cr = append(p.cr, m.Cr[y/2*m.CStride:][:(h.Width+1)/2]...)
		}
	}
	return p, nil
}

// The samples of all planes are those of another decoder.
func TestSameAsReference(t *testing.T) {
	for name, b := range frames(t) {
		t.Run(name, func(t *testing.T) {
			want, err := reference(b)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decode(b, false)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.y, want.y) || !bytes.Equal(got.cb, want.cb) || !bytes.Equal(got.cr, want.cr) {
				t.Error("samples differ")
			}
			if got, err = decode(b, true); err != nil || !bytes.Equal(got.y, want.y) {
				t.Errorf("luma alone differs: %v", err)
			}
		})
	}
}

// randomFrame returns a frame whose partitions are noise, which is as valid as any other
// data: it has segments, filters, partitions, modes and coefficients of all kinds.
func randomFrame(seed uint64) []byte {
	rnd := rand.New(rand.NewPCG(seed, 3))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = uint8(rnd.Uint32())
			if seed%2 == 1 && rnd.IntN(3) > 0 { // more zeros make smaller coefficients
				b[i] = 0
			}
		}
		return b
	}
	const first, each = 3000, 4000
	w, h := 1+rnd.IntN(70), 1+rnd.IntN(70)
	b := []byte{1 << 4, 0, 0, 0x9d, 0x01, 0x2a, byte(w), byte(w >> 8), byte(h), byte(h >> 8)}
	b[0] |= first << 5 & 0xe0
	b[1], b[2] = first>>3&0xff, first>>11
	b = append(b, noise(first)...)
	for range 7 {
		b = append(b, each&0xff, each>>8, 0)
	}
	return append(b, noise(8*each)...)
}

// unlike reports whether the reference decodes a frame otherwise than libwebp, or as
// nobody defines it. A partition that begins with 255 is a number outside the first
// interval, of width 255, which no encoder writes. The reference adds up levels of the
// loop filter in 8 bits.
func unlike(b []byte) bool {
	d, err := NewDecoder(bytes.NewReader(b), int64(len(b)), false)
	if err != nil {
		return b[headerSize] == 255
	}
	for _, p := range d.tokens {
		if p.Load(); len(p.Rest) > 0 && p.Rest[0] == 255 {
			return true
		}
	}
	for _, level := range append(d.h.strength[:], d.h.level) {
		for _, base := range []int{0, d.h.level} {
			if sum := level + base + d.h.intra; min(sum, sum+d.h.by4x4) < -128 || max(sum, sum+d.h.by4x4) > 127 {
				return true
			}
		}
	}
	return b[headerSize] == 255
}

func TestNoiseIsDecodedAsByTheReference(t *testing.T) {
	partitions := map[int]int{}
	for seed := range uint64(300) {
		b := randomFrame(seed)
		want, err := reference(b)
		if err != nil {
			continue // the data of a partition ended
		}
		if unlike(b) {
			continue
		}
		got, err := decode(b, false)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !bytes.Equal(got.y, want.y) || !bytes.Equal(got.cb, want.cb) || !bytes.Equal(got.cr, want.cr) {
			t.Fatalf("seed %d: samples differ", seed)
		}
		d, _ := NewDecoder(bytes.NewReader(b), int64(len(b)), false)
		partitions[len(d.tokens)]++
	}
	for n := 1; n <= maxPartitions; n *= 2 {
		if partitions[n] < 10 {
			t.Errorf("frames by their number of partitions: %v", partitions)
		}
	}
}

// A frame that is cut anywhere is truncated, and the rows before the cut are right.
func TestCutFrames(t *testing.T) {
	for name, b := range frames(t) {
		t.Run(name, func(t *testing.T) {
			whole, err := decode(b, false)
			if err != nil {
				t.Fatal(err)
			}
			for n := 0; n < len(b); n += 1 + len(b)/200 {
				d, err := NewDecoder(bytes.NewReader(b[:n]), int64(n), false)
				w := 0
				if err == nil {
					w = d.Width
				}
				var got []uint8
				take := func(s *Strip) {
					for y := range s.Rows {
						got = append(got, s.Luma(s.First+y)...)
					}
				}
				for err == nil {
					var s *Strip
					if s, err = d.Next(); err == nil {
						take(s)
					}
				}
				if err == io.EOF {
					continue // nothing is missing but padding
				}
				if !errors.Is(err, ErrTruncated) {
					t.Fatalf("%d of %d bytes: %v", n, len(b), err)
				}
				if d == nil {
					continue
				}
				s, done := d.Rest()
				if s == nil {
					continue
				}
				for err = nil; err == nil; s, err = d.Next() {
					take(s)
				}
				if err != io.EOF || len(got) != len(whole.y) {
					t.Fatalf("%d of %d bytes: %d samples of %d, %v", n, len(b), len(got), len(whole.y), err)
				}
				if !bytes.Equal(got[:done*w], whole.y[:done*w]) {
					t.Fatalf("%d of %d bytes: the first %d rows differ", n, len(b), done)
				}
				if v := got[len(got)-1]; v != 126 {
					t.Fatalf("%d of %d bytes: a missing sample is %d", n, len(b), v)
				}
			}
		})
	}
}

func TestBadFramesAreRefused(t *testing.T) {
	good := frames(t)["lossy.webp"]
	for name, b := range map[string][]byte{
		"nothing":     nil,
		"inter frame": append([]byte{good[0] | 1}, good[1:]...),
		"other start": append([]byte{good[0], good[1], good[2], 0}, good[4:]...),
		"header only": good[:headerSize],
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := decode(b, false); fault.Of(err) != fault.Format {
				t.Errorf("%v", err)
			}
		})
	}
}

// The largest frame takes memory for some rows only.
func TestMemoryOfTheLargestFrame(t *testing.T) {
	b := bytes.Clone(frames(t)["lossy.webp"])
	binary.LittleEndian.PutUint16(b[6:], maxSide)
	binary.LittleEndian.PutUint16(b[8:], maxSide)
	n := testing.Benchmark(func(b2 *testing.B) {
		b2.ReportAllocs()
		for b2.Loop() {
			if _, err := decode(b, false); !errors.Is(err, ErrTruncated) {
				b2.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if most := MemoryOf(maxSide); n > most {
		t.Errorf("%d bytes are allocated; MemoryOf says %d", n, most)
	}
}

// FuzzDecode compares with another decoder. Whatever that one reads, this one reads, too,
// with the same samples.
func FuzzDecode(f *testing.F) {
	for _, b := range frames(f) {
		f.Add(b)
	}
	for seed := range uint64(8) {
		f.Add(randomFrame(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ReadConfig(b); err == nil && (c.Width*c.Height > 1<<15 || c.Width*c.Height == 0) {
			return
		}
		got, err := decode(b, false)
		if err != nil && fault.Of(err) != fault.Format {
			t.Fatalf("%v: %v", fault.Of(err), err)
		}
		want, refErr := reference(b)
		if refErr != nil || unlike(b) {
			return
		}
		if err != nil {
			t.Fatalf("%v, but the reference reads it", err)
		}
		if !bytes.Equal(got.y, want.y) || !bytes.Equal(got.cb, want.cb) || !bytes.Equal(got.cr, want.cr) {
			t.Error("samples differ")
		}
		if luma, err := decode(b, true); err != nil || !bytes.Equal(luma.y, want.y) {
			t.Errorf("luma alone differs: %v", err)
		}
	})
}
