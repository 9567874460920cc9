package gif

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	stdgif "image/gif"
	"runtime"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

var (
	black = color.NRGBA{0, 0, 0, 255}
	white = color.NRGBA{255, 255, 255, 255}
	red   = color.NRGBA{255, 0, 0, 255}
	blue  = color.NRGBA{0, 0, 255, 255}
	none  = color.NRGBA{}
)

// screenOf writes a screen with the global table black, white, red, blue.
func screenOf(w, h int) *builder {
	b := &builder{}
	b.WriteString("GIF89a")
	b.le(w, h)
	b.WriteString("\x81\x00\x00\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00\xff")
	return b
}

// framed appends a frame of given indexes, with the trailer.
func framed(b *builder, r image.Rectangle, pix ...byte) []byte {
	b.image(r, 0, false, 2, pix, nil)
	b.WriteByte(blockTrailer)
	return b.Bytes()
}

// packedBits packs indexes with any code size by clearing before each one, which
// needs no table: codes never grow.
func packedBits(size uint, pix []byte) []byte {
	var out []byte
	var acc, n uint
	put := func(code uint) {
		acc |= code << n
		for n += size + 1; n >= 8; n -= 8 {
			out = append(out, byte(acc))
			acc >>= 8
		}
	}
	for _, v := range pix {
		put(1 << size)
		put(uint(v))
	}
	put(1<<size + 1)
	return append(out, byte(acc))
}

// All paths through a file (first frame, animation, rewriting) come to the same
// verdict and the same notes.
func TestOddFilesAreReadWithANote(t *testing.T) {
	square := image.Rect(0, 0, 2, 2)
	pix := []byte{2, 3, 1, 0}
	want := []color.NRGBA{red, blue, white, black}
	plain := framed(screenOf(2, 2), square, pix...)
	raw := func(size byte, data []byte) []byte { // a frame with given LZW data
		b := screenOf(2, 2)
		b.WriteByte(blockImage)
		b.le(0, 0, 2, 2)
		b.Write([]byte{0, size})
		b.sub(data)
		b.WriteByte(blockTrailer)
		return b.Bytes()
	}
	noTable := func() []byte {
		b := &builder{}
		b.head(2, 2, 0, nil)
		return framed(b, square, 0, 1, 1, 2)
	}()
	outside := func(r image.Rectangle) []byte {
		b := screenOf(2, 2)
		b.image(square, 0, false, 2, pix, nil)
		return framed(b, r, bytes.Repeat([]byte{2}, r.Dx()*r.Dy())...)
	}
	for _, c := range []struct {
		name string
		data []byte
		want []color.NRGBA // the last frame
		note string
	}{
		{"a proper file", plain, want, ""},
		{"bytes after the trailer", append(slices.Clone(plain), "junk"...), want, ""},
		{"no trailer", plain[:len(plain)-1], want, "no end marker"},
		{"no terminator", plain[:len(plain)-2], want, "no end marker"},
		{"a trailer in place of the terminator", append(slices.Clone(plain[:len(plain)-2]), blockTrailer), want, "no end marker"},
		{"cut in a comment", append(slices.Clone(plain[:len(plain)-1]), "\x21\xfe\x09hel"...), want, "no end marker"},
		{"an unknown block after the frame", append(slices.Clone(plain[:len(plain)-1]), 0x99, 1, 2), want, "unknown block 0x99 after frame 1: the rest is ignored"},
		{"no colour table", noTable, []color.NRGBA{black, white, white, black}, "no colour table: black and white are used; indexes beyond the colour table"},
		{"no end code", raw(2, []byte{0xd4, 0x02}), []color.NRGBA{red, blue, white, black}, ""},
		{"code size 3", raw(3, packedBits(3, pix)), want, ""},
		{"code size 9", raw(9, packedBits(9, pix)), want, ""},
		{"code size 10", raw(10, packedBits(10, pix)), want, ""},
		{"code size 11", raw(11, packedBits(11, pix)), want, ""},
		{"surplus pixels", framed(screenOf(2, 2), square, append(slices.Clone(pix), 1, 1, 1, 1)...), want, ""},
		{"a frame partly outside", outside(image.Rect(1, 1, 3, 4)), []color.NRGBA{red, blue, white, red}, "frames beyond the canvas: 1 of 2"},
		{"a frame outside", outside(image.Rect(7, 1, 9, 4)), want, "frames beyond the canvas: 1 of 2"},
		{"a small screen", framed(screenOf(1, 2), image.Rect(3, 4, 5, 6), pix...), want, "screen of 1×2: the first frame's 2×2 are used"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, lenient := range []bool{false, true} {
				verdict(t, c.data, lenient, c.want, "", c.note)
			}
		})
	}
}

