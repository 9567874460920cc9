package gif

import (
	"bytes"
	"compress/lzw"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// lzwPacked compresses by the definition, for any code size: the longest string of
// the table that matches, then a new entry. Codes widen when the entry just added is
// the first that needs it, and the table is cleared when it is full.
func lzwPacked(size uint, pix []byte) []byte {
	var out []byte
	var acc uint64
	var n uint
	width := size + 1
	put := func(code int) {
		acc |= uint64(code) << n
		for n += width; n >= 8; n -= 8 {
			out = append(out, byte(acc))
			acc >>= 8
		}
	}
	table := map[string]int{}
	next := 0
	reset := func() {
		put(1 << size)
		table = map[string]int{}
		for i := range 1 << size {
			table[string([]byte{byte(i)})] = i
			if size > 8 && i == 255 {
				break
			}
		}
		width, next = size+1, 1<<size+2
	}
	reset()
	for s := ""; ; {
		k := len(pix)
		for i := range pix {
			if _, ok := table[string(pix[:i+1])]; !ok {
				k = i
				break
			}
		}
		if k == 0 {
			put(1<<size + 1)
			if n > 0 {
				out = append(out, byte(acc))
			}
			return out
		}
		// The decoder knows an entry one code later.
		put(table[string(pix[:k])])
		if next == 1<<width && width < maxCodeBits {
			width++
		}
		if k < len(pix) {
			table[string(pix[:k+1])] = next
		}
		next++
		s = string(pix[:k])
		pix = pix[len(s):]
		if next == maxCodes {
			reset()
		}
	}
}

// The decoder against compress/lzw for the code sizes that it has, and against the
// definition for all, read in pieces of any length.
func TestLZW(t *testing.T) {
	rnd := rand.New(rand.NewPCG(51, 52))
	for size := uint(minCodeSize); size <= maxCodeSize; size++ {
		t.Run(fmt.Sprint("code size ", size), func(t *testing.T) {
			for _, n := range []int{0, 1, 2, 3, 50, 5000, 60000} {
				for _, colours := range []int{1, 2, min(256, 1<<size)} {
					pix := noise(rnd, n, colours)
					if n == 60000 {
						pix = append(pix, bytes.Repeat([]byte{1}, 30000)...) // long strings
					}
					streams := map[string][]byte{"definition": lzwPacked(size, pix)}
					if size >= 2 && size <= 8 {
						var z bytes.Buffer
						w := lzw.NewWriter(&z, lzw.LSB, int(size))
						w.Write(pix)
						w.Close()
						streams["compress/lzw"] = z.Bytes()
					}
					for name, data := range streams {
						b := &builder{}
						b.sub(data)
						z := newLZWReader(&blocks{in: &input{r: bytes.NewReader(b.Bytes()), size: int64(b.Len())}}, size)
						var got []byte
						for {
							piece := make([]byte, 1+rnd.IntN(1+n/3))
							k, err := z.read(piece)
							got = append(got, piece[:k]...)
							if err == io.EOF {
								break
							}
							if err != nil {
								t.Fatalf("%s, %d of %d colours: %v after %d", name, n, colours, err, len(got))
							}
						}
						if !bytes.Equal(got, pix) || !z.ended {
							t.Fatalf("%s, %d of %d colours: %d indexes, or others; end code %v", name, n, colours, len(got), z.ended)
						}
					}
				}
			}
		})
	}
}

// The example in lzwReader's comment: codes 4 1 6 6 in 3 bits, then 2 5 in 4.
func TestLZWExample(t *testing.T) {
	var bits, n uint
	for _, c := range [][2]uint{{4, 3}, {1, 3}, {6, 3}, {6, 3}, {2, 4}, {5, 4}} {
		bits |= c[0] << n
		n += c[1]
	}
	b := &builder{}
	b.sub([]byte{byte(bits), byte(bits >> 8), byte(bits >> 16)})
	z := newLZWReader(&blocks{in: &input{r: bytes.NewReader(b.Bytes()), size: int64(b.Len())}}, 2)
	got := make([]byte, 10)
	k, err := z.read(got)
	if want := []byte{1, 1, 1, 1, 1, 2}; !bytes.Equal(got[:k], want) || err != io.EOF || !z.ended || z.used() != 3 {
		t.Errorf("%v, %v, %d bytes", got[:k], err, z.used())
	}
}

// On any bytes the decoder gives what compress/lzw gives, up to the same end.
func FuzzLZW(f *testing.F) {
	f.Add(uint8(2), packed(2, []byte{1, 1, 1, 1, 1, 2}))
	f.Add(uint8(8), packed(8, bytes.Repeat([]byte{1, 2, 3}, 2000)))
	f.Fuzz(func(t *testing.T, size uint8, data []byte) {
		size = 2 + size%7
		const most = 1 << 20
		want, wantErr := io.ReadAll(io.LimitReader(lzw.NewReader(bytes.NewReader(data), lzw.LSB, int(size)), most))
		if len(want) == most {
			return
		}
		b := &builder{}
		b.sub(data)
		z := newLZWReader(&blocks{in: &input{r: bytes.NewReader(b.Bytes()), size: int64(b.Len())}}, uint(size))
		got := make([]byte, most)
		n, err := z.read(got)
		if !bytes.Equal(got[:n], want) {
			t.Fatalf("%d indexes, want %d, or others", n, len(want))
		}
		if errors.Is(err, errCode) == (wantErr == nil || wantErr == io.ErrUnexpectedEOF) {
			t.Fatalf("%v, want %v", err, wantErr)
		}
	})
}
