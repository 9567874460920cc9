package jpeg

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/picture/raster"
)

// samePicture fails the test unless all ways to read p show the picture that want does,
// with the given notes.
func samePicture(t *testing.T, p, want []byte, notes string) {
	t.Helper()
	if v := verdicts(t, p, raster.Limits{}, true); v != (verdict{notes: notes}) {
		t.Fatalf("%+v, want the notes %q", v, notes)
	}
	for _, hint := range []raster.Hint{{}, {Luma: true}, {Planar: true}, {GoalW: 9, GoalH: 8, Luma: true}} {
		samePlanes(t, mustDecode(t, p, hint), mustDecode(t, want, hint))
	}
	var out bytes.Buffer
	done, err := Copy(&out, open(t, p))
	if err != nil {
		t.Fatal(err)
	}
	if done {
		samePlanes(t, mustDecode(t, out.Bytes(), raster.Hint{Planar: true}), mustDecode(t, want, raster.Hint{Planar: true}))
	}
	if g := toGray(t, p); g != nil {
		samePlanes(t, mustDecode(t, g, raster.Hint{}), mustDecode(t, want, raster.Hint{Luma: true}))
	}
}

func samePlanes(t *testing.T, got, want *raster.Held) {
	t.Helper()
	if got.H.W() != want.H.W() || got.H.H() != want.H.H() || got.H.Layout != want.H.Layout {
		t.Fatalf("%d×%d %s, want %d×%d %s", got.H.W(), got.H.H(), got.H.Layout, want.H.W(), want.H.H(), want.H.Layout)
	}
	for i, d := range want.H.Planes {
		w := d.W * want.H.Layout.Samples()
		if d := furthest(got.Planes[i].Pix, got.Planes[i].Stride, want.Planes[i].Pix, want.Planes[i].Stride, w, d.H); d != 0 {
			t.Fatalf("plane %d differs by %d", i, d)
		}
	}
}

// edited returns p with its SOF segment changed by f, which gets it from its marker on.
func edited(t testing.TB, p []byte, f func(sof []byte)) []byte {
	t.Helper()
	p = bytes.Clone(p)
	for i := 2; p[i+1] != mSOS; i += 2 + int(p[i+2])<<8 + int(p[i+3]) {
		if m := p[i+1]; m == mSOF0 || m == mSOF1 || m == mSOF2 || m == mSOF9 || m == mSOF10 {
			f(p[i:])
			return p
		}
	}
	t.Fatal("no SOF")
	return nil
}

// usualTables is a picture whose Huffman tables are those of annex K.
func usualTables(t testing.TB) []byte { return colourful(t, 61, 47) }

func TestFilesThatBreakRulesShowTheirPicture(t *testing.T) {
	for _, c := range []struct {
		name  string
		make  func() (odd, plain []byte)
		notes string
	}{
		{"no Huffman tables, as in Motion JPEG", func() ([]byte, []byte) {
			p := usualTables(t)
			return withoutSegments(p, mDHT), p
		}, ""},
		{"one Huffman table missing", func() ([]byte, []byte) {
			p := usualTables(t)
			odd := withoutSegments(p, mDHT)
			k := &annexK[0][0]
			var h headerWriter
			h.dht(0, 0, &k.counts, []byte(k.values))
			return inserted(odd, 2, h...), p
		}, ""},
		{"height in a DNL", func() ([]byte, []byte) {
			p := usualTables(t)
			h := 47
			odd := edited(t, p, func(sof []byte) { sof[5], sof[6] = 0, 0 })
			return inserted(odd, len(odd)-2, segment(mDNL, byte(h>>8), byte(h))...), p
		}, ""},
		{"height in a DNL, progressive", func() ([]byte, []byte) {
			p := read(t, "prog_2x2.jpg")
			h := open(t, p).Header().FullH
			odd := edited(t, p, func(sof []byte) { sof[5], sof[6] = 0, 0 })
			first := sosAt(t, odd)
			end := first + 2
			for odd[end] != 0xFF || odd[end+1] == 0 || isRST(odd[end+1]) {
				end++
			}
			return inserted(odd, end, segment(mDNL, byte(h>>8), byte(h))...), p
		}, ""},
		{"equal component ids", func() ([]byte, []byte) {
			p := usualTables(t)
			odd := edited(t, p, func(sof []byte) { sof[10], sof[13], sof[16] = 1, 1, 1 })
			i := sosAt(t, odd)
			odd[i+5], odd[i+7], odd[i+9] = 1, 1, 1
			return odd, p
		}, ""},
		{"spectral selection 0 to 0 in a baseline scan", func() ([]byte, []byte) {
			p := usualTables(t)
			odd := bytes.Clone(p)
			i := sosAt(t, odd)
			odd[i+11], odd[i+12] = 0, 0
			return odd, p
		}, ""},
		{"a baseline scan of all components twice", func() ([]byte, []byte) {
			p := usualTables(t)
			return inserted(p, len(p)-2, p[sosAt(t, p):len(p)-2]...), p
		}, "scans after the first are not read"},
		{"a scan of one component twice", func() ([]byte, []byte) {
			p := read(t, "noninter.jpg")
			i := sosAt(t, p)
			end := i + 2 + bytes.Index(p[i+2:], []byte{0xFF, mSOS})
			return inserted(p, end, p[i:end]...), p
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			odd, plain := c.make()
			samePicture(t, odd, plain, c.notes)
		})
	}
}

