package tiff

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// codePacker packs codes as TIFF does, with a width for each, most significant bit first.
type codePacker struct {
	b []byte
	n int // bits used
}

func (p *codePacker) add(code, width int) {
	for i := width - 1; i >= 0; i-- {
		if p.n%8 == 0 {
			p.b = append(p.b, 0)
		}
		p.b[p.n/8] |= byte(code>>i&1) << (7 - p.n%8)
		p.n++
	}
}

// lzwCompress compresses by the description in TIFF 6.0 section 13. Clear is written when the
// table has limit entries.
func lzwCompress(data []byte, limit int) []byte {
	var p codePacker
	var table map[string]int
	width, next := 9, 258
	clear := func() {
		p.add(256, width)
		table, width, next = map[string]int{}, 9, 258
		for i := range 256 {
			table[string([]byte{byte(i)})] = i
		}
	}
	clear()
	omega := ""
	for _, k := range data {
		if _, ok := table[omega+string([]byte{k})]; ok {
			omega += string([]byte{k})
			continue
		}
		p.add(table[omega], width)
		table[omega+string([]byte{k})] = next
		next++
		if next == 1<<width {
			width++
		}
		if next == limit {
			clear()
		}
		omega = string([]byte{k})
	}
	if omega != "" {
		p.add(table[omega], width)
		if next++; next == 1<<width {
			width++
		}
	}
	p.add(257, width)
	return p.b
}

// slowLZW decodes with a table of whole strings.
func slowLZW(b []byte) (out []byte, err error) {
	var table [][]byte
	var last []byte
	at, width := 0, 9
	reset := func() {
		table, last, width = make([][]byte, 258), nil, 9
		for i := range 256 {
			table[i] = []byte{byte(i)}
		}
	}
	reset()
	for {
		if at+width > 8*len(b) {
			return out, io.ErrUnexpectedEOF
		}
		code := 0
		for range width {
			code = code<<1 | int(b[at/8]>>(7-at%8)&1)
			at++
		}
		if code == 256 {
			reset()
			continue
		}
		if code == 257 {
			return out, io.EOF
		}
		if last != nil && len(table) < 4096 {
			switch {
			case code < len(table):
				table = append(table, append(slices.Clone(last), table[code][0]))
			case code == len(table):
				table = append(table, append(slices.Clone(last), last[0]))
			}
			if len(table) == 1<<width-1 && width < 12 {
				width++
			}
		}
		if code >= len(table) {
			return out, errLZWCode
		}
		last = table[code]
		out = append(out, last...)
	}
}

// decodeLZW reads all of b, by pieces of the input and of the output that are odd.
func decodeLZW(z *lzwReader, b []byte, piece int) ([]byte, error) {
	z.reset(bufio.NewReaderSize(iotest.HalfReader(bytes.NewReader(b)), 16+piece))
	var out []byte
	p := make([]byte, piece)
	for {
		n, err := z.Read(p)
		if out = append(out, p[:n]...); err != nil {
			return out, err
		}
	}
}

func TestLZW(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	noise := make([]byte, 70_000)
	steps := make([]byte, 70_000)
	for i := range noise {
		noise[i], steps[i] = byte(r.IntN(256)), byte(r.IntN(5)-2)
	}
	z := newLZW()
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"nothing", nil},
		{"one byte", []byte{7}},
		{"the string that is just added", []byte("aaaaaaaaaaaaaaaaa")},
		{"long strings", bytes.Repeat([]byte{9}, 300_000)},
		{"a pattern", bytes.Repeat([]byte("a pattern of 27 bytes, here"), 3000)},
		{"noise", noise},
		{"small steps", steps},
	} {
		for _, limit := range []int{300, 511, 1000, 4094} {
			packed := lzwCompress(c.data, limit)
			for _, piece := range []int{1, 13, 4096} {
				got, err := decodeLZW(z, packed, piece)
				if err != io.EOF || !bytes.Equal(got, c.data) {
					t.Errorf("%s, Clear at %d, pieces of %d: %d bytes, %v; want %d", c.name, limit, piece, len(got), err, len(c.data))
				}
			}
			if len(c.data) > 0 {
				got, err := decodeLZW(z, packed[:len(packed)-2], 100)
				if err != io.ErrUnexpectedEOF || !bytes.HasPrefix(c.data, got) || len(got) < len(c.data)*9/10-100 {
					t.Errorf("%s, cut: %d bytes, %v", c.name, len(got), err)
				}
			}
		}
	}
}

// A table that is full stays as it is until Clear; entry 4095 is used, too.
func TestLZWTableFull(t *testing.T) {
	var p codePacker
	p.add(256, 9)
	width, next := 9, 257 // the first code adds none
	add := func(code int) {
		p.add(code, width)
		if next++; next >= 1<<width-1 && width < 12 {
			width++
		}
	}
	r := rand.New(rand.NewPCG(4, 4))
	for range 5000 {
		if next >= 258 && next < 4096 && r.IntN(3) == 0 {
			add(258 + r.IntN(next-257)) // with the one that is just added
			continue
		}
		add(r.IntN(256))
	}
	for _, code := range []int{4094, 4095, 3000, 257} {
		add(code)
	}
	want, werr := slowLZW(p.b)
	got, err := decodeLZW(newLZW(), p.b, 500)
	if werr != io.EOF || err != io.EOF || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v; want %d, %v", len(got), err, len(want), werr)
	}
}

func TestLZWInvalidCode(t *testing.T) {
	for _, c := range []struct {
		name  string
		codes string
		want  string
	}{
		{"the first is a string", "256 258", ""},
		{"beyond the entry that is added", "256 65 259", "A"},
		{"after Clear the table is empty", "256 65 66 258 256 65 259", "ABABA"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p codePacker
			for f := range strings.FieldsSeq(c.codes) {
				code := 0
				for _, d := range f {
					code = 10*code + int(d-'0')
				}
				p.add(code, 9)
			}
			got, err := decodeLZW(newLZW(), append(p.b, 0, 0, 0, 0, 0, 0, 0, 0, 0), 100)
			if !errors.Is(err, errLZWCode) || string(got) != c.want {
				t.Errorf("%q, %v; want %q, %v", got, err, c.want, errLZWCode)
			}
		})
	}
}

func FuzzLZW(f *testing.F) {
	f.Add(lzwCompress([]byte("aaaaaabababababaabbb"), 4094))
	f.Add(lzwCompress(bytes.Repeat([]byte{1, 2, 3, 1, 2, 4}, 3000), 4094))
	f.Add([]byte{0x80, 0x40, 0x20})
	z := newLZW()
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<14 {
			return
		}
		want, werr := slowLZW(b)
		got, err := decodeLZW(z, b, 1+len(b)%700)
		if err != werr || !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v; want %d, %v", len(got), err, len(want), werr)
		}
	})
}

// The sums of a row are the same for every number of samples a pixel.
func TestSumsOfRows(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for n := 1; n <= 6; n++ {
		for _, pixels := range []int{0, 1, 2, 65} {
			row := make([]byte, n*pixels)
			want := make([]byte, n*pixels)
			for i := range row {
				row[i] = byte(r.IntN(256))
				if want[i] = row[i]; i >= n {
					want[i] += want[i-n]
				}
			}
			if sum8(row, n); !bytes.Equal(row, want) {
				t.Errorf("%d samples, %d pixels: %v, want %v", n, pixels, row, want)
			}
		}
	}
}
