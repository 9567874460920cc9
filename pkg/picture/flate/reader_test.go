package flate

import (
	"bufio"
	"bytes"
	stdflate "compress/flate"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"
)

// pieces is a Source of data in pieces of at most size bytes. It ends with err, or
// io.EOF.
type pieces struct {
	data []byte
	size int
	err  error
	last []byte
}

func (p *pieces) Piece() ([]byte, error) {
	for i := range p.last { // the piece before is no longer valid
		p.last[i] = 0xa5
	}
	if len(p.data) == 0 {
		if p.err != nil {
			return nil, p.err
		}
		return nil, io.EOF
	}
	n := min(p.size, len(p.data))
	p.last = bytes.Clone(p.data[:n])
	p.data = p.data[n:]
	return p.last, nil
}

// reference decompresses by the standard library. Its error is one of Reader's, with
// the position of a CorruptError.
func reference(data []byte) ([]byte, error) {
	if len(data) >= 2 && data[0]&15 == 8 && data[0] < 0x80 && (int(data[0])<<8|int(data[1]))%31 == 0 && data[1]&32 != 0 {
		return nil, ErrDictionary // it would accept one dictionary, which is empty
	}
	z, err := zlib.NewReader(bytes.NewReader(data))
	var out []byte
	if err == nil {
		out, err = io.ReadAll(z)
	}
	if at, ok := errors.AsType[stdflate.CorruptInputError](err); ok {
		return out, CorruptError(at)
	}
	switch err {
	case zlib.ErrHeader:
		err = ErrHeader
	case zlib.ErrDictionary:
		err = ErrDictionary
	case zlib.ErrChecksum:
		err = ErrChecksum
	case io.EOF:
		err = io.ErrUnexpectedEOF // in the header
	}
	return out, err
}

// readRows reads all with Next, n bytes at a time, then the rest with Read.
func readRows(r *Reader, n int) ([]byte, error) {
	var out []byte
	for {
		b, err := r.Next(n)
		if err != nil {
			break
		}
		out = append(out, b...)
	}
	rest, err := io.ReadAll(r)
	return append(out, rest...), err
}

// compare reads data in pieces of size bytes and in rows of n, and compares outcome and
// verdict with the standard library's. That one asks for as many bits as the end of
// the block has before it decodes any symbol, so that it may miss the last symbols of
// a stream that is cut.
func compare(t *testing.T, data []byte, size, n int) {
	t.Helper()
	want, wantErr := reference(data)
	r := NewReader(&pieces{data: data, size: size})
	got, err := readRows(r, n)
	if wantErr == io.ErrUnexpectedEOF && bytes.HasPrefix(got, want) {
		if _, corrupt := errors.AsType[CorruptError](err); err != io.ErrUnexpectedEOF && !corrupt {
			t.Fatalf("%v, want %v", err, wantErr)
		}
		return
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, want %d; the first different at %d", len(got), len(want), firstDifference(got, want))
	}
	at, corrupt := errors.AsType[CorruptError](err)
	wantAt, wantCorrupt := errors.AsType[CorruptError](wantErr)
	switch {
	case corrupt != wantCorrupt, !corrupt && err != wantErr:
		t.Fatalf("%v, want %v", err, wantErr)
	case corrupt && (at < wantAt-2 || at > wantAt+2):
		t.Errorf("corrupt at byte %d, want %d", at, wantAt)
	}
	if err == nil {
		whole := bytes.NewReader(data)
		z, _ := zlib.NewReader(whole) // reads byte by byte
		io.Copy(io.Discard, z)
		if want := int64(len(data) - whole.Len()); r.Taken() != want {
			t.Errorf("stream of %d bytes, want %d", r.Taken(), want)
		}
	}
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// compressed returns data compressed by the standard library.
func compressed(data []byte, level int) []byte {
	var b bytes.Buffer
	z, err := zlib.NewWriterLevel(&b, level)
	if err != nil {
		panic(err)
	}
	z.Write(data)
	z.Close()
	return b.Bytes()
}

// samples are data of several kinds, by name.
func samples() map[string][]byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	m := map[string][]byte{"nothing": nil, "a byte": {7}, "zeros": make([]byte, 300_000)}
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	m["noise"] = noise
	photo := make([]byte, 300_000)
	for i := range photo {
		photo[i] = byte(int8(rnd.NormFloat64() * 6))
	}
	m["photo"] = photo
	skewed := make([]byte, 200_000) // codes of all lengths up to 15
	for i := range skewed {
		for skewed[i] < 250 && rnd.IntN(2) == 0 {
			skewed[i]++
		}
		skewed[i] += byte(rnd.IntN(1000)) / 250 * byte(rnd.IntN(60))
	}
	m["skewed"] = skewed
	var text []byte
	for len(text) < 300_000 {
		text = fmt.Appendf(text, "row %d of %d: ", rnd.IntN(1000), rnd.IntN(70))
	}
	m["text"] = text
	for d := 1; d <= 300; d = d*3/2 + 1 { // matches at the distance d, of all lengths
		var runs []byte
		for i := range 2000 {
			if len(runs) < d || i%20 == 0 {
				runs = append(runs, noise[i*37:][:d]...)
			}
			for range 3 + rnd.IntN(300) {
				runs = append(runs, runs[len(runs)-d])
			}
			runs = append(runs, byte(rnd.Uint32()))
		}
		m[fmt.Sprintf("runs at %d", d)] = runs
	}
	far := slices.Concat(noise[:30000], noise[:30000], noise[:1000], noise[:40000])
	m["far matches"] = far
	return m
}