// Of two scans of one component the last counts, in copies, too.
func TestLastScanOfAComponentCounts(t *testing.T) {
	p := read(t, "noninter.jpg")
	i := sosAt(t, p)
	end := i + 2 + bytes.Index(p[i+2:], []byte{0xFF, mSOS})
	// The first time all of luma is black: DC differences as in the file's table, so
	// write the scan with a table of its own.
	k := &annexK[0][0]
	var h headerWriter
	h.dht(0, 3, &k.counts, []byte(k.values))
	k = &annexK[1][0]
	h.dht(1, 3, &k.counts, []byte(k.values))
	h.sos([]byte{p[i+5]}, []byte{0x33}, 0, 63, 0, 0)
	luma := &open(t, p).frame.comps[0]
	var scan bytes.Buffer
	w := newBitWriter(&scan)
	w.write(h)
	pred := int32(0)
	for range luma.bw * luma.bh {
		w.block(&[64]int32{-100}, 0, &pred, &annexCodes[0][0], &annexCodes[1][0])
	}
	w.finish()
	odd := inserted(p, i, scan.Bytes()...)
	if bytes.Equal(odd, p) || end < i {
		t.Fatal("no first scan")
	}
	samePicture(t, odd, p, "")
	if !bytes.Equal(run(t, odd, "djpeg"), run(t, p, "djpeg")) {
		t.Error("djpeg shows another picture")
	}
}

// A progressive picture that ends, with an end marker, before its last scans is shown as
// far as they refine it; every way says that some are missing.
func TestMissingLastScansAreNoted(t *testing.T) {
	for _, name := range []string{"prog_2x2.jpg", "gray_prog.jpg", "prog_rst.jpg"} {
		t.Run(name, func(t *testing.T) {
			p := read(t, name)
			if v := verdicts(t, p, raster.Limits{}, true); v != (verdict{}) {
				t.Fatalf("the whole picture: %+v", v)
			}
			last := bytes.LastIndex(p, []byte{0xFF, mSOS})
			p = append(bytes.Clone(p[:last]), 0xFF, mEOI)
			if v := verdicts(t, p, raster.Limits{}, true); v != (verdict{notes: "scans are missing"}) {
				t.Errorf("%+v", v)
			}
		})
	}
}

// A zero in a quantization table makes its coefficient 0, as djpeg has it.
func TestZeroStepsMakeZeros(t *testing.T) {
	base := colourful(t, 64, 48)
	for _, zeros := range [][]int{{63}, {1}, {5, 6, 7}, {0}} {
		for _, kind := range []string{"baseline", "progressive"} {
			t.Run(fmt.Sprintf("%s %v", kind, zeros), func(t *testing.T) {
				p := bytes.Clone(base)
				if kind == "progressive" {
					p = run(t, p, "jpegtran", "-progressive")
				}
				i := bytes.Index(p, []byte{0xFF, mDQT})
				for _, k := range zeros {
					p[i+5+k] = 0
				}
				if v := verdicts(t, p, raster.Limits{}, true); v != (verdict{}) {
					t.Fatalf("%+v", v)
				}
				want := mustDecode(t, p, raster.Hint{Planar: true})
				_, _, _, luma := pnm(t, run(t, p, "djpeg", "-grayscale"))
				if d := furthest(want.Planes[0].Pix, want.Planes[0].Stride, luma, 64, 64, 48); d > 1 {
					t.Errorf("luma differs from djpeg's by %d", d)
				}
				var out bytes.Buffer
				if done, err := Copy(&out, open(t, p)); !done || err != nil {
					t.Fatal(done, err)
				}
				for name, q := range map[string][]byte{"copy": out.Bytes(), "gray": toGray(t, p)} {
					if q := open(t, q); q.first == nil || q.frame.comps[0].quant.zero {
						t.Errorf("%s has a step of 0", name)
					}
					got := mustDecode(t, q, raster.Hint{Planar: true})
					if d := furthest(want.Planes[0].Pix, want.Planes[0].Stride, got.Planes[0].Pix, got.Planes[0].Stride, 64, 48); d != 0 {
						t.Errorf("%s differs by %d", name, d)
					}
				}
			})
		}
	}
}

