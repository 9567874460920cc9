package jpeg

import (
	"bytes"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// file puts segments together; a scan's data is written into it as it is.
type file struct{ headerWriter }

func (f *file) data(p ...byte) { f.headerWriter = append(f.headerWriter, p...) }

// start writes tables and the frame header of a picture of 4:4:4 or one component.
func start(sof byte, w, h, comps int) *file {
	f := new(file)
	f.soi()
	var q [64]uint16
	for i := range q {
		q[i] = 1
	}
	f.dqt(0, &q)
	var c []component
	for i := range comps {
		c = append(c, component{id: byte(i + 1), h: 1, v: 1})
	}
	f.sof(sof, w, h, c)
	for class := range annexK {
		k := &annexK[class][0]
		f.dht(byte(class), 0, &k.counts, []byte(k.values))
	}
	return f
}

// A coefficient that a progressive scan shifts beyond 16 bits is 0. Where coefficients are
// written again it must not look like the end of a block.
func TestCoefficientsShiftedAwayAreZero(t *testing.T) {
	var p, copied bytes.Buffer
	w := newBitWriter(&p)
	w.write(start(mSOF2, 16, 8, 1).headerWriter)
	dc, ac := &annexCodes[0][0], &annexCodes[1][0]
	end := func() { w.put(uint64(ac[0]>>8), uint(ac[0]&255)) }
	scan := func(ss, se int, al uint, blocks func()) {
		var h headerWriter
		h.sos([]byte{1}, []byte{0}, ss, se, 0, al)
		w.write(h)
		blocks()
		w.finish()
	}
	scan(0, 0, 0, func() { w.value(100, dc); w.value(-40, dc) })
	scan(1, 1, 13, func() { w.coefficient(0, 8, ac); end() })
	scan(2, 63, 0, func() { end(); w.coefficient(0, 9, ac); end() })
	w.marker(mEOI)
	r := open(t, p.Bytes())
	if done, err := recode(&copied, r, 1, r.whole()); !done || err != nil {
		t.Fatal(done, err)
	}
	samePlanes(t, mustDecode(t, copied.Bytes(), raster.Hint{}), mustDecode(t, p.Bytes(), raster.Hint{}))
}

// everyUse puts a file through all that reads scans, and returns the last error.
func everyUse(t *testing.T, p []byte, lim raster.Limits) (err error) {
	t.Helper()
	for _, use := range []func(*Reader) error{
		func(r *Reader) error { _, err := Gray(io.Discard, r, nil); return err },
		func(r *Reader) error { _, err := Copy(io.Discard, r); return err },
		func(r *Reader) error {
			rows, err := r.Rows(raster.Hint{GoalW: 1, GoalH: 1, Luma: true})
			if err == nil {
				err = raster.Each(rows, func(int, int, raster.Plane) bool { return true })
			}
			return err
		},
		func(r *Reader) error {
			rows, err := r.Rows(raster.Hint{})
			if err == nil {
				err = raster.Each(rows, func(int, int, raster.Plane) bool { return true })
			}
			return err
		},
	} {
		r, e := Open(bytes.NewReader(p), int64(len(p)), lim)
		if e != nil {
			return e
		}
		if e := use(r); e != nil {
			err = e
		}
	}
	return err
}

func TestHostileFilesAreRefused(t *testing.T) {
	scan := func(f *file, comps, ss, se int, ah, al uint, data ...byte) {
		ids := []byte{1, 2, 3}[:comps]
		f.sos(ids, make([]byte, comps), ss, se, ah, al)
		f.data(data...)
	}
	for _, c := range []struct {
		name string
		make func() []byte
		kind fault.Kind
		says string
	}{
		{"too many codes", func() []byte {
			f := start(mSOF0, 8, 8, 1)
			f.dht(0, 0, &[17]uint8{1: 3}, []byte{0, 1, 2})
			return f.headerWriter
		}, fault.Format, "too many codes of 1 bits"},
		{"scan by a table without codes", func() []byte {
			f := start(mSOF0, 8, 8, 1)
			f.dht(0, 0, &[17]uint8{}, nil)
			scan(f, 1, 0, 63, 0, 0, 0)
			return f.headerWriter
		}, fault.Format, "DC table 0 has no codes"},
		{"empty scan", func() []byte {
			f := start(mSOF0, 64, 64, 1)
			scan(f, 1, 0, 63, 0, 0)
			f.data(0xFF, mEOI)
			return f.headerWriter
		}, fault.Format, "truncated after 0 of 64 rows"},
		{"a million scans", func() []byte {
			f := start(mSOF2, 8, 8, 1)
			scan(f, 1, 0, 0, 0, 13, 0)
			for range 10000 {
				scan(f, 1, 0, 0, 1, 0, 0)
			}
			return f.headerWriter
		}, fault.Format, "out of turn"},
		{"a scan for each bit of each coefficient", func() []byte {
			f := start(mSOF2, 8, 8, 1)
			scan(f, 1, 0, 0, 0, 0, 0)
			for k := 1; k < 64; k++ {
				scan(f, 1, k, k, 0, 13, 0xAF)
				for al := 12; al >= 0; al-- {
					scan(f, 1, k, k, uint(al+1), uint(al), 0xAF)
				}
			}
			f.data(0xFF, mEOI)
			return f.headerWriter
		}, fault.Format, "more than 500 scans"},
		{"no height and no DNL", func() []byte {
			f := start(mSOF0, 8, 0, 1)
			scan(f, 1, 0, 63, 0, 0, 0x28, 0xFF, mEOI)
			return f.headerWriter
		}, fault.Format, "height 0"},
		{"no height and a DNL of 0", func() []byte {
			f := start(mSOF0, 8, 0, 1)
			scan(f, 1, 0, 63, 0, 0, 0x28)
			f.segment(mDNL, []byte{0, 0})
			return f.headerWriter
		}, fault.Format, "height 0"},
		{"no height and a huge DNL", func() []byte {
			f := start(mSOF0, 65535, 0, 1)
			scan(f, 1, 0, 63, 0, 0, 0x28)
			f.segment(mDNL, []byte{0xFF, 0xFF})
			return f.headerWriter
		}, fault.TooLarge, "-maxpixels"},
		{"no width", func() []byte {
			return start(mSOF0, 0, 8, 1).headerWriter
		}, fault.Format, "0×8"},
		{"two frames", func() []byte {
			f := start(mSOF0, 8, 8, 1)
			f.sof(mSOF0, 8, 8, []component{{id: 1, h: 1, v: 1}})
			return f.headerWriter
		}, fault.Format, "second frame"},
		{"sampling factor 0", func() []byte {
			f := new(file)
			f.soi()
			f.sof(mSOF0, 8, 8, []component{{id: 1, h: 0, v: 1}})
			return f.headerWriter
		}, fault.Format, "sampling factors 0x1"},
		{"an MCU of 48 blocks", func() []byte {
			f := start(mSOF0, 8, 8, 1)
			f = new(file)
			f.soi()
			q := [64]uint16{}
			for i := range q {
				q[i] = 1
			}
			f.dqt(0, &q)
			f.sof(mSOF0, 8, 8, []component{{id: 1, h: 4, v: 4}, {id: 2, h: 4, v: 4}, {id: 3, h: 4, v: 4}})
			k := &annexK[0][0]
			f.dht(0, 0, &k.counts, []byte(k.values))
			k = &annexK[1][0]
			f.dht(1, 0, &k.counts, []byte(k.values))
			scan(f, 3, 0, 63, 0, 0, 0)
			return f.headerWriter
		}, fault.Format, "48 blocks"},
		{"scan of a component that isn't", func() []byte {
			f := start(mSOF0, 8, 8, 1)
			f.sos([]byte{9}, []byte{0}, 0, 63, 0, 0)
			return f.headerWriter
		}, fault.Format, "component 9"},
		{"scan without tables", func() []byte {
			f := start(mSOF0, 8, 8, 1)
			f.sos([]byte{1}, []byte{0x22}, 0, 63, 0, 0)
			return f.headerWriter
		}, fault.Format, "no DC table 2"},
		{"progressive scan without tables", func() []byte {
			f := start(mSOF2, 8, 8, 1)
			f.sos([]byte{1}, []byte{0x11}, 0, 0, 0, 0)
			return f.headerWriter
		}, fault.Format, "no DC table 1"},
		{"AC before DC", func() []byte {
			f := start(mSOF2, 8, 8, 1)
			scan(f, 1, 1, 63, 0, 0, 0xAF)
			return f.headerWriter
		}, fault.Format, "out of turn"},
		{"12 bits", func() []byte {
			f := new(file)
			f.soi()
			f.segment(mSOF1, []byte{12, 0, 8, 0, 8, 1, 1, 0x11, 0})
			return f.headerWriter
		}, fault.Unsupported, "12 bits"},
		{"two components", func() []byte {
			f := new(file)
			f.soi()
			f.sof(mSOF0, 8, 8, []component{{id: 1, h: 1, v: 1}, {id: 2, h: 1, v: 1}})
			return f.headerWriter
		}, fault.Unsupported, "2 components"},
		{"lossless", func() []byte {
			f := new(file)
			f.soi()
			f.sof(0xC3, 8, 8, []component{{id: 1, h: 1, v: 1}})
			return f.headerWriter
		}, fault.Unsupported, "lossless"},
		{"65535 × 65535", func() []byte {
			return start(mSOF0, 65535, 65535, 1).headerWriter
		}, fault.TooLarge, "-maxpixels"},
		{"progressive, more than memory", func() []byte {
			f := start(mSOF2, 15000, 15000, 3)
			scan(f, 3, 0, 0, 0, 0, 0)
			return f.headerWriter
		}, fault.TooLarge, "-maxmem"},
		{"no picture", func() []byte { return []byte{0xFF, mSOI, 0xFF, mEOI} }, fault.Format, "without a picture"},
		{"nothing", func() []byte { return nil }, fault.Format, "not a JPEG"},
		{"a restart marker not due", func() []byte {
			p := bytes.Clone(read(t, "rst_mcu.jpg"))
			i := bytes.Index(p, []byte{0xFF, mDRI, 0, 4})
			p[i+5] = 0
			return p
		}, fault.Format, "restart marker 0 before its time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := everyUse(t, c.make(), raster.Limits{Mem: 64 << 20})
			if err == nil || fault.Of(err) != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v (%v)", err, fault.Of(err))
			}
		})
	}
}

