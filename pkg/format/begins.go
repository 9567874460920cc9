package format

import (
	"bytes"
	"encoding/binary"
)

// The functions of Format.Begins. Some check more than the magic number, where that is
// short: in random bytes two letters are found too often.

// Begins reports whether head is the beginning of a picture of a format in the table, or
// of a file of the ISO base media format, such as HEIC and AVIF.
func Begins(head []byte) bool {
	_, ok := All().find(func(f Format) bool { return f.Begins != nil && f.Begins(head) })
	return ok || at(head, 4, "ftyp")
}

// SOF55 begins a JPEG-LS file, which is not JPEG.
func isJPEG(head []byte) bool {
	return at(head, 0, "\xff\xd8\xff") && !at(head, 0, "\xff\xd8\xff\xf7")
}

func isPNG(head []byte) bool  { return at(head, 0, "\x89PNG\r\n\x1a\n") }
func isGIF(head []byte) bool  { return at(head, 0, "GIF87a") || at(head, 0, "GIF89a") }
func isWebP(head []byte) bool { return at(head, 0, "RIFF") && at(head, 8, "WEBP") }

// isTIFF also knows BigTIFF, which has + for *.
func isTIFF(head []byte) bool {
	for _, magic := range []string{"II*\x00", "MM\x00*", "II+\x00", "MM\x00+"} {
		if at(head, 0, magic) {
			return true
		}
	}
	return false
}

// isBMP also checks the size of the information header, as two letters are little
// proof: BITMAPCOREHEADER has 12 bytes, the headers of OS/2 2 16 to 64, those of
// Windows 40 to 124.
func isBMP(head []byte) bool {
	if !bytes.HasPrefix(head, []byte("BM")) || len(head) < 18 {
		return false
	}
	n := binary.LittleEndian.Uint32(head[14:])
	return n == 12 || n >= 16 && n <= 124
}

// isICO also checks the number of pictures and the offset of the first, as 00 00 01 00
// is little proof.
func isICO(head []byte) bool {
	if !at(head, 0, "\x00\x00\x01\x00") && !at(head, 0, "\x00\x00\x02\x00") || len(head) < 22 {
		return false
	}
	count, offset := binary.LittleEndian.Uint16(head[4:]), binary.LittleEndian.Uint32(head[18:])
	return count > 0 && int64(offset) >= 6+16*int64(count)
}

// isPNM knows P1 to P7, followed by white space or a comment.
func isPNM(head []byte) bool {
	return len(head) >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '7' && (space(head[2]) || head[2] == '#')
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// at reports whether b has s at byte i.
func at(b []byte, i int, s string) bool {
	return len(b) >= i+len(s) && string(b[i:i+len(s)]) == s
}
