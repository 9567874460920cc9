package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/plan"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
)

// operations are the ways through the planner.
var operations = map[string]func(w io.Writer, data []byte, lim raster.Limits) error{
	"gray": func(w io.Writer, data []byte, lim raster.Limits) error {
		_, err := plan.Run(w, bytes.NewReader(data), int64(len(data)), plantest.Within(lim, "gray"))
		return err
	},
	"gray luminance": func(w io.Writer, data []byte, lim raster.Limits) error {
		_, err := plan.Run(w, bytes.NewReader(data), int64(len(data)), plantest.Within(lim, "gray=luminance"))
		return err
	},
	"gray for": func(w io.Writer, data []byte, lim raster.Limits) error {
		_, err := plan.Run(w, bytes.NewReader(data), int64(len(data)), plantest.Within(lim, "gray handover scale=1/3"))
		return err
	},
	"scale": func(w io.Writer, data []byte, lim raster.Limits) error {
		_, err := plan.Run(w, bytes.NewReader(data), int64(len(data)), plantest.Within(lim, "scale=1/3"))
		return err
	},
	"scale 1": func(w io.Writer, data []byte, lim raster.Limits) error {
		_, err := plan.Run(w, bytes.NewReader(data), int64(len(data)), plantest.Within(lim, "scale=1"))
		return err
	},
}

func TestTruncatedInputIsAnErrorThatSaysSo(t *testing.T) {
	for _, in := range inputs(t) {
		for name, op := range operations {
			// At most 0.95: the very end of a JPEG (its end marker) and of a TIFF (its
			// resolution) may be missing.
			for _, part := range []float64{0.95, 0.7, 0.5, 0.2} {
				t.Run(fmt.Sprintf("%s of %s, %g of it", name, in.name, part), func(t *testing.T) {
					cut := in.data[:int(part*float64(len(in.data)))]
					err := op(io.Discard, cut, raster.Limits{})
					if err == nil && (in.format == "png" || in.format == "ico") && part > 0.9 {
						return // only IEND and a checksum are missing, or an unused mask
					}
					if err == nil || fault.Of(err) != fault.Format {
						t.Fatalf("%v: %v", fault.Of(err), err)
					}
					if s := err.Error(); part > 0.8 && !strings.Contains(s, "truncated") && !strings.Contains(s, "cut") && !strings.Contains(s, "beyond") && !strings.Contains(s, "ends") {
						t.Error(err)
					}
				})
			}
		}
	}
}

func TestBytesAfterTheEndChangeNothing(t *testing.T) {
	for _, in := range inputs(t) {
		for name, op := range operations {
			t.Run(name+" of "+in.name, func(t *testing.T) {
				var want, got bytes.Buffer
				if err := op(&want, in.data, raster.Limits{}); err != nil {
					t.Fatal(err)
				}
				tail := append(bytes.Clone(in.data), "\n123 secret bytes after the picture's end"...)
				if err := op(&got, tail, raster.Limits{}); err != nil {
					t.Fatalf("with a tail: %v", err)
				}
				if !bytes.Equal(got.Bytes(), want.Bytes()) {
					t.Error("a tail changes the result")
				}
			})
		}
	}
}

// hugePNG is a PNG that claims w × h pixels and has none.
func hugePNG(w, h uint32) []byte {
	out := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
		body := append([]byte(kind), data...)
		out = binary.BigEndian.AppendUint32(append(out, body...), crc32.ChecksumIEEE(body))
	}
	ihdr := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	chunk("IHDR", append(ihdr, 8, 6, 0, 0, 0))
	chunk("IDAT", []byte{0x78, 0x9c, 3, 0, 0, 0, 0, 1})
	chunk("IEND", nil)
	return out
}

// resized returns the file with w × h in its header instead of its size.
func resized(in input, w, h int) []byte {
	d := bytes.Clone(in.data)
	le, be := binary.LittleEndian, binary.BigEndian
	switch in.format {
	case "png":
		return hugePNG(uint32(w), uint32(h))
	case "gif": // the screen, and the first frame that fills it
		at := 13 + 3<<(d[10]&7+1)
		if d[at] == 0x21 { // the graphic control extension
			at += 8
		}
		for _, i := range []int{6, at + 5} {
			le.PutUint16(d[i:], uint16(min(w, 65535)))
			le.PutUint16(d[i+2:], uint16(min(h, 65535)))
		}
	case "bmp":
		le.PutUint32(d[18:], uint32(w))
		le.PutUint32(d[22:], uint32(h))
	case "ico":
		le.PutUint32(d[26:], uint32(w))
		le.PutUint32(d[30:], uint32(2*h))
	case "jpeg":
		i := bytes.Index(d, []byte{0xff, 0xc0})
		be.PutUint16(d[i+5:], uint16(min(h, 65535)))
		be.PutUint16(d[i+7:], uint16(min(w, 65535)))
	case "tiff":
		at := int(le.Uint32(d[4:]))
		for i := range int(le.Uint16(d[at:])) {
			e := d[at+2+12*i:]
			if tag := le.Uint16(e); tag == 256 || tag == 257 {
				le.PutUint16(e[2:], 4)
				le.PutUint32(e[8:], uint32([]int{w, h}[tag-256]))
			}
		}
	case "webp":
		if i := bytes.Index(d, []byte("VP8X")); i >= 0 {
			for k := range 3 {
				d[i+12+k], d[i+15+k] = byte((w-1)>>(8*k)), byte((h-1)>>(8*k))
			}
			break
		}
		if i := bytes.Index(d, []byte("VP8L")); i >= 0 {
			le.PutUint32(d[i+9:], uint32(min(w, 16384)-1)|uint32(min(h, 16384)-1)<<14)
		} else {
			i := bytes.Index(d, []byte{0x9d, 0x01, 0x2a})
			le.PutUint16(d[i+3:], uint16(min(w, 16383)))
			le.PutUint16(d[i+5:], uint16(min(h, 16383)))
		}
	case "pnm":
		d = bytes.Replace(d, []byte("29 23\n"), []byte(itoa(w)+" "+itoa(h)+"\n"), 1)
		d = bytes.Replace(d, []byte("WIDTH 29\nHEIGHT 23\n"), []byte("WIDTH "+itoa(w)+"\nHEIGHT "+itoa(h)+"\n"), 1)
	}
	return d
}

