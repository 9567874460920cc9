package vp8l

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

// log2Table has log2 of small numbers; makeLog2Table sets it.
var log2Table [1 << 12]float32

// makeLog2Table is called by an encoder: a process that only decodes does not need the
// table.
var makeLog2Table = sync.OnceFunc(func() {
	for i := 1; i < len(log2Table); i++ {
		log2Table[i] = float32(math.Log2(float64(i)))
	}
})

func log2(n uint32) float32 {
	if n < uint32(len(log2Table)) {
		return log2Table[n]
	}
	return float32(math.Log2(float64(n)))
}

// symbolHeader is what a symbol that occurs adds to the lengths of its code in the file,
// about, and codeHeader what each code takes besides, in bits.
const (
	symbolHeader = 3.5
	codeHeader   = 12
)

// codeCost returns the bits that symbols take which occur counts times, and their code:
// the entropy of Shannon, and an estimate.
func codeCost(counts []uint32) float32 {
	var total, used uint32
	var sum float32
	for _, n := range counts {
		if n > 0 {
			total += n
			used++
			sum += float32(n) * log2(n)
		}
	}
	if used <= 1 {
		return codeHeader
	}
	return float32(total)*log2(total) - sum + float32(used)*symbolHeader + codeHeader
}

// groupCost returns the bits of a group.
func groupCost(counts []uint32, cacheBits int) (cost float32) {
	for _, a := range alphabets(cacheBits) {
		cost += codeCost(counts[a[0]:a[1]])
	}
	return cost
}

// tile is a square of pixels that uses one group of codes. Which symbols it has is a list:
// the symbol times 2^16 plus how often it occurs, since most do not.
type tile struct {
	symbols []uint32
	density float32 // bits of a token with codes of its own
	group   int
}

// maxGroups is the number of groups that a band begins with, before those that are
// similar are joined.
const maxGroups = 20

// tilesPerGroup is the number of tiles for which a group is tried.
const tilesPerGroup = 24

// grouper joins tiles of a band into groups.
type grouper struct {
	cacheBits int
	tiles     []tile
	symbols   []uint32   // of all tiles, behind each other
	groups    [][]uint32 // symbol counts
	costs     [][]uint32 // of each symbol in bits × 256
}

// addTile adds a tile whose symbols occur counts times, and sets counts to 0.
func (g *grouper) addTile(counts []uint32) {
	var t tile
	var tokens uint32
	first := len(g.symbols)
	for _, a := range alphabets(g.cacheBits) {
		var total, used uint32
		var sum float32
		for s := a[0]; s < a[1]; s++ {
			if n := counts[s]; n > 0 {
				g.symbols = append(g.symbols, uint32(s)<<16|n)
				total += n
				used++
				sum += float32(n) * log2(n)
				counts[s] = 0
			}
		}
		if used > 1 {
			t.density += float32(total)*log2(total) - sum
		}
		if a[0] == symGreen {
			tokens = total
		}
	}
	t.symbols = g.symbols[first:len(g.symbols):len(g.symbols)]
	t.density /= float32(max(tokens, 1))
	g.tiles = append(g.tiles, t)
}

// group finds the groups: tiles are sorted by how many bits a token takes, which tells
// noise from flat areas, and cut into maxGroups parts. Then each tile is given to the
// group whose codes suit it best, twice (the method of k-means, with bits for a distance).
// At last groups are joined as long as a code less saves more than worse codes cost.
func (g *grouper) group() {
	k := min(maxGroups, max(1, len(g.tiles)/tilesPerGroup))
	order := make([]int, len(g.tiles))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(g.tiles[a].density, g.tiles[b].density) })
	for rank, i := range order {
		g.tiles[i].group = rank * k / len(order)
	}
	g.sum(k)
	for range 2 {
		g.assign()
		g.sum(k)
	}
	g.join()
}

// sum makes the k groups' counts from their tiles.
func (g *grouper) sum(k int) {
	g.groups = g.groups[:0]
	for range k {
		g.groups = append(g.groups, make([]uint32, numSymbols(g.cacheBits)))
	}
	for i := range g.tiles {
		counts := g.groups[g.tiles[i].group]
		for _, s := range g.tiles[i].symbols {
			counts[s>>16] += s & 0xffff
		}
	}
}

// assign gives each tile to the group in which it takes the fewest bits.
func (g *grouper) assign() {
	g.costs = g.costs[:0]
	for _, counts := range g.groups {
		g.costs = append(g.costs, symbolCosts(counts, g.cacheBits))
	}
	for i := range g.tiles {
		t := &g.tiles[i]
		least := uint64(math.MaxUint64)
		for j, costs := range g.costs {
			var sum uint64
			for _, s := range t.symbols {
				sum += uint64(costs[s>>16]) * uint64(s&0xffff)
			}
			if sum < least {
				least, t.group = sum, j
			}
		}
	}
}

// symbolCosts returns what each symbol of a group costs, in bits × 256.
func symbolCosts(counts []uint32, cacheBits int) []uint32 {
	costs := make([]uint32, len(counts))
	for _, a := range alphabets(cacheBits) {
		var total uint32
		for _, n := range counts[a[0]:a[1]] {
			total += n
		}
		all := log2(total + 1)
		for s, n := range counts[a[0]:a[1]] {
			if n > 0 {
				costs[a[0]+s] = uint32(max(all-log2(n), 0) * 256)
			} else {
				costs[a[0]+s] = uint32((all + 2 + symbolHeader) * 256) // it would have to be added
			}
		}
	}
	return costs
}

// join joins the two groups that save most, again and again.
func (g *grouper) join() {
	n := len(g.groups)
	cost := make([]float32, n)
	for i, c := range g.groups {
		cost[i] = groupCost(c, g.cacheBits)
	}
	into := make([]int, n) // where the tiles of a group are now
	for i := range into {
		into[i] = i
	}
	both := make([]uint32, numSymbols(g.cacheBits))
	together := func(i, j int) float32 {
		for s, n := range g.groups[i] {
			both[s] = n + g.groups[j][s]
		}
		return groupCost(both, g.cacheBits)
	}
	saves := make([][]float32, n) // by joining i with a j below it
	for i := range saves {
		saves[i] = make([]float32, i)
		for j := range i {
			saves[i][j] = cost[i] + cost[j] - together(i, j)
		}
	}
	for {
		bi, bj := 0, 0
		var most float32
		for i := range saves {
			for j, s := range saves[i] {
				if s > most && g.groups[i] != nil && g.groups[j] != nil {
					bi, bj, most = i, j, s
				}
			}
		}
		if most == 0 {
			break
		}
		cost[bj] = together(bi, bj)
		copy(g.groups[bj], both)
		g.groups[bi] = nil
		for i := range into {
			if into[i] == bi {
				into[i] = bj
			}
		}
		for i := range n {
			if g.groups[i] == nil || i == bj {
				continue
			}
			saves[max(i, bj)][min(i, bj)] = cost[i] + cost[bj] - together(i, bj)
		}
	}
	// Numbers without gaps, and the counts again: a joined group has those of both.
	number := make([]int, n)
	kept := g.groups[:0]
	for i, c := range g.groups {
		if c != nil {
			number[i] = len(kept)
			kept = append(kept, c)
		}
	}
	g.groups = kept
	for i := range g.tiles {
		g.tiles[i].group = number[into[g.tiles[i].group]]
	}
}
