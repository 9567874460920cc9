package heif

import (
	"bytes"
	"encoding/hex"
	"image"
	"path/filepath"
	"strings"
	"testing"
)

// bitWriter writes bits, the most significant first.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) put(v, n int) *bitWriter {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
	return w
}

// golomb writes numbers in Exp-Golomb code.
func (w *bitWriter) golomb(values ...int) *bitWriter {
	for _, v := range values {
		n := 0
		for (v+1)>>(n+1) > 0 {
			n++
		}
		w.put(0, n).put(v+1, n+1)
	}
	return w
}

// parameterSet is a sequence parameter set with every part that may be left out, if full.
func parameterSet(full bool) []byte {
	w := &bitWriter{}
	w.put(typeSPS<<9|1, 16).put(0, 4)
	if full {
		w.put(2, 3).put(1, 1)
	} else {
		w.put(0, 3).put(1, 1)
	}
	w.put(1, 96/2).put(3, 96/2)
	if full { // profile of one sub-layer, level of the other
		w.put(0b1001, 4).put(0, 12).put(0x5a5a, 88).put(7, 8)
	}
	w.golomb(0)
	if full {
		w.golomb(3).put(1, 1)
	} else {
		w.golomb(1)
	}
	w.golomb(4095, 3023)
	if full {
		w.put(1, 1).golomb(1, 2, 3, 4)
	} else {
		w.put(0, 1)
	}
	w.golomb(2, 2, 4)
	if full {
		w.put(1, 1).golomb(1, 2, 3, 4, 5, 6, 7, 8, 9)
	} else {
		w.put(0, 1).golomb(1, 2, 3)
	}
	w.golomb(0, 3, 0, 3, 2, 2)
	if full {
		w.put(0b11, 2)
		for size, lists := range []int{6, 6, 6, 2} {
			for list := range lists {
				if list%2 == 0 {
					w.put(0, 1).golomb(0)
					continue
				}
				w.put(1, 1)
				n := min(64, 16<<(2*size))
				if size > 1 {
					n++
				}
				for i := range n {
					w.golomb(i)
				}
			}
		}
	} else {
		w.put(0, 1)
	}
	w.put(0b11, 2)
	if full {
		w.put(1, 1).put(0x77, 8).golomb(0, 2).put(1, 1)
		w.golomb(2).golomb(1, 2).golomb(0).put(1, 1).golomb(1).put(0, 1).golomb(2).put(1, 1)
		w.put(0, 1).golomb(0, 0)
		w.put(1, 1).golomb(2).put(0xff, 8).put(1, 1).put(0x0f, 8).put(0, 1) // places have 4 + 4 bits
		w.put(0b11, 2)
		w.put(1, 1).put(1, 1).put(255, 8).put(4, 16).put(3, 16).put(0b11, 2)
	} else {
		w.put(0, 1).golomb(0).put(0, 1).put(0b11, 2).put(1, 1).put(0, 1).put(0, 1)
	}
	w.put(1, 1).put(5, 3).put(1, 1).put(1, 1).put(9, 8).put(16, 8).put(10, 8).put(0xffff, 16)
	return w.b
}

// escape puts bytes 3 into a unit, as files have them.
func escape(plain []byte) []byte {
	var b []byte
	for _, c := range plain {
		if bytes.HasSuffix(b, []byte{0, 0}) && c <= 3 {
			b = append(b, 3)
		}
		b = append(b, c)
	}
	return b
}

func TestColoursOfAParameterSet(t *testing.T) {
	ofHeifEnc, err := hex.DecodeString("420101040800000300" + "9c380000030000" + "1e900410209b2dd5c94d73702020604000000300400000030042" + "22")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		unit []byte
		want [4]byte
	}{
		"least":       {escape(parameterSet(false)), [4]byte{9, 16, 10, 1}},
		"everything":  {escape(parameterSet(true)), [4]byte{9, 16, 10, 1}},
		"of heif-enc": {ofHeifEnc, [4]byte{2, 2, 6, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := setColours(c.unit); !ok || got != c.want {
				t.Errorf("%v, %v; want %v", got, ok, c.want)
			}
			for n := range len(c.unit) - 4 {
				if _, ok := setColours(c.unit[:n]); ok && n < len(c.unit)/2 {
					t.Errorf("%d of %d bytes are enough", n, len(c.unit))
				}
			}
			other := append([]byte{32<<1 | 1<<7, 0, 1, 0, 2, 7, 7}, typeSPS|1<<7, 0, 1, byte(len(c.unit)>>8), byte(len(c.unit)))
			hvcC := append(append(make([]byte, 22), 2), append(other, c.unit...)...)
			hvcC[23] = 32
			if got, ok := parameterColours(hvcC); !ok || got != c.want {
				t.Errorf("in a configuration: %v, %v", got, ok)
			}
		})
	}
	t.Run("box colr counts more", func(t *testing.T) {
		unit := escape(parameterSet(false))
		config := bx("hvcC", strings.Repeat("\x01", 16), n1(0xfd), n1(0xfa), n1(0xfa), n2(0), n1(0), n1(1), n1(typeSPS), n2(1), n2(len(unit)), string(unit))
		m := made{ipco: bx("ipco", ispe(64, 48), config)}
		if p, err := open(m.file()); err != nil || p.CICP != [4]byte{9, 16, 10, 1} || p.Depth != 10 {
			t.Errorf("%+v, %v", p, err)
		}
		m.ipco, m.ipma = bx("ipco", ispe(64, 48), config, bx("colr", "nclx", n2(1), n2(13), n2(6), n1(0))), ipma(assign(1, 1, 2, 3))
		if p, err := open(m.file()); err != nil || p.CICP != [4]byte{1, 13, 6, 0} {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

// heif-enc writes colours that x265 is given for HEVC alone into no box.
func TestColoursOfHeifEnc(t *testing.T) {
	dir, run := peers(t, "heif-enc")
	writePNG(t, filepath.Join(dir, "in.png"), image.NewGray(image.Rect(0, 0, 64, 48)))
	run("heif-enc", "-p", "x265:transfer=arib-std-b67", "-p", "x265:colorprim=bt2020", "in.png", "-o", "a.heic")
	if p := openFile(t, filepath.Join(dir, "a.heic")); p.CICP[0] != 9 || p.CICP[1] != 18 {
		t.Errorf("%v", p.CICP)
	}
}

func FuzzParameterColours(f *testing.F) {
	f.Add(append(append(make([]byte, 22), 1, typeSPS, 0, 1, 0, 200), parameterSet(true)...))
	f.Add(append(append(make([]byte, 22), 1, typeSPS, 0, 1, 0, 60), parameterSet(false)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if cicp, ok := parameterColours(b); ok && cicp[3] > 1 {
			t.Errorf("%v", cicp)
		}
		setColours(b)
	})
}
