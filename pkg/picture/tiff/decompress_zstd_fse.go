package tiff

import (
	"math/bits"
	"sync"
)

// FSE (finite state entropy, RFC 8878, 4.1) codes symbols of any probability in less
// than a bit. A decoder is in one of 2ⁿ states; each stands for a symbol, and for the
// states that may follow: a base, to which some bits of the stream are added. A symbol
// of probability p/2ⁿ has p states.
type fseTable struct {
	bits    int // n
	entries []fseEntry
}

type fseEntry struct {
	symbol uint8
	bits   uint8  // to be read for the next state
	next   uint32 // to which they are added
}

// at returns the entry of a state.
func (t *fseTable) at(state uint32) fseEntry { return t.entries[state&uint32(len(t.entries)-1)] }

// readFSE reads the probabilities of at most symbols symbols from the beginning of b and
// makes their table of at most 2^most states.
func readFSE(b []byte, most, symbols int) (*fseTable, []byte, error) {
	at := 0 // bits read
	get := func(n int) int {
		v := 0
		for i := range n {
			if p := at + i; p/8 < len(b) {
				v |= int(b[p/8]>>(p&7)&1) << i
			}
		}
		at += n
		return v
	}
	n := get(4) + 5
	if n > most {
		return nil, nil, errZstd
	}
	var p []int // a negative one: less than 1, but one state
	for remaining := 1 << n; remaining > 0; {
		if len(p) >= symbols {
			return nil, nil, errZstd
		}
		// Values 0..remaining+1 are to be told apart. Of the width that needs, small
		// values have one bit less.
		width := bits.Len(uint(remaining + 1))
		short := 1<<width - 1 - (remaining + 1)
		v := get(width - 1)
		if v >= short {
			if v += get(1) << (width - 1); v >= 1<<(width-1) {
				v -= short
			}
		}
		p = append(p, v-1)
		remaining -= max(v-1, 1-v)
		if v == 1 { // zeros are followed by how many more there are
			for more := 3; more == 3; {
				more = get(2)
				p = append(p, make([]int, more)...)
				if len(p) > symbols {
					return nil, nil, errZstd
				}
			}
		}
	}
	used := (at + 7) / 8
	if used > len(b) {
		return nil, nil, errZstd
	}
	t, err := newFSE(p, n)
	return t, b[used:], err
}

// newFSE makes the table of 2ⁿ states of probabilities p.
func newFSE(p []int, n int) (*fseTable, error) {
	size := 1 << n
	t := &fseTable{bits: n, entries: make([]fseEntry, size)}
	high := size
	follow := make([]int, len(p))
	for s, v := range p {
		follow[s] = v
		if v < 0 {
			high--
			if high < 0 {
				return nil, errZstd
			}
			t.entries[high].symbol = uint8(s)
			follow[s] = 1
		}
	}
	// States of a symbol are spread over the table.
	pos, step := 0, size>>1+size>>3+3
	for s, v := range p {
		for range max(0, v) {
			if high == 0 {
				return nil, errZstd
			}
			t.entries[pos].symbol = uint8(s)
			for pos = (pos + step) & (size - 1); pos >= high; {
				pos = (pos + step) & (size - 1)
			}
		}
	}
	if pos != 0 {
		return nil, errZstd
	}
	for i := range t.entries {
		e := &t.entries[i]
		f := follow[e.symbol]
		follow[e.symbol]++
		width := n + 1 - bits.Len(uint(f))
		e.bits = uint8(width)
		e.next = uint32(f<<width - size)
	}
	return t, nil
}

// predefined returns the tables of literal lengths, offsets and match lengths that need
// not be sent (RFC 8878, 3.1.1.3.2.2).
var predefined = sync.OnceValue(func() (t [3]*fseTable) {
	for i, d := range []struct {
		n int
		p []int
	}{
		{6, []int{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1}},
		{5, []int{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}},
		{6, []int{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1}},
	} {
		t[i], _ = newFSE(d.p, d.n)
	}
	return t
})

// huffmanTable decodes literals (RFC 8878, 4.2). Every string of bits bits is at its
// place in entries; bits is 0 before there is a tree.
type huffmanTable struct {
	bits    int
	entries []huffmanEntry
}

type huffmanEntry struct{ symbol, bits uint8 }

const maxHuffmanBits = 11

// readTree reads the weights of the symbols from the beginning of b. A symbol of weight
// w > 0 has a code of bits + 1 - w bits.
func (t *huffmanTable) readTree(b []byte) ([]byte, error) {
	if len(b) < 1 {
		return nil, errZstd
	}
	n := int(b[0])
	b = b[1:]
	var weights []uint8
	if n < 128 { // coded by FSE, two states taking turns
		if n > len(b) {
			return nil, errZstd
		}
		var err error
		if weights, err = readWeights(b[:n]); err != nil {
			return nil, err
		}
		b = b[n:]
	} else { // of 4 bits each
		n -= 127
		if (n+1)/2 > len(b) {
			return nil, errZstd
		}
		for i := range n {
			weights = append(weights, b[i/2]>>(4-4*(i&1))&15)
		}
		b = b[(n+1)/2:]
	}
	return b, t.build(weights)
}

// readWeights reads weights that are coded by FSE.
func readWeights(b []byte) (weights []uint8, err error) {
	f, b, err := readFSE(b, 6, 256)
	if err != nil {
		return nil, err
	}
	s, err := newBackward(b)
	if err != nil {
		return nil, err
	}
	state := [2]uint32{s.bits(f.bits), s.bits(f.bits)}
	for i := 0; ; i ^= 1 {
		if len(weights) > 254 {
			return nil, errZstd
		}
		e := f.at(state[i])
		weights = append(weights, e.symbol)
		state[i] = e.next + s.bits(int(e.bits))
		if s.left < 0 { // the other state's symbol is the last
			return append(weights, f.at(state[i^1]).symbol), nil
		}
	}
}

// build makes the table. The weight of the last symbol is not sent: it makes the sum of
// 2^(w-1) a power of two.
func (t *huffmanTable) build(weights []uint8) error {
	sum := 0
	for _, w := range weights {
		if w > maxHuffmanBits {
			return errZstd
		}
		sum += 1 << w >> 1
	}
	if sum == 0 {
		return errZstd
	}
	n := bits.Len(uint(sum))
	left := 1<<n - sum
	if n > maxHuffmanBits || left&(left-1) != 0 {
		return errZstd
	}
	weights = append(weights, uint8(bits.Len(uint(left))))
	t.bits = n
	t.entries = t.entries[:0]
	for w := uint8(1); int(w) <= n; w++ { // the longest codes first
		for s, v := range weights {
			if v == w {
				for range 1 << w >> 1 {
					t.entries = append(t.entries, huffmanEntry{uint8(s), uint8(n + 1 - int(w))})
				}
			}
		}
	}
	if len(t.entries) != 1<<n {
		return errZstd
	}
	return nil
}

// decode fills dst from a stream, which must be used up by it.
func (t *huffmanTable) decode(dst, b []byte) error {
	s, err := newBackward(b)
	if err != nil {
		return err
	}
	for i := range dst {
		e := t.entries[s.bits(t.bits)]
		s.left += t.bits - int(e.bits)
		dst[i] = e.symbol
		if s.left < 0 {
			return errZstd
		}
	}
	if s.left != 0 {
		return errZstd
	}
	return nil
}
