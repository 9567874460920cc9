package codec

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/picture/raster"
	"imgtools/pkg/picture/raster/rastertest"
)

func sniff(data string) (string, error) {
	return Sniff(strings.NewReader(data), int64(len(data)))
}

func TestSniffsWhatIsRead(t *testing.T) {
	for data, want := range map[string]string{
		"\xff\xd8\xff\xe0\x00\x10JFIF": format.JPEG,
		"\xff\xd8\xff\xdb":             format.JPEG,
		"\x89PNG\r\n\x1a\n":            format.PNG,
		"GIF87a":                       format.GIF,
		"GIF89a":                       format.GIF,
		"RIFF\x10\x00\x00\x00WEBPVP8 ": format.WebP,
		"BM" + strings.Repeat("\x00", 12) + "\x28\x00\x00\x00":                       format.BMP,
		"BM" + strings.Repeat("\x00", 12) + "\x0c\x00\x00\x00":                       format.BMP,
		"\x00\x00\x01\x00\x01\x00" + strings.Repeat("\x00", 12) + "\x16\x00\x00\x00": format.ICO,
		"\x00\x00\x02\x00\x02\x00" + strings.Repeat("\x00", 12) + "\x26\x00\x00\x00": format.ICO,
		"II*\x00\x08\x00\x00\x00":    format.TIFF,
		"MM\x00*\x00\x00\x00\x08":    format.TIFF,
		"P1\n1 1\n0":                 format.PNM,
		"P4 1 1 \x00":                format.PNM,
		"P5#a comment\n":             format.PNM,
		"P6\n":                       format.PNM,
		"P7\nWIDTH 1\n":              format.PNM,
		ftyp("heic", "mif1", "heic"): format.HEIC,
		ftyp("mif1", "heix"):         format.HEIC,
		ftyp("mif1", "miaf"):         format.HEIC,
		ftyp("avif", "mif1", "miaf"): format.AVIF,
		ftyp("mif1", "avif"):         format.AVIF,
	} {
		if got, err := sniff(data); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", data, got, err, want)
		}
	}
}

// ftyp is the beginning of an ISO base media file.
func ftyp(brands ...string) string {
	b := strings.Join(append([]string{brands[0], "\x00\x00\x00\x00"}, brands[1:]...), "")
	return string(binary.BigEndian.AppendUint32(nil, uint32(8+len(b)))) + "ftyp" + b + "\x00\x00\x01\x00meta"
}

func TestNamesWhatIsKnownAndNotRead(t *testing.T) {
	for _, c := range []struct{ data, part string }{
		{ftyp("crx ", "crx ", "isom"), "Canon CR3 (camera raw)"},
		{ftyp("isom", "avc1"), "MP4 video is not read; take a frame first: ffmpeg"},
		{ftyp("qt  "), "QuickTime"},
		{"\x00\x00\x00\x14ftyp", "MP4 video"},
		{"\x00\x00\x00\x0cJXL \r\n\x87\n\x00", "JPEG XL is not read; convert it first: djxl"},
		{"\xff\x0a\xfa\x7f", "JPEG XL"},
		{"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"},
		{"\xff\xd8\xff\xf7\x00\x0b", "JPEG-LS"},
		{"<svg xmlns='http://www.w3.org/2000/svg'>", "SVG is not read; draw it first: rsvg-convert"},
		{"\ufeff<?xml version='1.0'?>\n<!-- a > comment -->\n<!DOCTYPE svg PUBLIC>", "SVG"},
		{"<?xml version='1.0'?><!--x--><svg>", "SVG"},
		{"<?xml version='1.0'?><svg:svg xmlns:svg='x'>", "SVG"},
		{"%PDF-1.7\n", "PDF is not read; draw a page first: pdftoppm"},
		{"junk\n%PDF-1.4", "PDF"},
		{"%!PS-Adobe-3.0", "PostScript"},
		{"\x1a\x45\xdf\xa3\x01", "Matroska"},
		{"RIFF\x10\x00\x00\x00AVI LIST", "AVI video"},
		{"\x00\x00\x01\xba", "MPEG video"},
		{"\x00\x00\x00\x08wide\x00\x00", "QuickTime"},
		{"8BPS\x00\x01", "Photoshop"},
		{"icns\x00\x00", "Apple icon"},
		{"IIRO\x08\x00\x00\x00", "Olympus ORF (camera raw) is not read; develop it first"},
		{"IIU\x00\x08\x00\x00\x00", "Panasonic RW2"},
		{"FUJIFILMCCD-RAW 0201", "Fujifilm RAF"},
		{"II\x1a\x00\x00\x00HEAPCCDR", "Canon CRW"},
		{"II*\x00\x10\x00\x00\x00CR\x02\x00", "Canon CR2 (camera raw)"},
		{"\x1f\x8b\x08\x00", "gzip"},
		{"PK\x03\x04", "ZIP"},
	} {
		got, err := sniff(c.data)
		if err == nil || fault.Of(err) != fault.Unsupported || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%q: %q, %v; want unsupported %q", c.data, got, err, c.part)
		}
	}
}

