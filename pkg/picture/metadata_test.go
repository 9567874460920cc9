package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"os"
	"strings"
	"testing"

	"golang.org/x/image/webp"

	stdgif "image/gif"
	stdjpeg "image/jpeg"
	stdpng "image/png"

	"imgtools/pkg/picture/codec"
	"imgtools/pkg/picture/plan/plantest"
	"imgtools/pkg/picture/raster"
)

// secret stands for a place, a serial number, a name: no result may contain it.
const secret = "SECRET-PLACE-51N-0W"

// exif is a block with an orientation, a maker, and a GPS directory.
func exif(orientation int) []byte {
	le := binary.LittleEndian
	b := []byte("II*\x00\x08\x00\x00\x00\x03\x00")
	put := func(tag, kind uint16, count, value uint32) {
		b = le.AppendUint16(le.AppendUint16(b, tag), kind)
		b = le.AppendUint32(le.AppendUint32(b, count), value)
	}
	put(0x010f, 2, uint32(len(secret)), 68)
	put(0x0112, 3, 1, uint32(orientation))
	put(0x8825, 4, 1, 50)
	b = append(b, 0, 0, 0, 0) // no thumbnail; 50 bytes so far
	b = append(b, 1, 0)
	put(1, 2, 2, 'N')
	b = append(b, 0, 0, 0, 0)
	return append(b, secret...)
}

// profile is an ICC profile of a colour space with an empty tag table.
func profile(space string) []byte {
	p := make([]byte, 132+len(secret))
	binary.BigEndian.PutUint32(p, uint32(len(p)))
	copy(p[8:], "\x02\x40\x00\x00mntr"+space+"XYZ ")
	copy(p[36:], "acsp")
	copy(p[132:], "profile of "+space)
	return p
}

// pngChunk is a chunk of a PNG with its length and checksum.
func pngChunk(kind, body string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(append(b, kind...), body...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:])))
}

// withMeta is a kind of file that has metadata in every place of its format, an
// orientation, and a profile when icc is not nil.
type withMeta struct {
	name, format string
	oriented     bool // the format has an orientation
	profiled     bool
	file         func(w, h, orientation int, icc []byte) []byte
	lossy        bool
}

// shown is what those files store.
func shown(w, h int) pic {
	return newPic(w, h, func(x, y int) [4]float64 {
		return [4]float64{0.1 + 0.8*float64(x)/float64(w), 0.9 - 0.7*float64(y)/float64(h), 0.3 + 0.4*float64(x*y)/float64(w*h), 1}
	}).rounded(8)
}

func filesWithMeta(t testing.TB) []withMeta {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	segment := func(marker byte, body string) string {
		return string([]byte{0xff, marker}) + string(binary.BigEndian.AppendUint16(nil, uint16(len(body)+2))) + body
	}
	jpegFile := func(m func(w, h int) image.Image) func(w, h, o int, icc []byte) []byte {
		return func(w, h, o int, icc []byte) []byte {
			var buf bytes.Buffer
			must(stdjpeg.Encode(&buf, m(w, h), &stdjpeg.Options{Quality: 98}))
			meta := segment(0xe1, "Exif\x00\x00"+string(exif(o))) + segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00<x>"+secret+"</x>") +
				segment(0xed, "Photoshop 3.0\x00"+secret) + segment(0xfe, secret)
			if icc != nil {
				meta += segment(0xe2, "ICC_PROFILE\x00\x01\x01"+string(icc))
			}
			return append([]byte("\xff\xd8"+meta), buf.Bytes()[2:]...)
		}
	}
	chunk := pngChunk
	pngFile := func(m func(w, h int) image.Image) func(w, h, o int, icc []byte) []byte {
		return func(w, h, o int, icc []byte) []byte {
			var buf bytes.Buffer
			must(stdpng.Encode(&buf, m(w, h)))
			meta := chunk("eXIf", string(exif(o))) + chunk("tEXt", "Comment\x00"+secret) + chunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+secret)
			if icc != nil {
				var z bytes.Buffer
				zw := zlib.NewWriter(&z)
				zw.Write(icc)
				zw.Close()
				meta = chunk("iCCP", "name\x00\x00"+z.String()) + meta
			}
			b := buf.Bytes()
			end := len(b) - 12 // some of it after the pixels
			return []byte(string(b[:33]) + meta + string(b[33:end]) + chunk("tEXt", "Author\x00"+secret) + string(b[end:]))
		}
	}
	colour := func(w, h int) image.Image { return shown(w, h).nrgba() }
	return []withMeta{
		{name: "jpeg", format: "jpeg", oriented: true, profiled: true, lossy: true, file: jpegFile(colour)},
		{name: "gray jpeg", format: "jpeg", oriented: true, lossy: true, file: jpegFile(func(w, h int) image.Image { return shown(w, h).grayed().gray() })},
		{name: "png", format: "png", oriented: true, profiled: true, file: pngFile(colour)},
		{name: "png 16", format: "png", oriented: true, profiled: true, file: pngFile(func(w, h int) image.Image { return shown(w, h).nrgba64() })},
		{name: "png palette", format: "png", oriented: true, profiled: true, file: pngFile(func(w, h int) image.Image { return shown(w, h).paletted(false) })},
		{name: "tiff", format: "tiff", oriented: true, profiled: true, file: func(w, h, o int, icc []byte) []byte { return tiffWithMeta(shown(w, h), o, icc) }},
		{name: "webp", format: "webp", oriented: true, profiled: true, file: func(w, h, o int, icc []byte) []byte { return webpWithMeta(t, o, icc) }},
		{name: "gif", format: "gif", file: func(w, h, _ int, _ []byte) []byte {
			var buf bytes.Buffer
			must(stdgif.Encode(&buf, shown(w, h).paletted(false), nil))
			s := buf.String()
			at := 13 + 3<<(s[10]&7+1)
			block := string(rune(len(secret))) + secret + "\x00"
			return []byte(s[:at] + "\x21\xfe" + block + "\x21\xff\x0bXMP DataXMP" + block + s[at:len(s)-1] + "\x21\xfe" + block + "\x3b")
		}},
		{name: "ppm", format: "pnm", file: func(w, h, _ int, _ []byte) []byte {
			return shown(w, h).pnmFile(fmt.Sprintf("P6\n# %s\n%d %d\n255\n", secret, w, h), []int{0, 1, 2}, 255, false)
		}},
	}
}

