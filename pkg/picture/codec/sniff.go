package codec

import (
	"bytes"
	"encoding/binary"
	"io"

	"imgtools/pkg/fault"
	"imgtools/pkg/format"
	"imgtools/pkg/picture/heif"
)

// sniffLen is how much of the beginning is looked at.
const sniffLen = 4096

// Sniff returns the format of the picture in the first size bytes of r, by its
// content alone. HEIC and AVIF are read with a Decoder only (OpenWith). A known format that is not read is refused by its name, with advice
// (Unsupported). Anything else is refused with the list of formats that are read (Format).
func Sniff(r io.ReaderAt, size int64) (string, error) {
	if size == 0 {
		return "", fault.New(fault.Format, "empty: 0 bytes, no picture")
	}
	head := make([]byte, min(size, sniffLen))
	n, err := r.ReadAt(head, 0)
	if n < len(head) && err != io.EOF {
		return "", fault.New(fault.Internal, "read: %w", err)
	}
	head = head[:n]
	if f, ok := readFormat(head); ok {
		if f.Name == format.TIFF {
			if raw := rawTIFF(r); raw != "" {
				return "", refuse(raw, adviceRaw)
			}
		}
		return f.Name, nil
	}
	if brand := heif.Brand(head); brand != "" {
		return heifFormat(r, size, brand), nil
	}
	name, advice := knownFormat(head)
	if name == "" {
		name, advice = notPicture(head)
	}
	if name != "" {
		return "", refuse(name, advice)
	}
	return "", fault.New(fault.Format, "no picture known here; %s are read", format.ReadTitles())
}

// readFormat returns the format that a file with this head is read as.
func readFormat(head []byte) (format.Format, bool) {
	for _, f := range format.All() {
		if f.Read && f.Begins != nil && f.Begins(head) {
			return f, true
		}
	}
	return format.Format{}, false
}

func refuse(name, advice string) error {
	return fault.New(fault.Unsupported, "%s is not read; %s", name, advice)
}

const (
	adviceJXL   = "convert it first: djxl in.jxl out.png"
	adviceJP2   = "convert it first: opj_decompress -i in.jp2 -o out.png"
	adviceSVG   = "draw it first: rsvg-convert -o out.png in.svg"
	advicePDF   = "draw a page first: pdftoppm -png in.pdf out"
	adviceVideo = "take a frame first: ffmpeg -i in -frames:v 1 out.png"
	adviceRaw   = "develop it first: dcraw -T in.raw"
	adviceIM    = "convert it first: magick in out.png"
	adviceZip   = "unpack it first"
)

