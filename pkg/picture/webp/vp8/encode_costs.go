package vp8

import "math"

// Costs are in 1/256 bit; in laneCosts in 1/16 bit.

// bitCost is the cost of a bit that is false, by its probability; that of one that is
// true is bitCost[256-p]. makeCosts sets it.
var bitCost [257]uint16

// pathCost returns the cost of the path to a leaf.
func pathCost(path []int8, probs []uint8) (sum int) {
	for _, step := range path {
		p := int(probs[step>>1])
		if step&1 != 0 {
			p = 256 - p
		}
		sum += int(bitCost[p])
	}
	return sum
}

// costs sets the costs of the tokens of a tree that begins at node 2. A node stands before
// those below it, so one pass adds up the costs of all paths.
func (t tree) costs(probs *[probCount]uint8, token *[tokenEnd + 1]uint16) {
	var reach [2 * probCount]uint16 // the cost of the path to a node
	for i := 2; i < len(t); i++ {
		p := int(probs[i>>1])
		if i&1 != 0 {
			p = 256 - p
		}
		c := reach[i&^1] + bitCost[p]
		if next := t[i]; next > 0 {
			reach[next] = c
		} else {
			token[-next] = c
		}
	}
}

// smallExtraCost is extraCost of the levels from 1 to 15; makeCosts sets it.
var smallExtraCost [16]uint16

// Costs of modes; makeCosts sets them.
var (
	lumaModeCost   [modes + 1]int
	chromaModeCost [4]int
	blockModeCost  [modes][modes][modes]int // by the modes above and to the left
)

// makeCosts makes the tables of costs.
func makeCosts() {
	for p := 1; p <= 256; p++ {
		bitCost[p] = uint16(math.Round(-256 * math.Log2(float64(p)/256)))
	}
	bitCost[0] = bitCost[1]
	for v := 1; v < len(smallExtraCost); v++ {
		smallExtraCost[v] = uint16(extraCost(tokenOf(v), v))
	}
	for _, m := range squareModes {
		lumaModeCost[m] = pathCost(lumaModePaths[m], lumaModeProbs[:])
		chromaModeCost[m] = pathCost(chromaModePaths[m], chromaModeProbs[:])
	}
	lumaModeCost[mode4x4] = pathCost(lumaModePaths[mode4x4], lumaModeProbs[:])
	for above := range modes {
		for left := range modes {
			for m := range mode(modes) {
				blockModeCost[above][left][m] = pathCost(blockModePaths[m], blockModeProbs[above][left][:])
			}
		}
	}
}

// laneCosts is the cost of levels for all blocks of lanes at once, by position in zig-zag
// order. A level costs, with n the smaller of it and 3,
//
//	base[k][4·context + n] + more[k][min(level, 15)] + most[min(level>>4, 15)]
//
// unless no level follows that is not 0. Then it is the end of the block, at
// base[k][12+context], which costs nothing where the end was before: behind a zero. So
// there are 15 entries, which a vector instruction looks up for 16 blocks at once.
type laneCosts struct {
	base, more [16][32]uint8 // each 16 entries, twice
	most       [32]uint8
}

const laneUnit = 16 // 1/256 bit in a unit of laneCosts

func laneCost(c int) uint8 { return uint8(min(max((c+laneUnit/2)/laneUnit, 0), 255)) }

// set makes the table for blocks whose coefficients begin at first.
func (l *laneCosts) set(t *levelCosts, probs *[bands][contexts][probCount]uint8, first int) {
	for k := first; k < 16; k++ {
		for ctx := range contexts {
			c := &t[bandOf[k]][ctx]
			p := int(probs[bandOf[k]][ctx][0])
			end, cont := int(bitCost[p]), int(bitCost[256-p])
			if ctx == 0 && k > first { // behind a zero
				end, cont = 0, 0
			}
			for n := range 3 {
				l.base[k][4*ctx+n] = laneCost(cont + int(c.level[n]))
			}
			l.base[k][4*ctx+3] = laneCost(cont + c.least())
			l.base[k][12+ctx] = laneCost(end)
		}
		c := &t[bandOf[k]][2]
		least := c.least()
		for n := 3; n < 16; n++ {
			l.more[k][n] = laneCost(int(c.level[n]) - least)
		}
	}
	c := &t[bandOf[4]][2]
	for n := 1; n < 16; n++ {
		l.most[n] = laneCost(c.cost(16*n+8) - int(c.level[15]))
	}
	for k := range 16 {
		copy(l.base[k][16:], l.base[k][:16])
		copy(l.more[k][16:], l.more[k][:16])
	}
	copy(l.most[16:], l.most[:16])
}

// ratePlain sets the cost of the levels of each block from position first on, in 1/16 bit.
// context is that of each block's first level.
func ratePlain(levels *lanes, l *laneCosts, first int, context *[16]uint8, rate *[16]uint16) {
	for b := range 16 {
		last := 16
		for last > first && levels[zigzag[last-1]][b] == 0 {
			last--
		}
		ctx, sum := int(context[b]), 0
		for k := first; k < 16; k++ {
			if k >= last {
				sum += int(l.base[k][12+ctx])
				break
			}
			v := int(levels[zigzag[k]][b])
			v = max(v, -v)
			sum += int(l.base[k][4*ctx+min(v, 3)]) + int(l.more[k][min(v, 15)]) + int(l.most[min(v>>4, 15)])
			ctx = min(v, 2)
		}
		rate[b] = uint16(sum)
	}
}
