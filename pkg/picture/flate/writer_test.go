package flate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// write compresses data, handed over in parts of n bytes.
func write(w io.Writer, f Format, data []byte, n int) error {
	z := NewWriter(w, f)
	for len(data) > 0 {
		part := data[:min(n, len(data))]
		if _, err := z.Write(part); err != nil {
			return err
		}
		data = data[len(part):]
	}
	return z.Close()
}

// roundTrip compresses data, and decompresses them by the standard library and by
// Reader. It returns the compressed size.
func roundTrip(t *testing.T, f Format, data []byte, n int) int {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, f, data, n); err != nil {
		t.Fatal(err)
	}
	z := b.Bytes()
	if got, err := reference(z); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("standard library: %d bytes, want %d, the first different at %d: %v", len(got), len(data), firstDifference(got, data), err)
	}
	compare(t, z, len(z), 1000)
	return len(z)
}

func TestWriterGivesTheData(t *testing.T) {
	for name, data := range samples() {
		for _, f := range []Format{{Pixel: 1, Row: 100}, {Pixel: 3, Row: 4001}, {Pixel: 8, Row: 70000}, {Pixel: 4, Row: 64, Depth: Thorough}} {
			t.Run(fmt.Sprintf("%s, %v", name, f), func(t *testing.T) {
				roundTrip(t, f, data, 1<<20)
				roundTrip(t, f, data, 4001)
				roundTrip(t, f, data[:min(len(data), 1000)], 1)
			})
		}
	}
}

// Sizes around those of units, stored blocks and windows.
func TestWriterAtEdges(t *testing.T) {
	noise, text := samples()["noise"], samples()["text"]
	for _, n := range []int{0, 1, 7, 8, 9, 15, 16, chunk - 1, chunk, chunk + 1, window, 65535, 65536, unit - 1, unit, unit + 1, unit + leftover - 1, unit + leftover, unit + leftover + 1} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			f := Format{Pixel: 3, Row: 300}
			if size := roundTrip(t, f, noise[:n], 1000); size > n+n/1000+40 {
				t.Errorf("%d bytes of noise became %d", n, size)
			}
			roundTrip(t, f, text[:n], 1000)
		})
	}
}

// Positions in chains start again before they overflow.
func TestWriterAfterManyBytes(t *testing.T) {
	data := samples()["text"]
	var b bytes.Buffer
	z := NewWriter(&b, Format{Pixel: 1, Row: 100})
	z.base = 1<<31 - unit
	z.Write(data)
	if z.base > 1<<30 {
		t.Errorf("position %d", z.base)
	}
	z.Close()
	if got, err := reference(b.Bytes()); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// No kind of data becomes larger than by the standard library's level 6 by more than a
// few percent.
func TestWriterIsNotLarger(t *testing.T) {
	for name, data := range samples() {
		t.Run(name, func(t *testing.T) {
			size := roundTrip(t, Format{Pixel: 1, Row: 1000, Depth: Thorough}, data, 1000)
			if std := len(compressed(data, 6)); size > std+std/20+20 {
				t.Errorf("%d bytes, standard library %d", size, std)
			}
		})
	}
}

func TestWriterReset(t *testing.T) {
	data := samples()["text"]
	var first, second, empty bytes.Buffer
	z := NewWriter(&first, Format{Pixel: 1, Row: 100})
	z.Write(data)
	z.Close()
	z.Reset(&empty)
	z.Close()
	z.Reset(&second)
	z.Write(data)
	z.Close()
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("%d bytes, then %d", first.Len(), second.Len())
	}
	if got, err := reference(empty.Bytes()); err != nil || len(got) != 0 {
		t.Errorf("nothing became %d bytes, %v", len(got), err)
	}
}

