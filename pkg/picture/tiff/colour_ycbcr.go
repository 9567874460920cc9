package tiff

import (
	"math"

	"imgtools/pkg/fault"
)

// yCbCr is the conversion of TIFF 6.0 section 21 by tables, with 16 bits of fraction.
// ReferenceBlackWhite gives the stored values of black and white of each component;
// YCbCrCoefficients give the shares LR, LG, LB of red, green and blue in luma:
//
//	R = Y + Cr·(2 - 2·LR)
//	B = Y + Cb·(2 - 2·LB)
//	G = (Y - LR·R - LB·B) / LG
type yCbCr struct {
	y, crRed, crGreen, cbGreen, cbBlue [256]int32
}

// openYCbCr reads the fields of a YCbCr page.
func (t *Reader) openYCbCr(d directory) error {
	t.subH, t.subV = 1, 1
	if t.isJPEG() && !t.planar {
		t.jpegYCbCr, t.model = true, modelRGB // package jpeg converts
		return nil
	}
	if t.bits != 8 || t.wide() {
		return fault.New(fault.Unsupported, "YCbCr TIFF of %d bits is not read", t.bits)
	}
	sub, err := t.file.numbers(d, tagYCbCrSubSampling, 2)
	if err != nil {
		return err
	}
	if len(sub) < 2 {
		sub = []uint64{2, 2}
		if t.isJPEG() {
			sub = []uint64{1, 1} // a JPEG says it itself
		}
	}
	for _, s := range sub {
		if s != 1 && s != 2 && s != 4 {
			return fault.New(fault.Format, "YCbCr subsampling of %d×%d", sub[0], sub[1])
		}
	}
	t.subH, t.subV = int(sub[0]), int(sub[1])
	if (t.subH > 1 || t.subV > 1) && (t.planar || t.samples != 3) {
		return fault.New(fault.Unsupported, "YCbCr TIFF of %d samples, subsampled %d×%d, planar %v, is not read", t.samples, t.subH, t.subV, t.planar)
	}
	k := t.file.reals(d, tagYCbCrCoefficients, 3)
	if k == nil || min(k[0], k[1], k[2]) <= 0 || max(k[0], k[1], k[2]) >= 1 {
		k = []float64{0.299, 0.587, 0.114}
	}
	ref := t.file.reals(d, tagReferenceBlackWhite, 6)
	if ref == nil || ref[0] == ref[1] || ref[2] == ref[3] || ref[4] == ref[5] {
		ref = []float64{0, 255, 128, 255, 128, 255}
	}
	t.yCbCr = new(yCbCr)
	for v := range 256 {
		at := func(i int, full float64) float64 { return (float64(v) - ref[i]) / (ref[i+1] - ref[i]) * full }
		cb, cr := at(2, 127), at(4, 127)
		t.yCbCr.y[v] = fixed(at(0, 255)) + 1<<15
		t.yCbCr.crRed[v] = fixed(cr * (2 - 2*k[0]))
		t.yCbCr.cbBlue[v] = fixed(cb * (2 - 2*k[2]))
		t.yCbCr.crGreen[v] = fixed(-cr * (2 - 2*k[0]) * k[0] / k[1])
		t.yCbCr.cbGreen[v] = fixed(-cb * (2 - 2*k[2]) * k[2] / k[1])
	}
	return nil
}

// fixed returns v with 16 bits of fraction. It is bounded so that sums of three fit.
func fixed(v float64) int32 {
	const most = 1 << 13
	return int32(math.Round(max(-most, min(most, v)) * (1 << 16)))
}

// rgb converts pixels of n samples in place.
func (c *yCbCr) rgb(pix []uint8, n int) {
	for ; len(pix) > 0; pix = pix[n:] {
		y, cb, cr := c.y[pix[0]], pix[1], pix[2]
		pix[0] = clamp(y + c.crRed[cr])
		pix[1] = clamp(y + c.crGreen[cr] + c.cbGreen[cb])
		pix[2] = clamp(y + c.cbBlue[cb])
	}
}

// clamp rounds off 16 bits of fraction.
func clamp(v int32) uint8 { return uint8(max(0, min(255, v>>16))) }
