package vp8

import "testing"

// Each leaf of a tree is reached once, and each node but the first has one parent.
func TestTreesAreWhole(t *testing.T) {
	for name, c := range map[string]struct {
		tree   tree
		leaves int
	}{
		"segment": {segmentTree, segments}, "luma": {lumaModeTree, 5}, "chroma": {chromaModeTree, 4},
		"block": {blockModeTree, modes}, "token": {tokenTree, 12},
	} {
		t.Run(name, func(t *testing.T) {
			nodes, leaves := map[int8]int{}, map[int8]int{}
			for _, v := range c.tree {
				if v > 0 {
					nodes[v]++
				} else {
					leaves[-v]++
				}
			}
			if len(leaves) != c.leaves || len(c.tree) != 2*c.leaves-2 || len(nodes) != c.leaves-2 {
				t.Errorf("%d entries, leaves %v, nodes %v", len(c.tree), leaves, nodes)
			}
			for v, n := range nodes {
				if n != 1 || v%2 != 0 || int(v) >= len(c.tree) {
					t.Errorf("node %d has %d parents", v, n)
				}
			}
		})
	}
}
