// Package pnm reads and writes the netpbm formats by rows: PBM, PGM and PPM,
// plain (P1 to P3) and raw (P4 to P6), and PAM (P7), as in netpbm's pages
// pbm(5), pgm(5), ppm(5) and pam(5).
//
// A stream may hold several pictures one after another; the first is read and
// the rest ignored, as most of netpbm's own tools do.
package pnm

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// header is what stands before the samples.
type header struct {
	magic  byte // '1' to '7'
	w, h   int64
	maxval int // 1 for PBM
	layout raster.Layout
}

// maxLine bounds a line of a PAM header.
const maxLine = 4096

// readHeader reads everything up to the first sample.
func readHeader(b *bufio.Reader) (header, error) {
	var m [2]byte
	if _, err := io.ReadFull(b, m[:]); err != nil {
		return header{}, readError(err, "PNM: no magic number")
	}
	if m[0] != 'P' || m[1] < '1' || m[1] > '7' {
		return header{}, fault.New(fault.Format, "no PNM: magic number %q", m[:])
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
		return 0, fault.New(fault.Format, "PNM maxval %d is not within 1 and 65535", v)
	}
	return int(v), nil
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// number reads white space, comments, a decimal number, and the one white space
// (or the comment) after it. A number beyond 1e12 stays there: no size is that big.
func number(b *bufio.Reader, what string) (int64, error) {
	var v int64
	digits := 0
	for {
		c, err := headerByte(b)
		switch {
		case err != nil:
			return 0, readError(err, "PNM header ends before the %s", what)
		case c >= '0' && c <= '9':
			v = min(v*10+int64(c-'0'), 1e12)
			digits++
		case isSpace(c) && digits > 0:
			return v, nil
		case !isSpace(c):
			return 0, fault.New(fault.Format, "PNM %s: byte %q is not a digit", what, c)
		}
	}
}

// headerByte reads one byte; a comment, from # to the end of its line, reads as
// that line's end.
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

// readError is the error for a header or row that could not be read: an end of
// the input is the picture's fault, anything else the machine's.
func readError(err error, format string, args ...any) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fault.New(fault.Format, format, args...)
	}
	return fault.New(fault.Internal, "read: %w", err)
}

func readPAMHeader(b *bufio.Reader, hd header) (header, error) {
	var depth, maxval int64
	var tuple []string
	seen := map[string]bool{}
	for first := true; ; first = false {
		line, err := readLine(b)
		if err != nil {
			return hd, err
		}
		if first && line != "" {
			return hd, fault.New(fault.Format, "PAM: %q after P7", line)
		}
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		value = strings.TrimSpace(value)
		if key == "" || key[0] == '#' {
			continue
		}
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
			return hd, fault.New(fault.Format, "PAM: header line %q is unknown or repeated", key)
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
	hd.layout, err = pamLayout(depth, strings.Join(tuple, " "))
	return hd, err
}

// pamLayout finds the layout for a depth and tuple type; without a tuple type
// the depth alone decides, as netpbm's tools do it.
func pamLayout(depth int64, tuple string) (raster.Layout, error) {
	layouts := []raster.Layout{raster.Gray, raster.GrayA, raster.RGB, raster.RGBA}
	if tuple == "" {
		if depth < 1 || depth > 4 {
			return 0, fault.New(fault.Unsupported, "PAM of depth %d without a tuple type", depth)
		}
		return layouts[depth-1], nil
	}
	want := map[string]int64{
		"BLACKANDWHITE": 1, "GRAYSCALE": 1, "BLACKANDWHITE_ALPHA": 2, "GRAYSCALE_ALPHA": 2, "RGB": 3, "RGB_ALPHA": 4,
	}[tuple]
	if want == 0 {
		return 0, fault.New(fault.Unsupported, "PAM tuple type %q is not read", tuple)
	}
	if depth != want {
		return 0, fault.New(fault.Format, "PAM tuple type %s with depth %d", tuple, depth)
	}
	return layouts[want-1], nil
}

// readLine reads a line of at most maxLine bytes, without its end.
func readLine(b *bufio.Reader) (string, error) {
	line, err := b.ReadSlice('\n')
	if err == bufio.ErrBufferFull || len(line) > maxLine {
		return "", fault.New(fault.Format, "PAM: header line over %d bytes", maxLine)
	}
	if err != nil {
		return "", readError(err, "PAM header ends before ENDHDR")
	}
	return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
}