// What is sent in place of a picture is named, with the way to send the picture.
func TestNamesWhatIsNoPicture(t *testing.T) {
	png := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + strings.Repeat("pixels", 1000)
	encoded := base64.StdEncoding.EncodeToString([]byte(png))
	lines := regexp.MustCompile(".{76}").ReplaceAllString(encoded, "$0\r\n")
	const send = "; send the picture's file itself: curl -T FILE"
	for _, c := range []struct{ name, data, want string }{
		{"base64", encoded, "base64 text of PNG is not read; decode it first: base64 -d"},
		{"base64 in lines", "\n" + lines + "\n", "base64 text of PNG is not read"},
		{"base64 for URLs", base64.URLEncoding.EncodeToString([]byte("\xff\xd8\xff\xfe~~~???")), "base64 text of JPEG is not read"},
		{"short base64", base64.StdEncoding.EncodeToString([]byte("GIF89a\x01")), "base64 text of GIF is not read"},
		{"base64 of HEIC", base64.StdEncoding.EncodeToString([]byte(ftyp("heic", "mif1"))), "base64 text of HEIC is not read"},
		{"base64 as a JSON string", `"` + encoded + `"`, "JSON is not read" + send},
		{"data URL", "data:image/png;base64," + encoded, "a data URL is not read; decode what follows its comma"},
		{"data URL in capitals", " DATA:,x", "a data URL is not read"},
		{"JSON object", "{\n  \"error\": 404}", "JSON is not read" + send},
		{"JSON array", `[{"image": "` + encoded + `"}]`, "JSON is not read"},
		{"empty JSON", "{ }", "JSON is not read"},
		{"HTML", "<!DOCTYPE html>\n<title>404", "HTML is not read; it may be a server's error page"},
		{"HTML in capitals", "\r\n<HTML><BODY>", "HTML is not read"},
		{"HTML with a picture in it", "<html><svg>", "HTML is not read"},
		{"HTML without html", "<h1>Not found</h1>", "HTML is not read"},
		{"XHTML", "<?xml version='1.0'?><!DOCTYPE html PUBLIC ''><html>", "HTML is not read"},
		{"XML", "\ufeff<?xml version='1.0'?>\n<Error><Code>NoSuchKey", "XML is not read" + send},
		{"XML without a declaration", "<a:b><svg:svg>", "XML is not read"},
		{"a comment", "<!-- never ends", "XML is not read"},
		{"AppleDouble", "\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X", "AppleDouble is not read; it has only a Mac's metadata"},
		{"Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a Git LFS pointer is not read; fetch the picture first: git lfs pull"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := sniff(c.data)
			if err == nil || fault.Of(err) != fault.Unsupported || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%q, %v; want unsupported %q", got, err, c.want)
			}
		})
	}
}

func TestRefusesWhatIsNoPicture(t *testing.T) {
	for _, data := range []string{"", "P", "P9\n1 1\n", "P5x", "BM", "BMW drivers club", "GIF88a", "hello, world\n", "iVBOR is how it begins", "a < b", "< b>", "{a}", "[", "aGVsbG8sIHdvcmxkCg==",
		"version 1.2", "database: 1", "RIFF\x10\x00\x00\x00WAVE", "\xff\xd8", "\x00", strings.Repeat("\x00", 5000), "II*"} {
		got, err := sniff(data)
		if err == nil || fault.Of(err) != fault.Format {
			t.Errorf("%.20q: %q, %v", data, got, err)
			continue
		}
		if want := format.ReadTitles(); data != "" && !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v does not list what is read", data, err)
		}
		if data == "" && !strings.Contains(err.Error(), "0 bytes") {
			t.Errorf("empty: %v", err)
		}
	}
}