func TestReaderGivesTheData(t *testing.T) {
	for name, data := range samples() {
		for _, level := range []int{zlib.HuffmanOnly, 0, 1, 9} {
			t.Run(fmt.Sprintf("%s, level %d", name, level), func(t *testing.T) {
				z := compressed(data, level)
				for _, size := range []int{len(z), 1000, 30, 1} {
					compare(t, z, size, 1+len(data)/50)
				}
				compare(t, z, len(z), len(data)+1)
				compare(t, append(z, "more"...), len(z), 1000)
			})
		}
	}
}

// A stream that is cut anywhere gives all bytes before the cut, and says so.
func TestCutStream(t *testing.T) {
	for name, data := range samples() {
		data = data[:min(len(data), 500)]
		t.Run(name, func(t *testing.T) {
			for _, level := range []int{zlib.HuffmanOnly, 0, 6} {
				z := compressed(data, level)
				for n := range z {
					compare(t, z[:n], n+1, 100)
				}
			}
		})
	}
}

// fixedBlock packs bits into a stream with the header, lowest bit first. Digits of a
// field are given as they are read.
func stream(fields ...string) []byte {
	out := []byte{0x78, 0x01}
	n := 0
	for _, f := range fields {
		for _, c := range f {
			if c != '0' && c != '1' {
				continue
			}
			if n%8 == 0 {
				out = append(out, 0)
			}
			out[len(out)-1] |= byte(c-'0') << (n % 8)
			n++
		}
	}
	return out
}

// number returns v as n digits, the lowest first.
func number(v, n int) string {
	var s []byte
	for range n {
		s = append(s, byte('0'+v&1))
		v >>= 1
	}
	return string(s)
}

// dynamic returns the header of a dynamic block with the given code lengths, each of
// which is coded by 4 bits.
func dynamic(lit, dist []int) string {
	s := "1 01" + number(len(lit)-257, 5) + number(len(dist)-1, 5) + number(15, 4)
	for _, i := range lengthOrder {
		if i < 16 {
			s += number(4, 3)
		} else {
			s += number(0, 3)
		}
	}
	for _, l := range slices.Concat(lit, dist) {
		s += fmt.Sprintf("%04b", l) // codes begin with their highest bit
	}
	return s
}

// lengthsOf returns n lengths that are 0 but for those given.
func lengthsOf(n int, some map[int]int) []int {
	l := make([]int, n)
	for i, v := range some {
		l[i] = v
	}
	return l
}