// tiffWithMeta is an uncompressed RGB TIFF with a description, XMP, orientation.
func tiffWithMeta(p pic, orientation int, icc []byte) []byte {
	le := binary.LittleEndian
	var px []byte
	for _, c := range p.nrgba().Pix {
		px = append(px, c)
	}
	var rgb []byte
	for i := 0; i < len(px); i += 4 {
		rgb = append(rgb, px[i:i+3]...)
	}
	type entry struct {
		tag, kind uint16
		value     []byte // of its kind's values
	}
	short := func(vs ...int) (b []byte) {
		for _, v := range vs {
			b = le.AppendUint16(b, uint16(v))
		}
		return b
	}
	long := func(v int) []byte { return le.AppendUint32(nil, uint32(v)) }
	entries := []entry{
		{256, 4, long(p.w)}, {257, 4, long(p.h)}, {258, 3, short(8, 8, 8)}, {259, 3, short(1)}, {262, 3, short(2)},
		{270, 2, []byte(secret + "\x00")}, {273, 4, long(8)}, {274, 3, short(orientation)}, {277, 3, short(3)}, {278, 4, long(p.h)},
		{279, 4, long(len(rgb))}, {315, 2, []byte(secret + "\x00")}, {700, 1, []byte(secret)},
	}
	if icc != nil {
		entries = append(entries, entry{34675, 7, icc})
	}
	size := map[uint16]int{1: 1, 2: 1, 3: 2, 4: 4, 7: 1}
	at := 8 + len(rgb)
	at += at & 1
	tailAt := at + 2 + 12*len(entries) + 4
	out := le.AppendUint32([]byte("II*\x00"), uint32(at))
	out = append(out, rgb...)
	out = append(out, make([]byte, at-len(out))...)
	out = le.AppendUint16(out, uint16(len(entries)))
	var tail []byte
	for _, e := range entries {
		out = le.AppendUint16(le.AppendUint16(out, e.tag), e.kind)
		out = le.AppendUint32(out, uint32(len(e.value)/size[e.kind]))
		if len(e.value) <= 4 {
			out = append(append(out, e.value...), make([]byte, 4-len(e.value))...)
			continue
		}
		out = le.AppendUint32(out, uint32(tailAt+len(tail)))
		tail = append(tail, e.value...)
		tail = append(tail, make([]byte, len(tail)&1)...)
	}
	return append(append(out, 0, 0, 0, 0), tail...)
}