type failing struct{ left int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriterReportsErrors(t *testing.T) {
	for _, left := range []int{0, 50_000, 150_000} {
		if err := write(&failing{left}, Format{Pixel: 1, Row: 100}, samples()["noise"], 1000); err != errFull {
			t.Errorf("after %d bytes: %v", left, err)
		}
	}
}

// The code is optimal where no length reaches the limit (its cost is that of Huffman's
// definition), and always complete and within the limit.
func TestCodeLengths(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for round := range 2000 {
		n := 2 + rnd.IntN(numLitLen-1)
		most := maxFirst
		if n > 19 || round%2 == 0 {
			most = maxWritten
		}
		counts := make([]uint32, n)
		for i := range counts {
			if counts[i] = uint32(rnd.IntN(4)); round%3 == 0 {
				counts[i] = uint32(1) << rnd.IntN(28) // forces long codes
			}
		}
		l := make([]uint8, n)
		makeLengths(l, counts, most)
		sum, cost, longest := 0, uint64(0), 0
		for i, v := range l {
			if v != 0 {
				sum += 1 << (maxCode - v)
			} else if counts[i] != 0 {
				t.Fatalf("counts %v: no code for %d", counts, i)
			}
			cost += uint64(v) * uint64(counts[i])
			longest = max(longest, int(v))
		}
		if sum != 1<<maxCode || longest > most {
			t.Fatalf("counts %v: lengths %v", counts, l)
		}
		if want, deepest := huffmanCost(counts); deepest <= most && cost != want || cost < want {
			t.Fatalf("counts %v: cost %d, want %d", counts, cost, want)
		}
	}
}

// huffmanCost joins the two rarest symbols until one is left, and returns the sum of the
// joined counts, which is the cost of the code, and an upper bound of its longest code.
func huffmanCost(counts []uint32) (cost uint64, deepest int) {
	type node struct {
		n     uint64
		depth int
	}
	var nodes []node
	for _, c := range counts {
		if c != 0 {
			nodes = append(nodes, node{uint64(c), 0})
		}
	}
	for len(nodes) < 2 {
		nodes = append(nodes, node{})
	}
	for len(nodes) > 1 {
		for i := range 2 { // the two rarest to the front
			for j := i + 1; j < len(nodes); j++ {
				if nodes[j].n < nodes[i].n {
					nodes[i], nodes[j] = nodes[j], nodes[i]
				}
			}
		}
		joined := node{nodes[0].n + nodes[1].n, max(nodes[0].depth, nodes[1].depth) + 1}
		cost += joined.n
		nodes = append(nodes[2:], joined)
	}
	return cost, nodes[0].depth
}

func FuzzWriter(f *testing.F) {
	for _, data := range samples() {
		f.Add(data[:min(len(data), 500)], uint8(1), uint16(100), uint8(0), uint8(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, pixel uint8, row uint16, repeat, depth uint8) {
		// Repeated, so that inputs reach beyond a unit.
		all := bytes.Repeat(data, 1+int(repeat)*int(repeat))
		all = all[:min(len(all), unit+2*leftover)]
		roundTrip(t, Format{Pixel: 1 + int(pixel)%8, Row: 1 + int(row), Depth: int(depth)}, all, 100+int(row))
	})
}

// A Writer that has been used gives what a new one gives.
func TestRestartedWriterIsLikeANewOne(t *testing.T) {
	data := samples()["text"]
	z := NewWriter(io.Discard, Format{Pixel: 1, Row: 50, Depth: Thorough})
	for _, f := range []Format{{Pixel: 3, Row: 300}, {Pixel: 1, Row: 77, Depth: Deep}, {Pixel: 4, Row: 401}} {
		var want, got bytes.Buffer
		if err := write(&want, f, data, 1000); err != nil {
			t.Fatal(err)
		}
		z.Write(data[:5000]) // and is not closed
		z.Restart(&got, f)
		z.Write(data)
		if err := z.Close(); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%v: %d bytes, a new one gives %d; %v", f, got.Len(), want.Len(), err)
		}
	}
}
