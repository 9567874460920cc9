//go:build !(goexperiment.simd && amd64)

package vp8

func forward(d *lanes)                              { forwardPlain(d) }
func inverse(d *lanes)                              { inversePlain(d) }
func subtract(d, a, b *lanes)                       { subtractPlain(d, a, b) }
func dequantize(d *lanes, q *quantTable, first int) { dequantizePlain(d, q, first) }

func quantize(levels, c *lanes, q *quantTable, first int, dist *[16]int32) (coded uint32) {
	return quantizePlain(levels, c, q, first, dist)
}

func squareError(a, b *lanes) int { return squareErrorPlain(a, b) }

func rateLanes(levels *lanes, l *laneCosts, first int, context *[16]uint8, rate *[16]uint16) {
	ratePlain(levels, l, first, context, rate)
}

func (e *edges) predict(pred *lanes, m mode, lo, hi int) { e.predictPlain(pred, m, lo, hi) }
func (v *blockPixels) set(a *around)                     { v.setPlain(a) }

// groupPixels is of use to vectors only.
type groupPixels struct{}

func (g *groupPixels) set(modes *[triedModes]mode) {}

func differences(d *lanes, v *[2]blockPixels, groups *[2]*modeGroup, a, b *[16]uint8) {
	differencesPlain(d, v, groups, a, b)
}

func rebuildBlock(pix *[4][40]uint8, x int, v *blockPixels, m mode, levels *[16]int16, q *quantTable, coded bool) {
	rebuildBlockPlain(pix, x, v, m, levels, q, coded)
}

func cheapest(scores *[2]int32, best *[2]int, dist *[16]int32, rate *[16]uint16, costs *[2]*[triedModes]uint16, s *segment) {
	cheapestPlain(scores, best, dist, rate, costs, s)
}

func quarterSums(luma []uint8, stride int, sums, squares *[4]int32) {
	quarterSumsPlain(luma, stride, sums, squares)
}

func toLanes(d *lanes, luma []uint8, stride int) { toLanesPlain(d, luma, stride) }
func chromaToLanes(d *lanes, rows *[4][32]uint8) { chromaToLanesPlain(d, rows) }
func rebuild(pix *[256]uint8, pred, d *lanes)    { rebuildPlain(pix, pred, d) }

func lumaBlocks(dst, rgb []uint8) (n int)       { return 0 }
func chromaBlocks(cb, cr, a, b []uint8) (n int) { return 0 }