// verdict reads a file by all paths and compares the last frame, or the error, and
// the notes.
func verdict(t *testing.T, data []byte, lenient bool, want []color.NRGBA, refusal, note string) {
	t.Helper()
	lim := limits
	lim.Lenient = lenient
	open := func(data []byte) (*Reader, error) { return Open(bytes.NewReader(data), int64(len(data)), lim) }
	var rewritten bytes.Buffer
	for _, path := range []struct {
		name string
		read func(r *Reader) ([]color.NRGBA, error)
	}{
		{"animation", func(r *Reader) ([]color.NRGBA, error) {
			frames, err := framesOf(r)
			if err != nil {
				return nil, err
			}
			return frames[len(frames)-1], nil
		}},
		{"rows of the last frame", func(r *Reader) ([]color.NRGBA, error) {
			if err := r.Select(r.Frames()); err != nil {
				return nil, err
			}
			return colors(rastertest.Start(r, nil))
		}},
		{"rewriting", func(r *Reader) ([]color.NRGBA, error) {
			rewritten.Reset()
			if err := RewritePalette(&rewritten, r, func(c color.NRGBA) color.NRGBA { return c }); err != nil {
				return nil, err
			}
			again, err := open(rewritten.Bytes())
			if err != nil {
				return nil, err
			}
			frames, err := framesOf(again)
			if err != nil {
				return nil, err
			}
			if n := again.Notes(); n != nil {
				t.Errorf("the rewritten file has notes: %q", n)
			}
			px, err := again.pixels(&input{r: again.r, size: again.size}, again.first)
			if err != nil {
				return nil, err
			}
			for range again.first.rect.Dy() {
				if _, err := px.row(); err != nil {
					return nil, err
				}
			}
			if n, _ := px.z.read(make([]byte, 1)); n != 0 || !px.z.ended {
				t.Error("the rewritten data have no end code, or more pixels")
			}
			return frames[len(frames)-1], nil
		}},
	} {
		r, err := open(data)
		var got []color.NRGBA
		if err == nil {
			got, err = path.read(r)
		}
		if refusal != "" {
			if fault.Of(err) != fault.Format || !strings.Contains(fmt.Sprint(err), refusal) {
				t.Errorf("%s: %v; want %q", path.name, err, refusal)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", path.name, err)
			continue
		}
		rastertest.Same(t, path.name, got, want)
		if n := strings.Join(r.Notes(), "; "); n != note {
			t.Errorf("%s: notes %q, want %q", path.name, n, note)
		}
	}
	if refusal == "" {
		if _, err := stdgif.DecodeAll(&rewritten); err != nil {
			t.Errorf("image/gif refuses the rewritten file: %v", err)
		}
	}
}

// Missing pixels are an error. With Lenient they are a note.
func TestMissingPixels(t *testing.T) {
	tall := image.Rect(0, 0, 1, 9)
	one := func(change func(b *builder)) []byte {
		b := screenOf(1, 9)
		change(b)
		b.WriteByte(blockTrailer)
		return b.Bytes()
	}
	few := []byte{2, 3, 2}
	repeat := func(c color.NRGBA, n int) []color.NRGBA { return slices.Repeat([]color.NRGBA{c}, n) }
	cut := one(func(b *builder) { b.image(tall, 0, false, 2, few, nil) })
	lzwAt := bytes.IndexByte(cut, blockImage) + 10
	for _, c := range []struct {
		name  string
		data  []byte
		want  []color.NRGBA
		error string
	}{
		{"end code early", cut, append([]color.NRGBA{red, blue, red}, repeat(black, 6)...), "truncated after 3 of 9 rows"},
		{"transparent index", one(func(b *builder) { b.control(0, 0, 1); b.image(tall, 0, false, 2, few, nil) }),
			append([]color.NRGBA{red, blue, red}, repeat(none, 6)...), "truncated after 3 of 9 rows"},
		{"interlaced", one(func(b *builder) { b.image(tall, 0, true, 2, few, nil) }), // rows 0, 8, 4
			[]color.NRGBA{red, red, red, red, red, red, red, red, blue}, "truncated after 3 of 9 rows"},
		{"invalid code", one(func(b *builder) {
			b.WriteByte(blockImage)
			b.le(0, 0, 1, 9)
			b.WriteString("\x00\x02\x02\xff\xff\x00")
		}), repeat(black, 9), "invalid code after 0 of 9 rows"},
		{"code size 13", one(func(b *builder) {
			b.WriteByte(blockImage)
			b.le(0, 0, 1, 9)
			b.WriteString("\x00\x0d\x02\xff\xff\x00")
		}), repeat(black, 9), "LZW code size 13 is not 1 to 11"},
		{"no data", cut[:lzwAt], repeat(black, 9), "truncated after 0 of 9 rows"},
		{"only a code size", cut[:lzwAt+1], repeat(black, 9), "truncated after 0 of 9 rows"},
		{"second frame", one(func(b *builder) {
			b.image(tall, 0, false, 2, bytes.Repeat([]byte{1}, 9), nil)
			b.control(0, 0, 0)
			b.image(tall, 0, false, 2, few, nil)
		}), append([]color.NRGBA{red, blue, red}, repeat(white, 6)...), "frame 2: truncated after 3 of 9 rows"},
		{"second header", one(func(b *builder) {
			b.image(tall, 0, false, 2, bytes.Repeat([]byte{1}, 9), nil)
			b.WriteString("\x2c\x00\x00")
		}), repeat(white, 9), "truncated in the header of frame 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			verdict(t, c.data, false, nil, c.error, "")
			note := c.error
			switch {
			case strings.Contains(note, "code"):
				note = "GIF: " + note
			case len(c.data) < len(cut): // the file ends early, too
				note = "no end marker; " + note
			}
			verdict(t, c.data, true, c.want, "", note)
		})
	}
}

