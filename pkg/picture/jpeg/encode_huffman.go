package jpeg

import (
	"cmp"
	"slices"
)

// huffmanOf makes the Huffman table that codes symbols of the given counts in the fewest
// bits, with codes of at most 16 bits. Symbols that do not occur get no code. At least
// one must occur.
//
// The method is package-merge (L. Larmore and D. Hirschberg, "A Fast Algorithm for
// Optimal Length-Limited Huffman Codes", 1990). Think of each symbol as a coin for every
// bit that its code may have: coins of 1/2, 1/4, … 2^-16, each at the price of the
// symbol's count. A set of coins worth n-1 is a code of n symbols: a symbol's length is
// the number of its coins in the set, and the price is the number of bits of the whole.
// The cheapest such set is found from the smallest coins up: at each denomination the
// coins and the pairs of the denomination below are put in order of price, and joined
// two by two into pairs for the next.
//
// No code may be all ones (T.81 C). So a symbol of count 0 is added. It is among the
// longest, its code is the last of its length, and it is left out at the end.
func huffmanOf(n *symbolCounts) huffmanSpec {
	symbols := make([]uint8, 0, 256) // that occur, the rarest first
	for s, c := range n {
		if c > 0 {
			symbols = append(symbols, uint8(s))
		}
	}
	slices.SortStableFunc(symbols, func(a, b uint8) int { return cmp.Compare(n[a], n[b]) })
	coins := make([]uint64, 1+len(symbols)) // the prices; the first is that of the added symbol
	for i, s := range symbols {
		coins[1+i] = uint64(n[s])
	}

	const longest = 16
	isCoin := make([]bool, longest*2*len(coins)) // by denomination and place in its order
	var pairs, order []uint64
	for l := range longest {
		order = order[:0]
		coin, pair := 0, 0
		for coin < len(coins) || pair < len(pairs) {
			first := pair == len(pairs) || coin < len(coins) && coins[coin] <= pairs[pair]
			isCoin[l*2*len(coins)+len(order)] = first
			if first {
				order = append(order, coins[coin])
				coin++
			} else {
				order = append(order, pairs[pair])
				pair++
			}
		}
		pairs = pairs[:0]
		for i := 1; i < len(order); i += 2 {
			pairs = append(pairs, order[i-1]+order[i])
		}
	}

	// Spend n-1 = (2n-2)/2 on the cheapest of the largest denomination, and follow the
	// pairs among them down.
	length := make([]int, len(coins))
	for l, take := longest-1, 2*len(coins)-2; take > 0; l-- {
		used := 0
		for _, coin := range isCoin[l*2*len(coins):][:take] {
			if coin {
				length[used]++
				used++
			}
		}
		take = 2 * (take - used)
	}

	var t huffmanSpec
	for _, l := range length[1:] {
		t.counts[l]++
	}
	slices.Reverse(symbols)
	t.values = string(symbols)
	return t
}

// addLegal counts every symbol once that a block of a baseline file may need: DC sizes 0
// to 11; AC runs 0 to 15 with sizes 1 to 10, the end of a block, and 16 zeros (T.81
// F.1.2).
func (n *symbolCounts) addLegal(class int) {
	if class == 0 {
		for size := range 12 {
			n[size]++
		}
		return
	}
	n[0]++
	n[0xF0]++
	for run := range 16 {
		for size := 1; size <= 10; size++ {
			n[run<<4|size]++
		}
	}
}