func itoa(n int) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

// A false size in a header costs no memory. Above the limits it is refused before
// anything is allocated; within them, the file is found to be short.
func TestFalseSizesCostNoMemory(t *testing.T) {
	for _, in := range inputs(t) {
		for name, op := range operations {
			for _, c := range []struct {
				w, h int
				kind fault.Kind
			}{{20000, 20000, fault.TooLarge}, {1 << 27, 1 << 27, fault.TooLarge}, {30, 1000, fault.Format}, {16000, 24, fault.Format}} {
				t.Run(fmt.Sprintf("%s of %s, said to be %d×%d", name, in.name, c.w, c.h), func(t *testing.T) {
					data := resized(in, c.w, c.h)
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					err := op(io.Discard, data, raster.Limits{})
					runtime.ReadMemStats(&after)
					if err == nil || fault.Of(err) != c.kind && !(c.kind == fault.TooLarge && fault.Of(err) == fault.Format) {
						t.Errorf("%v, %v", fault.Of(err), err)
					}
					if c.kind == fault.TooLarge && in.format != "gif" && in.format != "jpeg" && in.format != "webp" && fault.Of(err) != fault.TooLarge {
						t.Errorf("not too large: %v", err)
					}
					if n := after.TotalAlloc - before.TotalAlloc; c.kind == fault.TooLarge && n > 4<<20 {
						t.Errorf("%d KiB allocated", n>>10)
					}
				})
			}
		}
	}
}

func TestHugePNGHeader(t *testing.T) {
	for name, op := range operations {
		err := op(io.Discard, hugePNG(20000, 20000), raster.Limits{})
		if fault.Of(err) != fault.TooLarge || err.Error() != "400 Mpixel > 250 Mpixel (-maxpixels)" {
			t.Errorf("%s: %v", name, err)
		}
		err = op(io.Discard, hugePNG(65535, 65535), raster.Limits{})
		if fault.Of(err) != fault.TooLarge || !strings.HasPrefix(err.Error(), "4295 Mpixel") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The size of the result is checked before it is made, too.
func TestHugeResultIsRefused(t *testing.T) {
	data := inputs(t)[0].data
	for _, g := range []string{"100000x100000!", "268435455x", "16x268435455!"} {
		_, err := plan.Run(io.Discard, bytes.NewReader(data), int64(len(data)), plantest.Ask("scale="+g))
		if fault.Of(err) != fault.TooLarge {
			t.Errorf("scale %s: %v", g, err)
		}
		_, err = plan.Run(io.Discard, bytes.NewReader(data), int64(len(data)), plantest.Ask("gray handover scale="+g))
		if fault.Of(err) != fault.TooLarge {
			t.Errorf("gray for=%s: %v", g, err)
		}
	}
}

func TestEmptyAndForeignInput(t *testing.T) {
	for name, op := range operations {
		for data, kind := range map[string]fault.Kind{"": fault.Format, "hello": fault.Format, "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic": fault.Unsupported} {
			if err := op(io.Discard, []byte(data), raster.Limits{}); fault.Of(err) != kind || err == nil {
				t.Errorf("%s of %q: %v", name, data, err)
			}
		}
	}
}

// broken fails after some bytes, as a full disk does.
type broken struct{ left int }

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestFailedWriteIsReported(t *testing.T) {
	for _, in := range inputs(t) {
		for name, op := range operations {
			t.Run(name+" of "+in.name, func(t *testing.T) {
				var whole bytes.Buffer
				if err := op(&whole, in.data, raster.Limits{}); err != nil {
					t.Fatal(err)
				}
				for _, n := range []int{0, 1, whole.Len() / 2, whole.Len() - 1} {
					if err := op(&broken{n}, in.data, raster.Limits{}); err == nil {
						t.Errorf("%d of %d bytes written, and no error", n, whole.Len())
					}
				}
			})
		}
	}
}