// webpWithMeta is testdata/lossless.webp in an extended file.
func webpWithMeta(t testing.TB, orientation int, icc []byte) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/lossless.webp")
	if err != nil {
		t.Fatal(err)
	}
	body := ""
	chunk := func(kind, data string) {
		body += kind + string(binary.LittleEndian.AppendUint32(nil, uint32(len(data)))) + data + strings.Repeat("\x00", len(data)&1)
	}
	flags := byte(0x0c) // EXIF, XMP
	if icc != nil {
		flags |= 0x20
	}
	chunk("VP8X", string([]byte{flags, 0, 0, 0, inW - 1, 0, 0, inH - 1, 0, 0}))
	if icc != nil {
		chunk("ICCP", string(icc))
	}
	body += string(data[12:]) // VP8L
	chunk("EXIF", string(exif(orientation)))
	chunk("XMP ", secret)
	return []byte("RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)+4))) + "WEBP" + body)
}

func TestNoMetadataComesOut(t *testing.T) {
	for _, f := range filesWithMeta(t) {
		for _, icc := range [][]byte{nil, profile("RGB ")} {
			if icc != nil && !f.profiled {
				continue
			}
			data := f.file(inW, inH, 6, icc)
			if !bytes.Contains(data, []byte(secret)) {
				t.Fatalf("%s: no secret in it", f.name)
			}
			for _, out := range outputs {
				t.Run(fmt.Sprintf("%s to %s, profile %v", f.name, out, icc != nil), func(t *testing.T) {
					grayed, _ := runGray(t, data, plantest.Ask("gray format="+out))
					for op, got := range map[string]done{
						"gray":    grayed,
						"scale":   runScale(t, data, plantest.Ask("scale=1/2 format="+out)),
						"scale 1": runScale(t, data, plantest.Ask("scale=1 format="+out)),
						"both":    runBoth(t, data, "1/2", out, 0),
						"both 1":  runBoth(t, data, "1", out, 0),
					} {
						if bytes.Contains(got.data, []byte(secret)) || bytes.Contains(got.data, []byte("Exif")) {
							t.Errorf("%s: metadata in the result", op)
						}
					}
				})
			}
		}
	}
}

// turned is the upright picture of p stored with an orientation: CIPA DC-008 4.6.5.1
// says where the 0th row and the 0th column of p are seen.
func (p pic) turned(o int) pic {
	w, h := p.w, p.h
	if o >= 5 {
		w, h = h, w
	}
	return newPic(w, h, func(x, y int) [4]float64 {
		u, v := x, y
		if o >= 5 {
			u, v = y, x
		}
		switch o {
		case 2, 8: // the 0th column is at the right, or at the bottom
			u = p.w - 1 - u
		case 4, 6:
			v = p.h - 1 - v
		case 3, 7:
			u, v = p.w-1-u, p.h-1-v
		}
		return p.px[v*p.w+u]
	})
}

func TestEveryOrientationFromEveryFormatThatSaysIt(t *testing.T) {
	for _, f := range filesWithMeta(t) {
		if !f.oriented {
			continue
		}
		for _, size := range [][2]int{{inW, inH}, {32, 16}} {
			for o := 1; o <= 8; o++ {
				if f.format == "webp" && size[0] != inW {
					continue
				}
				data := f.file(size[0], size[1], o, nil)
				base := storedPic(t, f, data, size)
				seen := base.turned(o)
				half := [2]int{(seen.w + 1) / 2, (seen.h + 1) / 2}
				grayed, _ := runGray(t, data, plantest.Ask("gray format=png"))
				sameGray, _ := runGray(t, data, plantest.Ask("gray"))
				for op, c := range map[string]struct {
					got  done
					want pic
				}{
					"gray to png":  {grayed, seen.grayed()},
					"gray":         {sameGray, seen.grayed()},
					"scale":        {runScale(t, data, plantest.Ask("scale=1/2 format=png")), seen.scaled(half[0], half[1])},
					"scale to jpg": {runScale(t, data, plantest.Ask("scale=1/2 format=jpeg quality=98")), seen.scaled(half[0], half[1])},
					"scale up":     {runScale(t, data, plantest.Ask("scale=2 format=png")), seen.scaled(2*seen.w, 2*seen.h)},
					"scale to box": {runScale(t, data, plantest.Ask("scale=12x40! format=png")), seen.scaled(12, 40)},
					"scale 1":      {runScale(t, data, plantest.Ask("scale=1")), seen},
					"both":         {runBoth(t, data, "1/2", "png", 0), seen.grayed().scaled(half[0], half[1])},
					"both box":     {runBoth(t, data, "12x40!", "png", 0), seen.grayed().scaled(12, 40)},
				} {
					d := decode(t, c.got.data)
					if d.w != c.want.w || d.h != c.want.h || c.got.w != d.w || c.got.h != d.h {
						t.Errorf("%s of %s, orientation %d: %d×%d, said %d×%d, want %d×%d", op, f.name, o, d.w, d.h, c.got.w, c.got.h, c.want.w, c.want.h)
						continue
					}
					most, mean := apart(d.pic, c.want)
					if f.lossy || op == "scale to jpg" {
						// Two decoders, halved chroma; turned the wrong way it is over 30.
						if mean > 8.0/255 {
							t.Errorf("%s of %s %v, orientation %d: off by %.2f of 255 in the mean", op, f.name, size, o, 255*mean)
						}
					} else if most > 2.1/255 {
						t.Errorf("%s of %s %v, orientation %d: off by %.2f of 255", op, f.name, size, o, 255*most)
					}
					p, err := codec.Open(bytes.NewReader(c.got.data), int64(len(c.got.data)), raster.Limits{})
					if err != nil || p.Header().Orientation > 1 {
						t.Errorf("%s of %s, orientation %d: %v, or another turn to be made", op, f.name, o, err)
					}
				}
			}
		}
	}
}

