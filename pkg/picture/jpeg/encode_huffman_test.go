package jpeg

import (
	"bytes"
	"container/heap"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"imgtools/pkg/picture/raster"
)

// weights is a heap of counts.
type weights []uint64

func (w weights) Len() int           { return len(w) }
func (w weights) Less(i, j int) bool { return w[i] < w[j] }
func (w weights) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *weights) Push(x any)        { *w = append(*w, x.(uint64)) }
func (w *weights) Pop() any {
	x := (*w)[len(*w)-1]
	*w = (*w)[:len(*w)-1]
	return x
}

// fewestBits is the cost of Huffman's code of any length, in which one more leaf of
// count 0 has a code: the sum of all joined nodes.
func fewestBits(n *symbolCounts) (sum uint64) {
	w := weights{0}
	for _, c := range n {
		if c > 0 {
			w = append(w, uint64(c))
		}
	}
	heap.Init(&w)
	for len(w) > 1 {
		a, b := heap.Pop(&w).(uint64), heap.Pop(&w).(uint64)
		sum += a + b
		heap.Push(&w, a+b)
	}
	return sum
}

func TestHuffmanTableIsTheBest(t *testing.T) {
	rnd := rand.New(rand.NewPCG(31, 32))
	fibonacci := symbolCounts{1, 1} // the deepest tree: one level for each symbol
	for s := 2; s < 40; s++ {
		fibonacci[s] = fibonacci[s-1] + fibonacci[s-2]
	}
	cases := map[string]symbolCounts{
		"one symbol":  {7: 5},
		"two symbols": {0: 1, 255: 1 << 31},
		"Fibonacci":   fibonacci,
	}
	all := symbolCounts{}
	for s := range all {
		all[s] = 1
	}
	cases["all 256 once"] = all
	for i := range 200 {
		var n symbolCounts
		for range 1 + rnd.IntN(255) {
			n[rnd.IntN(256)] = uint32(1) << rnd.IntN(1+i%20)
		}
		cases[fmt.Sprint("random ", i)] = n
	}
	for name, n := range cases {
		t.Run(name, func(t *testing.T) {
			k := huffmanOf(&n)
			table := codes(&k.counts, k.values)
			var bits, kraft uint64
			longest := uint32(0)
			for s, e := range table {
				l := e & 255
				if (l == 0) != (n[s] == 0) || l > 16 || l > 0 && e>>8 == 1<<l-1 {
					t.Fatalf("symbol %#x, %d times, has the code %b of %d bits", s, n[s], e>>8, l)
				}
				if l > 0 {
					kraft += 1 << (16 - l)
				}
				bits += uint64(n[s]) * uint64(l)
				longest = max(longest, l)
			}
			if kraft >= 1<<16 {
				t.Errorf("the codes take %d of 65536 places", kraft)
			}
			if _, err := newHuffman(&k.counts, []byte(k.values)); err != nil {
				t.Error(err)
			}
			switch fewest := fewestBits(&n); {
			case longest < 16 && bits != fewest:
				t.Errorf("%d bits, not %d", bits, fewest)
			case bits < fewest || bits > fewest+fewest/100:
				t.Errorf("%d bits, with no limit %d", bits, fewest)
			}
		})
	}
}

// From quality 95 on there is no dead zone. Then a gray picture has the coefficients that
// cjpeg gives it, by the same integer transform and rounding, in no more bytes than
// with the tables that cjpeg makes for the picture.
func TestGrayIsThatOfCjpeg(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {8, 8}, {17, 33}, {130, 61}, {500, 400}} {
		for _, quality := range []int{95, 100} {
			t.Run(fmt.Sprint(size, quality), func(t *testing.T) {
				p := noise(size[0], size[1], raster.Gray)
				pgm := append(fmt.Appendf(nil, "P5\n%d %d\n255\n", size[0], size[1]), p.Planes[0].Pix...)
				want := run(t, pgm, "cjpeg", "-baseline", "-optimize", "-dct", "int", "-quality", fmt.Sprint(quality))
				var got bytes.Buffer
				if err := Encode(&got, p.Rows(), EncodeOptions{Quality: quality}); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(run(t, got.Bytes(), "djpeg"), run(t, want, "djpeg")) {
					t.Error("not cjpeg's pixels")
				}
				if got.Len() > len(want)+len(want)/500 { // the number of stuffed bytes is chance
					t.Errorf("%d bytes, cjpeg's has %d", got.Len(), len(want))
				}
			})
		}
	}
}

// Tables are made of the first heldBytes; later blocks may have symbols that did not
// occur before.
func TestRestOfALargePictureHasItsCodes(t *testing.T) {
	const side = 2048
	p := noise(side, 2*side, raster.Gray)
	pix := p.Planes[0].Pix
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range pix {
		pix[i] = uint8(100 + i%side/64 + rnd.IntN(32))
		if i > len(pix)-64*side {
			pix[i] = uint8(255 * rnd.IntN(2))
		}
	}
	var got bytes.Buffer
	if err := Encode(&got, p.Rows(), EncodeOptions{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	back := mustDecode(t, got.Bytes(), raster.Hint{})
	if d := furthest(pix, side, back.Planes[0].Pix, back.Planes[0].Stride, side, 2*side); d > 2 {
		t.Errorf("a sample differs by %d", d)
	}
	var again bytes.Buffer
	if err := Encode(&again, p.Rows(), EncodeOptions{Quality: 100}); err != nil || !bytes.Equal(got.Bytes(), again.Bytes()) {
		t.Errorf("another file the second time: %v", err)
	}
	if err := Encode(&failAt{after: 3 << 20}, p.Rows(), EncodeOptions{Quality: 100}); err != io.ErrShortWrite {
		t.Errorf("a writer that fails while kept rows are written: %v", err)
	}
}

// failAt is a writer that fails after some bytes.
type failAt struct{ after int }

func (f *failAt) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}