// Each stream is invalid in one way. Verdict and position are the standard library's.
func TestHostileStreams(t *testing.T) {
	const fixed = "1 10"
	literal := func(v int) string { return fmt.Sprintf("%08b", 0x30+v) }
	one := lengthsOf(257, map[int]int{0: 1, 256: 1})
	for _, c := range []struct {
		name string
		data []byte
		err  error // nil: valid but for the checksum; a CorruptError of any position
	}{
		{"nothing", nil, io.ErrUnexpectedEOF},
		{"half a header", []byte{0x78}, io.ErrUnexpectedEOF},
		{"method 7", []byte{0x77, 0x85}, ErrHeader},
		{"window of 64 KiB", []byte{0x88, 0x1c}, ErrHeader},
		{"check bits", []byte{0x78, 0x02}, ErrHeader},
		{"preset dictionary", []byte{0x78, 0x20, 1, 2, 3, 4}, ErrDictionary},
		{"no block", stream(), io.ErrUnexpectedEOF},
		{"block type 3", stream("1 11"), CorruptError(0)},
		{"stored length without its complement", append(stream("1 00"), 1, 0, 1, 0), CorruptError(0)},
		{"stored block cut", append(stream("1 00"), 9, 0, 0xf6, 0xff, 1, 2), io.ErrUnexpectedEOF},
		{"stored header cut", append(stream("1 00"), 9, 0), io.ErrUnexpectedEOF},
		{"literal 286", stream(fixed, "11000110"), CorruptError(0)},
		{"literal 287", stream(fixed, "11000111"), CorruptError(0)},
		{"distance 30", stream(fixed, literal(1), "0000001", "11110"), CorruptError(0)},
		{"distance 31", stream(fixed, literal(1), "0000001", "11111"), CorruptError(0)},
		{"distance before the beginning", stream(fixed, literal(1), "0000001", "00001", number(0, 64)), CorruptError(0)},
		{"distance before the beginning, more data", stream(fixed, literal(1), "0000001", "00001", number(0, 640)), CorruptError(0)},
		{"match cut in its length", stream(fixed, literal(1), "0010111"), io.ErrUnexpectedEOF},
		{"match cut in its distance", stream(fixed, literal(1), "0000001", "11")[:4], io.ErrUnexpectedEOF},
		{"287 literal codes", stream("1 01", number(30, 5), number(0, 9)), CorruptError(0)},
		{"31 distance codes", stream("1 01", number(0, 5), number(30, 5), number(0, 4)), CorruptError(0)},
		{"first code empty", stream("1 01", number(0, 14), number(0, 12), number(0, 64)), CorruptError(0)},
		{"first code over-subscribed", stream("1 01", number(0, 14), number(1, 3), number(1, 3), number(1, 3), number(0, 64)), CorruptError(0)},
		{"first code incomplete", stream("1 01", number(0, 14), number(2, 3), number(2, 3), number(0, 64)), CorruptError(0)},
		{"repetition of nothing", stream("1 01", number(0, 14), number(1, 3), number(1, 3), number(0, 6), "0", number(0, 64)), CorruptError(0)},
		{"repetition beyond the end", stream("1 01", number(0, 14), number(0, 6), number(1, 3), number(1, 3), "1", number(127, 7), "1", number(127, 7)), CorruptError(0)},
		{"literals over-subscribed", stream(dynamic(lengthsOf(257, map[int]int{0: 1, 1: 1, 256: 1}), []int{1})), CorruptError(0)},
		{"literals over-subscribed by long codes", stream(dynamic(lengthsOf(257, map[int]int{0: 1, 1: 1, 2: 15, 256: 15}), []int{1})), CorruptError(0)},
		{"literals incomplete", stream(dynamic(lengthsOf(257, map[int]int{0: 2, 1: 2, 256: 2}), []int{1})), CorruptError(0)},
		{"literals incomplete by long codes", stream(dynamic(lengthsOf(257, map[int]int{0: 1, 1: 2, 256: 15}), []int{1})), CorruptError(0)},
		{"a single literal code of 2 bits", stream(dynamic(lengthsOf(257, map[int]int{256: 2}), []int{1})), CorruptError(0)},
		{"distances over-subscribed", stream(dynamic(one, []int{1, 1, 1})), CorruptError(0)},
		{"distances incomplete", stream(dynamic(one, []int{2, 2, 2})), CorruptError(0)},
		{"a single distance code of 2 bits", stream(dynamic(one, []int{2})), CorruptError(0)},
		{"end of block alone", stream(dynamic(lengthsOf(257, map[int]int{256: 1}), []int{1}), "0"), nil},
		{"end of block alone, the other code", stream(dynamic(lengthsOf(257, map[int]int{256: 1}), []int{1}), "1", number(0, 64)), CorruptError(0)},
		{"no end of block", stream(dynamic(lengthsOf(257, map[int]int{0: 1, 1: 1}), []int{1}), number(5, 99)), io.ErrUnexpectedEOF},
		{"a single distance code, used", stream(dynamic(lengthsOf(258, map[int]int{0: 1, 256: 2, 257: 2}), []int{1}), "0", "11", "0", "10"), nil},
		{"a single distance code, the other used", stream(dynamic(lengthsOf(258, map[int]int{0: 1, 256: 2, 257: 2}), []int{1}), "0", "11", "1", "10", number(0, 320)), CorruptError(0)},
		{"no distance codes, a length", stream(dynamic(lengthsOf(258, map[int]int{0: 1, 256: 2, 257: 2}), []int{0}), "0", "11", number(0, 320)), CorruptError(0)},
		{"no distance codes, a length at the end", stream(dynamic(lengthsOf(258, map[int]int{0: 1, 256: 2, 257: 2}), []int{0}), "0", "11"), CorruptError(0)},
		{"length 258 as 227 + 31", stream(fixed, literal(1), "11000100", number(31, 5), "00000", "0000000"), nil},
		{"one literal, of a pair of which the second is not there", stream("0 10", literal(0))[:3], io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{1, 3, 1000} {
				compare(t, c.data, size, 1)
				_, err := readRows(NewReader(&pieces{data: c.data, size: size}), 1)
				_, isCorrupt := errors.AsType[CorruptError](err)
				_, wantCorrupt := errors.AsType[CorruptError](c.err)
				switch {
				case c.err == nil && err != io.ErrUnexpectedEOF && err != ErrChecksum:
					t.Errorf("%v, want a valid stream without checksum", err)
				case c.err != nil && isCorrupt != wantCorrupt, c.err != nil && !wantCorrupt && err != c.err:
					t.Errorf("%v, want %v", err, c.err)
				}
			}
		})
	}
}

