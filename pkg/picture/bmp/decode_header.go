package bmp

import (
	"encoding/binary"
	"image/color"
	"io"
	"math/bits"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// Sizes of the headers, in bytes. A file begins with the file header and one picture
// header, whose first field is its size, which differs between versions.
const (
	fileHeader = 14
	coreHeader = 12  // BITMAPCOREHEADER: OS/2 1, Windows 2; see also isOS2
	infoHeader = 40  // BITMAPINFOHEADER: Windows 3
	v2Header   = 52  // adds masks of red, green and blue
	v3Header   = 56  // adds a mask of alpha
	v4Header   = 108 // BITMAPV4HEADER: adds a colour space
	v5Header   = 124 // BITMAPV5HEADER: adds an ICC profile
)

// Values of the field biCompression.
const (
	biRGB            = 0
	biRLE8           = 1
	biRLE4           = 2
	biBitfields      = 3
	biJPEG           = 4
	biPNG            = 5
	biAlphaBitfields = 6

	rle24 = 0x100 | 4 // of OS/2, which has other meanings for 3 and 4
)

// maxICC is the size of the largest profile that is read, in bytes.
const maxICC = 16 << 20

// head is everything before the pixels.
type head struct {
	w, h        int64 // pixels
	topDown     bool  // the first row of the file is the top one
	depth       int   // bits of a pixel: 1, 2, 4, 8, 16, 24, 32
	compression uint32
	masks       [4]uint32 // bits of red, green, blue, alpha in a pixel of 16 or 32 bits; 0: no bits
	pixels      int64     // offset of the pixels in the file
	density     raster.Density
	palette     []color.NRGBA
	icc         []byte
}

// file is the first size bytes of r.
type file struct {
	r    io.ReaderAt
	size int64
}

// at reads len(b) bytes at offset pos. It returns false if the file is shorter.
func (f file) at(b []byte, pos int64) (bool, error) {
	if pos < 0 || pos+int64(len(b)) > f.size {
		return false, nil
	}
	if n, err := f.r.ReadAt(b, pos); n < len(b) {
		return false, fault.New(fault.Internal, "read: %w", err)
	}
	return true, nil
}

// readHead reads the headers, the masks, the palette and the profile. start is the size
// of the file header: 0 in an icon, which has none. What is odd goes to notes.
func (f file) readHead(start int64, notes *raster.NoteList) (*head, error) {
	var b [fileHeader + v5Header]byte
	ok, err := f.at(b[:start+4], 0)
	if err != nil {
		return nil, err
	}
	if !ok || start != 0 && string(b[:2]) != "BM" {
		return nil, fault.New(fault.Format, "BMP: no signature")
	}
	n := int64(binary.LittleEndian.Uint32(b[start:]))
	os2 := isOS2(n)
	switch {
	case os2, n == coreHeader, n == infoHeader, n == v2Header, n == v3Header, n == v4Header, n == v5Header:
	default:
		return nil, fault.New(fault.Unsupported, "BMP: unknown header of %d bytes", n)
	}
	if ok, err = f.at(b[:start+n], 0); !ok {
		if err == nil {
			err = fault.New(fault.Format, "truncated within the header")
		}
		return nil, err
	}
	d := b[start:]
	u16 := func(at int) int64 { return int64(binary.LittleEndian.Uint16(d[at:])) }
	u32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(d[at:])) }
	hd := &head{}
	if start != 0 {
		hd.pixels = int64(binary.LittleEndian.Uint32(b[10:]))
	}
	var planes, used int64
	if n == coreHeader {
		hd.w, hd.h, planes, hd.depth = u16(4), u16(6), u16(8), int(u16(10))
	} else { // fields that a short OS/2 header lacks are 0
		hd.w, hd.h, planes, hd.depth = int64(int32(u32(4))), int64(int32(u32(8))), u16(12), int(u16(14))
		hd.compression, used = uint32(u32(16)), u32(32)
		if hd.h < 0 {
			hd.h, hd.topDown = -hd.h, true
		}
		if x, y := int32(u32(24)), int32(u32(28)); x > 0 && y > 0 {
			hd.density = raster.Density{X: float64(x) / 100, Y: float64(y) / 100, Unit: raster.PerCM}
		}
	}
	if planes != 1 {
		notes.Note("%d planes in the header, want 1", planes)
	}
	switch {
	case hd.compression == rle24:
		return nil, fault.New(fault.Format, "BMP: compression %d", hd.compression)
	case os2 && hd.compression == 4:
		hd.compression = rle24
	}
	if err := hd.checkCompression(os2); err != nil {
		return nil, err
	}
	end := start + n // offset of the next part of the file
	if end, err = f.readMasks(hd, d, n, end); err != nil {
		return nil, err
	}
	if hd.pixels != 0 && hd.pixels < end {
		notes.Note("offset of the pixels %d is within the header", hd.pixels)
		hd.pixels = 0
	}
	if end, err = f.readPalette(hd, end, used, n == coreHeader); err != nil {
		return nil, err
	}
	if hd.pixels == 0 {
		hd.pixels = end
	}
	const embedded = 0x4d424544 // "MBED"
	if n == v5Header && u32(56) == embedded && u32(116) <= maxICC {
		icc := make([]byte, min(u32(116), f.size))
		if ok, err := f.at(icc, start+u32(112)); err != nil {
			return nil, err
		} else if ok {
			hd.icc = icc
		}
	}
	return hd, nil
}

