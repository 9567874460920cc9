//go:build !(goexperiment.simd && amd64)

package vp8

func forward(d *lanes)                              { forwardPlain(d) }
func inverse(d *lanes)                              { inversePlain(d) }
func subtract(d, a, b *lanes)                       { subtractPlain(d, a, b) }
func dequantize(d *lanes, q *quantTable, first int) { dequantizePlain(d, q, first) }

func quantize(levels, c *lanes, q *quantTable, first int, dist *[16]int32) (coded uint32) {
	return quantizePlain(levels, c, q, first, dist)
}

func rateLanes(levels *lanes, l *laneCosts, first int, context *[16]uint8, rate *[16]uint16) {
	ratePlain(levels, l, first, context, rate)
}

func (e *edges) predict(pred *lanes, m mode, lo, hi int)      { e.predictPlain(pred, m, lo, hi) }
func (v *blockPixels) set(a *around)                          { v.setPlain(a) }
func (v *blockPixels) differences(d *lanes, block *[16]uint8) { v.differencesPlain(d, block) }

func toLanes(d *lanes, luma []uint8, stride int) { toLanesPlain(d, luma, stride) }
func chromaToLanes(d *lanes, rows *[4][32]uint8) { chromaToLanesPlain(d, rows) }
func rebuild(pix *[256]uint8, pred, d *lanes)    { rebuildPlain(pix, pred, d) }

func lumaBlocks(dst, rgb []uint8) (n int)       { return 0 }
func chromaBlocks(cb, cr, a, b []uint8) (n int) { return 0 }