// magics are the first bytes of formats that are known and not read.
var magics = []struct {
	at                  int
	magic, name, advice string
}{
	{0, "\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL", adviceJXL},
	{0, "\xff\x0a", "JPEG XL", adviceJXL},
	{0, "\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000", adviceJP2},
	{0, "\xff\x4f\xff\x51", "JPEG 2000", adviceJP2},
	{0, "\xff\xd8\xff\xf7", "JPEG-LS", adviceIM},
	{0, "II\xbc\x01", "JPEG XR", adviceIM},
	{0, "%!PS", "PostScript", "draw it first: gs -sDEVICE=png16m -o out.png in.ps"},
	{0, "\xc5\xd0\xd3\xc6", "PostScript", "draw it first: gs -sDEVICE=png16m -o out.png in.eps"},
	{0, "8BPS", "Photoshop PSD", adviceIM},
	{0, "gimp xcf", "GIMP XCF", "convert it first: xcf2png -o out.png in.xcf"},
	{0, "\x00\x00\x02\x00", "Windows cursor or Targa", adviceIM},
	{0, "icns", "Apple icon", adviceIM},
	{0, "\x76\x2f\x31\x01", "OpenEXR", adviceIM},
	{0, "#?RADIANCE", "Radiance HDR", adviceIM},
	{0, "#?RGBE", "Radiance HDR", adviceIM},
	{0, "qoif", "QOI", adviceIM},
	{0, "farbfeld", "farbfeld", "convert it first: ff2png"},
	{0, "SIMPLE  =", "FITS", adviceIM},
	{0, "DDS ", "DDS", adviceIM},
	{0, "SDPX", "DPX", adviceIM},
	{0, "XPDS", "DPX", adviceIM},
	{0, "AT&TFORM", "DjVu", "draw a page first: ddjvu -format=tiff in.djvu out.tif"},
	{0, "PF\n", "PFM", adviceIM},
	{0, "Pf\n", "PFM", adviceIM},
	{0, "/* XPM */", "XPM", adviceIM},
	{0, "BPG\xfb", "BPG", "convert it first: bpgdec -o out.png in.bpg"},
	{0, "\x8aMNG\r\n\x1a\n", "MNG", adviceVideo},
	{0, "\x8bJNG\r\n\x1a\n", "JNG", adviceIM},

	{0, "IIRO", "Olympus ORF (camera raw)", adviceRaw},
	{0, "IIRS", "Olympus ORF (camera raw)", adviceRaw},
	{0, "MMOR", "Olympus ORF (camera raw)", adviceRaw},
	{0, "IIU\x00", "Panasonic RW2 (camera raw)", adviceRaw},
	{0, "FUJIFILMCCD-RAW", "Fujifilm RAF (camera raw)", adviceRaw},
	{0, "FOVb", "Sigma X3F (camera raw)", adviceRaw},
	{0, "\x00MRM", "Minolta MRW (camera raw)", adviceRaw},
	{6, "HEAPCCDR", "Canon CRW (camera raw)", adviceRaw},

	{0, "\x1a\x45\xdf\xa3", "Matroska or WebM video", adviceVideo},
	{0, "FLV\x01", "Flash video", adviceVideo},
	{0, "OggS", "Ogg", adviceVideo},
	{0, "\x00\x00\x01\xba", "MPEG video", adviceVideo},
	{0, "\x00\x00\x01\xb3", "MPEG video", adviceVideo},
	{0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media", adviceVideo},
	{4, "moov", "QuickTime video", adviceVideo},
	{4, "mdat", "QuickTime video", adviceVideo},
	{4, "wide", "QuickTime video", adviceVideo},

	{0, "PK\x03\x04", "a ZIP archive", adviceZip},
	{0, "\x1f\x8b", "gzip", adviceZip},
	{0, "BZh", "bzip2", adviceZip},
	{0, "\xfd7zXZ\x00", "xz", adviceZip},
	{0, "\x28\xb5\x2f\xfd", "zstd", adviceZip},
}

// knownFormat names a format that is known and not read, and says what helps.
func knownFormat(head []byte) (name, advice string) {
	for _, m := range magics {
		if at(head, m.at, m.magic) {
			return m.name, m.advice
		}
	}
	switch {
	case heif.Brand(head) != "": // in base64; itself it is read
		return heif.Brand(head), heif.Advice(heif.Brand(head))
	case at(head, 4, "ftyp"):
		return baseMedia(head)
	case at(head, 0, "RIFF") && at(head, 8, "AVI "):
		return "AVI video", adviceVideo
	case bytes.Contains(head[:min(len(head), 1024)], []byte("%PDF-")):
		return "PDF", advicePDF
	}
	return "", ""
}

// baseMedia names a file of the ISO base media format (ISO/IEC 14496-12, 4.3) that is no
// HEIF by its brands: the major one, then the compatible ones.
func baseMedia(head []byte) (name, advice string) {
	n := min(int(binary.BigEndian.Uint32(head)), len(head))
	for i := 8; i+4 <= n || i == 8; i += 4 {
		if i == 12 { // the minor version
			continue
		}
		if len(head) < i+4 {
			break
		}
		switch string(head[i : i+4]) {
		case "crx ":
			return "Canon CR3 (camera raw)", adviceRaw
		case "jxl ":
			return "JPEG XL", adviceJXL
		case "qt  ":
			return "QuickTime video", adviceVideo
		}
	}
	return "MP4 video", adviceVideo
}

// at reports whether b has s at byte i.
func at(b []byte, i int, s string) bool {
	return len(b) >= i+len(s) && string(b[i:i+len(s)]) == s
}