// isOS2 reports whether a header of n bytes is of OS/2 2. Its full size is 64, and it may
// end after any field from the depth on; sizes that Windows uses are taken for Windows.
func isOS2(n int64) bool {
	return n >= 16 && n <= 64 && n%2 == 0 && n != infoHeader && n != v2Header && n != v3Header
}

// checkCompression refuses compression methods that are not read, and those that do
// not fit the depth.
func (hd *head) checkCompression(os2 bool) error {
	depths := map[uint32][]int{
		biRGB: {1, 2, 4, 8, 16, 24, 32}, biRLE8: {8}, biRLE4: {4}, rle24: {24},
		biBitfields: {16, 24, 32}, biAlphaBitfields: {16, 32},
	}[hd.compression]
	switch {
	case os2 && hd.compression == 3:
		return fault.New(fault.Unsupported, "BMP: OS/2 Huffman coding is not read")
	case hd.depth == 64:
		return fault.New(fault.Unsupported, "BMP: 64 bits a pixel are not read")
	case hd.compression == biJPEG:
		return fault.New(fault.Unsupported, "BMP: JPEG data in a BMP are not read")
	case hd.compression == biPNG:
		return fault.New(fault.Unsupported, "BMP: PNG data in a BMP are not read")
	case depths == nil:
		return fault.New(fault.Format, "BMP: compression %d", hd.compression)
	}
	for _, d := range depths {
		if d == hd.depth {
			return nil
		}
	}
	return fault.New(fault.Format, "BMP: %d bits a pixel with compression %d", hd.depth, hd.compression)
}

// runs reports whether the pixels are run lengths.
func (hd *head) runs() bool {
	return hd.compression == biRLE8 || hd.compression == biRLE4 || hd.compression == rle24
}

// readMasks sets the masks for 16 and 32 bits a pixel. With 24 bits only the usual masks
// are read, as other ones have never been seen. Masks are fields of a header of
// 52 bytes or more and follow one of 40 bytes; without BI_BITFIELDS they have
// default values. pos is the offset after the header; readMasks returns the offset of
// the palette.
func (f file) readMasks(hd *head, d []byte, n, pos int64) (int64, error) {
	if hd.depth != 16 && hd.depth != 32 && hd.compression != biBitfields {
		return pos, nil
	}
	hd.masks = [4]uint32{0xff0000, 0xff00, 0xff}
	if hd.depth == 16 {
		hd.masks = [4]uint32{0x7c00, 0x3e0, 0x1f}
	}
	m := d[40:56] // the fields of headers of 52 bytes and more
	switch {
	case hd.compression == biRGB:
		if hd.depth == 32 && n >= v3Header && !isOS2(n) && binary.LittleEndian.Uint32(m[12:]) == 0xff000000 {
			hd.masks[3] = 0xff000000
		}
		return pos, nil
	case n == infoHeader:
		m = make([]byte, 16)
		k := int64(12)
		if hd.compression == biAlphaBitfields {
			k = 16
		}
		ok, err := f.at(m[:k], pos)
		if err != nil {
			return 0, err
		}
		if !ok {
			return 0, fault.New(fault.Format, "truncated within the masks")
		}
		pos += k
	case n == v2Header:
		m = append(m[:12:12], 0, 0, 0, 0)
	}
	all := uint32(0)
	for i := range hd.masks {
		k := binary.LittleEndian.Uint32(m[4*i:])
		run := k >> bits.TrailingZeros32(k) // must be 2^n-1: the ones of a mask are adjacent
		if k != 0 && run&(run+1) != 0 || all&k != 0 || hd.depth == 16 && k > 0xffff {
			return 0, fault.New(fault.Format, "BMP: mask %#x", k)
		}
		all |= k
		hd.masks[i] = k
	}
	if hd.depth == 24 {
		if [3]uint32(hd.masks[:3]) != [3]uint32{0xff0000, 0xff00, 0xff} {
			return 0, fault.New(fault.Unsupported, "BMP: masks %#x with 24 bits a pixel are not read", hd.masks[:3])
		}
		hd.masks[3] = 0
	}
	return pos, nil
}

// readPalette reads the colours for 8 bits a pixel or less, at offset pos. A colour is
// blue, green, red and an unused byte, which a core header lacks. used is the number
// of colours in the header, 0 for all. It returns the offset after the palette.
func (f file) readPalette(hd *head, pos, used int64, core bool) (int64, error) {
	if hd.depth > 8 {
		return pos, nil // a palette would only suggest colours to the screen
	}
	each := int64(4)
	if core {
		each = 3
	}
	n := int64(1) << hd.depth
	if used > 0 && used < n {
		n = used
	}
	if hd.pixels != 0 {
		n = min(n, (hd.pixels-pos)/each)
	}
	if n < 1 {
		return 0, fault.New(fault.Format, "BMP: no palette")
	}
	b := make([]byte, n*each)
	if ok, err := f.at(b, pos); !ok {
		if err == nil {
			err = fault.New(fault.Format, "truncated within the palette")
		}
		return 0, err
	}
	for i := range n {
		c := b[i*each:]
		hd.palette = append(hd.palette, color.NRGBA{c[2], c[1], c[0], 255})
	}
	return pos + n*each, nil
}