// A small stream that makes very much data takes no more memory than any other.
func TestBombIsBounded(t *testing.T) {
	const size = 256 << 20
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range size >> 20 {
		z.Write(zeros)
	}
	z.Close()
	r := NewReader(&pieces{data: b.Bytes(), size: b.Len()})
	n := int64(0)
	for range size/1000 + 1 {
		row, err := r.Next(1000)
		if err != nil {
			break
		}
		n += int64(len(row))
	}
	rest, err := io.Copy(io.Discard, r)
	if n+rest != size || err != nil {
		t.Errorf("%d bytes, %v", n+rest, err)
	}
	if len(r.buf) > window+decoded+slack {
		t.Errorf("holds %d bytes", len(r.buf))
	}
}

func TestNextGrowsTheBuffer(t *testing.T) {
	data := samples()["text"]
	r := NewReader(&pieces{data: compressed(data, 6), size: 1000})
	for at, n := 0, 1; at < len(data); n *= 3 {
		n = min(n, len(data)-at)
		row, err := r.Next(n)
		if err != nil || !bytes.Equal(row, data[at:at+n]) {
			t.Fatalf("%d bytes at %d: %v", n, at, err)
		}
		at += n
	}
}

// When fewer bytes are left than asked for, Next says whether there are any.
func TestNextAtTheEnd(t *testing.T) {
	data := []byte("seven..")
	for n, want := range map[int]error{7: io.EOF, 5: io.ErrUnexpectedEOF} {
		r := NewReader(&pieces{data: compressed(data, 6), size: 1000})
		if b, err := r.Next(n); err != nil || !bytes.Equal(b, data[:n]) {
			t.Fatalf("%q, %v", b, err)
		}
		for range 2 {
			if _, err := r.Next(5); err != want {
				t.Errorf("after %d bytes: %v, want %v", n, err, want)
			}
		}
	}
}

// An error of the source comes only after all data that precede it, and not at all
// behind the end of the stream.
func TestErrorOfTheSource(t *testing.T) {
	bad := errors.New("bad")
	data := samples()["text"]
	z := compressed(data, 6)
	r := NewReader(&pieces{data: z[:len(z)/2], size: 1000, err: bad})
	got, err := readRows(r, 100)
	if want, _ := reference(z[:len(z)/2]); !bytes.Equal(got, want) || err != bad {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
	r = NewReader(&pieces{data: z, size: 1000, err: bad})
	if got, err := readRows(r, 100); !bytes.Equal(got, data) || err != nil {
		t.Errorf("%d bytes of %d, %v", len(got), len(data), err)
	}
}

func TestResetStartsANewStream(t *testing.T) {
	data := samples()["text"]
	r := NewReader(&pieces{})
	for _, z := range [][]byte{compressed(data, 6)[:1000], compressed(data, 1), {1, 2, 3}, compressed(data[:5], 0), compressed(data, 9)} {
		want, wantErr := reference(z)
		r.Reset(Buffered(bufio.NewReaderSize(iotest.HalfReader(bytes.NewReader(z)), 64)))
		if got, err := io.ReadAll(r); !bytes.Equal(got, want) || err != wantErr {
			t.Errorf("%d bytes, %v; want %d, %v", len(got), err, len(want), wantErr)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, data := range samples() {
		for _, level := range []int{zlib.HuffmanOnly, 0, 1, 9} {
			f.Add(compressed(data[:min(len(data), 2000)], level), uint16(1000), uint16(100))
		}
	}
	f.Add(stream("1 01", number(0, 14), number(2, 3), number(2, 3), number(0, 64)), uint16(5), uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, size, n uint16) {
		compare(t, data, int(size)+1, int(n)+1)
	})
}