// tiffFile builds a TIFF of directories: each an offset-free list of entries
// (tag, type, count, value); sub lists which directory's offset goes in as 330.
type entry struct {
	tag, kind uint16
	count     uint32
	value     any // uint32, string, or dirs(…) of further directories
}
type dirs []int

func tiffFile(order binary.AppendByteOrder, list ...[]entry) string {
	head := "II*\x00"
	if order == binary.AppendByteOrder(binary.BigEndian) {
		head = "MM\x00*"
	}
	// Directories first, of known sizes, then texts.
	at := make([]uint32, len(list))
	pos := uint32(8)
	for i, d := range list {
		at[i] = pos
		pos += uint32(2 + 12*len(d) + 4)
	}
	out := order.AppendUint32([]byte(head), at[0])
	var tail []byte
	for _, d := range list {
		out = order.AppendUint16(out, uint16(len(d)))
		for _, e := range d {
			out = order.AppendUint16(out, e.tag)
			out = order.AppendUint16(out, e.kind)
			out = order.AppendUint32(out, e.count)
			switch v := e.value.(type) {
			case int:
				if e.kind == 3 {
					out = order.AppendUint16(order.AppendUint16(out, uint16(v)), 0)
				} else {
					out = order.AppendUint32(out, uint32(v))
				}
			case string:
				out = order.AppendUint32(out, pos+uint32(len(tail)))
				tail = append(tail, v...)
			case dirs:
				if len(v) == 1 {
					out = order.AppendUint32(out, at[v[0]])
					break
				}
				out = order.AppendUint32(out, pos+uint32(len(tail)))
				for _, i := range v {
					tail = order.AppendUint32(tail, at[i])
				}
			}
		}
		out = order.AppendUint32(out, 0)
	}
	return string(append(out, tail...))
}

func TestRawFilesInTIFFAreNamed(t *testing.T) {
	maker := func(s string) entry { return entry{271, 2, uint32(len(s)), s} }
	thumb := entry{254, 4, 1, 1}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, c := range []struct {
			file []string
			want string
		}{
			{[]string{tiffFile(order, []entry{thumb, maker("NIKON CORPORATION\x00"), {330, 4, 2, dirs{1, 2}}},
				[]entry{{259, 3, 1, 6}}, []entry{{259, 3, 1, 34713}, {262, 3, 1, 32803}})}, "Nikon NEF"},
			{[]string{tiffFile(order, []entry{thumb, {259, 3, 1, 6}, maker("SONY\x00\x00"), {330, 4, 1, dirs{1}}},
				[]entry{{259, 3, 1, 32767}, {262, 3, 1, 32803}})}, "Sony ARW"},
			{[]string{tiffFile(order, []entry{thumb, maker("Google\x00"), {330, 4, 1, dirs{1}}, {50706, 1, 4, 0x01040000}}, []entry{{262, 3, 1, 34892}})}, "DNG (camera raw)"},
			{[]string{tiffFile(order, []entry{{259, 3, 1, 65535}, maker("PENTAX Corporation\x00")})}, "Pentax PEF"},
			{[]string{tiffFile(order, []entry{{262, 3, 1, 32803}, maker("Unheard of\x00")})}, "camera raw is not read"},
			{[]string{tiffFile(order, []entry{{262, 3, 1, 32803}})}, "camera raw is not read"},
		} {
			for _, f := range c.file {
				_, err := sniff(f)
				if err == nil || fault.Of(err) != fault.Unsupported || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v: %v, want %s", order, err, c.want)
				}
			}
		}
		// An ordinary scan by a camera maker, pages with their thumbnails in SubIFDs.
		plain := tiffFile(order, []entry{{254, 4, 1, 0}, {259, 3, 1, 1}, {262, 3, 1, 2}, maker("NIKON CORPORATION\x00"), {330, 4, 1, dirs{1}}}, []entry{thumb, {262, 3, 1, 6}})
		if f, err := sniff(plain); f != format.TIFF || err != nil {
			t.Errorf("ordinary TIFF: %q, %v", f, err)
		}
		// Directories that are their own sub-directories, and offsets to nowhere.
		for _, f := range []string{
			tiffFile(order, []entry{{330, 4, 2, dirs{0, 0}}}),
			tiffFile(order, []entry{{330, 4, 1 << 30, 0x7fffffff}, {271, 2, 1 << 31, 0x7ffffff0}}),
		} {
			if got, err := sniff(f); got != format.TIFF || err != nil {
				t.Errorf("damaged TIFF: %q, %v", got, err)
			}
		}
	}
}

