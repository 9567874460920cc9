package vp8

// Tokens of coefficients (RFC 6386 section 13). Their probabilities stand in the file
// before them, so the levels of a picture are first packed and counted (packBlock), and
// coded when the probabilities are known (block).

// tokenOf returns the token of an absolute level above 0.
func tokenOf(v int) int {
	if v <= 4 {
		return tokenOne + v - 1
	}
	t := tokenCategory6
	for v < categoryBase[t-tokenCategory1] {
		t--
	}
	return t
}

// smallTokens is tokenOf of levels up to 66.
var smallTokens = func() (t [67]uint8) {
	for v := 1; v < len(t); v++ {
		t[v] = uint8(tokenOf(v))
	}
	return
}()

// tokenCounts counts tokens by the probabilities that code them. after counts those that
// follow a zero, where no end of the block is possible and the first node is left out.
type tokenCounts [blockTypes][bands][contexts]struct {
	token [tokenEnd + 1]uint32
	after uint32
}

// nodes returns how often each node of the tree is followed by 0 and by 1.
func (n *tokenCounts) nodes(t, band, ctx int) (c [2 * probCount]uint32) {
	e := &n[t][band][ctx]
	for k, count := range e.token {
		for _, step := range tokenPaths[k] {
			c[step] += count
		}
	}
	c[1] -= e.after
	return c
}

// probs returns the probabilities for the counts: those of old where new ones would not
// pay for themselves.
func (n *tokenCounts) probs(old *coefProbs) *coefProbs {
	probs := *old
	for t := range blockTypes {
		for band := range bands {
			for ctx := range contexts {
				c := n.nodes(t, band, ctx)
				for i := range probCount {
					zeros, ones := uint64(c[2*i]), uint64(c[2*i+1])
					total := zeros + ones
					if total == 0 {
						continue
					}
					p := &probs[t][band][ctx][i]
					fresh := uint8(min(max((256*zeros+total/2)/total, 1), 255))
					cost := func(p uint8) uint64 { return zeros*uint64(bitCost[p]) + ones*uint64(bitCost[256-int(p)]) }
					update := coefUpdateProbs[t][band][ctx][i]
					flag := 8<<8 + uint64(bitCost[256-int(update)]) - uint64(bitCost[update])
					if cost(fresh)+flag < cost(*p) {
						*p = fresh
					}
				}
			}
		}
	}
	return &probs
}

// contextCosts are the costs of the levels that follow in one band and context, each with
// its sign, and without the node that says that the block does not end.
type contextCosts struct {
	probs [probCount]uint8
	level [16]uint16
}

// levelCosts are the costs of one type of blocks.
type levelCosts [bands][contexts]contextCosts

// cost returns the cost of an absolute level.
func (c *contextCosts) cost(v int) (sum int) {
	if v == 0 {
		return int(bitCost[c.probs[1]])
	}
	t := tokenOf(v)
	sum = pathCost(tokenPaths[t][1:], c.probs[:])
	if t >= tokenCategory1 {
		extra := categoryProbs[t-tokenCategory1]
		v -= categoryBase[t-tokenCategory1]
		for i, p := range extra {
			if v>>(len(extra)-1-i)&1 != 0 {
				sum += int(bitCost[256-int(p)])
			} else {
				sum += int(bitCost[p])
			}
		}
	}
	return sum + 256
}

// least returns the smallest cost of a level from 3 on.
func (c *contextCosts) least() int {
	n := c.level[3]
	for _, v := range c.level[4:] {
		n = min(n, v)
	}
	return int(n)
}

func (l *levelCosts) set(probs *[bands][contexts][probCount]uint8) {
	for band := range bands {
		for ctx := range contexts {
			c := &l[band][ctx]
			c.probs = probs[band][ctx]
			for v := range c.level {
				c.level[v] = uint16(c.cost(v))
			}
		}
	}
}

// Levels are packed by block: a byte with the number of levels up to the last that is not
// 0, then each as a byte, or as escape and two bytes.
const escape = 0x80

// packBlock appends the levels of a block from position first on, in zig-zag order, to
// dst, and counts their tokens. context is 0 to 2: how many of the blocks above and to
// the left have tokens. coded reports whether this one has.
func (n *tokenCounts) packBlock(dst []byte, levels *[16]int16, typ, first, context int) (packed []byte, coded bool) {
	last := 16
	for last > first && levels[last-1] == 0 {
		last--
	}
	dst = append(dst, byte(last))
	counts := &n[typ]
	c := &counts[bandOf[first]][context]
	for k := first; k < last; k++ {
		v := levels[k]
		if v == 0 {
			dst = append(dst, 0)
			c.token[tokenZero]++
			c = &counts[bandOf[k+1]][0]
			c.after++
			continue
		}
		a := max(v, -v)
		if a < 67 {
			dst = append(dst, byte(v))
			c.token[smallTokens[a]&15]++
		} else {
			dst = append(dst, escape, byte(v>>8), byte(v))
			c.token[tokenCategory6]++
		}
		c = &counts[bandOf[k+1]][min(a, 2)]
	}
	if last < 16 {
		c.token[tokenEnd]++
	}
	return dst, last > first
}

// block codes a packed block and returns what follows it.
func (p *coefProbs) block(w *boolCoder, packed []byte, typ, first, context int) (rest []byte, coded bool) {
	last := int(packed[0])
	packed = packed[1:]
	probs := &p[typ]
	node := &probs[bandOf[first]][context]
	check := true // whether the end of the block is possible
	for k := first; k < last; k++ {
		v := int(int8(packed[0]))
		packed = packed[1:]
		if check {
			w.bit(true, node[0])
		}
		if v == 0 {
			w.bit(false, node[1])
			node, check = &probs[bandOf[k+1]][0], false
			continue
		}
		if v == escape-256 {
			v = int(int16(uint16(packed[0])<<8 | uint16(packed[1])))
			packed = packed[2:]
		}
		w.bit(true, node[1])
		a := max(v, -v)
		if a == 1 {
			w.bit(false, node[2])
			node = &probs[bandOf[k+1]][1]
		} else {
			w.bit(true, node[2])
			codeLarge(w, a, node)
			node = &probs[bandOf[k+1]][2]
		}
		w.bit(v < 0, 128)
		check = true
	}
	if last < 16 {
		w.bit(false, node[0])
	}
	return packed, last > first
}

// codeLarge codes an absolute level above 1, from the node on that follows that choice.
func codeLarge(w *boolCoder, a int, node *[probCount]uint8) {
	t := tokenOf(a)
	w.leaf(tokenPaths[t][3:], node[:])
	if t < tokenCategory1 {
		return
	}
	extra := categoryProbs[t-tokenCategory1]
	a -= categoryBase[t-tokenCategory1]
	for i, q := range extra {
		w.bit(a>>(len(extra)-1-i)&1 != 0, q)
	}
}