// storedPic is the picture in a file as another decoder reads it, not turned.
func storedPic(t *testing.T, f withMeta, data []byte, size [2]int) pic {
	t.Helper()
	switch {
	case f.format == "webp":
		m, err := webp.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return fromImage(m)
	case f.lossy || f.name == "png palette":
		m, _, err := image.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return fromImage(m)
	}
	return shown(size[0], size[1])
}

func TestColourKeepsItsProfileAndGrayHasNone(t *testing.T) {
	icc := func(data []byte) []byte {
		p, err := codec.Open(bytes.NewReader(data), int64(len(data)), raster.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return p.Header().ICC
	}
	for _, f := range filesWithMeta(t) {
		if !f.profiled {
			continue
		}
		rgb := profile("RGB ")
		data := f.file(inW, inH, 1, rgb)
		for _, out := range []string{"", "jpeg", "png", "bmp", "tiff"} {
			for _, g := range []string{"1/2", "1"} {
				if got := icc(runScale(t, data, plantest.Ask("scale="+g+" format="+out)).data); !bytes.Equal(got, rgb) {
					t.Errorf("scale %s of %s to %q: profile %.150q", g, f.name, out, got)
				}
				if got := icc(runBoth(t, data, g, out, 0).data); got != nil {
					t.Errorf("gray and scale %s of %s to %q: profile %.150q", g, f.name, out, got)
				}
			}
			grayed, _ := runGray(t, data, plantest.Ask("gray format="+out))
			if got := icc(grayed.data); got != nil {
				t.Errorf("gray of %s to %q: profile %.150q", f.name, out, got)
			}
		}
		for _, out := range []string{"gif", "pnm", "pgm", "ppm", "pam"} {
			got := runScale(t, data, plantest.Ask("scale=1/2 format="+out))
			if bytes.Contains(got.data, rgb[130:]) {
				t.Errorf("scale of %s to %s: profile bytes in a format without any", f.name, out)
			}
		}
		// A profile of another space than the samples: left out.
		wrong := f.file(inW, inH, 1, profile("CMYK"))
		if got := icc(runScale(t, wrong, plantest.Ask("scale=1/2")).data); got != nil {
			t.Errorf("scale of %s with a CMYK profile keeps it", f.name)
		}
	}
}

// A gray picture that is only scaled keeps a gray profile, and never one of colour.
func TestGrayProfileOfAGrayPicture(t *testing.T) {
	var buf bytes.Buffer
	if err := stdpng.Encode(&buf, shown(inW, inH).grayed().gray()); err != nil {
		t.Fatal(err)
	}
	for space, kept := range map[string]bool{"GRAY": true, "RGB ": false} {
		icc := profile(space)
		var z bytes.Buffer
		zw := zlib.NewWriter(&z)
		zw.Write(icc)
		zw.Close()
		body := "iCCPname\x00\x00" + z.String()
		chunk := string(binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))) + body + string(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body))))
		data := []byte(buf.String()[:33] + chunk + buf.String()[33:])
		for _, out := range []string{"png", "tiff"} {
			got := runScale(t, data, plantest.Ask("scale=1/2 format="+out))
			p, err := codec.Open(bytes.NewReader(got.data), int64(len(got.data)), raster.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if has := bytes.Equal(p.Header().ICC, icc); has != kept || !kept && p.Header().ICC != nil {
				t.Errorf("a %q profile on gray, to %s: kept %v", space, out, has)
			}
		}
		if got, _ := runGray(t, data, plantest.Ask("gray")); bytes.Contains(got.data, []byte("iCCP")) {
			t.Errorf("gray keeps a %q profile", space)
		}
	}
}
