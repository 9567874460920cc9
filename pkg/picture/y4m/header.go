package y4m

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/picture/raster"
)

// maxLine is the number of bytes in which both lines of text must end. Those that
// programs write have less than 100.
const maxLine = 512

// header is what the lines of text say.
type header struct {
	w, h   int
	depth  int // 8, 10, 12
	chroma chroma
	alpha  bool
	colour string // value of XCOLORRANGE, or ""
}

// chroma is how Cb and Cr are subsampled.
type chroma uint8

const (
	mono chroma = iota // there are none
	c420
	c422
	c444
)

func (c chroma) String() string { return [...]string{"4:0:0", "4:2:0", "4:2:2", "4:4:4"}[c] }

// across and down return how many pixels share a sample, to the right and downwards.
func (c chroma) across() int { return [...]int{1, 2, 2, 1}[c] }
func (c chroma) down() int   { return [...]int{1, 2, 1, 1}[c] }

// planes returns the number of planes.
func (f *header) planes() int {
	n := 3
	if f.chroma == mono {
		n = 1
	}
	if f.alpha {
		n++
	}
	return n
}

// bytes returns the bytes of a sample.
func (f *header) bytes() int {
	if f.depth > 8 {
		return 2
	}
	return 1
}

// limited reports whether samples use the range of video. usual holds if the file
// does not say.
func (f *header) limited(usual bool) bool {
	switch f.colour {
	case "FULL":
		return false
	case "LIMITED":
		return true
	}
	return usual
}

// readHeader reads the line of the file and that of the frame. start is the byte at which
// the samples begin.
func readHeader(in io.ReaderAt, size int64, lim raster.Limits) (f header, start int64, err error) {
	b := make([]byte, min(size, maxLine))
	n, err := in.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return f, 0, err
	}
	line, rest, ok := bytes.Cut(b[:n], []byte("\n"))
	words := strings.Split(string(line), " ")
	if !ok || words[0] != "YUV4MPEG2" {
		return f, 0, fault.New(fault.Format, "not YUV4MPEG2")
	}
	frame, samples, ok := bytes.Cut(rest, []byte("\n"))
	if !ok || string(frame) != "FRAME" && !bytes.HasPrefix(frame, []byte("FRAME ")) {
		return f, 0, fault.New(fault.Format, "YUV4MPEG2 without a frame")
	}
	coding := "420"
	for _, word := range words[1:] {
		switch key, value := word[:min(1, len(word))], word[min(1, len(word)):]; key {
		case "W":
			f.w, err = side(value)
		case "H":
			f.h, err = side(value)
		case "C":
			coding = value
		case "X":
			if v, ok := strings.CutPrefix(value, "COLORRANGE="); ok {
				f.colour = v
			}
		}
		if err != nil {
			return f, 0, err
		}
	}
	if err := lim.CheckSize(int64(f.w), int64(f.h), 1); err != nil {
		return f, 0, err
	}
	return f, int64(n - len(samples)), f.coding(coding)
}

// side reads a width or height.
func side(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return 0, fault.New(fault.Format, "YUV4MPEG2 with a side of %s pixels", fault.Quote(s))
	}
	return int(n), nil
}

// coding reads the value of C: the subsampling, then where chroma lies or how many bits
// a sample has. Chroma of 420mpeg2 and 420paldv lies a quarter of its samples
// from that of 420jpeg. That is not looked at: it is taken as centred.
func (f *header) coding(s string) error {
	f.depth = 8
	rest := ""
	for _, c := range []struct {
		name   string
		chroma chroma
	}{{"420", c420}, {"422", c422}, {"444", c444}, {"mono", mono}} {
		if v, ok := strings.CutPrefix(s, c.name); ok {
			f.chroma, rest = c.chroma, v
			switch {
			case v == "", c.chroma == c420 && (v == "jpeg" || v == "mpeg2" || v == "paldv"):
				return nil
			case c.chroma == c444 && v == "alpha":
				f.alpha = true
				return nil
			}
			break
		}
	}
	if f.chroma != mono {
		rest = strings.TrimPrefix(rest, "p")
	}
	switch rest {
	case "10":
		f.depth = 10
	case "12":
		f.depth = 12
	default:
		return fault.New(fault.Unsupported, "YUV4MPEG2 of coding %s", fault.Quote(s))
	}
	return nil
}