// processorTime is what this process has used: unlike the clock, not the others' too.
func processorTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// The most work that a megapixel can be made to cost stays under a second.
func TestHostileFilesTakeBoundedTime(t *testing.T) {
	const side = 1024 // 1.05 Mpixel, 16384 blocks a component
	for name, p := range map[string][]byte{
		// As many scans as are allowed, each with nothing but ends of bands: 63
		// coefficients by themselves, then bit by bit.
		"500 scans of ends": func() []byte {
			f := start(mSOF2, side, side, 3)
			f.sos([]byte{1, 2, 3}, []byte{0, 0, 0}, 0, 0, 0, 0)
			f.data(make([]byte, 3*side*side/64/4)...) // DC differences of 0 are two bits
			// A table whose only codes are EOB14 (0) and EOB0 (10).
			f.dht(1, 0, &[17]uint8{1: 1, 2: 1}, []byte{0xE0, 0x00})
			scans := 1
			for c := byte(1); c <= 3; c++ {
				for k := 1; k < 64 && scans < maxScans; k++ {
					for al := 3; al >= 0 && scans < maxScans; al-- {
						ah := al + 1
						if al == 3 {
							ah = 0
						}
						f.sos([]byte{c}, []byte{0}, k, k, uint(ah), uint(al))
						f.data(0, 0, 0x80, 0) // a run of 16384: all blocks
						scans++
					}
				}
			}
			f.data(0xFF, mEOI)
			return f.headerWriter
		}(),
		// Every MCU its own restart interval.
		"restarts": func() []byte {
			f := start(mSOF0, side, side, 1)
			f.dri(1)
			f.sos([]byte{1}, []byte{0}, 0, 63, 0, 0)
			for i := range side * side / 64 {
				f.data(0x2B, 0xFF, mRST0+byte(i&7)) // 00 1010 11
			}
			f.headerWriter = f.headerWriter[:len(f.headerWriter)-2]
			f.data(0xFF, mEOI)
			return f.headerWriter
		}(),
		"tables over and over": func() []byte {
			f := start(mSOF0, side, side, 1)
			k := &annexK[1][0]
			for range 5000 {
				f.dht(1, 0, &k.counts, []byte(k.values))
			}
			f.sos([]byte{1}, []byte{0}, 0, 63, 0, 0)
			f.data(bytes.Repeat([]byte{0x28, 0xA2, 0x8A}, side*side/64/4)...) // 001010 four times
			f.data(0xFF, mEOI)
			return f.headerWriter
		}(),
		// Each component by itself, over and over.
		"500 sequential scans": func() []byte {
			f := start(mSOF0, 256, 256, 3)
			for i := range maxScans {
				f.sos([]byte{byte(i%3 + 1)}, []byte{0}, 0, 63, 0, 0)
				f.data(bytes.Repeat([]byte{0x28, 0xA2, 0x8A}, 256*256/64/4)...)
			}
			f.data(0xFF, mEOI)
			return f.headerWriter
		}(),
		// All restart markers are missing, so that each interval is a guess.
		"restart markers all missing": func() []byte {
			f := start(mSOF0, side, side, 1)
			f.dri(1)
			f.sos([]byte{1}, []byte{0}, 0, 63, 0, 0)
			f.data(bytes.Repeat([]byte{0x2B}, side*side/64)...)
			f.data(0xFF, mEOI)
			return f.headerWriter
		}(),
		// Zeros are taken to follow an arithmetic-coded segment without end.
		"empty arithmetic-coded scan": func() []byte {
			f := start(mSOF9, side, side, 3)
			f.sos([]byte{1, 2, 3}, []byte{0, 0, 0}, 0, 63, 0, 0)
			f.data(0xFF, mEOI)
			return f.headerWriter
		}(),
		"restarts of an arithmetic decoder": func() []byte {
			f := start(mSOF9, side, side, 1)
			f.dri(1)
			f.sos([]byte{1}, []byte{0}, 0, 63, 0, 0)
			for i := range side*side/64 - 1 {
				f.data(0xFF, mRST0+byte(i&7))
			}
			f.data(0xFF, mEOI)
			return f.headerWriter
		}(),
		"a trailer of 32 MiB of markers": func() []byte {
			f := start(mSOF0, side, side, 1)
			f.sos([]byte{1}, []byte{0}, 0, 63, 0, 0)
			f.data(bytes.Repeat([]byte{0x28, 0xA2, 0x8A}, side*side/64/4)...)
			f.data(bytes.Repeat([]byte{0xFF, mRST0}, 16<<20)...)
			return f.headerWriter
		}(),
		"height in a DNL after 32 MiB": func() []byte {
			f := start(mSOF0, side, 0, 1)
			f.sos([]byte{1}, []byte{0}, 0, 63, 0, 0)
			f.data(bytes.Repeat([]byte{0x28, 0xA2, 0x8A}, side*side/64/4)...)
			f.data(make([]byte, 32<<20)...)
			f.segment(mDNL, []byte{side >> 8, 0})
			f.data(0xFF, mEOI)
			return f.headerWriter
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			begin := processorTime(t)
			if err := everyUse(t, p, raster.Limits{}); err != nil {
				t.Error(err)
			}
			if d := processorTime(t) - begin; d > 4*slower*time.Second { // four uses
				t.Error(d)
			} else {
				t.Logf("%v for four uses", d)
			}
		})
	}
}
