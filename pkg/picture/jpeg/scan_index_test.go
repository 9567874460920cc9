package jpeg

import (
	"bytes"
	"errors"
	"image"
	stdjpeg "image/jpeg"
	"math/rand/v2"
	"testing"
)

// walkPlain decodes a block symbol by symbol (T.81 F.2.2), and puts its first
// coefficients into v by their position in zig-zag order.
func walkPlain(e *entropy, dc, ac *huffman, v *[64]int32) error {
	d, err := e.diff(dc)
	if err != nil {
		return err
	}
	*v = [64]int32{d}
	for k := 1; k < 64; k++ {
		run, x, err := e.coefficient(ac)
		if err != nil {
			return err
		}
		if run == endRun {
			break
		}
		if k += run; k > 63 {
			return errRun
		}
		v[k] = x
	}
	return nil
}

// black and white dots at quality 100: long codes, and blocks without an end.
func dots(t testing.TB) []byte {
	rnd := rand.New(rand.NewPCG(5, 6))
	m := image.NewYCbCr(image.Rect(0, 0, 400, 300), image.YCbCrSubsampleRatio420)
	for _, p := range [][]uint8{m.Y, m.Cb, m.Cr} {
		for i := range p {
			p[i] = uint8(255 * rnd.IntN(2))
		}
	}
	var out bytes.Buffer
	if err := stdjpeg.Encode(&out, m, &stdjpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// speckled is a picture that has a bit of everything.
func speckled(t testing.TB, w, h, quality int) []byte {
	rnd := rand.New(rand.NewPCG(7, 8))
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for i := range m.Y {
		x, y := i%m.YStride, i/m.YStride
		m.Y[i] = uint8(x/3 + y/5 + rnd.IntN(1+(x/64+y/64)%4*20))
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = uint8(i/700), uint8(100+rnd.IntN(1+i%m.CStride/8))
	}
	var out bytes.Buffer
	if err := stdjpeg.Encode(&out, m, &stdjpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// oneTable is a picture of 4:4:4 whose components have the same tables, so that blocks of
// different components look alike. restart is the interval of DRI.
func oneTable(n, restart int) []byte {
	rnd := rand.New(rand.NewPCG(9, 10))
	comps := []component{{id: 1, h: 1, v: 1}, {id: 2, h: 1, v: 1}, {id: 3, h: 1, v: 1}}
	var h headerWriter
	h.soi()
	var q [64]uint16
	for i := range q {
		q[i] = 3
	}
	h.dqt(0, &q)
	h.sof(mSOF0, n*8, n*8, comps)
	for class := range annexK {
		k := &annexK[class][0]
		h.dht(byte(class), 0, &k.counts, []byte(k.values))
	}
	h.dri(restart)
	h.sos([]byte{1, 2, 3}, []byte{0, 0, 0}, 0, 63, 0, 0)
	var out bytes.Buffer
	w := newBitWriter(&out)
	w.write(h)
	var pred [3]int32
	for mcu := range n * n {
		if restart > 0 && mcu > 0 && mcu%restart == 0 {
			w.marker(mRST0 + byte(mcu/restart-1)&7)
			pred = [3]int32{}
		}
		for i := range pred {
			c := [64]int32{int32(rnd.IntN(40) - 20)}
			nz := uint64(0)
			for range rnd.IntN(12) {
				k := rnd.IntN(64)
				c[k] = int32(1 + rnd.IntN(1+40/(1+k)))
				nz |= 1 << k
			}
			w.block(&c, nz, &pred[i], &annexCodes[0][0], &annexCodes[1][0])
		}
	}
	w.marker(mEOI)
	return out.Bytes()
}

// The blocks that takeBlocks finds, with lanes and without, and those that are decoded, are
// those of walkPlain.
func TestWalkAndBlocksAreTheirPlainTwins(t *testing.T) {
	defer func(b uint) { laneBits = b }(laneBits)
	files := map[string][]byte{
		"dots": dots(t), "speckled": speckled(t, 1500, 1000, 90), "coarse": speckled(t, 4000, 3000, 3),
		"one table": oneTable(60, 0), "restarts": oneTable(60, 700),
	}
	for _, name := range []string{"base_1x1.jpg", "base_2x2.jpg", "base_4x2.jpg", "opt100.jpg", "q10.jpg", "gray.jpg", "rst_mcu.jpg", "rst_row.jpg"} {
		files[name] = read(t, name)
	}
	for name, p := range files {
		for _, laneBits = range []uint{64, 2000, 16 << 10} {
			sc := walkAgainstPlain(t, name, p)
			// What looks like a photograph is all in step.
			if v := &sc.index; name == "speckled" && (v.lane[laneCount-1].n == 0 || v.failed > 0) {
				t.Errorf("lanes of %d bits or more: the last has %d blocks, %d failed", laneBits, v.lane[laneCount-1].n, v.failed)
			}
		}
	}
}

func walkAgainstPlain(t *testing.T, name string, p []byte) *scanner {
	t.Helper()
	fast, plain := open(t, p), open(t, p)
	s := fast.first
	sc, de, pl := fast.newScanner(), open(t, p).newScanner(), plain.newScanner()
	if err := errors.Join(sc.begin(s), de.begin(s), pl.begin(s)); err != nil {
		t.Fatal(err)
	}
	sc.beginWalk()
	var tables []*pairTables
	for i := range s.comps {
		tables = append(tables, sc.newPairs(i, 8))
	}
	blocks := 0
	for mcu := range sc.f.mcux * sc.f.mcuy {
		if err := errors.Join(sc.nextMCU(), de.nextMCU(), pl.nextMCU()); err != nil {
			t.Fatalf("%s: MCU %d: %v", name, mcu, err)
		}
		for i, ci := range s.comps {
			n := sc.f.comps[ci].h * sc.f.comps[ci].v
			if err := sc.takeBlocks(n); err != nil {
				t.Fatalf("%s: MCU %d: %v", name, mcu, err)
			}
			for b := range n {
				if !pl.e.ready() {
					t.Fatalf("%s: MCU %d: the plain way has no block", name, mcu)
				}
				from := pl.e.at()
				var want [64]int32
				if err := walkPlain(pl.e, s.dc[i], s.ac[i], &want); err != nil {
					t.Fatalf("%s: MCU %d: %v", name, mcu, err)
				}
				length := pl.e.at() - from
				if got := uint(sc.ends[b+1] - sc.ends[b]); got != length {
					t.Fatalf("%s: MCU %d: a block of %d bits, want %d", name, mcu, got, length)
				}
				blocks++
				if !de.e.ready() {
					t.Fatalf("%s: MCU %d: no block to decode", name, mcu)
				}
				now := de.e.at()
				c, used := new(laneValues), uint8(0)
				_, err := de.blocks([]blockPlace{{tables[i], c, &used, new(int32)}})
				if err != nil || de.e.at()-now != length {
					t.Fatalf("%s: MCU %d: a block of %d bits is decoded, want %d, %v", name, mcu, de.e.at()-now, length, err)
				}
				want[0] = legalDC(want[0], 0)
				for k, v := range want {
					if got := int32(c[k*groupStep]); got != v || v != 0 && k >= int(used) && k > 0 {
						t.Fatalf("%s: MCU %d: coefficient %d of %d is %d, want %d", name, mcu, k, used, got, v)
					}
				}
			}
		}
	}
	if blocks == 0 {
		t.Errorf("%s: no blocks", name)
	}
	return sc
}
