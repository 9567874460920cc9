// Package pnm reads and writes the formats of netpbm, row by row. Its sources are
// netpbm's pages pbm(5), pgm(5), ppm(5) and pam(5). A file is a header of text, which
// begins with "P" and a digit, and then samples of 0 to maxval:
//
//	P1 P2 P3  plain PBM, PGM, PPM: samples are decimal numbers
//	P4        raw PBM: 8 pixels in a byte, 1 is black
//	P5 P6     raw PGM, PPM: a byte a sample, or two, big-endian, if maxval is over 255
//	P7        PAM: raw, 1 to 4 samples a pixel, with alpha if TUPLTYPE says so
//
// decode_header.go reads headers, decode.go samples, encode.go writes. Samples are
// scaled from maxval to 255 or 65535. A file may have several pictures, one after
// another; the first is read and the others are ignored, as in most netpbm tools.
package pnm

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// header is the header of a file.
type header struct {
	magic  byte // '1' to '7'
	w, h   int64
	maxval int // 1 for PBM
	layout raster.Layout
	note   string // what is odd about the header; "": nothing
}

// maxLine is the length of the longest line of a PAM header, in bytes.
const maxLine = 4096

// readHeader reads everything up to the first sample.
func readHeader(b *bufio.Reader) (header, error) {
	var m [2]byte
	if _, err := io.ReadFull(b, m[:]); err != nil {
		return header{}, readError(err, "PNM: no magic number")
	}
	if m[0] != 'P' || m[1] < '1' || m[1] > '7' {
		return header{}, fault.New(fault.Format, "PNM: unknown magic number %q", m[:])
	}
	hd := header{magic: m[1], maxval: 1, layout: raster.Gray}
	if hd.magic == '7' {
		return readPAMHeader(b, hd)
	}
	if hd.magic == '3' || hd.magic == '6' {
		hd.layout = raster.RGB
	}
	var err error
	if hd.w, err = number(b, "width"); err != nil {
		return hd, err
	}
	if hd.h, err = number(b, "height"); err != nil {
		return hd, err
	}
	if hd.magic != '1' && hd.magic != '4' {
		v, err := number(b, "maxval")
		if err != nil {
			return hd, err
		}
		if hd.maxval, err = checkMaxval(v); err != nil {
			return hd, err
		}
	}
	return hd, nil
}

func checkMaxval(v int64) (int, error) {
	if v < 1 || v > 65535 {
		return 0, fault.New(fault.Format, "PNM: maxval %d, want 1 to 65535", v)
	}
	return int(v), nil
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// number skips white space and comments, then reads a decimal number and the one white
// space or comment after it. Larger numbers become 1e12, which every check of a size
// refuses.
func number(b *bufio.Reader, what string) (int64, error) {
	var v int64
	digits := 0
	for {
		c, err := headerByte(b)
		switch {
		case err != nil:
			return 0, readError(err, "PNM: header ends before the %s", what)
		case c >= '0' && c <= '9':
			v = min(v*10+int64(c-'0'), 1e12)
			digits++
		case isSpace(c) && digits > 0:
			return v, nil
		case !isSpace(c):
			return 0, fault.New(fault.Format, "PNM: %s: byte %q is not a digit", what, c)
		}
	}
}

// headerByte reads one byte. It skips a comment, which is # and the rest of the line,
// and returns the end of the line instead.
func headerByte(b *bufio.Reader) (byte, error) {
	c, err := b.ReadByte()
	if err != nil || c != '#' {
		return c, err
	}
	for c != '\n' && c != '\r' && err == nil {
		c, err = b.ReadByte()
	}
	return c, err
}

// readError returns the error for a header that could not be read: of kind Format
// with the given text at the end of the file, else of kind Internal.
func readError(err error, format string, args ...any) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fault.New(fault.Format, format, args...)
	}
	return fault.New(fault.Internal, "read: %w", err)
}

// readPAMHeader reads the lines of a PAM header, after "P7", up to ENDHDR.
func readPAMHeader(b *bufio.Reader, hd header) (header, error) {
	var depth, maxval int64
	var tuple []string
	seen := map[string]bool{}
	for first := true; ; first = false {
		line, err := readLine(b)
		if err != nil {
			return hd, err
		}
		line = strings.TrimSpace(line)
		switch {
		case first && line == "332":
			return hd, fault.New(fault.Unsupported, "PNM: thumbnail of xv (P7 332) is not read")
		case first && line != "":
			return hd, fault.New(fault.Format, "PAM: %q after P7", line)
		case line == "" || line[0] == '#':
			continue
		}
		key := strings.Fields(line)[0]
		value := strings.TrimSpace(line[len(key):])
		if key == "ENDHDR" {
			break
		}
		if key == "TUPLTYPE" {
			if len(tuple) == 16 {
				return hd, fault.New(fault.Format, "PAM: more than 16 TUPLTYPE lines")
			}
			tuple = append(tuple, value)
			continue
		}
		at := map[string]*int64{"WIDTH": &hd.w, "HEIGHT": &hd.h, "DEPTH": &depth, "MAXVAL": &maxval}[key]
		if at == nil || seen[key] {
			return hd, fault.New(fault.Format, "PAM: unknown or repeated header line %q", key)
		}
		seen[key] = true
		v, err := strconv.ParseUint(value, 10, 40)
		if err != nil {
			return hd, fault.New(fault.Format, "PAM: %s %q is not a number", key, value)
		}
		*at = int64(v)
	}
	if len(seen) < 4 {
		return hd, fault.New(fault.Format, "PAM: the header lacks one of WIDTH, HEIGHT, DEPTH, MAXVAL")
	}
	var err error
	if hd.maxval, err = checkMaxval(maxval); err != nil {
		return hd, err
	}
	err = hd.setLayout(depth, strings.Join(tuple, " "))
	return hd, err
}

// tupleSamples are the samples of a pixel of each tuple type. Inks are refused, as no
// other reading of their samples is right.
var tupleSamples = map[string]int64{
	"BLACKANDWHITE": 1, "GRAYSCALE": 1, "BLACKANDWHITE_ALPHA": 2, "GRAYSCALE_ALPHA": 2, "RGB": 3, "RGB_ALPHA": 4,
	"CMYK": 0, "CMYK_ALPHA": 0,
}

// setLayout sets the layout for a depth, which is the number of samples of a pixel, and a
// tuple type. Without a tuple type, or with one that is not known, the depth decides, as
// in netpbm.
func (hd *header) setLayout(depth int64, tuple string) error {
	want, known := tupleSamples[strings.ToUpper(tuple)]
	switch {
	case known && want == 0:
		return fault.New(fault.Unsupported, "PAM: tuple type %q is not read", tuple)
	case known && depth != want:
		return fault.New(fault.Format, "PAM: tuple type %s with depth %d", tuple, depth)
	case depth < 1 || depth > 4:
		return fault.New(fault.Unsupported, "PAM: depth %d with tuple type %q", depth, tuple)
	}
	hd.layout = [...]raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA}[depth-1]
	if !known && tuple != "" {
		hd.note = fmt.Sprintf("unknown tuple type %q read as %v", tuple, hd.layout)
	}
	return nil
}

// readLine reads a line of at most maxLine bytes and returns it without its end.
func readLine(b *bufio.Reader) (string, error) {
	line, err := b.ReadSlice('\n')
	if err == bufio.ErrBufferFull || len(line) > maxLine {
		return "", fault.New(fault.Format, "PAM: header line over %d bytes", maxLine)
	}
	if err != nil {
		return "", readError(err, "PAM: header ends before ENDHDR")
	}
	return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
}