// markers returns the offsets of the restart markers of p.
func markers(p []byte) (at []int) {
	for i := bytes.Index(p, []byte{0xFF, mSOS}); i+1 < len(p); i++ {
		if p[i] == 0xFF && isRST(p[i+1]) {
			at = append(at, i)
		}
	}
	return at
}

func TestLostRestartMarkersAreNoted(t *testing.T) {
	const lost = "a restart marker is missing"
	for _, name := range []string{"rst_mcu.jpg", "rst_row.jpg", "noninter_rst.jpg", "prog_rst.jpg"} {
		p := read(t, name)
		at := markers(p)
		if len(at) < 4 {
			t.Fatalf("%s has %d restart markers", name, len(at))
		}
		for i, m := range at {
			if i > 3 && i < len(at)-2 {
				continue
			}
			t.Run(fmt.Sprintf("%s %d", name, i), func(t *testing.T) {
				samePicture(t, slices.Delete(bytes.Clone(p), m, m+2), p, lost)
				wrong := bytes.Clone(p)
				wrong[m+1] ^= 3
				samePicture(t, wrong, p, "restart markers out of order")
				samePicture(t, inserted(p, m, 1, 2, 3), p, "surplus bytes in the scan data")
			})
		}
		t.Run(name+" two together", func(t *testing.T) {
			q := slices.Delete(bytes.Clone(p), at[2], at[2]+2)
			samePicture(t, slices.Delete(q, at[1], at[1]+2), p, lost)
		})
	}
}