func TestOutputFormat(t *testing.T) {
	for _, c := range []struct {
		in       string
		lossless bool
		layout   raster.Layout
		asked    string
		want     string
	}{
		{format.JPEG, false, raster.YCbCr, "", format.JPEG},
		{format.PNM, true, raster.RGB, "", format.PNM},
		{format.GIF, true, raster.Indexed, format.PNG, format.PNG},
		{format.WebP, false, raster.YCbCr, "", format.WebP},
		{format.WebP, true, raster.RGB, "", format.WebP},
		{format.WebP, true, raster.RGB, format.JPEG, format.JPEG},
		{format.ICO, false, raster.RGB, "", format.JPEG},
		{format.ICO, false, raster.RGBA, "", format.PNG},
		{format.ICO, true, raster.RGB, "", format.PNG},
		{format.WebP, true, raster.RGB, "auto", format.JPEG},
		{format.GIF, true, raster.RGBA, "auto", format.PNG},
	} {
		p := &Picture{Format: c.in, Lossless: c.lossless, Reader: stub{raster.NewHeader(1, 1, c.layout, 8)}}
		if got := OutputFormat(p, c.asked); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

type stub struct{ h *raster.Header }

func (s stub) Notes() []string                       { return nil }
func (s stub) Header() *raster.Header                { return s.h }
func (s stub) Rows(raster.Hint) (raster.Rows, error) { panic("not called") }

func FuzzOpen(f *testing.F) {
	f.Add([]byte(ftyp("heic")))
	f.Add([]byte(tiffFile(binary.LittleEndian, []entry{{330, 4, 2, dirs{0, 0}}, {271, 2, 5, "SONY\x00"}})))
	f.Add([]byte("<?xml?><svg"))
	f.Add([]byte("P5 1 1 255\nx"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Open(bytes.NewReader(data), int64(len(data)), raster.Limits{Pixels: 1 << 16, Mem: 16 << 20})
		if err != nil {
			if fault.Of(err) == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		h := p.Header()
		if h.FullW < 1 || h.FullH < 1 || int64(h.FullW)*int64(h.FullH) > 1<<16 {
			t.Fatalf("%s of %d×%d passes the limit", p.Format, h.FullW, h.FullH)
		}
	})
}

// TestAddedFormatIsReadAndWritten: a row in the table of formats and one in coders are
// all that a format needs here.
func TestAddedFormatIsReadAndWritten(t *testing.T) {
	defer format.Set(append(slices.Clone(format.All()), format.Format{Name: "fake", Title: "Fake", Exts: []string{"fak"},
		Media: "image/x-fake", Read: true, Write: true, Quality: 40, Begins: func(head []byte) bool { return at(head, 0, "FAKE") }}))()
	coders["fake"] = coder{
		open: func(io.ReaderAt, int64, raster.Limits) (raster.Reader, error) {
			return stub{raster.NewHeader(3, 2, raster.Gray, 8)}, nil
		},
		fit: func(rows raster.Rows) raster.Rows { return rows },
		encode: func(w io.Writer, rows raster.Rows, o Options) error {
			_, err := fmt.Fprintf(w, "FAKE %d", o.Quality)
			return err
		},
	}
	defer delete(coders, "fake")
	p, err := Open(strings.NewReader("FAKE 1"), 6, raster.Limits{})
	if err != nil || p.Format != "fake" || p.Header().W() != 3 {
		t.Fatalf("%+v, %v", p, err)
	}
	var out bytes.Buffer
	rows := &rastertest.Picture[uint8]{H: raster.NewHeader(3, 2, raster.Gray, 8), S: make([]uint8, 6), Band: 1}
	if written, err := Encode(&out, rows, "fake", Options{}); err != nil || written != "fake" || out.String() != "FAKE 40" {
		t.Errorf("wrote %s, %q, %v", written, out.String(), err)
	}
	if _, err := sniff("nothing known"); err == nil || !strings.Contains(err.Error(), "Fake") {
		t.Errorf("the message for unknown files: %v", err)
	}
}
