// Package show displays pictures on a terminal. A terminal that says it knows
// kitty's graphics protocol (https://sw.kovidgoyal.net/kitty/graphics-protocol/) gets
// a PNG file; any other gets half-block characters in 24-bit colour.
//
// Can reports whether standard output is such a terminal. Look returns which of the two
// it is, and how many pixels fit. The caller scales the picture to that and
// calls Kitty or Blocks.
package show

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"

	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/system"
)

// Screen is a terminal's window.
type Screen struct {
	W, H  int  // largest picture: in pixels with Kitty, else in half-blocks
	Kitty bool // it takes a PNG file
}

// Can reports whether f is a terminal that pictures can be shown on.
func Can(f *os.File) bool {
	term := os.Getenv("TERM")
	return cli.Terminal(f) && term != "" && term != "dumb"
}

// Assumed of a terminal that doesn't report them: the size of the window in characters,
// and of a character in pixels.
const (
	defaultCols, defaultRows = 80, 24
	cellW, cellH             = 10, 20
)

// Look returns the window of f, for which Can is true. It leaves out one line, for
// the prompt that follows.
func Look(f *os.File) Screen {
	ws := system.WindowOf(f)
	cols, rows := ws.Cols, ws.Rows
	if cols == 0 || rows == 0 {
		cols, rows = defaultCols, defaultRows
	}
	left := max(rows-1, 1)
	if !mayAsk(os.Getenv("TERM"), os.Getenv("TMUX")) || !ask(f) {
		return Screen{W: cols, H: 2 * left}
	}
	w, h := ws.Width, ws.Height
	if w == 0 || h == 0 {
		w, h = cols*cellW, rows*cellH
	}
	return Screen{W: w, H: max(h*left/rows, 1), Kitty: true}
}

// mayAsk reports whether a terminal of that kind can be asked for kitty's
// protocol. tmux and screen take the question for a title, and some others display
// it.
func mayAsk(term, tmux string) bool {
	if tmux != "" {
		return false
	}
	for _, no := range []string{"screen", "tmux", "linux", "vt", "cons25"} {
		if strings.HasPrefix(term, no) {
			return false
		}
	}
	return true
}

// Blocks writes a picture: rows of width RGB pixels, 3 bytes each, from top to
// bottom. One character shows two pixels, one above the other. It is the upper half
// block (U+2580) in the colour of the upper pixel, on the colour of the lower one.
func Blocks(w io.Writer, pix []byte, width int) error {
	b := bufio.NewWriter(w)
	stride := 3 * width
	for ; len(pix) >= stride && stride > 0; pix = pix[min(2*stride, len(pix)):] {
		upper, lower := pix[:stride], pix[stride:]
		if len(lower) < stride {
			lower = nil // an odd height
		}
		was := ""
		for i := 0; i < stride; i += 3 {
			sgr := fmt.Sprintf("\x1b[38;2;%d;%d;%d", upper[i], upper[i+1], upper[i+2])
			if lower != nil {
				sgr += fmt.Sprintf(";48;2;%d;%d;%d", lower[i], lower[i+1], lower[i+2])
			}
			if sgr != was {
				b.WriteString(sgr + "m")
				was = sgr
			}
			b.WriteString("▀")
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.Flush()
}

// chunk is the largest payload of one escape code of kitty's protocol, in characters
// of base64.
const chunk = 4096

// Kitty writes a PNG file to a terminal by kitty's protocol.
func Kitty(w io.Writer, png []byte) error {
	b := bufio.NewWriter(w)
	text := base64.StdEncoding.EncodeToString(png)
	keys := "a=T,f=100,q=2," // transmit and show, PNG, no answers
	for more := true; more; keys = "" {
		n := min(chunk, len(text))
		more = n < len(text)
		m := 0
		if more {
			m = 1
		}
		fmt.Fprintf(b, "\x1b_G%sm=%d;%s\x1b\\", keys, m, text[:n])
		text = text[n:]
	}
	b.WriteByte('\n')
	return b.Flush()
}