// A marker that is missing with some of its interval, or one too many, is no loss of a
// marker alone.
func TestRestartIntervalsOfTheWrongLengthAreRefused(t *testing.T) {
	p := read(t, "rst_mcu.jpg")
	at := markers(p)
	for _, c := range []struct {
		name string
		p    []byte
	}{
		{"interval and marker gone", slices.Delete(bytes.Clone(p), at[1], at[2])},
		{"marker gone, bytes in the next interval", inserted(slices.Delete(bytes.Clone(p), at[1], at[1]+2), at[2]-2, 1, 2, 3)},
		{"interval twice", inserted(p, at[1], p[at[1]:at[2]]...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			// An interval that comes twice makes the last one surplus.
			if v := verdicts(t, c.p, raster.Limits{}, true); v.err == "" && !strings.Contains(v.notes, "surplus bytes") {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestLenientGivesWhatThereIs(t *testing.T) {
	lenient := raster.Limits{Lenient: true}
	for _, name := range []string{"base_2x2.jpg", "gray.jpg", "rst_mcu.jpg", "noninter.jpg"} {
		t.Run(name, func(t *testing.T) {
			p := read(t, name)
			cut := p[:(sosAt(t, p)+len(p))/2]
			v := verdicts(t, cut, lenient, true)
			if v.err != "" || !strings.HasPrefix(v.notes, "truncated after ") {
				t.Fatalf("%+v", v)
			}
			decode := func(p []byte, lim raster.Limits) *raster.Held {
				r, err := Open(bytes.NewReader(p), int64(len(p)), lim)
				if err != nil {
					t.Fatal(err)
				}
				rows, err := r.Rows(raster.Hint{Luma: true})
				if err != nil {
					t.Fatal(err)
				}
				held, err := raster.Hold(rows, raster.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				return held
			}
			got, whole := decode(cut, lenient), decode(p, raster.Limits{})
			w, h := got.H.W(), got.H.H()
			same, gray := 0, 0
			for y := range h {
				for x := range w {
					switch v := got.Planes[0].Pix[y*got.Planes[0].Stride+x]; {
					case v == whole.Planes[0].Pix[y*whole.Planes[0].Stride+x]:
						same++
					case v == 128:
						gray++
					}
				}
			}
			if same+gray < w*h-16*16 || name != "noninter.jpg" && (same < w*h/5 || gray < w*h/5) {
				t.Errorf("of %d pixels %d are right and %d gray", w*h, same, gray)
			}
			var out bytes.Buffer
			r, err := Open(bytes.NewReader(cut), int64(len(cut)), lenient)
			if err != nil {
				t.Fatal(err)
			}
			if done, err := Gray(&out, r, nil); !done || err != nil {
				t.Fatal(done, err)
			}
			if !strings.HasPrefix(strings.Join(r.Notes(), "; "), "truncated after ") {
				t.Errorf("gray notes %q", r.Notes())
			}
			back := mustDecode(t, out.Bytes(), raster.Hint{})
			other := 0 // the MCU in which the file ends may differ
			for y := range h {
				for x := range w {
					if got.Planes[0].Pix[y*got.Planes[0].Stride+x] != back.Planes[0].Pix[y*back.Planes[0].Stride+x] {
						other++
					}
				}
			}
			if other > 16*16 {
				t.Errorf("gray differs in %d pixels", other)
			}
		})
	}
}

func TestLenientCopiesAWholeFileBitForBit(t *testing.T) {
	p := read(t, "prog_2x2.jpg")
	var a, b bytes.Buffer
	for i, out := range []*bytes.Buffer{&a, &b} {
		r, err := Open(bytes.NewReader(p), int64(len(p)), raster.Limits{Lenient: i == 1})
		if err != nil {
			t.Fatal(err)
		}
		if done, err := Copy(out, r); !done || err != nil {
			t.Fatal(done, err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("a whole file is copied otherwise with Lenient")
	}
}

// inks is a CMYK or YCCK file of 4:4:4 with random flat and structured blocks.
func inks(adobe bool, transform byte) []byte {
	comps := []component{{id: 1, h: 1, v: 1}, {id: 2, h: 1, v: 1}, {id: 3, h: 1, v: 1}, {id: 4, h: 1, v: 1}}
	var h headerWriter
	h.soi()
	if adobe {
		h.adobe(transform)
	}
	var q [64]uint16
	for i := range q {
		q[i] = 2
	}
	h.dqt(0, &q)
	h.sof(mSOF0, 32, 32, comps)
	for class := range annexK {
		k := &annexK[class][0]
		h.dht(byte(class), 0, &k.counts, []byte(k.values))
	}
	h.sos([]byte{1, 2, 3, 4}, []byte{0, 0, 0, 0}, 0, 63, 0, 0)
	var out bytes.Buffer
	w := newBitWriter(&out)
	w.write(h)
	var pred [4]int32
	for mcu := range 16 {
		for i := range pred {
			c := [64]int32{int32((mcu*97+i*151)%900 - 450), int32(mcu*7%40 - 20), int32(i * 9)}
			nz := uint64(0)
			for k, v := range c {
				if v != 0 {
					nz |= 1 << k
				}
			}
			w.block(&c, nz, &pred[i], &annexCodes[0][0], &annexCodes[1][0])
		}
	}
	w.marker(mEOI)
	return out.Bytes()
}

// In CMYK 255 is no ink, with and without Adobe's marker.
func TestInksAreThoseOfDjpegAndImageMagick(t *testing.T) {
	for _, c := range []struct {
		name string
		p    []byte
	}{{"CMYK, Adobe", inks(true, 0)}, {"CMYK, no marker", inks(false, 0)}, {"YCCK, Adobe", inks(true, 2)}} {
		t.Run(c.name, func(t *testing.T) {
			got := mustDecode(t, c.p, raster.Hint{})
			compare := func(who string, ppm []byte, most int) {
				w, h, n, want := pnm(t, ppm)
				if w != 32 || h != 32 || n != 3 {
					t.Fatalf("%s: %d×%d×%d", who, w, h, n)
				}
				if d := furthest(got.Planes[0].Pix, got.Planes[0].Stride, want, 96, 96, 32); d > most {
					t.Errorf("differs from %s by %d", who, d)
				}
			}
			compare("djpeg", run(t, c.p, "djpeg", "-pnm"), 3)
			if _, err := exec.LookPath("convert"); err != nil {
				t.Log("no ImageMagick to compare with")
				return
			}
			cmd := exec.Command("convert", "jpg:-", "-colorspace", "sRGB", "-depth", "8", "ppm:-")
			cmd.Stdin = bytes.NewReader(c.p)
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			compare("ImageMagick", out, 3)
		})
	}
}