// image/gif and we read the same file differently in a few cases. What browsers do
// decides.
func TestWhereImageGifDiffers(t *testing.T) {
	two := image.Rect(0, 0, 2, 1)
	last := func(t *testing.T, data []byte, ours, theirs []color.NRGBA) {
		t.Helper()
		frames, _, err := ourFrames(data)
		if err != nil {
			t.Fatal(err)
		}
		rastertest.Same(t, "ours", frames[len(frames)-1], ours)
		g, err := stdgif.DecodeAll(bytes.NewReader(data))
		if theirs == nil {
			if err == nil {
				t.Error("image/gif reads it")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		all := compose(g)
		rastertest.Same(t, "image/gif", all[len(all)-1], theirs)
	}
	t.Run("disposal 4 is 3", func(t *testing.T) {
		b := screenOf(2, 1)
		b.image(two, 0, false, 2, []byte{1, 1}, nil)
		b.control(4, 0, -1)
		b.image(two, 0, false, 2, []byte{2, 2}, nil)
		data := framed(b, image.Rect(0, 0, 1, 1), 3)
		last(t, data, []color.NRGBA{blue, white}, []color.NRGBA{blue, red})
	})
	t.Run("of several graphic controls the last counts alone", func(t *testing.T) {
		b := screenOf(2, 1)
		b.control(0, 0, 2)
		b.control(0, 0, -1)
		data := framed(b, two, 2, 3)
		last(t, data, []color.NRGBA{red, blue}, []color.NRGBA{none, blue})
	})
	t.Run("a graphic control is for one frame", func(t *testing.T) {
		b := screenOf(2, 1)
		b.control(2, 0, -1)
		b.image(image.Rect(0, 0, 1, 1), 0, false, 2, []byte{1}, nil)
		b.image(image.Rect(1, 0, 2, 1), 0, false, 2, []byte{2}, nil)
		data := framed(b, image.Rect(0, 0, 1, 1), 3)
		// The second frame has no disposal: it stays.
		last(t, data, []color.NRGBA{blue, red}, []color.NRGBA{blue, none})
	})
	t.Run("plain text of another length is skipped", func(t *testing.T) {
		b := screenOf(2, 1)
		b.WriteString("\x21\x01\x04abcd\x00")
		last(t, framed(b, two, 2, 3), []color.NRGBA{red, blue}, nil)
	})
	t.Run("frames beyond the screen are clipped", func(t *testing.T) {
		last(t, framed(screenOf(2, 1), image.Rect(1, 0, 3, 1), 2, 3), []color.NRGBA{none, red}, nil)
	})
	t.Run("a second pixel row too many is ignored", func(t *testing.T) {
		last(t, framed(screenOf(2, 1), two, 2, 3, 1, 1), []color.NRGBA{red, blue}, nil)
	})
}

// Files of a few bytes that claim much are refused, or read in little memory.
func TestBombs(t *testing.T) {
	frames := func(n, w, h int) []byte {
		one := &builder{}
		one.image(image.Rect(0, 0, 1, 1), 0, false, 2, []byte{0}, nil)
		b := screenOf(w, h)
		b.Write(bytes.Repeat(one.Bytes(), n))
		b.WriteByte(blockTrailer)
		return b.Bytes()
	}
	large := func(interlaced bool) []byte {
		b := screenOf(15000, 15000)
		b.image(image.Rect(0, 0, 15000, 15000), 0, interlaced, 2, make([]byte, 100), nil)
		b.WriteByte(blockTrailer)
		return b.Bytes()
	}
	for _, c := range []struct {
		name string
		data []byte
		kind fault.Kind
		text string
	}{
		{"canvas of 65535×65535", framed(screenOf(65535, 65535), image.Rect(0, 0, 1, 1), 0), fault.TooLarge, "4295 Mpixel > 250 Mpixel (-maxpixels)"},
		{"10,000 frames on 200×200", frames(10000, 200, 200), fault.TooLarge, "Mpixel > 250 Mpixel (-maxpixels)"},
		{"frame of 65535×65535 on 1×1", framed(screenOf(1, 1), image.Rect(0, 0, 65535, 65535), 0), fault.TooLarge, "4295 Mpixel > 250 Mpixel (-maxpixels)"},
		{"225 Mpixel from 100", large(false), fault.Format, "truncated after 0 of 15000 rows"},
		{"225 Mpixel interlaced", large(true), fault.TooLarge, "215 MiB to hold > 64 MiB (-maxmem)"},
		{"100,000 frames of 1×1", frames(100000, 1, 1), 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := Open(bytes.NewReader(c.data), int64(len(c.data)), raster.Limits{Mem: 64 << 20})
			if err == nil {
				var rows raster.Rows
				if rows, err = r.Rows(raster.Hint{}); err == nil {
					err = raster.Each(rows, func(_, _ int, _ raster.Plane) bool { return true })
				}
			}
			runtime.ReadMemStats(&after)
			if c.text == "" && err != nil || c.text != "" && (fault.Of(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.text)) {
				t.Errorf("%v; want %q", err, c.text)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
				t.Errorf("%d MiB were allocated", n>>20)
			}
		})
	}
}
